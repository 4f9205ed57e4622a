//! `kafka-emr bootstrap`: the value for `bootstrap.servers`.

use std::error::Error;

use serde::Serialize;

use crate::description::Description;
use crate::output::{self, Outcome, Page, Report};

/// Print the value for bootstrap.servers, alone on one line
#[derive(clap::Args)]
#[command(after_long_help = HELP)]
pub(crate) struct Args {
    #[command(flatten)]
    description: Description,
}

const HELP: &str = "\
Examples:
  kafka-emr bootstrap prod.toml
  kafka-emr bootstrap prod.toml --network public --bootstrap names
  kafka-emr resolve prod.toml \"$(kafka-emr bootstrap prod.toml)\"

JSON, one object:
  bootstrap_servers  the value
  release            the EMR release as it is written; null for hosts text
  network            \"private\" or \"public\"
  rule               the version rule, such as \"R1\"
  reason             why, in one sentence
  broker_setting     what the brokers must have set to answer there, or null

A source of several clusters has no single value: that is an error.";

#[derive(Serialize)]
struct Bootstrap {
    bootstrap_servers: String,
    release: Option<String>,
    network: String,
    rule: &'static str,
    reason: &'static str,
    broker_setting: Option<&'static str>,
}

impl Report for Bootstrap {
    fn text(&self, _: &Page) -> String {
        format!("{}\n", self.bootstrap_servers)
    }
}

pub(crate) fn run(args: &Args) -> Result<Outcome, Box<dyn Error>> {
    let resolver = args.description.open()?;
    let bootstrap_servers = resolver.bootstrap_servers()?;
    let clusters = resolver.clusters();
    let cluster = &clusters[0];
    let rule = cluster.rule();
    let report = Bootstrap {
        bootstrap_servers,
        release: cluster.release().map(ToString::to_string),
        network: cluster.network().to_string(),
        rule: rule.name,
        reason: rule.reason,
        broker_setting: rule.requirement,
    };
    output::print(&report, args.description.json)?;
    Ok(Outcome::Fine)
}
