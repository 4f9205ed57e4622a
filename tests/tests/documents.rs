//! What the documents say is true today.

use std::path::{Path, PathBuf};
use std::process::Command;

use kafka_emr_rs::kafka_emr_core::{KEYS, NODE_KEYS, Network, RULES, Source};
use kafka_emr_rs::{Cluster, Description};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn document(name: &str) -> String {
    std::fs::read_to_string(root().join(name)).unwrap()
}

/// The blocks of a language.
fn blocks(text: &str, language: &str) -> Vec<String> {
    let fence = format!("\n```{language}\n");
    let blocks = text.split(fence.as_str()).skip(1);
    blocks.map(|rest| rest[..rest.find("```").unwrap()].to_owned()).collect()
}

#[test]
fn the_readmes_cluster_files_are_descriptions_of_one_cluster() {
    let readme = document("README.md");
    let toml = blocks(&readme, "toml");
    let json = blocks(&readme, "json");
    let hosts = blocks(&readme, "text");
    assert_eq!((toml.len(), json.len(), hosts.len()), (1, 1, 1));
    let mut from_toml = Description::from_toml(&toml[0]).unwrap();
    let from_json = Description::from_json(&json[0]).unwrap();
    // The one says its network, which is the default of the other.
    assert_eq!(from_toml.settings.network.take(), Some(Network::default()));
    assert_eq!(from_toml, from_json);
    let described = Cluster::new(from_json).unwrap();
    let hosts = Cluster::new(Description::from_hosts_text(&hosts[0], Network::Private).unwrap().remove(0)).unwrap();
    assert_eq!(hosts.id(), described.id());
    assert_eq!(hosts.rule(), described.rule());
}

#[test]
fn the_readmes_inline_sources_can_be_read() {
    let readme = document("README.md");
    let inline: Vec<&str> = readme.split('`').filter(|text| text.starts_with("emr://")).collect();
    assert!(inline.iter().any(|source| source.starts_with("emr:///")));
    for source in inline {
        let parsed: Source = source.parse().unwrap();
        if !source.starts_with("emr:///") {
            assert_eq!(parsed.load().unwrap().len(), 1);
        }
    }
}

#[test]
fn the_readmes_table_of_rules_is_the_rules() {
    let readme = document("README.md");
    assert_eq!(readme.lines().filter(|line| line.starts_with("| R")).count(), RULES.len());
    for rule in RULES {
        let row = readme.lines().find(|line| line.starts_with(&format!("| {} |", rule.name))).unwrap();
        let releases = rule.releases().replace("EMR-", "");
        let port = format!("port {}", rule.port);
        for part in [&releases, &rule.network.to_string(), port.as_str(), rule.requirement.unwrap_or("|")] {
            assert!(row.contains(part), "{row}: {part}");
        }
    }
}

#[test]
fn the_readmes_table_of_keys_is_the_keys() {
    let readme = document("README.md");
    let start = readme.find("| key | meaning |").unwrap();
    let rows: Vec<&str> = readme[start..].lines().skip(2).take_while(|line| line.starts_with('|')).collect();
    let top = KEYS.iter().map(|key| format!("| `{}` | {} |", key.name, key.meaning));
    let nodes = NODE_KEYS.iter().map(|key| format!("| `nodes.{}` | {} |", key.name, key.meaning));
    let expected: Vec<String> = top.chain(nodes).collect();
    assert_eq!(rows, expected, "write the table as kafka-emr-core/src/keys.rs has it");
}

#[test]
fn the_tests_and_files_that_the_architecture_names_exist() {
    let architecture = document("ARCHITECTURE.md");
    let mut sources = String::new();
    collect(&root(), &mut sources);
    let is_test =
        |name: &&str| name.matches('_').count() >= 3 && name.bytes().all(|b| b == b'_' || b.is_ascii_lowercase());
    let named: Vec<&str> = architecture.split('`').filter(is_test).filter(|name| !name.starts_with("rd_")).collect();
    assert!(named.len() > 10, "{named:?}");
    for name in named {
        assert!(sources.contains(&format!("fn {name}(")), "{name}");
    }
    for file in architecture.split('`').filter(|text| text.ends_with(".rs")) {
        let file = file.trim_start_matches("…/");
        assert!(sources.contains(&format!("{file}\n")), "{file}");
    }
}

/// All Rust files: a line with each path, then its text.
fn collect(directory: &Path, into: &mut String) {
    for entry in std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()) {
        let name = entry.file_name().unwrap().to_string_lossy().into_owned();
        if entry.is_dir() && name != "target" && !name.starts_with('.') {
            collect(&entry, into);
        } else if name.ends_with(".rs") {
            into.push_str(&format!("{}\n{}", entry.display(), std::fs::read_to_string(&entry).unwrap()));
        }
    }
}

#[test]
fn the_core_is_light() {
    let tree = |package: &str| {
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(["tree", "--offline", "--locked", "-e", "normal", "--prefix", "none", "-p", package]);
        let output = cargo.current_dir(root()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let core = tree("kafka-emr-core");
    assert!(core.contains("arc-swap"), "{core}");
    for heavy in ["rdkafka", "libc", "openssl", "tokio", "regex"] {
        assert!(!core.contains(heavy), "kafka-emr-core depends on {heavy}:\n{core}");
    }
    assert!(!tree("kafka-emr-hook").contains("rdkafka"));
    let lib = std::fs::read_to_string(root().join("kafka-emr-core/src/lib.rs")).unwrap();
    assert!(lib.contains("#![forbid(unsafe_code)]"));
}
