//! Any host, asked of fixed resolvers: nothing panics, case and a trailing dot do not matter, and the explanation agrees.

#![no_main]

use std::sync::LazyLock;

use kafka_emr_core::{Family, Lookup, Resolver};
use libfuzzer_sys::fuzz_target;

static RESOLVERS: LazyLock<Vec<Resolver>> = LazyLock::new(|| {
    let old = "emr://48742?release=3.10&network=public&emr-worker-1=10.0.1.24/203.0.113.24&emr-header-1=10.0.1.23";
    let new = "emr://c-0edf?release=5.8&region=cn-shanghai&strict=true&core1-1=10.0.2.24&core1-2=fd00::25";
    [old.to_owned(), new.to_owned(), format!("{old};{new}")]
        .iter()
        .map(|source| Resolver::open(source).unwrap())
        .collect()
});

fuzz_target!(|input: (u16, &str)| {
    let (port, host) = input;
    for resolver in &*RESOLVERS {
        for family in [Family::Any, Family::V4, Family::V6] {
            let lookup = resolver.lookup(host, port, family);
            if let Lookup::Mapped(addresses) = &lookup {
                assert!(!addresses.is_empty() && addresses.iter().all(|address| address.port() == port));
            }
            assert_eq!(resolver.explain(host, port, family).lookup, lookup);
            assert_eq!(resolver.lookup(&host.to_ascii_uppercase(), port, family), lookup);
            assert_eq!(resolver.lookup(&host.to_ascii_lowercase(), port, family), lookup);
            if !host.ends_with('.') {
                assert_eq!(resolver.lookup(&format!("{host}."), port, family), lookup);
            }
        }
    }
});
