//! What all inputs together tell of one cluster.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::net::IpAddr;

use kafka_emr_core::{Cluster, LongDomain, Node, NodeRole, OneLine};

use super::api::{Address, Component, Host, Page, Records, Reply};
use super::identity::{Identity, Key, TWO_CLUSTERS, release};

/// Everything that was read.
#[derive(Default)]
pub(super) struct Inventory {
    pub(super) identity: Identity,
    /// The pages of each call, by what they say how many records it has in all: 0 where they do not.
    pages: BTreeMap<(&'static str, usize), Pages>,
    hosts: Vec<Known>,
    by_name: HashMap<String, usize>,
    by_instance: HashMap<String, usize>,
    /// Machines of which only the instance is known.
    instances: BTreeMap<String, Known>,
    components: Option<Vec<Component>>,
    /// Names of machines that are no more, in the order they came.
    left_out: Vec<String>,
    /// The same machines, so that each counts once.
    gone: HashSet<String>,
    /// Names in hosts texts that a description has no place for.
    plain_hosts: BTreeSet<String>,
}

/// One machine with a name.
#[derive(Default)]
struct Known {
    name: String,
    host: Option<String>,
    aliases: Vec<String>,
    private_ip: Address,
    public_ip: Address,
    role: Option<NodeRole>,
    broker: Option<bool>,
    instance: Option<String>,
}

/// The pages of calls that have as many records. Mostly that is one call; two of them are for two applications, say.
#[derive(Default)]
struct Pages {
    /// The records of pages that are whole calls.
    whole: HashSet<String>,
    /// The records of all other pages, and whether their machine is still there.
    parts: HashMap<String, bool>,
    numbers: BTreeSet<usize>,
    size: Option<usize>,
    pages: usize,
    /// Pages that another one follows.
    continued: usize,
}

/// A node as the inputs tell it.
pub(super) struct Found {
    pub(super) name: String,
    pub(super) private_ip: Address,
    pub(super) public_ip: Address,
    pub(super) role: Option<NodeRole>,
    /// Whether Kafka runs there.
    pub(super) runs_kafka: Option<bool>,
    host: Option<String>,
    aliases: Vec<String>,
}

impl Inventory {
    /// Adds a reply of the API, which stands at a place.
    pub(super) fn add(&mut self, reply: Reply, place: &str) -> Result<(), String> {
        for (key, value) in [(Key::ClusterId, reply.cluster), (Key::Region, reply.region)] {
            if let Some(value) = value {
                self.identity.hear(key, &value, place)?;
            }
        }
        if let Some(text) = reply.release {
            match release(&text) {
                Ok(_) => self.identity.hear(Key::Release, &text, place)?,
                Err(why) => log::warn!("{}: left out: {why}", OneLine(place)),
            }
        }
        match reply.records {
            Records::None => {}
            Records::Instances(hosts) => hosts.into_iter().try_for_each(|host| self.add_instance(host))?,
            Records::Hosts { call, hosts } => {
                let record = |host: &Host| {
                    let address = host.private_ip.get().map(|address| address.to_string());
                    let key = host.instance.clone().unwrap_or_else(|| format!("{:?} {address:?}", host.name));
                    (key, !host.released)
                };
                self.add_page(call, &reply.page, hosts.iter().map(record).collect());
                hosts.into_iter().try_for_each(|host| self.add_host(host, place))?;
            }
            Records::Components(components) => {
                let record = |c: &Component| {
                    (format!("{:?} {:?} {:?} {:?}", c.node_id, c.node_name, c.application, c.component), true)
                };
                self.add_page("ListComponentInstances", &reply.page, components.iter().map(record).collect());
                self.components.get_or_insert_default().extend(components);
            }
        }
        Ok(())
    }

    fn add_page(&mut self, call: &'static str, page: &Page, records: Vec<(String, bool)>) {
        let total = page.total.unwrap_or_default();
        self.pages.entry((call, total)).or_default().add(page, total, records);
    }

    /// Adds what a hosts text tells.
    pub(super) fn add_hosts_text(&mut self, clusters: Vec<Cluster>, place: &str) -> Result<(), String> {
        for cluster in clusters {
            if let Some(id) = &cluster.id {
                self.hear_domain(id, cluster.region.as_deref(), place)?;
            }
            self.plain_hosts.extend(cluster.plain_hosts.into_iter().map(|(name, _)| name));
            for node in cluster.nodes {
                let address = |ip: Option<IpAddr>| ip.map_or(Address::Unknown, Address::Is);
                self.add_known(Known {
                    private_ip: address(node.private_ip),
                    public_ip: address(node.public_ip),
                    // A text of short names alone has them as whole names too.
                    host: node.host.filter(|host| *host != node.name),
                    name: node.name,
                    aliases: node.aliases,
                    role: node.role,
                    // Which nodes are brokers is not in a hosts text: it would be a guess from what else is in it.
                    ..Known::default()
                })?;
            }
        }
        Ok(())
    }

