//! Where connections lead that a whole program makes to addresses of nodes.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use foldhash::fast::RandomState;

use crate::{Cluster, Network, Node};

/// Maps addresses that a program connects to: a node's private IP to its EIP on the public network, and a node's addresses to
/// its `connect`. For Kafka's ports of the node's cluster only (its `port`, else those of all rules); every other port is left
/// alone. It is for TCP: the caller sees to that.
///
/// Asking it takes no memory, no lock and no system call.
#[derive(Clone, Debug, Default)]
pub struct Connections {
    from: HashMap<IpAddr, Target, RandomState>,
    /// What is dialled in place of nodes. These are dialled as they are, whoever else has the address.
    tunnels: HashSet<SocketAddr, RandomState>,
}

#[derive(Clone, Debug)]
struct Target {
    /// Those of the cluster, which all of its nodes share.
    ports: Arc<[u16]>,
    to: To,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum To {
    Address(IpAddr),
    Tunnel(SocketAddr),
}

impl Connections {
    /// Leaves out addresses that are several clusters', and those that names lead to: what a name leads to is led no further.
    pub(crate) fn of(clusters: &[Cluster], ambiguous: &HashSet<IpAddr>) -> Self {
        let nodes = || clusters.iter().flat_map(|cluster| cluster.nodes().iter().map(move |node| (cluster, node)));
        if clusters.iter().all(|cluster| cluster.index().addresses.is_empty()) {
            return Connections::default();
        }
        let by_rule = nodes().filter(|(_, node)| node.connect().is_none()).filter_map(|(_, node)| node.dial());
        let plain = clusters.iter().flat_map(|cluster| &cluster.index().plain);
        let answers: HashSet<IpAddr, RandomState> =
            by_rule.chain(plain).flat_map(|dial| dial.addresses()).copied().collect();
        let mut connections = Connections::default();
        for cluster in clusters {
            let ports: Arc<[u16]> = cluster.kafka_ports().into();
            for node in cluster.nodes() {
                let own = [node.private_ip(), node.public_ip()].into_iter().flatten();
                for own in own.filter(|own| !answers.contains(own) && !ambiguous.contains(own)) {
                    if let Some(to) = target(cluster, node, own) {
                        connections.add(own, &ports, to);
                    }
                }
                connections.tunnels.extend(node.connect());
            }
        }
        connections
    }

    /// Adds an address of a node. If two clusters have it, it leads to the same place, for the ports of both.
    fn add(&mut self, own: IpAddr, ports: &Arc<[u16]>, to: To) {
        match self.from.entry(own) {
            Entry::Vacant(slot) => {
                slot.insert(Target { ports: Arc::clone(ports), to });
            }
            Entry::Occupied(mut slot) => {
                let known = &mut slot.get_mut().ports;
                if !ports.iter().all(|port| known.contains(port)) {
                    *known = known.iter().chain(&**ports).copied().collect();
                }
            }
        }
    }

    /// Returns whether no address leads elsewhere.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.from.is_empty()
    }

    /// Returns where a TCP connection to an address goes instead; `None` if it goes there. An IPv4 address in IPv6's form is
    /// taken as the IPv4 address that it is.
    #[must_use]
    pub fn leads_to(&self, asked: SocketAddr) -> Option<SocketAddr> {
        let (ip, port) = (asked.ip().to_canonical(), asked.port());
        let target = self.from.get(&ip).filter(|target| target.ports.contains(&port))?;
        if self.tunnels.contains(&(ip, port).into()) {
            return None;
        }
        Some(match target.to {
            To::Address(address) => (address, port).into(),
            To::Tunnel(address) => address,
        })
    }

    /// Returns the addresses of a node that lead to its `connect`, each once. A name leads to one of these in a program that puts the
    /// port in by itself, and the connection is then led on.
    pub fn tunnel_entries<'a>(&'a self, cluster: &'a Cluster, node: &'a Node) -> impl Iterator<Item = IpAddr> + 'a {
        let first = node.address(cluster.rule().dials);
        let others = [node.private_ip(), node.public_ip()].into_iter().filter(move |other| *other != first);
        let port = cluster.broker_port();
        [first]
            .into_iter()
            .chain(others)
            .flatten()
            .filter(move |ip| node.connect().is_some() && self.leads_to((*ip, port).into()) == node.connect())
    }
}

