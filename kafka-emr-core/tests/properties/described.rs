//! Descriptions that are right, with what the version rules say of them.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use kafka_emr_core::{
    BootstrapStyle, Cluster, EmrVersion, Endpoint, Family, Hosts, Lookup, Network, Node, NodeRole, Resolver,
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
    cluster: Cluster,
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
    (top, vec(seed(), 1..7)).prop_map(
        |((id, region, (release, text), network, style, strict, port, cluster_id), seeds)| {
            let before = release < (3, 11);
            // Without an id there are no long domains, and nothing may ask for them.
            let (release, style) = match id {
                None if before => (EmrVersion::new(3, 11), Some(BootstrapStyle::Addresses)),
                None => (text.parse().unwrap(), Some(BootstrapStyle::Addresses)),
                Some(_) => (text.parse().unwrap(), style),
            };
            let mut cluster = Cluster::new(release);
            let new_console = id.as_deref().is_some_and(|id| id.starts_with("c-"));
            let domain = id.as_deref().map(|id| match new_console {
                true => format!("{id}.{region}.emr.aliyuncs.com"),
                false => format!("cluster-{id}"),
            });
            cluster.id = id;
            cluster.region = (new_console || strict).then_some(region);
            cluster.network = network;
            cluster.bootstrap = style;
            cluster.strict = strict;
            cluster.port = port;
            cluster.cluster_id = cluster_id;
            let mut nodes = Vec::new();
            for (i, seed) in seeds.into_iter().enumerate() {
                let (node, known) = build(seed, i + 1, network, domain.as_deref(), new_console, cluster.nodes.last());
                cluster.nodes.push(node);
                nodes.push(known);
            }
            Known { cluster, nodes }
        },
    )
}

/// Makes a node of its seed. The first one is a broker in any case.
fn build(
    seed: Seed,
    number: usize,
    network: Network,
    domain: Option<&str>,
    new_console: bool,
    before: Option<&Node>,
) -> (Node, KnownNode) {
    let own = |text: &str| text.replace('N', &number.to_string());
    let (form, in_domain, told) = seed.form;
    let mut node = Node::new(mixed_case(&own(form), seed.case));
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
    match look_up_at(hosts, &endpoint.host, endpoint.port) {
        Lookup::Mapped(addresses) => addresses.into_iter().collect(),
        _ => [SocketAddr::new(endpoint.host.parse().unwrap(), endpoint.port)].into(),
    }
}

