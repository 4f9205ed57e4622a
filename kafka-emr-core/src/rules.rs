//! The version rules of EMR's document "Cross-cluster access to Kafka", as one table.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::Serialize;

use crate::{EmrVersion, Error, ErrorKind};

/// From where the client reaches the cluster.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Network {
    /// From inside the cluster's VPC, or from a network joined to it. The default.
    #[default]
    Private,
    /// From outside, over the nodes' public addresses (EIPs).
    Public,
}

/// How brokers are written in `bootstrap.servers`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum BootstrapStyle {
    /// As `address:port`.
    Addresses,
    /// As `long-domain:port`. TLS and Kerberos need it: certificate and principal carry the long domain.
    Names,
}

impl BootstrapStyle {
    /// Returns the style that a client's security asks for, or `None` where the rule may decide.
    ///
    /// TLS compares certificates, and Kerberos principals, with the name that was dialled. The arguments are the values of
    /// `security.protocol` and `sasl.mechanism` (or `sasl.mechanisms`), in any case; `None` is what was not set, which
    /// for librdkafka means PLAINTEXT and GSSAPI.
    #[must_use]
    pub fn for_security(security_protocol: Option<&str>, sasl_mechanism: Option<&str>) -> Option<Self> {
        let is = |value: Option<&str>, word: &str| value.is_some_and(|value| value.trim().eq_ignore_ascii_case(word));
        let tls = is(security_protocol, "ssl") || is(security_protocol, "sasl_ssl");
        let kerberos =
            is(sasl_mechanism, "gssapi") || (is(security_protocol, "sasl_plaintext") && sasl_mechanism.is_none());
        (tls || kerberos).then_some(BootstrapStyle::Names)
    }
}

/// Which of a node's addresses a rule dials.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum NodeAddress {
    /// The node's `private_ip`.
    PrivateIp,
    /// The node's `public_ip`.
    PublicIp,
}

/// One row of the rule table.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Rule {
    /// `R1` and so on.
    pub name: &'static str,
    /// The first release that it holds for, as (major, minor); `None` for the earliest. It holds until the next rule of its
    /// network does.
    pub since: Option<(u32, u32)>,
    /// The client's network.
    pub network: Network,
    /// How brokers stand in `bootstrap.servers`, where neither user nor security asks for another way.
    pub bootstrap: BootstrapStyle,
    /// The brokers' port.
    pub port: u16,
    /// What a long domain is mapped to. On [`NodeAddress::PublicIp`] a node's private IP is mapped to it as well,
    /// for brokers that advertise their private IP to a client outside.
    pub dials: NodeAddress,
    /// The broker setting without which the rule cannot work.
    pub requirement: Option<&'static str>,
    /// One sentence that says why these endpoints.
    pub reason: &'static str,
    /// The part of the EMR document the row comes from.
    pub section: &'static str,
}

/// All rules. The EMR document is "Cross-cluster access to Kafka" of E-MapReduce.
pub static RULES: &[Rule] = &[
    Rule {
        name: "R1",
        since: Some((3, 11)),
        network: Network::Private,
        bootstrap: BootstrapStyle::Addresses,
        port: 9092,
        dials: NodeAddress::PrivateIp,
        requirement: None,
        reason: "from EMR-3.11 on, clients on the private network connect to the nodes' private IPs on port 9092; \
                 long domains are mapped too, because Kerberos and TLS use them",
        section: "Cross-cluster access to Kafka: V3.11.X and later, private network",
    },
    Rule {
        name: "R2",
        since: Some((3, 11)),
        network: Network::Public,
        bootstrap: BootstrapStyle::Addresses,
        port: 9093,
        dials: NodeAddress::PublicIp,
        requirement: Some("kafka.public-access.enable=true"),
        reason: "from EMR-3.11 on, clients on the public network connect to the core nodes' EIPs on port 9093",
        section: "Cross-cluster access to Kafka: V3.11.X and later, public network",
    },
    Rule {
        name: "R3",
        since: None,
        network: Network::Private,
        bootstrap: BootstrapStyle::Names,
        port: 9092,
        dials: NodeAddress::PrivateIp,
        requirement: None,
        reason: "before EMR-3.11, clients must know every node by its long domain; on the private network it leads \
                 to the node's private IP, port 9092",
        section: "Cross-cluster access to Kafka: before V3.11.X, private network",
    },
    Rule {
        name: "R4",
        since: None,
        network: Network::Public,
        bootstrap: BootstrapStyle::Names,
        port: 9092,
        dials: NodeAddress::PublicIp,
        requirement: Some("listeners.address.principal=HOST"),
        reason: "before EMR-3.11, clients must know every node by its long domain; on the public network it leads \
                 to the node's EIP (the document names no public port: 9092 is inferred)",
        section: "Cross-cluster access to Kafka: before V3.11.X, public network",
    },
];

