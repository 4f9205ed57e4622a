//! The map from names to addresses, and how a name is looked up in it.

use std::collections::HashMap;
use std::collections::hash_map::Entry as MapEntry;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use crate::error::OneLine;
use crate::names::{self, MAX_NAME};
use crate::{Cluster, Error, ErrorKind, Network, Node, Rule};

/// The address family that is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Family {
    /// Both families. The default.
    #[default]
    Any,
    /// IPv4 only.
    V4,
    /// IPv6 only.
    V6,
}

impl Family {
    fn has(self, address: IpAddr) -> bool {
        match self {
            Family::Any => true,
            Family::V4 => address.is_ipv4(),
            Family::V6 => address.is_ipv6(),
        }
    }
}

/// Answers one lookup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lookup {
    /// Dial these: at least one, all of the asked family. No DNS is asked.
    Mapped(Vec<SocketAddr>),
    /// Ask the system resolver, with the caller's own hints.
    System,
    /// Fail as a name that does not exist does.
    Refused,
}

/// Says what a lookup answers and why.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Explanation {
    /// The answer.
    pub lookup: Lookup,
    /// Why, in one sentence.
    pub reason: String,
    /// The version rule behind the answer, where one is.
    pub rule: Option<&'static Rule>,
    /// The short name of the node that the name belongs to, where it does.
    pub node: Option<String>,
}

/// Maps names, and on a public network private addresses, to the addresses that are dialled.
///
/// Looking a name up takes the same time for four nodes and for ten thousand, and does not allocate before the answer.
#[derive(Clone, Debug)]
pub struct Hosts {
    clusters: Arc<[Cluster]>,
    /// Per cluster, what its long domains end in, with the dot in front, in lower case.
    domains: Vec<Option<String>>,
    names: HashMap<Box<str>, Entry>,
    literals: HashMap<IpAddr, Entry>,
}

#[derive(Clone, Debug)]
struct Entry {
    cluster: usize,
    /// Index into the cluster's nodes; `None` for a plain host.
    node: Option<usize>,
    target: Target,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Target {
    Dial {
        addresses: Vec<IpAddr>,
        port: Option<u16>,
    },
    /// The node has no address on this network.
    Nothing,
    /// Two clusters have it, with different addresses.
    Ambiguous,
}

/// How many addresses a plain host can have.
const MAX_ADDRESSES: usize = 64;

/// What is known of a host.
enum Found<'a> {
    Entry(&'a Entry),
    /// A name under the own domain of this cluster, but no node's.
    OwnDomain(usize),
    Foreign,
    /// The text cannot be a host name.
    NoName,
}

impl Hosts {
    /// Builds the map of one cluster or of several together.
    pub(crate) fn build(clusters: Arc<[Cluster]>) -> Result<Self, Error> {
        let domains = clusters
            .iter()
            .map(|cluster| cluster.domain().map(|domain| format!(".{}", names::normal(&domain))))
            .collect();
        let mut hosts =
            Hosts { clusters: Arc::clone(&clusters), domains, names: HashMap::new(), literals: HashMap::new() };
        for (c, cluster) in clusters.iter().enumerate() {
            for (n, node) in cluster.nodes.iter().enumerate() {
                hosts.add_node(c, cluster, n, node)?;
            }
        }
        hosts.leave_private_addresses_alone();
        // Last, so that a line of a hosts text adds to a node's name and never stands in its way.
        for (c, cluster) in clusters.iter().enumerate() {
            for (name, address) in &cluster.plain_hosts {
                hosts.add_plain(c, name, *address)?;
            }
        }
        hosts.warn_of_ambiguous_addresses();
        Ok(hosts)
    }

