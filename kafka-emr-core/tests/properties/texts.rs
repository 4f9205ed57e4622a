//! Texts that mean nothing, and texts that nearly mean something.

use std::collections::BTreeSet;

use kafka_emr_core::{Cluster, Description, EmrVersion, Lookup, Network, NodeDescription, Overrides, Source};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::*;

/// Arbitrary text: any characters, or any bytes as far as they are text.
pub(crate) fn noise() -> impl Strategy<Value = String> {
    prop_oneof![
        vec(any::<char>(), 0..200).prop_map(String::from_iter),
        vec(any::<u8>(), 0..400).prop_map(|bytes| String::from_utf8_lossy(&bytes).into_owned()),
        vec(select(b" \t\r\n.:/?&=#\"'[]{},;-_%019afxEMRv".as_slice()), 0..200)
            .prop_map(|bytes| String::from_utf8(bytes).unwrap()),
    ]
}

/// One of the good pieces most of the time, else one of the bad.
fn piece(good: &'static [&'static str], bad: &'static [&'static str]) -> impl Strategy<Value = &'static str> {
    prop_oneof![60 => select(good), 1 => select(bad)]
}

fn release() -> impl Strategy<Value = &'static str> {
    piece(
        &["EMR-3.10.1", "EMR-3.16.0_pre", "V3.11.X", "EMR V3.44.0", "E-MapReduce-3.12.0", "3.11", "3.9", "5.x"],
        &["", "3", "three", "3.1O", "EMR-3.10.1\\n", "\u{FF13}.11", "99999999999.1", "3.11.x.x", "-3.11"],
    )
}

fn address() -> impl Strategy<Value = &'static str> {
    piece(
        &["10.0.1.24", "10.0.1.25", "10.0.1.26", "203.0.113.24", "203.0.113.25", "fd00::24", "2001:DB8::25"],
        &["", "10.0.1", "10.0.1.256", "0.0.0.0", "::", "224.0.0.1", "ff02::1", "[::1]", "fe80::1%eth0", "１0.0.1.24"],
    )
}

fn name() -> impl Strategy<Value = &'static str> {
    piece(
        &[
            "emr-header-1",
            "emr-worker-1",
            "emr-worker-2",
            "EMR-Worker-3",
            "emr-gateway-1",
            "core1-1",
            "core-1-1",
            "core-1-2",
            "master-1-1",
            "task-1",
            "iZbp1h9g7boqo9x23qbifiZ",
            "emr-worker-1.cluster-48742",
            "emr-worker-2.cluster-48742",
            "EMR-WORKER-3.CLUSTER-48742.",
            "emr-header-1.cluster-48742",
            "emr-worker-1.cluster-48743",
            "core-1-1.c-0edfee2cccaecc75.cn-shanghai.emr.aliyuncs.com",
            "core1-2.c-0edfee2cccaecc75.cn-shanghai.emr.aliyuncs.com",
            "core-1-3.C-0EDFEE2CCCAECC75.CN-SHANGHAI.EMR.ALIYUNCS.COM",
            "localhost",
            "db.example.com",
        ],
        &[
            "",
            ".",
            "a..b",
            ".cluster-1",
            "emr－worker-1",
            "emr worker",
            "a\\nb",
            "emr-worker-1..",
            "é",
            "emr-worker-9.",
            "10.0.1.24",
        ],
    )
}

/// Mostly names that tell what the node is.
fn node_name() -> impl Strategy<Value = &'static str> {
    piece(&["emr-header-1", "emr-worker-1", "emr-worker-2", "core1-1", "core-1-2", "task-1"], &["kafka-1", "a b", ""])
}

/// A release of which some pieces are wrong or missing.
fn release_like() -> impl Strategy<Value = String> {
    let number = || piece(&["3", "11", "007", "4294967295"], &["", "4294967296", "-1", "\u{FF13}", "3.", "é"]);
    (
        piece(&["", " ", "EMR", "emr", "E-MapReduce"], &["EMRE", "EM"]),
        piece(&["", "-", " ", "   "], &["--", "_", "\n"]),
        piece(&["", "V", "v"], &["VV"]),
        number(),
        number(),
        piece(&["", ".0", ".X", ".x", ".1_pre", " "], &[".", ".X.1", ".1_", "-pre", ".1 \n2", "\u{0}"]),
    )
        .prop_map(|(product, joint, v, major, minor, rest)| format!("{product}{joint}{v}{major}.{minor}{rest}"))
}

