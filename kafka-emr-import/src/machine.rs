//! One machine, as far as all inputs together describe it.

use std::collections::HashSet;
use std::net::IpAddr;

use kafka_emr_core::{NodeDescription, NodeRole, OneLine};

use crate::error::{Error, ErrorKind, Result};
use crate::identity::TWO_CLUSTERS;

/// An address of a machine.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Address {
    /// No input has it.
    #[default]
    Unknown,
    /// An input says that the machine has none.
    Absent,
    Is(IpAddr),
}

impl Address {
    pub(crate) fn get(self) -> Option<IpAddr> {
        match self {
            Address::Is(address) => Some(address),
            Address::Unknown | Address::Absent => None,
        }
    }
}

impl From<Option<IpAddr>> for Address {
    fn from(address: Option<IpAddr>) -> Self {
        address.map_or(Address::Unknown, Address::Is)
    }
}

#[derive(Default)]
pub(crate) struct Machine {
    pub(crate) name: String,
    /// The whole long domain, if it follows neither of EMR's two forms.
    pub(crate) host: Option<String>,
    pub(crate) aliases: Vec<String>,
    pub(crate) private_ip: Address,
    pub(crate) public_ip: Address,
    pub(crate) role: Option<NodeRole>,
    pub(crate) runs_kafka: Option<bool>,
    /// The API's id of the machine.
    pub(crate) instance: Option<String>,
}

impl Machine {
    /// Takes over what another input has of the same machine.
    pub(crate) fn merge(&mut self, other: Machine) -> Result<()> {
        let conflict = |what| Err(Error::new(ErrorKind::Conflict, format!("{what}: {TWO_CLUSTERS}")));
        let both = [(&mut self.private_ip, other.private_ip), (&mut self.public_ip, other.public_ip)];
        for (known, new) in both {
            match (*known, new) {
                (Address::Is(one), Address::Is(other)) if one != other => {
                    return conflict(format!("{} has the addresses {one} and {other}", OneLine(&self.name)));
                }
                (_, Address::Is(_)) | (Address::Unknown, _) => *known = new,
                _ => {}
            }
        }
        if let (Some(one), Some(other)) = (&self.instance, &other.instance)
            && one != other
        {
            let (name, one, other) = (OneLine(&self.name), OneLine(one), OneLine(other));
            return conflict(format!("{name} is the machines {one} and {other}"));
        }
        self.role = self.role.or(other.role);
        self.runs_kafka = self.runs_kafka.or(other.runs_kafka);
        self.host = self.host.take().or(other.host);
        self.instance = self.instance.take().or(other.instance);
        let known: HashSet<String> = self.aliases.iter().map(|alias| alias.to_ascii_lowercase()).collect();
        self.aliases.extend(other.aliases.into_iter().filter(|alias| !known.contains(&alias.to_ascii_lowercase())));
        Ok(())
    }

    pub(crate) fn addresses(&self) -> impl Iterator<Item = IpAddr> {
        [self.private_ip, self.public_ip].into_iter().filter_map(Address::get)
    }

    /// Makes the node of a description. What its name implies already is not written.
    pub(crate) fn to_node(&self) -> NodeDescription {
        let mut node = NodeDescription::new(&self.name);
        node.private_ip = self.private_ip.get();
        node.public_ip = self.public_ip.get();
        node.host = self.host.clone();
        node.aliases = self.aliases.clone();
        node.role = self.role.filter(|role| node.role_or_named() != Some(*role));
        node.broker = self.runs_kafka.filter(|runs| node.is_broker() != *runs);
        if node.role_or_named().is_none() && node.broker.is_none() {
            if self.runs_kafka.is_none() {
                log::warn!(
                    "{}: neither its name nor its role says what it is for; taken as no broker",
                    OneLine(&node.name)
                );
            }
            node.broker = Some(false);
        }
        node
    }
}