    fn add_node(&mut self, c: usize, cluster: &Cluster, n: usize, node: &Node) -> Result<(), Error> {
        let dial = cluster.dial(node);
        let target = match dial {
            Some(dial) => Target::Dial { addresses: vec![dial.address], port: dial.port },
            None => Target::Nothing,
        };
        let entry = Entry { cluster: c, node: Some(n), target };
        for name in cluster.names(node) {
            let unqualified = !name.contains('.');
            match self.names.entry(name.into()) {
                MapEntry::Vacant(slot) => {
                    slot.insert(entry.clone());
                }
                MapEntry::Occupied(slot) if slot.get().target == entry.target => {}
                MapEntry::Occupied(mut slot) if unqualified => slot.get_mut().target = Target::Ambiguous,
                MapEntry::Occupied(slot) => {
                    let other = slot.get();
                    let message = format!(
                        "{:?} is a name of node {} in {} and of node {} in {}, with different addresses; give each cluster a resolver of its own",
                        slot.key(),
                        self.clusters[other.cluster].nodes[other.node.expect("plain hosts come last")].name,
                        self.clusters[other.cluster].title(),
                        node.name,
                        cluster.title(),
                    );
                    return Err(Error::new(ErrorKind::Value, message));
                }
            }
        }
        // Brokers may advertise addresses, and the lookup is asked for those too: on a public network the private IP leads
        // where the name leads, and with `connect` both addresses do.
        let connect = node.connect.is_some();
        let private = node.private_ip.filter(|_| connect || (dial.is_some() && cluster.network == Network::Public));
        for literal in private.into_iter().chain(node.public_ip.filter(|_| connect)) {
            match self.literals.entry(literal) {
                MapEntry::Vacant(slot) => {
                    slot.insert(entry.clone());
                }
                MapEntry::Occupied(slot) if slot.get().target == entry.target => {}
                MapEntry::Occupied(mut slot) if slot.get().cluster != c => slot.get_mut().target = Target::Ambiguous,
                MapEntry::Occupied(slot) => {
                    let other = slot.get().node.expect("a literal belongs to a node");
                    let message = format!(
                        "nodes {} and {} share the address {literal}, but lead to different ones; correct private_ip, public_ip or connect",
                        cluster.nodes[other].name, node.name
                    );
                    return Err(Error::new(ErrorKind::Value, message));
                }
            }
        }
        Ok(())
    }

    /// An address that is one cluster's own, on its private network, is not another's to map.
    fn leave_private_addresses_alone(&mut self) {
        for (c, cluster) in self.clusters.iter().enumerate() {
            let plain = |node: &&Node| cluster.network == Network::Private && node.connect.is_none();
            for address in cluster.nodes.iter().filter(plain).filter_map(|node| node.private_ip) {
                if let Some(entry) = self.literals.get_mut(&address).filter(|entry| entry.cluster != c) {
                    entry.target = Target::Ambiguous;
                }
            }
        }
    }

    fn warn_of_ambiguous_addresses(&self) {
        let mut all: Vec<&IpAddr> = self
            .literals
            .iter()
            .filter(|(_, entry)| entry.target == Target::Ambiguous)
            .map(|(address, _)| address)
            .collect();
        all.sort();
        if let Some(first) = all.first() {
            log::warn!(
                "{} addresses, {first} among them, belong to nodes of two clusters and are dialled as they are; \
                 give each cluster a resolver of its own",
                all.len()
            );
        }
    }

    fn add_plain(&mut self, c: usize, name: &str, address: IpAddr) -> Result<(), Error> {
        let new = || Entry { cluster: c, node: None, target: Target::Dial { addresses: Vec::new(), port: None } };
        let entry = self.names.entry(names::normal(name).into()).or_insert_with(new);
        let Target::Dial { addresses, port: None } = &mut entry.target else { return Ok(()) };
        if let Some(node) = entry.node
            && let Some(other) =
                addresses.iter().find(|other| other.is_ipv4() == address.is_ipv4() && **other != address)
        {
            let node = &self.clusters[entry.cluster].nodes[node].name;
            return Err(Error::new(
                ErrorKind::Value,
                format!("{name:?} stands with the address {address}, but is a name of node {node}, which has {other}"),
            ));
        }
        if !addresses.contains(&address) {
            addresses.push(address);
        }
        if addresses.len() > MAX_ADDRESSES {
            return Err(Error::new(
                ErrorKind::Value,
                format!("{name:?} has more than {MAX_ADDRESSES} addresses; expected those of one machine"),
            ));
        }
        Ok(())
    }

