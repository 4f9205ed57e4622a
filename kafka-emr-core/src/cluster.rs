//! The description of a cluster: what the user knows about it.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use serde::Serialize;

use crate::rules::{NodeAddress, words};
use crate::{BootstrapStyle, EmrVersion, Error, ErrorKind, Network, Rule, names};

/// Says what a node is for.
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

words!(NodeRole, "role", "master" => Master, "core" => Core, "task" => Task, "gateway" => Gateway);

/// Describes one machine of the cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Node {
    /// The short name: `emr-worker-1`, `core-1-1`.
    pub name: String,
    /// The address inside the VPC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub private_ip: Option<IpAddr>,
    /// The public address (EIP).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub public_ip: Option<IpAddr>,
    /// The role, where the name does not tell it or tells it wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<NodeRole>,
    /// Whether Kafka runs here, where the role does not tell it. Core nodes are brokers by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub broker: Option<bool>,
    /// The whole long domain, where it follows neither of EMR's two forms.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// Further names of the node.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<String>,
    /// Dials this instead, whatever the rule says: for SSH tunnels and port forwards.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connect: Option<SocketAddr>,
}

impl Node {
    /// Makes a node of which only the name is known.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Node {
            name: name.into(),
            private_ip: None,
            public_ip: None,
            role: None,
            broker: None,
            host: None,
            aliases: Vec::new(),
            connect: None,
        }
    }

    /// Returns the role: the given one, else the one its name tells.
    #[must_use]
    pub fn role(&self) -> Option<NodeRole> {
        self.role.or_else(|| names::role_of(&self.name))
    }

    /// Returns whether the node is a broker: as given, else whether it is a core node.
    #[must_use]
    pub fn is_broker(&self) -> bool {
        self.broker.unwrap_or(self.role() == Some(NodeRole::Core))
    }

    /// Returns the node's address of a kind.
    #[must_use]
    pub fn address(&self, which: NodeAddress) -> Option<IpAddr> {
        match which {
            NodeAddress::PrivateIp => self.private_ip,
            NodeAddress::PublicIp => self.public_ip,
        }
    }
}

/// Describes a cluster, as its TOML or JSON does.
///
/// Made by [`Cluster::from_toml`], [`Cluster::from_json`], [`Cluster::from_hosts_text`], by a [`Source`](crate::Source),
/// or in code with [`Cluster::new`]. [`Cluster::endpoints`](crate::Endpoints) checks it and applies the version rules.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Cluster {
    /// What the long domains end in: `48742` of `cluster-48742`, or a new-console id, `c-…`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The EMR release. `None` only for hosts text, which gives none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub release: Option<EmrVersion>,
    /// From where the client comes.
    pub network: Network,
    /// The region, part of the long domain where `id` starts with `c-`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// How brokers are written in `bootstrap.servers`, where the user wants it otherwise than the rule.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bootstrap: Option<BootstrapStyle>,
    /// Whether a name under the cluster's own domain that is not in the map fails at once. Default: false, the system
    /// resolver is asked.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub strict: bool,
    /// The brokers' port, where it is not the rule's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// Kafka's own cluster id. A client warns when a cluster with another id answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cluster_id: Option<String>,
    /// The machines.
    pub nodes: Vec<Node>,
    /// Names that belong to no node of the cluster: other lines of a hosts text.
    #[serde(skip)]
    pub plain_hosts: Vec<(String, IpAddr)>,
}

impl Cluster {
    /// Makes a description without nodes.
    #[must_use]
    pub fn new(release: EmrVersion) -> Self {
        Cluster { release: Some(release), ..Cluster::without_release() }
    }

    pub(crate) fn without_release() -> Self {
        Cluster {
            id: None,
            release: None,
            network: Network::default(),
            region: None,
            bootstrap: None,
            strict: false,
            port: None,
            cluster_id: None,
            nodes: Vec::new(),
            plain_hosts: Vec::new(),
        }
    }

