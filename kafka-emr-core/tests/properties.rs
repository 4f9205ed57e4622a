//! What holds for every input: nothing panics, every error is one line, and what a description says is what a lookup
//! answers.
//!
//! No property opens a file: of the sources only those are loaded that have everything inline.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::{Duration, Instant};

use kafka_emr_core::{
    BootstrapStyle, Cluster, EmrVersion, Endpoint, Error, Family, Hosts, Lookup, Network, Node, NodeRole, Resolver,
    Source,
};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{Index, select};

/// The usual settings, but a failing input is only printed, and not kept in a file.
fn config() -> ProptestConfig {
    ProptestConfig { failure_persistence: None, ..ProptestConfig::default() }
}

/// Passes a value on, after it is sure that the error instead of it can be shown in one line.
#[track_caller]
fn checked<T>(result: Result<T, Error>) -> Option<T> {
    match result {
        Ok(value) => Some(value),
        Err(error) => {
            check_line(&error.to_string());
            None
        }
    }
}

#[track_caller]
fn check_line(message: &str) {
    assert!(!message.trim().is_empty(), "an empty message");
    assert!(!message.contains(['\n', '\r']), "more than one line: {message:?}");
}

/// Calls everything that there is to call with clusters that were read from somewhere.
#[track_caller]
fn use_all(clusters: Vec<Cluster>) {
    for cluster in &clusters {
        check_line(&cluster.title());
        if let Some(endpoints) = checked(cluster.endpoints()) {
            check_line(&endpoints.bootstrap_servers());
            for node in &cluster.nodes {
                for name in cluster.names(node) {
                    look_up(endpoints.hosts(), &name);
                }
            }
        }
        // What cannot be written is a hosts text's: no release, or names of no node.
        match checked(cluster.to_toml()) {
            Some(text) => same(&Cluster::from_toml(&text).unwrap(), cluster),
            None => assert!(cluster.release.is_none() || !cluster.plain_hosts.is_empty()),
        }
        if let Some(text) = checked(cluster.to_json()) {
            same(&Cluster::from_json(&text).unwrap(), cluster);
        }
    }
    if let Some(resolver) = checked(Resolver::from_clusters(clusters)) {
        checked(resolver.bootstrap_servers());
        checked(resolver.bootstrap_servers_by_name());
        let _ = resolver.lookup("emr-worker-1.cluster-48742", 9092, Family::Any);
    }
}

/// Looks a host up in every way, and returns what it leads to.
#[track_caller]
fn look_up(hosts: &Hosts, host: &str) -> Lookup {
    let answer = hosts.lookup(host, 9092, Family::Any);
    for family in [Family::Any, Family::V4, Family::V6] {
        let lookup = hosts.lookup(host, 9092, family);
        assert_eq!(hosts.explain(host, 9092, family).lookup, lookup, "explained otherwise");
        if let Lookup::Mapped(addresses) = &lookup {
            let all: &[SocketAddr] = if let Lookup::Mapped(all) = &answer { all } else { &[] };
            let fits = |a: &&SocketAddr| family == Family::Any || a.is_ipv4() == (family == Family::V4);
            assert!(!addresses.is_empty());
            assert!(addresses.iter().eq(all.iter().filter(fits)), "{family:?}: {addresses:?} of {all:?}");
        }
    }
    assert_eq!(hosts.lookup(&host.to_ascii_uppercase(), 9092, Family::Any), answer, "in upper case");
    assert_eq!(hosts.lookup(&host.to_ascii_lowercase(), 9092, Family::Any), answer, "in lower case");
    if !host.ends_with('.') {
        assert_eq!(hosts.lookup(&format!("{host}."), 9092, Family::Any), answer, "with a dot at the end");
    }
    answer
}

/// Compares everything, also the spelling of the release, which equality leaves out.
#[track_caller]
fn same(read: &Cluster, written: &Cluster) {
    assert_eq!(read, written);
    let spelling = |cluster: &Cluster| cluster.release.as_ref().map(EmrVersion::to_string);
    assert_eq!(spelling(read), spelling(written));
}

