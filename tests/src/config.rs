//! The configuration files.

use std::path::Path;

use crate::address::Slot;
use crate::{Broker, KafkaVersion, Security};

/// The id of the KRaft controller, which no broker may have.
const CONTROLLER_ID: i32 = 1000;

pub(crate) fn zookeeper(place: Slot, data: &Path) -> String {
    let address = place.zookeeper();
    format!(
        "dataDir={}\n\
         clientPort={}\n\
         clientPortAddress={}\n\
         maxClientCnxns=0\n\
         tickTime=1000\n\
         admin.enableServer=false\n",
        data.display(),
        address.port(),
        address.ip(),
    )
}

/// The session timeout is also how long a broker waits to be let in again: the controller keeps
/// the old registration that long, even after a shutdown in good order.
pub(crate) fn controller(place: Slot, replication: usize, data: &Path) -> String {
    let address = place.controller();
    format!(
        "process.roles=controller\n\
         node.id={CONTROLLER_ID}\n\
         listeners=CONTROLLER://{address}\n\
         listener.security.protocol.map=CONTROLLER:PLAINTEXT\n\
         broker.session.timeout.ms=5000\n\
         {}{}\
         log.dirs={}\n",
        quorum(place),
        topics(replication),
        data.display(),
    )
}

/// Of a topic that does not say. With KRaft the controller decides that, else the brokers.
fn topics(replication: usize) -> String {
    format!(
        "auto.create.topics.enable=false\n\
         num.partitions=6\n\
         default.replication.factor={replication}\n\
         min.insync.replicas={}\n",
        min_in_sync(replication),
    )
}

/// How many replicas must have a record: with three, one broker may be away.
fn min_in_sync(replication: usize) -> usize {
    replication.min(2)
}

fn quorum(place: Slot) -> String {
    let address = place.controller();
    format!(
        "controller.listener.names=CONTROLLER\n\
         controller.quorum.voters={CONTROLLER_ID}@{address}\n"
    )
}

/// What formatting leaves in the data folder of a KRaft broker.
///
/// Written here because Kafka's own tool would cost the start one more JVM for every broker. It
/// formats only the controller's folder, which holds more.
pub(crate) fn meta_properties(place: Slot, id: i32) -> String {
    format!("version=1\ncluster.id={}\nnode.id={id}\n", place.cluster_id())
}

/// `replication` is how many replicas a topic has that does not say.
pub(crate) fn broker(
    place: Slot,
    version: KafkaVersion,
    broker: &Broker,
    security: Option<&Security>,
    replication: usize,
    data: &Path,
) -> String {
    let Broker { id, listen, advertised } = broker;
    let internal = place.internal(*id);
    let min_in_sync = min_in_sync(replication);
    let protocol = security.map_or("PLAINTEXT", Security::protocol);

    let mut config = format!(
        "listeners=CLIENT://{listen},INTERNAL://{internal}\n\
         advertised.listeners=CLIENT://{advertised},INTERNAL://{internal}\n\
         listener.security.protocol.map=\
             CLIENT:{protocol},INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT\n\
         inter.broker.listener.name=INTERNAL\n\
         log.dirs={data}\n\
         offsets.topic.num.partitions=3\n\
         offsets.topic.replication.factor={replication}\n\
         transaction.state.log.num.partitions=3\n\
         transaction.state.log.replication.factor={replication}\n\
         transaction.state.log.min.isr={min_in_sync}\n\
         group.initial.rebalance.delay.ms=0\n\
         controlled.shutdown.enable=true\n\
         controlled.shutdown.retry.backoff.ms=500\n\
         controlled.shutdown.max.retries=20\n\
         num.network.threads=2\n\
         num.io.threads=4\n\
         log.cleaner.dedupe.buffer.size=2097152\n",
        data = data.display(),
    );
    config += &if version.has_kraft() {
        // A broker that has just started is let in at one of its heartbeats.
        format!(
            "process.roles=broker\n\
             node.id={id}\n\
             broker.heartbeat.interval.ms=500\n\
             {}",
            quorum(place)
        )
    } else {
        // Kafka and ZooKeeper start at the same time, so the first connection may take a while.
        format!(
            "broker.id={id}\n\
             zookeeper.connect={}\n\
             zookeeper.session.timeout.ms=10000\n\
             zookeeper.connection.timeout.ms=60000\n\
             {}",
            place.zookeeper(),
            topics(replication)
        )
    };
    config + &security.map(Security::properties).unwrap_or_default()
}
