//! The map from names to addresses, over one cluster or several, and how a name is looked up in it.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::sync::Arc;

use foldhash::fast::RandomState;

use crate::cluster::bad;
use crate::index::{Entry, Owner};
use crate::names::{self, LongDomain, MAX_NAME};
use crate::{Cluster, Connections, Dial, Error, Family, Network, Node};

/// Answers one lookup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lookup {
    /// Dial this. All its addresses are of the asked family, and no DNS is asked.
    Mapped(Dial),
    /// Ask the system resolver, with the caller's own hints.
    System,
    /// Fail as a name that does not exist does.
    Refused,
}

/// Whose lookups the map answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Reach {
    /// A Kafka client, which looks up brokers and nothing else: the whole map counts. The default.
    #[default]
    Client,
    /// A whole program: only names that a description has in full count, and no addresses. Short names that follow from
    /// them are left out, because nodes of other clusters have the same. Connections to addresses go by
    /// [`Hosts::connections`].
    Program,
}

/// Maps names, and on a public network private addresses, to the addresses that are dialled.
///
/// Looking a name up takes the same time for four nodes and for ten thousand, and takes no memory but for a name with
/// several addresses. Clones are cheap.
#[derive(Clone, Debug)]
pub struct Hosts(Arc<Map>);

#[derive(Debug)]
struct Map {
    clusters: Vec<Cluster>,
    /// What the clusters' long domains end in, with the dot in front, in lower case.
    domains: Vec<(String, usize)>,
    /// What each `host` and alias of a node ends in, in lower case. The next description may have more nodes there.
    other_domains: HashSet<String, RandomState>,
    /// Names that two clusters have, and that lead to different places.
    ambiguous_names: AmbiguousNames,
    /// Addresses that nodes of two clusters have, and that lead to different places.
    ambiguous_addresses: HashSet<IpAddr>,
    connections: Connections,
}

#[derive(Debug, Default)]
struct AmbiguousNames {
    client: HashSet<String>,
    /// Of names that follow from others there are none here: they do not count in a program.
    program: HashSet<String>,
}