// Texts that mean nothing, and texts that nearly mean something.

/// Arbitrary text: any characters, or any bytes as far as they are text.
fn noise() -> impl Strategy<Value = String> {
    prop_oneof![
        vec(any::<char>(), 0..200).prop_map(String::from_iter),
        vec(any::<u8>(), 0..400).prop_map(|bytes| String::from_utf8_lossy(&bytes).into_owned()),
        vec(select(b" \t\r\n.:/?&=#\"'[]{},;-_%019afxEMRv".as_slice()), 0..200)
            .prop_map(|bytes| String::from_utf8(bytes).unwrap()),
    ]
}

/// One of the good pieces most of the time, else one of the bad.
fn piece(good: &'static [&'static str], bad: &'static [&'static str]) -> impl Strategy<Value = &'static str> {
    prop_oneof![60 => select(good), 1 => select(bad)]
}

fn release() -> impl Strategy<Value = &'static str> {
    piece(
        &["EMR-3.10.1", "EMR-3.16.0_pre", "V3.11.X", "EMR V3.44.0", "E-MapReduce-3.12.0", "3.11", "3.9", "5.x"],
        &["", "3", "three", "3.1O", "EMR-3.10.1\\n", "\u{FF13}.11", "99999999999.1", "3.11.x.x", "-3.11"],
    )
}

fn address() -> impl Strategy<Value = &'static str> {
    piece(
        &["10.0.1.24", "10.0.1.25", "10.0.1.26", "203.0.113.24", "203.0.113.25", "fd00::24", "2001:DB8::25"],
        &["", "10.0.1", "10.0.1.256", "0.0.0.0", "::", "224.0.0.1", "ff02::1", "[::1]", "fe80::1%eth0", "１0.0.1.24"],
    )
}

fn name() -> impl Strategy<Value = &'static str> {
    piece(
        &[
            "emr-header-1",
            "emr-worker-1",
            "emr-worker-2",
            "EMR-Worker-3",
            "emr-gateway-1",
            "core1-1",
            "core-1-1",
            "core-1-2",
            "master-1-1",
            "task-1",
            "iZbp1h9g7boqo9x23qbifiZ",
            "emr-worker-1.cluster-48742",
            "emr-worker-2.cluster-48742",
            "EMR-WORKER-3.CLUSTER-48742.",
            "emr-header-1.cluster-48742",
            "emr-worker-1.cluster-48743",
            "core-1-1.c-0edfee2cccaecc75.cn-shanghai.emr.aliyuncs.com",
            "core1-2.c-0edfee2cccaecc75.cn-shanghai.emr.aliyuncs.com",
            "core-1-3.C-0EDFEE2CCCAECC75.CN-SHANGHAI.EMR.ALIYUNCS.COM",
            "localhost",
            "db.example.com",
        ],
        &[
            "",
            ".",
            "a..b",
            ".cluster-1",
            "emr－worker-1",
            "emr worker",
            "a\\nb",
            "emr-worker-1..",
            "é",
            "emr-worker-9.",
            "10.0.1.24",
        ],
    )
}

/// Mostly names that tell what the node is.
fn node_name() -> impl Strategy<Value = &'static str> {
    piece(&["emr-header-1", "emr-worker-1", "emr-worker-2", "core1-1", "core-1-2", "task-1"], &["kafka-1", "a b", ""])
}

/// A release of which some pieces are wrong or missing.
fn release_like() -> impl Strategy<Value = String> {
    let number = || piece(&["3", "11", "007", "4294967295"], &["", "4294967296", "-1", "\u{FF13}", "3.", "é"]);
    (
        piece(&["", " ", "EMR", "emr", "E-MapReduce"], &["EMRE", "EM"]),
        piece(&["", "-", " ", "   "], &["--", "_", "\n"]),
        piece(&["", "V", "v"], &["VV"]),
        number(),
        number(),
        piece(&["", ".0", ".X", ".x", ".1_pre", " "], &[".", ".X.1", ".1_", "-pre", ".1 \n2", "\u{0}"]),
    )
        .prop_map(|(product, joint, v, major, minor, rest)| format!("{product}{joint}{v}{major}.{minor}{rest}"))
}

