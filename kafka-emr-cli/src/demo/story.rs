//! The demonstration, step by step.

use std::error::Error;
use std::io;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::{Step, TOPIC, Traffic};
use crate::library;
use crate::output::{self, BAD, GOOD, HEADING, NOTE, Outcome, Page};

/// A step that went well: what it reports, and what it hands on.
pub(super) struct Completed<T> {
    mark: Mark,
    summary: String,
    details: Vec<String>,
    value: T,
}

impl<T> Completed<T> {
    pub(super) fn ok(summary: String, details: Vec<String>, value: T) -> Self {
        Completed { mark: Mark::Ok, summary, details, value }
    }

    pub(super) fn note(summary: String, details: Vec<String>, value: T) -> Self {
        Completed { mark: Mark::Note, summary, details, value }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Mark {
    Ok,
    /// Not as usual on this machine, and no fault.
    Note,
    Failed,
}

/// The demonstration: shown step by step as text, or at its end as JSON.
#[derive(Serialize)]
pub(super) struct Story {
    ok: bool,
    summary: &'static str,
    steps: Vec<StepReport>,
    brokers: Vec<Traffic>,
    cluster_file: Option<PathBuf>,
    /// `None` where JSON is asked for.
    #[serde(skip)]
    page: Option<Page>,
}

#[derive(Serialize)]
struct StepReport {
    name: &'static str,
    result: Mark,
    summary: String,
    details: Vec<String>,
}

impl Story {
    pub(super) fn new(json: bool) -> Self {
        let page = (!json).then(Page::of_stdout);
        Story { ok: false, summary: "", steps: Vec::new(), brokers: Vec::new(), cluster_file: None, page }
    }

    /// Shows a step, and hands on what it made if it went well.
    pub(super) fn add<T>(&mut self, name: &'static str, step: Step<T>) -> io::Result<Option<T>> {
        let (result, summary, details, value) = match step {
            Ok(step) => (step.mark, step.summary, step.details, Some(step.value)),
            Err(error) => (Mark::Failed, format!("{name}: {error}"), Vec::new(), None),
        };
        if let Some(page) = &self.page {
            let mark = match result {
                Mark::Ok => page.paint("✓", GOOD),
                Mark::Note => page.paint("!", NOTE),
                Mark::Failed => page.paint("✗", BAD),
            };
            let details: String = details.iter().map(|detail| format!("    {detail}\n")).collect();
            output::write(&format!("{mark} {summary}\n{details}"))?;
        }
        self.steps.push(StepReport { name, result, summary, details });
        Ok(value)
    }

    pub(super) fn show_traffic(&mut self, traffic: Vec<Traffic>) -> io::Result<()> {
        self.brokers = traffic;
        let Some(page) = &self.page else { return Ok(()) };
        let rows = self.brokers.iter().map(Traffic::row).collect();
        let table = output::table(page, ["broker", "leads partitions", "produced", "consumed"], rows);
        output::write(&format!("\n{table}\n"))
    }

    pub(super) fn fine(&self) -> bool {
        self.steps.iter().all(|step| step.result != Mark::Failed)
    }

    pub(super) fn end(mut self, cluster_file: Option<PathBuf>) -> Result<Outcome, Box<dyn Error>> {
        self.ok = self.fine();
        self.summary = if self.ok {
            "unchanged clients reached all brokers by the names that these advertise: no root, no DNS, no hosts file"
        } else {
            "the demonstration failed; the reason is at the step marked so"
        };
        self.cluster_file = cluster_file;
        match &self.page {
            None => output::print_json(&self)?,
            Some(page) => {
                let style = if self.ok { GOOD } else { BAD };
                output::write(&format!("{}\n", page.paint(self.summary, style)))?;
                if let Some(file) = &self.cluster_file {
                    output::write(&invitation(page, file))?;
                }
            }
        }
        Ok(Outcome::fine_if(self.ok))
    }
}

const LIBRARY: &str = "libkafka_emr.so";

/// The lines to paste while the cluster is up.
fn invitation(page: &Page, file: &Path) -> String {
    let path = file.display();
    // Where it is not built yet, the line summary how, and where it is then.
    let (build, plugin) = match library::find(LIBRARY) {
        Some(plugin) => ("", plugin),
        None => ("\n  cargo build --release -p kafka-emr-ffi", Path::new("target/release").join(LIBRARY)),
    };
    format!(
        "
{heading}
  {path}

  kafka-emr endpoints {path}
  kafka-emr resolve {path} emr-worker-1.cluster-48742

  // Rust, with the crate kafka-emr-rs
  let cluster = Resolver::open(\"{path}\")?;
  let consumer: StreamConsumer = ClientConfig::new()
      .set(\"group.id\", \"mine\")
      .set(\"auto.offset.reset\", \"earliest\")
      .create_for(&cluster)?;
  consumer.subscribe(&[\"{TOPIC}\"])?;
  let first = consumer.recv().await?; // in a Tokio runtime; the topic has the demonstration's messages

  # Python, with the wheel kafka-emr
  consumer = confluent_kafka.Consumer({{
      **kafka_emr.config(\"{path}\"), \"group.id\": \"mine\", \"auto.offset.reset\": \"earliest\"}})
  consumer.subscribe([\"{TOPIC}\"])
  first = consumer.poll(30)

  # kcat, and every other librdkafka program by its configuration{build}
  kcat -X plugin.library.paths={plugin} -b emr://{path} -C -t {TOPIC} -c 3

Ctrl-C ends it
",
        heading = page.paint("the cluster stays up, and this file describes it", HEADING),
        plugin = plugin.display()
    )
}
