//! Reads hosts text: the lines that users put into their hosts files so far.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;

use crate::description::Settings;
use crate::names::{self, LongDomain};
use crate::{Description, Error, ErrorKind, Network, NodeDescription, NodeRole};

/// The longest line that is read, in bytes. Every name of a machine with many names fits.
const MAX_LINE: usize = 4096;

struct Line<'a> {
    number: usize,
    address: IpAddr,
    names: Vec<&'a str>,
}

/// Reads hosts text without checking what came of it. `id` is that of the cluster whose long domains are nowhere written.
pub(crate) fn read(text: &str, network: Network, id: Option<&str>) -> Result<Vec<Description>, Error> {
    let lines = read_lines(text)?;
    let (with_domain, without): (Vec<_>, Vec<_>) = lines.iter().partition(|line| line.long_domains().next().is_some());
    let mut drafts: Vec<Draft<'_>> = Vec::new();
    let mut by_domain: HashMap<(String, Option<String>), usize> = HashMap::new();
    for line in with_domain {
        let key = line.long_domains().next().expect("partitioned so").key();
        let draft = *by_domain.entry(key).or_insert_with_key(|(id, region)| {
            drafts.push(Draft::new(Some(id.clone()), region.clone(), network));
            drafts.len() - 1
        });
        drafts[draft].add(line);
    }
    if drafts.is_empty() {
        // Short names alone are a cluster too: `emr-worker-1` without its domain.
        drafts.push(Draft::new(id.map(str::to_owned), None, network));
    }
    // A short name is of the cluster that has its address.
    let (short, plain): (Vec<_>, Vec<_>) =
        without.into_iter().partition(|line| line.names.iter().any(|name| names::is_short_emr_name(name)));
    let one_cluster = drafts.len() == 1;
    for line in short {
        let mut is_known = false;
        for draft in drafts.iter_mut().filter(|draft| one_cluster || draft.by_address.contains_key(&line.address)) {
            draft.add(line);
            is_known = true;
        }
        if !is_known {
            drafts[0].add_plain(line);
        }
    }
    for line in plain {
        drafts[0].add_plain(line);
    }
    drafts.into_iter().map(Draft::finish).collect()
}

impl<'a> Line<'a> {
    fn long_domains(&self) -> impl Iterator<Item = LongDomain<'a>> {
        self.names.iter().filter_map(|name| LongDomain::parse(name))
    }
}

/// A cluster while its lines are read.
struct Draft<'a> {
    description: Description,
    domain: Option<String>,
    network: Network,
    machines: Vec<Machine<'a>>,
    by_address: HashMap<IpAddr, usize>,
    /// The names of nodes that are made, with their addresses.
    by_name: HashMap<String, IpAddr>,
}

/// All lines with one address. Together they decide what the machine is.
struct Machine<'a> {
    address: IpAddr,
    lines: Vec<&'a Line<'a>>,
}

impl<'a> Draft<'a> {
    fn new(id: Option<String>, region: Option<String>, network: Network) -> Self {
        let domain = id.as_deref().and_then(|id| names::domain(id, region.as_deref()));
        let settings = Settings { id, region, network: Some(network), ..Settings::default() };
        let description = Description { settings, is_hosts_text: true, ..Description::default() };
        let (machines, by_address, by_name) = (Vec::new(), HashMap::new(), HashMap::new());
        Draft { description, domain, network, machines, by_address, by_name }
    }

    /// Adds a line with a name that EMR gives to the machine with its address.
    fn add(&mut self, line: &'a Line<'a>) {
        let number = *self.by_address.entry(line.address).or_insert(self.machines.len());
        match self.machines.get_mut(number) {
            Some(machine) => machine.lines.push(line),
            None => self.machines.push(Machine { address: line.address, lines: vec![line] }),
        }
    }

