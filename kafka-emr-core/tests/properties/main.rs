//! What holds for every input: nothing panics, every error is one line, and what a description says is what a lookup
//! answers.
//!
//! No property opens a file: of the sources only those are loaded that have everything inline.

mod described;
mod releases;
mod texts;

use std::net::SocketAddr;

use kafka_emr_core::{Cluster, EmrVersion, Error, Family, Hosts, Lookup, Resolver};
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
        checked(resolver.bootstrap_servers_for(Some("ssl"), None));
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
