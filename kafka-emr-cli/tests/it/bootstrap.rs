//! `kafka-emr bootstrap`.

use crate::{NEW, OLD, file, finish, inline, kafka_emr, path, rules, run, toml};

const NAMES: &str = "emr-worker-1.cluster-48742:9092,emr-worker-2.cluster-48742:9092";

#[test]
fn the_value_alone_for_every_rule_and_form() {
    for (rule, forms) in rules() {
        let (servers, setting) = match rule {
            "R1" => ("10.0.1.24:9092,10.0.1.25:9092", None),
            "R2" => ("203.0.113.24:9093,203.0.113.25:9093", Some("kafka.public-access.enable=true")),
            "R3" => (NAMES, None),
            _ => (NAMES, Some("listeners.address.principal=HOST")),
        };
        forms.each("bootstrap", &[], |run| assert_eq!(run.quietly(0), format!("{servers}\n")));
        forms.each("bootstrap", &["--json"], |run| {
            let json = run.json(0);
            assert_eq!(json["bootstrap_servers"], servers);
            assert_eq!(json["rule"], rule);
            assert_eq!(json["network"], forms.network);
            assert_eq!(json["broker_setting"].as_str(), setting);
            assert!(json["release"].is_null() || json["release"] == forms.release, "{json}");
            assert!(json["reason"].as_str().unwrap().contains("EMR-3.11"), "{json}");
        });
    }
}

#[test]
fn options_override_the_description() {
    let source = inline(NEW, "private");
    let with = |options: &[&str]| run(["bootstrap", &source].iter().chain(options)).quietly(0);
    assert_eq!(with(&["--network", "public"]), "203.0.113.24:9093,203.0.113.25:9093\n");
    assert_eq!(with(&["--bootstrap", "names"]), format!("{NAMES}\n"));
    assert_eq!(with(&["--strict"]), "10.0.1.24:9092,10.0.1.25:9092\n");
    let old = inline(OLD, "public");
    assert_eq!(run(["bootstrap", &old, "--bootstrap=addresses"]).quietly(0), "203.0.113.24:9092,203.0.113.25:9092\n");
}

#[test]
fn the_environment_gives_source_and_network() {
    let description = file(".toml", &toml(NEW, "private"));
    let mut command = kafka_emr(["bootstrap"]);
    command.env("KAFKA_EMR_CLUSTER", description.path()).env("KAFKA_EMR_NETWORK", "public");
    assert_eq!(finish(&mut command).quietly(0), "203.0.113.24:9093,203.0.113.25:9093\n");
    command.args(["--network", "private"]);
    assert_eq!(finish(&mut command).quietly(0), "10.0.1.24:9092,10.0.1.25:9092\n");
    command.args([inline(OLD, "private")]);
    assert_eq!(finish(&mut command).quietly(0), format!("{NAMES}\n"));
    // A network in the source itself is nearer.
    let source = "emr://48742?release=3.12&network=private&emr-worker-1=10.0.1.24/203.0.113.24";
    let mut command = kafka_emr(["bootstrap", source]);
    assert_eq!(finish(command.env("KAFKA_EMR_NETWORK", "public")).quietly(0), "10.0.1.24:9092\n");
    assert_eq!(finish(command.args(["--network", "public"])).quietly(0), "203.0.113.24:9093\n");
    let mut command = kafka_emr(["bootstrap", &path(&description)]);
    assert_eq!(finish(command.env("KAFKA_EMR_NETWORK", "")).quietly(0), "10.0.1.24:9092,10.0.1.25:9092\n");
}

#[test]
fn several_clusters_have_no_single_value() {
    let run =
        run(["bootstrap", "emr://1?release=3.11&emr-worker-1=10.0.1.24;emr://2?release=3.11&emr-worker-1=10.0.2.24"]);
    assert_eq!((run.status, run.stdout.as_str()), (2, ""));
    assert_eq!(
        run.stderr,
        "kafka-emr: the source has several clusters (cluster-1, cluster-2): set bootstrap.servers to the brokers of the \
         one you mean\n"
    );
}
