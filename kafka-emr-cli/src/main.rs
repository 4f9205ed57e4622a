//! `kafka-emr`: shows and checks how clients reach an Alibaba Cloud EMR Kafka cluster.
//!
//! One module per verb: [`demo`], [`bootstrap`], [`endpoints`], [`resolve`], [`doctor`], [`hosts`], [`import`], [`exec`], [`completions`],
//! [`man`]. Each makes a report, which [`output`] prints as text or as JSON. Results go to standard output, everything else
//! to standard error. The exit status is 0 when all is fine, 1 when the check found a problem, 2 for bad usage,
//! bad input, or what could not be checked.

#![forbid(unsafe_code)]

mod bootstrap;
mod completions;
mod demo;
mod description;
mod doctor;
mod endpoints;
mod exec;
mod hosts;
mod import;
mod library;
mod logging;
mod man;
mod output;
mod progress;
mod resolve;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use output::Outcome;

/// Endpoints and long domains of Alibaba Cloud EMR Kafka clusters.
#[derive(Parser)]
#[command(name = "kafka-emr", version = version(), long_version = long_version(), subcommand_required = true, arg_required_else_help = true)]
#[command(disable_help_subcommand = true, after_long_help = HELP)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

const HELP: &str = "\
SOURCE is where the cluster description is:
  prod.toml
      a file in TOML, JSON or hosts text
  'emr:///etc/kafka-emr/prod.toml?network=public'
      a file, with top-level keys overridden
  'emr://48742?release=EMR-3.10.1&emr-worker-1=10.0.1.24/203.0.113.24'
      everything inline; a node is NAME=PRIVATE[/PUBLIC]
  'a.toml;b.toml'
      several clusters

Environment:
  KAFKA_EMR_CLUSTER  the SOURCE, for bootstrap, endpoints, doctor, hosts, exec
  KAFKA_EMR_NETWORK  private or public, instead of a file's network; --network
                     and network=… in the SOURCE come first (not for import)
  KAFKA_EMR_LOG      off, error, warn (default), info, debug: standard error
  NO_COLOR           no colours, where it is not empty

Exit status: 0 fine, 1 the check found a problem, 2 bad usage, bad input, or
something could not be checked";

#[derive(Subcommand)]
enum Verb {
    Demo(demo::Args),
    Bootstrap(bootstrap::Args),
    Endpoints(endpoints::Args),
    Resolve(resolve::Args),
    Doctor(doctor::Args),
    Hosts(hosts::Args),
    Import(import::Args),
    Exec(exec::Args),
    Completions(completions::Args),
    Man(man::Args),
}

/// This command's version, and that of the librdkafka in it.
fn version() -> &'static str {
    let (_, librdkafka) = kafka_emr_rs::rdkafka::util::get_rdkafka_version();
    // Once, for as long as the command runs.
    format!("{} (librdkafka {librdkafka})", env!("CARGO_PKG_VERSION")).leak()
}

/// The same, with what librdkafka is built with.
fn long_version() -> &'static str {
    let kerberos = if kafka_emr_doctor::has_kerberos() { "with" } else { "without" };
    let features = kafka_emr_doctor::librdkafka_features().join(" ");
    format!("{}\n{kerberos} Kerberos\nlibrdkafka has {features}", version()).leak()
}

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(answer) => return output::usage(&answer),
    };
    let logging = match cli.verb {
        Verb::Exec(_) => logging::start_for_programs(),
        _ => logging::start(),
    };
    match logging.and_then(|()| run(cli.verb)) {
        Ok(outcome) => outcome.into(),
        Err(error) => output::bad_input(&error.to_string()),
    }
}

fn run(verb: Verb) -> Result<Outcome, Box<dyn std::error::Error>> {
    match verb {
        Verb::Demo(args) => demo::run(&args),
        Verb::Bootstrap(args) => bootstrap::run(&args),
        Verb::Endpoints(args) => endpoints::run(&args),
        Verb::Resolve(args) => resolve::run(&args),
        Verb::Doctor(args) => doctor::run(&args),
        Verb::Hosts(args) => hosts::run(&args),
        Verb::Import(args) => import::run(&args),
        Verb::Exec(args) => exec::run(&args),
        Verb::Completions(args) => completions::run(&args),
        Verb::Man(args) => man::run(&args),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        super::Cli::command().debug_assert();
    }
}