/// An inline source, or what somebody takes for one. Only a `/` after the id could make a file of it.
fn source_like() -> impl Strategy<Value = String> {
    let parameter = prop_oneof![
        4 => (node_name(), address(), address()).prop_map(|(name, private, public)| format!("{name}={private}/{public}")),
        2 => (node_name(), address()).prop_map(|(name, private)| format!("{name}={private}")),
        1 => name().prop_map(|name| format!("{name}=10.0.9.9")),
        1 => select(["network=public", "network=private", "bootstrap=names", "strict=true", "port=9094"].as_slice())
            .prop_map(str::to_owned),
        1 => select(["region=cn-shanghai", "cluster_id=x%0Ay", "id=1", "port=0", "netwrk=public", "%zz", "=", "a=b#c"].as_slice())
            .prop_map(str::to_owned),
    ];
    let scheme = piece(&["emr://", "EMR://"], &["emr:/", "emr:////", "http://", "emr://u:p@", "emr:"]);
    let id = piece(
        &["48742", "48743", "c-0edfee2cccaecc75", "", "1"],
        &["a b", "a\nb", "[", "cluster-1", "1:2", "é", "%0a"],
    );
    let part = (scheme, id, option::weighted(0.9, release()), vec(parameter, 0..6)).prop_map(
        |(scheme, id, release, parameters)| {
            let release = release.map(|release| format!("release={release}"));
            format!("{scheme}{id}?{}", release.into_iter().chain(parameters).collect::<Vec<_>>().join("&"))
        },
    );
    vec(part, 1..3).prop_map(|parts| parts.join(";"))
}

/// Hosts text of which most lines are right.
fn hosts_like() -> impl Strategy<Value = String> {
    let space = || piece(&[" ", "\t", "  \t "], &["\u{3000}", "\u{A0}", "\u{B}", ""]);
    let names = vec((space(), name()), 1..4);
    let end = piece(&["\n", "\r\n", " # a comment\n", "#\n", "\n\n"], &["", "\0\n", "\r", "\u{85}", " ＃ 注释\n"]);
    let line = prop_oneof![
        12 => (address(), names, end).prop_map(|(address, names, end)| {
            let names: String = names.iter().map(|(space, name)| [*space, *name].concat()).collect();
            [address, &names, end].concat()
        }),
        1 => select(["\n", "# 10.0.1.24 emr-worker-1\n", "10.0.1.24\n", "\u{FEFF}\n", "emr-worker-1 10.0.1.24\n"].as_slice())
            .prop_map(str::to_owned),
    ];
    vec(line, 0..8).prop_map(|lines| lines.concat())
}

/// A key with a value that is spelled alike in TOML and JSON.
type Pair = (&'static str, String);

fn quoted(text: &str) -> String {
    format!("\"{text}\"")
}

fn pair(keys: &'static [&'static str]) -> impl Strategy<Value = Pair> {
    let any_value = select(
        [
            "",
            "\"\"",
            "\"a\\nb\"",
            "0",
            "-1",
            "9092",
            "70000",
            "1e9",
            "99999999999999999999",
            "true",
            "[]",
            "[1]",
            "[\"a\"]",
            "nan",
        ]
        .as_slice(),
    );
    let any_key = select(["netwrk", "a\\nb", "", "nodes", "name", "é"].as_slice());
    prop_oneof![
        120 => select(keys).prop_flat_map(|key| (Just(key), value_of(key))),
        1 => (select(keys), any_value.clone().prop_map(str::to_owned)),
        1 => (any_key, any_value.prop_map(str::to_owned)),
    ]
}

