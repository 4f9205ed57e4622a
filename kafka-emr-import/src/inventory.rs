//! All machines of a cluster, joined from all inputs.

use std::fmt;
use std::net::IpAddr;

use kafka_emr_core::{Cluster, Description, Network, NodeDescription, OneLine, is_new_console};
use serde::Serialize;

use crate::error::{Error, ErrorKind, Result};
use crate::identity::{Attribute, Identity, release};
use crate::machine::Machine;

/// The machines of one cluster, and what all inputs have of it.
pub struct Inventory {
    pub(crate) network: Network,
    pub(crate) identity: Identity,
    pub(crate) machines: Vec<Machine>,
    pub(crate) left_out: Vec<String>,
    pub(crate) other_addresses: Vec<OtherAddress>,
    pub(crate) plain_hosts: Vec<String>,
}

/// An address of a node that is left out, because a description has one for each network.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[non_exhaustive]
pub struct OtherAddress {
    /// The node.
    pub name: String,
    /// The address that is left out.
    pub address: IpAddr,
}

impl fmt::Display for OtherAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", OneLine(&self.name), self.address)
    }
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
        let region = self.region(Some(id))?;
        if is_new_console(id) && region.is_none() {
            let message = "region: not in the input; add the reply of GetCluster, or give it";
            return Err(missing(Attribute::Region, message));
        }
        let mut description = Description::new(release(text)?);
        description.settings.id = Some(id.to_owned());
        description.settings.network = Some(self.network);
        description.settings.region = region.map(str::to_owned);
        description.nodes = self.machines.iter().map(Machine::to_node).collect();
        check(description, "the input makes no valid description")
    }

    /// Returns the names of machines that are left out, because they are released or terminated.
    #[must_use]
    pub fn left_out(&self) -> &[String] {
        &self.left_out
    }

    /// Returns second addresses of nodes in hosts texts, which are left out.
    #[must_use]
    pub fn other_addresses(&self) -> &[OtherAddress] {
        &self.other_addresses
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

/// Makes a cluster. If the core refuses, what the import can do about it comes first.
pub(crate) fn check(description: Description, message: &str) -> Result<Cluster> {
    let has_broker = description.nodes.iter().any(NodeDescription::is_broker);
    Cluster::new(description).map_err(|e| {
        let message = match has_broker {
            true => message.to_owned(),
            false => format!("{message}: {NO_BROKER}"),
        };
        Error::new(ErrorKind::Cluster, message).caused_by(e)
    })
}

const NO_BROKER: &str = "no broker is known; add the reply of ListComponentInstances, which has the nodes that run Kafka, or the nodes that are missing";