    /// Makes the node of a machine.
    fn make_node(&mut self, machine: &Machine<'a>) -> Result<(), Error> {
        let address = machine.address;
        let mut written: Vec<String> = Vec::new();
        for line in &machine.lines {
            let of_line: Vec<String> = line.names.iter().map(|name| names::normal(name)).collect();
            let all = self.all_names(&self.new_node(&of_line, address));
            match all.iter().find_map(|name| Some((name, *self.by_name.get(name)?))) {
                None => written.extend(of_line),
                // A second line for the other family, as hosts files have it.
                Some((_, other)) if other.is_ipv4() != address.is_ipv4() => self.add_plain(line),
                Some((name, other)) => {
                    let why = format!("{name} has the address {other} already; names must be unique");
                    return Err(at(line.number, why));
                }
            }
        }
        if written.is_empty() {
            return Ok(());
        }
        let mut node = self.new_node(&written, address);
        self.by_name.extend(self.all_names(&node).into_iter().map(|name| (name, address)));
        let long_domain = names::long_domain(&node, self.id(), self.domain.as_deref());
        let mut seen: HashSet<String> = long_domain.map(|name| names::normal(&name)).into_iter().collect();
        node.aliases.retain(|alias| seen.insert(alias.clone()));
        self.description.nodes.push(node);
        Ok(())
    }

    fn all_names(&self, node: &NodeDescription) -> Vec<String> {
        let mut all = Vec::new();
        names::for_each(node, self.id(), self.domain.as_deref(), |name| all.push(name.text));
        all
    }

    fn id(&self) -> Option<&str> {
        self.description.settings.id.as_deref()
    }

    fn add_plain(&mut self, line: &Line<'_>) {
        self.description.plain_hosts.extend(line.names.iter().map(|name| ((*name).to_owned(), line.address)));
    }

    fn finish(mut self) -> Result<Description, Error> {
        for machine in std::mem::take(&mut self.machines) {
            self.make_node(&machine)?;
        }
        let nodes = &mut self.description.nodes;
        if nodes.is_empty() {
            return Err(Error::new(
                ErrorKind::Value,
                "no EMR node in the hosts text; expected lines such as \"10.0.1.24 emr-worker-1.cluster-48742\"",
            ));
        }
        if !nodes.iter().any(NodeDescription::is_broker) {
            for node in nodes {
                node.broker = Some(true);
            }
        }
        Ok(self.description)
    }

    /// Makes a node with these names. A machine can be header and worker at once: it goes by its worker name, as a broker.
    fn new_node(&self, names: &[String], address: IpAddr) -> NodeDescription {
        let domain = self.domain.as_deref().map(|domain| format!(".{}", names::normal(domain)));
        let in_domain = |name: &&String| domain.as_ref().is_some_and(|domain| name.ends_with(domain));
        let long = names.iter().filter(in_domain).filter_map(|name| LongDomain::parse(name)).map(|long| long.node);
        let short = names.iter().map(String::as_str).filter(|name| names::is_short_emr_name(name));
        let candidates: Vec<&str> = long.chain(short).collect();
        let core = candidates.iter().find(|name| names::role_of(name) == Some(NodeRole::Core));
        let mut node =
            NodeDescription::new(*core.or(candidates.first()).expect("only lines with an EMR name become nodes"));
        node.aliases = names.to_vec();
        if self.id().is_none() {
            node.host = Some(node.name.clone());
        }
        match self.network {
            Network::Private => node.private_ip = Some(address),
            Network::Public => node.public_ip = Some(address),
        }
        if node.role_or_named().is_none() {
            node.broker = Some(false);
        }
        node
    }
}