    fn add_host(&mut self, host: Host, place: &str) -> Result<(), String> {
        if host.released {
            let name = host.name.unwrap_or_else(|| "one without a name".to_owned());
            if self.gone.insert(host.instance.unwrap_or_else(|| name.clone())) {
                self.left_out.push(name);
            }
            return Ok(());
        }
        let name = host.name.ok_or("a host without a name; expected the API's reply as it came")?;
        let mut known = Known {
            private_ip: host.private_ip,
            public_ip: host.public_ip,
            role: host.role,
            instance: host.instance,
            ..Known::default()
        };
        if let Some(long) = LongDomain::parse(&name) {
            self.hear_domain(long.id, long.region, place)?;
            known.name = long.node.to_owned();
        } else if let Some((short, _)) = name.split_once('.') {
            known.name = short.to_owned();
            known.host = Some(name);
        } else {
            known.name = name;
        }
        self.add_known(known)
    }

    fn add_instance(&mut self, host: Host) -> Result<(), String> {
        let Some(id) = host.instance.filter(|_| !host.released) else { return Ok(()) };
        let known = self.instances.entry(id.clone()).or_default();
        known.name = format!("instance {id}");
        known.learn(Known {
            private_ip: host.private_ip,
            public_ip: host.public_ip,
            role: host.role,
            instance: Some(id),
            ..Known::default()
        })
    }

    /// Hears what a long domain ends in.
    fn hear_domain(&mut self, id: &str, region: Option<&str>, place: &str) -> Result<(), String> {
        self.identity.hear(Key::Id, &id.to_ascii_lowercase(), place)?;
        match region {
            Some(region) => self.identity.hear(Key::Region, &region.to_ascii_lowercase(), place),
            None => Ok(()),
        }
    }

    fn add_known(&mut self, new: Known) -> Result<(), String> {
        let key = key(&new.name);
        let known = match self.by_name.get(&key) {
            Some(&known) => known,
            None => {
                self.by_name.insert(key, self.hosts.len());
                self.hosts.push(Known { name: new.name.clone(), ..Known::default() });
                self.hosts.len() - 1
            }
        };
        if let Some(instance) = &new.instance {
            self.by_instance.insert(instance.clone(), known);
        }
        self.hosts[known].learn(new)
    }

    /// Joins what was read, once it is all there.
    pub(super) fn join(&mut self) -> Result<(), String> {
        for ((call, total), pages) in &self.pages {
            pages.check(call, *total)?;
        }
        if self.hosts.is_empty() {
            return Err(self.why_no_hosts());
        }
        self.join_instances()?;
        let nowhere = self.hosts.iter().find(|host| host.private_ip.get().or(host.public_ip.get()).is_none());
        if let Some(host) = nowhere {
            return Err(format!(
                "{} has no address; import again when the machine is up, or add a reply that has its address \
                 (ListClusterHost, ListNodes)",
                OneLine(&host.name)
            ));
        }
        self.find_brokers()
    }

    /// Learns what `DescribeClusterV2` has of the machines: by their ids, and where the list of hosts has none, as a hosts
    /// text, by their addresses.
    fn join_instances(&mut self) -> Result<(), String> {
        let mut by_address = HashMap::new();
        for (known, host) in self.hosts.iter().enumerate().filter(|(_, host)| host.instance.is_none()) {
            by_address.extend(host.addresses().map(|address| (address, known)));
        }
        let (mut joined, mut alone) = (0, Vec::new());
        for (id, instance) in std::mem::take(&mut self.instances) {
            let by_id = self.by_instance.get(&id).copied();
            let known = by_id.or_else(|| instance.addresses().find_map(|address| by_address.get(&address).copied()));
            if let Some(known) = known {
                joined += 1;
                self.by_instance.insert(id, known);
                self.hosts[known].learn(instance)?;
            } else if self.gone.contains(&id) {
                joined += 1;
            } else {
                alone.push(id);
            }
        }
        if let (0, Some(id)) = (joined, alone.first()) {
            return Err(format!(
                "DescribeClusterV2 and the list of hosts have no machine in common; instance {}, say, is in the first alone: \
                 {TWO_CLUSTERS}",
                OneLine(id)
            ));
        }
        for id in alone {
            log::warn!("instance {}: DescribeClusterV2 has it, the list of hosts does not", OneLine(&id));
        }
        Ok(())
    }

