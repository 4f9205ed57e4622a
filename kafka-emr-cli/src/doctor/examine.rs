//! Walks the way a client walks, and stops at nothing: what it finds is judged elsewhere.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use kafka_emr_core::{Cluster, Endpoint, Family, Lookup, Node, Resolver};

use super::client::{Client, Complaint, View};
use super::identity::Identity;
use super::look::{Listener, Look, Silence, look};
use super::names::{self, NoAnswer};
use super::settings::Settings;
use super::wire::{Advertised, Told};

/// The ports that EMR's brokers listen on.
const EMR_PORTS: [u16; 2] = [9092, 9093];

/// The stack of a thread that looks at an address, in bytes. There can be a thousand of them.
const STACK: usize = 512 << 10;

/// All that was found out about a cluster.
pub(crate) struct Facts {
    pub(crate) cluster: Cluster,
    pub(crate) settings: Settings,
    pub(crate) names: Vec<NodeName>,
    pub(crate) bootstrap: Vec<Contact>,
    pub(crate) view: Result<View, Vec<Complaint>>,
    /// The advertised listeners; what is known of them without a client where it got nowhere.
    pub(crate) listeners: Vec<AdvertisedListener>,
    /// Which topic a message went through, and how it went.
    pub(crate) probe: Option<(String, Result<(), String>)>,
}

/// A node's long domain.
pub(crate) struct NodeName {
    pub(crate) node: String,
    pub(crate) name: String,
    /// What the map says; empty where the node has no address on this network.
    pub(crate) mapped: Vec<IpAddr>,
    /// What the system resolver says.
    pub(crate) system: Result<Vec<IpAddr>, NoAnswer>,
    /// The line of the hosts file that gives an address which is not mapped.
    pub(crate) hosts_line: Option<String>,
}

/// A host and port, and what answers there.
pub(crate) struct Contact {
    pub(crate) endpoint: Endpoint,
    /// The node that it belongs to.
    pub(crate) node: Option<String>,
    /// Whether the map knows it; the system resolver is asked else.
    pub(crate) mapped: bool,
    /// The version rule behind that.
    pub(crate) rule: Option<&'static str>,
    /// What is dialled, or why nothing is.
    pub(crate) dialled: Result<SocketAddr, String>,
    /// What answers; `None` where nothing is dialled.
    pub(crate) look: Option<Look>,
    /// What answers on EMR's other port of the same address, where nothing listens on this one.
    pub(crate) other_port: Option<(u16, Look)>,
}

impl Contact {
    /// The Kafka broker that answers there.
    pub(crate) fn listener(&self) -> Option<&Listener> {
        self.look.as_ref()?.listener()
    }
}

/// An advertised listener, and what answers where it leads.
pub(crate) struct AdvertisedListener {
    pub(crate) broker: i32,
    pub(crate) contact: Contact,
    pub(crate) identity: Identity,
}

/// Says how far the examination is.
pub(crate) trait Progress: Sync {
    fn step(&self, what: &str);
}

/// What is to be examined, and how.
pub(crate) struct Examination<'a> {
    pub(crate) cluster: &'a Cluster,
    pub(crate) settings: &'a Settings,
    /// How long each of the steps may take: first contact, advertised listeners, the probe.
    pub(crate) limit: Duration,
    pub(crate) probe_topic: Option<&'a str>,
    pub(crate) progress: &'a dyn Progress,
}