fn read_lines(text: &str) -> Result<Vec<Line<'_>>, Error> {
    let mut lines = Vec::new();
    for (number, raw) in text.split('\n').enumerate().map(|(i, line)| (i + 1, line)) {
        let raw = raw.strip_suffix('\r').unwrap_or(raw);
        if raw.len() > MAX_LINE {
            return Err(at(number, format!("the line has {} bytes; expected at most {MAX_LINE}", raw.len())));
        }
        if let Some(c) = raw.chars().find(|&c| c.is_control() && c != '\t') {
            return Err(at(number, format!("the line has the control character {c:?}; expected text")));
        }
        let content = raw.split('#').next().unwrap_or_default();
        if let Some((c, ascii)) = content.chars().find_map(|c| Some((c, names::fold_fullwidth(c)?))) {
            return Err(at(number, format!("the fullwidth character {c:?} (U+{:04X}); write {ascii:?}", u32::from(c))));
        }
        let mut words = content.split_ascii_whitespace();
        let Some(address) = words.next() else { continue };
        let names: Vec<&str> = words.collect();
        let address: IpAddr = address.parse().map_err(|_| {
            // What is nothing like an address is not repeated: it can be anything, a password in the wrong file.
            let like = |c: char| c.is_ascii_hexdigit() || matches!(c, '.' | ':');
            let shown = match address.len() <= 64 && address.chars().all(like) {
                true => format!("{address:?}"),
                false => "the first word".to_owned(),
            };
            at(number, format!("{shown} is no address; expected \"ADDRESS NAME…\", such as \"10.0.1.24 emr-worker-1.cluster-48742\""))
        })?;
        if names.is_empty() {
            return Err(at(number, format!("no name after {address}; expected \"ADDRESS NAME…\"")));
        }
        if let Some(why) = names.iter().find_map(|name| names::why_no_name(name)) {
            return Err(at(number, why));
        }
        lines.push(Line { number, address, names });
    }
    Ok(lines)
}

