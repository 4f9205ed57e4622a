//! What there is to know of a cluster's endpoints, for people and for programs in other languages.

use std::net::IpAddr;

use serde::Serialize;

use crate::index::Owner;
use crate::rules::NodeAddress;
use crate::{Cluster, Family, Hosts, Lookup, Network, Node, NodeRole, Rule, names};

/// Describes how to connect to one cluster, and why so. Serializes to JSON, with the fields as keys.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Overview {
    /// How messages call the cluster.
    #[serde(skip)]
    pub title: String,
    /// What the long domains end in; `None` where it is not known.
    pub domain: Option<String>,
    /// The EMR release as it is written; `None` for hosts text.
    pub release: Option<String>,
    /// From where the client comes.
    pub network: Network,
    /// The version rule that holds. In JSON: `name`, `reason`, `section`.
    #[serde(serialize_with = "rule")]
    pub rule: &'static Rule,
    /// What the brokers must have set to answer there.
    pub broker_setting: Option<&'static str>,
    /// Whether unknown names under the domain fail at once.
    pub strict: bool,
    /// The value for `bootstrap.servers`.
    pub bootstrap_servers: String,
    /// The nodes, in the order of the description.
    pub nodes: Vec<NodeOverview>,
    /// Names of a hosts text that are no nodes. What the text calls its own machine (`127.0.0.1 localhost`) is left out.
    pub plain_hosts: Vec<PlainHost>,
}

/// Describes one node and where its names lead.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct NodeOverview {
    /// The node's name, as `emr-worker-1`.
    pub name: String,
    /// What the node is for; `None` if it is not known.
    pub role: Option<NodeRole>,
    /// Whether Kafka runs there.
    pub broker: bool,
    /// The whole long domain; `None` where it is not known.
    pub long_domain: Option<String>,
    /// What is dialled; empty where the node has no address on this network.
    pub addresses: Vec<IpAddr>,
    /// The port that is dialled; `None` where the node is no broker.
    pub port: Option<u16>,
    /// Which key of the description gives the address: `private_ip`, `public_ip` or `connect`; `None` for nothing.
    pub by: Option<&'static str>,
}

/// A name of a hosts text that is no node's.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct PlainHost {
    /// The name.
    pub name: String,
    /// Its address.
    pub address: IpAddr,
}

impl Overview {
    /// Describes the clusters of a map, in their order.
    pub(crate) fn of(hosts: &Hosts) -> Vec<Self> {
        hosts.clusters().iter().map(|cluster| Overview::of_cluster(cluster, hosts)).collect()
    }

    fn of_cluster(cluster: &Cluster, hosts: &Hosts) -> Self {
        // A second address of a node, of the other family, is kept as a plain host too.
        let is_plain = |name: &str| {
            let entry = cluster.index().names.get(names::normal(name).as_str());
            entry.is_some_and(|entry| matches!(entry.owner, Owner::PlainHost(_)))
        };
        let plain_hosts = cluster.plain_hosts().iter().filter(|(name, _)| is_plain(name));
        Overview {
            title: cluster.title().to_owned(),
            domain: cluster.domain().map(str::to_owned),
            release: cluster.release().map(ToString::to_string),
            network: cluster.network(),
            rule: cluster.rule(),
            broker_setting: cluster.rule().requirement,
            strict: cluster.is_strict(),
            bootstrap_servers: cluster.bootstrap_servers(),
            nodes: cluster.nodes().iter().map(|node| NodeOverview::of(cluster, node, hosts)).collect(),
            plain_hosts: plain_hosts
                .map(|(name, address)| PlainHost { name: name.clone(), address: *address })
                .collect(),
        }
    }
}

impl NodeOverview {
    fn of(cluster: &Cluster, node: &Node, hosts: &Hosts) -> Self {
        // Asked of the map itself, as a client does: with several clusters, a short name can lead nowhere.
        let dial = match hosts.lookup(node.long_domain().unwrap_or(node.name()), Family::Any) {
            Lookup::Mapped(dial) => Some(dial),
            _ => None,
        };
        let broker = node.is_broker();
        let by = match cluster.rule().dials {
            _ if node.connect().is_some() => "connect",
            NodeAddress::PrivateIp => "private_ip",
            NodeAddress::PublicIp => "public_ip",
        };
        NodeOverview {
            name: node.name().to_owned(),
            role: node.role(),
            broker,
            long_domain: node.long_domain().map(str::to_owned),
            port: dial.as_ref().and_then(|dial| dial.port().or(broker.then(|| cluster.broker_port()))),
            by: dial.is_some().then_some(by),
            addresses: dial.map(|dial| dial.addresses().to_vec()).unwrap_or_default(),
        }
    }
}

/// The parts of a rule that a user reads.
fn rule<S: serde::Serializer>(rule: &&'static Rule, serializer: S) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct Shown {
        name: &'static str,
        reason: &'static str,
        section: &'static str,
    }
    Shown { name: rule.name, reason: rule.reason, section: rule.section }.serialize(serializer)
}
