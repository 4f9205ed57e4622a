//! The clusters' names as lines of a hosts file.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::net::IpAddr;
use std::ptr;

use kafka_emr_core::{Hosts, ProgramNames, without_trailing_dot};
use kafka_emr_hook::tunnel_entries;

/// The lines, and the names in them.
pub(crate) struct Lines {
    pub(crate) text: String,
    names: HashSet<String>,
    /// Nodes whose `connect` has a port that no line can name, and no address that is led there.
    pub(crate) without_port: Vec<String>,
}

impl Lines {
    /// Lists what a whole program gets: not the short names.
    pub(crate) fn of(hosts: &Hosts) -> Self {
        let mut lines = Lines { text: String::new(), names: HashSet::new(), without_port: Vec::new() };
        let all = hosts.program_names();
        for of_cluster in all.chunk_by(|one, other| ptr::eq(one.cluster, other.cluster)) {
            let title = of_cluster[0].cluster.title();
            let _ = writeln!(lines.text, "# BEGIN kafka-emr {title}");
            of_cluster.iter().for_each(|names| lines.add(hosts, names));
            let _ = writeln!(lines.text, "# END kafka-emr {title}");
        }
        lines
    }

    /// Adds the lines of names that lead to the same.
    fn add(&mut self, hosts: &Hosts, ProgramNames { cluster, node, names, dial, .. }: &ProgramNames<'_>) {
        // A hosts file has no ports: connections are led on from an address of the node's own.
        let entry: Option<IpAddr> = node.and_then(|node| tunnel_entries(hosts, cluster, node).next());
        let has_port = entry.is_some() || dial.port().is_none_or(|port| cluster.kafka_ports() == [port]);
        if !has_port {
            self.without_port.push(names[0].clone());
        }
        for address in entry.as_ref().map_or(dial.addresses(), std::slice::from_ref) {
            let _ = writeln!(self.text, "{address} {}", names.join(" "));
        }
        self.names.extend(names.iter().cloned());
    }

    /// Appends the machine's own hosts file, without these names: a reader takes all lines with a name together.
    pub(crate) fn in_front_of(&self, own: &[u8]) -> Vec<u8> {
        let mut all = Vec::with_capacity(self.text.len() + own.len());
        all.extend_from_slice(self.text.as_bytes());
        for line in own.split_inclusive(|byte| *byte == b'\n') {
            let content = line.split(|byte| *byte == b'#').next().unwrap_or_default();
            let mut words = content.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
            let (address, names): (_, Vec<&[u8]>) = (words.next(), words.collect());
            let kept: Vec<&[u8]> = names.iter().filter(|name| !self.has(name)).copied().collect();
            match address {
                Some(address) if kept.len() < names.len() => {
                    if !kept.is_empty() {
                        all.extend_from_slice(&[&[address][..], &kept[..]].concat().join(&b' '));
                        all.push(b'\n');
                    }
                }
                _ => all.extend_from_slice(line),
            }
        }
        all
    }

    fn has(&self, name: &[u8]) -> bool {
        str::from_utf8(name).is_ok_and(|name| self.names.contains(&without_trailing_dot(name).to_ascii_lowercase()))
    }
}

#[cfg(test)]
mod tests {
    use kafka_emr_core::Source;

    use super::*;

    fn lines(text: &str) -> Lines {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cluster");
        std::fs::write(&path, text).unwrap();
        Lines::of(&Hosts::new(path.to_str().unwrap().parse::<Source>().unwrap().load().unwrap()).unwrap())
    }

    const HEAD: &str = "id = \"48742\"\nrelease = \"3.10\"\n";

    #[test]
    fn names_that_stand_in_full() {
        let lines = lines(&format!(
            "{HEAD}[[nodes]]\nname = \"emr-worker-1\"\nprivate_ip = \"10.0.1.24\"\naliases = [\"kafka-1\"]\n\
             [[nodes]]\nname = \"emr-header-1\"\nprivate_ip = \"fd00::1\"\n"
        ));
        let expected = "# BEGIN kafka-emr cluster-48742\n10.0.1.24 emr-worker-1.cluster-48742 kafka-1\n\
                        fd00::1 emr-header-1.cluster-48742\n# END kafka-emr cluster-48742\n";
        assert_eq!(lines.text, expected);
    }

    #[test]
    fn a_tunnel_has_an_address_of_the_nodes_own() {
        let with_connect = |connect: &str, own: &str| {
            lines(&format!("{HEAD}[[nodes]]\nname = \"emr-worker-1\"\n{own}connect = \"{connect}\"\n"))
        };
        for (connect, own, entry, without_port) in [
            ("127.0.0.1:19092", "private_ip = \"10.0.1.24\"\n", "10.0.1.24", false),
            ("[::1]:19092", "private_ip = \"10.0.1.24\"\n", "::ffff:10.0.1.24", false),
            ("127.0.0.1:19092", "", "127.0.0.1", true),
            ("127.0.0.1:9092", "port = 9092\n", "127.0.0.1", false),
        ] {
            let lines = match own.starts_with("port") {
                true => super::tests::lines(&format!(
                    "{HEAD}{own}[[nodes]]\nname = \"emr-worker-1\"\nconnect = \"{connect}\"\n"
                )),
                false => with_connect(connect, own),
            };
            assert!(lines.text.contains(&format!("\n{entry} emr-worker-1.cluster-48742\n")), "{}", lines.text);
            assert_eq!(!lines.without_port.is_empty(), without_port, "{connect} {own}");
        }
    }

    #[test]
    fn the_machines_own_lines_follow_without_these_names() {
        let lines = lines("10.0.1.24 emr-worker-1.cluster-48742 db\n");
        let own =
            b"127.0.0.1\tlocalhost # as ever\n# 10.9.9.9 db\n\n10.9.9.9 DB. other emr-worker-1.cluster-48742 # old\n\
                    10.9.9.8 db\n\xff\xfe bytes\nfe80::1%eth0 last";
        let all = lines.in_front_of(own);
        let own = all.strip_prefix(lines.text.as_bytes()).unwrap();
        assert_eq!(
            own,
            b"127.0.0.1\tlocalhost # as ever\n# 10.9.9.9 db\n\n10.9.9.9 other\n\xff\xfe bytes\nfe80::1%eth0 last"
        );
        assert!(lines.without_port.is_empty());
    }
}
