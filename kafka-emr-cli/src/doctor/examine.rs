//! Walks the way a client walks, and stops at nothing: what it finds is judged elsewhere.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use kafka_emr_core::{Cluster, Endpoint, Family, Lookup, Node, Resolver};

use super::client::{Client, Complaint, View};
use super::identity::Identity;
use super::look::{Listener, Look, Silence, look};
use super::names;
use super::settings::Settings;
use super::wire::{Advertised, Told};

/// The ports that EMR's brokers listen on.
const EMR_PORTS: [u16; 2] = [9092, 9093];

/// How long brokers have at least to say who they are.
const LEAST: Duration = Duration::from_secs(2);

/// How many addresses are looked at at once.
const AT_ONCE: usize = 256;

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
    pub(crate) system: Result<Vec<IpAddr>, String>,
    /// The line of the hosts file that the system's answer comes from.
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
            Ok(client) => Ok(client),
            // All else can be looked at without it.
            Err(error) => Err(Complaint::of_missing_mechanism(&error).ok_or(error)?),
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
        let hope = AtomicBool::new(true);
        let (names, bootstrap, view) = thread::scope(|scope| {
            let names = scope.spawn(|| self.names(deadline));
            let view = scope.spawn(|| match &client {
                Ok(client) => client.view(deadline, &hope),
                Err(complaint) => Err(vec![complaint.clone()]),
            });
            let bootstrap = in_parallel(&servers, |endpoint| self.contact(&resolver, endpoint, true, deadline));
            let fits = |contact: &Contact| contact.listener().is_some_and(|listener| listener.fits(self.settings));
            hope.store(bootstrap.iter().any(fits), Ordering::SeqCst);
            (join(names), bootstrap, join(view))
        });

        self.progress.step("advertised listeners");
        let deadline = Instant::now() + self.limit;
        let told = view.as_ref().ok().map(|view| &view.told).or_else(|| told_at_first_sight(&bootstrap));
        let advertised: Vec<Advertised> = told.map(|told| told.brokers.clone()).unwrap_or_default();
        let contacts = in_parallel(&advertised, |listener| {
            let endpoint = Endpoint { host: listener.host.clone(), port: listener.port };
            self.contact(&resolver, &endpoint, false, deadline)
        });
        // Who does not answer is not asked for its name, and would be waited for.
        let answers = |contact: &Contact| view.is_ok() && contact.listener().is_some();
        let asked: Vec<i32> = advertised
            .iter()
            .zip(&contacts)
            .filter(|(_, contact)| answers(contact))
            .map(|(broker, _)| broker.id)
            .collect();
        let known = client.as_ref().map(|client| client.identities(&asked, deadline.max(Instant::now() + LEAST)));
        let mut known = known.unwrap_or_default().into_iter();
        let unknown = || Identity::Unknown("no client got this far".to_owned());
        let identities: Vec<Identity> = contacts
            .iter()
            .map(|contact| if answers(contact) { known.next().unwrap_or_else(unknown) } else { unknown() })
            .collect();
        let listeners = advertised.iter().zip(contacts).zip(identities);
        let listeners = listeners
            .map(|((listener, contact), identity)| AdvertisedListener { broker: listener.id, contact, identity })
            .collect();

        let probe = self.probe_topic.map(|topic| {
            self.progress.step("probe topic");
            let probed = client.as_ref().map_err(|complaint| complaint.text.clone());
            (topic.to_owned(), probed.and_then(|client| client.probe(topic, self.limit)))
        });
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
            let line = |addresses: &Vec<IpAddr>| addresses.iter().find_map(|address| names::hosts_line(name, *address));
            let hosts_line = system.as_ref().ok().and_then(line);
            NodeName { node: node.name.clone(), name: name.clone(), mapped, system, hosts_line }
        })
    }

    fn contact(&self, resolver: &Resolver, endpoint: &Endpoint, first: bool, deadline: Instant) -> Contact {
        let explanation = resolver.explain(&endpoint.host, endpoint.port, Family::Any);
        let (mapped, addresses) = match explanation.lookup {
            Lookup::Mapped(addresses) => (true, Ok(addresses)),
            Lookup::Refused => (false, Err("refused: the description is strict".to_owned())),
            Lookup::System => (false, names::ask_system(&endpoint.host, endpoint.port, deadline)),
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
        let look = |address| look(address, &endpoint.host, self.settings, deadline);
        let addresses = match addresses {
            Ok(addresses) => addresses,
            Err(why) => return Contact { dialled: Err(why), ..contact },
        };
        // As a client does: one after the other, until one answers.
        for address in addresses {
            let found = look(address);
            contact.dialled = Ok(address);
            let connected = found.connected.is_some();
            contact.look = Some(found);
            if connected {
                break;
            }
        }
        if first
            && let (Ok(address), Some(Look { answer: Err(Silence::Refused), .. })) = (&contact.dialled, &contact.look)
        {
            contact.other_port = EMR_PORTS.into_iter().filter(|port| *port != address.port()).find_map(|port| {
                let found = look(SocketAddr::new(address.ip(), port));
                found.listener().is_some().then_some((port, found))
            });
        }
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

/// Does the same for all, many at once, and keeps the order.
fn in_parallel<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let results = Mutex::new(Vec::with_capacity(items.len()));
    thread::scope(|scope| {
        for _ in 0..items.len().min(AT_ONCE) {
            scope.spawn(|| {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(item) = items.get(index) else { return };
                    let result = work(item);
                    results.lock().expect("nobody panics with it").push((index, result));
                }
            });
        }
    });
    let mut results = results.into_inner().expect("nobody panics with it");
    results.sort_by_key(|(index, _)| *index);
    results.into_iter().map(|(_, result)| result).collect()
}

/// Takes a thread's result. One that panicked has said so already.
pub(super) fn join<T>(thread: thread::ScopedJoinHandle<'_, T>) -> T {
    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}
