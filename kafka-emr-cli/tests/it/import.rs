//! Descriptions out of what the API answers. The samples have the documented shapes and invented values.

mod files;
mod refusals;
mod update;

use std::fs;
use std::io::Write;
use std::process::Stdio;

use expect_test::{Expect, expect};

use crate::{Run, file, kafka_emr, path, run};

fn sample(name: &str) -> String {
    format!("{}/tests/it/samples/{name}.json", env!("CARGO_MANIFEST_DIR"))
}

/// Imports samples; the rest are options.
fn import(samples: &[&str], options: &[&str]) -> Run {
    let files = samples.iter().map(|name| sample(name));
    run(["import".to_owned()].into_iter().chain(files).chain(options.iter().map(|&option| option.to_owned())))
}

/// Imports what standard input has.
fn import_text(text: &str, options: &[&str]) -> Run {
    let mut child = kafka_emr(["import", "-"].iter().chain(options))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // What is refused early is not read to its end.
    let _ = child.stdin.take().unwrap().write_all(text.as_bytes());
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Run { status: output.status.code().unwrap(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

const OLD: [&str; 4] = ["--id", "48742", "--release", "EMR-3.10.1"];

#[track_caller]
fn shows(run: Run, expected: Expect) {
    assert_eq!(run.status, 0, "{}", run.stderr);
    expected.assert_eq(&format!("{}{}", run.stderr, run.stdout));
}

#[track_caller]
fn endpoints(description: &str, expected: Expect) {
    let description = file(".toml", description);
    expected.assert_eq(&run(["endpoints", &path(&description)]).quietly(0));
}

#[track_caller]
fn refused(run: &Run, says: &[&str]) {
    assert_eq!((run.status, run.stdout.as_str()), (2, ""), "{}", run.stderr);
    let message: Vec<&str> = run.stderr.lines().filter(|line| !line.starts_with("kafka-emr: warn: ")).collect();
    assert_eq!(message.len(), 1, "{}", run.stderr);
    for part in says {
        assert!(format!("{}\n", message[0]).contains(part), "{part:?} is missing: {}", run.stderr);
    }
}

/// The JSON of a run that warns.
#[track_caller]
fn json_of(run: Run, warns: &str) -> serde_json::Value {
    assert!(run.status == 0 && run.stderr.contains(warns), "{}", run.stderr);
    serde_json::from_str(&run.stdout).unwrap()
}

/// A reply of `ListNodes` of some nodes with their roles, and how it goes on.
fn nodes(nodes: &[(&str, &str)], rest: &str) -> String {
    let node = |(name, role): &(&str, &str)| {
        let last = name.bytes().map(u32::from).sum::<u32>() % 250 + 1;
        format!(
            r#"{{"NodeId": "i-{name}", "NodeName": "{name}", "NodeGroupType": "{role}", "PrivateIp": "10.0.1.{last}"}}"#
        )
    };
    format!(r#"{{"Nodes": [{}]{rest}}}"#, nodes.iter().map(node).collect::<Vec<_>>().join(","))
}

/// A reply of `ListComponentInstances`, of one application.
fn components(application: &str, nodes: &[&str], rest: &str) -> String {
    let component = |name: &&str| {
        format!(
            r#"{{"ApplicationName": "{application}", "ComponentName": "{application}Broker", "NodeId": "i-{name}", "NodeName": "{name}"}}"#
        )
    };
    format!(r#"{{"ComponentInstances": [{}]{rest}}}"#, nodes.iter().map(component).collect::<Vec<_>>().join(","))
}

const NEW: [&str; 6] = ["--id", "c-0edf", "--region", "cn-shanghai", "--release", "5.8"];
const FOUR: [(&str, &str); 4] = [("core1-1", "CORE"), ("core1-2", "CORE"), ("task1-1", "TASK"), ("task1-2", "TASK")];

const BY_HAND: &str = r#"# Production. Ask ops before changing.
id      = "48742"           # long domains end in .cluster-48742
release = "V3.10.X"
strict  = true

[[nodes]]
name       = "emr-worker-1"   # the big one
private_ip = "10.0.1.99"      # moved in May
connect    = "127.0.0.1:19092"

# The header comes second here.
[[nodes]]
name       = "emr-header-1"
private_ip = "10.0.1.23"
aliases    = ["zk"]

[[nodes]]
name       = "emr-worker-9"
private_ip = "10.0.1.29"
"#;

#[test]
fn hosts_of_the_old_console() {
    let imported = import(&["list_cluster_host", "describe_cluster_basic_info"], &["--id", "48742"]);
    endpoints(
        &imported.stdout,
        expect![[r#"
        cluster-48742 · EMR-3.10.1 · private network
          rule       R3: before EMR-3.11, clients must know every node by its long domain; on the private network it leads to the node's private IP, port 9092
          document   Cross-cluster access to Kafka: before V3.11.X, private network
          bootstrap  emr-worker-1.cluster-48742:9092,emr-worker-2.cluster-48742:9092

          name          role    broker  long domain                 dials           by
          ─────────────────────────────────────────────────────────────────────────────────────
          emr-header-1  master  no      emr-header-1.cluster-48742  10.0.1.23       private_ip
          emr-worker-1  core    yes     emr-worker-1.cluster-48742  10.0.1.24:9092  private_ip
          emr-worker-2  core    yes     emr-worker-2.cluster-48742  10.0.1.25:9092  private_ip
          emr-worker-3  task    no      emr-worker-3.cluster-48742  10.0.1.26       private_ip
    "#]],
    );
    shows(
        imported,
        expect![[r#"
        kafka-emr: warn: left out, because released or terminated: 1 (emr-worker-4)
        id = "48742"
        release = "EMR-3.10.1"
        network = "private"

        [[nodes]]
        name = "emr-header-1"
        private_ip = "10.0.1.23"

        [[nodes]]
        name = "emr-worker-1"
        private_ip = "10.0.1.24"
        public_ip = "203.0.113.24"

        [[nodes]]
        name = "emr-worker-2"
        private_ip = "10.0.1.25"
        public_ip = "203.0.113.25"

        [[nodes]]
        name = "emr-worker-3"
        private_ip = "10.0.1.26"
        role = "task"
    "#]],
    );
}

#[test]
fn nodes_of_the_new_console_need_no_option() {
    let all = ["list_nodes_1", "list_nodes_2", "list_component_instances", "get_cluster"];
    let imported = import(&all, &[]);
    endpoints(
        &imported.stdout,
        expect![[r#"
        c-0edfee2cccaecc75.cn-shanghai.emr.aliyuncs.com · EMR-5.8.0 · private network
          rule       R1: from EMR-3.11 on, clients on the private network connect to the nodes' private IPs on port 9092; long domains are mapped too, because Kerberos and TLS use them
          document   Cross-cluster access to Kafka: V3.11.X and later, private network
          bootstrap  10.0.1.24:9092,10.0.1.26:9092

          name       role    broker  long domain                                                 dials           by
          ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────
          master1-1  master  no      master-1-1.c-0edfee2cccaecc75.cn-shanghai.emr.aliyuncs.com  10.0.1.23       private_ip
          core1-1    core    yes     core-1-1.c-0edfee2cccaecc75.cn-shanghai.emr.aliyuncs.com    10.0.1.24:9092  private_ip
          core1-2    core    no      core-1-2.c-0edfee2cccaecc75.cn-shanghai.emr.aliyuncs.com    10.0.1.25       private_ip
          task1-1    task    yes     task-1-1.c-0edfee2cccaecc75.cn-shanghai.emr.aliyuncs.com    10.0.1.26:9092  private_ip
    "#]],
    );
    shows(
        imported,
        expect![[r#"
        kafka-emr: warn: left out, because released or terminated: 1 (core1-3)
        id = "c-0edfee2cccaecc75"
        release = "EMR-5.8.0"
        network = "private"
        region = "cn-shanghai"

        [[nodes]]
        name = "master1-1"
        private_ip = "10.0.1.23"
        public_ip = "203.0.113.23"

        [[nodes]]
        name = "core1-1"
        private_ip = "10.0.1.24"
        public_ip = "203.0.113.24"

        [[nodes]]
        name = "core1-2"
        private_ip = "10.0.1.25"
        broker = false

        [[nodes]]
        name = "task1-1"
        private_ip = "10.0.1.26"
        broker = true
    "#]],
    );
}

#[test]
fn instances_are_joined_by_their_ids() {
    let imported =
        import(&["list_cluster_host_camel_case", "describe_cluster_v2"], &["--id", "48742", "--network", "public"]);
    shows(
        imported,
        expect![[r#"
        id = "48742"
        release = "EMR-3.16.0_pre"
        network = "public"

        [[nodes]]
        name = "emr-header-1"
        private_ip = "10.0.1.23"
        public_ip = "203.0.113.23"

        [[nodes]]
        name = "emr-worker-1"
        private_ip = "10.0.1.24"
        public_ip = "203.0.113.24"

        [[nodes]]
        name = "emr-worker-2"
        private_ip = "10.0.1.25"
        public_ip = "203.0.113.25"
    "#]],
    );
}

#[test]
fn pages_in_any_order_on_standard_input_or_in_a_list() {
    let whole = import(&["list_cluster_host"], &OLD).stdout;
    let page = |n: u8| fs::read_to_string(sample(&format!("list_cluster_host_page_{n}"))).unwrap();
    assert_eq!(import_text(&format!("{}{}{}", page(1), page(2), page(3)), &OLD).stdout, whole);
    assert_eq!(import_text(&format!("[{},{},{}]", page(1), page(2), page(3)), &OLD).stdout, whole);
    // Files with marks in front, one after the other. A page that stands twice is one page.
    assert_eq!(
        import_text(&format!("\u{feff}{}\u{feff}{}\n\u{feff}{}{}", page(1), page(2), page(3), page(1)), &OLD).stdout,
        whole
    );
    let backwards = import_text(&format!("{}{}{}", page(3), page(2), page(1)), &OLD);
    assert_eq!(backwards.stdout.matches("[[nodes]]").count(), 4);
}

#[test]
fn long_host_names_have_the_id() {
    let imported = import(&["list_flow_cluster_host"], &["--release", "3.10"]).quietly(0);
    assert!(imported.starts_with("id = \"48742\"\n"), "{imported}");
    assert!(imported.contains("name = \"emr-worker-1\"\n"), "{imported}");
    let hosts = "10.0.1.23 emr-header-1.cluster-48742\n10.0.1.24 emr-worker-1.cluster-48742 kafka-a\n";
    let imported = import_text(hosts, &["--release", "3.10"]).quietly(0);
    assert!(imported.starts_with("id = \"48742\"\n") && imported.contains("aliases = [\"kafka-a\"]"), "{imported}");
    let short = import_text("10.0.1.24 emr-worker-1\n", &OLD).quietly(0);
    endpoints(
        &short,
        expect![[r#"
        cluster-48742 · EMR-3.10.1 · private network
          rule       R3: before EMR-3.11, clients must know every node by its long domain; on the private network it leads to the node's private IP, port 9092
          document   Cross-cluster access to Kafka: before V3.11.X, private network
          bootstrap  emr-worker-1.cluster-48742:9092

          name          role  broker  long domain                 dials           by
          ───────────────────────────────────────────────────────────────────────────────────
          emr-worker-1  core  yes     emr-worker-1.cluster-48742  10.0.1.24:9092  private_ip
    "#]],
    );
}

#[test]
fn fifty_thousand_hosts() {
    let hosts: Vec<String> = (0..50_000)
        .map(|n| {
            format!(
                r#"{{"HostName":"emr-worker-{n}","HostInstanceId":"i-{n}","PrivateIp":"10.1.{}.{}"}}"#,
                n / 250,
                n % 250 + 1
            )
        })
        .collect();
    let hosts = format!("{{\"Total\": 50000, \"HostList\": {{\"Host\": [{}]}}}}", hosts.join(","));
    let imported = import_text(&hosts, &[&OLD[..], &["--json"]].concat()).json(0);
    assert_eq!(imported["brokers"], 50_000);
}

#[test]
fn json() {
    let imported = import(&["list_nodes_1", "list_nodes_2", "get_cluster"], &["--json"]);
    let imported = json_of(imported, "released or terminated: 1 (core1-3)");
    assert_eq!(imported["left_out"], serde_json::json!(["core1-3"]));
    assert_eq!(imported["id"], "c-0edfee2cccaecc75");
    assert!(imported["written"].is_null() && imported["changes"].is_null());
    endpoints(
        imported["description"].as_str().unwrap(),
        expect![[r#"
        c-0edfee2cccaecc75.cn-shanghai.emr.aliyuncs.com · EMR-5.8.0 · private network
          rule       R1: from EMR-3.11 on, clients on the private network connect to the nodes' private IPs on port 9092; long domains are mapped too, because Kerberos and TLS use them
          document   Cross-cluster access to Kafka: V3.11.X and later, private network
          bootstrap  10.0.1.24:9092,10.0.1.25:9092

          name       role    broker  long domain                                                 dials           by
          ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────
          master1-1  master  no      master-1-1.c-0edfee2cccaecc75.cn-shanghai.emr.aliyuncs.com  10.0.1.23       private_ip
          core1-1    core    yes     core-1-1.c-0edfee2cccaecc75.cn-shanghai.emr.aliyuncs.com    10.0.1.24:9092  private_ip
          core1-2    core    yes     core-1-2.c-0edfee2cccaecc75.cn-shanghai.emr.aliyuncs.com    10.0.1.25:9092  private_ip
          task1-1    task    no      task-1-1.c-0edfee2cccaecc75.cn-shanghai.emr.aliyuncs.com    10.0.1.26       private_ip
    "#]],
    );
}

#[test]
fn hosts_text_does_not_decide_which_nodes_are_brokers() {
    // A header alone is a broker in hosts text, because there is nothing else.
    let header = "10.0.1.23 emr-header-1.cluster-48742\n";
    let hosts = file("", header);
    let imported = run(["import", &sample("list_cluster_host_camel_case"), &path(&hosts), "--release", "3.10"]);
    let imported = imported.quietly(0);
    assert!(imported.contains("emr-header-1") && !imported.contains("broker"), "{imported}");
    let alone = import_text(header, &["--release", "3.10"]);
    refused(&alone, &["no broker among the nodes emr-header-1", "ListComponentInstances"]);
    let description = file(".toml", BY_HAND);
    refused(&import_text(header, &["--update", &path(&description)]), &["after the update: no broker"]);
    assert_eq!(fs::read_to_string(description.path()).unwrap(), BY_HAND);
    // The same text twice is one.
    let hosts = "10.0.1.24 emr-worker-1.cluster-48742 kafka-a KAFKA-b\n";
    let twice = [file("", hosts), file("", hosts)];
    let imported = run(["import", &path(&twice[0]), &path(&twice[1]), "--release", "3.10"]).quietly(0);
    assert!(imported.contains("aliases = [\"kafka-a\", \"kafka-b\"]"), "{imported}");
    // Other names are listed, in JSON too.
    let with_others = format!("{hosts}10.0.0.10 coredns\n127.0.0.1 localhost\n");
    let imported = import_text(&with_others, &["--release", "3.10", "--json"]);
    let imported = json_of(imported, "they belong to no node: 2 (coredns, localhost)");
    assert_eq!(imported["plain_hosts"], serde_json::json!(["coredns", "localhost"]));
}

#[test]
fn the_other_address_of_a_node_is_left_out_and_named() {
    let hosts = "10.0.1.25 emr-worker-2.cluster-48742 emr-worker-2 kafka-b\n\
                 fd00::25 emr-worker-2.cluster-48742 emr-worker-2 KAFKA-B v6-only\n";
    let imported = import_text(hosts, &["--release", "3.10", "--json"]);
    let others = "a description has one address for each network, so others are left out: 1 (emr-worker-2 fd00::25)\n";
    assert!(imported.stderr.contains(others), "{}", imported.stderr);
    let imported = json_of(imported, "they belong to no node: 1 (v6-only)\n");
    assert_eq!(imported["plain_hosts"], serde_json::json!(["v6-only"]));
    let expected = serde_json::json!([{"name": "emr-worker-2", "address": "fd00::25"}]);
    assert_eq!(imported["other_addresses"], expected);
    // It is in no description either if a reply has the names.
    let update = file(".toml", BY_HAND);
    let hosts = file("", &hosts.replace("-2", "-1").replace(".25", ".24").replace("::25", "::24"));
    let updated = run(["import", &sample("list_cluster_host"), &path(&hosts), "--update", &path(&update)]);
    assert_eq!(updated.status, 0, "{}", updated.stderr);
    assert!(updated.stderr.contains("left out: 1 (emr-worker-1 fd00::24)\n"), "{}", updated.stderr);
}