    /// Learns from `ListComponentInstances` where Kafka runs.
    fn find_brokers(&mut self) -> Result<(), String> {
        let Some(components) = &self.components else { return Ok(()) };
        let is =
            |text: &Option<String>, word: &str| text.as_deref().is_some_and(|text| text.eq_ignore_ascii_case(word));
        let mut kafka: Vec<&Component> = components.iter().filter(|c| is(&c.application, "KAFKA")).collect();
        // Where components are called brokers, the application's others, such as its tools, are none.
        let is_broker = |c: &&Component| {
            c.component.as_deref().is_some_and(|component| component.to_ascii_lowercase().contains("broker"))
        };
        if kafka.iter().any(is_broker) {
            kafka.retain(is_broker);
        }
        if kafka.is_empty() {
            return Err(
                "ListComponentInstances has no instance of KAFKA; ask for the application KAFKA, or leave the \
                        reply out"
                    .to_owned(),
            );
        }
        let mut runs = HashSet::new();
        let (mut joined, mut alone) = (0, Vec::new());
        for component in kafka {
            let (id, name) = (component.node_id.as_ref(), component.node_name.as_ref());
            let by_name = || name.and_then(|name| self.by_name.get(&key(short(name))));
            let known = match id.and_then(|id| self.by_instance.get(id)) {
                Some(known) => Some(known),
                // Nodes of two clusters have the same names: ids decide where both have one.
                None => by_name().filter(|known| id.is_none() || self.hosts[**known].instance.is_none()),
            };
            if let Some(&known) = known {
                joined += 1;
                runs.insert(known);
            } else if id.or(name).is_some_and(|gone| self.gone.contains(gone)) {
                joined += 1;
            } else {
                alone.push(match (name, id) {
                    (Some(name), Some(id)) => format!("{name} ({id})"),
                    (Some(one), None) | (None, Some(one)) => one.clone(),
                    (None, None) => "a node".to_owned(),
                });
            }
        }
        if let (0, Some(name)) = (joined, alone.first()) {
            return Err(format!(
                "ListComponentInstances and the list of nodes have no machine in common; {}, say, is in the first alone: \
                 {TWO_CLUSTERS}",
                OneLine(name)
            ));
        }
        for name in alone {
            log::warn!("{}: Kafka runs there, and the list of nodes does not have it", OneLine(&name));
        }
        for (known, host) in self.hosts.iter_mut().enumerate() {
            host.broker = Some(runs.contains(&known));
        }
        Ok(())
    }

    fn why_no_hosts(&self) -> String {
        if !self.left_out.is_empty() {
            return format!(
                "no host is left: all {} are released or terminated; ask the API for a cluster that runs",
                self.left_out.len()
            );
        }
        if !self.instances.is_empty() {
            return "DescribeClusterV2 gives no host names; add the reply of ListClusterHost, which has them"
                .to_owned();
        }
        if !self.pages.keys().any(|(call, _)| *call != "ListComponentInstances") {
            return "no list of hosts; add the reply of ListClusterHost or ListNodes".to_owned();
        }
        "the list of hosts is empty; ask the API with the id and the region of the cluster".to_owned()
    }

    /// The nodes, in the order they came.
    pub(super) fn nodes(&self) -> impl Iterator<Item = Found> {
        self.hosts.iter().map(Known::found)
    }

    /// Names of machines that are released or terminated.
    pub(super) fn left_out(&self) -> &[String] {
        &self.left_out
    }

    /// Names in hosts texts that a description has no place for.
    pub(super) fn plain_hosts(&self) -> Vec<String> {
        self.plain_hosts.iter().cloned().collect()
    }
}

impl Known {
    /// Takes over what another reply tells.
    fn learn(&mut self, new: Known) -> Result<(), String> {
        let both = [(&mut self.private_ip, new.private_ip), (&mut self.public_ip, new.public_ip)];
        for (known, new) in both {
            match (*known, new) {
                (Address::Is(one), Address::Is(other)) if one != other => {
                    return Err(format!("{} has the addresses {one} and {other}: {TWO_CLUSTERS}", OneLine(&self.name)));
                }
                (_, Address::Is(_)) | (Address::Unknown, _) => *known = new,
                _ => {}
            }
        }
        if let (Some(one), Some(other)) = (&self.instance, &new.instance)
            && one != other
        {
            let (name, one, other) = (OneLine(&self.name), OneLine(one), OneLine(other));
            return Err(format!("{name} is the machines {one} and {other}: {TWO_CLUSTERS}"));
        }
        self.role = self.role.or(new.role);
        self.broker = self.broker.or(new.broker);
        self.host = self.host.take().or(new.host);
        self.instance = self.instance.take().or(new.instance);
        let known: HashSet<String> = self.aliases.iter().map(|alias| alias.to_ascii_lowercase()).collect();
        self.aliases.extend(new.aliases.into_iter().filter(|alias| !known.contains(&alias.to_ascii_lowercase())));
        Ok(())
    }

