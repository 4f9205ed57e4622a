//! What the system resolver says, which is what a client without kafka-emr gets.

use std::net::{SocketAddr, ToSocketAddrs};

/// Asks the system resolver. The error is what it said.
pub(crate) fn ask(host: &str, port: u16) -> Result<Vec<SocketAddr>, String> {
    match (host, port).to_socket_addrs() {
        Ok(addresses) => Ok(addresses.collect()),
        Err(error) => {
            let text = error.to_string();
            // Rust puts the same words in front of every such error.
            Err(text.strip_prefix("failed to lookup address information: ").unwrap_or(&text).to_owned())
        }
    }
}