/// What a host is to the map.
#[derive(Clone, Copy)]
pub(crate) enum Match<'a> {
    Node(&'a Cluster, &'a Node),
    PlainHost(&'a Dial),
    /// It leads to different places in two clusters. This is the first one, unless it is a plain host there.
    Ambiguous(Option<(&'a Cluster, &'a Node)>),
    /// A name under the cluster's own domain, but no node's.
    Unknown(&'a Cluster),
    Foreign,
    /// The text cannot be a host name.
    Impossible,
}

impl Hosts {
    /// Makes the map of one cluster or of several together.
    ///
    /// # Errors
    ///
    /// Fails if there is no cluster, or if a name that descriptions have in full (not a short name that follows from others)
    /// leads to different addresses in two of them.
    pub fn new(clusters: impl IntoIterator<Item = Cluster>) -> Result<Self, Error> {
        let clusters: Vec<Cluster> = clusters.into_iter().collect();
        if clusters.is_empty() {
            return Err(bad("no cluster; expected at least one description"));
        }
        let mut domains: Vec<(String, usize)> = Vec::new();
        for (number, cluster) in clusters.iter().enumerate() {
            domains.extend(cluster.domain().map(|domain| (format!(".{}", names::normal(domain)), number)));
        }
        let described = clusters.iter().flat_map(Cluster::nodes).map(Node::description);
        let others = described.flat_map(|node| node.host.iter().chain(&node.aliases));
        let other_domains = others.filter_map(|name| Some(names::normal(name).split_once('.')?.1.to_owned()));
        let mut map = Map {
            other_domains: other_domains.collect(),
            domains,
            ambiguous_names: AmbiguousNames::default(),
            ambiguous_addresses: HashSet::new(),
            connections: Connections::default(),
            clusters,
        };
        if map.clusters.len() > 1 {
            map.ambiguous_names = map.find_ambiguous_names()?;
            map.find_ambiguous_addresses();
        }
        map.connections = Connections::of(&map.clusters, &map.ambiguous_addresses);
        Ok(Hosts(Arc::new(map)))
    }

    /// Returns how many names are mapped. A name of two clusters counts twice.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.clusters.iter().map(|cluster| cluster.index().names.len()).sum()
    }

    /// Returns whether no name is mapped: never, since a cluster has nodes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the clusters that the map is made of.
    #[must_use]
    pub fn clusters(&self) -> &[Cluster] {
        &self.0.clusters
    }

    /// Returns where connections of a whole program lead that are made to addresses of nodes.
    #[must_use]
    pub fn connections(&self) -> &Connections {
        &self.0.connections
    }

    /// Returns what to warn of if addresses belong to nodes of two clusters.
    pub(crate) fn ambiguity(&self) -> Option<String> {
        let ambiguous = &self.0.ambiguous_addresses;
        let first = ambiguous.iter().min()?;
        let which = match ambiguous.len() {
            1 => format!("the address {first} belongs to nodes of two clusters and is dialled as it is"),
            count => format!(
                "{count} addresses, {first} among them, belong to nodes of two clusters and are dialled as they are"
            ),
        };
        Some(format!("{which}; give each cluster a resolver of its own"))
    }

    /// Returns whether two handles are of the same map.
    #[must_use]
    pub fn same(&self, other: &Hosts) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Returns the node that a host belongs to, and its cluster. Takes what [`Hosts::lookup`] takes.
    #[must_use]
    pub fn node(&self, host: &str) -> Option<(&Cluster, &Node)> {
        self.node_for(Reach::Client, host)
    }

    /// Returns the node that a host belongs to for a client or a whole program, and its cluster.
    #[must_use]
    pub fn node_for(&self, reach: Reach, host: &str) -> Option<(&Cluster, &Node)> {
        match self.find(reach, host) {
            Match::Node(cluster, node) => Some((cluster, node)),
            _ => None,
        }
    }

    /// Looks a host up for a Kafka client: a name, or an address literal without brackets.
    #[must_use]
    pub fn lookup(&self, host: &str, family: Family) -> Lookup {
        self.lookup_for(Reach::Client, host, family)
    }

    /// Looks a host up for a client or a whole program.
    #[must_use]
    #[inline]
    pub fn lookup_for(&self, reach: Reach, host: &str, family: Family) -> Lookup {
        self.find(reach, host).lookup(family)
    }

    /// Returns whether a host could be in this map or in the next one: it is in it, or it is named as the nodes of an EMR
    /// cluster are. For all others there is no reason to look whether the description changed.
    pub(crate) fn could_have(&self, host: &str) -> bool {
        let could_have = in_lower_case(host, |host| match self.find_lower(Reach::Program, host) {
            Match::Foreign => {
                let domain = host.split_once('.').map(|(_, domain)| domain);
                LongDomain::parse(host).is_some() || domain.is_some_and(|domain| self.0.other_domains.contains(domain))
            }
            Match::Impossible => false,
            _ => true,
        });
        could_have.unwrap_or(false)
    }

    #[inline]
    pub(crate) fn find(&self, reach: Reach, host: &str) -> Match<'_> {
        in_lower_case(host, |host| self.find_lower(reach, host)).unwrap_or(Match::Impossible)
    }

    #[inline]
    fn find_lower(&self, reach: Reach, host: &str) -> Match<'_> {
        for cluster in &self.0.clusters {
            if let Some(entry) = cluster.index().names.get(host)
                && entry.counts_for(reach)
            {
                return self.0.owner(cluster, entry, || self.0.ambiguous_names.of(reach).contains(host));
            }
        }
        if reach == Reach::Client
            && let Some(found) = self.0.find_address(host)
        {
            return found;
        }
        if host.contains('\0') {
            return Match::Impossible;
        }
        let under = |domain: &str| host.len() > domain.len() && host.ends_with(domain);
        let own = self.0.domains.iter().find(|(domain, _)| under(domain));
        own.map_or(Match::Foreign, |(_, number)| Match::Unknown(&self.0.clusters[*number]))
    }
}

