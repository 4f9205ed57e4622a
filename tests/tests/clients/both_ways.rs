//! Node, Python and Java by `kafka-emr exec`, by both of its ways: what they print is the same.

use std::process::Command;

use kafka_emr_tests::KafkaVersion;

use crate::exec::{admin_client, with_kafkajs};
use crate::python;
use crate::site::{Site, TOPIC};
use crate::support::{kafka_emr, succeeds};

/// kafka-python as it is: a message there, and back.
const PYTHON: &str = "
import sys, uuid
from kafka import KafkaConsumer, KafkaProducer
servers, topic = sys.argv[1].split(','), sys.argv[2]
value = uuid.uuid4().bytes
producer = KafkaProducer(bootstrap_servers=servers, max_block_ms=30000)
producer.send(topic, value).get(30)
for message in KafkaConsumer(topic, bootstrap_servers=servers, auto_offset_reset='earliest'):
    if message.value == value:
        break
print('kafka-python works')
";

pub(crate) fn work_on(site: &Site, version: KafkaVersion) {
    let source = site.source();
    let printed = |via: &str| {
        println!("Node, Python and Java by the {via} on {}", site.name);
        let by = |program: &str| -> Command {
            let mut exec = kafka_emr();
            exec.args(["exec", &source, "--via", via, "--", program]);
            exec
        };
        let node = succeeds(&mut with_kafkajs(by("node"), site)).stdout;
        let python = python::with_clients().to_str().unwrap();
        let python = succeeds(by(python).args(["-c", PYTHON, &site.servers, TOPIC])).stdout;
        let java = succeeds(&mut admin_client(by("java"), version, &site.servers, "30000")).stdout;
        // The topics are those of the site, and what clients' groups have.
        let brokers = java.lines().filter(|line| line.starts_with("broker ")).map(str::to_owned).collect::<Vec<_>>();
        (node, python, brokers)
    };
    let (preload, kernel) = (printed("preload"), printed("kernel"));
    assert_eq!(preload, kernel);
    assert_eq!((preload.0.as_str(), preload.1.as_str()), ("kafkajs works\n", "kafka-python works\n"));
    assert_eq!(preload.2.len(), site.advertised.len());
}