impl Examination<'_> {
    /// Examines a cluster. Fails only on what makes no client: a wrong description, refused properties.
    pub(crate) fn run(&self) -> Result<Facts, Box<dyn std::error::Error + Send + Sync>> {
        // Another cluster's id is for the report; the client would warn of it, too.
        let mut unpinned = self.cluster.clone();
        unpinned.cluster_id = None;
        let resolver = Resolver::from_clusters([unpinned])?;
        let client = match Client::new(&resolver, self.settings, self.limit) {
            Ok(client) => Ok(Arc::new(client)),
            // All else can be looked at without it.
            Err(error) => {
                Err(Complaint::of_missing_mechanism(&error).ok_or_else(|| self.settings.explain(error.to_string()))?)
            }
        };
        let servers = match self.settings.get("bootstrap.servers") {
            Some(own) => own.to_owned(),
            None => {
                let mechanism = self.settings.mechanism();
                resolver.bootstrap_servers_for(self.settings.get("security.protocol"), mechanism.as_deref())?
            }
        };
        let servers = endpoints(&servers)?;

        self.progress.step("bootstrap servers");
        let deadline = Instant::now() + self.limit;
        let hope = AtomicUsize::new(usize::MAX);
        let (names, bootstrap, view) = thread::scope(|scope| {
            let names = scope.spawn(|| self.names(deadline));
            let view = scope.spawn(|| match &client {
                Ok(client) => client.view(deadline, &hope),
                Err(complaint) => Err(vec![complaint.clone()]),
            });
            let bootstrap = in_parallel(&servers, |endpoint| self.contact(&resolver, endpoint, true, deadline));
            let fits = |contact: &&Contact| contact.listener().is_some_and(|listener| listener.fits(self.settings));
            hope.store(bootstrap.iter().filter(fits).count(), Ordering::SeqCst);
            (join(names), bootstrap, join(view))
        });

        self.progress.step("advertised listeners");
        let deadline = Instant::now() + self.limit;
        let told = view.as_ref().ok().map(|view| &view.told).or_else(|| told_at_first_sight(&bootstrap));
        let advertised: Vec<Advertised> = told.map(|told| told.brokers.clone()).unwrap_or_default();
        let listeners = in_parallel(&advertised, |listener| {
            let endpoint = Endpoint { host: listener.host.clone(), port: listener.port };
            let contact = self.contact(&resolver, &endpoint, false, deadline);
            // Who does not answer at all is not asked who it is, and would be waited for.
            let identity = match &client {
                Ok(client) if view.is_ok() && contact.listener().is_some() => client.identity(listener.id, deadline),
                _ => Identity::Unknown("no client got this far".to_owned()),
            };
            AdvertisedListener { broker: listener.id, contact, identity }
        });

        let probe = self.probe_topic.map(|topic| {
            self.progress.step("probe topic");
            let probed = client.as_ref().map_err(|complaint| complaint.text.clone());
            (topic.to_owned(), probed.and_then(|client| client.probe(topic, self.limit)))
        });
        // A client ends when its threads do, and one of them may be asking the system resolver.
        let _ = thread::Builder::new().spawn(move || drop(client));
        Ok(Facts {
            cluster: self.cluster.clone(),
            settings: self.settings.clone(),
            names,
            bootstrap,
            view,
            listeners,
            probe,
        })
    }

    fn names(&self, deadline: Instant) -> Vec<NodeName> {
        let cluster = self.cluster;
        let hosts = cluster.endpoints().ok();
        let port = cluster.broker_port();
        let named: Vec<(&Node, String)> =
            cluster.nodes.iter().filter_map(|node| Some((node, cluster.long_domain(node)?))).collect();
        in_parallel(&named, |(node, name)| {
            let mapped = match hosts.as_ref().map(|hosts| hosts.hosts().lookup(name, port, Family::Any)) {
                Some(Lookup::Mapped(addresses)) => ips(&addresses),
                _ => Vec::new(),
            };
            let system = names::ask_system(name, port, deadline).map(|addresses| ips(&addresses));
            let others = system.iter().flatten().filter(|address| !mapped.contains(address));
            let hosts_line = others.into_iter().find_map(|address| names::hosts_line(name, *address));
            NodeName { node: node.name.clone(), name: name.clone(), mapped, system, hosts_line }
        })
    }

    fn contact(&self, resolver: &Resolver, endpoint: &Endpoint, first: bool, deadline: Instant) -> Contact {
        let explanation = resolver.explain(&endpoint.host, endpoint.port, Family::Any);
        let (mapped, addresses) = match explanation.lookup {
            Lookup::Mapped(addresses) => (true, Ok(addresses)),
            Lookup::Refused => (false, Err("refused: the description is strict".to_owned())),
            Lookup::System => {
                let asked = names::ask_system(&endpoint.host, endpoint.port, deadline);
                (false, asked.map_err(|why| why.to_string()))
            }
        };
        let mut contact = Contact {
            endpoint: endpoint.clone(),
            node: explanation.node,
            mapped,
            rule: explanation.rule.map(|rule| rule.name),
            dialled: Err("it has no address".to_owned()),
            look: None,
            other_port: None,
        };
        let addresses = match addresses {
            Ok(addresses) => addresses,
            Err(why) => return Contact { dialled: Err(why), ..contact },
        };
        let look = |address| look(address, &endpoint.host, self.settings, deadline);
        let looks = in_parallel(&addresses, |address| look(*address));
        // A client tries them one after the other, and has the first that answers.
        let mut looks: Vec<(SocketAddr, Look)> = addresses.into_iter().zip(looks).collect();
        looks.sort_by_key(|(_, look)| (look.listener().is_none(), look.connected.is_none()));
        let Some((address, look_there)) = looks.into_iter().next() else { return contact };
        contact.dialled = Ok(address);
        // The port of a tunnel's end is nobody's but the tunnel's.
        let is_brokers = address.port() == endpoint.port;
        if first && is_brokers && matches!(look_there.answer, Err(Silence::Refused)) {
            contact.other_port = EMR_PORTS.into_iter().filter(|port| *port != address.port()).find_map(|port| {
                let found = look(SocketAddr::new(address.ip(), port));
                found.listener().is_some().then_some((port, found))
            });
        }
        contact.look = Some(look_there);
        contact
    }
}

