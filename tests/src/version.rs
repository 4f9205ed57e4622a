//! The versions of Kafka that the tests run.

use std::fmt;

/// Which Kafka to run. It prints as the number of the release.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KafkaVersion {
    /// Kafka 1.0.1, with ZooKeeper 3.4.
    V1_0_1,
    /// Kafka 2.4.1, with ZooKeeper 3.5.
    V2_4_1,
    /// The newest release that the tests know, with KRaft.
    Newest,
}

impl KafkaVersion {
    /// Every version, oldest first.
    pub const ALL: [KafkaVersion; 3] = [KafkaVersion::V1_0_1, KafkaVersion::V2_4_1, KafkaVersion::Newest];

    fn number(self) -> &'static str {
        match self {
            KafkaVersion::V1_0_1 => "1.0.1",
            KafkaVersion::V2_4_1 => "2.4.1",
            KafkaVersion::Newest => "4.4.0",
        }
    }

    /// The Maven project that names the jars of this version.
    pub(crate) fn pom(self) -> &'static str {
        match self {
            KafkaVersion::V1_0_1 => include_str!("../kafka/kafka-1.0.1.pom.xml"),
            KafkaVersion::V2_4_1 => include_str!("../kafka/kafka-2.4.1.pom.xml"),
            KafkaVersion::Newest => include_str!("../kafka/kafka-4.4.0.pom.xml"),
        }
    }

    /// Whether the brokers keep their metadata themselves (KRaft), not in ZooKeeper.
    pub(crate) fn has_kraft(self) -> bool {
        self == KafkaVersion::Newest
    }
}

impl fmt::Display for KafkaVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.number())
    }
}