    /// Returns how many names are mapped.
    #[must_use]
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Returns whether no name is mapped.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// Returns the clusters that the map is made of.
    #[must_use]
    pub fn clusters(&self) -> &[Cluster] {
        &self.clusters
    }

    /// Returns the node that a host belongs to, and its cluster. Takes what [`Hosts::lookup`] takes.
    #[must_use]
    pub fn node(&self, host: &str) -> Option<(&Cluster, &Node)> {
        let Found::Entry(entry) = self.find(host) else { return None };
        let cluster = &self.clusters[entry.cluster];
        entry.node.filter(|_| entry.target != Target::Ambiguous).map(|node| (cluster, &cluster.nodes[node]))
    }

    /// Looks a host up: a name, or an address literal without brackets.
    #[must_use]
    pub fn lookup(&self, host: &str, port: u16, family: Family) -> Lookup {
        self.answer(&self.find(host), port, family)
    }

    /// Looks a host up and says why the answer is what it is.
    #[must_use]
    pub fn explain(&self, host: &str, port: u16, family: Family) -> Explanation {
        let found = self.find(host);
        let lookup = self.answer(&found, port, family);
        let (reason, rule, node) = self.reason(host, &found, &lookup);
        Explanation { lookup, reason, rule, node: node.map(|node| node.name.clone()) }
    }

    pub(crate) fn shared_clusters(&self) -> &Arc<[Cluster]> {
        &self.clusters
    }

    /// Returns whether a host that is not mapped is a cluster's own: a name under its domain, or a node with no address of
    /// the asked family.
    pub(crate) fn is_missing(&self, host: &str) -> bool {
        match self.find(host) {
            Found::OwnDomain(_) | Found::Entry(Entry { target: Target::Dial { .. }, .. }) => true,
            Found::Entry(Entry { target: Target::Nothing, .. }) => self.own_domain(&names::normal(host)).is_some(),
            Found::Entry(_) | Found::Foreign | Found::NoName => false,
        }
    }

    /// Returns what to warn of for a host that is missing.
    pub(crate) fn warning(&self, host: &str, family: Family) -> String {
        let reason = self.explain(host, 0, family).reason;
        match self.find(host) {
            Found::OwnDomain(c) => {
                format!("{reason}. If {} has a new node, add it to the description", self.clusters[c].title())
            }
            _ => reason,
        }
    }

    fn find(&self, host: &str) -> Found<'_> {
        let host = host.strip_suffix('.').unwrap_or(host);
        let mut buffer = [0; MAX_NAME];
        let Some(lower) = buffer.get_mut(..host.len()).filter(|b| !b.is_empty()) else { return Found::NoName };
        lower.copy_from_slice(host.as_bytes());
        lower.make_ascii_lowercase();
        if lower.contains(&0) {
            return Found::NoName;
        }
        let Ok(lower) = std::str::from_utf8(lower) else { return Found::NoName };
        if let Some(entry) = self.names.get(lower) {
            return Found::Entry(entry);
        }
        let literal = if self.literals.is_empty() { None } else { lower.parse().ok() };
        if let Some(entry) = literal.and_then(|literal: IpAddr| self.literals.get(&literal)) {
            return Found::Entry(entry);
        }
        self.own_domain(lower).map_or(Found::Foreign, Found::OwnDomain)
    }

    /// The cluster under whose domain a name (in lower case) is.
    fn own_domain(&self, name: &str) -> Option<usize> {
        let under = |domain: &str| name.len() > domain.len() && name.ends_with(domain);
        self.domains.iter().position(|domain| domain.as_deref().is_some_and(under))
    }