fn at(line: usize, message: String) -> Error {
    Error::new(ErrorKind::Syntax, message).at_line(line, None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Cluster, Family, Hosts, Lookup, Node};

    const SEED: &str = "\
10.0.1.23 emr-header-1.cluster-48742
10.0.1.24 emr-worker-1.cluster-48742
10.0.1.25 emr-worker-2.cluster-48742
10.0.1.26 emr-worker-3.cluster-48742
";

    fn read(text: &str) -> Vec<Cluster> {
        let read = Description::from_hosts_text(text, Network::Private).unwrap();
        read.into_iter().map(|description| Cluster::new(description).unwrap()).collect()
    }

    fn brokers(cluster: &Cluster) -> Vec<&str> {
        cluster.brokers().map(Node::name).collect()
    }

    #[test]
    fn reads_the_seed_example_verbatim() {
        for text in
            [SEED.to_owned(), SEED.replace('\n', "\r\n"), format!("# EMR\n\n{SEED}::1 localhost # this machine\n")]
        {
            let clusters = read(&text);
            assert_eq!(clusters.len(), 1);
            assert_eq!(clusters[0].id(), Some("48742"));
            assert_eq!(brokers(&clusters[0]), ["emr-worker-1", "emr-worker-2", "emr-worker-3"]);
            assert_eq!(clusters[0].rule().name, "R3");
        }
    }

    #[test]
    fn a_text_of_two_clusters_describes_both() {
        let clusters = read(
            "192.168.142.255 emr-worker-1.cluster-1234 emr-worker-1 emr-header-2.cluster-1234 emr-header-2 iZbp1h9g7boqo9x23qbifiZ\n\
             192.168.143.6   emr-worker-1.cluster-5678 emr-worker-1 emr-header-2.cluster-5678 emr-header-2 iZbp195rj7zvx8qar4f6b0Z\n",
        );
        assert_eq!(clusters.len(), 2);
        assert_eq!(brokers(&clusters[1]), ["emr-worker-1"]);
        let names = clusters[0].names(&clusters[0].nodes()[0]);
        assert!(names.contains(&"emr-header-2.cluster-1234".to_owned()));
        assert!(names.contains(&"izbp1h9g7boqo9x23qbifiz".to_owned()));
    }

    #[test]
    fn a_short_name_is_of_the_cluster_with_its_address() {
        let clusters = read(
            "10.0.1.24 emr-worker-1.cluster-1\n10.0.2.24 emr-worker-1.cluster-2\n10.0.2.24 emr-worker-1\n\
             10.0.3.24 emr-worker-2.cluster-1\n10.0.3.24 emr-worker-9.cluster-2\n10.0.3.24 emr-gateway-1\n",
        );
        let aliases = |cluster: usize, node: usize| clusters[cluster].nodes()[node].description().aliases.join(" ");
        assert_eq!((aliases(0, 0), aliases(1, 0)), (String::new(), "emr-worker-1".to_owned()));
        assert_eq!((aliases(0, 1), aliases(1, 1)), ("emr-gateway-1".to_owned(), "emr-gateway-1".to_owned()));
        assert!(clusters.iter().all(|cluster| cluster.plain_hosts().is_empty()));
    }

    #[test]
    fn a_written_name_replaces_a_derived_one() {
        let clusters =
            read("10.0.1.24 emr-worker-1.cluster-1\n10.0.2.24 emr-worker-2.cluster-2\n10.0.9.9 emr-worker-1\n");
        let hosts = Hosts::new(clusters).unwrap();
        let leads_to = |name: &str| match hosts.lookup(name, Family::Any) {
            Lookup::Mapped(dial) => dial.addresses().to_vec(),
            other => panic!("{name}: {other:?}"),
        };
        assert_eq!(leads_to("emr-worker-1"), ["10.0.9.9".parse::<IpAddr>().unwrap()]);
        assert_eq!(leads_to("emr-worker-1.cluster-1"), ["10.0.1.24".parse::<IpAddr>().unwrap()]);
    }

    #[test]
    fn a_machine_is_all_its_lines() {
        for text in [
            "10.0.1.24 emr-header-2.cluster-1\n10.0.1.25 emr-worker-2.cluster-1\n10.0.1.24 emr-worker-1.cluster-1\n",
            "10.0.1.24 emr-header-2\n10.0.1.25 emr-worker-2\n10.0.1.24 emr-worker-1 kafka-1\n",
            "10.0.1.24 emr-header-2 emr-header-2.cluster-1\n10.0.1.25 emr-worker-2.cluster-1\n10.0.1.24 emr-worker-1\n",
        ] {
            let clusters = read(text);
            assert_eq!(brokers(&clusters[0]).len(), 2, "{text}");
            let names = clusters[0].names(&clusters[0].nodes()[0]);
            for name in ["emr-header-2", "emr-worker-1"] {
                assert!(names.iter().any(|n| n == name), "{names:?} of {text}");
            }
        }
    }

    #[test]
    fn new_console_names_tell_the_region() {
        let clusters = read("10.0.1.24 core-1-1.c-0edfee2cccaecc75.cn-shanghai.emr.aliyuncs.com\n");
        assert_eq!(clusters[0].region(), Some("cn-shanghai"));
        assert!(clusters[0].names(&clusters[0].nodes()[0]).contains(&"core1-1".to_owned()));
    }

    #[test]
    fn every_role_of_a_machine_has_its_names() {
        let clusters = read("10.0.1.24 EMR-worker-1.cluster-48742 emr-header-2.cluster-48742 iZbp1\n");
        let names = clusters[0].names(&clusters[0].nodes()[0]);
        for name in ["emr-worker-1", "emr-header-2", "emr-header-2.cluster-48742", "izbp1"] {
            assert!(names.contains(&name.to_owned()), "{name}: {names:?}");
        }
        assert_eq!(brokers(&clusters[0]), ["emr-worker-1"]);
    }

    #[test]
    fn what_merely_begins_like_an_emr_name_is_a_plain_host() {
        let clusters = read("10.0.1.24 emr-worker-1.cluster-48742\n10.0.0.10 coredns\n10.0.0.11 core-switch\n");
        assert_eq!(brokers(&clusters[0]), ["emr-worker-1"]);
        assert_eq!(clusters[0].plain_hosts().len(), 2);
    }

    #[test]
    fn case_and_region_of_new_console_names() {
        let text = "10.0.1.24 core-1-1.c-0edf.cn-shanghai.emr.aliyuncs.com\n\
                    10.0.1.25 core-1-2.C-0EDF.cn-Shanghai.emr.aliyuncs.com\n\
                    10.0.2.24 core-1-3.c-0edf.cn-beijing.emr.aliyuncs.com\n";
        let clusters = read(text);
        assert_eq!(clusters.len(), 2);
        assert_eq!(brokers(&clusters[0]), ["core-1-1", "core-1-2"]);
        assert_eq!(clusters[1].region(), Some("cn-beijing"));
    }

    #[test]
    fn many_names_and_lines_take_no_time_of_note() {
        use std::fmt::Write as _;
        let mut text = String::new();
        for n in 0..20_000 {
            writeln!(text, "10.0.1.24 emr-worker-1.cluster-48742 a{n}").unwrap();
        }
        assert_eq!(read(&text)[0].nodes()[0].description().aliases.len(), 20_000);
    }

    #[test]
    fn short_names_and_headers_alone() {
        let clusters = read("10.0.1.24 emr-worker-1\n10.0.1.25 emr-worker-2\n");
        assert_eq!(clusters[0].nodes()[0].long_domain().unwrap(), "emr-worker-1");
        assert_eq!(brokers(&read("10.0.1.23 emr-header-1.cluster-48742\n")[0]), ["emr-header-1"]);
        let split = read("10.0.1.24 emr-worker-1.cluster-48742\n10.0.1.24 emr-worker-1\n");
        assert_eq!(split[0].nodes().len(), 1);
    }

    #[test]
    fn a_name_may_have_one_address_of_each_family() {
        let clusters = read("10.0.1.24 emr-worker-1.cluster-48742\nfd00::24 emr-worker-1.cluster-48742\n");
        assert_eq!(clusters[0].nodes().len(), 1);
        assert_eq!(clusters[0].plain_hosts().len(), 1);
    }

    #[track_caller]
    fn refuse(text: &str, parts: &[&str]) {
        let error = Description::from_hosts_text(text, Network::Private).unwrap_err().to_string();
        for part in parts {
            assert!(error.contains(part), "{error}");
        }
        assert!(error.len() < 400, "short: {error}");
    }

    #[test]
    fn refuses_with_the_line() {
        refuse("10.0.1.23 emr-header-1.cluster-1\n10.0.1.256 emr-worker-1.cluster-1\n", &["line 2", "10.0.1.256"]);
        refuse("10.0.1.23\n", &["line 1", "no name"]);
        refuse("emr-worker-1.cluster-1 10.0.1.23\n", &["line 1", "ADDRESS NAME"]);
        refuse(&format!("10.0.1.23 {}\n", "a ".repeat(3000)), &["line 1", "4096"]);
        refuse("10.0.1.23 emr-\0worker-1\n", &["line 1", "'\\0'"]);
        refuse(
            "10.0.1.23 emr-worker-1.cluster-1\n10.0.1.24\u{3000}emr-worker-2.cluster-1\n",
            &["line 2", "U+3000", "' '"],
        );
        refuse("10.0.1.23 emr－worker-1.cluster-1\n", &["line 1", "U+FF0D", "'-'"]);
        refuse("10.0.1.23 emr-worker-1.cluster-1\n10.0.1.24 emr-worker-1.cluster-1\n", &["line 2", "10.0.1.23"]);
        refuse("10.0.1.23 a..b\n", &["line 1", "a..b"]);
        refuse("10.0.1.24 emr-worker-1\r10.0.1.25 emr-worker-2\r", &["line 1", "'\\r'"]);
        refuse("10.0.1.24 emr-worker-1.cluster-1 10.0.1.25\n", &["line 1", "is an address"]);
        refuse("127.0.0.1 localhost\n", &["no EMR node"]);
        refuse("10.0.0.10 coredns\n", &["no EMR node"]);
        refuse("", &["no EMR node"]);
        refuse(&"~".repeat(1 << 20), &["line 1", "1048576"]);
    }
}
