//! `kafka-emr doctor`: examines clusters by the crate `kafka-emr-doctor`, and shows the report ([`screen`]) once or again and
//! again ([`watch`]).

mod screen;
mod watch;

use std::error::Error;
use std::path::PathBuf;
use std::time::Duration;

use kafka_emr_doctor::{ClientSettings, Doctor, Report, Verdict};

use crate::description::Description;
use crate::output::{self, Outcome};
use crate::progress::Progress;

/// Check a client's whole way to every broker, and show what to mend
#[derive(Clone, clap::Args)]
#[command(after_long_help = HELP)]
pub(crate) struct Args {
    #[command(flatten)]
    description: Description,
    /// A client property, under librdkafka's or the Java client's name; it can be given several times
    #[arg(short = 'X', value_name = "KEY=VALUE")]
    property: Vec<String>,
    /// A file of client properties; only those that have to do with connecting count
    #[arg(short = 'F', value_name = "FILE")]
    file: Vec<PathBuf>,
    /// Produce one message to this topic and consume it again
    #[arg(long, value_name = "TOPIC")]
    probe_topic: Option<String>,
    /// Seconds that each step may take (first contact, advertised listeners, the probe topic), from 1 to 300
    #[arg(long, value_name = "SECONDS", default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..=300))]
    timeout: u64,
    /// Check again at this interval (10 seconds by default), and print what has changed, until Ctrl-C. The exit status is
    /// that of the last check
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, require_equals = true, default_missing_value = "10")]
    #[arg(value_parser = clap::value_parser!(u64).range(1..=86_400))]
    watch: Option<u64>,
}

const HELP: &str = "\
Examples:
  kafka-emr doctor prod.toml
  kafka-emr doctor prod.toml --network public --probe-topic health
  kafka-emr doctor prod.toml -X security.protocol=SSL -X ssl.ca.location=ca.pem
  kafka-emr doctor prod.toml -F client.properties --json
  kafka-emr doctor prod.toml --watch=30

It follows a client from the description to every advertised listener,
continues after failures, and shows the most likely cause first. It changes
nothing in the cluster; only --probe-topic writes a message.
docs/troubleshooting.md has each cause and its cure.

JSON, one object, described by docs/doctor.schema.json; with --watch one on each
line. The exit status is 1 if there is a fault or a warning, and 2 if there is
none but something could not be checked.";

pub(crate) fn run(args: &Args) -> Result<Outcome, Box<dyn Error>> {
    let settings = ClientSettings::read(&args.file, &args.property)?;
    match args.watch {
        Some(seconds) => watch::run(args, &settings, Duration::from_secs(seconds)),
        None => {
            let report = examine(args, &settings)?;
            output::print(&report, args.description.json)?;
            Ok(outcome(&report))
        }
    }
}

/// Examines all clusters of the source.
fn examine(args: &Args, settings: &ClientSettings) -> Result<Report, Box<dyn Error>> {
    let resolver = args.description.open()?;
    let progress = Progress::spinner("connecting");
    let bar = progress.bar().clone();
    let mut doctor = Doctor::new(settings.clone())
        .timeout(Duration::from_secs(args.timeout))
        .on_stage(move |stage| bar.set_message(stage.to_string()));
    if let Some(topic) = &args.probe_topic {
        doctor = doctor.probe_topic(topic);
    }
    Ok(doctor.examine(&resolver)?)
}

fn outcome(report: &Report) -> Outcome {
    match report.verdict {
        Verdict::Ok | Verdict::Note => Outcome::Fine,
        Verdict::Unchecked => Outcome::Unchecked,
        Verdict::Warning | Verdict::Fault => Outcome::Problem,
    }
}
