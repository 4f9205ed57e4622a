//! From a cluster to the endpoints that clients begin with.

use std::collections::HashSet;
use std::fmt;

use crate::check::missing_id;
use crate::cluster::bad;
use crate::{BootstrapStyle, Cluster, Error, Hosts, Node, Rule};

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

/// Describes how to connect to a cluster: bootstrap servers, hosts, the rule they come from, and what the brokers must have set.
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
    /// Returns the endpoints by the version rule, listed as the description or else EMR's document has them.
    #[must_use]
    pub fn endpoints(&self) -> Endpoints {
        let hosts = Hosts::new([self.clone()]).expect("one cluster is in no conflict with another");
        Endpoints { rule: self.rule(), bootstrap: self.bootstrap_endpoints(), hosts }
    }

    /// Returns the value for `bootstrap.servers`, listed as the description or else EMR's document has it.
    #[must_use]
    pub fn bootstrap_servers(&self) -> String {
        join(&self.bootstrap_endpoints())
    }

    pub(crate) fn bootstrap_endpoints(&self) -> Vec<Endpoint> {
        let style = self.bootstrap().unwrap_or(self.rule().bootstrap);
        self.list_brokers(style).expect("a cluster without an id has a host for every node, if its rule lists names")
    }

    /// Lists the brokers for a client that has the hook, each by its long domain if it has one; see
    /// [`Resolver::client_bootstrap_servers`](crate::Resolver::client_bootstrap_servers).
    ///
    /// # Errors
    ///
    /// Fails if the client's security needs long domains and a broker has none.
    pub fn client_bootstrap(
        &self,
        security_protocol: Option<&str>,
        sasl_mechanism: Option<&str>,
    ) -> Result<Vec<Endpoint>, Error> {
        match self.bootstrap() {
            Some(style) => self.list_brokers(style),
            None => match BootstrapStyle::for_security(security_protocol, sasl_mechanism) {
                Some(style) => self.list_brokers(style),
                None => self.list(|node| Ok(self.by_name(node).or_else(|| self.by_address(node)))),
            },
        }
    }

    fn list_brokers(&self, style: BootstrapStyle) -> Result<Vec<Endpoint>, Error> {
        self.list(|node| match style {
            BootstrapStyle::Names => self.by_name(node).ok_or_else(|| no_long_domain(node)).map(Some),
            BootstrapStyle::Addresses => Ok(self.by_address(node)),
        })
    }

    /// Lists the brokers, each endpoint once.
    fn list(&self, endpoint: impl Fn(&Node) -> Result<Option<Endpoint>, Error>) -> Result<Vec<Endpoint>, Error> {
        let mut list: Vec<Endpoint> = Vec::new();
        let mut seen = HashSet::new();
        for node in self.brokers() {
            list.extend(endpoint(node)?.filter(|endpoint| seen.insert(endpoint.clone())));
        }
        Ok(list)
    }

    fn by_name(&self, node: &Node) -> Option<Endpoint> {
        Some(Endpoint { host: node.long_domain()?.to_owned(), port: self.broker_port() })
    }

    /// The address of the rule, also with `connect`: the lookup leads it on, and it is what brokers advertise.
    fn by_address(&self, node: &Node) -> Option<Endpoint> {
        match (node.address(self.rule().dials), node.connect()) {
            (Some(address), _) => Some(Endpoint { host: address.to_string(), port: self.broker_port() }),
            (None, connect) => connect.map(|to| Endpoint { host: to.ip().to_string(), port: to.port() }),
        }
    }
}

fn no_long_domain(node: &Node) -> Error {
    bad(missing_id("brokers are listed by long domain, which TLS and Kerberos need", node.name()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Description, ErrorKind, Network};

    fn description(release: &str, network: &str) -> Description {
        let source = format!(
            "emr://48742?release={release}&network={network}&emr-header-1=10.0.1.23&emr-worker-1=10.0.1.24/203.0.113.24\
             &emr-worker-2=10.0.1.25/203.0.113.25"
        );
        source.parse::<crate::Source>().unwrap().load().unwrap().remove(0).description()
    }

    #[track_caller]
    fn check(description: Description, rule: &str, servers: &str, requirement: Option<&str>) {
        let endpoints = Cluster::new(description).unwrap().endpoints();
        assert_eq!(endpoints.rule().name, rule);
        assert_eq!(endpoints.bootstrap_servers(), servers);
        assert_eq!(endpoints.requirement(), requirement);
    }

    #[test]
    fn each_rule() {
        check(description("EMR-3.11.0", "private"), "R1", "10.0.1.24:9092,10.0.1.25:9092", None);
        check(
            description("EMR-3.11.0", "public"),
            "R2",
            "203.0.113.24:9093,203.0.113.25:9093",
            Some("kafka.public-access.enable=true"),
        );
        let names = "emr-worker-1.cluster-48742:9092,emr-worker-2.cluster-48742:9092";
        check(description("EMR-3.10.1", "private"), "R3", names, None);
        check(description("EMR-3.10.1", "public"), "R4", names, Some("listeners.address.principal=HOST"));
    }

    #[test]
    fn style_port_and_connect() {
        let mut description = description("3.11", "public");
        description.settings.bootstrap = Some(BootstrapStyle::Names);
        check(
            description.clone(),
            "R2",
            "emr-worker-1.cluster-48742:9093,emr-worker-2.cluster-48742:9093",
            Some("kafka.public-access.enable=true"),
        );
        description.settings.bootstrap = None;
        description.settings.port = Some(19093);
        description.nodes[1].connect = Some("127.0.0.1:1".parse().unwrap());
        description.nodes[2].public_ip = None;
        description.nodes[2].connect = Some("[::1]:2".parse().unwrap());
        check(description, "R2", "203.0.113.24:19093,[::1]:2", Some("kafka.public-access.enable=true"));
    }

    #[test]
    fn a_client_lists_each_broker_by_name_if_it_has_one() {
        let mut description = description("3.11", "private");
        description.settings.id = None;
        description.nodes[1].host = Some("kafka-1.example".to_owned());
        let cluster = Cluster::new(description.clone()).unwrap();
        let list = |protocol| cluster.client_bootstrap(protocol, None).map(|list| join(&list));
        assert_eq!(list(None).unwrap(), "kafka-1.example:9092,10.0.1.25:9092");
        let error = list(Some("SSL")).unwrap_err().to_string();
        assert!(error.contains("id: missing") && error.contains("emr-worker-2"), "{error}");
        description.nodes[2].host = Some("kafka-2.example".to_owned());
        let all = Cluster::new(description).unwrap().client_bootstrap(Some("SSL"), None).unwrap();
        assert_eq!(join(&all), "kafka-1.example:9092,kafka-2.example:9092");
    }

    #[test]
    fn names_every_broker_without_address() {
        let mut description = description("3.11", "public");
        description.nodes[1].public_ip = None;
        description.nodes[2].public_ip = None;
        let error = Cluster::new(description.clone()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Address);
        assert!(error.to_string().contains("emr-worker-1, emr-worker-2"), "{error}");
        assert!(!error.to_string().contains("emr-header-1"), "a node that is no broker needs none: {error}");
        description.settings.network = Some(Network::Private);
        description.nodes[1].private_ip = None;
        description.nodes[1].public_ip = Some("203.0.113.24".parse().unwrap());
        let error = Cluster::new(description).unwrap_err().to_string();
        assert!(error.contains("private_ip") && error.contains("emr-worker-1"), "{error}");
    }
}