/// An inline source, or what somebody takes for one. Only a `/` after the id could make a file of it.
fn source_like() -> impl Strategy<Value = String> {
    let parameter = prop_oneof![
        4 => (node_name(), address(), address()).prop_map(|(name, private, public)| format!("{name}={private}/{public}")),
        2 => (node_name(), address()).prop_map(|(name, private)| format!("{name}={private}")),
        1 => name().prop_map(|name| format!("{name}=10.0.9.9")),
        1 => select(["network=public", "network=private", "bootstrap=names", "strict=true", "port=9094"].as_slice())
            .prop_map(str::to_owned),
        1 => select(["region=cn-shanghai", "cluster_id=x%0Ay", "id=1", "port=0", "netwrk=public", "%zz", "=", "a=b#c"].as_slice())
            .prop_map(str::to_owned),
    ];
    let scheme = piece(&["emr://", "EMR://"], &["emr:/", "emr:////", "http://", "emr://u:p@", "emr:"]);
    let id = piece(
        &["48742", "48743", "c-0edfee2cccaecc75", "", "1"],
        &["a b", "a\nb", "[", "cluster-1", "1:2", "é", "%0a"],
    );
    let part = (scheme, id, option::weighted(0.9, release()), vec(parameter, 0..6)).prop_map(
        |(scheme, id, release, parameters)| {
            let release = release.map(|release| format!("release={release}"));
            format!("{scheme}{id}?{}", release.into_iter().chain(parameters).collect::<Vec<_>>().join("&"))
        },
    );
    vec(part, 1..3).prop_map(|parts| parts.join(";"))
}

/// Hosts text of which most lines are right.
fn hosts_like() -> impl Strategy<Value = String> {
    let space = || piece(&[" ", "\t", "  \t "], &["\u{3000}", "\u{A0}", "\u{B}", ""]);
    let names = vec((space(), name()), 1..4);
    let end = piece(&["\n", "\r\n", " # a comment\n", "#\n", "\n\n"], &["", "\0\n", "\r", "\u{85}", " ＃ 注释\n"]);
    let line = prop_oneof![
        12 => (address(), names, end).prop_map(|(address, names, end)| {
            let names: String = names.iter().map(|(space, name)| [*space, *name].concat()).collect();
            [address, &names, end].concat()
        }),
        1 => select(["\n", "# 10.0.1.24 emr-worker-1\n", "10.0.1.24\n", "\u{FEFF}\n", "emr-worker-1 10.0.1.24\n"].as_slice())
            .prop_map(str::to_owned),
    ];
    vec(line, 0..8).prop_map(|lines| lines.concat())
}

/// A key with a value that is spelled alike in TOML and JSON.
type Pair = (&'static str, String);

fn quoted(text: &str) -> String {
    format!("\"{text}\"")
}

fn pair(keys: &'static [&'static str]) -> impl Strategy<Value = Pair> {
    let any_value = select(
        [
            "",
            "\"\"",
            "\"a\\nb\"",
            "0",
            "-1",
            "9092",
            "70000",
            "1e9",
            "99999999999999999999",
            "true",
            "[]",
            "[1]",
            "[\"a\"]",
            "nan",
        ]
        .as_slice(),
    );
    let any_key = select(["netwrk", "a\\nb", "", "nodes", "name", "é"].as_slice());
    prop_oneof![
        120 => select(keys).prop_flat_map(|key| (Just(key), value_of(key))),
        1 => (select(keys), any_value.clone().prop_map(str::to_owned)),
        1 => (any_key, any_value.prop_map(str::to_owned)),
    ]
}