/// What the first broker that answered told without a login.
fn told_at_first_sight(bootstrap: &[Contact]) -> Option<&Told> {
    let direct = bootstrap.iter().filter_map(|contact| contact.look.as_ref());
    let other = bootstrap.iter().filter_map(|contact| contact.other_port.as_ref().map(|(_, look)| look));
    direct.chain(other).find_map(|look| look.listener()?.told.as_ref())
}

/// Reads `host:port,host:port`.
fn endpoints(servers: &str) -> Result<Vec<Endpoint>, String> {
    let mut seen = BTreeSet::new();
    let mut list = Vec::new();
    for server in servers.split(',').map(str::trim).filter(|server| !server.is_empty()) {
        // librdkafka takes a protocol in front.
        let server = server.split_once("://").map_or(server, |(_, server)| server);
        let asked: crate::resolve::Asked =
            server.parse().map_err(|why| format!("bootstrap.servers: {server:?}: {why}"))?;
        let endpoint = Endpoint { host: asked.host, port: asked.port.unwrap_or(EMR_PORTS[0]) };
        if seen.insert(endpoint.to_string()) {
            list.push(endpoint);
        }
    }
    Ok(list)
}

fn ips(addresses: &[SocketAddr]) -> Vec<IpAddr> {
    let mut ips: Vec<IpAddr> = addresses.iter().map(SocketAddr::ip).collect();
    ips.dedup();
    ips
}

/// Does the same for all, at once as far as there are threads for it, and keeps the order.
fn in_parallel<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let results = Mutex::new(Vec::with_capacity(items.len()));
    let take = || {
        while let Some((index, item)) =
            Some(next.fetch_add(1, Ordering::Relaxed)).and_then(|i| Some((i, items.get(i)?)))
        {
            let result = work(item);
            results.lock().unwrap_or_else(PoisonError::into_inner).push((index, result));
        }
    };
    thread::scope(|scope| {
        for _ in 1..items.len() {
            // They wait for the network, nearly all of the time.
            if thread::Builder::new().stack_size(STACK).spawn_scoped(scope, take).is_err() {
                break;
            }
        }
        take();
    });
    let mut results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
    results.sort_by_key(|(index, _)| *index);
    results.into_iter().map(|(_, result)| result).collect()
}

/// Takes a thread's result. One that panicked has said so already.
pub(super) fn join<T>(thread: thread::ScopedJoinHandle<'_, T>) -> T {
    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}
