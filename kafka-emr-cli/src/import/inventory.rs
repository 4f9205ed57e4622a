//! What all inputs together tell of one cluster.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::net::IpAddr;

use kafka_emr_core::{Cluster, LongDomain, Node, NodeRole, OneLine};

use super::api::{Address, Component, Host, Page, Records, Reply};

/// Everything that was read.
#[derive(Default)]
pub(super) struct Inventory {
    /// The API's name of the cluster.
    cluster: Option<String>,
    /// What long domains end in: the id, and the region where they carry it.
    domain: Option<(String, Option<String>)>,
    region: Option<String>,
    release: Option<String>,
    /// The pages of each call, by what they say how many records it has in all: 0 where they do not.
    pages: BTreeMap<(&'static str, usize), Pages>,
    hosts: Vec<Known>,
    by_name: HashMap<String, usize>,
    by_instance: HashMap<String, usize>,
    instances: BTreeMap<String, Host>,
    components: Option<Vec<Component>>,
    /// Names of machines that are no more, in the order they came.
    left_out: Vec<String>,
    /// The same machines, so that each counts once.
    gone: HashSet<String>,
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

/// What tells a cluster from others, where the inputs or the options say.
pub(super) struct Identity {
    pub(super) id: Option<String>,
    pub(super) region: Option<String>,
    pub(super) release: Option<String>,
}

impl Inventory {
    /// Adds a reply of the API.
    pub(super) fn add(&mut self, reply: Reply) -> Result<(), String> {
        same(&mut self.cluster, reply.cluster)?;
        same(&mut self.region, reply.region)?;
        same(&mut self.release, reply.release)?;
        match reply.records {
            Records::None => {}
            Records::Instances(hosts) => {
                self.instances.extend(hosts.into_iter().filter_map(|host| Some((host.instance.clone()?, host))));
            }
            Records::Hosts { call, hosts } => {
                let record = |host: &Host| {
                    let address = host.private_ip.get().map(|address| address.to_string());
                    let key = host.instance.clone().unwrap_or_else(|| format!("{:?} {address:?}", host.name));
                    (key, !host.released)
                };
                self.add_page(call, &reply.page, hosts.iter().map(record).collect());
                hosts.into_iter().try_for_each(|host| self.add_host(host))?;
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
    pub(super) fn add_hosts_text(&mut self, clusters: Vec<Cluster>) -> Result<(), String> {
        for cluster in clusters {
            if let Some(id) = &cluster.id {
                self.add_domain(id, cluster.region.as_deref())?;
            }
            if !cluster.plain_hosts.is_empty() {
                log::warn!("left out {} names that are no nodes of the cluster", cluster.plain_hosts.len());
            }
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

    fn add_host(&mut self, host: Host) -> Result<(), String> {
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
            self.add_domain(long.id, long.region)?;
            known.name = long.node.to_owned();
        } else if let Some((short, _)) = name.split_once('.') {
            known.name = short.to_owned();
            known.host = Some(name);
        } else {
            known.name = name;
        }
        self.add_known(known)
    }

    fn add_domain(&mut self, id: &str, region: Option<&str>) -> Result<(), String> {
        let new = (id.to_ascii_lowercase(), region.map(str::to_ascii_lowercase));
        match &self.domain {
            Some(domain) if *domain != new => Err(two_clusters(&title(domain), &title(&new))),
            Some(_) => Ok(()),
            None => {
                self.domain = Some(new);
                Ok(())
            }
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
        for (id, instance) in std::mem::take(&mut self.instances) {
            match self.by_instance.get(&id) {
                Some(&known) => self.hosts[known].learn(Known {
                    private_ip: instance.private_ip,
                    public_ip: instance.public_ip,
                    role: instance.role,
                    ..Known::default()
                })?,
                None if instance.released => {}
                None => log::warn!("instance {}: DescribeClusterV2 has it, the list of hosts does not", OneLine(&id)),
            }
        }
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
        let left_out: HashSet<&str> = self.left_out.iter().map(String::as_str).collect();
        let mut runs = HashSet::new();
        for component in kafka {
            let by_id = component.node_id.as_ref().and_then(|id| self.by_instance.get(id));
            let by_name = || component.node_name.as_ref().and_then(|name| self.by_name.get(&key(short(name))));
            match by_id.or_else(by_name) {
                Some(&known) => _ = runs.insert(known),
                None => {
                    let name = component.node_name.as_ref().or(component.node_id.as_ref());
                    let name = name.map_or("a node", String::as_str);
                    if !left_out.contains(name) {
                        log::warn!("{}: Kafka runs there, and the list of nodes does not have it", OneLine(name));
                    }
                }
            }
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

    /// What the inputs tell, and where they do not, the options.
    pub(super) fn identity(
        &self,
        id: Option<&str>,
        region: Option<&str>,
        release: Option<&str>,
    ) -> Result<Identity, String> {
        if let (Some(id), Some(domain)) = (id, &self.domain)
            && !id.eq_ignore_ascii_case(&domain.0)
        {
            return Err(format!(
                "--id {}: the long domains in the input end in {}; give --id {}, or leave it out",
                OneLine(id),
                title(domain),
                domain.0
            ));
        }
        if let (Some(api), Some(domain)) = (&self.cluster, &self.domain)
            && api.starts_with("c-")
            && !api.eq_ignore_ascii_case(&domain.0)
        {
            return Err(two_clusters(api, &title(domain)));
        }
        let of_domain = |part: fn(&(String, Option<String>)) -> Option<String>| self.domain.as_ref().and_then(part);
        // Only ids of the new console are what long domains end in.
        let of_api = || self.cluster.clone().filter(|id| id.starts_with("c-"));
        let own = |option: Option<&str>| option.map(str::to_owned);
        Ok(Identity {
            id: own(id).or_else(|| of_domain(|domain| Some(domain.0.clone()))).or_else(of_api),
            region: own(region).or_else(|| of_domain(|domain| domain.1.clone())).or_else(|| self.region.clone()),
            release: own(release).or_else(|| self.release.clone()),
        })
    }

    /// The nodes, in the order they came.
    pub(super) fn nodes(&self) -> impl Iterator<Item = Found> {
        self.hosts.iter().map(Known::found)
    }

    /// Names of machines that are released or terminated.
    pub(super) fn left_out(&self) -> &[String] {
        &self.left_out
    }
}

impl Known {
    /// Takes over what another reply tells.
    fn learn(&mut self, new: Known) -> Result<(), String> {
        let both = [(&mut self.private_ip, new.private_ip), (&mut self.public_ip, new.public_ip)];
        for (known, new) in both {
            match (*known, new) {
                (Address::Is(one), Address::Is(other)) if one != other => {
                    return Err(format!(
                        "{} has the addresses {one} and {other}: the input is of two clusters, or of two points in \
                         time; import one at a time",
                        OneLine(&self.name)
                    ));
                }
                (_, Address::Is(_)) | (Address::Unknown, _) => *known = new,
                _ => {}
            }
        }
        self.role = self.role.or(new.role);
        self.broker = self.broker.or(new.broker);
        self.host = self.host.take().or(new.host);
        self.instance = self.instance.take().or(new.instance);
        self.aliases.extend(new.aliases);
        Ok(())
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

fn title((id, region): &(String, Option<String>)) -> String {
    match region {
        Some(region) => format!("{id}.{region}.emr.aliyuncs.com"),
        None => format!("cluster-{id}"),
    }
}

/// Keeps one value; fails where another is there already.
fn same(known: &mut Option<String>, new: Option<String>) -> Result<(), String> {
    match (&known, new) {
        (Some(one), Some(other)) if *one != other => Err(two_clusters(one, &other)),
        (None, new) => {
            *known = new;
            Ok(())
        }
        _ => Ok(()),
    }
}

pub(super) fn two_clusters(one: &str, other: &str) -> String {
    format!("the input is of two clusters, {} and {}; import one at a time", OneLine(one), OneLine(other))
}