fn value_of(key: &'static str) -> BoxedStrategy<String> {
    let words = |good, bad| piece(good, bad).prop_map(quoted).boxed();
    match key {
        "id" => words(&["48742", "c-0edfee2cccaecc75", "Ab-1"], &["", "cluster-1", "C-1", "c-", "a.b", "a\\nb"]),
        "release" => release().prop_map(quoted).boxed(),
        "network" => words(&["private", "public"], &["", "Public", "internet\\n"]),
        "region" => words(&["cn-shanghai"], &["", "cn shanghai", "\\n"]),
        "bootstrap" => words(&["addresses", "names"], &["ips", ""]),
        "cluster_id" => words(&["AbCdEfGhIjKlMnOpQrStUv", "a\\n\\u0000\\\"b"], &[""]),
        "port" => piece(&["9092", "65535"], &["0", "-1", "65536"]).prop_map(str::to_owned).boxed(),
        "strict" | "broker" => select(["true", "false"].as_slice()).prop_map(str::to_owned).boxed(),
        "name" | "host" => name().prop_map(quoted).boxed(),
        "aliases" => vec(name().prop_map(quoted), 0..3).prop_map(|names| format!("[{}]", names.join(", "))).boxed(),
        "private_ip" | "public_ip" => address().prop_map(quoted).boxed(),
        "role" => words(&["master", "core", "task", "gateway"], &["broker", ""]),
        "connect" => words(
            &["127.0.0.1:19092", "[::1]:19093", "[fe80::1%3]:19094"],
            &["localhost:1", "127.0.0.1:0", "::1:9092", "127.0.0.1:65536"],
        ),
        other => unreachable!("{other} is no key"),
    }
}

/// The pairs of a description, and of each of its nodes.
fn description_like() -> impl Strategy<Value = (Vec<Pair>, Vec<Vec<Pair>>)> {
    const TOP: &[&str] = &["network", "bootstrap", "strict", "port", "cluster_id"];
    const NODE: &[&str] = &["public_ip", "role", "broker", "host", "aliases", "connect"];
    let always = |key| option::weighted(0.95, pair(key));
    let top = (always(&["id"]), always(&["release"]), always(&["region"]), vec(pair(TOP), 0..3))
        .prop_map(|(id, release, region, rest)| unique([id, release, region].into_iter().flatten().chain(rest)));
    let node = (always(&["name"]), always(&["private_ip"]), vec(pair(NODE), 0..3))
        .prop_map(|(name, private, rest)| unique([name, private].into_iter().flatten().chain(rest)));
    (top, vec(node, 0..4))
}

/// Leaves most repeated keys out, which would hide every other mistake.
fn unique(pairs: impl Iterator<Item = Pair>) -> Vec<Pair> {
    let mut seen = BTreeSet::new();
    pairs.filter(|(key, value)| seen.insert(*key) || value.len() == 4).collect()
}

fn as_toml((top, nodes): &(Vec<Pair>, Vec<Vec<Pair>>)) -> String {
    let lines = |pairs: &[Pair]| pairs.iter().map(|(key, value)| format!("\"{key}\" = {value}\n")).collect::<String>();
    let nodes: Vec<String> = nodes.iter().map(|node| format!("[[nodes]]\n{}", lines(node))).collect();
    lines(top) + &nodes.concat()
}

fn as_json((top, nodes): &(Vec<Pair>, Vec<Vec<Pair>>)) -> String {
    let members = |pairs: &[Pair]| pairs.iter().map(|(key, value)| format!("\"{key}\": {value}")).collect::<Vec<_>>();
    let nodes: Vec<String> = nodes.iter().map(|node| format!("{{{}}}", members(node).join(",\n"))).collect();
    let mut top = members(top);
    top.push(format!("\"nodes\": [{}]", nodes.join(",\n")));
    format!("{{{}}}", top.join(",\n"))
}

fn read_every_way(text: &str) {
    checked(text.parse::<EmrVersion>());
    for read in [Description::from_toml(text), Description::from_json(text)] {
        if let Some(description) = checked(read) {
            use_all(vec![description]);
        }
    }
    read_hosts_text(text);
    read_source(text);
}

fn read_hosts_text(text: &str) {
    for network in [Network::Private, Network::Public] {
        if let Some(descriptions) = checked(Description::from_hosts_text(text, network)) {
            use_all(descriptions);
        }
    }
}

fn read_source(text: &str) {
    let Some(source) = checked(text.parse::<Source>()) else { return };
    if source.files().next().is_some() {
        return;
    }
    check_line(&source.to_string());
    assert_eq!(source.to_text().parse::<Source>().unwrap().to_text(), source.to_text());
    let load = |source: &Source| {
        if let Some(clusters) = checked(source.load()) {
            use_all(clusters.iter().map(Cluster::description).collect());
        }
    };
    load(&source);
    let mut overrides = Overrides::default();
    for (key, value) in
        [("network", "public"), ("release", "3.9"), ("bootstrap", "names"), ("id", "48742"), ("x", text)]
    {
        checked(overrides.set(key, value));
        load(&source.clone().with(&overrides));
    }
}

