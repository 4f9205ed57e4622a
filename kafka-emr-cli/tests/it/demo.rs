//! `kafka-emr demo`.

use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use expect_test::expect;
use kafka_emr_rs::rdkafka::ClientConfig;
use kafka_emr_rs::rdkafka::consumer::{BaseConsumer, Consumer};
use kafka_emr_rs::{CreateFor, Resolver};

use crate::{kafka_emr, run};

/// Puts a word for what is another on each machine or at each time: ports, and the words of the system resolver.
fn normal(screen: &str) -> String {
    let normal_line = |line: &str| {
        if let Some((head, _port)) = line.split_once("127.0.0.1:") {
            return format!("{head}127.0.0.1:PORT\n");
        }
        for before_error in [
            "    emr-worker-1.cluster-48742: ",
            "    librdkafka: Failed to resolve 'emr-worker-1.cluster-48742:9092': ",
        ] {
            if line.starts_with(before_error) {
                return format!("{before_error}ERROR\n");
            }
        }
        format!("{line}\n")
    };
    screen.lines().map(normal_line).collect()
}

#[test]
fn the_screen() {
    let screen = run(["demo"]).quietly(0);
    if screen.contains("\n! ") {
        // This machine's DNS answers for every name, which the demonstration says.
        return;
    }
    expect![[r#"
        ✓ a cluster of librdkafka's mock brokers is up (EMR-3.10.1, private network, rule R3); its 3 brokers advertise
            emr-worker-1.cluster-48742:9092
            emr-worker-2.cluster-48742:9092
            emr-worker-3.cluster-48742:9092
        ✓ the system resolver does not know these names
            emr-worker-1.cluster-48742: ERROR
        ✓ kafka-emr does, from the cluster's description: no DNS is asked
            emr-worker-1.cluster-48742:9092 → 127.0.0.1:PORT
            emr-worker-2.cluster-48742:9092 → 127.0.0.1:PORT
            emr-worker-3.cluster-48742:9092 → 127.0.0.1:PORT
        ✓ a client without kafka-emr gets nothing
            bootstrap.servers=emr-worker-1.cluster-48742:9092
            librdkafka: Failed to resolve 'emr-worker-1.cluster-48742:9092': ERROR
        ✓ 10,000 messages produced, by a FutureProducer as it is
        ✓ 10,000 messages consumed, each of them once, by a StreamConsumer as it is, from 3 brokers

          broker                           leads partitions  produced  consumed
          ──────────────────────────────────────────────────────────────────────
          emr-worker-1.cluster-48742:9092  0, 3                 3,306     3,306
          emr-worker-2.cluster-48742:9092  1, 4                 3,358     3,358
          emr-worker-3.cluster-48742:9092  2, 5                 3,336     3,336

        unchanged clients reached all brokers by the names that these advertise: no root, no DNS, no hosts file
    "#]]
    .assert_eq(&normal(&screen));
}

#[test]
fn every_message_comes_once_and_from_every_broker() {
    let demo = run(["demo", "--json"]).json(0);
    assert_eq!(demo["ok"], true);
    let steps: Vec<&str> =
        demo["steps"].as_array().unwrap().iter().map(|step| step["name"].as_str().unwrap()).collect();
    assert_eq!(steps, ["start", "system_resolver", "resolver", "without", "produce", "consume"]);
    let brokers = demo["brokers"].as_array().unwrap();
    assert_eq!(brokers.len(), 3);
    for (broker, number) in brokers.iter().zip(1..) {
        assert_eq!(broker["advertised"], format!("emr-worker-{number}.cluster-48742:9092"));
        assert!(broker["consumed"].as_u64().unwrap() > 1000, "{broker}");
    }
    assert_eq!(brokers.iter().map(|broker| broker["consumed"].as_u64().unwrap()).sum::<u64>(), 10_000);
    assert!(demo["cluster_file"].is_null());
}

/// A served cluster that ends when a test does, however that is.
struct Served {
    child: Child,
    file: PathBuf,
}

impl Served {
    fn start() -> Self {
        let mut child = kafka_emr(["demo", "--serve", "--json"]).stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut json = String::new();
        for line in lines.map(Result::unwrap) {
            json += &line;
            if line == "}" {
                break;
            }
        }
        let demo: serde_json::Value = serde_json::from_str(&json).unwrap();
        Served { child, file: demo["cluster_file"].as_str().unwrap().into() }
    }

    fn signal(&mut self, signal: &str) -> Option<i32> {
        let kill = format!("kill -{signal} {}", self.child.id());
        assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
        self.child.wait().unwrap().code()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[track_caller]
fn serves_until(signal: &str) {
    let mut served = Served::start();
    let file: &Path = &served.file.clone();
    assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);

    // What the invitation has to paste.
    let path = file.to_str().unwrap();
    assert!(run(["endpoints", path]).quietly(0).contains("emr-worker-3.cluster-48742"));
    assert!(run(["resolve", path, "emr-worker-1.cluster-48742"]).quietly(0).contains("127.0.0.1:"));
    let cluster = Resolver::open(path).unwrap();
    let consumer: BaseConsumer = ClientConfig::new().set("group.id", "mine").create_for(&cluster).unwrap();
    let metadata = consumer.fetch_metadata(Some("orders"), Duration::from_secs(30)).unwrap();
    assert_eq!(metadata.topics()[0].partitions().len(), 6);

    assert_eq!(served.signal(signal), Some(0));
    assert!(!file.exists());
}

#[test]
fn a_served_cluster_ends_with_ctrl_c() {
    serves_until("INT");
}

#[test]
fn a_served_cluster_ends_with_sigterm() {
    serves_until("TERM");
}
