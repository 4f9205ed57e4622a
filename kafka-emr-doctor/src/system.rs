//! What the system resolver answers, which is what a client without kafka-emr gets.

use std::net::{SocketAddr, ToSocketAddrs};

/// Resolves a name by the system resolver, which has no time limit of its own to set.
///
/// # Errors
///
/// Fails with the system's words for why the name has no address.
pub fn resolve_by_system(host: &str, port: u16) -> Result<Vec<SocketAddr>, String> {
    match (host, port).to_socket_addrs() {
        Ok(addresses) => Ok(addresses.collect()),
        Err(error) => {
            let text = error.to_string();
            // Rust puts the same words in front of every such error.
            Err(text.strip_prefix("failed to lookup address information: ").unwrap_or(&text).to_owned())
        }
    }
}
