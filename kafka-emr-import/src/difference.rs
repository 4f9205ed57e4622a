//! What an inventory has otherwise than a description.

use std::collections::HashMap;
use std::fmt;
use std::net::IpAddr;

use kafka_emr_core::{Description, EmrVersion, NodeDescription, NodeRole, OneLine};

use crate::error::{Error, ErrorKind, Result};
use crate::identity::{Attribute, release};
use crate::machine::{Address, Machine};
use crate::machines::name_key;
use crate::{Change, Inventory};

/// A value of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Scalar {
    Text(String),
    Flag(bool),
}

impl fmt::Display for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Scalar::Text(text) => f.write_str(text),
            Scalar::Flag(flag) => flag.fmt(f),
        }
    }
}

/// A key that gets a value, or that is removed.
pub(crate) struct Set {
    pub(crate) key: &'static str,
    pub(crate) from: Option<Scalar>,
    pub(crate) to: Option<Scalar>,
}

/// All differences.
#[derive(Default)]
pub(crate) struct Difference {
    /// Keys of the cluster.
    pub(crate) cluster: Vec<Set>,
    /// Keys of nodes, with the node's index in the description.
    pub(crate) nodes: Vec<(usize, Set)>,
    pub(crate) added: Vec<NodeDescription>,
    /// Indexes in the description, in ascending order.
    pub(crate) removed: Vec<usize>,
}

impl Difference {
    /// Compares. An id and a region that the description has stay.
    pub(crate) fn of(old: &Description, new: &Inventory) -> Result<Self> {
        let mut difference = Difference::default();
        difference.compare_cluster(old, new)?;
        difference.compare_nodes(old, new)?;
        Ok(difference)
    }

    fn compare_cluster(&mut self, old: &Description, new: &Inventory) -> Result<()> {
        let identity = &new.identity;
        // A description can do without an id. It gets one if the user gives it.
        let given = identity.given_as(Attribute::Id).and(identity.get(Attribute::Id));
        let old = &old.settings;
        let id = old.id.as_deref().or(given);
        for (key, old, new) in [("id", &old.id, id), ("region", &old.region, new.region(id)?)] {
            if let (None, Some(new)) = (old, new) {
                self.cluster.push(Set { key, from: None, to: Some(Scalar::Text(new.to_owned())) });
            }
        }
        if let Some(text) = identity.get(Attribute::Release) {
            // No rule looks at what follows the minor number, and the description may be written without it.
            if old.release.as_ref().map(EmrVersion::number) != Some(release(text)?.number()) {
                let from = old.release.as_ref().map(|release| Scalar::Text(release.to_string()));
                self.cluster.push(Set { key: "release", from, to: Some(Scalar::Text(text.to_owned())) });
            }
        }
        Ok(())
    }

    fn compare_nodes(&mut self, old: &Description, new: &Inventory) -> Result<()> {
        let mut unmatched: HashMap<String, usize> = HashMap::new();
        for (index, node) in old.nodes.iter().enumerate() {
            // Nobody could say which of them an input is about.
            if unmatched.insert(name_key(&node.name), index).is_some() {
                let message = format!("node {}: listed twice; names must be unique", OneLine(&node.name));
                return Err(Error::new(ErrorKind::Update, message));
            }
        }
        let mut moved = 0;
        for machine in &new.machines {
            match unmatched.remove(&name_key(&machine.name)) {
                Some(index) => {
                    let node = &old.nodes[index];
                    moved += usize::from(
                        machine.private_ip != Address::Unknown && machine.private_ip.get() != node.private_ip,
                    );
                    self.nodes.extend(compare_node(node, machine).into_iter().map(|set| (index, set)));
                }
                None => self.added.push(machine.to_node()),
            }
        }
        self.removed = unmatched.into_values().collect();
        self.removed.sort_unstable();
        if moved > 1 && moved + self.removed.len() == old.nodes.len() {
            log::warn!("every private IP is another one: is it the same cluster?");
        }
        Ok(())
    }

    pub(crate) fn changes(&self, old: &Description) -> Vec<Change> {
        let set = |name: Option<&str>, set: &Set| Change::Set {
            name: name.map(str::to_owned),
            key: set.key,
            from: set.from.as_ref().map(ToString::to_string),
            to: set.to.as_ref().map(ToString::to_string),
        };
        let of_cluster = self.cluster.iter().map(|change| set(None, change));
        let of_nodes = self.nodes.iter().map(|(index, change)| set(Some(&old.nodes[*index].name), change));
        let added = self.added.iter().map(|node| Change::Added {
            name: node.name.clone(),
            addresses: [node.private_ip, node.public_ip].into_iter().flatten().collect(),
        });
        let removed = self.removed.iter().map(|index| Change::Removed { name: old.nodes[*index].name.clone() });
        of_cluster.chain(of_nodes).chain(added).chain(removed).collect()
    }
}

/// Compares a node. What its author may have written by hand stays.
fn compare_node(old: &NodeDescription, new: &Machine) -> Vec<Set> {
    let mut changes = Vec::new();
    let addresses = [("private_ip", old.private_ip, new.private_ip), ("public_ip", old.public_ip, new.public_ip)];
    for (key, from, to) in addresses {
        if to != Address::Unknown && to.get() != from {
            let scalar = |ip: Option<IpAddr>| ip.map(|ip| Scalar::Text(ip.to_string()));
            changes.push(Set { key, from: scalar(from), to: scalar(to.get()) });
        }
    }
    let role = compare_role(old, new.role);
    let mut merged = old.clone();
    merged.role = old.role.or(role);
    changes.extend(role.map(|role| Set { key: "role", from: None, to: Some(Scalar::Text(role.to_string())) }));
    // Against role and name as they will be in the description, not as the input has them.
    let broker = compare_broker(&merged, new.runs_kafka);
    changes.extend(broker.map(|runs| Set { key: "broker", from: None, to: Some(Scalar::Flag(runs)) }));
    changes
}

fn compare_role(old: &NodeDescription, new: Option<NodeRole>) -> Option<NodeRole> {
    let new = new.filter(|new| old.role_or_named() != Some(*new))?;
    let Some(written) = old.role else { return Some(new) };
    log::warn!(
        "{}: role = {written} stays, though the input says {new}; to follow the input, remove it and update again",
        OneLine(&old.name)
    );
    None
}

fn compare_broker(old: &NodeDescription, runs: Option<bool>) -> Option<bool> {
    let runs = runs.filter(|runs| old.is_broker() != *runs)?;
    let Some(written) = old.broker else { return Some(runs) };
    log::warn!(
        "{}: broker = {written} stays, though Kafka {}; to follow the input, remove it and update again",
        OneLine(&old.name),
        if runs { "runs there" } else { "does not run there" }
    );
    None
}
