//! Descriptions that are right, with what the version rules say of them.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use kafka_emr_core::{
    BootstrapStyle, Cluster, Description, EmrVersion, Endpoint, Family, Hosts, Lookup, Network, Node, NodeDescription,
    NodeRole, RULES, Resolver, Rule,
};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use super::*;
use crate::releases::{mixed_case, spelled};
use crate::texts::noise;

/// A description, and what is known of its nodes from how it was made.
#[derive(Clone, Debug)]
struct Known {
    description: Description,
    nodes: Vec<KnownNode>,
}

#[derive(Clone, Debug)]
struct KnownNode {
    /// Every spelling of the long domain; the first is the one that is shown.
    long_domains: Vec<String>,
    broker: bool,
    /// Where the node's names lead, by the rule: none where it has no address on the network.
    dials: Option<(IpAddr, Option<u16>)>,
}

/// What a node is made from, before its number is known.
#[derive(Clone, Debug)]
struct Seed {
    /// The name with `N` for the number, its spelling in a new-console domain, and whether the name tells a broker.
    form: (&'static str, &'static str, Option<bool>),
    case: u64,
    role: Option<NodeRole>,
    broker: Option<bool>,
    private: Option<IpAddr>,
    public: Option<IpAddr>,
    host: Option<&'static str>,
    aliases: Vec<&'static str>,
    connect: Option<IpAddr>,
    /// Has the addresses of the node before it: one machine with two entries.
    same_machine: bool,
}

const FORMS: [(&str, &str, Option<bool>); 10] = [
    ("emr-worker-N", "emr-worker-N", Some(true)),
    ("emr-header-N", "emr-header-N", Some(false)),
    ("emr-gateway-N", "emr-gateway-N", Some(false)),
    ("core-1-N", "core-1-N", Some(true)),
    ("core1-N", "core-1-N", Some(true)),
    ("master1-N", "master-1-N", Some(false)),
    ("task-2-N", "task-2-N", Some(false)),
    ("kafkaN", "kafkaN", None),
    ("iZbp_1h9gN", "iZbp_1h9gN", None),
    ("N-rack-a", "N-rack-a", None),
];

fn seed() -> impl Strategy<Value = Seed> {
    let ip = |first: u8| {
        prop_oneof![
            3 => any::<[u8; 2]>().prop_map(move |[a, b]| IpAddr::from(Ipv4Addr::new(first, a, b, 0))),
            1 => any::<u64>().prop_map(move |bits| {
                IpAddr::from(Ipv6Addr::from(u128::from(first) << 120 | 0xF << 64 | u128::from(bits & !0xFF)))
            }),
        ]
    };
    let roles = select([NodeRole::Master, NodeRole::Core, NodeRole::Task, NodeRole::Gateway].as_slice());
    let names = (
        select(FORMS.as_slice()),
        any::<u64>(),
        option::weighted(0.2, select(["kafka-N.example.com", "Broker-N.prod.example.com.", "only-N"].as_slice())),
        vec(select(["aliasN", "alias-N.example.com", "ALIAS_N."].as_slice()), 0..2),
    );
    let addresses = (option::weighted(0.8, ip(10)), option::weighted(0.8, ip(42)), option::weighted(0.1, ip(127)));
    (names, option::weighted(0.2, roles), option::weighted(0.2, any::<bool>()), addresses, prop::bool::weighted(0.1))
        .prop_map(|((form, case, host, aliases), role, broker, (private, public, connect), same_machine)| Seed {
            form,
            case,
            role,
            broker,
            private,
            public,
            host,
            aliases,
            connect,
            same_machine,
        })
}

/// An address of the seed made the node's own.
fn numbered(ip: IpAddr, number: usize) -> IpAddr {
    let number = u8::try_from(number).unwrap();
    match ip {
        IpAddr::V4(v4) => Ipv4Addr::from_bits(v4.to_bits() | u32::from(number)).into(),
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() | u128::from(number)).into(),
    }
}

