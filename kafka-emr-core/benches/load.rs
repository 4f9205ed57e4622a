//! How long it takes from a description to a resolver that answers.

use std::fmt::Write;
use std::net::Ipv4Addr;

use divan::counter::BytesCount;
use divan::{Bencher, black_box};
use kafka_emr_core::{Cluster, EmrVersion, Network, Node, Resolver};

const NODES: [u32; 2] = [1_000, 10_000];

fn main() {
    divan::main();
}

#[divan::bench(args = NODES)]
fn toml(bencher: Bencher<'_, '_>, nodes: u32) {
    load(bencher, &cluster(nodes).to_toml().unwrap(), |text| vec![Cluster::from_toml(text).unwrap()]);
}

#[divan::bench(args = NODES)]
fn json(bencher: Bencher<'_, '_>, nodes: u32) {
    load(bencher, &cluster(nodes).to_json().unwrap(), |text| vec![Cluster::from_json(text).unwrap()]);
}

#[divan::bench(args = NODES)]
fn hosts_text(bencher: Bencher<'_, '_>, nodes: u32) {
    let cluster = cluster(nodes);
    let mut text = String::new();
    for node in &cluster.nodes {
        let (ip, long_domain) = (node.private_ip.unwrap(), cluster.long_domain(node).unwrap());
        writeln!(text, "{ip} {long_domain} {}", node.name).unwrap();
    }
    load(bencher, &text, |text| Cluster::from_hosts_text(text, Network::Private).unwrap());
}

fn load(bencher: Bencher<'_, '_>, text: &str, read: impl Fn(&str) -> Vec<Cluster> + Sync) {
    bencher.counter(BytesCount::of_str(text)).bench(|| Resolver::from_clusters(read(black_box(text))).unwrap());
}

fn cluster(nodes: u32) -> Cluster {
    let mut cluster = Cluster::new(EmrVersion::new(3, 10));
    cluster.id = Some("48742".to_owned());
    for i in 1..=nodes {
        let mut node = Node::new(format!("emr-worker-{i}"));
        node.private_ip = Some(Ipv4Addr::from_bits(0x0A00_0000 + i).into());
        node.public_ip = Some(Ipv4Addr::from_bits(0xCB00_0000 + i).into());
        cluster.nodes.push(node);
    }
    cluster
}