/// Passes a name on as it is compared; `None` if it can be none. It takes no memory.
#[inline]
fn in_lower_case<T>(host: &str, then: impl FnOnce(&str) -> T) -> Option<T> {
    let host = names::without_trailing_dot(host);
    if host.is_empty() || host.len() > MAX_NAME {
        return None;
    }
    // Most names come as they are compared. To look at all bytes is quicker than to stop at the first one.
    if !host.bytes().fold(false, |is_upper, byte| is_upper | byte.is_ascii_uppercase()) {
        return Some(then(host));
    }
    let mut buffer = [0; MAX_NAME];
    let lower = &mut buffer[..host.len()];
    lower.copy_from_slice(host.as_bytes());
    lower.make_ascii_lowercase();
    std::str::from_utf8(lower).ok().map(then)
}

impl Map {
    #[inline]
    fn owner<'a>(&self, cluster: &'a Cluster, entry: &Entry, is_ambiguous: impl FnOnce() -> bool) -> Match<'a> {
        let is_ambiguous = self.clusters.len() > 1 && is_ambiguous();
        match entry.owner {
            Owner::Node(number) => {
                let node = &cluster.nodes()[number];
                match is_ambiguous {
                    true => Match::Ambiguous(Some((cluster, node))),
                    false => Match::Node(cluster, node),
                }
            }
            Owner::PlainHost(_) if is_ambiguous => Match::Ambiguous(None),
            Owner::PlainHost(number) => Match::PlainHost(&cluster.index().plain[number]),
        }
    }

    fn find_address(&self, host: &str) -> Option<Match<'_>> {
        if self.clusters.iter().all(|cluster| cluster.index().addresses.is_empty()) {
            return None;
        }
        let address: IpAddr = host.parse().ok()?;
        self.clusters.iter().find_map(|cluster| {
            let node = &cluster.nodes()[*cluster.index().addresses.get(&address)?];
            Some(match self.ambiguous_addresses.contains(&address) {
                true => Match::Ambiguous(Some((cluster, node))),
                false => Match::Node(cluster, node),
            })
        })
    }

    /// Compares what all owners of a name lead to. Short names of two clusters are ambiguous, since EMR gives every cluster the
    /// same; any other name that stands in two descriptions is a mistake.
    fn find_ambiguous_names(&self) -> Result<AmbiguousNames, Error> {
        let mut owners: HashMap<&str, Vec<(usize, &Entry)>> = HashMap::new();
        for (number, cluster) in self.clusters.iter().enumerate() {
            for (name, entry) in &cluster.index().names {
                owners.entry(name).or_default().push((number, entry));
            }
        }
        let dial = |&(number, entry): &(usize, &Entry)| dial_of(&self.clusters[number], entry.owner);
        let is_same = |one: &(usize, &Entry), two: &(usize, &Entry)| Dial::same(dial(one), dial(two));
        let differ = |owners: &[(usize, &Entry)]| owners.iter().any(|other| !is_same(&owners[0], other));
        let mut ambiguous = AmbiguousNames::default();
        for (name, owners) in owners.into_iter().filter(|(_, owners)| owners.len() > 1) {
            if !differ(&owners) {
                continue;
            }
            let written: Vec<_> = owners.iter().filter(|(_, entry)| !entry.is_derived).copied().collect();
            if differ(&written) {
                if let Some(full) = written.iter().find(|(_, entry)| !entry.is_short) {
                    let other = written.iter().find(|other| !is_same(full, other)).unwrap_or(full);
                    let (one, two) = if full.0 < other.0 { (full, other) } else { (other, full) };
                    let (one, two) = (self.describe(one.0, one.1.owner), self.describe(two.0, two.1.owner));
                    return Err(bad(format!(
                        "{name:?} is {one}, and is {two}; give each cluster a resolver of its own"
                    )));
                }
                ambiguous.program.insert(name.to_owned());
            }
            ambiguous.client.insert(name.to_owned());
        }
        Ok(ambiguous)
    }

    /// Describes the owner of a name for a message: whose it is, in which cluster, and where it leads.
    fn describe(&self, number: usize, owner: Owner) -> String {
        let cluster = &self.clusters[number];
        let whose = match owner {
            Owner::Node(number) => format!("a name of node {}", cluster.nodes()[number].name()),
            Owner::PlainHost(_) => "a plain host".to_owned(),
        };
        let leads_to = match dial_of(cluster, owner) {
            None => "without an address".to_owned(),
            Some(dial) => {
                let addresses: Vec<String> = dial.addresses().iter().map(ToString::to_string).collect();
                format!("with the address {}", addresses.join(", "))
            }
        };
        // Two descriptions can be of one cluster, and not every cluster's domain is known.
        format!("{whose} in {} ({} of {}), {leads_to}", cluster.title(), number + 1, self.clusters.len())
    }

    /// An address that leads to two places is ambiguous, and so is one that a cluster has on its own private network: that
    /// is not another cluster's to map.
    fn find_ambiguous_addresses(&mut self) {
        let mut ambiguous = HashSet::new();
        for (number, cluster) in self.clusters.iter().enumerate() {
            let others = || self.clusters.iter().enumerate().filter(|(other, _)| *other != number).map(|(_, c)| c);
            for (address, node) in &cluster.index().addresses {
                let dial = cluster.nodes()[*node].dial();
                let leads_elsewhere = |other: &Cluster| {
                    let node = other.index().addresses.get(address).map(|node| &other.nodes()[*node]);
                    node.is_some_and(|node| node.dial() != dial)
                };
                if others().any(leads_elsewhere) {
                    ambiguous.insert(*address);
                }
            }
            let is_plain = |node: &&Node| cluster.network() == Network::Private && node.connect().is_none();
            for address in cluster.nodes().iter().filter(is_plain).filter_map(Node::private_ip) {
                if others().any(|other| other.index().addresses.contains_key(&address)) {
                    ambiguous.insert(address);
                }
            }
        }
        self.ambiguous_addresses = ambiguous;
    }
}

