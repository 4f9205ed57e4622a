//! A description in TOML, JSON or hosts text: nothing panics, errors are one line, and what is written is read again.

#![no_main]

use kafka_emr_core::{Cluster, Description, Error, Family, Format, Network, Resolver};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| match Format::of_content(text) {
    Format::Json => check(Description::from_json(text).map(|description| vec![description])),
    Format::Toml => check(Description::from_toml(text).map(|description| vec![description])),
    Format::HostsText => {
        check(Description::from_hosts_text(text, Network::Private));
        check(Description::from_hosts_text(text, Network::Public));
    }
});

fn check(descriptions: Result<Vec<Description>, Error>) {
    let Some(descriptions) = one_line(descriptions) else { return };
    for description in &descriptions {
        if let Some(text) = one_line(description.to_toml()) {
            assert_eq!(&Description::from_toml(&text).unwrap(), description);
        }
        if let Some(text) = one_line(description.to_json()) {
            assert_eq!(&Description::from_json(&text).unwrap(), description);
        }
    }
    let clusters: Vec<Cluster> =
        descriptions.into_iter().filter_map(|description| one_line(Cluster::new(description))).collect();
    for cluster in &clusters {
        let endpoints = cluster.endpoints();
        for name in cluster.nodes().iter().flat_map(|node| cluster.names(node)) {
            let _ = endpoints.hosts().explain(&name, Family::Any);
        }
    }
    if let Some(resolver) = one_line(Resolver::from_clusters(clusters)) {
        one_line(resolver.bootstrap_servers());
        one_line(resolver.client_bootstrap_servers(Some("ssl"), None));
        let _ = (resolver.overviews(), resolver.status());
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
