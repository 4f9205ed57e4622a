//! Real Apache Kafka clusters on this machine, for the tests of kafka-emr.
//!
//! Every broker is a JVM that runs the released jars. Linux answers on all of 127.0.0.0/8, so each
//! broker gets loopback addresses of its own, as the nodes of a cluster in a VPC have:
//!
//! * its *client* listener, wherever the test puts it, advertising whatever the test says, names
//!   included that nothing on this machine resolves. It is
//!   plain, unless the cluster is started with a [`Security`];
//! * its *internal* listener at 127.30.1.x:9094 (127.30.2.x of a second cluster), for the other brokers and for the harness.
//!
//! ```no_run
//! use kafka_emr_tests::{Broker, KafkaCluster, KafkaVersion};
//!
//! let brokers = [24, 25, 26].map(|host| Broker {
//!     id: host - 23,
//!     listen: format!("127.10.1.{host}:9092").parse().unwrap(),
//!     advertised: format!("emr-worker-{}.cluster-48742:9092", host - 23),
//! });
//! let mut cluster = KafkaCluster::start(KafkaVersion::V2_4_1, &brokers);
//! cluster.stop_broker(2);
//! ```

mod address;
mod certificate;
mod cluster;
mod config;
mod fetch;
mod poll;
mod process;
mod ready;
mod security;
mod version;

pub use certificate::Certificate;
pub use cluster::{Broker, KafkaCluster};
pub use fetch::{fetch, fetch_connect, fetch_flink_kafka, fetch_mirror_maker, fetch_spark_kafka};
pub use process::Guard;
pub use security::{Mechanism, Sasl, Security};
pub use version::KafkaVersion;

/// Fails the test, at the line in the test that asked.
#[track_caller]
fn must<T>(result: Result<T, String>) -> T {
    match result {
        Ok(value) => value,
        Err(why) => panic!("{why}"),
    }
}
