//! `kafka-emr resolve`: what a client would dial for a name, and why.

use std::error::Error;
use std::net::{IpAddr, SocketAddr};

use kafka_emr_core::{Cluster, Endpoint, Family, Lookup, Resolver, without_trailing_dot};
use kafka_emr_doctor::{HostPort, resolve_by_system};
use serde::Serialize;

use crate::description::Overrides;
use crate::output::{self, BAD, GOOD, HEADING, Outcome, Page, Report};

/// Show what a client would dial for a name, and why
#[derive(clap::Args)]
#[command(after_long_help = HELP)]
pub(crate) struct Args {
    /// Where the cluster description is; see `kafka-emr --help` for its forms
    source: String,
    /// Names or addresses as a client would be given them; an IPv6 address with a port stands in brackets. Without a port:
    /// the brokers' port
    #[arg(required = true, value_name = "NAME[:PORT]", value_delimiter = ',')]
    names: Vec<HostPort>,
    #[command(flatten)]
    overrides: Overrides,
    /// Print one JSON object instead
    #[arg(long)]
    json: bool,
}

const HELP: &str = "\
Examples:
  kafka-emr resolve prod.toml emr-worker-1.cluster-48742
  kafka-emr resolve prod.toml emr-worker-1:9092 10.0.1.24 '[fd00::24]:9092'
  kafka-emr resolve prod.toml \"$(kafka-emr bootstrap prod.toml)\"

Where the map leaves a name to the system resolver, it is really asked. The
exit status is 1 when a name leads nowhere.

JSON, one object: `names` is a list, with for each name
  host, port         what was asked
  answer             \"mapped\" by the description, \"system\" (left to the
                     system resolver), or \"refused\"
  dials              what a client would dial; empty where it leads nowhere
  system_error       what the system resolver said where it fails, else null
  reason             why, in one sentence
  rule               the version rule behind the answer, or null
  node               the node that the name belongs to, or null";

#[derive(Serialize)]
struct Resolved {
    names: Vec<Answer>,
}

#[derive(Serialize)]
struct Answer {
    host: String,
    port: u16,
    answer: &'static str,
    dials: Vec<SocketAddr>,
    system_error: Option<String>,
    reason: String,
    rule: Option<&'static str>,
    node: Option<String>,
    /// The part of the EMR document that the rule comes from.
    #[serde(skip)]
    section: Option<&'static str>,
}

pub(crate) fn run(args: &Args) -> Result<Outcome, Box<dyn Error>> {
    let resolver = args.overrides.open(&args.source)?;
    let clusters = resolver.clusters();
    let names: Vec<Answer> = args
        .names
        .iter()
        .map(|asked| {
            Answer::to(&resolver, &asked.host, asked.port.unwrap_or_else(|| default_port(&clusters, &asked.host)))
        })
        .collect();
    let all_lead_somewhere = names.iter().all(|answer| !answer.dials.is_empty());
    output::print(&Resolved { names }, args.json)?;
    Ok(Outcome::fine_if(all_lead_somewhere))
}

/// The brokers' port of the cluster that the host belongs to; of the first one where it belongs to none.
fn default_port(clusters: &[Cluster], host: &str) -> u16 {
    let host = without_trailing_dot(host).to_ascii_lowercase();
    let owns = |cluster: &&Cluster| {
        cluster.nodes().iter().any(|node| {
            let addresses = [node.private_ip(), node.public_ip()];
            cluster.names(node).contains(&host) || addresses.iter().flatten().any(|ip| ip.to_string() == host)
        })
    };
    clusters.iter().find(owns).unwrap_or(&clusters[0]).broker_port()
}

impl Answer {
    fn to(resolver: &Resolver, host: &str, port: u16) -> Self {
        let explanation = resolver.explain(host, Family::Any);
        let (answer, dials, system_error) = match explanation.lookup {
            Lookup::Mapped(dial) => ("mapped", dial.socket_addrs(port).collect(), None),
            Lookup::Refused => ("refused", Vec::new(), None),
            Lookup::System => match resolve_by_system(host, port) {
                Ok(dials) => ("system", dials, None),
                Err(error) => ("system", Vec::new(), Some(error)),
            },
        };
        Answer {
            host: host.to_owned(),
            port,
            answer,
            dials,
            system_error,
            reason: explanation.reason,
            rule: explanation.rule.map(|rule| rule.name),
            section: explanation.rule.map(|rule| rule.section),
            node: explanation.node,
        }
    }

    fn shown(&self, page: &Page) -> String {
        let dials = self.dials.iter().map(SocketAddr::to_string).collect::<Vec<_>>().join(", ");
        match (self.answer, &self.system_error) {
            ("refused", _) => page.paint("refused: fails as a name that does not exist", BAD),
            ("system", Some(error)) => page.paint(&format!("system resolver: does not resolve ({error})"), BAD),
            ("system", None) if self.host.parse::<IpAddr>().is_ok() => page.paint(&dials, GOOD),
            ("system", None) => format!("system resolver: {}", page.paint(&dials, GOOD)),
            _ => page.paint(&dials, GOOD),
        }
    }
}

impl Report for Resolved {
    fn text(&self, page: &Page) -> String {
        let blocks: Vec<String> = self
            .names
            .iter()
            .map(|answer| {
                let asked = Endpoint { host: answer.host.clone(), port: answer.port };
                let mut facts = vec![("dials", answer.shown(page)), ("why", answer.reason.clone())];
                if let (Some(rule), Some(section)) = (answer.rule, answer.section) {
                    facts.push(("rule", format!("{rule}, {section}")));
                }
                format!("{}\n{}", page.paint(&asked.to_string(), HEADING), page.facts(&facts))
            })
            .collect();
        blocks.join("\n")
    }
}
