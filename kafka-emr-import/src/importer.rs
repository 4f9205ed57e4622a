//! Takes inputs, one after the other.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::net::IpAddr;

use kafka_emr_core::{Description, LongDomain, Network, OneLine};

use crate::error::{Error, ErrorKind, Result};
use crate::fields::unexpected;
use crate::identity::{Attribute, Identity, release};
use crate::input::Input;
use crate::machine::Machine;
use crate::machines::Machines;
use crate::pages::Pages;
use crate::reply::{Component, Host, Records, Reply};
use crate::{Call, Document, Inventory, join};

/// Collects replies of the EMR API and hosts texts of one cluster.
pub struct Importer {
    pub(crate) network: Network,
    pub(crate) identity: Identity,
    pages: Pages,
    pub(crate) machines: Machines,
    /// Machines of which only the id is known.
    pub(crate) instances: BTreeMap<String, Machine>,
    pub(crate) components: Option<Vec<Component>>,
    pub(crate) released: Released,
    /// What hosts texts have besides nodes, and second addresses of these.
    plain_hosts: BTreeSet<(String, IpAddr)>,
}

/// Machines that no longer exist.
#[derive(Default)]
pub(crate) struct Released {
    /// In the order in which they came.
    names: Vec<String>,
    /// Ids, or names of those without.
    keys: HashSet<String>,
}

impl Released {
    fn add(&mut self, host: Host) {
        let name = host.name.unwrap_or_else(|| "one without a name".to_owned());
        if self.keys.insert(host.instance.unwrap_or_else(|| name.clone())) {
            self.names.push(name);
        }
    }

    pub(crate) fn contains(&self, key: &str) -> bool {
        self.keys.contains(key)
    }
}

impl Importer {
    /// Makes an importer for a new description. The network decides whether addresses in hosts text are private or public.
    #[must_use]
    pub fn new(network: Network) -> Self {
        Importer {
            network,
            identity: Identity::default(),
            pages: Pages::default(),
            machines: Machines::default(),
            instances: BTreeMap::new(),
            components: None,
            released: Released::default(),
            plain_hosts: BTreeSet::new(),
        }
    }

    /// Makes an importer for the update of a description, with whose network, id and region all inputs must agree. Messages
    /// call the description by its name.
    #[must_use]
    pub fn for_update(document: &Document, name: &str) -> Self {
        let settings = &document.description().settings;
        let mut importer = Importer::new(settings.network.unwrap_or_default());
        for (attribute, value) in [(Attribute::Id, &settings.id), (Attribute::Region, &settings.region)] {
            if let Some(value) = value {
                importer.identity.insert(attribute, value, name);
            }
        }
        importer
    }

    /// Adds an input: replies of the API in JSON, one after the other or in a list, or hosts text. Messages call it by its
    /// name, which is that of its file, say.
    ///
    /// # Errors
    ///
    /// Fails if the text is neither, or is of another cluster than the inputs before it. The importer is of no use then.
    pub fn add(&mut self, text: &str, name: &str) -> Result<()> {
        let added = match Input::read(text, self.network) {
            Ok(Input::Replies(replies)) => replies.into_iter().try_for_each(|reply| self.add_reply(reply, name)),
            Ok(Input::Hosts(hosts)) => hosts.into_iter().try_for_each(|hosts| self.add_hosts(hosts, name)),
            Err(e) => Err(e),
        };
        added.map_err(|e| e.in_input(name))
    }

    /// Adds what the user knows of the cluster. Messages call it by its name, such as `--id`. An attribute that the inputs
    /// have too must be the same; of a release, major and minor number. Call this after the inputs are added.
    ///
    /// # Errors
    ///
    /// Fails on a release that is none, and if an input has another value.
    pub fn given(&mut self, attribute: Attribute, value: &str, name: &str) -> Result<()> {
        self.identity.add_given(attribute, value, name)
    }

    /// Joins what was added.
    ///
    /// # Errors
    ///
    /// Fails if a page is missing, if no input lists machines by name, if one of them has no address, and if two lists have
    /// no machine in common.
    pub fn finish(mut self) -> Result<Inventory> {
        self.pages.check()?;
        if self.machines.list().is_empty() {
            return Err(Error::new(ErrorKind::Incomplete, self.why_no_machines()));
        }
        join::join(&mut self)?;
        let (other_addresses, plain_hosts) = join::plain_hosts(self.plain_hosts, self.machines.list());
        Ok(Inventory {
            network: self.network,
            identity: self.identity,
            machines: self.machines.into_list(),
            left_out: self.released.names,
            other_addresses,
            plain_hosts,
        })
    }