    /// Returns the version rule that holds for this release and network.
    #[must_use]
    pub fn rule(&self) -> &'static Rule {
        Rule::of(self.release.as_ref(), self.network)
    }

    /// Returns the domain that the long domains end in, such as `cluster-48742`; `None` where no `id` is known.
    #[must_use]
    pub fn domain(&self) -> Option<String> {
        names::domain(self.id.as_deref()?, self.region.as_deref())
    }

    /// Returns the long domain of a node: its `host`, else its name under the cluster's domain.
    #[must_use]
    pub fn long_domain(&self, node: &Node) -> Option<String> {
        if let Some(host) = &node.host {
            return Some(host.clone());
        }
        let id = self.id.as_deref()?;
        Some(format!("{}.{}", names::as_in_hosts(&node.name, id), self.domain()?))
    }

    /// Returns all names of a node: its long domain, its short name, the other spelling of both, and its aliases, as they
    /// are compared (lower case, no trailing dot), without repetition.
    #[must_use]
    pub fn names(&self, node: &Node) -> Vec<String> {
        let id = self.id.as_deref().unwrap_or_default();
        let mut all: Vec<String> = self.long_domain(node).into_iter().collect();
        for short in [Some(node.name.clone()), names::other_spelling(&node.name, id)].into_iter().flatten() {
            if let Some(domain) = self.domain().filter(|_| node.host.is_none()) {
                all.push(format!("{short}.{domain}"));
            }
            all.push(short);
        }
        all.extend(node.aliases.iter().cloned());
        let mut seen = HashSet::new();
        all.iter().map(|name| names::normal(name)).filter(|name| seen.insert(name.clone())).collect()
    }

    /// Returns how messages call the cluster: its domain where it is known.
    #[must_use]
    pub fn title(&self) -> String {
        self.domain().unwrap_or_else(|| "the cluster".to_owned())
    }

    /// Checks everything that does not depend on addresses being there for the network.
    pub(crate) fn check(&self) -> Result<(), Error> {
        self.check_identity()?;
        if self.port == Some(0) {
            return Err(bad("port: 0 is no port; expected 1 to 65535".to_owned()));
        }
        if self.nodes.is_empty() {
            return Err(bad(
                "no nodes: expected one, with its name and address, for each machine of the cluster".to_owned()
            ));
        }
        for node in &self.nodes {
            check_node(node)?;
            if let Some(why) = self.long_domain(node).as_deref().and_then(names::why_no_name) {
                return Err(bad(format!("node {}: its long domain cannot be: {why}", node.name)));
            }
        }
        self.check_names_are_unique()?;
        if let Some(why) = self.plain_hosts.iter().find_map(|(name, _)| names::why_no_name(name)) {
            return Err(bad(format!("plain hosts: {why}")));
        }
        if !self.nodes.iter().any(Node::is_broker) {
            let mut nodes: Vec<String> = self
                .nodes
                .iter()
                .take(10)
                .map(|node| match node.role() {
                    Some(role) => format!("{} ({role})", node.name),
                    None => node.name.clone(),
                })
                .collect();
            if self.nodes.len() > nodes.len() {
                nodes.push(format!("and {} more", self.nodes.len() - nodes.len()));
            }
            return Err(bad(format!(
                "no broker among the nodes {}: core nodes are brokers, others with `broker = true`",
                nodes.join(", ")
            )));
        }
        Ok(())
    }

    fn check_identity(&self) -> Result<(), Error> {
        match (&self.id, &self.region) {
            (Some(id), region) => {
                if let Some(digits) = names::strip_prefix_ignore_case(id, "cluster-") {
                    return Err(bad(format!("id: {id:?} is more than the id; expected {digits:?}")));
                }
                if id.starts_with("C-") {
                    return Err(bad(format!(
                        "id: {id:?} is the API's id of the cluster; expected the part that long domains end in, such as \
                         \"48742\" of emr-worker-1.cluster-48742"
                    )));
                }
                if id.is_empty() || !id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
                    return Err(bad(format!(
                        "id: {id:?} is not possible; expected letters, digits and '-', such as \"48742\""
                    )));
                }
                if names::is_new_console(id) && region.is_none() {
                    return Err(bad(format!(
                        "region: missing; with the id {id:?} long domains carry it, such as \"cn-shanghai\""
                    )));
                }
            }
            (None, _) => {
                let why = if self.release.is_some() && !self.rule().from_3_11 {
                    "it is required before EMR-3.11"
                } else if self.bootstrap == Some(BootstrapStyle::Names) {
                    "bootstrap = \"names\" needs it"
                } else {
                    return Ok(());
                };
                if let Some(node) = self.nodes.iter().find(|node| node.host.is_none()) {
                    return Err(bad(format!(
                        "id: missing; {why}, because the long domain of {} ends in it: \"48742\" for {0}.cluster-48742",
                        node.name
                    )));
                }
            }
        }
        if let Some(region) = &self.region
            && (region.is_empty() || !region.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'))
        {
            return Err(bad(format!("region: {region:?} is not possible; expected one such as \"cn-shanghai\"")));
        }
        Ok(())
    }

    fn check_names_are_unique(&self) -> Result<(), Error> {
        let mut owners: HashMap<String, &Node> = HashMap::new();
        for node in &self.nodes {
            for name in self.names(node) {
                match owners.entry(name) {
                    Entry::Vacant(slot) => {
                        slot.insert(node);
                    }
                    Entry::Occupied(slot) if slot.get().name == node.name => {
                        return Err(bad(format!("node {}: stands twice; a name belongs to one node", node.name)));
                    }
                    Entry::Occupied(slot) => {
                        return Err(bad(format!(
                            "node {}: its name {:?} belongs to node {} too; a name belongs to one node",
                            node.name,
                            slot.key(),
                            slot.get().name
                        )));
                    }
                }
            }
        }
        Ok(())
    }
}

