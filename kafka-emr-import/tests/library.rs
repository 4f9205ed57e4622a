//! The library as programs use it. What its results look like is in the tests of `kafka-emr import`.

use std::error::Error as _;
use std::fs;
use std::path::{Path, PathBuf};

use kafka_emr_core::Network;
use kafka_emr_import::{Attribute, Call, Document, Error, ErrorKind, Importer, Inventory, Update};

const GIVEN: [(Attribute, &str); 2] = [(Attribute::Id, "48742"), (Attribute::Release, "EMR-3.10.1")];

fn inventory(mut importer: Importer, input: &str, given: &[(Attribute, &str)]) -> Result<Inventory, Error> {
    importer.add(input, "input")?;
    given.iter().try_for_each(|(attribute, value)| importer.given(*attribute, value, "--option"))?;
    importer.finish()
}

fn update(description: &str, input: &str) -> Result<Update, Error> {
    let document = Document::parse(description, Path::new("description"))?;
    document.update(&inventory(Importer::for_update(&document, "description"), input, &[])?)
}

/// The seeds of the fuzz target: an input, and perhaps a description after a line `%%`.
fn seeds() -> Vec<(PathBuf, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/seeds/import");
    let seeds = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    seeds.map(|path| (path.clone(), fs::read_to_string(path).unwrap())).collect()
}

#[test]
fn the_seeds_of_the_fuzz_target_reach_the_end() {
    for (path, text) in seeds() {
        let shown = path.display();
        let Some((input, description)) = text.split_once("\n%%\n") else {
            let alone = inventory(Importer::new(Network::Private), &text, &[]).unwrap().cluster();
            let given = || inventory(Importer::new(Network::Private), &text, &GIVEN)?.cluster();
            alone.or_else(|_| given()).unwrap_or_else(|e| panic!("{shown}: {e:#}"));
            continue;
        };
        let first = update(description, input).unwrap_or_else(|e| panic!("{shown}: {e:#}"));
        assert_ne!(first.changes, [], "{shown}");
        let second = update(&first.text, input).unwrap_or_else(|e| panic!("{shown}: {e:#}"));
        assert_eq!((second.changes, second.text), (vec![], first.text), "{shown}");
    }
}

#[test]
fn an_error_has_a_kind_and_does_not_repeat_its_source() {
    let create = |input: &str| inventory(Importer::new(Network::Private), input, &[])?.cluster().map(drop);
    let worker = r#"[{"HostName": "emr-worker-1", "PrivateIp": "10.0.1.24"}]"#;
    let header = "10.0.1.23 emr-header-1.cluster-48742\n";
    let given = |input: &str| inventory(Importer::new(Network::Public), input, &GIVEN)?.cluster().map(drop);
    let description =
        "id = \"48742\"\nrelease = \"3.10\"\nnodes = [{name = \"emr-worker-1\", private_ip = \"10.0.1.24\"}]\n";
    let updated = |description, input| update(description, input).map(drop);
    let cases = [
        (create("password hunter2"), ErrorKind::Input, true),
        (create("{}"), ErrorKind::Input, false),
        (create("{\"HostList\": "), ErrorKind::Input, false),
        (create(description), ErrorKind::Description, false),
        (create(r#"{"Code": "Throttling", "Message": "Slow down."}"#), ErrorKind::Api, false),
        (create("10.0.1.24 emr-worker-1.cluster-1\n10.0.2.24 emr-worker-1.cluster-2\n"), ErrorKind::Conflict, false),
        (create(r#"{"Cluster": {}}"#), ErrorKind::Incomplete, false),
        (create(worker), ErrorKind::Missing(Attribute::Id), false),
        (create("10.0.1.24 emr-worker-1.cluster-1\n"), ErrorKind::Missing(Attribute::Release), false),
        (
            create("10.0.1.24 core-1-1.c-0edf.cn-shanghai.emr.aliyuncs.com\n"),
            ErrorKind::Missing(Attribute::Release),
            false,
        ),
        (given(header), ErrorKind::Cluster, true),
        (given(worker), ErrorKind::Cluster, true),
        (updated("id = 7\n", worker), ErrorKind::Update, true),
        (updated(header, worker), ErrorKind::Update, false),
        (updated(description, header), ErrorKind::NoCommonNode, false),
        (
            updated(description, &format!("{header}10.0.1.25 emr-worker-2.cluster-48742\n")),
            ErrorKind::NoCommonNode,
            false,
        ),
    ];
    for (result, kind, has_source) in cases {
        let error = result.unwrap_err();
        let (short, whole) = (error.to_string(), format!("{error:#}"));
        assert_eq!((error.kind(), error.source().is_some()), (kind, has_source), "{whole}");
        assert!(!short.contains('\n') && !short.ends_with('.') || short.ends_with("Slow down."), "{short}");
        match error.source().map(ToString::to_string) {
            Some(source) => {
                assert!(!short.contains(&source) && whole.starts_with(&format!("{short}: {source}")), "{whole}")
            }
            None => assert_eq!(short, whole),
        }
        assert!(!whole.contains("hunter2"), "{whole}");
    }
}

#[test]
fn a_region_is_needed_where_long_domains_have_it() {
    let nodes = r#"{"Nodes": [{"NodeName": "core1-1", "PrivateIp": "10.0.1.24"}]}"#;
    let with = |given: &[_]| inventory(Importer::new(Network::Private), nodes, given)?.cluster();
    let id = [(Attribute::Id, "c-0edf"), (Attribute::Release, "5.8")];
    assert_eq!(with(&id).unwrap_err().kind(), ErrorKind::Missing(Attribute::Region));
    with(&[&id[..], &[(Attribute::Region, "cn-shanghai")]].concat()).unwrap();
    let old = with(&[&GIVEN[..], &[(Attribute::Region, "cn-shanghai")]].concat());
    assert_eq!(old.unwrap_err().kind(), ErrorKind::Conflict);
}

#[test]
fn calls_have_the_names_of_the_api() {
    let shown = Call::ALL.map(|call| call.to_string());
    assert_eq!(shown, Call::ALL.map(|call| format!("{call:?}")));
    let naming: Vec<_> = Call::ALL.into_iter().filter(|call| call.names_machines()).collect();
    assert_eq!(naming, [Call::ListClusterHost, Call::ListFlowClusterHost, Call::ListNodes]);
}

#[test]
fn a_description_that_lists_a_node_twice_is_not_updated() {
    let node = |name: &str, n: u8| format!("[[nodes]]\nname = \"{name}\"\nprivate_ip = \"10.0.1.{n}\"\n");
    let input = "10.0.1.24 emr-worker-1.cluster-48742\n";
    let top = "id = \"48742\"\nrelease = \"3.10\"\n".to_owned();
    let error =
        update(&(top + &node("emr-worker-1", 24) + &node("emr-worker-9", 29) + &node("EMR-worker-9", 30)), input);
    let error = error.err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Update);
    assert!(error.to_string().contains("EMR-worker-9: listed twice"), "{error}");
}