    fn add_reply(&mut self, reply: Reply, name: &str) -> Result<()> {
        for (attribute, value) in [(Attribute::ClusterId, reply.cluster_id), (Attribute::Region, reply.region)] {
            if let Some(value) = value {
                self.identity.add(attribute, &value, name)?;
            }
        }
        if let Some(text) = reply.release {
            match release(&text) {
                Ok(_) => self.identity.add(Attribute::Release, &text, name)?,
                Err(e) => log::warn!("{}: left out: {e:#}", OneLine(name)),
            }
        }
        match reply.records {
            Records::None => Ok(()),
            Records::Instances(hosts) => hosts.into_iter().try_for_each(|host| self.add_instance(host)),
            Records::Hosts(hosts) => {
                let record = |host: &Host| {
                    let address = host.private_ip.get().map(|address| address.to_string());
                    let key = host.instance.clone().unwrap_or_else(|| format!("{:?} {address:?}", host.name));
                    (key, !host.released)
                };
                self.pages.add(reply.call, reply.page, hosts.iter().map(record).collect());
                hosts.into_iter().try_for_each(|host| self.add_host(host, name))
            }
            Records::Components(components) => {
                let record = |c: &Component| {
                    (format!("{:?} {:?} {:?} {:?}", c.node_id, c.node_name, c.application, c.component), true)
                };
                self.pages.add(reply.call, reply.page, components.iter().map(record).collect());
                self.components.get_or_insert_default().extend(components);
                Ok(())
            }
        }
    }

    fn add_hosts(&mut self, hosts: Description, name: &str) -> Result<()> {
        if let Some(id) = &hosts.settings.id {
            self.add_domain(id, hosts.settings.region.as_deref(), name)?;
        }
        self.plain_hosts.extend(hosts.plain_hosts);
        hosts.nodes.into_iter().try_for_each(|node| {
            self.machines.add(Machine {
                private_ip: node.private_ip.into(),
                public_ip: node.public_ip.into(),
                // A text of short names alone has them as whole names too.
                host: node.host.filter(|host| *host != node.name),
                name: node.name,
                aliases: node.aliases,
                role: node.role,
                // Hosts text does not have which nodes are brokers: it would be a guess from what else is in it.
                ..Machine::default()
            })
        })
    }

    fn add_host(&mut self, host: Host, input: &str) -> Result<()> {
        if host.released {
            self.released.add(host);
            return Ok(());
        }
        let name = host.name.ok_or_else(|| unexpected("a host without a name"))?;
        let mut machine = Machine {
            private_ip: host.private_ip,
            public_ip: host.public_ip,
            role: host.role,
            instance: host.instance,
            ..Machine::default()
        };
        if let Some(long) = LongDomain::parse(&name) {
            self.add_domain(long.id, long.region, input)?;
            machine.name = long.node.to_owned();
        } else if let Some((short, _)) = name.split_once('.') {
            machine.name = short.to_owned();
            machine.host = Some(name);
        } else {
            machine.name = name;
        }
        self.machines.add(machine)
    }

    fn add_instance(&mut self, host: Host) -> Result<()> {
        let Some(id) = host.instance.filter(|_| !host.released) else { return Ok(()) };
        let known = self.instances.entry(id.clone()).or_default();
        known.name = format!("instance {id}");
        known.merge(Machine {
            private_ip: host.private_ip,
            public_ip: host.public_ip,
            role: host.role,
            instance: Some(id),
            ..Machine::default()
        })
    }

    /// Adds what a long domain ends in.
    fn add_domain(&mut self, id: &str, region: Option<&str>, input: &str) -> Result<()> {
        self.identity.add(Attribute::Id, &id.to_ascii_lowercase(), input)?;
        match region {
            Some(region) => self.identity.add(Attribute::Region, &region.to_ascii_lowercase(), input),
            None => Ok(()),
        }
    }

    fn why_no_machines(&self) -> String {
        if !self.released.names.is_empty() {
            return format!(
                "no host is left: all {} are released or terminated; ask the API for a cluster that runs",
                self.released.names.len()
            );
        }
        if !self.instances.is_empty() {
            return format!(
                "{} gives no host names; add the reply of {}, which has them",
                Call::DescribeClusterV2,
                Call::ListClusterHost
            );
        }
        if !self.pages.calls().any(Call::names_machines) {
            return format!("no list of hosts; add the reply of {} or {}", Call::ListClusterHost, Call::ListNodes);
        }
        "the list of hosts is empty; ask the API with the id and the region of the cluster".to_owned()
    }
}
