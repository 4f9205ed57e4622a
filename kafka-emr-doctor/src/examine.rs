//! Gathers facts along a client's way, and continues after failures. [`crate::diagnosis`] judges them.

use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use kafka_emr_core::{Cluster, Endpoint, Explanation, Family, Lookup, Resolver, Rule};

use crate::client::{Client, ClientError, NoClient, View};
use crate::identity::Identity;
use crate::inspect::{Inspection, Listener, NoListener, inspect};
use crate::names::{self, NoAnswer};
use crate::tls::Tls;
use crate::wire::{Metadata, MetadataBroker};
use crate::{ClientSettings, Error, ErrorKind, HostPort, Stage};

/// librdkafka's default for a server without a port.
const LIBRDKAFKA_PORT: u16 = 9092;

/// The stack of a thread that inspects an address, in bytes. There can be a thousand of them.
const STACK: usize = 512 << 10;

/// The facts about a cluster.
pub(crate) struct Facts {
    pub(crate) cluster: Cluster,
    pub(crate) settings: ClientSettings,
    pub(crate) names: Vec<NodeName>,
    pub(crate) bootstrap: Vec<EndpointFacts>,
    pub(crate) view: Result<View, ClientError>,
    /// The advertised listeners; without a view, what a broker lists without a login.
    pub(crate) listeners: Vec<AdvertisedListener>,
    pub(crate) probe: Option<Probe>,
}

/// A node's long domain.
pub(crate) struct NodeName {
    pub(crate) node: String,
    pub(crate) name: String,
    /// Its addresses in the map; empty if the node has none on this network.
    pub(crate) mapped: Vec<IpAddr>,
    /// Its addresses by the system resolver.
    pub(crate) system: Result<Vec<IpAddr>, NoAnswer>,
    /// The line of the hosts file that gives an address which is not mapped.
    pub(crate) hosts_line: Option<String>,
}

/// A host and port, where they lead, and what answers there.
pub(crate) struct EndpointFacts {
    pub(crate) endpoint: Endpoint,
    /// The node that it belongs to.
    pub(crate) node: Option<String>,
    /// Whether the map has it; if not, the system resolver is asked.
    pub(crate) mapped: bool,
    /// The version rule behind that.
    pub(crate) rule: Option<&'static str>,
    /// The address that is dialled, or why none is.
    pub(crate) dialled: Result<SocketAddr, String>,
    /// What answers; `None` if nothing is dialled.
    pub(crate) inspection: Option<Inspection>,
    /// Another port of EMR's at the same address where Kafka answers, if nothing listens on this one.
    pub(crate) other_port: Option<(u16, Inspection)>,
}

impl EndpointFacts {
    /// The Kafka listener that answers there.
    pub(crate) fn listener(&self) -> Option<&Listener> {
        self.inspection.as_ref()?.listener()
    }
}

/// An advertised listener, and what answers where it leads.
pub(crate) struct AdvertisedListener {
    pub(crate) broker: i32,
    pub(crate) facts: EndpointFacts,
    pub(crate) identity: Identity,
}

/// A message through a topic.
pub(crate) struct Probe {
    pub(crate) topic: String,
    /// How it went; `None` if there is no client to try it with.
    pub(crate) outcome: Option<Result<(), String>>,
}

/// What is to be examined, and how.
pub(crate) struct Examination<'a> {
    pub(crate) cluster: &'a Cluster,
    /// Resolves all names, here and in the client.
    pub(crate) resolver: &'a Resolver,
    pub(crate) settings: &'a ClientSettings,
    /// As the client begins it.
    pub(crate) tls: &'a Tls,
    /// How long each stage may take.
    pub(crate) limit: Duration,
    pub(crate) probe_topic: Option<&'a str>,
    pub(crate) progress: &'a (dyn Fn(Stage) + Send + Sync),
}

