//! What holds for every input: nothing panics, every error is one line, and what a description says is what a lookup
//! answers.
//!
//! No property opens a file: of the sources only those are loaded that have everything inline.

mod described;
mod releases;
mod texts;

use std::net::SocketAddr;

use kafka_emr_core::{Cluster, Description, Dial, Error, Family, Hosts, Lookup, Reach, Resolver};
use proptest::prelude::*;

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

/// Calls everything that there is to call with descriptions that were read from somewhere.
#[track_caller]
fn use_all(descriptions: Vec<Description>) {
    for description in &descriptions {
        // What cannot be written is a hosts text's: no release, or names of no node.
        match checked(description.to_toml()) {
            Some(text) => assert_eq!(&Description::from_toml(&text).unwrap(), description),
            None => assert!(description.settings.release.is_none() || !description.plain_hosts.is_empty()),
        }
        if let Some(text) = checked(description.to_json()) {
            assert_eq!(&Description::from_json(&text).unwrap(), description);
        }
    }
    let clusters: Vec<Cluster> = descriptions.into_iter().filter_map(|d| checked(Cluster::new(d))).collect();
    for cluster in &clusters {
        check_line(cluster.title());
        let endpoints = cluster.endpoints();
        check_line(&endpoints.bootstrap_servers());
        for node in cluster.nodes() {
            for name in cluster.names(node) {
                look_up(endpoints.hosts(), &name);
            }
        }
        assert_eq!(&Cluster::new(cluster.description()).unwrap(), cluster);
    }
    if let Some(resolver) = checked(Resolver::from_clusters(clusters)) {
        checked(resolver.bootstrap_servers());
        checked(resolver.client_bootstrap_servers(Some("ssl"), None));
        let _ = resolver.lookup("emr-worker-1.cluster-48742", Family::Any);
        let _ = (resolver.overviews(), resolver.status());
    }
}

/// Looks a host up in every way, and returns what it leads to.
#[track_caller]
fn look_up(hosts: &Hosts, host: &str) -> Lookup {
    let answer = hosts.lookup(host, Family::Any);
    for family in [Family::Any, Family::V4, Family::V6] {
        let lookup = hosts.lookup(host, family);
        assert_eq!(hosts.explain(host, family).lookup, lookup, "explained otherwise");
        if let Lookup::Mapped(dial) = &lookup {
            let addresses = |dial: &Dial| dial.socket_addrs(9092).collect::<Vec<_>>();
            let all = if let Lookup::Mapped(all) = &answer { addresses(all) } else { Vec::new() };
            let fits = |a: &&SocketAddr| family == Family::Any || a.is_ipv4() == (family == Family::V4);
            let addresses = addresses(dial);
            assert!(!addresses.is_empty());
            assert!(addresses.iter().eq(all.iter().filter(fits)), "{family:?}: {addresses:?} of {all:?}");
        }
        // A whole program has no other answer than a client, or none.
        let in_program = hosts.lookup_for(Reach::Program, host, family);
        assert!(in_program == lookup || in_program == Lookup::System, "{in_program:?} and {lookup:?}");
    }
    assert_eq!(hosts.lookup(&host.to_ascii_uppercase(), Family::Any), answer, "in upper case");
    assert_eq!(hosts.lookup(&host.to_ascii_lowercase(), Family::Any), answer, "in lower case");
    if !host.ends_with('.') {
        assert_eq!(hosts.lookup(&format!("{host}."), Family::Any), answer, "with a dot at the end");
    }
    answer
}
