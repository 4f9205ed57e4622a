//! The addresses that the harness itself takes, and the claim on them.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::time::Duration;

use crate::poll;

/// How long one cluster waits for the one before it to end.
const TURN: Duration = Duration::from_secs(30 * 60);

/// ZooKeeper, for the versions that need it.
pub(crate) const ZOOKEEPER: SocketAddr = on_loopback(1, 2181);

/// The KRaft controller, for the versions that have it.
pub(crate) const CONTROLLER: SocketAddr = on_loopback(1, 9093);

const CLAIM: SocketAddr = on_loopback(1, 9099);

/// The internal listener of a broker.
pub(crate) fn internal(id: i32) -> SocketAddr {
    let host = u8::try_from(id)
        .ok()
        .filter(|id| *id > 0)
        .and_then(|id| id.checked_add(23))
        .unwrap_or_else(|| panic!("broker id {id}: the harness has room for 1 to 232"));
    on_loopback(host, 9094)
}

const fn on_loopback(host: u8, port: u16) -> SocketAddr {
    SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::new(127, 30, 1, host)), port)
}

/// The right to run a cluster.
///
/// The addresses are the machine's, so the lock on them is an address, too: who listens on it
/// has its turn. That holds between threads, processes and checkouts alike, and no death leaves
/// it locked.
pub(crate) struct Claim(#[expect(dead_code, reason = "held, never used")] TcpListener);

impl Claim {
    /// Waits until no other cluster runs on this machine.
    pub(crate) fn take() -> Result<Claim, String> {
        let listener = poll::until(TURN, || TcpListener::bind(CLAIM).ok());
        listener.map(Claim).ok_or_else(|| {
            format!(
                "another Kafka cluster of the tests has run for {TURN:?}: one process listens on \
                 {CLAIM} as long as it has a cluster. See who with `ss -ltnp`; a test that starts \
                 a second cluster has to drop the first one before"
            )
        })
    }
}

/// Fails if something listens on one of `addresses`.
pub(crate) fn check_free(addresses: &[SocketAddr]) -> Result<(), String> {
    for address in addresses {
        TcpListener::bind(address).map_err(|error| {
            format!(
                "a broker is to listen on {address}, but that address is not free: {error}. \
                 See who has it with `ss -ltnp`, and end that first"
            )
        })?;
    }
    Ok(())
}