impl Examination<'_> {
    /// Examines a cluster. Fails only if no client can be made: a wrong description, refused properties.
    pub(crate) fn run(&self) -> Result<Facts, Error> {
        let servers = self.bootstrap_servers()?;
        let client = match Client::new(self.resolver, self.settings, &servers, self.limit) {
            Ok(client) => Ok(Arc::new(client)),
            // Everything else can be examined without it.
            Err(NoClient::Mechanism(mechanism)) => Err(mechanism),
            Err(NoClient::Refused(error)) => {
                return Err(Error::new(ErrorKind::Client, self.settings.explain(error.to_string())));
            }
        };

        (self.progress)(Stage::Bootstrap);
        let deadline = Instant::now() + self.limit;
        let suitable = AtomicUsize::new(usize::MAX);
        let (names, bootstrap, view) = thread::scope(|scope| {
            let names = scope.spawn(|| self.names(deadline));
            let view = scope.spawn(|| match &client {
                Ok(client) => client.view(deadline, &suitable),
                Err(mechanism) => Err(ClientError::MechanismNotBuiltIn(mechanism.clone())),
            });
            let bootstrap = in_parallel(&servers, |endpoint| self.endpoint(endpoint, true, deadline));
            let suits = |facts: &&EndpointFacts| facts.listener().is_some_and(|listener| listener.fits(self.settings));
            suitable.store(bootstrap.iter().filter(suits).count(), Ordering::SeqCst);
            (join(names), bootstrap, join(view))
        });

        (self.progress)(Stage::Listeners);
        let deadline = Instant::now() + self.limit;
        let metadata = view.as_ref().ok().map(|view| &view.metadata).or_else(|| metadata_without_login(&bootstrap));
        let advertised: Vec<MetadataBroker> = metadata.map(|metadata| metadata.brokers.clone()).unwrap_or_default();
        let listeners = in_parallel(&advertised, |broker| {
            let endpoint = Endpoint { host: broker.host.clone(), port: broker.port };
            let facts = self.endpoint(&endpoint, false, deadline);
            // A broker that does not answer at all is not asked again: librdkafka would wait for it.
            let identity = match &client {
                Ok(client) if view.is_ok() && facts.listener().is_some() => client.identify(broker.id, deadline),
                _ => Identity::Unknown("no client got this far".to_owned()),
            };
            AdvertisedListener { broker: broker.id, facts, identity }
        });

        let probe = self.probe_topic.map(|topic| {
            (self.progress)(Stage::Probe);
            let outcome = client.as_ref().ok().map(|client| client.probe(topic, self.limit));
            Probe { topic: topic.to_owned(), outcome }
        });
        // A client ends when its threads do, and one of them may be waiting for the system resolver.
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

    /// The servers that the client begins with: the user's own, else those of the rule.
    fn bootstrap_servers(&self) -> Result<Vec<Endpoint>, Error> {
        if let Some(own) = self.settings.get("bootstrap.servers") {
            return parse_servers(own).map_err(|why| self.settings.error("bootstrap.servers", &why));
        }
        let mechanism = self.settings.mechanism();
        let servers = self.cluster.client_bootstrap(self.settings.get("security.protocol"), mechanism.as_deref());
        servers.map_err(|error| Error::new(ErrorKind::Client, error.to_string()))
    }

    fn names(&self, deadline: Instant) -> Vec<NodeName> {
        let port = self.cluster.broker_port();
        let named = self.cluster.nodes().iter().filter_map(|node| Some((node.name(), node.long_domain()?)));
        let named: Vec<(&str, &str)> = named.collect();
        in_parallel(&named, |&(node, name)| {
            let mapped = match self.resolver.explain(name, Family::Any).lookup {
                Lookup::Mapped(dial) => dial.addresses().to_vec(),
                Lookup::System | Lookup::Refused => Vec::new(),
            };
            let system = names::resolve_until(name, port, deadline).map(|addresses| ips(&addresses));
            let others = system.iter().flatten().filter(|address| !mapped.contains(address));
            let hosts_line = others.into_iter().find_map(|address| names::hosts_line(name, *address));
            NodeName { node: node.to_owned(), name: name.to_owned(), mapped, system, hosts_line }
        })
    }

    fn endpoint(&self, endpoint: &Endpoint, first: bool, deadline: Instant) -> EndpointFacts {
        let Explanation { lookup, rule, node, .. } = self.resolver.explain(&endpoint.host, Family::Any);
        let (mapped, addresses): (bool, Result<Vec<SocketAddr>, String>) = match lookup {
            Lookup::Mapped(dial) => (true, Ok(dial.socket_addrs(endpoint.port).collect())),
            Lookup::Refused => (false, Err("refused: the description is strict".to_owned())),
            Lookup::System => {
                let resolved = names::resolve_until(&endpoint.host, endpoint.port, deadline);
                (false, resolved.map_err(|why| why.to_string()))
            }
        };
        let mut facts = EndpointFacts {
            endpoint: endpoint.clone(),
            node,
            mapped,
            rule: rule.map(|rule| rule.name),
            dialled: Err("it has no address".to_owned()),
            inspection: None,
            other_port: None,
        };
        let addresses = match addresses {
            Ok(addresses) => addresses,
            Err(why) => return EndpointFacts { dialled: Err(why), ..facts },
        };
        let inspect = |address| inspect(address, &endpoint.host, self.settings, self.tls, deadline);
        let inspections = in_parallel(&addresses, |address| inspect(*address));
        // A client tries them one after the other, and uses the first that answers.
        let mut inspections: Vec<(SocketAddr, Inspection)> = addresses.into_iter().zip(inspections).collect();
        inspections.sort_by_key(|(_, inspection)| (inspection.listener().is_none(), inspection.connected.is_none()));
        let Some((address, inspection)) = inspections.into_iter().next() else { return facts };
        facts.dialled = Ok(address);
        // A tunnel's end has a port of its own, and no other of EMR's.
        let is_brokers = address.port() == endpoint.port;
        if first && is_brokers && matches!(inspection.listener, Err(NoListener::Refused)) {
            facts.other_port = Rule::ports().into_iter().filter(|port| *port != address.port()).find_map(|port| {
                let inspection = inspect(SocketAddr::new(address.ip(), port));
                inspection.listener().is_some().then_some((port, inspection))
            });
        }
        facts.inspection = Some(inspection);
        facts
    }
}

