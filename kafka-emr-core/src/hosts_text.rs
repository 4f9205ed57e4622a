//! Reads hosts text: the lines that users put into their hosts files so far.

use std::collections::HashMap;
use std::net::IpAddr;

use crate::names::{self, LongDomain};
use crate::{Cluster, Error, ErrorKind, Network, Node, NodeRole};

/// The longest line that is read, in bytes. Every name of a machine with many names fits.
const MAX_LINE: usize = 4096;

struct Line<'a> {
    number: usize,
    address: IpAddr,
    names: Vec<&'a str>,
}

impl Cluster {
    /// Reads hosts text: `ADDRESS NAME…` lines with `#` comments.
    ///
    /// The names tell the clusters; a text with long domains of two clusters describes both. No release is known, so the
    /// rules for releases before EMR-3.11 hold. The addresses are dialled as they are written: on
    /// [`Network::Public`] they are the nodes' EIPs. Brokers are the `emr-worker-*` and `core*` nodes, or every node where
    /// there is none. Lines with no EMR name are kept as plain hosts.
    ///
    /// # Errors
    ///
    /// Fails on a line that cannot be read and on a name with two addresses; the message names the line.
    ///
    /// # Examples
    ///
    /// ```
    /// use kafka_emr_core::{Cluster, Network};
    ///
    /// let clusters = Cluster::from_hosts_text("10.0.1.24 emr-worker-1.cluster-48742", Network::Private)?;
    /// assert_eq!(clusters[0].id.as_deref(), Some("48742"));
    /// # Ok::<(), kafka_emr_core::Error>(())
    /// ```
    pub fn from_hosts_text(text: &str, network: Network) -> Result<Vec<Self>, Error> {
        let clusters = read(text, network, None)?;
        clusters.iter().try_for_each(Cluster::check)?;
        Ok(clusters)
    }
}

/// Reads hosts text without checking what came of it. `id` is that of the cluster whose long domains are nowhere written.
pub(crate) fn read(text: &str, network: Network, id: Option<&str>) -> Result<Vec<Cluster>, Error> {
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
    cluster: Cluster,
    by_name: HashMap<String, usize>,
    by_address: HashMap<IpAddr, usize>,
}

impl Draft {
    fn new(id: Option<String>, region: Option<String>, network: Network) -> Self {
        let mut cluster = Cluster::without_release();
        cluster.network = network;
        cluster.id = id;
        cluster.region = region;
        Draft { cluster, by_name: HashMap::new(), by_address: HashMap::new() }
    }

    /// Adds a line: to the node with its address, else as a new node.
    fn add(&mut self, line: &Line<'_>) -> Result<(), Error> {
        let names = self.names_of(line);
        let other_address = names.iter().find_map(|name| {
            let node = &self.cluster.nodes[*self.by_name.get(name)?];
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
                return Err(at(
                    line.number,
                    format!("{name} has the address {address} already; a name belongs to one node"),
                ));
            }
            None => {}
        }
        let node = match self.by_address.get(&line.address) {
            Some(known) => *known,
            None => {
                let node = new_node(&names, line.address, &self.cluster);
                let known = self.cluster.nodes.len();
                for name in self.cluster.names(&node) {
                    self.by_name.insert(name, known);
                }
                self.cluster.nodes.push(node);
                self.by_address.insert(line.address, known);
                known
            }
        };
        for name in names {
            if self.by_name.insert(name.clone(), node).is_none() {
                self.cluster.nodes[node].aliases.push(name);
            }
        }
        Ok(())
    }

    /// All names that a line gives its node: as they are written, and of each long domain the short name and the other
    /// spelling.
    fn names_of(&self, line: &Line<'_>) -> Vec<String> {
        let mut all: Vec<String> = line.names.iter().map(|name| names::normal(name)).collect();
        let id = self.cluster.id.as_deref().unwrap_or_default();
        for long in line.long_domains().filter(|long| long.id.eq_ignore_ascii_case(id)) {
            for node in [Some(long.node.to_owned()), names::other_spelling(long.node, id)].into_iter().flatten() {
                all.extend(self.cluster.domain().map(|domain| names::normal(&format!("{node}.{domain}"))));
                all.push(names::normal(&node));
            }
        }
        all
    }

    fn add_plain(&mut self, line: &Line<'_>) {
        self.cluster.plain_hosts.extend(line.names.iter().map(|name| ((*name).to_owned(), line.address)));
    }

    fn finish(mut self) -> Result<Cluster, Error> {
        if self.cluster.nodes.is_empty() {
            return Err(Error::new(
                ErrorKind::Value,
                "no EMR node in the hosts text; expected lines such as \"10.0.1.24 emr-worker-1.cluster-48742\"",
            ));
        }
        if !self.cluster.nodes.iter().any(Node::is_broker) {
            for node in &mut self.cluster.nodes {
                node.broker = Some(true);
            }
        }
        Ok(self.cluster)
    }
}