impl Rule {
    /// Returns the rule for a release and a network.
    ///
    /// No release means hosts text, which is what EMR's document gives users before EMR-3.11.
    #[must_use]
    pub fn of(release: Option<&EmrVersion>, network: Network) -> &'static Rule {
        let number = release.map(EmrVersion::number);
        RULES
            .iter()
            .filter(|rule| rule.network == network && rule.since <= number)
            .max_by_key(|rule| rule.since)
            .expect("each network has a rule for the earliest releases")
    }

    /// Returns for which releases the rule holds, as messages show it: "EMR-3.11 and later", "before EMR-3.11".
    #[must_use]
    pub fn releases(&self) -> String {
        let release = |(major, minor)| format!("EMR-{major}.{minor}");
        let until = RULES.iter().filter(|rule| rule.network == self.network && rule.since > self.since);
        match (self.since, until.filter_map(|rule| rule.since).min()) {
            (Some(since), Some(until)) => format!("{} and later, before {}", release(since), release(until)),
            (Some(since), None) => format!("{} and later", release(since)),
            (None, Some(until)) => format!("before {}", release(until)),
            (None, None) => "every release".to_owned(),
        }
    }

    /// Returns Kafka's ports by all rules, in order and each once.
    #[must_use]
    pub fn ports() -> Vec<u16> {
        RULES.iter().map(|rule| rule.port).collect::<BTreeSet<_>>().into_iter().collect()
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// Makes an enum of words readable from text and printable.
macro_rules! words {
    ($type:ident, $($word:literal => $variant:ident),+) => {
        impl FromStr for $type {
            type Err = Error;

            fn from_str(text: &str) -> Result<Self, Error> {
                match text {
                    $($word => Ok($type::$variant),)+
                    _ => Err(Error::new(
                        ErrorKind::Value,
                        format!("{text:?} is not possible; expected one of {}", [$($word),+].join(", ")),
                    )),
                }
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(match self { $($type::$variant => $word),+ })
            }
        }
    };
}
pub(crate) use words;

words!(Network, "private" => Private, "public" => Public);
words!(BootstrapStyle, "addresses" => Addresses, "names" => Names);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_has_a_rule_for_every_release_and_network() {
        for network in [Network::Private, Network::Public] {
            let since: Vec<_> = RULES.iter().filter(|rule| rule.network == network).map(|rule| rule.since).collect();
            assert!(since.contains(&None), "{network}: the earliest releases have no rule");
            assert_eq!(since.iter().collect::<BTreeSet<_>>().len(), since.len(), "{network}: two rules of one release");
        }
        let names: BTreeSet<&str> = RULES.iter().map(|rule| rule.name).collect();
        assert_eq!(names.len(), RULES.len());
    }

    #[test]
    fn a_rule_knows_its_releases_and_all_ports() {
        let releases = |name| RULES.iter().find(|rule| rule.name == name).unwrap().releases();
        assert_eq!(releases("R2"), "EMR-3.11 and later");
        assert_eq!(releases("R4"), "before EMR-3.11");
        assert_eq!(Rule::ports(), [9092, 9093]);
    }

    #[track_caller]
    fn check(release: &str, network: Network, expected: &str) {
        let release = (!release.is_empty()).then(|| release.parse().unwrap());
        assert_eq!(Rule::of(release.as_ref(), network).name, expected);
    }

    #[test]
    fn security_asks_for_names() {
        let names = |protocol, mechanism| BootstrapStyle::for_security(protocol, mechanism).is_some();
        assert!(names(Some("SSL"), None) && names(Some(" sasl_ssl "), Some("PLAIN")));
        assert!(names(None, Some("GSSAPI")) && names(Some("SASL_PLAINTEXT"), Some("gssapi")));
        assert!(names(Some("sasl_plaintext"), None), "Kerberos is the default mechanism");
        assert!(!names(None, None) && !names(Some("plaintext"), None) && !names(Some("sasl_plaintext"), Some("PLAIN")));
    }

    #[test]
    fn release_and_network_choose_the_rule() {
        check("EMR-3.11.0", Network::Private, "R1");
        check("EMR-3.16.0_pre", Network::Public, "R2");
        check("EMR-3.10.1", Network::Private, "R3");
        check("3.9", Network::Public, "R4");
        check("2.99", Network::Private, "R3");
        check("4.0", Network::Private, "R1");
        check("5.8.0", Network::Public, "R2");
        check("", Network::Private, "R3");
        check("", Network::Public, "R4");
    }
}