fn dial_of(cluster: &Cluster, owner: Owner) -> Option<&Dial> {
    match owner {
        Owner::Node(number) => cluster.nodes()[number].dial(),
        Owner::PlainHost(number) => Some(&cluster.index().plain[number]),
    }
}

impl AmbiguousNames {
    fn of(&self, reach: Reach) -> &HashSet<String> {
        match reach {
            Reach::Client => &self.client,
            Reach::Program => &self.program,
        }
    }
}

impl Match<'_> {
    #[inline]
    pub(crate) fn lookup(&self, family: Family) -> Lookup {
        let unmapped = |cluster: &Cluster| if cluster.is_strict() { Lookup::Refused } else { Lookup::System };
        let dial = match self {
            Match::Node(cluster, node) => match node.dial() {
                Some(dial) => dial,
                None => return unmapped(cluster),
            },
            Match::PlainHost(dial) => dial,
            Match::Unknown(cluster) => return unmapped(cluster),
            Match::Ambiguous(..) | Match::Foreign | Match::Impossible => return Lookup::System,
        };
        dial.of_family(family).map_or(Lookup::Refused, Lookup::Mapped)
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use super::*;
    use crate::{Description, Overrides, Source};

    fn load(source: &str) -> Vec<Cluster> {
        source.parse::<Source>().unwrap().load().unwrap()
    }

    fn hosts(source: &str) -> Hosts {
        Hosts::new(load(source)).unwrap()
    }

    fn strict(source: &str) -> Hosts {
        let mut overrides = Overrides::default();
        overrides.set("strict", "true").unwrap();
        Hosts::new(source.parse::<Source>().unwrap().with(&overrides).load().unwrap()).unwrap()
    }

    #[track_caller]
    fn mapped(hosts: &Hosts, host: &str, expected: &str) {
        let expected: Vec<SocketAddr> = expected.split(' ').map(|a| a.parse().unwrap()).collect();
        match hosts.lookup(host, Family::Any) {
            Lookup::Mapped(dial) => assert_eq!(dial.socket_addrs(9092).collect::<Vec<_>>(), expected, "{host}"),
            other => panic!("{host}: {other:?}"),
        }
    }

    fn warning(hosts: &Hosts, host: &str, family: Family) -> Option<String> {
        let found = hosts.find(Reach::Client, host);
        found.warning(host, &found.lookup(family))
    }

    #[track_caller]
    fn explained(hosts: &Hosts, host: &str, lookup: &Lookup, reason: &str) {
        let explanation = hosts.explain(host, Family::Any);
        assert_eq!(&explanation.lookup, lookup, "{host}");
        assert!(explanation.reason.contains(reason), "{}", explanation.reason);
    }

    const PUBLIC: &str = "emr://48742?release=3.10&network=public&emr-worker-1=10.0.1.24/203.0.113.24&emr-worker-2=10.0.1.25/203.0.113.25&emr-header-1=10.0.1.23";

    #[test]
    fn every_name_of_a_node() {
        let hosts = hosts(PUBLIC);
        for name in ["emr-worker-1.cluster-48742", "EMR-Worker-1.Cluster-48742.", "emr-worker-1", "10.0.1.24"] {
            mapped(&hosts, name, "203.0.113.24:9092");
        }
        assert_eq!(hosts.lookup("203.0.113.24", Family::Any), Lookup::System, "an EIP is itself");
        assert_eq!(hosts.lookup("emr-worker-1", Family::V6), Lookup::Refused);
        explained(&hosts, "emr-worker-1", &hosts.lookup("emr-worker-1", Family::V4), "rule R4 dials its EIP");
    }

    #[test]
    fn private_network_leaves_literals_alone() {
        let hosts = hosts("emr://48742?release=3.11&emr-worker-1=10.0.1.24/203.0.113.24");
        mapped(&hosts, "emr-worker-1.cluster-48742", "10.0.1.24:9092");
        explained(&hosts, "10.0.1.24", &Lookup::System, "dialled as it is");
        explained(&hosts, "203.0.113.24", &Lookup::System, "dialled as it is");
    }

    #[test]
    fn what_is_not_mapped() {
        let hosts = hosts(PUBLIC);
        explained(&hosts, "emr-worker-9.cluster-48742", &Lookup::System, "no node of the description");
        explained(&hosts, "emr-header-1.cluster-48742", &Lookup::System, "no address on the public network");
        explained(&hosts, "example.com", &Lookup::System, "no name of the cluster");
        explained(&hosts, "cluster-48742", &Lookup::System, "no name of the cluster");
        explained(&hosts, "", &Lookup::System, "cannot be");
        explained(&hosts, ".", &Lookup::System, "cannot be");
        explained(&hosts, "emr-worker-1\0.cluster-48742", &Lookup::System, "cannot be");
        explained(&hosts, &"a".repeat(256), &Lookup::System, "cannot be");
        let warning = |host, family| warning(&hosts, host, family).unwrap_or_default();
        assert!(warning("emr-worker-9.cluster-48742", Family::Any).contains("new node"));
        assert!(warning("emr-header-1.cluster-48742", Family::Any).contains("no address"));
        assert!(warning("emr-worker-1", Family::V6).contains("asked family"));
        assert_eq!(warning("emr-header-1", Family::Any) + &warning("example.com", Family::Any), "");
        let hosts = strict(PUBLIC);
        explained(&hosts, "emr-worker-9.cluster-48742", &Lookup::Refused, "strict");
        explained(&hosts, "emr-header-1.cluster-48742", &Lookup::Refused, "strict");
        explained(&hosts, "example.com", &Lookup::System, "system");
    }

    #[test]
    fn connect_wins_for_names_and_addresses() {
        let mut description = load(PUBLIC).remove(0).description();
        description.nodes[0].connect = Some("[::1]:19092".parse().unwrap());
        let hosts = Cluster::new(description).unwrap().endpoints().hosts().clone();
        for host in ["emr-worker-1.cluster-48742", "10.0.1.24", "203.0.113.24"] {
            mapped(&hosts, host, "[::1]:19092");
        }
        explained(&hosts, "emr-worker-1", &Lookup::Mapped(Dial::new("::1".parse().unwrap(), Some(19092))), "connect");
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
            hosts.clusters()[0].nodes()[0].long_domain().unwrap(),
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
        let node = |host: &str| both.node(host).map(|(cluster, node)| (cluster.title(), node.name()));
        assert_eq!(node("EMR-worker-1.cluster-48743."), Some(("cluster-48743", "emr-worker-1")));
        assert_eq!((node("emr-worker-1"), node("10.0.1.24"), node("example.com")), (None, None, None));
        explained(&both, "emr-worker-1", &Lookup::System, "use the long domain");
        explained(&both, "10.0.1.24", &Lookup::System, "resolver of its own");
        let mixed = hosts(&format!("{PUBLIC};emr://48743?release=3.11&emr-worker-1=10.0.1.24"));
        explained(&mixed, "10.0.1.24", &Lookup::System, "resolver of its own");
        mapped(&mixed, "10.0.1.25", "203.0.113.25:9092");
        let twice = load(&format!("{PUBLIC};emr://48742?release=3.10&emr-worker-1=10.9.9.9"));
        let error = Hosts::new(twice).unwrap_err().to_string();
        assert!(error.contains("emr-worker-1.cluster-48742"), "{error}");
    }

    /// The map of descriptions, each in TOML or as hosts text.
    fn together(descriptions: &[&str]) -> Result<Hosts, Error> {
        let read = |text: &&str| match text.contains('=') {
            true => vec![Description::from_toml(text).unwrap()],
            false => Description::from_hosts_text(text, Network::Private).unwrap(),
        };
        Hosts::new(descriptions.iter().flat_map(read).map(|description| Cluster::new(description).unwrap()))
    }

    fn node_with(id: &str, ip: &str, key: &str) -> String {
        format!("id=\"{id}\"\nrelease=\"3.11\"\n[[nodes]]\nname=\"emr-worker-1\"\nprivate_ip=\"{ip}\"\n{key}\n")
    }

    #[track_caller]
    fn refuse_together(descriptions: &[&str], parts: &[&str]) {
        let error = together(descriptions).unwrap_err().to_string();
        for part in parts {
            assert!(error.contains(part), "{error}");
        }
    }

    #[test]
    fn a_written_name_leads_to_one_place() {
        let text = |id: u32, plain: &str| format!("10.0.{id}.24 emr-worker-1.cluster-{id}\n{plain} db\n");
        refuse_together(
            &[&text(1, "10.0.0.9"), &text(2, "10.0.0.10")],
            &["\"db\"", "10.0.0.9", "cluster-1 (1 of 2)", "10.0.0.10", "cluster-2 (2 of 2)"],
        );
        mapped(&together(&[&text(1, "10.0.0.9"), &text(2, "10.0.0.9")]).unwrap(), "db", "10.0.0.9:9092");
        // A plain host of one cluster, and an alias in the other.
        let alias = node_with("2", "10.0.2.24", "aliases=[\"DB\"]");
        refuse_together(&[&text(1, "10.0.0.9"), &alias], &["\"db\"", "10.0.0.9", "node emr-worker-1", "10.0.2.24"]);
        // Without a dot in it.
        let [one, two] = ["10.0.1.24", "10.0.2.24"].map(|ip| node_with("7", ip, "host=\"kafka\""));
        refuse_together(&[&one, &two], &["\"kafka\"", "10.0.1.24", "cluster-7 (1 of 2)", "10.0.2.24"]);
        // Whatever the order of a machine's two addresses.
        let both = |first: &str, then: &str| format!("10.0.1.24 emr-worker-1.cluster-1\n{first} db\n{then} db\n");
        assert!(together(&[&both("10.0.0.9", "fd00::9"), &both("fd00::9", "10.0.0.9")]).is_ok());
    }

    #[test]
    fn ambiguity_is_that_of_the_reach() {
        let program = |hosts: &Hosts| hosts.lookup_for(Reach::Program, "emr-worker-1", Family::Any);
        let to = |ip: &str| Lookup::Mapped(Dial::new(ip.parse().unwrap(), None));
        // One cluster has the short name in these words, of the other it follows.
        let derived = node_with("1", "10.0.1.24", "");
        for written in ["10.0.2.24 emr-worker-1.cluster-2 emr-worker-1\n", "10.0.2.25 emr-worker-1\n"] {
            let hosts = together(&[&derived, written]).unwrap();
            assert_eq!(program(&hosts), to(&written[..9]), "{written}");
            explained(&hosts, "emr-worker-1", &Lookup::System, "use the long domain");
        }
        // EMR gives the short names of its nodes to every cluster, and users write them beside the long domains.
        let text = "10.0.1.24 emr-worker-1.cluster-1 emr-worker-1\n10.0.2.24 emr-worker-1.cluster-2 emr-worker-1\n";
        let hosts = together(&[text]).unwrap();
        assert_eq!(program(&hosts), Lookup::System);
        explained(&hosts, "emr-worker-1", &Lookup::System, "use the long domain");
        mapped(&hosts, "emr-worker-1.cluster-2", "10.0.2.24:9092");
        // Nothing but short names: they are all that these nodes have.
        refuse_together(&["10.0.1.24 emr-worker-1\n", "10.0.2.24 emr-worker-1\n"], &["(1 of 2)", "(2 of 2)"]);
    }

    #[test]
    fn shared_addresses_must_lead_to_one_place() {
        let same = "emr://1?release=3.11&network=public&emr-worker-1=10.0.1.24/203.0.113.24&emr-header-1=10.0.1.24/203.0.113.24";
        mapped(&hosts(same), "10.0.1.24", "203.0.113.24:9092");
        let other = same.replace("emr-header-1=10.0.1.24/203.0.113.24", "emr-header-1=10.0.1.24/203.0.113.99");
        let error = other.parse::<Source>().unwrap().load().unwrap_err().to_string();
        assert!(error.contains("emr-worker-1") && error.contains("10.0.1.24"), "{error}");
    }

    #[test]
    fn a_plain_host_is_one_machine() {
        use std::fmt::Write as _;
        let mut text = "10.0.1.24 emr-worker-1.cluster-48742\n".to_owned();
        for n in 0..20_000 {
            writeln!(text, "10.1.{}.{} db", n / 256, n % 256).unwrap();
        }
        let mut read = Description::from_hosts_text(&text, Network::Private).unwrap();
        let error = Cluster::new(read.remove(0)).unwrap_err().to_string();
        assert!(error.contains("\"db\" has more than 64 addresses"), "{error}");
    }

    #[test]
    fn plain_hosts_of_a_hosts_text() {
        let text = "10.0.1.24 emr-worker-1.cluster-48742\nfd00::24 emr-worker-1.cluster-48742\n10.0.0.9 registry db\nfd00::9 registry\n";
        let mut read = Description::from_hosts_text(text, Network::Private).unwrap();
        let hosts = Hosts::new([Cluster::new(read.remove(0)).unwrap()]).unwrap();
        mapped(&hosts, "emr-worker-1.cluster-48742", "10.0.1.24:9092 [fd00::24]:9092");
        mapped(&hosts, "registry", "10.0.0.9:9092 [fd00::9]:9092");
        assert_eq!(hosts.lookup("registry", Family::V6), Lookup::Mapped(Dial::new("fd00::9".parse().unwrap(), None)));
        explained(&hosts, "db", &Lookup::Mapped(Dial::new("10.0.0.9".parse().unwrap(), None)), "plain host");
        let warning = warning(&hosts, "db", Family::V6).unwrap();
        assert!(warning.contains("db is a plain host of the hosts text, which has no address of the asked family"));
    }

    #[test]
    fn what_a_machine_calls_itself_is_not_in_the_map() {
        let text = "127.0.0.1 localhost\n127.0.1.1 me me.example.com\n::1 localhost ip6-localhost\n10.0.1.24 emr-worker-1.cluster-1\n";
        // Two machines may call themselves otherwise.
        let hosts = together(&[text, "127.0.0.2 localhost\n10.0.2.24 emr-worker-1.cluster-2\n"]).unwrap();
        for own in ["localhost", "me", "me.example.com", "ip6-localhost"] {
            for family in [Family::Any, Family::V4, Family::V6] {
                assert_eq!(hosts.lookup(own, family), Lookup::System, "{own}");
                assert_eq!(hosts.lookup_for(Reach::Program, own, family), Lookup::System, "{own}");
            }
            assert!(!hosts.could_have(own), "{own}");
        }
        // A node there is one all the same: of a cluster on this machine.
        mapped(&together(&["127.0.0.1 emr-worker-1.cluster-1 kafka\n"]).unwrap(), "kafka", "127.0.0.1:9092");
    }

    #[test]
    fn a_program_has_the_names_that_stand_in_full() {
        let system = |hosts: &Hosts, name: &str| {
            assert_eq!(hosts.lookup_for(Reach::Program, name, Family::Any), Lookup::System, "{name}");
        };
        let program = |hosts: &Hosts, name: &str| {
            assert!(matches!(hosts.lookup_for(Reach::Program, name, Family::Any), Lookup::Mapped(_)), "{name}");
        };
        let hosts = hosts(PUBLIC);
        program(&hosts, "EMR-worker-1.cluster-48742.");
        for other in ["emr-worker-1", "10.0.1.24", "localhost"] {
            system(&hosts, other);
        }
        let described = "id=\"c-0edf\"\nregion=\"cn-shanghai\"\nrelease=\"5.8\"\n[[nodes]]\nname=\"core1-1\"\nprivate_ip=\"10.0.1.24\"\naliases=[\"kafka\", \"master-1-1.c-0edf.cn-shanghai.emr.aliyuncs.com\"]\n";
        let hosts = Hosts::new([Cluster::new(Description::from_toml(described).unwrap()).unwrap()]).unwrap();
        let domain = "c-0edf.cn-shanghai.emr.aliyuncs.com";
        for short in ["core1-1", "core-1-1", "master-1-1", "master1-1"] {
            mapped(&hosts, short, "10.0.1.24:9092");
            system(&hosts, short);
            program(&hosts, &format!("{short}.{domain}"));
        }
        program(&hosts, "kafka");
        let text =
            "10.0.1.24 emr-worker-1.cluster-48742 emr-worker-1\n10.0.1.25 emr-worker-2.cluster-48742\n10.0.0.9 db\n";
        let mut read = Description::from_hosts_text(text, Network::Private).unwrap();
        let hosts = Hosts::new([Cluster::new(read.remove(0)).unwrap()]).unwrap();
        program(&hosts, "emr-worker-1");
        program(&hosts, "db");
        system(&hosts, "emr-worker-2");
        mapped(&hosts, "emr-worker-2", "10.0.1.25:9092");
    }

    #[test]
    fn what_a_map_could_have() {
        let described = "id=\"48742\"\nrelease=\"3.10\"\n[[nodes]]\nname=\"emr-worker-1\"\nprivate_ip=\"10.0.1.24\"\nhost=\"kafka-1.corp.example\"\naliases=[\"broker-1.Kafka.example.\", \"kafka\"]\n";
        let hosts = Hosts::new([Cluster::new(Description::from_toml(described).unwrap()).unwrap()]).unwrap();
        for own in [
            "kafka-1.corp.example",
            "kafka-2.CORP.example",
            "emr-worker-9.cluster-48742",
            "emr-worker-1.cluster-1",
            "broker-2.kafka.example",
            "KAFKA.",
        ] {
            assert!(hosts.could_have(own), "{own}");
        }
        for foreign in [
            "localhost",
            "emr-worker-1",
            "corp.example",
            "www.example.com",
            "10.0.1.24",
            "",
            "a.b.corp.example",
            "kafka.example",
        ] {
            assert!(!hosts.could_have(foreign), "{foreign}");
        }
    }
}