/// Every kind of description that is possible.
fn known() -> impl Strategy<Value = Known> {
    let id = prop_oneof![
        4 => "[0-9]{1,6}".prop_map(Some),
        2 => "c-[0-9a-fA-F]{1,16}".prop_map(Some),
        1 => "[abAB][a-zA-Z0-9-]{0,8}".prop_map(Some),
        1 => Just(None),
    ];
    let top = (
        id,
        "[a-z]{2}-[a-zA-Z]{1,9}(-[0-9])?",
        spelled(),
        select([Network::Private, Network::Public].as_slice()),
        option::of(select([BootstrapStyle::Addresses, BootstrapStyle::Names].as_slice())),
        any::<bool>(),
        option::weighted(0.2, 1..=u16::MAX),
        option::weighted(0.3, noise()),
    );
    (top, vec(seed(), 1..7)).prop_map(|((id, region, (_, text), network, style, strict, port, cluster_id), seeds)| {
        let mut release: EmrVersion = text.parse().unwrap();
        // Without an id there are no long domains, and nothing may ask for them.
        let style = style.filter(|style| id.is_some() || *style == BootstrapStyle::Addresses);
        let lists_names = |release: &EmrVersion| Rule::of(Some(release), network).bootstrap == BootstrapStyle::Names;
        if id.is_none() && lists_names(&release) {
            let since = RULES.iter().filter(|rule| rule.network == network).filter_map(|rule| rule.since).min();
            let (major, minor) = since.unwrap();
            release = EmrVersion::new(major, minor);
        }
        let mut description = Description::new(release);
        let new_console = id.as_deref().is_some_and(|id| id.starts_with("c-"));
        let domain = id.as_deref().map(|id| match new_console {
            true => format!("{id}.{region}.emr.aliyuncs.com"),
            false => format!("cluster-{id}"),
        });
        let settings = &mut description.settings;
        settings.id = id;
        settings.region = (new_console || strict).then_some(region);
        settings.network = Some(network);
        settings.bootstrap = style;
        settings.strict = Some(strict);
        settings.port = port;
        settings.cluster_id = cluster_id;
        let mut nodes = Vec::new();
        for (i, seed) in seeds.into_iter().enumerate() {
            let before = description.nodes.last();
            let (node, known) = build(seed, i + 1, network, domain.as_deref(), new_console, before);
            description.nodes.push(node);
            nodes.push(known);
        }
        Known { description, nodes }
    })
}

impl Known {
    fn cluster(&self) -> Cluster {
        Cluster::new(self.description.clone()).unwrap()
    }
}