fn look_up_at(hosts: &Hosts, host: &str, port: u16) -> Lookup {
    hosts.lookup(host, port, Family::Any)
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn what_is_written_is_read_again(known in known()) {
        let cluster = &known.cluster;
        same(&Cluster::from_toml(&cluster.to_toml().unwrap()).unwrap(), cluster);
        same(&Cluster::from_json(&cluster.to_json().unwrap()).unwrap(), cluster);
    }

    #[test]
    fn every_name_leads_where_the_rule_says(known in known(), case in any::<u64>(), port in any::<u16>()) {
        let endpoints = known.cluster.endpoints().unwrap();
        let hosts = endpoints.hosts();
        for (node, known_node) in known.cluster.nodes.iter().zip(&known.nodes) {
            prop_assert_eq!(node.is_broker(), known_node.broker);
            let shown = known.cluster.long_domain(node).map(|name| name.to_ascii_lowercase());
            prop_assert_eq!(shown, known_node.long_domains.first().map(|name| name.to_ascii_lowercase()));
            let expected = match known_node.dials {
                Some((ip, instead)) => Lookup::Mapped(vec![SocketAddr::new(ip, instead.unwrap_or(port))]),
                None if known.cluster.strict => Lookup::Refused,
                None => Lookup::System,
            };
            for name in known_node.long_domains.iter().chain([&node.name]).chain(&node.aliases) {
                let name = mixed_case(name.strip_suffix('.').unwrap_or(name), case);
                prop_assert_eq!(&look_up_at(hosts, &name, port), &expected, "{}", name);
                prop_assert_eq!(&look_up_at(hosts, &format!("{name}."), port), &expected, "{}.", name);
                look_up(hosts, &name);
            }
            // A broker may advertise its private IP to a client outside.
            if let Some(private) = node.private_ip.filter(|_| known.cluster.network == Network::Public && known_node.dials.is_some()) {
                prop_assert_eq!(look_up_at(hosts, &private.to_string(), port), expected);
            }
        }
    }

    #[test]
    fn every_broker_is_a_bootstrap_server_once(known in known()) {
        let cluster = &known.cluster;
        let endpoints = cluster.endpoints().unwrap();
        let release = cluster.release.as_ref().unwrap();
        let later = (release.major(), release.minor()) >= (3, 11);
        let by_name = cluster.bootstrap.map_or(!later, |style| style == BootstrapStyle::Names);
        let port = cluster.port.unwrap_or(if later && cluster.network == Network::Public { 9093 } else { 9092 });
        let brokers = || cluster.nodes.iter().zip(&known.nodes).filter(|(_, known)| known.broker);
        let expected: BTreeSet<String> = brokers()
            .map(|(node, known)| {
                let address = if cluster.network == Network::Public { node.public_ip } else { node.private_ip };
                match (by_name, address) {
                    (true, _) => format!("{}:{port}", known.long_domains[0]).to_ascii_lowercase(),
                    (false, Some(address)) => SocketAddr::new(address, port).to_string(),
                    (false, None) => node.connect.unwrap().to_string(),
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
    fn a_hosts_text_of_a_cluster_answers_as_the_cluster(
        known in known(),
        style in vec((select([" ", "\t", "   "].as_slice()), select(["\n", "\r\n", " # x\n", "\n\n"].as_slice()), any::<u64>(), 0..3), 7),
    ) {
        let mut cluster = known.cluster;
        // Hosts text has no word for these.
        cluster.strict = false;
        for node in &mut cluster.nodes {
            node.connect = None;
            node.broker = node.broker.or((node.role.is_none() && !node.is_broker()).then_some(false));
        }
        let mut worker = Node::new("emr-worker-99");
        (worker.private_ip, worker.public_ip) = (Some([10, 9, 9, 9].into()), Some([42, 9, 9, 9].into()));
        cluster.nodes.retain(|node| node.private_ip.or(node.public_ip).is_some());
        for node in &mut cluster.nodes {
            let address = if cluster.network == Network::Public { node.public_ip } else { node.private_ip };
            // A broker must have the address that only `connect` made up for.
            node.broker = if address.is_none() { Some(false) } else { node.broker };
        }
        cluster.nodes.push(worker);

        let mut text = String::new();
        for (node, (space, end, case, order)) in cluster.nodes.iter().zip(style.iter().cycle()) {
            let address = if cluster.network == Network::Public { node.public_ip } else { node.private_ip };
            let Some(address) = address else { continue };
            let mut names: Vec<String> = cluster.long_domain(node).into_iter().chain([node.name.clone()]).collect();
            // The short name may be left out where the long domain tells it.
            let told = node.host.is_none() && !node.name.contains('.') && cluster.id.as_deref().is_some_and(is_usual);
            match order {
                0 => {}
                1 if told => names.truncate(1),
                _ => names.reverse(),
            }
            names.extend(node.aliases.iter().cloned());
            text += &address.to_string();
            for name in names {
                text += space;
                text += &mixed_case(&name, *case);
            }
            text += end;
        }

        let read = Resolver::from_clusters(Cluster::from_hosts_text(&text, cluster.network).unwrap()).unwrap();
        let endpoints = cluster.endpoints().unwrap();
        let names = |node: &Node| match &node.host {
            // Other names than the written ones are told only by a long domain of EMR's form.
            Some(host) => [host, &node.name].into_iter().chain(&node.aliases).cloned().collect(),
            None => cluster.names(node),
        };
        for name in cluster.nodes.iter().flat_map(names) {
            prop_assert_eq!(
                read.lookup(&name, 9092, Family::Any), endpoints.hosts().lookup(&name, 9092, Family::Any), "{} in\n{}", name, text
            );
        }
        prop_assert_eq!(read.clusters().len(), 1, "{}", text);
    }

    #[test]
    fn any_host_can_be_asked_for(known in known(), host in noise()) {
        let endpoints = known.cluster.endpoints().unwrap();
        for host in hosts_like_this(&known.cluster, &host) {
            look_up(endpoints.hosts(), &host);
        }
    }

    #[test]
    fn every_reason_is_one_line(known in known(), host in noise()) {
        let endpoints = known.cluster.endpoints().unwrap();
        for host in hosts_like_this(&known.cluster, &host) {
            check_line(&endpoints.hosts().explain(&host, 9092, Family::Any).reason);
        }
    }
}

/// A host alone, under the cluster's own domain, nearly so, and too long.
fn hosts_like_this(cluster: &Cluster, host: &str) -> [String; 4] {
    let domain = cluster.domain().unwrap_or_default();
    [host.to_owned(), format!("{host}.{domain}"), format!("{host}{domain}."), host.repeat(20)]
}
