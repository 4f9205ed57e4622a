//! What this machine itself resolves a name to.

use std::net::{IpAddr, SocketAddr};
use std::sync::mpsc;
use std::thread;
use std::time::Instant;

use crate::system::resolve_by_system;

/// The file that every system resolver reads first.
const HOSTS_FILE: &str = "/etc/hosts";

/// Why the system resolver gave no address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum NoAnswer {
    /// In its own words.
    Unknown(String),
    Late,
}

impl std::fmt::Display for NoAnswer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            NoAnswer::Unknown(why) => f.write_str(why),
            NoAnswer::Late => f.write_str("the system resolver does not answer in time"),
        }
    }
}

/// Resolves a name by the system resolver, which has no time limit to set: a call that is still waiting at the deadline is
/// left to end by itself.
pub(crate) fn resolve_until(host: &str, port: u16, deadline: Instant) -> Result<Vec<SocketAddr>, NoAnswer> {
    let (sender, answer) = mpsc::channel();
    let asked = host.to_owned();
    let asking = thread::Builder::new().name("system-resolver".to_owned()).spawn(move || {
        let _ = sender.send(resolve_by_system(&asked, port));
    });
    asking.map_err(|error| NoAnswer::Unknown(error.to_string()))?;
    match answer.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
        Ok(answer) => answer.map_err(NoAnswer::Unknown),
        Err(_) => Err(NoAnswer::Late),
    }
}

/// Finds the line of the hosts file that gives a name this address.
pub(crate) fn hosts_line(name: &str, address: IpAddr) -> Option<String> {
    let content = std::fs::read_to_string(HOSTS_FILE).ok()?;
    line_in(&content, name, address).map(|number| format!("{HOSTS_FILE}:{number}"))
}

fn line_in(content: &str, name: &str, address: IpAddr) -> Option<usize> {
    let gives = |line: &str| {
        let mut words = line.split('#').next().unwrap_or_default().split_whitespace();
        words.next().and_then(|word| word.parse().ok()) == Some(address)
            && words.any(|word| word.eq_ignore_ascii_case(name))
    };
    content.lines().position(gives).map(|index| index + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_is_found() {
        let content = "127.0.0.1 localhost\n# 10.9.9.9 emr-worker-1.cluster-48742\n\n\
                       10.9.9.9\temr-worker-1 EMR-worker-1.cluster-48742 # old\n";
        let line = |address: &str| line_in(content, "emr-worker-1.cluster-48742", address.parse().unwrap());
        assert_eq!(line("10.9.9.9"), Some(4));
        assert_eq!(line("10.9.9.8"), None);
    }
}
