//! Which names and addresses of one cluster belong to which node.

use std::collections::HashMap;
use std::collections::hash_map::Entry as MapEntry;
use std::net::IpAddr;

use foldhash::fast::RandomState;

use crate::cluster::{Node, bad};
use crate::{Dial, Error, Network, Reach, names};

/// How many addresses a plain host can have.
const MAX_ADDRESSES: usize = 64;

/// Finds the owner of a name or an address, in the same time for four nodes and for ten thousand.
pub(crate) struct Index {
    /// As they are compared: lower case, no trailing dot.
    pub(crate) names: HashMap<Box<str>, Entry, RandomState>,
    /// Addresses of nodes that lead elsewhere when a Kafka client dials them.
    pub(crate) addresses: HashMap<IpAddr, usize, RandomState>,
    pub(crate) plain: Vec<Dial>,
}

#[derive(Clone, Copy)]
pub(crate) struct Entry {
    pub(crate) owner: Owner,
    /// Whether it is a short name that follows from others, and no description has it in these words.
    pub(crate) is_derived: bool,
    /// Whether it is a short name that follows from others, written as well or not.
    pub(crate) is_short: bool,
}

impl Entry {
    /// Returns whether the name counts in front of a client or a whole program.
    #[inline]
    pub(crate) fn counts_for(&self, reach: Reach) -> bool {
        reach == Reach::Client || !self.is_derived
    }
}

/// Whose a name is, by number.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Owner {
    Node(usize),
    PlainHost(usize),
}

impl Index {
    /// Adds the addresses of plain hosts to nodes with the same name.
    pub(crate) fn build(
        nodes: &mut [Node],
        plain_hosts: &[(String, IpAddr)],
        id: Option<&str>,
        domain: Option<&str>,
        network: Network,
    ) -> Result<Self, Error> {
        let mut index = Index {
            names: HashMap::with_capacity_and_hasher(nodes.len() * 2 + plain_hosts.len(), RandomState::default()),
            addresses: HashMap::default(),
            plain: Vec::new(),
        };
        for number in 0..nodes.len() {
            index.add_names(nodes, number, id, domain)?;
            index.add_addresses(nodes, number, network)?;
        }
        // Last, so that a line of a hosts text adds to a node and never stands in its way.
        for (name, address) in plain_hosts {
            index.add_plain(nodes, name, *address)?;
        }
        Ok(index)
    }

    fn add_names(
        &mut self,
        nodes: &[Node],
        number: usize,
        id: Option<&str>,
        domain: Option<&str>,
    ) -> Result<(), Error> {
        let owner = Owner::Node(number);
        let mut taken = None;
        names::for_each(&nodes[number].description, id, domain, |name| match self.names.entry(name.text.into()) {
            MapEntry::Vacant(slot) => {
                slot.insert(Entry { owner, is_derived: name.is_derived, is_short: name.is_derived });
            }
            MapEntry::Occupied(mut slot) if slot.get().owner == owner => {
                let entry = slot.get_mut();
                entry.is_derived &= name.is_derived;
                entry.is_short |= name.is_derived;
            }
            MapEntry::Occupied(slot) => taken = taken.take().or(Some((slot.key().clone(), slot.get().owner))),
        });
        let Some((name, Owner::Node(other))) = taken else { return Ok(()) };
        let (node, other) = (nodes[number].name(), nodes[other].name());
        Err(bad(match node == other {
            true => format!("node {node}: listed twice; names must be unique"),
            false => format!("node {node}: its name {name:?} belongs to node {other} too; names must be unique"),
        }))
    }

    /// Brokers may advertise addresses, and a client's lookup is asked for those too: on the public network the private IP
    /// leads where the name leads, and with `connect` both addresses do.
    fn add_addresses(&mut self, nodes: &[Node], number: usize, network: Network) -> Result<(), Error> {
        let node = &nodes[number];
        let has_tunnel = node.connect().is_some();
        let is_outside = network == Network::Public && node.dial().is_some();
        let private = node.private_ip().filter(|_| has_tunnel || is_outside);
        for address in private.into_iter().chain(node.public_ip().filter(|_| has_tunnel)) {
            match self.addresses.entry(address) {
                MapEntry::Vacant(slot) => {
                    slot.insert(number);
                }
                MapEntry::Occupied(slot) if nodes[*slot.get()].dial() == node.dial() => {}
                MapEntry::Occupied(slot) => {
                    let other = nodes[*slot.get()].name();
                    return Err(bad(format!(
                        "nodes {other} and {} share the address {address}, but lead to different ones; correct private_ip, public_ip or connect",
                        node.name()
                    )));
                }
            }
        }
        Ok(())
    }

    fn add_plain(&mut self, nodes: &mut [Node], name: &str, address: IpAddr) -> Result<(), Error> {
        let name = names::normal(name);
        let is_written_node = |entry: &Entry| matches!(entry.owner, Owner::Node(_)) && !entry.is_derived;
        // `localhost`, and what this machine calls itself, are not the cluster's: the system knows all their addresses.
        if address.to_canonical().is_loopback() && !self.names.get(name.as_str()).is_some_and(is_written_node) {
            return Ok(());
        }
        let owner = Owner::PlainHost(self.plain.len());
        let dial = match self.names.entry(name.as_str().into()) {
            MapEntry::Vacant(slot) => {
                slot.insert(Entry { owner, is_derived: false, is_short: false });
                self.plain.push(Dial::new(address, None));
                return Ok(());
            }
            MapEntry::Occupied(mut slot) => {
                let is_derived = std::mem::replace(&mut slot.get_mut().is_derived, false);
                match slot.get().owner {
                    Owner::PlainHost(number) => &mut self.plain[number],
                    Owner::Node(number) => {
                        let node = nodes[number].name().to_owned();
                        let Some(dial) = nodes[number].dial.as_mut().filter(|dial| dial.port().is_none()) else {
                            return Ok(());
                        };
                        let is_other = |other: &&IpAddr| other.is_ipv4() == address.is_ipv4() && **other != address;
                        match dial.addresses().iter().find(is_other) {
                            None => dial,
                            // What is written counts, and not what follows.
                            Some(_) if is_derived => {
                                *slot.get_mut() = Entry { owner, is_derived: false, is_short: false };
                                self.plain.push(Dial::new(address, None));
                                return Ok(());
                            }
                            Some(other) => {
                                return Err(bad(format!(
                                    "{name:?} is listed with the address {address}, but is a name of node {node}, which has {other}"
                                )));
                            }
                        }
                    }
                }
            }
        };
        if dial.addresses().len() == MAX_ADDRESSES && !dial.addresses().contains(&address) {
            return Err(bad(format!(
                "{name:?} has more than {MAX_ADDRESSES} addresses; expected those of one machine"
            )));
        }
        dial.add(address);
        Ok(())
    }
}