    fn answer(&self, found: &Found<'_>, port: u16, family: Family) -> Lookup {
        let unmapped = |cluster: usize| if self.clusters[cluster].strict { Lookup::Refused } else { Lookup::System };
        match found {
            Found::Entry(Entry { target: Target::Dial { addresses, port: instead }, .. }) => {
                let port = instead.unwrap_or(port);
                let list: Vec<SocketAddr> =
                    addresses.iter().filter(|a| family.has(**a)).map(|a| SocketAddr::new(*a, port)).collect();
                if list.is_empty() { Lookup::Refused } else { Lookup::Mapped(list) }
            }
            Found::Entry(Entry { target: Target::Nothing, cluster, .. }) => unmapped(*cluster),
            Found::Entry(Entry { target: Target::Ambiguous, .. }) | Found::Foreign => Lookup::System,
            Found::OwnDomain(cluster) => unmapped(*cluster),
            Found::NoName => Lookup::Refused,
        }
    }

    fn reason(&self, host: &str, found: &Found<'_>, lookup: &Lookup) -> (String, Option<&'static Rule>, Option<&Node>) {
        let literal = is_literal(host);
        let shown = OneLine(host);
        let then = match lookup {
            Lookup::Refused => "strict refuses it",
            _ => "the system resolver is asked",
        };
        let entry = match found {
            Found::Entry(entry) => entry,
            Found::OwnDomain(c) => {
                let cluster = &self.clusters[*c];
                return (
                    format!("{shown} is under {} but is no node of the description; {then}", cluster.title()),
                    None,
                    None,
                );
            }
            Found::Foreign if literal => {
                return (format!("{shown} is an address, and dialled as it is"), None, None);
            }
            Found::Foreign => {
                return (format!("{shown} is no name of the cluster; the system resolver is asked"), None, None);
            }
            Found::NoName => return (format!("{host:?} cannot be a host name"), None, None),
        };
        let cluster = &self.clusters[entry.cluster];
        let rule = cluster.rule();
        let Some(node) = entry.node.map(|n| &cluster.nodes[n]) else {
            return (format!("{shown} is a plain host of the hosts text"), None, None);
        };
        let whose = if literal { "an address" } else { "a name" };
        let whose = format!("{shown} is {whose} of node {}", node.name);
        let reason = match (&entry.target, lookup) {
            (Target::Ambiguous, _) => {
                let next = if literal { "give each cluster a resolver of its own" } else { "use the long domain" };
                format!("{shown} belongs to nodes of two clusters; {next}; the system resolver is asked")
            }
            (Target::Nothing, _) => format!("{whose}, which has no address on the {} network; {then}", cluster.network),
            (_, Lookup::Refused) => format!("{whose}, which has no address of the asked family"),
            (_, _) if node.connect.is_some() => format!("{whose}, and its `connect` is dialled whatever the rule says"),
            (_, _) => {
                let which = match rule.dials {
                    crate::NodeAddress::PrivateIp => "private IP",
                    crate::NodeAddress::PublicIp => "EIP",
                };
                format!("{whose}; rule {rule} dials its {which}: {}", rule.reason)
            }
        };
        (reason, Some(rule), Some(node))
    }
}