fn value_of(key: &'static str) -> BoxedStrategy<String> {
    let words = |good, bad| piece(good, bad).prop_map(quoted).boxed();
    match key {
        "id" => words(&["48742", "c-0edfee2cccaecc75", "Ab-1"], &["", "cluster-1", "C-1", "c-", "a.b", "a\\nb"]),
        "release" => release().prop_map(quoted).boxed(),
        "network" => words(&["private", "public"], &["", "Public", "internet\\n"]),
        "region" => words(&["cn-shanghai"], &["", "cn shanghai", "\\n"]),
        "bootstrap" => words(&["addresses", "names"], &["ips", ""]),
        "cluster_id" => words(&["AbCdEfGhIjKlMnOpQrStUv", "a\\n\\u0000\\\"b"], &[""]),
        "port" => piece(&["9092", "65535"], &["0", "-1", "65536"]).prop_map(str::to_owned).boxed(),
        "strict" | "broker" => select(["true", "false"].as_slice()).prop_map(str::to_owned).boxed(),
        "name" | "host" => name().prop_map(quoted).boxed(),
        "aliases" => vec(name().prop_map(quoted), 0..3).prop_map(|names| format!("[{}]", names.join(", "))).boxed(),
        "private_ip" | "public_ip" => address().prop_map(quoted).boxed(),
        "role" => words(&["master", "core", "task", "gateway"], &["broker", ""]),
        "connect" => words(
            &["127.0.0.1:19092", "[::1]:19093", "[fe80::1%3]:19094"],
            &["localhost:1", "127.0.0.1:0", "::1:9092", "127.0.0.1:65536"],
        ),
        other => unreachable!("{other} is no key"),
    }
}

/// The pairs of a description, and of each of its nodes.
fn description_like() -> impl Strategy<Value = (Vec<Pair>, Vec<Vec<Pair>>)> {
    const TOP: &[&str] = &["network", "bootstrap", "strict", "port", "cluster_id"];
    const NODE: &[&str] = &["public_ip", "role", "broker", "host", "aliases", "connect"];
    let always = |key| option::weighted(0.95, pair(key));
    let top = (always(&["id"]), always(&["release"]), always(&["region"]), vec(pair(TOP), 0..3))
        .prop_map(|(id, release, region, rest)| unique([id, release, region].into_iter().flatten().chain(rest)));
    let node = (always(&["name"]), always(&["private_ip"]), vec(pair(NODE), 0..3))
        .prop_map(|(name, private, rest)| unique([name, private].into_iter().flatten().chain(rest)));
    (top, vec(node, 0..4))
}

/// Leaves most repeated keys out, which would hide every other mistake.
fn unique(pairs: impl Iterator<Item = Pair>) -> Vec<Pair> {
    let mut seen = BTreeSet::new();
    pairs.filter(|(key, value)| seen.insert(*key) || value.len() == 4).collect()
}

fn as_toml((top, nodes): &(Vec<Pair>, Vec<Vec<Pair>>)) -> String {
    let lines = |pairs: &[Pair]| pairs.iter().map(|(key, value)| format!("\"{key}\" = {value}\n")).collect::<String>();
    let nodes: Vec<String> = nodes.iter().map(|node| format!("[[nodes]]\n{}", lines(node))).collect();
    lines(top) + &nodes.concat()
}

fn as_json((top, nodes): &(Vec<Pair>, Vec<Vec<Pair>>)) -> String {
    let members = |pairs: &[Pair]| pairs.iter().map(|(key, value)| format!("\"{key}\": {value}")).collect::<Vec<_>>();
    let nodes: Vec<String> = nodes.iter().map(|node| format!("{{{}}}", members(node).join(",\n"))).collect();
    let mut top = members(top);
    top.push(format!("\"nodes\": [{}]", nodes.join(",\n")));
    format!("{{{}}}", top.join(",\n"))
}

fn read_every_way(text: &str) {
    checked(text.parse::<EmrVersion>());
    if let Some(cluster) = checked(Cluster::from_toml(text)) {
        use_all(vec![cluster]);
    }
    if let Some(cluster) = checked(Cluster::from_json(text)) {
        use_all(vec![cluster]);
    }
    read_hosts_text(text);
    read_source(text);
}

