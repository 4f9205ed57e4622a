//! What all verbs over a cluster description take: where it is, and what overrides it.

use std::error::Error;

use kafka_emr_core::{Resolver, Source};

const NETWORK_VARIABLE: &str = "KAFKA_EMR_NETWORK";

/// The source, for verbs that take nothing else.
#[derive(Clone, clap::Args)]
pub(crate) struct Description {
    /// Where the cluster description is; see `kafka-emr --help` for its forms
    #[arg(env = "KAFKA_EMR_CLUSTER", hide_env_values = true)]
    source: String,
    #[command(flatten)]
    overrides: Overrides,
    /// Print one JSON object instead
    #[arg(long)]
    pub(crate) json: bool,
}

impl Description {
    /// Opens the source.
    pub(crate) fn open(&self) -> Result<Resolver, Box<dyn Error>> {
        self.overrides.open(&self.source)
    }
}

/// The options that override a description.
#[derive(Clone, clap::Args)]
pub(crate) struct Overrides {
    /// From where the client comes, instead of what the description says [env: KAFKA_EMR_NETWORK]
    #[arg(long, value_parser = ["private", "public"])]
    network: Option<String>,
    /// How brokers are listed in bootstrap.servers, instead of what the description or the rule says
    #[arg(long, value_parser = ["addresses", "names"])]
    bootstrap: Option<String>,
    /// Fail at once for names under the cluster's domain that no node has
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_parser = ["true", "false"])]
    strict: Option<String>,
}

impl Overrides {
    /// Opens a source with the overrides.
    pub(crate) fn open(&self, source: &str) -> Result<Resolver, Box<dyn Error>> {
        Ok(Resolver::from_source(self.source(source)?)?)
    }

    /// Reads a source, with the overrides.
    pub(crate) fn source(&self, source: &str) -> Result<Source, Box<dyn Error>> {
        let mut overrides = kafka_emr_core::Overrides::default();
        let options = [("network", &self.network), ("bootstrap", &self.bootstrap), ("strict", &self.strict)];
        for (key, value) in options {
            if let Some(value) = value {
                overrides.set(key, value)?;
            }
        }
        // Nearest first: an option, the source's own parameters, the environment, and then the file.
        let mut environment = kafka_emr_core::Overrides::default();
        if self.network.is_none()
            && let Some(network) = std::env::var_os(NETWORK_VARIABLE).filter(|network| !network.is_empty())
        {
            environment.set("network", &network.to_string_lossy()).map_err(|e| format!("{NETWORK_VARIABLE}: {e}"))?;
        }
        Ok(source.parse::<Source>()?.with_defaults(&environment).with(&overrides))
    }
}