#[test]
fn a_name_that_is_accepted_makes_a_long_domain_that_can_be_looked_up() {
    for name in ["emr-worker-1.", "EMR-Worker-1", "core.1", &format!("core-{}", "a".repeat(245))] {
        let mut node = NodeDescription::new(name);
        (node.private_ip, node.broker) = (Some([10, 0, 1, 24].into()), Some(true));
        let mut description = Description::new(EmrVersion::new(3, 10));
        description.settings.id = Some("48742".to_owned());
        description.nodes.push(node);
        let Some(cluster) = checked(Cluster::new(description)) else { continue };
        let endpoints = cluster.endpoints();
        let host = &endpoints.bootstrap()[0].host;
        assert!(!host.contains(".."), "{name}: {host}");
        assert!(matches!(look_up(endpoints.hosts(), host), Lookup::Mapped(_)), "{name}: {host} is not mapped");
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn noise_is_refused_in_one_line(text in noise()) {
        read_every_way(&text);
        read_source(&format!("emr://{text}"));
        read_source(&format!("emr://48742?release=3.11&emr-worker-1=10.0.1.24&{text}"));
    }

    #[test]
    fn releases_are_read_or_refused_in_one_line(text in release_like()) {
        checked(text.parse::<EmrVersion>());
    }

    #[test]
    fn sources_are_read_or_refused_in_one_line(text in source_like()) {
        read_source(&text);
    }

    #[test]
    fn hosts_texts_are_read_or_refused_in_one_line(text in hosts_like()) {
        read_hosts_text(&text);
    }

    #[test]
    fn descriptions_are_read_or_refused_in_one_line(description in description_like(), cut in option::weighted(0.1, any::<Index>())) {
        for mut text in [as_toml(&description), as_json(&description)] {
            if let Some(cut) = cut {
                text = text.chars().take(cut.index(text.len() + 1)).collect();
            }
            read_every_way(&text);
        }
    }
}

#[test]
fn a_megabyte_of_anything_is_read_or_refused() {
    const SIZE: usize = 1 << 20;
    let mut state = 1_u32;
    let mut next = || {
        // xorshift, so that the noise is the same every time.
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state.to_le_bytes()
    };
    let bytes: Vec<u8> = std::iter::repeat_with(&mut next).flatten().take(SIZE).collect();
    let of = |piece: &str| piece.repeat(SIZE / piece.len());
    let printable: String = bytes.iter().map(|byte| char::from(b' ' + byte % 95)).collect();
    let short_lines: String =
        bytes.iter().map(|byte| if byte % 32 == 0 { '\n' } else { char::from(b' ' + byte % 95) }).collect();
    let texts = [
        String::from_utf8_lossy(&bytes).into_owned(),
        printable,
        short_lines,
        of("\n"),
        of("[["),
        of("{\"nodes\":"),
        format!("nodes = {}", of("[")),
        format!("nodes = {}", of("{a=")),
        format!("id = \"{}\"", of("4")),
        format!("id = \"48742\"\n{}", of("# comment\n")),
        of("[[nodes]]\n"),
        of("127.0.0.1 localhost\n"),
        of("emr://?;"),
    ];
    for text in &texts {
        read_every_way(text);
    }
}

#[test]
fn many_names_of_one_machine_are_read() {
    // If all names were compared with each other, this would not end within minutes.
    const NAMES: usize = 7000;
    let line = |i: usize| format!("10.0.1.24 emr-worker-{i}.cluster-48742\n");
    let same_line = line(1).repeat(NAMES);
    let same_address: String = (1..=NAMES).map(line).collect();
    for text in [&same_line, &same_address] {
        let mut read = Description::from_hosts_text(text, Network::Private).unwrap();
        assert_eq!(read[0].nodes.len(), 1);
        let cluster = Cluster::new(read.remove(0)).unwrap();
        assert!(cluster.names(&cluster.nodes()[0]).len() >= 2);
    }
    let mut worker = NodeDescription::new("emr-worker-1");
    worker.private_ip = Some([10, 0, 1, 24].into());
    worker.aliases = (1..=NAMES).map(|i| format!("alias-{i}")).collect();
    let mut description = Description::new(EmrVersion::new(3, 11));
    description.nodes.push(worker);
    let text = description.to_toml().unwrap();
    Cluster::new(Description::from_toml(&text).unwrap()).unwrap();
}
