//! The names of a whole program, for files and tools that list them.

use std::collections::HashSet;
use std::ptr;

use crate::hosts::Match;
use crate::{Cluster, Dial, Hosts, Node, Reach, names};

/// Names of a node or of a plain host that a whole program gets, and where they lead.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ProgramNames<'a> {
    /// The cluster whose description has them.
    pub cluster: &'a Cluster,
    /// The node; `None` for a plain host.
    pub node: Option<&'a Node>,
    /// The names in lower case, the long domain first; at least one.
    pub names: Vec<String>,
    /// What is dialled for each of them.
    pub dial: &'a Dial,
}

impl Hosts {
    /// Returns the names of [`Reach::Program`] that lead somewhere, each once: of the nodes and then of the plain hosts of each
    /// cluster, in the order of its description.
    #[must_use]
    pub fn program_names(&self) -> Vec<ProgramNames<'_>> {
        let mut seen = HashSet::new();
        let mut all = Vec::new();
        for cluster in self.clusters() {
            for node in cluster.nodes() {
                let Some(dial) = node.dial() else { continue };
                let is_its = |name: &String| match self.find(Reach::Program, name) {
                    Match::Node(_, owner) => ptr::eq(owner, node),
                    _ => false,
                };
                let names: Vec<String> = cluster.names(node).into_iter().filter(is_its).collect();
                if !names.is_empty() {
                    seen.extend(names.iter().cloned());
                    all.push(ProgramNames { cluster, node: Some(node), names, dial });
                }
            }
            for (name, _) in cluster.plain_hosts() {
                let name = names::normal(name);
                // Some are names of nodes as well.
                if let Match::PlainHost(dial) = self.find(Reach::Program, &name)
                    && seen.insert(name.clone())
                {
                    all.push(ProgramNames { cluster, node: None, names: vec![name], dial });
                }
            }
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Description, Network};

    #[track_caller]
    fn check(text: &str, expected: &[(Option<&str>, &str, &str)]) {
        let read = Description::from_hosts_text(text, Network::Private).unwrap();
        let hosts = Hosts::new(read.into_iter().map(|description| Cluster::new(description).unwrap())).unwrap();
        let all = hosts.program_names();
        let listed: Vec<_> = all
            .iter()
            .map(|one| {
                let addresses: Vec<String> = one.dial.addresses().iter().map(ToString::to_string).collect();
                (one.node.map(Node::name), one.names.join(" "), addresses.join(" "))
            })
            .collect();
        let listed: Vec<_> = listed.iter().map(|(node, names, to)| (*node, names.as_str(), to.as_str())).collect();
        assert_eq!(listed, expected);
    }

    #[test]
    fn names_that_are_written() {
        check(
            "10.0.0.9 DB.\n10.0.1.24 emr-worker-1.cluster-1 emr-worker-1 kafka-1\nfd00::24 emr-worker-1.cluster-1\n\
             10.0.1.25 emr-worker-2.cluster-1\nfd00::9 db\n",
            &[
                (Some("emr-worker-1"), "emr-worker-1.cluster-1 emr-worker-1 kafka-1", "10.0.1.24 fd00::24"),
                (Some("emr-worker-2"), "emr-worker-2.cluster-1", "10.0.1.25"),
                (None, "db", "10.0.0.9 fd00::9"),
            ],
        );
    }

    #[test]
    fn names_of_two_clusters_that_lead_to_different_places_are_left_out() {
        check(
            "10.0.1.24 emr-worker-1.cluster-1 emr-worker-1\n10.0.2.24 emr-worker-1.cluster-2 emr-worker-1\n",
            &[
                (Some("emr-worker-1"), "emr-worker-1.cluster-1", "10.0.1.24"),
                (Some("emr-worker-1"), "emr-worker-1.cluster-2", "10.0.2.24"),
            ],
        );
    }
}
