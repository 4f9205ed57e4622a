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
    let (with_domain, without): (Vec<_>, Vec<_>) =
        read_lines(text)?.into_iter().partition(|line| line.long_domains().next().is_some());
    let mut drafts: Vec<Draft> = Vec::new();
    let mut by_domain: HashMap<(String, Option<String>), usize> = HashMap::new();
    for line in &with_domain {
        let key = line.long_domains().next().expect("partitioned so").key();
        let draft = *by_domain.entry(key).or_insert_with_key(|(id, region)| {
            drafts.push(Draft::new(Some(id.clone()), region.clone(), network));
            drafts.len() - 1
        });
        drafts[draft].add(line)?;
    }
    if drafts.is_empty() {
        // Short names alone are a cluster too: `emr-worker-1` without its domain.
        drafts.push(Draft::new(id.map(str::to_owned), None, network));
    }
    let one_cluster = drafts.len() == 1;
    for line in &without {
        if one_cluster && line.names.iter().any(|name| names::is_short_emr_name(name)) {
            drafts[0].add(line)?;
        } else {
            drafts[0].add_plain(line);
        }
    }
    drafts.into_iter().map(Draft::finish).collect()
}

impl<'a> Line<'a> {
    fn long_domains(&self) -> impl Iterator<Item = LongDomain<'a>> {
        self.names.iter().filter_map(|name| LongDomain::parse(name))
    }
}

/// A cluster while its lines are read.
struct Draft {
    description: Description,
    domain: Option<String>,
    network: Network,
    by_name: HashMap<String, usize>,
    by_address: HashMap<IpAddr, usize>,
}

impl Draft {
    fn new(id: Option<String>, region: Option<String>, network: Network) -> Self {
        let domain = id.as_deref().and_then(|id| names::domain(id, region.as_deref()));
        let settings = Settings { id, region, network: Some(network), ..Settings::default() };
        let description = Description { settings, is_hosts_text: true, ..Description::default() };
        Draft { description, domain, network, by_name: HashMap::new(), by_address: HashMap::new() }
    }

    /// Adds a line: to the node with its address, else as a new node.
    fn add(&mut self, line: &Line<'_>) -> Result<(), Error> {
        let written: Vec<String> = line.names.iter().map(|name| names::normal(name)).collect();
        let line_node = NodeDescription { aliases: written.clone(), ..self.new_node(&written, line.address) };
        let mut all = Vec::new();
        names::for_each(&line_node, self.id(), self.domain.as_deref(), |name| all.push(name.text));
        let other_address = all.iter().find_map(|name| {
            let node = &self.description.nodes[*self.by_name.get(name)?];
            let address = node.private_ip.or(node.public_ip)?;
            (address != line.address).then_some((name, address))
        });
        match other_address {
            // A second line for the other family, as hosts files have it.
            Some((_, address)) if address.is_ipv4() != line.address.is_ipv4() => {
                self.add_plain(line);
                return Ok(());
            }
            Some((name, address)) => {
                return Err(at(line.number, format!("{name} has the address {address} already; names must be unique")));
            }
            None => {}
        }
        let number = match self.by_address.get(&line.address) {
            Some(known) => *known,
            None => {
                self.by_address.insert(line.address, self.description.nodes.len());
                self.description.nodes.push(NodeDescription { aliases: Vec::new(), ..line_node });
                self.description.nodes.len() - 1
            }
        };
        for name in all {
            self.by_name.insert(name, number);
        }
        let node = &mut self.description.nodes[number];
        let long_domain = names::long_domain(node, self.description.settings.id.as_deref(), self.domain.as_deref());
        let long_domain = long_domain.map(|name| names::normal(&name));
        node.aliases.extend(written.into_iter().filter(|name| Some(name) != long_domain.as_ref()));
        Ok(())
    }

    fn id(&self) -> Option<&str> {
        self.description.settings.id.as_deref()
    }

    fn add_plain(&mut self, line: &Line<'_>) {
        self.description.plain_hosts.extend(line.names.iter().map(|name| ((*name).to_owned(), line.address)));
    }

    fn finish(mut self) -> Result<Description, Error> {
        let nodes = &mut self.description.nodes;
        if nodes.is_empty() {
            return Err(Error::new(
                ErrorKind::Value,
                "no EMR node in the hosts text; expected lines such as \"10.0.1.24 emr-worker-1.cluster-48742\"",
            ));
        }
        for node in nodes.iter_mut() {
            let mut seen = HashSet::new();
            node.aliases.retain(|alias| seen.insert(alias.clone()));
        }
        if !nodes.iter().any(NodeDescription::is_broker) {
            for node in nodes {
                node.broker = Some(true);
            }
        }
        Ok(self.description)
    }

    /// Makes the node of a line. A machine can be header and worker at once: it goes by its worker name, as a broker.
    fn new_node(&self, names: &[String], address: IpAddr) -> NodeDescription {
        let domain = self.domain.as_deref().map(|domain| format!(".{}", names::normal(domain)));
        let in_domain = |name: &&String| domain.as_ref().is_some_and(|domain| name.ends_with(domain));
        let long = names.iter().filter(in_domain).filter_map(|name| LongDomain::parse(name));
        let mut candidates: Vec<&str> = long.map(|long| long.node).collect();
        if candidates.is_empty() {
            candidates.extend(names.iter().map(String::as_str).filter(|name| names::is_short_emr_name(name)));
        }
        let core = candidates.iter().find(|name| names::role_of(name) == Some(NodeRole::Core));
        let mut node =
            NodeDescription::new(*core.or(candidates.first()).expect("only lines with an EMR name become nodes"));
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
    use crate::{Cluster, Node};

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
    fn refuse(text: &str, says: &[&str]) {
        let error = Description::from_hosts_text(text, Network::Private).unwrap_err().to_string();
        for part in says {
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
