//! How much memory a resolver of many nodes takes, and how much more it takes to read its description. Counting allocations costs
//! time, so the times of this one mean nothing: `load` has those.

use std::net::Ipv4Addr;

use divan::{AllocProfiler, Bencher, black_box};
use kafka_emr_core::{Cluster, Description, EmrVersion, NodeDescription, Resolver};

#[global_allocator]
static ALLOC: AllocProfiler = AllocProfiler::system();

fn main() {
    divan::main();
}

#[divan::bench(args = [1_000, 10_000], sample_count = 3)]
fn toml(bencher: Bencher<'_, '_>, nodes: u32) {
    let text = description(nodes).to_toml().unwrap();
    bencher.bench(|| resolver(Description::from_toml(black_box(&text)).unwrap()));
}

#[divan::bench(args = [1_000, 10_000], sample_count = 3)]
fn json(bencher: Bencher<'_, '_>, nodes: u32) {
    let text = description(nodes).to_json().unwrap();
    bencher.bench(|| resolver(Description::from_json(black_box(&text)).unwrap()));
}

fn resolver(description: Description) -> Resolver {
    Resolver::from_clusters([Cluster::new(description).unwrap()]).unwrap()
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
