//! MirrorMaker 2 by `kafka-emr exec`, with the names of two clusters at once.

use std::fs::{self, File};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use kafka_emr_rs::rdkafka::ClientConfig;
use kafka_emr_rs::rdkafka::consumer::{BaseConsumer, Consumer};
use kafka_emr_rs::rdkafka::message::Message;
use kafka_emr_rs::rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use kafka_emr_rs::rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use kafka_emr_tests::{Broker, Guard, KafkaCluster, KafkaVersion, fetch_mirror_maker};
use tempfile::TempDir;

use crate::exec::with_names;
use crate::site::{TOPIC, create_topic, file};
use crate::support::{LIMIT, fails, without_ours};

/// The one broker of cluster `id`, whose private IP is `127.NETWORK.1.24`. By its short name, both clusters' are the same.
fn broker(id: &str, network: u8) -> Broker {
    let listen = ([127, network, 1, 24], 9092).into();
    Broker { id: 1, listen, advertised: format!("emr-worker-1.cluster-{id}:9092") }
}

fn description(id: &str, network: u8) -> tempfile::TempPath {
    file(&format!(
        "id = \"{id}\"\nrelease = \"EMR-3.10.1\"\n\
         [[nodes]]\nname = \"emr-worker-1\"\nprivate_ip = \"127.{network}.1.24\"\n"
    ))
}

/// What a user writes, and what makes it quick and small.
const PROPERTIES: &str = "\
clusters=source,target
source.bootstrap.servers=emr-worker-1.cluster-48742:9092
target.bootstrap.servers=emr-worker-1.cluster-1234:9092
source->target.enabled=true
source->target.topics=orders
replication.factor=1
checkpoints.topic.replication.factor=1
heartbeats.topic.replication.factor=1
offset-syncs.topic.replication.factor=1
config.storage.replication.factor=1
offset.storage.replication.factor=1
status.storage.replication.factor=1
";

/// Ends the program when the test does, or dies.
struct Running(Child, #[expect(dead_code, reason = "held, never used")] Guard);

impl Running {
    fn start(command: &mut Command) -> Self {
        without_ours(command);
        let child = command.spawn().unwrap();
        let guard = Guard::of(&child).unwrap();
        Running(child, guard)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The first record of a topic, when there is one.
pub(crate) fn first_record(bootstrap_servers: &str, topic: &str, mut meanwhile: impl FnMut()) -> Option<Vec<u8>> {
    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", bootstrap_servers)
        .set("group.id", "looks")
        .set("topic.metadata.refresh.interval.ms", "500");
    let consumer: BaseConsumer = config.create().unwrap();
    let mut partitions = TopicPartitionList::new();
    (0..6).for_each(|partition| partitions.add_partition_offset(topic, partition, Offset::Beginning).unwrap());
    consumer.assign(&partitions).unwrap();
    let started = Instant::now();
    while started.elapsed() < LIMIT {
        meanwhile();
        // An error says that the topic is not there yet.
        if let Some(Ok(message)) = consumer.poll(Duration::from_millis(200)) {
            return message.payload().map(<[u8]>::to_vec);
        }
    }
    None
}

#[test]
fn mirror_maker_between_two_clusters() {
    let version = KafkaVersion::V2_4_1;
    println!("MirrorMaker 2 by exec, between two clusters of Kafka {version}");
    let source = KafkaCluster::start(version, &[broker("48742", 10)]);
    let target = source.start_beside(version, &[broker("1234", 11)]);
    create_topic(&source.internal_bootstrap(), 1);
    let producer: BaseProducer =
        ClientConfig::new().set("bootstrap.servers", source.internal_bootstrap()).create().unwrap();
    producer.send(BaseRecord::<(), _>::to(TOPIC).partition(0).payload("an order")).map_err(|(error, _)| error).unwrap();
    producer.flush(LIMIT).unwrap();

    let folder = TempDir::new().unwrap();
    let (properties, log) = (folder.path().join("mm2.properties"), folder.path().join("mm2.log"));
    fs::write(&properties, PROPERTIES).unwrap();
    let mirror_maker = |names: Option<&str>| {
        let mut java = with_names(names, "java");
        java.args(["-Xmx256m", "-XX:TieredStopAtLevel=1", "-cp"]).arg(fetch_mirror_maker().unwrap().join("*"));
        java.arg("org.apache.kafka.connect.mirror.MirrorMaker").arg(&properties);
        java
    };
    let descriptions = [description("48742", 10), description("1234", 11)];
    let [first, second] = [0, 1].map(|n| descriptions[n].to_str().unwrap());

    // Not without names, nor with those of one cluster only. It asks for the clusters in any order.
    fails(&mut mirror_maker(None), &["DNS resolution failed for emr-worker-1.cluster-"]);
    fails(&mut mirror_maker(Some(first)), &["DNS resolution failed for emr-worker-1.cluster-1234"]);
    fails(&mut mirror_maker(Some(second)), &["DNS resolution failed for emr-worker-1.cluster-48742"]);

    let out = File::create(&log).unwrap();
    let mut command = mirror_maker(Some(&format!("{first};{second}")));
    command.stdin(Stdio::null()).stdout(out.try_clone().unwrap()).stderr(out);
    let mut mirror_maker = Running::start(&mut command);
    let ended = || {
        if let Some(status) = mirror_maker.0.try_wait().unwrap() {
            panic!("MirrorMaker ended with {status}:\n{}", fs::read_to_string(&log).unwrap());
        }
    };
    let mirrored = first_record(&target.internal_bootstrap(), "source.orders", ended);
    assert_eq!(mirrored.as_deref(), Some(&b"an order"[..]), "{}", fs::read_to_string(&log).unwrap());
}
