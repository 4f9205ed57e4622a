//! `kafka-emr exec --print`: what gives the clusters' names to programs that others start.

use std::error::Error;
use std::ffi::OsString;

use clap::ValueEnum;
use kafka_emr_core::Source;
use serde_json::{Map, Value};

use super::environment::{Environment, Variable};
use super::pod;
use crate::output::{self, Outcome};

/// A reader.
#[derive(Clone, Copy, ValueEnum)]
pub(super) enum Format {
    /// A POSIX shell: lines for eval, or for a file that is sourced
    Sh,
    /// A systemd unit: Environment= lines
    Systemd,
    /// spark-submit: the executors' environment
    Spark,
    /// Flink's clients for YARN and Kubernetes: the containers' environment
    Flink,
    /// A Deployment of Kubernetes: a patch, by which the container runs CMD
    K8s,
    /// One JSON object: the environment
    Json,
}

/// Prints the environment, without what the caller has in its own: the libraries of its LD_PRELOAD, say, are for this
/// machine.
pub(super) fn print(
    format: Format,
    source: &Source,
    command: &[OsString],
    environment: impl FnOnce() -> Result<Environment, Box<dyn Error>>,
) -> Result<Outcome, Box<dyn Error>> {
    let lines = match format {
        Format::K8s => {
            output::write(&pod::patch(source, command)?)?;
            return Ok(Outcome::Fine);
        }
        Format::Sh => sh,
        Format::Systemd => systemd,
        Format::Spark => spark,
        Format::Flink => flink,
        Format::Json => json,
    };
    if !command.is_empty() {
        return Err("--print runs no program, and only k8s prints one: leave out `--` and what follows it".into());
    }
    let environment = environment()?;
    let text = |variable: &Variable| match variable.value.to_str() {
        Some(value) => Ok((variable.name, value.to_owned(), variable.is_list)),
        None => Err(format!("{}: a path that is not UTF-8 cannot be printed", variable.value.display())),
    };
    let variables: Vec<_> = environment.variables().iter().map(text).collect::<Result<_, _>>()?;
    output::write(&lines(&variables))?;
    Ok(Outcome::Fine)
}

/// Name, value, and whether what a program has there already follows it.
type Text = (&'static str, String, bool);

/// What the shell has in a list is known only where the lines are read, and stays.
fn sh(variables: &[Text]) -> String {
    let lines = variables.iter().map(|(name, value, is_list)| {
        let value = format!("'{}'", value.replace('\'', r"'\''"));
        let rest = if *is_list { format!("${{{name}:+:${name}}}") } else { String::new() };
        format!("{name}={value}{rest}; export {name}\n")
    });
    // It is in the source.
    lines.chain(["unset KAFKA_EMR_NETWORK\n".to_owned()]).collect()
}

/// In double quotes. systemd expands `%` there, and not `$`.
fn systemd(variables: &[Text]) -> String {
    let quoted = |value: &str| value.replace('\\', r"\\").replace('"', r#"\""#).replace('%', "%%");
    variables.iter().map(|(name, value, _)| format!("Environment=\"{name}={}\"\n", quoted(value))).collect()
}

/// For `$(…)`, which takes words as they are.
fn spark(variables: &[Text]) -> String {
    variables.iter().map(|(name, value, _)| format!("--conf spark.executorEnv.{name}={value}\n")).collect()
}

/// For `$(…)`, as above.
fn flink(variables: &[Text]) -> String {
    let of = |process: &str| -> String {
        let lines = variables.iter().map(|(name, value, _)| format!("-Dcontainerized.{process}.env.{name}={value}\n"));
        lines.collect()
    };
    of("master") + &of("taskmanager")
}

fn json(variables: &[Text]) -> String {
    let object: Map<String, Value> =
        variables.iter().map(|(name, value, _)| ((*name).to_owned(), value.as_str().into())).collect();
    format!("{:#}\n", Value::from(object))
}
