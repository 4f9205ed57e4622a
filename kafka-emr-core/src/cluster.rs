//! A cluster that is checked: its nodes, and where their names lead.

use std::collections::HashSet;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;
use std::sync::Arc;

use serde::Serialize;

use crate::check;
use crate::description::Settings;
use crate::index::Index;
use crate::rules::{NodeAddress, words};
use crate::{
    BootstrapStyle, Description, Dial, EmrVersion, Error, ErrorKind, Family, Network, NodeDescription, Rule, names,
};

/// What a node is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum NodeRole {
    /// `emr-header-*`, `master*`.
    Master,
    /// `emr-worker-*`, `core*`. Core nodes are brokers unless the description says otherwise.
    Core,
    /// `task*`; an `emr-worker-*` can be one too, and then its role is given.
    Task,
    /// `emr-gateway-*`.
    Gateway,
}

words!(NodeRole, "master" => Master, "core" => Core, "task" => Task, "gateway" => Gateway);

impl NodeDescription {
    /// Returns the node's address of a kind.
    #[must_use]
    pub fn address(&self, which: NodeAddress) -> Option<IpAddr> {
        match which {
            NodeAddress::PrivateIp => self.private_ip,
            NodeAddress::PublicIp => self.public_ip,
        }
    }

    /// Returns the role: the given one, else the one that the name tells.
    #[must_use]
    pub fn role_or_named(&self) -> Option<NodeRole> {
        self.role.or_else(|| names::role_of(&self.name))
    }

    /// Returns whether the node is a broker: as given, else whether it is a core node.
    #[must_use]
    pub fn is_broker(&self) -> bool {
        self.broker.unwrap_or(self.role_or_named() == Some(NodeRole::Core))
    }
}

/// A machine of a [`Cluster`].
#[derive(Clone, Debug)]
pub struct Node {
    pub(crate) description: NodeDescription,
    pub(crate) role: Option<NodeRole>,
    pub(crate) is_broker: bool,
    pub(crate) long_domain: Option<String>,
    pub(crate) dial: Option<Dial>,
}

impl Node {
    /// Returns the short name: `emr-worker-1`, `core-1-1`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.description.name
    }

    /// Returns the role: the given one, else the one that the name tells.
    #[must_use]
    pub fn role(&self) -> Option<NodeRole> {
        self.role
    }

    /// Returns whether Kafka runs here: as given, else whether it is a core node.
    #[must_use]
    pub fn is_broker(&self) -> bool {
        self.is_broker
    }

    /// Returns the address inside the VPC.
    #[must_use]
    pub fn private_ip(&self) -> Option<IpAddr> {
        self.description.private_ip
    }

    /// Returns the public address (EIP).
    #[must_use]
    pub fn public_ip(&self) -> Option<IpAddr> {
        self.description.public_ip
    }

    /// Returns the node's address of a kind.
    #[must_use]
    pub fn address(&self, which: NodeAddress) -> Option<IpAddr> {
        self.description.address(which)
    }

    /// Returns what is dialled instead, whatever the rule says.
    #[must_use]
    pub fn connect(&self) -> Option<SocketAddr> {
        self.description.connect
    }

    /// Returns the long domain: the given `host`, else the name under the cluster's domain. `None` if the cluster has no id.
    #[must_use]
    pub fn long_domain(&self) -> Option<&str> {
        self.long_domain.as_deref()
    }

    /// Returns where the node's names lead by the rule, or `None` if the node has no address on this network.
    #[must_use]
    pub fn dial(&self) -> Option<&Dial> {
        self.dial.as_ref()
    }

    /// Returns the node's own addresses as something to dial, without its `connect`: the first one that a family has of the
    /// wanted kind, the private and the public one.
    #[must_use]
    pub fn own_dial(&self, wanted: NodeAddress, family: Family) -> Option<Dial> {
        let own = [self.address(wanted), self.private_ip(), self.public_ip()];
        own.into_iter().flatten().find_map(|address| Dial::new(address, None).of_family(family))
    }

    /// Returns the node as its description has it.
    #[must_use]
    pub fn description(&self) -> &NodeDescription {
        &self.description
    }
}

/// An EMR Kafka cluster: its version rule, and its nodes with their names and addresses.
///
/// [`Cluster::new`] checks a [`Description`] once and for all: whoever has a cluster has one that is possible, under a rule,
/// with an address for every broker. Clones are cheap. Two clusters are equal when their descriptions are.
#[derive(Clone)]
pub struct Cluster(Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) settings: Settings,
    pub(crate) is_hosts_text: bool,
    pub(crate) rule: &'static Rule,
    pub(crate) domain: Option<String>,
    pub(crate) nodes: Vec<Node>,
    pub(crate) plain_hosts: Vec<(String, IpAddr)>,
    pub(crate) index: Index,
}

