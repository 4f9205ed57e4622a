//! Described brokers that are not in the cluster.

use std::collections::{BTreeMap, BTreeSet};

use kafka_emr_core::Node;

use super::Judge;
use crate::{Check, Fault, Step, Verdict};

impl<'a> Judge<'a> {
    /// Finds the described brokers that are not in the cluster, and what they are: down, or not brokers at all.
    pub(super) fn absent(&self) -> BTreeMap<&'a str, Fault> {
        let Ok(view) = &self.facts.view else { return BTreeMap::new() };
        let advertised = self.facts.listeners.iter().map(|listener| self.node_of(&listener.facts));
        let has_moved = advertised.clone().any(|node| node.is_none());
        // If a broker does answer, more is wrong than that it is away.
        let answering = self.facts.bootstrap.iter().filter(|server| server.listener().is_some());
        let present: BTreeSet<&str> =
            advertised.chain(answering.map(|server| self.node_of(server))).flatten().collect();
        let brokers = self.facts.cluster.brokers();
        let absent: Vec<&str> = brokers.map(Node::name).filter(|name| !present.contains(name)).collect();
        // A broker that is down has left its partitions behind; one that was taken out of the cluster has not.
        let fault = match view.gone.len() {
            _ if view.partitions == 0 || has_moved => Fault::BrokerMissing,
            0 => Fault::NotABroker,
            gone if absent.len() <= gone => Fault::BrokerDown,
            _ => Fault::BrokerMissing,
        };
        absent.into_iter().map(|name| (name, fault)).collect()
    }

    pub(super) fn absent_nodes(&self) -> impl Iterator<Item = Check> {
        let gone: Vec<String> =
            self.facts.view.iter().flat_map(|view| &view.gone).map(|id| format!("broker {id}")).collect();
        self.absent.iter().map(move |(node, fault)| {
            let mut check = Judge::check(Step::Node, node);
            check.node = Some((*node).to_owned());
            check.verdict = Verdict::Fault;
            check.faults.push(*fault);
            check.result = match (fault, &gone[..]) {
                (Fault::NotABroker, _) => "no broker of the cluster is here, and no partition misses one".to_owned(),
                (_, []) => "no broker of the cluster is here".to_owned(),
                (_, gone) => format!("not in the cluster now; partitions miss {}", gone.join(", ")),
            };
            check
        })
    }
}
