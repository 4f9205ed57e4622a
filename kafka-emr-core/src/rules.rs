//! The version rules of EMR's document "Cross-cluster access to Kafka", as one table.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;

use crate::{EmrVersion, Error, ErrorKind};

/// Says from where the client reaches the cluster.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Network {
    /// From inside the cluster's VPC, or from a network joined to it. The default.
    #[default]
    Private,
    /// From outside, over the nodes' public addresses (EIPs).
    Public,
}

/// Says how brokers are written in `bootstrap.servers`.
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

/// Says which of a node's addresses a rule dials.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum NodeAddress {
    /// The node's `private_ip`.
    PrivateIp,
    /// The node's `public_ip`.
    PublicIp,
}

/// The first release of the later rules, as (major, minor).
const NEW_RULES_SINCE: (u32, u32) = (3, 11);

/// One row of the rule table.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Rule {
    /// `R1` to `R4`.
    pub name: &'static str,
    /// Whether the row is for EMR-3.11 and later; else it is for all before.
    pub from_3_11: bool,
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
pub static RULES: [Rule; 4] = [
    Rule {
        name: "R1",
        from_3_11: true,
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
        from_3_11: true,
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
        from_3_11: false,
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
        from_3_11: false,
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
        let from_3_11 = release.is_some_and(|release| (release.major(), release.minor()) >= NEW_RULES_SINCE);
        RULES
            .iter()
            .find(|rule| rule.from_3_11 == from_3_11 && rule.network == network)
            .expect("the table has a row for each era and network")
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// Makes an enum of two words readable from text and printable.
macro_rules! words {
    ($type:ident, $what:literal, $($word:literal => $variant:ident),+) => {
        impl FromStr for $type {
            type Err = Error;

            fn from_str(text: &str) -> Result<Self, Error> {
                match text {
                    $($word => Ok($type::$variant),)+
                    _ => Err(Error::new(
                        ErrorKind::Value,
                        format!("{}: {text:?} is not possible; expected one of {}", $what, [$($word),+].join(", ")),
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

words!(Network, "network", "private" => Private, "public" => Public);
words!(BootstrapStyle, "bootstrap", "addresses" => Addresses, "names" => Names);

#[cfg(test)]
mod tests {
    use super::*;

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