impl Cluster {
    /// Makes a cluster of a description, by the version rule of its release and network.
    ///
    /// # Errors
    ///
    /// Fails if the description is not possible, or if brokers lack the address that the network needs. The message names
    /// the key or the node, and all brokers without an address.
    ///
    /// # Examples
    ///
    /// ```
    /// use kafka_emr_core::{Cluster, Description, EmrVersion, Network, NodeDescription};
    ///
    /// let mut worker = NodeDescription::new("emr-worker-1");
    /// worker.private_ip = Some("10.0.1.24".parse()?);
    /// worker.public_ip = Some("203.0.113.24".parse()?);
    /// let mut description = Description::new(EmrVersion::new(3, 11));
    /// description.settings.network = Some(Network::Public);
    /// description.nodes.push(worker);
    ///
    /// let cluster = Cluster::new(description)?;
    /// assert_eq!(cluster.bootstrap_servers(), "203.0.113.24:9093");
    /// assert_eq!(cluster.rule().requirement, Some("kafka.public-access.enable=true"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn new(description: Description) -> Result<Self, Error> {
        check::check(description).map(|inner| Cluster(Arc::new(inner)))
    }

    /// Returns the description, for editing.
    #[must_use]
    pub fn description(&self) -> Description {
        Description {
            settings: self.0.settings.clone(),
            nodes: self.0.nodes.iter().map(|node| node.description.clone()).collect(),
            plain_hosts: self.0.plain_hosts.clone(),
            is_hosts_text: self.0.is_hosts_text,
        }
    }

    /// Returns what the long domains end in: `48742` of `cluster-48742`, or a new-console id, `c-…`.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        self.0.settings.id.as_deref()
    }

    /// Returns the EMR release; `None` for hosts text, which gives none.
    #[must_use]
    pub fn release(&self) -> Option<&EmrVersion> {
        self.0.settings.release.as_ref()
    }

    /// Returns from where the client comes.
    #[must_use]
    pub fn network(&self) -> Network {
        self.0.rule.network
    }

    /// Returns the region, which long domains of the new console carry.
    #[must_use]
    pub fn region(&self) -> Option<&str> {
        self.0.settings.region.as_deref()
    }

    /// Returns how the description wants brokers to be listed; `None` leaves it to the rule and to the client.
    #[must_use]
    pub fn bootstrap(&self) -> Option<BootstrapStyle> {
        self.0.settings.bootstrap
    }

    /// Returns whether unknown names under the cluster's domain fail at once.
    #[must_use]
    pub fn is_strict(&self) -> bool {
        self.0.settings.strict.unwrap_or_default()
    }

    /// Returns Kafka's own cluster id, if the description pins it.
    #[must_use]
    pub fn cluster_id(&self) -> Option<&str> {
        self.0.settings.cluster_id.as_deref()
    }

    /// Returns the version rule that holds for this release and network.
    #[must_use]
    pub fn rule(&self) -> &'static Rule {
        self.0.rule
    }

    /// Returns the brokers' port: the description's, else the rule's.
    #[must_use]
    pub fn broker_port(&self) -> u16 {
        self.0.settings.port.unwrap_or(self.0.rule.port)
    }

    /// Returns the ports at which Kafka may listen in this cluster: the description's, else those of all rules.
    #[must_use]
    pub fn kafka_ports(&self) -> Vec<u16> {
        self.0.settings.port.map_or_else(Rule::ports, |port| vec![port])
    }

    /// Returns the domain that the long domains end in, such as `cluster-48742`; `None` if no `id` is known.
    #[must_use]
    pub fn domain(&self) -> Option<&str> {
        self.0.domain.as_deref()
    }

    /// Returns how messages call the cluster: its domain if it is known.
    #[must_use]
    pub fn title(&self) -> &str {
        self.domain().unwrap_or("the cluster")
    }

    /// Returns the machines, in the order of the description.
    #[must_use]
    pub fn nodes(&self) -> &[Node] {
        &self.0.nodes
    }

    /// Returns the brokers among the nodes: at least one.
    pub fn brokers(&self) -> impl Iterator<Item = &Node> {
        self.nodes().iter().filter(|node| node.is_broker())
    }

    /// Returns the names of a hosts text that belong to no node, with their addresses.
    #[must_use]
    pub fn plain_hosts(&self) -> &[(String, IpAddr)] {
        &self.0.plain_hosts
    }

    /// Returns all names of a node as they are compared (lower case, no trailing dot), each once: its long domain, its short
    /// name, the other spelling of both, and its aliases.
    #[must_use]
    pub fn names(&self, node: &Node) -> Vec<String> {
        let (mut all, mut seen) = (Vec::new(), HashSet::new());
        names::for_each(&node.description, self.id(), self.domain(), |name| {
            if seen.insert(name.text.clone()) {
                all.push(name.text);
            }
        });
        all
    }

    pub(crate) fn index(&self) -> &Index {
        &self.0.index
    }
}

impl PartialEq for Cluster {
    fn eq(&self, other: &Self) -> bool {
        let (one, two) = (&*self.0, &*other.0);
        Arc::ptr_eq(&self.0, &other.0)
            || (one.is_hosts_text == two.is_hosts_text
                && one.settings == two.settings
                && one.plain_hosts == two.plain_hosts
                && one.nodes.iter().map(Node::description).eq(two.nodes.iter().map(Node::description)))
    }
}

impl Eq for Cluster {}

impl TryFrom<Description> for Cluster {
    type Error = Error;

    fn try_from(description: Description) -> Result<Self, Error> {
        Cluster::new(description)
    }
}

impl fmt::Debug for Cluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Cluster").field(&self.description()).finish()
    }
}

/// A mistake in a value of a description.
pub(crate) fn bad(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Value, message)
}
