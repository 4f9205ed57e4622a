//! From a description to endpoints.

use std::collections::HashSet;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use crate::cluster::NodeNames;
use crate::hosts::Hosts;
use crate::rules::NodeAddress;
use crate::{BootstrapStyle, Cluster, Error, ErrorKind, Node, Rule};

/// A `host:port` or `address:port` that a client dials. IPv6 addresses are shown in brackets.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Endpoint {
    /// A name, or an address without brackets.
    pub host: String,
    /// The port.
    pub port: u16,
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.contains(':') {
            true => write!(f, "[{}]:{}", self.host, self.port),
            false => write!(f, "{}:{}", self.host, self.port),
        }
    }
}

/// Where a node's names lead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Dial {
    /// The address that is dialled.
    pub address: IpAddr,
    /// The port that is dialled instead of the asked one: only with `connect`.
    pub port: Option<u16>,
}

/// Says how to connect to a cluster: bootstrap servers, hosts, the rule they come from, and what the brokers must have set.
#[derive(Clone, Debug)]
pub struct Endpoints {
    rule: &'static Rule,
    bootstrap: Vec<Endpoint>,
    hosts: Hosts,
}

impl Endpoints {
    /// Returns the brokers to begin with, in the order of the description.
    #[must_use]
    pub fn bootstrap(&self) -> &[Endpoint] {
        &self.bootstrap
    }

    /// Returns the value for `bootstrap.servers`.
    #[must_use]
    pub fn bootstrap_servers(&self) -> String {
        join(&self.bootstrap)
    }

    /// Returns the map from names to addresses.
    #[must_use]
    pub fn hosts(&self) -> &Hosts {
        &self.hosts
    }

    /// Returns the rule that the endpoints come from, which says why.
    #[must_use]
    pub fn rule(&self) -> &'static Rule {
        self.rule
    }

    /// Returns the setting without which the brokers do not answer there.
    #[must_use]
    pub fn requirement(&self) -> Option<&'static str> {
        self.rule.requirement
    }
}

/// Writes endpoints as `bootstrap.servers` has them.
pub(crate) fn join(endpoints: &[Endpoint]) -> String {
    endpoints.iter().map(Endpoint::to_string).collect::<Vec<_>>().join(",")
}

