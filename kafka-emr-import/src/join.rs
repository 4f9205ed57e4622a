//! Joins the lists of different calls: by the API's ids of machines, else by addresses and names.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::net::IpAddr;

use kafka_emr_core::{LongDomain, OneLine, without_trailing_dot};

use crate::error::{Error, ErrorKind, Result};
use crate::identity::TWO_CLUSTERS;
use crate::machine::Machine;
use crate::machines::name_key;
use crate::reply::Component;
use crate::{Call, Importer, OtherAddress};

/// Brings everything that is known of the machines to those that have names.
pub(crate) fn join(importer: &mut Importer) -> Result<()> {
    join_instances(importer)?;
    if let Some(machine) = importer.machines.list().iter().find(|machine| machine.addresses().next().is_none()) {
        return Err(Error::new(
            ErrorKind::Incomplete,
            format!(
                "{} has no address; import again when the machine is up, or add a reply that has its address ({}, {})",
                OneLine(&machine.name),
                Call::ListClusterHost,
                Call::ListNodes
            ),
        ));
    }
    join_components(importer)
}

/// Adds what `DescribeClusterV2` has of the machines: by their ids, and if the list of hosts has none, as hosts text, by their
/// addresses.
fn join_instances(importer: &mut Importer) -> Result<()> {
    let mut by_address = HashMap::new();
    for (index, machine) in importer.machines.list().iter().enumerate().filter(|(_, m)| m.instance.is_none()) {
        by_address.extend(machine.addresses().map(|address| (address, index)));
    }
    let mut joined = Joined::default();
    for (id, instance) in std::mem::take(&mut importer.instances) {
        let by_address = || instance.addresses().find_map(|address| by_address.get(&address).copied());
        if let Some(index) = importer.machines.with_instance(&id).or_else(by_address) {
            joined.common = true;
            importer.machines.merge(index, instance)?;
        } else if importer.released.contains(&id) {
            joined.common = true;
        } else {
            joined.alone.push(id);
        }
    }
    joined.check(Call::DescribeClusterV2, "instance ")?;
    for id in joined.alone {
        log::warn!("instance {}: {} has it, the list of hosts does not", OneLine(&id), Call::DescribeClusterV2);
    }
    Ok(())
}

/// Marks the machines on which Kafka runs.
fn join_components(importer: &mut Importer) -> Result<()> {
    let Some(components) = importer.components.take() else { return Ok(()) };
    let kafka = brokers(&components);
    if kafka.is_empty() {
        let call = Call::ListComponentInstances;
        return Err(Error::new(
            ErrorKind::Incomplete,
            format!("{call} has no instance of KAFKA; ask for the application KAFKA, or leave the reply out"),
        ));
    }
    let mut runs = HashSet::new();
    let mut joined = Joined::default();
    for component in kafka {
        let (id, name) = (component.node_id.as_deref(), component.node_name.as_deref());
        if let Some(index) = machine_of(component, importer) {
            joined.common = true;
            runs.insert(index);
        } else if id.or(name).is_some_and(|key| importer.released.contains(key)) {
            joined.common = true;
        } else {
            joined.alone.push(match (name, id) {
                (Some(name), Some(id)) => format!("{name} ({id})"),
                (Some(one), None) | (None, Some(one)) => one.to_owned(),
                (None, None) => "a node".to_owned(),
            });
        }
    }
    joined.check(Call::ListComponentInstances, "")?;
    for name in joined.alone {
        log::warn!("{}: Kafka runs there, and the list of nodes does not have it", OneLine(&name));
    }
    for (index, machine) in importer.machines.list_mut().iter_mut().enumerate() {
        machine.runs_kafka = Some(runs.contains(&index));
    }
    Ok(())
}

/// Returns the components that are brokers.
fn brokers(components: &[Component]) -> Vec<&Component> {
    let is_kafka = |c: &&Component| c.application.as_deref().is_some_and(|name| name.eq_ignore_ascii_case("KAFKA"));
    let is_broker =
        |c: &&Component| c.component.as_deref().is_some_and(|name| name.to_ascii_lowercase().contains("broker"));
    let mut kafka: Vec<&Component> = components.iter().filter(is_kafka).collect();
    // If components are called brokers, the application's others, such as its tools, are none.
    if kafka.iter().any(is_broker) {
        kafka.retain(is_broker);
    }
    kafka
}

fn machine_of(component: &Component, importer: &Importer) -> Option<usize> {
    let machines = &importer.machines;
    if let Some(index) = component.node_id.as_deref().and_then(|id| machines.with_instance(id)) {
        return Some(index);
    }
    let short = component.node_name.as_deref()?.split('.').next()?;
    // Nodes of two clusters have the same names: if both have ids, these decide.
    machines.with_name(short).filter(|index| component.node_id.is_none() || machines.list()[*index].instance.is_none())
}

/// Separates second addresses of machines from names that belong to none, each once.
pub(crate) fn plain_hosts(hosts: BTreeSet<(String, IpAddr)>, machines: &[Machine]) -> (Vec<OtherAddress>, Vec<String>) {
    let mut by_name: HashMap<String, &Machine> = HashMap::new();
    for machine in machines {
        let names = [&machine.name].into_iter().chain(&machine.host).chain(&machine.aliases);
        by_name.extend(names.map(|name| (name_key(name), machine)));
    }
    let (mut others, mut plain) = (BTreeSet::new(), BTreeSet::new());
    for (name, address) in hosts {
        let name = without_trailing_dot(&name);
        let short = LongDomain::parse(name).map(|long| long.node);
        match [Some(name), short].into_iter().flatten().find_map(|name| by_name.get(&name_key(name))) {
            Some(machine) if machine.addresses().any(|known| known == address) => {}
            Some(machine) => drop(others.insert(OtherAddress { name: machine.name.clone(), address })),
            None => drop(plain.insert(name.to_owned())),
        }
    }
    (others.into_iter().collect(), plain.into_iter().collect())
}

/// Whether two lists have machines in common, and which are in one of them alone.
#[derive(Default)]
struct Joined {
    common: bool,
    alone: Vec<String>,
}

impl Joined {
    fn check(&self, call: Call, what: &str) -> Result<()> {
        let Some(first) = self.alone.first().filter(|_| !self.common) else { return Ok(()) };
        Err(Error::new(
            ErrorKind::Conflict,
            format!(
                "{call} and the list of machines have no machine in common; {what}{}, for example, is in the first alone: \
                 {TWO_CLUSTERS}",
                OneLine(first)
            ),
        ))
    }
}