fn read_hosts_text(text: &str) {
    for network in [Network::Private, Network::Public] {
        if let Some(clusters) = checked(Cluster::from_hosts_text(text, network)) {
            use_all(clusters);
        }
    }
}

fn read_source(text: &str) {
    let Some(mut source) = checked(text.parse::<Source>()) else { return };
    if source.files().next().is_some() {
        return;
    }
    check_line(&source.to_string());
    if let Some(clusters) = checked(source.load()) {
        use_all(clusters);
    }
    for (key, value) in
        [("network", "public"), ("release", "3.9"), ("bootstrap", "names"), ("id", "48742"), ("x", text)]
    {
        checked(source.set(key, value));
        if let Some(clusters) = checked(source.load()) {
            use_all(clusters);
        }
    }
}

#[test]
fn a_name_that_is_accepted_makes_a_long_domain_that_can_be_looked_up() {
    for name in ["emr-worker-1.", "EMR-Worker-1", "core.1", &format!("core-{}", "a".repeat(245))] {
        let mut node = Node::new(name);
        (node.private_ip, node.broker) = (Some([10, 0, 1, 24].into()), Some(true));
        let mut cluster = Cluster::new(EmrVersion::new(3, 10));
        cluster.id = Some("48742".to_owned());
        cluster.nodes.push(node);
        let Some(endpoints) = checked(cluster.endpoints()) else { continue };
        let host = &endpoints.bootstrap()[0].host;
        assert!(!host.contains(".."), "{name}: {host}");
        assert!(matches!(look_up(endpoints.hosts(), host), Lookup::Mapped(_)), "{name}: {host} is not mapped");
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn noise_is_refused_in_one_line(text in noise()) {
        read_every_way(&text);
        read_source(&format!("emr://{text}"));
        read_source(&format!("emr://48742?release=3.11&emr-worker-1=10.0.1.24&{text}"));
    }

    #[test]
    fn releases_are_read_or_refused_in_one_line(text in release_like()) {
        checked(text.parse::<EmrVersion>());
    }

    #[test]
    fn sources_are_read_or_refused_in_one_line(text in source_like()) {
        read_source(&text);
    }

    #[test]
    fn hosts_texts_are_read_or_refused_in_one_line(text in hosts_like()) {
        read_hosts_text(&text);
    }

    #[test]
    fn descriptions_are_read_or_refused_in_one_line(description in description_like(), cut in option::weighted(0.1, any::<Index>())) {
        for mut text in [as_toml(&description), as_json(&description)] {
            if let Some(cut) = cut {
                text = text.chars().take(cut.index(text.len() + 1)).collect();
            }
            read_every_way(&text);
        }
    }
}

#[test]
fn a_megabyte_of_anything_is_read_or_refused_soon() {
    const SIZE: usize = 1 << 20;
    let mut state = 1_u32;
    let mut next = || {
        // xorshift, so that the noise is the same every time.
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state.to_le_bytes()
    };
    let bytes: Vec<u8> = std::iter::repeat_with(&mut next).flatten().take(SIZE).collect();
    let of = |piece: &str| piece.repeat(SIZE / piece.len());
    let printable: String = bytes.iter().map(|byte| char::from(b' ' + byte % 95)).collect();
    let short_lines: String =
        bytes.iter().map(|byte| if byte % 32 == 0 { '\n' } else { char::from(b' ' + byte % 95) }).collect();
    let texts = [
        String::from_utf8_lossy(&bytes).into_owned(),
        printable,
        short_lines,
        of("\n"),
        of("[["),
        of("{\"nodes\":"),
        format!("nodes = {}", of("[")),
        format!("nodes = {}", of("{a=")),
        format!("id = \"{}\"", of("4")),
        format!("id = \"48742\"\n{}", of("# comment\n")),
        of("[[nodes]]\n"),
        of("127.0.0.1 localhost\n"),
        of("emr://?;"),
    ];
    for text in &texts {
        is_soon(text, Duration::from_secs(10), || read_every_way(text));
    }
}

#[test]
fn many_names_of_one_machine_are_read_soon() {
    // A description of this size is read in a fraction of a second, if the names are not all compared with each other.
    const NAMES: usize = 7000;
    let line = |i: usize| format!("10.0.1.24 emr-worker-{i}.cluster-48742\n");
    let same_line = line(1).repeat(NAMES);
    let same_address: String = (1..=NAMES).map(line).collect();
    for text in [&same_line, &same_address] {
        is_soon(text, Duration::from_secs(5), || {
            let clusters = Cluster::from_hosts_text(text, Network::Private).unwrap();
            assert_eq!(clusters[0].nodes.len(), 1);
            Resolver::from_clusters(clusters).unwrap();
        });
    }
    let mut worker = Node::new("emr-worker-1");
    worker.private_ip = Some([10, 0, 1, 24].into());
    worker.aliases = (1..=NAMES).map(|i| format!("alias-{i}")).collect();
    let mut cluster = Cluster::new(EmrVersion::new(3, 11));
    cluster.nodes.push(worker);
    let text = cluster.to_toml().unwrap();
    is_soon(&text, Duration::from_secs(5), || {
        Cluster::from_toml(&text).unwrap().endpoints().unwrap();
    });
}

/// Runs something with a text. The limit is far from what it takes, so that it says how the time grows, and not how fast
/// the machine is.
#[track_caller]
fn is_soon(text: &str, limit: Duration, run: impl FnOnce()) {
    let start = Instant::now();
    run();
    let (head, time): (String, _) = (text.chars().take(30).collect(), start.elapsed());
    assert!(time < limit, "{head:?}… took {time:?}");
}

// Releases.

/// A release in one of the accepted spellings.
fn spelled() -> impl Strategy<Value = ((u32, u32), String)> {
    // Near the release that the rules change with, and where text and numbers order otherwise.
    let major = prop_oneof![8 => 3..=3_u32, 2 => 2..6_u32, 1 => any::<u32>()];
    let minor = prop_oneof![8 => 9..=12_u32, 2 => 99..112_u32, 1 => any::<u32>()];
    let number = any::<u32>;
    let product = select(["", "EMR-", "EMR ", "E-MapReduce-", "E-MapReduce   "].as_slice());
    let patch = prop_oneof![
        Just(String::new()),
        Just(".x".to_owned()),
        number().prop_map(|patch| format!(".{patch}")),
        (number(), "[a-z0-9]{1,4}").prop_map(|(patch, suffix)| format!(".{patch}_{suffix}")),
    ];
    (product, select(["", "V"].as_slice()), major, minor, patch, any::<u64>()).prop_map(
        |(product, v, major, minor, patch, case)| {
            ((major, minor), mixed_case(&format!("{product}{v}{major}.{minor}{patch}"), case))
        },
    )
}

/// Makes the letters upper or lower case, as the bits say.
fn mixed_case(text: &str, bits: u64) -> String {
    let case = |(i, c): (usize, char)| match bits >> (i % 64) & 1 {
        0 => c.to_ascii_lowercase(),
        _ => c.to_ascii_uppercase(),
    };
    text.chars().enumerate().map(case).collect()
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn releases_order_by_major_and_minor(a in spelled(), b in spelled()) {
        let parse = |text: &str| text.parse::<EmrVersion>().unwrap();
        let (first, second) = (parse(&a.1), parse(&b.1));
        prop_assert_eq!((first.major(), first.minor()), a.0);
        prop_assert_eq!(first.to_string(), a.1);
        prop_assert_eq!(first.cmp(&second), a.0.cmp(&b.0));
        prop_assert_eq!(first == second, a.0 == b.0);
    }
}

// Descriptions that are right, with what the version rules say of them.

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
    ("N.rack-a", "N.rack-a", None),
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