/// Makes a node of its seed. The first one is a broker in any case.
fn build(
    seed: Seed,
    number: usize,
    network: Network,
    domain: Option<&str>,
    new_console: bool,
    before: Option<&NodeDescription>,
) -> (NodeDescription, KnownNode) {
    let own = |text: &str| text.replace('N', &number.to_string());
    let (form, in_domain, told) = seed.form;
    let mut node = NodeDescription::new(mixed_case(&own(form), seed.case));
    node.role = seed.role;
    node.broker = match (number, told.is_none() && seed.role.is_none()) {
        (1, _) => Some(true),
        (_, true) => seed.broker.or(Some(false)),
        (_, false) => seed.broker,
    };
    node.host = seed.host.map(own);
    node.aliases = seed.aliases.iter().map(|alias| own(alias)).collect();
    node.private_ip = seed.private.map(|ip| numbered(ip, number));
    node.public_ip = seed.public.map(|ip| numbered(ip, number));
    node.connect = seed.connect.map(|ip| SocketAddr::new(numbered(ip, number), 19_000 + number as u16));
    let by_role = seed.role.map_or(told == Some(true), |role| role == NodeRole::Core);
    let broker = node.broker.unwrap_or(by_role);
    if let Some(before) = before.filter(|before| seed.same_machine && (!broker || before.is_broker())) {
        (node.private_ip, node.public_ip, node.connect) = (before.private_ip, before.public_ip, before.connect);
    }
    let needed = match network {
        Network::Private => &mut node.private_ip,
        Network::Public => &mut node.public_ip,
    };
    if needed.is_none() && broker && node.connect.is_none() {
        *needed = Some(numbered(Ipv4Addr::new(42, 0, 0, 0).into(), number));
    }
    let dials = node.connect.map(|to| (to.ip(), Some(to.port()))).or(needed.map(|ip| (ip, None)));
    if node.private_ip.or(node.public_ip).is_none() && node.connect.is_none() {
        // No broker, so it may have the address of the other network.
        let other = if network == Network::Private { &mut node.public_ip } else { &mut node.private_ip };
        *other = Some(numbered(Ipv4Addr::new(42, 0, 0, 0).into(), number));
    }
    let long_domains = match (&node.host, domain) {
        (Some(host), _) => vec![host.clone()],
        (None, None) => Vec::new(),
        (None, Some(domain)) if new_console => {
            let shown = mixed_case(&own(in_domain), if form == in_domain { seed.case } else { 0 });
            vec![format!("{shown}.{domain}"), format!("{}.{domain}", node.name)]
        }
        (None, Some(domain)) => vec![format!("{}.{domain}", node.name)],
    };
    (node, KnownNode { long_domains, broker, dials })
}

/// Whether long domains with this id are known as such in a hosts text.
fn is_usual(id: &str) -> bool {
    id.starts_with("c-") || id.bytes().all(|byte| byte.is_ascii_digit())
}

/// Where a client gets to that dials an endpoint with the hosts in front of its system.
fn dialled(hosts: &Hosts, endpoint: &Endpoint) -> BTreeSet<SocketAddr> {
    match hosts.lookup(&endpoint.host, Family::Any) {
        Lookup::Mapped(dial) => dial.socket_addrs(endpoint.port).collect(),
        _ => [SocketAddr::new(endpoint.host.parse().unwrap(), endpoint.port)].into(),
    }
}