/// The cluster's metadata from the first broker that gives them without a login.
fn metadata_without_login(bootstrap: &[EndpointFacts]) -> Option<&Metadata> {
    let direct = bootstrap.iter().filter_map(|facts| facts.inspection.as_ref());
    let other = bootstrap.iter().filter_map(|facts| facts.other_port.as_ref().map(|(_, inspection)| inspection));
    direct.chain(other).find_map(|inspection| inspection.listener()?.metadata.as_ref())
}

/// Parses `host:port,host:port` as librdkafka does.
fn parse_servers(servers: &str) -> Result<Vec<Endpoint>, String> {
    let mut list: Vec<Endpoint> = Vec::new();
    for server in servers.split(',').map(str::trim).filter(|server| !server.is_empty()) {
        // librdkafka accepts a protocol in front.
        let server = server.split_once("://").map_or(server, |(_, server)| server);
        let HostPort { host, port } = server.parse().map_err(|why| format!("{server:?}: {why}"))?;
        let endpoint = Endpoint { host, port: port.unwrap_or(LIBRDKAFKA_PORT) };
        if !list.contains(&endpoint) {
            list.push(endpoint);
        }
    }
    if list.is_empty() {
        return Err("no server; expected HOST:PORT, several of them with commas between".to_owned());
    }
    Ok(list)
}

fn ips(addresses: &[SocketAddr]) -> Vec<IpAddr> {
    let mut ips: Vec<IpAddr> = addresses.iter().map(SocketAddr::ip).collect();
    ips.dedup();
    ips
}

/// Maps all items at the same time, as far as there are threads, and keeps their order.
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

/// Takes a thread's result, and passes its panic on.
pub(crate) fn join<T>(thread: thread::ScopedJoinHandle<'_, T>) -> T {
    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}
