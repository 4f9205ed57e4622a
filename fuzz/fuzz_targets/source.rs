//! A source with everything inline: nothing panics, and errors are one line. Files are never opened.

#![no_main]

use kafka_emr_core::{Error, Overrides, Resolver, Source};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let text = &format!("emr://{text}");
    let Some(source) = one_line(text.parse::<Source>()) else { return };
    if source.files().next().is_some() {
        return;
    }
    one_line(source.load());
    if let Some(resolver) = one_line(Resolver::from_source(source.clone())) {
        one_line(resolver.bootstrap_servers());
        one_line(resolver.client_bootstrap_servers(Some("ssl"), None));
    }
    let mut overrides = Overrides::default();
    for (key, value) in [("network", "public"), ("release", "3.9"), ("bootstrap", "names"), ("id", text), (text, "1")] {
        one_line(overrides.set(key, value));
        one_line(source.clone().with(&overrides).load());
    }
});

fn one_line<T>(result: Result<T, Error>) -> Option<T> {
    let error = match result {
        Ok(value) => return Some(value),
        Err(error) => error.to_string(),
    };
    assert!(!error.is_empty() && !error.contains(['\n', '\r']), "{error:?}");
    None
}