/// Where a lookup leads that is made for a port.
fn at_port(lookup: &Lookup, port: u16) -> Option<Vec<SocketAddr>> {
    match lookup {
        Lookup::Mapped(dial) => Some(dial.socket_addrs(port).collect()),
        _ => None,
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn what_is_written_is_read_again(known in known()) {
        let description = &known.description;
        prop_assert_eq!(&Description::from_toml(&description.to_toml().unwrap()).unwrap(), description);
        prop_assert_eq!(&Description::from_json(&description.to_json().unwrap()).unwrap(), description);
        prop_assert_eq!(&known.cluster().description(), description);
    }

    #[test]
    fn every_name_leads_where_the_rule_says(known in known(), case in any::<u64>(), port in any::<u16>()) {
        let cluster = known.cluster();
        let endpoints = cluster.endpoints();
        let hosts = endpoints.hosts();
        for (node, known_node) in cluster.nodes().iter().zip(&known.nodes) {
            prop_assert_eq!(node.is_broker(), known_node.broker);
            let shown = node.long_domain().map(|name| name.to_ascii_lowercase());
            prop_assert_eq!(shown, known_node.long_domains.first().map(|name| name.to_ascii_lowercase()));
            let expected = known_node.dials.map(|(ip, instead)| vec![SocketAddr::new(ip, instead.unwrap_or(port))]);
            let check = |host: &str| {
                let lookup = hosts.lookup(host, Family::Any);
                prop_assert_eq!(&at_port(&lookup, port), &expected, "{}", host);
                let is_refused = expected.is_none() && cluster.is_strict();
                prop_assert_eq!(lookup == Lookup::Refused, is_refused, "{}", host);
                Ok(())
            };
            let name = node.name().to_owned();
            for name in known_node.long_domains.iter().chain([&name]).chain(&node.description().aliases) {
                let name = mixed_case(name.strip_suffix('.').unwrap_or(name), case);
                check(&name)?;
                check(&format!("{name}."))?;
                look_up(hosts, &name);
            }
            // A broker may advertise its private IP to a client outside.
            if let Some(private) = node.private_ip().filter(|_| cluster.network() == Network::Public && known_node.dials.is_some()) {
                check(&private.to_string())?;
            }
        }
    }

    #[test]
    fn every_broker_is_a_bootstrap_server_once(known in known()) {
        let cluster = known.cluster();
        let endpoints = cluster.endpoints();
        let rule = cluster.rule();
        let by_name = cluster.bootstrap().unwrap_or(rule.bootstrap) == BootstrapStyle::Names;
        let port = known.description.settings.port.unwrap_or(rule.port);
        let brokers = || cluster.nodes().iter().zip(&known.nodes).filter(|(_, known)| known.broker);
        let expected: BTreeSet<String> = brokers()
            .map(|(node, known)| {
                let address = if cluster.network() == Network::Public { node.public_ip() } else { node.private_ip() };
                match (by_name, address) {
                    (true, _) => format!("{}:{port}", known.long_domains[0]).to_ascii_lowercase(),
                    (false, Some(address)) => SocketAddr::new(address, port).to_string(),
                    (false, None) => node.connect().unwrap().to_string(),
                }
            })
            .collect();
        let listed: Vec<String> = endpoints.bootstrap().iter().map(|e| e.to_string().to_ascii_lowercase()).collect();
        prop_assert_eq!(listed.len(), expected.len());
        prop_assert_eq!(listed.into_iter().collect::<BTreeSet<_>>(), expected);
        let reached: BTreeSet<SocketAddr> =
            endpoints.bootstrap().iter().flat_map(|endpoint| dialled(endpoints.hosts(), endpoint)).collect();
        let wanted: BTreeSet<SocketAddr> = brokers()
            .map(|(_, known)| known.dials.unwrap())
            .map(|(ip, instead)| SocketAddr::new(ip, instead.unwrap_or(port)))
            .collect();
        prop_assert_eq!(reached, wanted);
    }

    #[test]
    fn a_client_lists_names_wherever_they_are_known(known in known()) {
        let cluster = known.cluster();
        let resolver = Resolver::from_clusters([cluster.clone()]).unwrap();
        let listed = resolver.client_bootstrap_servers(None, None).unwrap();
        // Broker by broker, from how they were made.
        let settings = &known.description.settings;
        let port = settings.port.unwrap_or(cluster.rule().port);
        let brokers = known.description.nodes.iter().zip(&known.nodes).filter(|(_, known)| known.broker);
        let expected: BTreeSet<String> = brokers
            .map(|(node, known)| {
                let name = known.long_domains.first().filter(|_| settings.bootstrap != Some(BootstrapStyle::Addresses));
                let address = if settings.network == Some(Network::Public) { node.public_ip } else { node.private_ip };
                match (name, address) {
                    (Some(name), _) => format!("{name}:{port}").to_ascii_lowercase(),
                    (None, Some(address)) => SocketAddr::new(address, port).to_string(),
                    (None, None) => node.connect.unwrap().to_string(),
                }
            })
            .collect();
        let servers: Vec<String> = listed.split(',').map(str::to_ascii_lowercase).collect();
        prop_assert_eq!(servers.len(), expected.len(), "{}", listed);
        prop_assert_eq!(servers.into_iter().collect::<BTreeSet<_>>(), expected);
        // TLS and Kerberos compare names: all, or none.
        let is_nameless = |(_, known): &(_, &KnownNode)| known.broker && known.long_domains.is_empty();
        let is_nameless = known.description.nodes.iter().zip(&known.nodes).any(|known| is_nameless(&known));
        let secured = resolver.client_bootstrap_servers(Some("ssl"), None);
        prop_assert_eq!(secured.is_err(), is_nameless && settings.bootstrap != Some(BootstrapStyle::Addresses));
    }

    #[test]
    fn a_hosts_text_of_a_cluster_answers_as_the_cluster(
        known in known(),
        style in vec((select([" ", "\t", "   "].as_slice()), select(["\n", "\r\n", " # x\n", "\n\n"].as_slice()), any::<u64>(), 0..3), 7),
    ) {
        let mut description = known.description;
        let network = description.settings.network.unwrap();
        let address = |node: &NodeDescription| if network == Network::Public { node.public_ip } else { node.private_ip };
        // Hosts text has no word for these.
        description.settings.strict = None;
        description.nodes.retain(|node| node.private_ip.or(node.public_ip).is_some());
        for node in &mut description.nodes {
            node.connect = None;
            node.broker = node.broker.or((node.role.is_none() && !node.is_broker()).then_some(false));
            // A broker must have the address that only `connect` made up for.
            node.broker = if address(node).is_none() { Some(false) } else { node.broker };
        }
        let mut worker = NodeDescription::new("emr-worker-99");
        (worker.private_ip, worker.public_ip) = (Some([10, 9, 9, 9].into()), Some([42, 9, 9, 9].into()));
        description.nodes.push(worker);
        let cluster = Cluster::new(description).unwrap();

        let mut text = String::new();
        for (node, (space, end, case, order)) in cluster.nodes().iter().zip(style.iter().cycle()) {
            let Some(address) = address(node.description()) else { continue };
            let mut names: Vec<String> =
                node.long_domain().into_iter().chain([node.name()]).map(str::to_owned).collect();
            // The short name may be left out where the long domain tells it.
            let follows = node.description().host.is_none() && cluster.id().is_some_and(is_usual);
            match order {
                0 => {}
                1 if follows => names.truncate(1),
                _ => names.reverse(),
            }
            names.extend(node.description().aliases.iter().cloned());
            text += &address.to_string();
            for name in names {
                text += space;
                text += &mixed_case(&name, *case);
            }
            text += end;
        }

        let read = Description::from_hosts_text(&text, network).unwrap();
        let read = Resolver::from_clusters(read.into_iter().map(|read| Cluster::new(read).unwrap())).unwrap();
        let endpoints = cluster.endpoints();
        let names = |node: &Node| match &node.description().host {
            // Other names than the written ones are told only by a long domain of EMR's form.
            Some(host) => [host.clone(), node.name().to_owned()].into_iter().chain(node.description().aliases.clone()).collect(),
            None => cluster.names(node),
        };
        for name in cluster.nodes().iter().flat_map(names) {
            prop_assert_eq!(
                read.lookup(&name, Family::Any), endpoints.hosts().lookup(&name, Family::Any), "{} in\n{}", name, text
            );
        }
        prop_assert_eq!(read.hosts().clusters().len(), 1, "{}", text);
    }

    #[test]
    fn any_host_can_be_asked_for(known in known(), host in noise()) {
        let cluster = known.cluster();
        let endpoints = cluster.endpoints();
        for host in hosts_like_this(&cluster, &host) {
            look_up(endpoints.hosts(), &host);
        }
    }

    #[test]
    fn every_reason_is_one_line(known in known(), host in noise()) {
        let cluster = known.cluster();
        let endpoints = cluster.endpoints();
        for host in hosts_like_this(&cluster, &host) {
            check_line(&endpoints.hosts().explain(&host, Family::Any).reason);
        }
    }
}

/// A host alone, under the cluster's own domain, nearly so, and too long.
fn hosts_like_this(cluster: &Cluster, host: &str) -> [String; 4] {
    let domain = cluster.domain().unwrap_or_default();
    [host.to_owned(), format!("{host}.{domain}"), format!("{host}{domain}."), host.repeat(20)]
}
