//! What a configuration says of its cluster, and what follows from it. Knows no librdkafka.

use std::collections::BTreeMap;

use kafka_emr_core::{ErrorKind, Overrides, Source};
use kafka_emr_hook::{Hook, variable};

use crate::shared;

/// The plugin's own properties beside `emr.cluster`, each with the key of a description that it overrides.
pub(crate) const OVERRIDES: [(&str, &str); 3] =
    [("emr.network", "network"), ("emr.bootstrap", "bootstrap"), ("emr.strict", "strict")];

/// The variable that names a source where no property does.
const ENVIRONMENT: &str = "KAFKA_EMR_CLUSTER";

/// What to do when no cluster is named.
pub(crate) const NO_SOURCE: &str = "no cluster is named: set emr.cluster to a description (a path, or emr://…), or \
                                    bootstrap.servers to emr://…, or KAFKA_EMR_CLUSTER in the environment";

/// The source that the environment names.
fn of_environment() -> Option<(&'static str, String)> {
    variable(c"KAFKA_EMR_CLUSTER").map(|source| (ENVIRONMENT, source))
}

/// What is known so far. Properties come in any order, so nothing is final before a client is made.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// The source, and the property that gave it.
    source: Option<(&'static str, String)>,
    /// Keys of the description with their values.
    overrides: BTreeMap<&'static str, String>,
    /// The network that the environment names, for want of `emr.network`.
    environments_network: Option<String>,
    /// Whether the program has its own `bootstrap.servers`.
    pub(crate) own_servers: bool,
    pub(crate) security_protocol: Option<String>,
    pub(crate) sasl_mechanism: Option<String>,
    /// What the cluster is by all this; `Err` says what is missing still.
    pub(crate) cluster: Result<Hook, String>,
}

impl Settings {
    /// Nothing is known yet.
    pub(crate) fn new() -> Self {
        Settings {
            source: None,
            overrides: BTreeMap::new(),
            environments_network: None,
            own_servers: false,
            security_protocol: None,
            sasl_mechanism: None,
            cluster: Err(NO_SOURCE.to_owned()),
        }
    }

    /// Takes what the environment says, which properties may override yet: what is wrong with it is no error before a client
    /// is made.
    pub(crate) fn set_environment(&mut self) {
        self.environments_network = variable(c"KAFKA_EMR_NETWORK");
        self.source = of_environment();
        if let Err(why) = self.resolve() {
            self.fail(&why);
        }
    }

    /// Gives up: no client made of this configuration has a cluster.
    pub(crate) fn fail(&mut self, why: &str) {
        self.cluster = Err(why.to_owned());
    }

    /// Names the source, by `emr.cluster` or `bootstrap.servers`; `None` takes it back.
    pub(crate) fn set_source(&mut self, property: &'static str, source: Option<&str>) -> Result<(), String> {
        if let (Some((other, known)), Some(new)) = (&self.source, source)
            && *other != property
            && *other != ENVIRONMENT
            && known != new
        {
            return Err(format!("{property} and {other} name two sources; set one of them"));
        }
        match source {
            Some(source) => self.source = Some((property, source.to_owned())),
            // Its own only: then the environment's counts again.
            None if self.source.as_ref().is_some_and(|(known, _)| *known == property) => self.source = of_environment(),
            None => {}
        }
        self.resolve()
    }

    /// Overrides a key of the description; `None` takes it back.
    pub(crate) fn set_override(&mut self, key: &'static str, value: Option<&str>) -> Result<(), String> {
        match value {
            Some(value) => self.overrides.insert(key, value.to_owned()),
            None => self.overrides.remove(key),
        };
        self.resolve()
    }

    /// Finds out the cluster. Fails where no later property could mend what is wrong.
    fn resolve(&mut self) -> Result<(), String> {
        check(&self.overrides)?;
        let overrides = self.all_overrides();
        let Some((property, text)) = &self.source else {
            self.fail(NO_SOURCE);
            return Ok(());
        };
        if let Err(why) = check(&overrides) {
            let why = format!("KAFKA_EMR_NETWORK: {why}; correct or unset it, or set emr.network");
            self.fail(&why);
            return Ok(());
        }
        match source(text, &overrides).and_then(|source| Ok(shared::hook(&source)?)) {
            Ok(hook) => self.cluster = Ok(hook),
            Err(why) if *property == ENVIRONMENT => {
                let why = format!("{ENVIRONMENT}: {why}; correct or unset it, or set emr.cluster");
                self.fail(&why);
            }
            Err(why) => {
                let why = format!("{property}: {why}");
                if !self.another_network_may_do(text, overrides) {
                    return Err(why);
                }
                self.fail(&why);
            }
        }
        Ok(())
    }

    fn all_overrides(&self) -> BTreeMap<&'static str, String> {
        let mut all = self.overrides.clone();
        if let Some(network) = &self.environments_network {
            all.entry("network").or_insert_with(|| network.clone());
        }
        all
    }

    /// Whether nodes lack their addresses on this network only, and `emr.network` may come yet.
    fn another_network_may_do(&self, text: &str, mut overrides: BTreeMap<&'static str, String>) -> bool {
        let lacks_addresses = |overrides: &BTreeMap<_, _>| {
            let clusters = source(text, overrides).map(|source| source.load());
            matches!(clusters, Ok(Err(error)) if error.kind() == ErrorKind::Address)
        };
        !self.overrides.contains_key("network")
            && lacks_addresses(&overrides)
            && ["private", "public"].iter().any(|network| {
                overrides.insert("network", (*network).to_owned());
                !lacks_addresses(&overrides)
            })
    }

    /// The servers to fill in where the program has none of its own.
    pub(crate) fn servers(&self) -> Result<String, String> {
        let resolver = self.cluster.as_ref().map_err(Clone::clone)?.resolver();
        let (protocol, mechanism) = (self.security_protocol.as_deref(), self.sasl_mechanism.as_deref());
        resolver.client_bootstrap_servers(protocol, mechanism).map_err(|error| error.to_string())
    }
}

/// A source with what overrides its descriptions.
fn source(text: &str, overrides: &BTreeMap<&'static str, String>) -> Result<Source, String> {
    let source: Source = text.parse().map_err(|error: kafka_emr_core::Error| format!("{error:#}"))?;
    Ok(source.with(&check(overrides)?))
}

/// Says at once what is wrong with an override, also before the source is known.
fn check(overrides: &BTreeMap<&'static str, String>) -> Result<Overrides, String> {
    let mut checked = Overrides::default();
    for (key, value) in overrides {
        checked.set(key, value).map_err(|error| format!("{error:#}"))?;
    }
    Ok(checked)
}