fn target(cluster: &Cluster, node: &Node, own: IpAddr) -> Option<To> {
    if let Some(connect) = node.connect() {
        return Some(To::Tunnel(connect));
    }
    let is_outside = cluster.network() == Network::Public && node.private_ip() == Some(own);
    node.public_ip().filter(|eip| is_outside && *eip != own).map(To::Address)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Description, Hosts, Source};

    fn hosts(source: &str) -> Hosts {
        Hosts::new(source.parse::<Source>().unwrap().load().unwrap()).unwrap()
    }

    #[track_caller]
    fn check(hosts: &Hosts, asked: &str, expected: Option<&str>) {
        let leads_to = hosts.connections().leads_to(asked.parse().unwrap());
        assert_eq!(leads_to, expected.map(|to| to.parse().unwrap()), "{asked}");
    }

    #[test]
    fn a_private_ip_leads_to_the_eip_for_kafkas_ports_alone() {
        let hosts = hosts("emr://48742?release=3.11&network=public&emr-worker-1=192.168.0.24/203.0.113.24");
        check(&hosts, "192.168.0.24:9092", Some("203.0.113.24:9092"));
        check(&hosts, "192.168.0.24:9093", Some("203.0.113.24:9093"));
        check(&hosts, "[::ffff:192.168.0.24]:9093", Some("203.0.113.24:9093"));
        for other in
            ["192.168.0.24:5432", "192.168.0.24:0", "192.168.0.24:22", "203.0.113.24:9093", "192.168.0.25:9092"]
        {
            check(&hosts, other, None);
        }
    }

    #[test]
    fn the_port_of_the_description_is_the_only_one() {
        let hosts = hosts("emr://48742?release=3.11&network=public&port=19093&emr-worker-1=10.0.1.24/203.0.113.24");
        check(&hosts, "10.0.1.24:19093", Some("203.0.113.24:19093"));
        check(&hosts, "10.0.1.24:9093", None);
    }

    #[test]
    fn on_the_private_network_addresses_are_themselves() {
        let hosts = hosts("emr://48742?release=3.11&emr-worker-1=10.0.1.24/203.0.113.24");
        assert!(hosts.connections().is_empty());
    }

    #[test]
    fn both_addresses_lead_to_a_tunnel() {
        let source: Source = "emr://48742?release=3.11&emr-worker-1=10.0.1.24/203.0.113.24".parse().unwrap();
        let mut description: Description = source.load().unwrap()[0].description();
        description.nodes[0].connect = Some("127.0.0.1:19092".parse().unwrap());
        let cluster = Cluster::new(description).unwrap();
        let hosts = Hosts::new([cluster.clone()]).unwrap();
        check(&hosts, "10.0.1.24:9092", Some("127.0.0.1:19092"));
        check(&hosts, "203.0.113.24:9093", Some("127.0.0.1:19092"));
        check(&hosts, "10.0.1.24:22", None);
        check(&hosts, "127.0.0.1:19092", None);
        let entries = hosts.connections().tunnel_entries(&cluster, &cluster.nodes()[0]);
        assert_eq!(
            entries.collect::<Vec<_>>(),
            [cluster.nodes()[0].private_ip(), cluster.nodes()[0].public_ip()].map(Option::unwrap)
        );
    }

    #[test]
    fn a_cluster_that_is_described_twice_has_the_ports_of_both() {
        let nodes = "emr-worker-1=10.0.1.24/203.0.113.24&emr-worker-2=10.0.1.24/203.0.113.24";
        let one = |port: &str| format!("emr://48742?release=3.11&network=public{port}&{nodes}");
        let check_ports = |hosts: &Hosts, ports: &[u16]| {
            for port in [9092, 9093, 19093, 19094, 22] {
                let expected = ports.contains(&port).then(|| format!("203.0.113.24:{port}"));
                check(hosts, &format!("10.0.1.24:{port}"), expected.as_deref());
            }
        };
        check_ports(&hosts(&format!("{};{}", one("&port=19093"), one("&port=19094"))), &[19093, 19094]);
        check_ports(&hosts(&format!("{};{}", one("&port=19093"), one(""))), &[9092, 9093, 19093]);
        check_ports(&hosts(&format!("{};{}", one(""), one(""))), &[9092, 9093]);
    }

    #[test]
    fn what_names_lead_to_is_led_no_further() {
        // The EIP of one node is the private IP of another.
        let hosts = hosts(
            "emr://48742?release=3.11&network=public&emr-worker-1=10.0.1.24/203.0.113.24&emr-worker-2=203.0.113.24/203.0.113.25",
        );
        check(&hosts, "203.0.113.24:9093", None);
        check(&hosts, "10.0.1.24:9093", Some("203.0.113.24:9093"));
    }

    #[test]
    fn an_address_of_two_clusters_is_dialled_as_it_is() {
        let one = "emr://1?release=3.11&network=public&emr-worker-1=10.0.1.24/203.0.113.24";
        let hosts = hosts(&format!("{one};emr://2?release=3.11&emr-worker-1=10.0.1.24"));
        check(&hosts, "10.0.1.24:9092", None);
    }
}
