//! Why a lookup answers what it answers.

use std::net::IpAddr;

use crate::hosts::Match;
use crate::names;
use crate::rules::NodeAddress;
use crate::{Cluster, Family, Hosts, Lookup, Node, OneLine, Reach, Rule};

/// Explains what a lookup answers.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Explanation {
    /// The answer.
    pub lookup: Lookup,
    /// Why, in one sentence.
    pub reason: String,
    /// The version rule behind the answer, if there is one.
    pub rule: Option<&'static Rule>,
    /// The short name of the node that the name belongs to, if there is one.
    pub node: Option<String>,
}

impl Hosts {
    /// Looks a host up for a Kafka client and explains the answer.
    #[must_use]
    pub fn explain(&self, host: &str, family: Family) -> Explanation {
        let found = self.find(Reach::Client, host);
        let lookup = found.lookup(family);
        let reason = reason(host, &found, &lookup);
        let node = match found {
            Match::Node(cluster, node) => Some((cluster, node)),
            Match::Ambiguous(first) => first,
            _ => None,
        };
        Explanation {
            lookup,
            reason,
            rule: node.map(|(cluster, _)| cluster.rule()),
            node: node.map(|(_, node)| node.name().to_owned()),
        }
    }
}

impl Match<'_> {
    /// Returns what to warn of if a host is a cluster's own and leads nowhere: a name under its domain that no node has, or a
    /// node without an address of the asked family.
    #[cold]
    pub(crate) fn warning(&self, host: &str, lookup: &Lookup) -> Option<String> {
        let is_missing = match self {
            Match::Unknown(_) => true,
            Match::Node(_, node) if node.dial().is_some() => *lookup == Lookup::Refused,
            // A short name may be another's as well.
            Match::Node(cluster, _) => is_under(host, cluster),
            Match::PlainHost(_) => *lookup == Lookup::Refused,
            Match::Ambiguous(..) | Match::Foreign | Match::Impossible => false,
        };
        is_missing.then(|| {
            let reason = reason(host, self, lookup);
            match self {
                Match::Unknown(cluster) => {
                    format!("{reason}. If {} has a new node, add it to the description", cluster.title())
                }
                _ => reason,
            }
        })
    }
}

fn is_under(host: &str, cluster: &Cluster) -> bool {
    let host = names::normal(host);
    cluster.domain().is_some_and(|domain| host.ends_with(&format!(".{}", names::normal(domain))))
}

fn reason(host: &str, found: &Match<'_>, lookup: &Lookup) -> String {
    let is_literal = host.parse::<IpAddr>().is_ok();
    let shown = OneLine(host);
    let then = match lookup {
        Lookup::Refused => "strict refuses it",
        _ => "the system resolver is asked",
    };
    let (cluster, node) = match found {
        Match::Node(cluster, node) => (cluster, node),
        Match::Ambiguous(..) => {
            let next = if is_literal { "give each cluster a resolver of its own" } else { "use the long domain" };
            return format!("{shown} belongs to nodes of two clusters; {next}; the system resolver is asked");
        }
        Match::Unknown(cluster) => {
            return format!("{shown} is under {} but is no node of the description; {then}", cluster.title());
        }
        Match::PlainHost(_) if *lookup == Lookup::Refused => {
            return format!("{shown} is a plain host of the hosts text, which has no address of the asked family");
        }
        Match::PlainHost(_) => return format!("{shown} is a plain host of the hosts text"),
        Match::Foreign if is_literal => return format!("{shown} is an address, and dialled as it is"),
        Match::Foreign => return format!("{shown} is no name of the cluster; the system resolver is asked"),
        Match::Impossible => return format!("{host:?} cannot be a host name; the system resolver is asked"),
    };
    let whose = if is_literal { "an address" } else { "a name" };
    let whose = format!("{shown} is {whose} of node {}", node.name());
    node_reason(&whose, cluster, node, lookup, then)
}

fn node_reason(whose: &str, cluster: &Cluster, node: &Node, lookup: &Lookup, then: &str) -> String {
    let rule = cluster.rule();
    if node.dial().is_none() {
        return format!("{whose}, which has no address on the {} network; {then}", cluster.network());
    }
    if *lookup == Lookup::Refused {
        return format!("{whose}, which has no address of the asked family");
    }
    if node.connect().is_some() {
        return format!("{whose}, and its `connect` is dialled whatever the rule says");
    }
    let which = match rule.dials {
        NodeAddress::PrivateIp => "private IP",
        NodeAddress::PublicIp => "EIP",
    };
    format!("{whose}; rule {rule} dials its {which}: {}", rule.reason)
}