    fn addresses(&self) -> impl Iterator<Item = IpAddr> {
        [self.private_ip, self.public_ip].into_iter().filter_map(Address::get)
    }

    fn found(&self) -> Found {
        Found {
            name: self.name.clone(),
            private_ip: self.private_ip,
            public_ip: self.public_ip,
            role: self.role,
            runs_kafka: self.broker,
            host: self.host.clone(),
            aliases: self.aliases.clone(),
        }
    }
}

impl Found {
    /// Makes the node of a description. What its name tells already is not written.
    pub(super) fn into_node(self) -> Node {
        let mut node = Node::new(self.name);
        node.private_ip = self.private_ip.get();
        node.public_ip = self.public_ip.get();
        node.host = self.host;
        node.aliases = self.aliases;
        node.role = self.role.filter(|role| node.role() != Some(*role));
        node.broker = self.runs_kafka.filter(|runs| node.is_broker() != *runs);
        if node.role().is_none() && node.broker.is_none() {
            if self.runs_kafka.is_none() {
                log::warn!("{}: neither name nor role tells what the node is; taken as no broker", OneLine(&node.name));
            }
            node.broker = Some(false);
        }
        node
    }
}

impl Pages {
    fn add(&mut self, page: &Page, total: usize, records: Vec<(String, bool)>) {
        if total > 0 && records.len() >= total {
            self.whole.extend(records.into_iter().map(|(record, _)| record));
            return;
        }
        self.parts.extend(records);
        self.numbers.extend(page.number);
        self.size = self.size.or(page.size);
        self.pages += 1;
        self.continued += usize::from(page.continues);
    }

    /// Fails where a page is missing.
    fn check(&self, call: &str, total: usize) -> Result<(), String> {
        let known = !self.whole.is_empty() && self.parts.keys().all(|record| self.whole.contains(record));
        if self.pages == 0 || known {
            return Ok(());
        }
        let have = self.parts.len();
        // Machines that are no more are listed, and need not be counted.
        let there = self.parts.values().filter(|there| **there).count();
        let calls = if total == 0 { 1 } else { there.div_ceil(total).max(1) };
        let why = if have < total {
            let missing = self.missing(total);
            let which = match missing.as_slice() {
                [] => "a page is missing".to_owned(),
                [page] => format!("page {page} is missing"),
                [first, .., last] => format!("{} pages from {first} to {last} are missing", missing.len()),
            };
            format!("{which}: {have} of {total} are there")
        } else if have < calls * total {
            format!(
                "a page is missing, or the replies are of two points in time: {have} are there, of calls with {total} each"
            )
        } else if self.pages < self.continued + calls {
            "the last page is missing, the one without a NextToken".to_owned()
        } else {
            if total == 0 && self.continued > 0 {
                log::warn!(
                    "{call}: {} pages do not say how many records there are (TotalCount), so a page may be missing; make sure \
                     that none is",
                    self.pages
                );
            }
            return Ok(());
        };
        Err(format!("{call}: {why}; fetch every page and give all of them together"))
    }

    fn missing(&self, total: usize) -> Vec<usize> {
        match self.size {
            Some(size) if size > 0 && !self.numbers.is_empty() => {
                let last = total.div_ceil(size).min(MAX_PAGES);
                (1..=last).filter(|number| !self.numbers.contains(number)).collect()
            }
            _ => Vec::new(),
        }
    }
}

/// More pages than this are not counted one by one.
const MAX_PAGES: usize = 100_000;

/// A name as nodes are told apart: without case, its domain, and the dash of `core-1-1` that the API leaves out.
pub(super) fn key(name: &str) -> String {
    let name = name.to_ascii_lowercase();
    let letters = name.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(name.len());
    let (word, rest) = name.split_at(letters);
    match rest.strip_prefix('-') {
        Some(numbers) if numbers.contains('-') && numbers.bytes().all(|b| b.is_ascii_digit() || b == b'-') => {
            format!("{word}{numbers}")
        }
        _ => name,
    }
}

fn short(name: &str) -> &str {
    name.split('.').next().unwrap_or(name)
}
