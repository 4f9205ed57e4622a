//! Clusters to run clients on, all with the same long domains and topic.

use std::any::Any;
use std::path::{Path, PathBuf};
use std::time::Duration;

use kafka_emr_rs::mocking::MockEmrCluster;
use kafka_emr_rs::rdkafka::ClientConfig;
use kafka_emr_rs::rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use kafka_emr_rs::rdkafka::client::DefaultClientContext;
use kafka_emr_tests::{Broker, KafkaCluster, KafkaVersion};

/// A topic that every site has, with six partitions.
pub(crate) const TOPIC: &str = "orders";

/// The brokers by their long domains.
pub(crate) const NAMES: &str =
    "emr-worker-1.cluster-48742:9092,emr-worker-2.cluster-48742:9092,emr-worker-3.cluster-48742:9092";

/// A running cluster and the file that describes it.
pub(crate) struct Site {
    pub(crate) name: &'static str,
    file: tempfile::TempPath,
    /// What a client without kafka-emr would use: the best there is, and not enough.
    pub(crate) servers: String,
    /// What the brokers advertise, sorted.
    pub(crate) advertised: Vec<String>,
    /// Whether it is Apache Kafka, where topics can be created over the protocol.
    pub(crate) real: bool,
    _cluster: Box<dyn Any>,
}

impl Site {
    /// librdkafka's mock brokers, by rule R3.
    pub(crate) fn embedded() -> Self {
        let mock = MockEmrCluster::new().unwrap();
        mock.create_topic(TOPIC, 6, 3).unwrap();
        Site {
            name: "embedded cluster",
            file: file(&mock.cluster().description().to_toml().unwrap()),
            servers: NAMES.to_owned(),
            advertised: mock.advertised().iter().map(ToString::to_string).collect(),
            real: false,
            _cluster: Box::new(mock),
        }
    }

    /// Kafka 1.0.1 by rule R3: long domains are advertised, and lead to private IPs.
    pub(crate) fn r3() -> Self {
        Site::start("R3 on Kafka 1.0.1", KafkaVersion::V1_0_1, "EMR-3.10.1", "private", NAMES, |host| Broker {
            id: i32::from(host) - 23,
            listen: ([127, 10, 1, host], 9092).into(),
            advertised: format!("emr-worker-{}.cluster-48742:9092", host - 23),
        })
    }

    /// Kafka 2.4.1 by rule R2: private IPs are advertised to everybody, and lead to EIPs.
    pub(crate) fn r2() -> Self {
        let eips = "127.20.1.24:9093,127.20.1.25:9093,127.20.1.26:9093";
        Site::start("R2 on Kafka 2.4.1", KafkaVersion::V2_4_1, "EMR-3.11.0", "public", eips, |host| Broker {
            id: i32::from(host) - 23,
            listen: ([127, 20, 1, host], 9093).into(),
            advertised: format!("127.10.1.{host}:9093"),
        })
    }

    fn start(
        name: &'static str,
        version: KafkaVersion,
        release: &str,
        network: &str,
        servers: &str,
        broker: impl Fn(u8) -> Broker,
    ) -> Self {
        let mut description = format!("id = \"48742\"\nrelease = \"{release}\"\nnetwork = \"{network}\"\n");
        for (name, host) in [("emr-header-1", 23), ("emr-worker-1", 24), ("emr-worker-2", 25), ("emr-worker-3", 26)] {
            description += &format!(
                "[[nodes]]\nname = \"{name}\"\nprivate_ip = \"127.10.1.{host}\"\npublic_ip = \"127.20.1.{host}\"\n"
            );
        }
        let brokers = [24, 25, 26].map(broker);
        println!("{name}");
        let cluster = KafkaCluster::start(version, &brokers);
        create_topic(&cluster.internal_bootstrap(), 3);
        Site {
            name,
            file: file(&description),
            servers: servers.to_owned(),
            advertised: brokers.iter().map(|broker| broker.advertised.clone()).collect(),
            real: true,
            _cluster: Box::new(cluster),
        }
    }

    /// The description's path.
    pub(crate) fn description(&self) -> &Path {
        &self.file
    }

    /// The description's path, as text.
    pub(crate) fn source(&self) -> String {
        PathBuf::from(&*self.file).into_os_string().into_string().unwrap()
    }
}

pub(crate) fn file(content: &str) -> tempfile::TempPath {
    let file = tempfile::Builder::new().suffix(".toml").tempfile().unwrap();
    std::fs::write(file.path(), content).unwrap();
    file.into_temp_path()
}

/// Creates [`TOPIC`] past what is under test, by the addresses that the brokers use among themselves.
pub(crate) fn create_topic(bootstrap_servers: &str, replication: i32) {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", bootstrap_servers);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    // Asked anew, by a new client, while the controller is not settled.
    let created = (0..10).any(|_| {
        let admin: AdminClient<DefaultClientContext> = config.create().unwrap();
        let topic = NewTopic::new(TOPIC, 6, TopicReplication::Fixed(replication));
        let options = AdminOptions::new().operation_timeout(Some(Duration::from_secs(30)));
        runtime.block_on(admin.create_topics([&topic], &options)).is_ok_and(|results| results[0].is_ok())
    });
    assert!(created, "the topic {TOPIC} is not created");
}
