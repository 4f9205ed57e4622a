//! How long it takes from a text to a resolver that answers.

use std::fmt::Write;
use std::net::Ipv4Addr;

use divan::counter::BytesCount;
use divan::{Bencher, black_box};
use kafka_emr_core::{Cluster, Description, EmrVersion, Network, NodeDescription, Resolver};

const NODES: [u32; 2] = [1_000, 10_000];

fn main() {
    divan::main();
}

#[divan::bench(args = NODES)]
fn toml(bencher: Bencher<'_, '_>, nodes: u32) {
    load(bencher, &description(nodes).to_toml().unwrap(), |text| vec![Description::from_toml(text).unwrap()]);
}

#[divan::bench(args = NODES)]
fn json(bencher: Bencher<'_, '_>, nodes: u32) {
    load(bencher, &description(nodes).to_json().unwrap(), |text| vec![Description::from_json(text).unwrap()]);
}

#[divan::bench(args = NODES)]
fn hosts_text(bencher: Bencher<'_, '_>, nodes: u32) {
    let cluster = Cluster::new(description(nodes)).unwrap();
    let mut text = String::new();
    for node in cluster.nodes() {
        let (ip, long_domain) = (node.private_ip().unwrap(), node.long_domain().unwrap());
        writeln!(text, "{ip} {long_domain} {}", node.name()).unwrap();
    }
    load(bencher, &text, |text| Description::from_hosts_text(text, Network::Private).unwrap());
}

/// What follows on reading a text: the checks, and the index of names.
#[divan::bench(args = NODES)]
fn cluster(bencher: Bencher<'_, '_>, nodes: u32) {
    let description = description(nodes);
    bencher.with_inputs(|| description.clone()).bench_values(|description| Cluster::new(description).unwrap());
}

fn load(bencher: Bencher<'_, '_>, text: &str, read: impl Fn(&str) -> Vec<Description> + Sync) {
    bencher.counter(BytesCount::of_str(text)).bench(|| {
        let clusters = read(black_box(text)).into_iter().map(|description| Cluster::new(description).unwrap());
        Resolver::from_clusters(clusters).unwrap()
    });
}

fn description(nodes: u32) -> Description {
    let mut description = Description::new(EmrVersion::new(3, 10));
    description.settings.id = Some("48742".to_owned());
    for i in 1..=nodes {
        let mut node = NodeDescription::new(format!("emr-worker-{i}"));
        node.private_ip = Some(Ipv4Addr::from_bits(0x0A00_0000 + i).into());
        node.public_ip = Some(Ipv4Addr::from_bits(0xCB00_0000 + i).into());
        description.nodes.push(node);
    }
    description
}
