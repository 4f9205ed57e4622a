//! The harness itself: a cluster of every version starts, and loses, moves and gains a broker; two run at once.

use std::net::{SocketAddr, TcpListener};

use kafka_emr_tests::{Broker, KafkaCluster, KafkaVersion};

fn at(host: u8) -> SocketAddr {
    ([127, 10, 1, host], 9092).into()
}

fn broker(id: i32, host: u8) -> Broker {
    Broker { id, listen: at(host), advertised: name(id) }
}

fn name(id: i32) -> String {
    format!("emr-worker-{id}.cluster-48742:9092")
}

fn names<const N: usize>(ids: [i32; N]) -> [(i32, String); N] {
    ids.map(|id| (id, name(id)))
}

fn loses_moves_and_gains_a_broker(version: KafkaVersion) {
    let mut cluster = KafkaCluster::start(version, &[broker(1, 24), broker(2, 25), broker(3, 26)]);
    for host in [24, 25, 26] {
        assert_eq!(cluster.listed_at(at(host)), names([1, 2, 3]));
    }
    let internal = cluster.internal_bootstrap();
    assert_eq!(internal, "127.30.1.24:9094,127.30.1.25:9094,127.30.1.26:9094");

    cluster.stop_broker(2);
    assert_eq!(cluster.listed_at(at(24)), names([1, 3]));

    cluster.start_broker(broker(2, 34));
    assert_eq!(cluster.listed_at(at(34)), names([1, 2, 3]));

    cluster.start_broker(broker(4, 27));
    assert_eq!(cluster.listed_at(at(27)), names([1, 2, 3, 4]));
}

#[test]
fn kafka_1_0_1() {
    loses_moves_and_gains_a_broker(KafkaVersion::V1_0_1);
}

#[test]
fn kafka_2_4_1() {
    loses_moves_and_gains_a_broker(KafkaVersion::V2_4_1);
}

#[test]
fn newest_kafka() {
    loses_moves_and_gains_a_broker(KafkaVersion::Newest);
}

/// The second has brokers with the same ids and names, at other addresses.
fn two_at_once(version: KafkaVersion) {
    let first = KafkaCluster::start(version, &[broker(1, 24)]);
    let elsewhere = SocketAddr::from(([127, 11, 1, 24], 9092));
    let beside = |id| Broker { id, listen: elsewhere, advertised: name(id) };
    let mut second = first.start_beside(version, &[beside(1)]);
    assert_eq!(second.internal_bootstrap(), "127.30.2.24:9094");
    assert_eq!(first.listed_at(at(24)), names([1]));
    assert_eq!(second.listed_at(elsewhere), names([1]));
    second.start_broker(Broker { listen: ([127, 11, 1, 25], 9092).into(), ..beside(2) });
    assert_eq!(second.listed_at(elsewhere), names([1, 2]));
    assert_eq!(first.listed_at(at(24)), names([1]));

    // The turn ends with the last of the two, whichever it is.
    drop(first);
    assert_eq!(second.listed_at(elsewhere), names([1, 2]));
    assert!(TcpListener::bind("127.30.1.1:9099").is_err(), "another test's cluster must wait");
}

#[test]
fn two_of_kafka_2_4_1_at_once() {
    two_at_once(KafkaVersion::V2_4_1);
}

#[test]
fn two_of_newest_kafka_at_once() {
    two_at_once(KafkaVersion::Newest);
}
