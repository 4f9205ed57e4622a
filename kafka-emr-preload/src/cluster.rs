//! The clusters that the environment names.

use std::sync::OnceLock;

use kafka_emr_core::{Error, Resolver, Source};
use kafka_emr_hook::{start_logging, variable};

/// Returns the resolver of this process; `None` where no cluster is named, or where it cannot be opened, which one line says.
/// Then everything is passed on: a program has other names to resolve as well.
pub(crate) fn resolver() -> Option<&'static Resolver> {
    static RESOLVER: OnceLock<Option<Resolver>> = OnceLock::new();
    RESOLVER
        .get_or_init(|| {
            let source = variable(c"KAFKA_EMR_CLUSTER")?;
            start_logging();
            open(&source).inspect_err(|error| log::error!("KAFKA_EMR_CLUSTER: {error}; no name is mapped")).ok()
        })
        .as_ref()
}

fn open(source: &str) -> Result<Resolver, Error> {
    let mut source: Source = source.parse()?;
    if let Some(network) = variable(c"KAFKA_EMR_NETWORK") {
        source.set("network", &network)?;
    }
    Resolver::from_source(source)
}
