//! A description in TOML, JSON or hosts text: nothing panics, errors are one line, and what is written is read again.

#![no_main]

use kafka_emr_core::{Cluster, Error, Family, Network, Resolver};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let first = text.lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with('#'));
    match first {
        Some(line) if line.starts_with('{') => {
            check(Cluster::from_json(text).map(|cluster| vec![cluster]));
        }
        Some(line) if line.starts_with('[') || line.contains('=') => {
            check(Cluster::from_toml(text).map(|cluster| vec![cluster]));
        }
        _ => {
            check(Cluster::from_hosts_text(text, Network::Private));
            check(Cluster::from_hosts_text(text, Network::Public));
        }
    }
});

fn check(clusters: Result<Vec<Cluster>, Error>) {
    let Some(clusters) = one_line(clusters) else { return };
    for cluster in &clusters {
        if let Some(text) = one_line(cluster.to_toml()) {
            assert_eq!(&Cluster::from_toml(&text).unwrap(), cluster);
        }
        if let Some(text) = one_line(cluster.to_json()) {
            assert_eq!(&Cluster::from_json(&text).unwrap(), cluster);
        }
        if let Some(endpoints) = one_line(cluster.endpoints()) {
            for name in cluster.nodes.iter().flat_map(|node| cluster.names(node)) {
                let _ = endpoints.hosts().explain(&name, 9092, Family::Any);
            }
        }
    }
    if let Some(resolver) = one_line(Resolver::from_clusters(clusters)) {
        one_line(resolver.bootstrap_servers());
        one_line(resolver.bootstrap_servers_for(Some("ssl"), None));
    }
}

fn one_line<T>(result: Result<T, Error>) -> Option<T> {
    let error = match result {
        Ok(value) => return Some(value),
        Err(error) => error.to_string(),
    };
    assert!(!error.is_empty() && !error.contains(['\n', '\r']), "{error:?}");
    None
}
