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
            let lookup = resolver.lookup(host, family);
            if let Lookup::Mapped(dial) = &lookup {
                assert!(dial.socket_addrs(port).count() > 0 && dial.socket_addrs(port).all(|to| to.port() == port));
            }
            let (in_program, _) = resolver.lookup_in_program(host, family);
            assert!(in_program == lookup || in_program == Lookup::System);
            assert_eq!(resolver.explain(host, family).lookup, lookup);
            assert_eq!(resolver.lookup(&host.to_ascii_uppercase(), family), lookup);
            assert_eq!(resolver.lookup(&host.to_ascii_lowercase(), family), lookup);
            if !host.ends_with('.') {
                assert_eq!(resolver.lookup(&format!("{host}."), family), lookup);
            }
        }
    }
});
