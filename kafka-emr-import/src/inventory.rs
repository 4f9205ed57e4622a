//! All machines of a cluster, joined from all inputs.

use kafka_emr_core::{Cluster, Network, Node};

use crate::error::{Error, ErrorKind, Result};
use crate::identity::{Attribute, Identity, is_new_console, release};
use crate::machine::Machine;

/// The machines of one cluster, and what all inputs say of it.
pub struct Inventory {
    pub(crate) network: Network,
    pub(crate) identity: Identity,
    pub(crate) machines: Vec<Machine>,
    pub(crate) left_out: Vec<String>,
    pub(crate) plain_hosts: Vec<String>,
}

impl Inventory {
    /// Makes a new description.
    ///
    /// # Errors
    ///
    /// Fails if the id, the release or, with a new-console id, the region is in no input and was not given
    /// ([`ErrorKind::Missing`]), and on what [`Cluster`] refuses ([`ErrorKind::Cluster`]).
    pub fn cluster(&self) -> Result<Cluster> {
        let missing = |attribute, message| Error::new(ErrorKind::Missing(attribute), message);
        let id = self.identity.get(Attribute::Id).ok_or_else(|| {
            let message = "id: not in the input; expected the number that the cluster's long domains end in, 48742 of \
                           emr-worker-1.cluster-48742";
            missing(Attribute::Id, message)
        })?;
        let text = self.identity.get(Attribute::Release).ok_or_else(|| {
            let message = "release: not in the input; add the reply of GetCluster or DescribeClusterV2, or give it";
            missing(Attribute::Release, message)
        })?;
        let mut cluster = Cluster::new(release(text)?);
        cluster.region = self.region(Some(id))?.map(str::to_owned);
        cluster.id = Some(id.to_owned());
        cluster.network = self.network;
        cluster.nodes = self.machines.iter().map(Machine::to_node).collect();
        if is_new_console(id) && cluster.region.is_none() {
            let message = "region: not in the input; add the reply of GetCluster, or give it";
            return Err(missing(Attribute::Region, message));
        }
        accepted(cluster)
    }

    /// Returns the names of machines that are left out, because they are released or terminated.
    #[must_use]
    pub fn left_out(&self) -> &[String] {
        &self.left_out
    }

    /// Returns the names in hosts texts that belong to no node of the cluster, and are left out.
    #[must_use]
    pub fn plain_hosts(&self) -> &[String] {
        &self.plain_hosts
    }

    /// Returns the region if a description with this id has one: it is part of the long domains of the new console only.
    pub(crate) fn region(&self, id: Option<&str>) -> Result<Option<&str>> {
        if id.is_some_and(is_new_console) {
            return Ok(self.identity.get(Attribute::Region));
        }
        match self.identity.given_as(Attribute::Region) {
            Some(name) => Err(Error::new(
                ErrorKind::Conflict,
                format!("{name}: the region is part of long domains only if the id starts with c-; leave it out"),
            )),
            None => Ok(None),
        }
    }
}

/// Returns the cluster if the core accepts it; else its error, and what an import can do about it.
fn accepted(cluster: Cluster) -> Result<Cluster> {
    match cluster.endpoints() {
        Ok(_) => Ok(cluster),
        Err(e) => {
            let message = if cluster.nodes.iter().any(Node::is_broker) {
                "the input makes no valid description"
            } else {
                "no broker is known; add the reply of ListComponentInstances, which has the nodes on which Kafka runs, or the nodes that are \
                 missing"
            };
            Err(Error::new(ErrorKind::Cluster, message).caused_by(e))
        }
    }
}
