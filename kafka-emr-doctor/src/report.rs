//! The report: what was checked and what is wrong, for people and programs. `docs/doctor.schema.json` describes its JSON.

use kafka_emr_core::{Network, Rule, Status};
use serde::Serialize;

use crate::examine::Facts;
use crate::{Fault, has_kerberos};

/// How good something is, from the best to the worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// It is fine.
    Ok,
    /// It is fine, and there is something to know.
    Note,
    /// It could not be checked: this program cannot, or there was no time.
    Unchecked,
    /// It works, and something else will not.
    Warning,
    /// It does not work.
    Fault,
}

impl Verdict {
    /// Returns its word in reports.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Verdict::Ok => "ok",
            Verdict::Note => "note",
            Verdict::Unchecked => "unchecked",
            Verdict::Warning => "warning",
            Verdict::Fault => "fault",
        }
    }
}

/// The part of a client's way that a check belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Step {
    /// A node's long domain.
    Name,
    /// A bootstrap server.
    Bootstrap,
    /// The metadata that librdkafka gets.
    Client,
    /// An advertised listener.
    Listener,
    /// A described broker that is not in the cluster.
    Node,
    /// The probe topic.
    Probe,
}

impl Step {
    /// Returns its word in reports.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Step::Name => "name",
            Step::Bootstrap => "bootstrap",
            Step::Client => "client",
            Step::Listener => "listener",
            Step::Node => "node",
            Step::Probe => "probe",
        }
    }
}

/// One thing that was checked.
#[derive(Clone, Debug, Serialize)]
pub struct Check {
    /// The part of a client's way that it belongs to.
    pub step: Step,
    /// What was checked, such as `emr-worker-1.cluster-48742:9092`.
    pub subject: String,
    /// The node of the description that it belongs to, if it belongs to one.
    pub node: Option<String>,
    /// The broker's id, of an advertised listener.
    pub broker_id: Option<i32>,
    /// The address that is dialled; without a port for a name.
    pub dials: Option<String>,
    /// The version rule behind the address.
    pub rule: Option<&'static str>,
    /// How long a TCP connection took, in milliseconds.
    pub latency_ms: Option<f64>,
    /// How good it is.
    pub verdict: Verdict,
    /// The causes of a bad verdict, in the order of the findings; empty if the faults of other checks explain it.
    pub faults: Vec<Fault>,
    /// What came of it, in a few words.
    pub result: String,
}

/// A fault that was found, and what to do about it.
///
/// A report's findings come in one order: what fails before what only may (warnings); then what every client meets before what
/// concerns single brokers; then the order of [`Fault`], in which a fault comes before those that it may explain.
#[derive(Clone, Debug, Serialize)]
pub struct Finding {
    /// The fault.
    pub fault: Fault,
    /// The worst verdict of the checks that show it: a warning or a fault.
    pub verdict: Verdict,
    /// What it means, in one sentence.
    pub cause: &'static str,
    /// The checks that show it, and how; at least one.
    pub evidence: Vec<String>,
    /// What to do.
    pub cure: String,
    /// Section and step of the EMR document that mends it.
    pub document: Option<String>,
}

/// The version rule that holds for a cluster.
#[derive(Clone, Debug, Serialize)]
pub struct RuleReport {
    /// Its name, such as `R1`.
    pub name: &'static str,
    /// Why these endpoints, in one sentence.
    pub reason: &'static str,
    /// The section of the EMR document that the rule comes from.
    pub section: &'static str,
}

/// The report on one cluster.
#[derive(Clone, Debug, Serialize)]
pub struct ClusterReport {
    /// How messages call the cluster.
    #[serde(skip)]
    pub title: String,
    /// What the long domains end in; `None` if it is not known.
    pub domain: Option<String>,
    /// The EMR release as it is written; `None` for hosts text.
    pub release: Option<String>,
    /// From where the client comes.
    pub network: Network,
    /// The version rule that holds.
    pub rule: RuleReport,
    /// What the brokers must have set by that rule.
    pub broker_setting: Option<&'static str>,
    /// The client's `security.protocol`.
    pub security_protocol: String,
    /// The mechanism by which the client logs in; `None` if it does not.
    pub sasl_mechanism: Option<String>,
    /// The version of librdkafka, whose client was tried.
    pub librdkafka: String,
    /// Whether that client can log in by Kerberos.
    pub kerberos: bool,
    /// The worst of the checks.
    pub verdict: Verdict,
    /// What is wrong, the most likely cause first.
    pub findings: Vec<Finding>,
    /// Everything that was checked, in the order of a client's way.
    pub checks: Vec<Check>,
}

/// The report on all clusters of a source.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The worst of all clusters.
    pub verdict: Verdict,
    /// The resolver after the examination: what it read, and how many lookups the clients made.
    pub resolver: Status,
    /// The clusters, in the order of the source.
    pub clusters: Vec<ClusterReport>,
}

impl Report {
    /// Makes a report of the clusters' reports.
    #[must_use]
    pub fn new(resolver: Status, clusters: Vec<ClusterReport>) -> Self {
        let verdict = clusters.iter().map(|cluster| cluster.verdict).max().unwrap_or(Verdict::Ok);
        Report { verdict, resolver, clusters }
    }
}

impl ClusterReport {
    pub(crate) fn new(facts: &Facts, checks: Vec<Check>, findings: Vec<Finding>) -> Self {
        let rule: &Rule = facts.cluster.rule();
        ClusterReport {
            title: facts.cluster.title().to_owned(),
            domain: facts.cluster.domain().map(str::to_owned),
            release: facts.cluster.release().map(ToString::to_string),
            network: facts.cluster.network(),
            rule: RuleReport { name: rule.name, reason: rule.reason, section: rule.section },
            broker_setting: rule.requirement,
            security_protocol: facts.settings.protocol(),
            sasl_mechanism: facts.settings.mechanism(),
            librdkafka: kafka_emr_rs::rdkafka::util::get_rdkafka_version().1,
            kerberos: has_kerberos(),
            verdict: checks.iter().map(|check| check.verdict).max().unwrap_or(Verdict::Ok),
            findings,
            checks,
        }
    }
}
