//! Kafka Connect, distributed: one worker, with the connectors for files.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use kafka_emr_tests::fetch_connect;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{Daemon, JAVA_OPTIONS, readme, shell, without_names};
use crate::site::{Site, TOPIC};
use crate::support::{LIMIT, fails, succeeds};

/// Kafka's own script, without Kafka's own folders around it.
fn script() -> String {
    let jars = fetch_connect().unwrap().join("*");
    let class = "org.apache.kafka.connect.cli.ConnectDistributed";
    format!("#!/bin/sh\nexec java -Xmx256m {JAVA_OPTIONS} -cp '{}' {class} \"$@\"\n", jars.display())
}

fn properties(servers: &str, port: u16) -> String {
    format!(
        "bootstrap.servers={servers}\ngroup.id=connect\nlisteners=http://127.0.0.1:{port}\n\
         key.converter=org.apache.kafka.connect.storage.StringConverter\n\
         value.converter=org.apache.kafka.connect.storage.StringConverter\n\
         config.storage.topic=connect-configs\noffset.storage.topic=connect-offsets\nstatus.storage.topic=connect-status\n\
         offset.storage.partitions=1\nstatus.storage.partitions=1\nscheduled.rebalance.max.delay.ms=0\n\
         offset.flush.interval.ms=500\nplugin.discovery=service_load\n"
    )
}

/// Makes a connector through the worker's REST API.
fn create(api: &str, name: &str, configuration: &Value) {
    let mut curl = Command::new("curl");
    curl.args(["--silent", "--show-error", "--fail-with-body", "--noproxy", "*", "--max-time", "60"]);
    curl.args(["--json", &json!({"name": name, "config": configuration}).to_string()]);
    succeeds(curl.arg(format!("{api}/connectors")));
}

#[track_caller]
fn wait_for_line(file: &Path, line: &str) {
    let end = Instant::now() + LIMIT;
    while !fs::read_to_string(file).is_ok_and(|text| text.lines().any(|there| there == line)) {
        assert!(Instant::now() < end, "no {line:?} in {}", file.display());
        thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn kafka_connect_from_a_file_to_a_file() {
    let site = Site::r2();
    println!("Kafka Connect by exec on {}", site.name);
    let folder = TempDir::new().unwrap();
    let at = |name: &str| folder.path().join(name);
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    fs::copy(site.description(), at("prod.toml")).unwrap();
    fs::write(at("worker.properties"), properties(&site.servers, port)).unwrap();
    fs::write(at("connect-distributed.sh"), script()).unwrap();
    fs::set_permissions(at("connect-distributed.sh"), fs::Permissions::from_mode(0o755)).unwrap();
    let [line] = &readme("connect-distributed.sh")[..] else { panic!("one line") };
    let typed = |line: &str| shell(line, &folder, folder.path());

    // Without, the worker gives up: what it finds by the EIPs are private IPs.
    let limit = "\ndefault.api.timeout.ms=5000\nrequest.timeout.ms=4000\n";
    fs::write(at("impatient.properties"), properties(&site.servers, port) + limit).unwrap();
    let impatient = without_names(line).replace("worker.properties", "impatient.properties");
    fails(&mut typed(&impatient), &["Failed to connect to and describe Kafka cluster"]);

    let mut worker = Daemon::start(&mut typed(line), at("worker.log"));
    worker.wait_for("end of the start", |log| log.contains("Finished starting connectors and tasks").then_some(()));
    let api = format!("http://127.0.0.1:{port}");
    fs::write(at("from"), "an order\n").unwrap();
    create(&api, "from", &json!({"connector.class": "FileStreamSource", "file": at("from"), "topic": TOPIC}));
    create(&api, "to", &json!({"connector.class": "FileStreamSink", "file": at("to"), "topics": TOPIC}));
    wait_for_line(&at("to"), "an order");
}
