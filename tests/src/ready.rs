//! Asking one broker for the brokers of its cluster.
//!
//! Over a plain socket: one request, one response. A client library would go on to the addresses in it, resolve names that do not
//! exist, and log all that.

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use kafka_emr_doctor::wire;

/// How long a connection or a response may take.
const LIMIT: Duration = Duration::from_secs(2);

/// The brokers that the one at `address` lists, in the order of their ids: id and `host:port`.
pub(crate) fn brokers(address: SocketAddr) -> io::Result<Vec<(i32, String)>> {
    let mut socket = TcpStream::connect_timeout(&address, LIMIT)?;
    socket.set_read_timeout(Some(LIMIT))?;
    let brokers = wire::metadata(&mut socket)?.brokers;
    Ok(brokers.into_iter().map(|broker| (broker.id, format!("{}:{}", broker.host, broker.port))).collect())
}