/// Makes the node of a line. A machine can be header and worker at once: it goes by its worker name, as a broker.
fn new_node(names: &[String], address: IpAddr, cluster: &Cluster) -> Node {
    let in_domain =
        |name: &&String| cluster.domain().is_some_and(|domain| name.ends_with(&format!(".{}", names::normal(&domain))));
    let mut candidates: Vec<&str> =
        names.iter().filter(in_domain).filter_map(|name| LongDomain::parse(name)).map(|long| long.node).collect();
    if candidates.is_empty() {
        candidates.extend(names.iter().map(String::as_str).filter(|name| names::is_short_emr_name(name)));
    }
    let core = candidates.iter().find(|name| names::role_of(name) == Some(NodeRole::Core));
    let mut node = Node::new(*core.or(candidates.first()).expect("only lines with an EMR name become nodes"));
    if cluster.id.is_none() {
        node.host = Some(node.name.clone());
    }
    match cluster.network {
        Network::Private => node.private_ip = Some(address),
        Network::Public => node.public_ip = Some(address),
    }
    if node.role().is_none() {
        node.broker = Some(false);
    }
    node
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

    const SEED: &str = "\
10.0.1.23 emr-header-1.cluster-48742
10.0.1.24 emr-worker-1.cluster-48742
10.0.1.25 emr-worker-2.cluster-48742
10.0.1.26 emr-worker-3.cluster-48742
";

    fn read(text: &str) -> Vec<Cluster> {
        Cluster::from_hosts_text(text, Network::Private).unwrap()
    }

    fn brokers(cluster: &Cluster) -> Vec<&str> {
        cluster.nodes.iter().filter(|node| node.is_broker()).map(|node| node.name.as_str()).collect()
    }

    #[test]
    fn reads_the_seed_example_verbatim() {
        for text in
            [SEED.to_owned(), SEED.replace('\n', "\r\n"), format!("# EMR\n\n{SEED}::1 localhost # this machine\n")]
        {
            let clusters = read(&text);
            assert_eq!(clusters.len(), 1);
            assert_eq!(clusters[0].id.as_deref(), Some("48742"));
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
        let names = clusters[0].names(&clusters[0].nodes[0]);
        assert!(names.contains(&"emr-header-2.cluster-1234".to_owned()));
        assert!(names.contains(&"izbp1h9g7boqo9x23qbifiz".to_owned()));
    }

    #[test]
    fn new_console_names_tell_the_region() {
        let clusters = read("10.0.1.24 core-1-1.c-0edfee2cccaecc75.cn-shanghai.emr.aliyuncs.com\n");
        assert_eq!(clusters[0].region.as_deref(), Some("cn-shanghai"));
        assert!(clusters[0].names(&clusters[0].nodes[0]).contains(&"core1-1".to_owned()));
    }

    #[test]
    fn every_role_of_a_machine_has_its_names() {
        let clusters = read("10.0.1.24 EMR-worker-1.cluster-48742 emr-header-2.cluster-48742 iZbp1\n");
        let names = clusters[0].names(&clusters[0].nodes[0]);
        for name in ["emr-worker-1", "emr-header-2", "emr-header-2.cluster-48742", "izbp1"] {
            assert!(names.contains(&name.to_owned()), "{name}: {names:?}");
        }
        assert_eq!(brokers(&clusters[0]), ["emr-worker-1"]);
    }

    #[test]
    fn what_merely_begins_like_an_emr_name_is_a_plain_host() {
        let clusters = read("10.0.1.24 emr-worker-1.cluster-48742\n10.0.0.10 coredns\n10.0.0.11 core-switch\n");
        assert_eq!(brokers(&clusters[0]), ["emr-worker-1"]);
        assert_eq!(clusters[0].plain_hosts.len(), 2);
    }

    #[test]
    fn case_and_region_of_new_console_names() {
        let text = "10.0.1.24 core-1-1.c-0edf.cn-shanghai.emr.aliyuncs.com\n\
                    10.0.1.25 core-1-2.C-0EDF.cn-Shanghai.emr.aliyuncs.com\n\
                    10.0.2.24 core-1-3.c-0edf.cn-beijing.emr.aliyuncs.com\n";
        let clusters = read(text);
        assert_eq!(clusters.len(), 2);
        assert_eq!(brokers(&clusters[0]), ["core-1-1", "core-1-2"]);
        assert_eq!(clusters[1].region.as_deref(), Some("cn-beijing"));
    }

    #[test]
    fn many_names_and_lines_take_no_time_of_note() {
        use std::fmt::Write as _;
        let mut text = String::new();
        for n in 0..20_000 {
            writeln!(text, "10.0.1.24 emr-worker-1.cluster-48742 a{n}").unwrap();
        }
        assert_eq!(read(&text)[0].nodes[0].aliases.len(), 20_000);
    }

    #[test]
    fn short_names_and_headers_alone() {
        let clusters = read("10.0.1.24 emr-worker-1\n10.0.1.25 emr-worker-2\n");
        assert_eq!(clusters[0].long_domain(&clusters[0].nodes[0]).unwrap(), "emr-worker-1");
        assert_eq!(brokers(&read("10.0.1.23 emr-header-1.cluster-48742\n")[0]), ["emr-header-1"]);
        let split = read("10.0.1.24 emr-worker-1.cluster-48742\n10.0.1.24 emr-worker-1\n");
        assert_eq!(split[0].nodes.len(), 1);
    }

    #[test]
    fn a_name_may_have_one_address_of_each_family() {
        let clusters = read("10.0.1.24 emr-worker-1.cluster-48742\nfd00::24 emr-worker-1.cluster-48742\n");
        assert_eq!(clusters[0].nodes.len(), 1);
        assert_eq!(clusters[0].plain_hosts.len(), 1);
    }

    #[track_caller]
    fn refuse(text: &str, says: &[&str]) {
        let error = Cluster::from_hosts_text(text, Network::Private).unwrap_err().to_string();
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
