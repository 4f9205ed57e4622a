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
        let lines = read_lines(text)?;
        let long_domain = |line: &Line<'_>| line.names.iter().any(|name| LongDomain::parse(name).is_some());
        let (with_domain, without): (Vec<_>, Vec<_>) = lines.into_iter().partition(long_domain);
        let mut drafts: Vec<Draft> = Vec::new();
        for line in &with_domain {
            let domain = line.names.iter().find_map(|name| LongDomain::parse(name)).expect("partitioned so");
            let draft = drafts.iter().position(|draft| draft.cluster.id.as_deref() == Some(domain.id));
            let draft = draft.unwrap_or_else(|| {
                drafts.push(Draft::new(Some(&domain), network));
                drafts.len() - 1
            });
            drafts[draft].add(line)?;
        }
        if drafts.is_empty() {
            // Short names alone are a cluster too: `emr-worker-1` without its domain.
            drafts.push(Draft::new(None, network));
        }
        let one_cluster = drafts.len() == 1;
        for line in &without {
            if one_cluster && line.names.iter().any(|name| is_short_emr_name(name)) {
                drafts[0].add(line)?;
            } else {
                drafts[0].add_plain(line);
            }
        }
        drafts.into_iter().map(Draft::finish).collect()
    }
}

fn is_short_emr_name(name: &str) -> bool {
    !name.contains('.') && names::role_of(name).is_some()
}

/// A cluster while its lines are read.
struct Draft {
    cluster: Cluster,
    by_name: HashMap<String, usize>,
    by_address: HashMap<IpAddr, usize>,
}

impl Draft {
    fn new(domain: Option<&LongDomain<'_>>, network: Network) -> Self {
        let mut cluster = Cluster::without_release();
        cluster.network = network;
        cluster.id = domain.map(|domain| domain.id.to_owned());
        cluster.region = domain.and_then(|domain| domain.region).map(str::to_ascii_lowercase);
        Draft { cluster, by_name: HashMap::new(), by_address: HashMap::new() }
    }

    /// Adds a line: to the node with its address, else as a new node.
    fn add(&mut self, line: &Line<'_>) -> Result<(), Error> {
        let other_address = line.names.iter().find_map(|name| {
            let node = &self.cluster.nodes[*self.by_name.get(&names::normal(name))?];
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
        let node = *self.by_address.entry(line.address).or_insert_with(|| {
            self.cluster.nodes.push(new_node(line, &self.cluster));
            self.cluster.nodes.len() - 1
        });
        self.cluster.nodes[node].aliases.extend(line.names.iter().map(|name| (*name).to_owned()));
        for name in self.cluster.names(&self.cluster.nodes[node]) {
            self.by_name.insert(name, node);
        }
        Ok(())
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
        self.cluster.check()?;
        Ok(self.cluster)
    }
}

/// Makes the node of a line. A machine can be header and worker at once: it goes by its worker name, as a broker.
fn new_node(line: &Line<'_>, cluster: &Cluster) -> Node {
    let names = || {
        line.names.iter().filter_map(|name| match LongDomain::parse(name) {
            Some(long) => (Some(long.id) == cluster.id.as_deref()).then_some(long.node),
            None => is_short_emr_name(name).then_some(*name),
        })
    };
    let name = names().find(|name| names::role_of(name) == Some(NodeRole::Core)).or_else(|| names().next());
    let mut node = Node::new(name.expect("only lines with an EMR name become nodes"));
    if cluster.id.is_none() {
        node.host = Some(node.name.clone());
    }
    match cluster.network {
        Network::Private => node.private_ip = Some(line.address),
        Network::Public => node.public_ip = Some(line.address),
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
        if raw.contains('\0') {
            return Err(at(number, "the line has a NUL character; expected text".to_owned()));
        }
        let content = raw.split('#').next().unwrap_or_default();
        if let Some((c, ascii)) = content.chars().find_map(|c| Some((c, names::fold_fullwidth(c)?))) {
            return Err(at(number, format!("the fullwidth character {c:?} (U+{:04X}); write {ascii:?}", u32::from(c))));
        }
        let mut words = content.split_ascii_whitespace();
        let Some(address) = words.next() else { continue };
        let names: Vec<&str> = words.collect();
        let address: IpAddr = address.parse().map_err(|_| {
            let shown: String = address.chars().take(64).collect();
            at(number, format!("{shown:?} is no address; expected \"ADDRESS NAME…\", such as \"10.0.1.24 emr-worker-1.cluster-48742\""))
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
        refuse("10.0.1.23 emr-\0worker-1\n", &["line 1", "NUL"]);
        refuse(
            "10.0.1.23 emr-worker-1.cluster-1\n10.0.1.24\u{3000}emr-worker-2.cluster-1\n",
            &["line 2", "U+3000", "' '"],
        );
        refuse("10.0.1.23 emr－worker-1.cluster-1\n", &["line 1", "U+FF0D", "'-'"]);
        refuse("10.0.1.23 emr-worker-1.cluster-1\n10.0.1.24 emr-worker-1.cluster-1\n", &["line 2", "10.0.1.23"]);
        refuse("10.0.1.23 a..b\n", &["line 1", "a..b"]);
        refuse("127.0.0.1 localhost\n", &["no EMR node"]);
        refuse("", &["no EMR node"]);
        refuse(&"~".repeat(1 << 20), &["line 1", "1048576"]);
    }
}