fn check_node(node: &Node) -> Result<(), Error> {
    let at = |key: &str, why: String| bad(format!("node {}: {key}: {why}", node.name));
    if let Some(why) = names::why_no_name(&node.name) {
        return Err(at("name", why));
    }
    if let Some((short, _)) = node.name.split_once('.') {
        let why = format!(
            "{:?} has a domain, which follows from id; expected {short:?}, with other names in host or aliases",
            node.name
        );
        return Err(at("name", why));
    }
    if let Some(why) = node.host.as_deref().and_then(names::why_no_name) {
        return Err(at("host", why));
    }
    if let Some(why) = node.aliases.iter().find_map(|alias| names::why_no_name(alias)) {
        return Err(at("aliases", why));
    }
    for (key, ip) in [("private_ip", node.private_ip), ("public_ip", node.public_ip)] {
        if let Some(ip) = ip.filter(|ip| ip.is_unspecified() || ip.is_multicast()) {
            return Err(at(key, format!("{ip} is no address of a machine")));
        }
    }
    if node.connect.is_some_and(|connect| connect.port() == 0) {
        return Err(at("connect", "port 0 is no port; expected 1 to 65535".to_owned()));
    }
    if node.private_ip.is_none() && node.public_ip.is_none() && node.connect.is_none() {
        return Err(bad(format!("node {}: no address; expected private_ip, public_ip or connect", node.name)));
    }
    if node.role().is_none() && node.broker.is_none() {
        return Err(bad(format!(
            "node {}: the name does not tell what the node is; add role (master, core, task, gateway) or broker (true, false)",
            node.name
        )));
    }
    Ok(())
}

fn bad(message: String) -> Error {
    Error::new(ErrorKind::Value, message)
}

/// Sets one top-level key from text: what `emr://…?key=value`, command lines and plugins do.
pub(crate) fn set_key(cluster: &mut Cluster, key: &str, value: &str) -> Result<(), Error> {
    let text = || Some(value.to_owned());
    match key {
        "id" => cluster.id = text(),
        "release" => cluster.release = Some(value.parse()?),
        "network" => cluster.network = value.parse()?,
        "region" => cluster.region = text(),
        "bootstrap" => cluster.bootstrap = Some(value.parse()?),
        "strict" => cluster.strict = parse(key, value, "true or false")?,
        "port" => cluster.port = Some(parse_port(key, value)?),
        "cluster_id" => cluster.cluster_id = text(),
        _ => unreachable!("callers look the key up in KEYS"),
    }
    Ok(())
}

/// The top-level keys that have one value.
pub(crate) const KEYS: [&str; 8] = ["id", "release", "network", "region", "bootstrap", "strict", "port", "cluster_id"];

fn parse<T: FromStr>(key: &str, value: &str, expected: &str) -> Result<T, Error> {
    value.parse().map_err(|_| bad(format!("{key}: {value:?} is not possible; expected {expected}")))
}

fn parse_port(key: &str, value: &str) -> Result<u16, Error> {
    parse::<u16>(key, value, "a port from 1 to 65535").and_then(|port| match port {
        0 => Err(bad(format!("{key}: \"0\" is not possible; expected a port from 1 to 65535"))),
        port => Ok(port),
    })
}

pub(crate) fn parse_ip(key: &str, value: &str) -> Result<IpAddr, Error> {
    match value.parse::<SocketAddr>() {
        Ok(_) => Err(bad(format!(
            "{key}: {value:?} has a port; expected the address alone (`port` and `connect` are for ports)"
        ))),
        Err(_) => parse(key, value, "an IPv4 or IPv6 address, such as 10.0.1.24"),
    }
}

pub(crate) fn parse_connect(key: &str, value: &str) -> Result<SocketAddr, Error> {
    let connect: SocketAddr = parse(key, value, "\"ip:port\", IPv6 in brackets, such as 127.0.0.1:19092")?;
    if matches!(connect, SocketAddr::V6(v6) if v6.scope_id() != 0) {
        return Err(bad(format!(
            "{key}: {value:?} has a scope; expected an address that is the same on every machine"
        )));
    }
    match connect.port() {
        0 => Err(bad(format!("{key}: {value:?} is not possible; expected a port from 1 to 65535"))),
        _ => Ok(connect),
    }
}

/// Shows a list of node names as messages have it.
pub(crate) struct NodeNames<'a>(pub(crate) Vec<&'a Node>);

impl fmt::Display for NodeNames<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.0.iter().map(|node| node.name.as_str()).collect();
        f.write_str(&names.join(", "))
    }
}
