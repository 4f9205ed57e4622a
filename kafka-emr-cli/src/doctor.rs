//! `kafka-emr doctor`: whether clients reach every broker of a cluster, and what to mend where they do not.
//!
//! [`settings`] is how the client connects. [`mod@examine`] gathers facts: what names lead to ([`names`]), what answers at an
//! address ([`look`], in the words of [`wire`] and [`tls`]), what a real client makes of it ([`client`], [`identity`]). [`diagnosis`] judges
//! them, by the table in [`fault`]. [`screen`] shows the report; [`watch`] repeats it.

mod client;
mod diagnosis;
mod examine;
mod fault;
mod identity;
mod look;
mod names;
mod progress;
mod screen;
mod settings;
mod tls;
mod watch;
mod wire;

use std::error::Error;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use kafka_emr_core::Cluster;

use self::examine::Examination;
use self::progress::Spinner;
use self::screen::{ClusterReport, Doctor};
use self::settings::Settings;
use crate::description::Description;
use crate::output::{self, Outcome};

/// Check a client's whole way to every broker, and say what to mend
#[derive(Clone, clap::Args)]
#[command(after_long_help = HELP)]
pub(crate) struct Args {
    #[command(flatten)]
    description: Description,
    /// A client property, under librdkafka's or the Java client's name; it can be given several times
    #[arg(short = 'X', value_name = "KEY=VALUE")]
    property: Vec<String>,
    /// A file of client properties, of which those count that have to do with connecting
    #[arg(short = 'F', value_name = "FILE")]
    file: Vec<PathBuf>,
    /// Produce one message to this topic and consume it again
    #[arg(long, value_name = "TOPIC")]
    probe_topic: Option<String>,
    /// Seconds that each step may take (first contact, advertised listeners, the probe topic), from 1 to 300
    #[arg(long, value_name = "SECONDS", default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..=300))]
    timeout: u64,
    /// Check again every so many seconds (10 where no number is given), and print what has changed, until Ctrl-C. The exit
    /// status is that of the last check
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

It follows a client from the description to every advertised listener, stops at
nothing, and puts the cause that explains most first. It changes nothing in the
cluster; only --probe-topic writes a message. docs/troubleshooting.md has each
cause and its cure.

JSON, one object, described by docs/doctor.schema.json; with --watch one on each
line. The exit status is 1 where there is a fault or a warning.";

pub(crate) fn run(args: &Args) -> Result<Outcome, Box<dyn Error>> {
    // Before librdkafka does it otherwise: clients that still try to connect when this program ends need OpenSSL to the
    // last.
    openssl::init();
    let settings = Settings::read(&args.file, &args.property)?;
    match args.watch {
        Some(seconds) => watch::run(args, &settings, Duration::from_secs(seconds)),
        None => {
            let report = examine(args, &settings)?;
            output::print(&report, args.description.json)?;
            Ok(Outcome::fine_if(report.is_fine()))
        }
    }
}

/// Examines all clusters of the source, at the same time.
fn examine(args: &Args, settings: &Settings) -> Result<Doctor, Box<dyn Error>> {
    let clusters = args.description.open()?.clusters();
    if clusters.len() > 1 && settings.get("bootstrap.servers").is_some() {
        return Err(
            "bootstrap.servers: the source has several clusters, and these are servers of one; give that one alone, \
                    or leave bootstrap.servers out"
                .into(),
        );
    }
    let spinner = Spinner::start("connecting");
    let of = |cluster: &Cluster| {
        let examination = Examination {
            cluster,
            settings,
            limit: Duration::from_secs(args.timeout),
            probe_topic: args.probe_topic.as_deref(),
            progress: &spinner,
        };
        let facts = examination.run()?;
        let diagnosis = diagnosis::diagnose(&facts);
        Ok(ClusterReport::of(&facts, diagnosis))
    };
    let reports: Result<Vec<ClusterReport>, Box<dyn Error + Send + Sync>> = thread::scope(|scope| {
        let examinations: Vec<_> = clusters.iter().map(|cluster| scope.spawn(|| of(cluster))).collect();
        examinations.into_iter().map(examine::join).collect()
    });
    reports.map(Doctor::of).map_err(|error| -> Box<dyn Error> { error })
}
