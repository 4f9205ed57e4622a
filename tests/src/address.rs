//! The addresses that the harness itself takes, and the claim on them.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use crate::poll;

/// How long one cluster waits for the one before it to end.
const TURN: Duration = Duration::from_secs(30 * 60);

/// Room for one cluster: its network, 127.30.1.x or 127.30.2.x, and its folder.
#[derive(Clone, Copy)]
pub(crate) enum Slot {
    /// Where a cluster runs, unless it runs beside another.
    First = 1,
    /// Beside the first.
    Second = 2,
}

impl Slot {
    /// ZooKeeper, for the versions that need it.
    pub(crate) fn zookeeper(self) -> SocketAddr {
        self.on_loopback(1, 2181)
    }

    /// The KRaft controller, for the versions that have it.
    pub(crate) fn controller(self) -> SocketAddr {
        self.on_loopback(1, 9093)
    }

    /// The internal listener of a broker.
    pub(crate) fn internal(self, id: i32) -> SocketAddr {
        let host = u8::try_from(id)
            .ok()
            .filter(|id| *id > 0)
            .and_then(|id| id.checked_add(23))
            .unwrap_or_else(|| panic!("broker id {id}: the harness has room for 1 to 232"));
        self.on_loopback(host, 9094)
    }

    /// The folder that its files are in.
    pub(crate) fn folder(self) -> &'static str {
        match self {
            Slot::First => "run",
            Slot::Second => "run-beside",
        }
    }

    /// The id of a KRaft cluster there: 16 bytes in base 64. ZooKeeper's clusters make up their own.
    pub(crate) fn cluster_id(self) -> &'static str {
        match self {
            Slot::First => "a2Fma2EtZW1yLXRlc3RzIQ",
            Slot::Second => "a2Fma2EtZW1yLXRlc3RzMg",
        }
    }

    fn claim(self) -> SocketAddr {
        self.on_loopback(1, 9099)
    }

    fn on_loopback(self, host: u8, port: u16) -> SocketAddr {
        SocketAddr::new(IpAddr::V4(Ipv4Addr::new(127, 30, self as u8, host)), port)
    }
}

/// The right to run a cluster at a place.
///
/// The addresses are the machine's, so the lock on them is an address, too: who listens on it
/// has its turn. That holds between threads, processes and checkouts alike, and no death leaves
/// it locked.
pub(crate) struct Claim {
    pub(crate) place: Slot,
    _held: TcpListener,
    /// Who runs a second cluster has its turn until both are gone.
    _first: Option<Arc<Claim>>,
}

impl Claim {
    /// Waits until no other cluster runs on this machine.
    pub(crate) fn take() -> Result<Claim, String> {
        let place = Slot::First;
        let listener = poll::until(TURN, || TcpListener::bind(place.claim()).ok());
        listener.map(|held| Claim { place, _held: held, _first: None }).ok_or_else(|| {
            format!(
                "another Kafka cluster of the tests has run for {TURN:?}: one process listens on \
                 {} as long as it has a cluster. See who with `ss -ltnp`; a test that wants two clusters \
                 starts the second with `start_beside`, or drops the first one before",
                place.claim()
            )
        })
    }

    /// Takes the place beside `first`. Who has the first place need not wait for it.
    pub(crate) fn take_beside(first: &Arc<Claim>) -> Result<Claim, String> {
        let place = Slot::Second;
        let listener = TcpListener::bind(place.claim()).map_err(|error| {
            format!("there is a second cluster beside the first already, or {} is not free: {error}", place.claim())
        });
        listener.map(|held| Claim { place, _held: held, _first: Some(Arc::clone(first)) })
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
