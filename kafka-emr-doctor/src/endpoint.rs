//! A host and a port as users write them.

use std::net::Ipv6Addr;
use std::str::FromStr;

/// A host with a port or without one, as users write it: `NAME`, `NAME:PORT`, `10.0.1.24:9092`, `[fd00::24]:9092`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostPort {
    /// A name, or an address without brackets.
    pub host: String,
    /// The port; `None` if it is not written.
    pub port: Option<u16>,
}

impl FromStr for HostPort {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (host, port) = if let Some(rest) = text.strip_prefix('[') {
            let (host, rest) = rest.split_once(']').ok_or("the bracket is not closed; expected [IPv6]:PORT")?;
            if !is_ipv6(host) {
                return Err(format!("{host:?} is no IPv6 address; brackets are for those alone"));
            }
            match rest.strip_prefix(':') {
                Some(port) => (host, Some(port)),
                None if rest.is_empty() => (host, None),
                None => return Err(format!("{rest:?} after the bracket; expected :PORT")),
            }
        } else if is_ipv6(text) {
            (text, None)
        } else {
            match text.rsplit_once(':') {
                Some((host, _)) if host.contains(':') => {
                    return Err("expected NAME, NAME:PORT or [IPv6]:PORT".to_owned());
                }
                Some((host, port)) => (host, Some(port)),
                None => (text, None),
            }
        };
        if host.is_empty() {
            return Err("the name is missing; expected NAME or NAME:PORT".to_owned());
        }
        Ok(HostPort { host: host.to_owned(), port: port.map(parse_port).transpose()? })
    }
}

fn is_ipv6(text: &str) -> bool {
    let address = text.split_once('%').map_or(text, |(address, _scope)| address);
    address.parse::<Ipv6Addr>().is_ok()
}

fn parse_port(text: &str) -> Result<u16, String> {
    // Digits only: Rust's own parser takes "+1" too.
    let port = text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok()).flatten();
    port.filter(|port| *port != 0).ok_or_else(|| format!("{text:?} is no port; expected 1 to 65535"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, host: &str, port: Option<u16>) {
        assert_eq!(text.parse(), Ok(HostPort { host: host.to_owned(), port }));
    }

    #[test]
    fn names_with_and_without_port() {
        check("emr-worker-1", "emr-worker-1", None);
        check("emr-worker-1.cluster-48742:9092", "emr-worker-1.cluster-48742", Some(9092));
        check("10.0.1.24", "10.0.1.24", None);
        check("10.0.1.24:65535", "10.0.1.24", Some(65535));
        check("fd00::24", "fd00::24", None);
        check("[fd00::24]", "fd00::24", None);
        check("[fd00::24]:9093", "fd00::24", Some(9093));
        check("fe80::1%eth0", "fe80::1%eth0", None);
    }

    #[track_caller]
    fn refuse(text: &str, says: &str) {
        let error = text.parse::<HostPort>().unwrap_err();
        assert!(error.contains(says), "{error}");
    }

    #[test]
    fn refuses_what_is_no_endpoint() {
        refuse("emr-worker-1:", "\"\" is no port");
        refuse("emr-worker-1:0", "\"0\" is no port");
        refuse("emr-worker-1:65536", "1 to 65535");
        refuse("emr-worker-1:+1", "\"+1\"");
        refuse("emr-worker-1:kafka", "\"kafka\"");
        refuse(":9092", "name is missing");
        refuse("", "name is missing");
        refuse("a:1:2", "[IPv6]:PORT");
        refuse("[fd00::24", "not closed");
        refuse("[emr-worker-1]:9092", "no IPv6");
        refuse("[fd00::24]9092", ":PORT");
    }
}