fn is_literal(host: &str) -> bool {
    host.parse::<IpAddr>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts(source: &str) -> Hosts {
        Hosts::build(source.parse::<crate::Source>().unwrap().load().unwrap().into()).unwrap()
    }

    #[track_caller]
    fn mapped(hosts: &Hosts, host: &str, expected: &str) {
        let expected: Vec<SocketAddr> = expected.split(' ').map(|a| a.parse().unwrap()).collect();
        assert_eq!(hosts.lookup(host, 9092, Family::Any), Lookup::Mapped(expected), "{host}");
    }

    #[track_caller]
    fn says(hosts: &Hosts, host: &str, lookup: &Lookup, says: &str) {
        let explanation = hosts.explain(host, 9092, Family::Any);
        assert_eq!(&explanation.lookup, lookup, "{host}");
        assert!(explanation.reason.contains(says), "{}", explanation.reason);
    }

    const PUBLIC: &str = "emr://48742?release=3.10&network=public&emr-worker-1=10.0.1.24/203.0.113.24&emr-worker-2=10.0.1.25/203.0.113.25&emr-header-1=10.0.1.23";

    #[test]
    fn every_name_of_a_node() {
        let hosts = hosts(PUBLIC);
        for name in ["emr-worker-1.cluster-48742", "EMR-Worker-1.Cluster-48742.", "emr-worker-1", "10.0.1.24"] {
            mapped(&hosts, name, "203.0.113.24:9092");
        }
        assert_eq!(hosts.lookup("203.0.113.24", 9092, Family::Any), Lookup::System, "an EIP is itself");
        assert_eq!(hosts.lookup("emr-worker-1", 9092, Family::V6), Lookup::Refused);
        says(&hosts, "emr-worker-1", &hosts.lookup("emr-worker-1", 9092, Family::V4), "rule R4 dials its EIP");
    }

    #[test]
    fn private_network_leaves_literals_alone() {
        let hosts = hosts("emr://48742?release=3.11&emr-worker-1=10.0.1.24/203.0.113.24");
        mapped(&hosts, "emr-worker-1.cluster-48742", "10.0.1.24:9092");
        says(&hosts, "10.0.1.24", &Lookup::System, "dialled as it is");
        says(&hosts, "203.0.113.24", &Lookup::System, "dialled as it is");
    }

    #[test]
    fn what_is_not_mapped() {
        let mut hosts = hosts(PUBLIC);
        says(&hosts, "emr-worker-9.cluster-48742", &Lookup::System, "no node of the description");
        says(&hosts, "emr-header-1.cluster-48742", &Lookup::System, "no address on the public network");
        says(&hosts, "example.com", &Lookup::System, "no name of the cluster");
        says(&hosts, "cluster-48742", &Lookup::System, "no name of the cluster");
        says(&hosts, "", &Lookup::Refused, "cannot be");
        says(&hosts, ".", &Lookup::Refused, "cannot be");
        says(&hosts, "emr-worker-1\0.cluster-48742", &Lookup::Refused, "cannot be");
        says(&hosts, &"a".repeat(256), &Lookup::Refused, "cannot be");
        assert!(hosts.is_missing("emr-worker-9.cluster-48742"));
        assert!(hosts.is_missing("emr-header-1.cluster-48742"));
        assert!(!hosts.is_missing("emr-header-1"));
        assert!(!hosts.is_missing("example.com"));
        assert!(hosts.warning("emr-worker-9.cluster-48742", Family::Any).contains("new node"));
        assert!(hosts.warning("emr-worker-1", Family::V6).contains("asked family"));
        hosts.clusters = hosts
            .clusters
            .iter()
            .cloned()
            .map(|mut c| {
                c.strict = true;
                c
            })
            .collect();
        says(&hosts, "emr-worker-9.cluster-48742", &Lookup::Refused, "strict");
        says(&hosts, "emr-header-1.cluster-48742", &Lookup::Refused, "strict");
        says(&hosts, "example.com", &Lookup::System, "system");
    }

    #[test]
    fn connect_wins_for_names_and_addresses() {
        let mut cluster = PUBLIC.parse::<crate::Source>().unwrap().load().unwrap().remove(0);
        cluster.nodes[0].connect = Some("[::1]:19092".parse().unwrap());
        let endpoints = cluster.endpoints().unwrap();
        for host in ["emr-worker-1.cluster-48742", "10.0.1.24", "203.0.113.24"] {
            mapped(endpoints.hosts(), host, "[::1]:19092");
        }
        says(endpoints.hosts(), "emr-worker-1", &Lookup::Mapped(vec!["[::1]:19092".parse().unwrap()]), "connect");
    }

    #[test]
    fn new_console_spellings() {
        let hosts = hosts("emr://c-0edf?region=cn-shanghai&release=5.8.0&core1-1=10.0.1.24");
        for name in [
            "core-1-1",
            "core1-1",
            "core1-1.c-0edf.cn-shanghai.emr.aliyuncs.com",
            "core-1-1.C-0EDF.cn-shanghai.emr.aliyuncs.com",
        ] {
            mapped(&hosts, name, "10.0.1.24:9092");
        }
        assert_eq!(
            hosts.clusters()[0].long_domain(&hosts.clusters()[0].nodes[0]).unwrap(),
            "core-1-1.c-0edf.cn-shanghai.emr.aliyuncs.com"
        );
    }

    #[test]
    fn several_clusters() {
        let both =
            hosts(&format!("{PUBLIC};emr://48743?release=3.10&network=public&emr-worker-1=10.0.1.24/198.51.100.1"));
        mapped(&both, "emr-worker-1.cluster-48742", "203.0.113.24:9092");
        mapped(&both, "emr-worker-1.cluster-48743", "198.51.100.1:9092");
        mapped(&both, "emr-worker-2", "203.0.113.25:9092");
        let node = |host: &str| both.node(host).map(|(cluster, node)| (cluster.title(), node.name.clone()));
        assert_eq!(node("EMR-worker-1.cluster-48743."), Some(("cluster-48743".to_owned(), "emr-worker-1".to_owned())));
        assert_eq!((node("emr-worker-1"), node("10.0.1.24"), node("example.com")), (None, None, None));
        says(&both, "emr-worker-1", &Lookup::System, "use the long domain");
        says(&both, "10.0.1.24", &Lookup::System, "resolver of its own");
        let mixed = hosts(&format!("{PUBLIC};emr://48743?release=3.11&emr-worker-1=10.0.1.24"));
        says(&mixed, "10.0.1.24", &Lookup::System, "resolver of its own");
        mapped(&mixed, "10.0.1.25", "203.0.113.25:9092");
        let twice: Vec<Cluster> = format!("{PUBLIC};emr://48742?release=3.10&emr-worker-1=10.9.9.9")
            .parse::<crate::Source>()
            .unwrap()
            .load()
            .unwrap();
        let error = Hosts::build(twice.into()).unwrap_err().to_string();
        assert!(error.contains("emr-worker-1.cluster-48742"), "{error}");
    }

    #[test]
    fn shared_addresses_must_lead_to_one_place() {
        let same = "emr://1?release=3.11&network=public&emr-worker-1=10.0.1.24/203.0.113.24&emr-header-1=10.0.1.24/203.0.113.24";
        mapped(&hosts(same), "10.0.1.24", "203.0.113.24:9092");
        let other = same.replace("emr-header-1=10.0.1.24/203.0.113.24", "emr-header-1=10.0.1.24/203.0.113.99");
        let cluster = other.parse::<crate::Source>().unwrap().load().unwrap().remove(0);
        let error = cluster.endpoints().unwrap_err().to_string();
        assert!(error.contains("emr-worker-1") && error.contains("10.0.1.24"), "{error}");
    }

    #[test]
    fn a_plain_host_is_one_machine() {
        use std::fmt::Write as _;
        let mut text = "10.0.1.24 emr-worker-1.cluster-48742\n".to_owned();
        for n in 0..20_000 {
            writeln!(text, "10.1.{}.{} db", n / 256, n % 256).unwrap();
        }
        let clusters = Cluster::from_hosts_text(&text, Network::Private).unwrap();
        let error = clusters[0].endpoints().unwrap_err().to_string();
        assert!(error.contains("\"db\" has more than 64 addresses"), "{error}");
    }

    #[test]
    fn plain_hosts_of_a_hosts_text() {
        let text = "10.0.1.24 emr-worker-1.cluster-48742\nfd00::24 emr-worker-1.cluster-48742\n127.0.0.1 localhost db\n::1 localhost\n";
        let clusters = Cluster::from_hosts_text(text, crate::Network::Private).unwrap();
        let hosts = clusters[0].endpoints().unwrap().hosts().clone();
        mapped(&hosts, "emr-worker-1.cluster-48742", "10.0.1.24:9092 [fd00::24]:9092");
        mapped(&hosts, "localhost", "127.0.0.1:9092 [::1]:9092");
        assert_eq!(hosts.lookup("localhost", 1, Family::V6), Lookup::Mapped(vec!["[::1]:1".parse().unwrap()]));
        says(&hosts, "db", &Lookup::Mapped(vec!["127.0.0.1:9092".parse().unwrap()]), "plain host");
    }
}