impl Cluster {
    /// Applies the version rules.
    ///
    /// # Errors
    ///
    /// Fails when the description is not possible, and when brokers lack the address that the network needs; the message
    /// names all of them.
    ///
    /// # Examples
    ///
    /// ```
    /// use kafka_emr_core::{Cluster, EmrVersion, Network, Node};
    ///
    /// let mut worker = Node::new("emr-worker-1");
    /// worker.private_ip = Some("10.0.1.24".parse()?);
    /// worker.public_ip = Some("203.0.113.24".parse()?);
    /// let mut cluster = Cluster::new(EmrVersion::new(3, 11));
    /// cluster.network = Network::Public;
    /// cluster.nodes.push(worker);
    ///
    /// let endpoints = cluster.endpoints()?;
    /// assert_eq!(endpoints.bootstrap_servers(), "203.0.113.24:9093");
    /// assert_eq!(endpoints.requirement(), Some("kafka.public-access.enable=true"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn endpoints(&self) -> Result<Endpoints, Error> {
        self.check()?;
        self.check_addresses()?;
        let hosts = Hosts::build(Arc::from([self.clone()]))?;
        let bootstrap = self.bootstrap(self.bootstrap.unwrap_or(self.rule().bootstrap))?;
        Ok(Endpoints { rule: self.rule(), bootstrap, hosts })
    }

    /// Returns where a node's names lead by the rule, or `None` where the node has no address on this network.
    #[must_use]
    pub fn dial(&self, node: &Node) -> Option<Dial> {
        match node.connect {
            Some(connect) => Some(Dial { address: connect.ip(), port: Some(connect.port()) }),
            None => node.address(self.rule().dials).map(|address| Dial { address, port: None }),
        }
    }

    /// Returns the brokers' port: the description's, else the rule's.
    #[must_use]
    pub fn broker_port(&self) -> u16 {
        self.port.unwrap_or(self.rule().port)
    }

    /// Lists the brokers in a style, each endpoint once.
    pub(crate) fn bootstrap(&self, style: BootstrapStyle) -> Result<Vec<Endpoint>, Error> {
        let port = self.broker_port();
        let mut list: Vec<Endpoint> = Vec::new();
        let mut seen = HashSet::new();
        for node in self.nodes.iter().filter(|node| node.is_broker()) {
            let endpoint = match style {
                BootstrapStyle::Names => {
                    Endpoint { host: self.long_domain(node).ok_or_else(|| self.no_domain(node))?, port }
                }
                // The address of the rule, also with `connect`: the lookup leads it on, and it is what brokers advertise.
                BootstrapStyle::Addresses => match (node.address(self.rule().dials), node.connect) {
                    (Some(address), _) => Endpoint { host: address.to_string(), port },
                    (None, Some(connect)) => Endpoint { host: connect.ip().to_string(), port: connect.port() },
                    (None, None) => continue,
                },
            };
            if seen.insert(endpoint.clone()) {
                list.push(endpoint);
            }
        }
        Ok(list)
    }

    fn no_domain(&self, node: &Node) -> Error {
        Error::new(
            ErrorKind::Value,
            format!(
                "id: missing; brokers are listed by long domain (TLS and Kerberos need it), and that of {} ends in it: \
                 \"48742\" for {0}.cluster-48742",
                node.name
            ),
        )
    }

    pub(crate) fn check_addresses(&self) -> Result<(), Error> {
        let without = |node: &&Node| node.is_broker() && self.dial(node).is_none();
        let without: Vec<&Node> = self.nodes.iter().filter(without).collect();
        if without.is_empty() {
            return Ok(());
        }
        let (key, what, next) = match self.rule().dials {
            NodeAddress::PublicIp => {
                ("public_ip", "EIP", "bind EIPs to them, or use network = \"private\" from inside the VPC")
            }
            NodeAddress::PrivateIp => {
                ("private_ip", "private IP", "add it, or use network = \"public\" to reach them by their EIPs")
            }
        };
        Err(Error::new(
            ErrorKind::Address,
            format!("brokers without {what} ({key}) on the {} network: {}; {next}", self.network, NodeNames(without)),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Network;

    fn cluster(release: &str, network: &str) -> Cluster {
        let source = format!(
            "emr://48742?release={release}&network={network}&emr-header-1=10.0.1.23&emr-worker-1=10.0.1.24/203.0.113.24\
             &emr-worker-2=10.0.1.25/203.0.113.25"
        );
        source.parse::<crate::Source>().unwrap().load().unwrap().remove(0)
    }

    #[track_caller]
    fn check(cluster: &Cluster, rule: &str, servers: &str, requirement: Option<&str>) {
        let endpoints = cluster.endpoints().unwrap();
        assert_eq!(endpoints.rule().name, rule);
        assert_eq!(endpoints.bootstrap_servers(), servers);
        assert_eq!(endpoints.requirement(), requirement);
    }

    #[test]
    fn the_four_rules() {
        check(&cluster("EMR-3.11.0", "private"), "R1", "10.0.1.24:9092,10.0.1.25:9092", None);
        check(
            &cluster("EMR-3.11.0", "public"),
            "R2",
            "203.0.113.24:9093,203.0.113.25:9093",
            Some("kafka.public-access.enable=true"),
        );
        let names = "emr-worker-1.cluster-48742:9092,emr-worker-2.cluster-48742:9092";
        check(&cluster("EMR-3.10.1", "private"), "R3", names, None);
        check(&cluster("EMR-3.10.1", "public"), "R4", names, Some("listeners.address.principal=HOST"));
    }

    #[test]
    fn style_port_and_connect() {
        let mut cluster = cluster("3.11", "public");
        cluster.bootstrap = Some(BootstrapStyle::Names);
        check(
            &cluster,
            "R2",
            "emr-worker-1.cluster-48742:9093,emr-worker-2.cluster-48742:9093",
            Some("kafka.public-access.enable=true"),
        );
        cluster.bootstrap = None;
        cluster.port = Some(19093);
        cluster.nodes[1].connect = Some("127.0.0.1:1".parse().unwrap());
        cluster.nodes[2].public_ip = None;
        cluster.nodes[2].connect = Some("[::1]:2".parse().unwrap());
        check(&cluster, "R2", "203.0.113.24:19093,[::1]:2", Some("kafka.public-access.enable=true"));
    }

    #[test]
    fn names_every_broker_without_address() {
        let mut cluster = cluster("3.11", "public");
        cluster.nodes[1].public_ip = None;
        cluster.nodes[2].public_ip = None;
        let error = cluster.endpoints().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Address);
        assert!(error.to_string().contains("emr-worker-1, emr-worker-2"), "{error}");
        assert!(!error.to_string().contains("emr-header-1"), "a node that is no broker needs none: {error}");
        cluster.network = Network::Private;
        cluster.nodes[1].private_ip = None;
        cluster.nodes[1].public_ip = Some("203.0.113.24".parse().unwrap());
        let error = cluster.endpoints().unwrap_err().to_string();
        assert!(error.contains("private_ip") && error.contains("emr-worker-1"), "{error}");
    }
}
