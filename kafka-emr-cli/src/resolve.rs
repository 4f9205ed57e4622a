//! `kafka-emr resolve`: what a client would dial for a name, and why.

use std::error::Error;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

use kafka_emr_core::{Cluster, Endpoint, Family, Lookup, Resolver};
use serde::Serialize;

use crate::description::Overrides;
use crate::output::{self, BAD, GOOD, HEADING, Outcome, Page, Report};
use crate::system;

/// Show what a client would dial for a name, and why
#[derive(clap::Args)]
#[command(after_long_help = HELP)]
pub(crate) struct Args {
    /// Where the cluster description is; see `kafka-emr --help` for its forms
    source: String,
    /// Names or addresses as a client would be given them; an IPv6 address with a port stands in brackets. Without a port:
    /// the brokers' port
    #[arg(required = true, value_name = "NAME[:PORT]", value_delimiter = ',')]
    names: Vec<Asked>,
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

/// A name as it is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Asked {
    /// Without brackets.
    pub(crate) host: String,
    pub(crate) port: Option<u16>,
}

impl FromStr for Asked {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (host, port) = if let Some(rest) = text.strip_prefix('[') {
            let (host, rest) = rest.split_once(']').ok_or("the bracket is not closed; expected [IPv6]:PORT")?;
            if !is_ipv6(host) {
                return Err(format!("{host:?} is no IPv6 address; brackets are for those alone"));
            }
            match rest.strip_prefix(':') {
                Some(port) => (host, Some(port)),
                None if rest.is_empty() => (host, None),
                None => return Err(format!("{rest:?} after the bracket; expected :PORT")),
            }
        } else if is_ipv6(text) {
            (text, None)
        } else {
            match text.rsplit_once(':') {
                Some((host, _)) if host.contains(':') => {
                    return Err("expected NAME, NAME:PORT or [IPv6]:PORT".to_owned());
                }
                Some((host, port)) => (host, Some(port)),
                None => (text, None),
            }
        };
        if host.is_empty() {
            return Err("the name is missing; expected NAME or NAME:PORT".to_owned());
        }
        Ok(Asked { host: host.to_owned(), port: port.map(parse_port).transpose()? })
    }
}

fn is_ipv6(text: &str) -> bool {
    let address = text.split_once('%').map_or(text, |(address, _scope)| address);
    address.parse::<Ipv6Addr>().is_ok()
}

fn parse_port(text: &str) -> Result<u16, String> {
    // Digits only: Rust's own parser takes "+1" too.
    let port = text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok()).flatten();
    port.filter(|port| *port != 0).ok_or_else(|| format!("{text:?} is no port; expected 1 to 65535"))
}

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
    let host = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
    let owns = |cluster: &&Cluster| {
        cluster.nodes.iter().any(|node| {
            let addresses = [node.private_ip, node.public_ip];
            cluster.names(node).contains(&host) || addresses.iter().flatten().any(|ip| ip.to_string() == host)
        })
    };
    clusters.iter().find(owns).unwrap_or(&clusters[0]).broker_port()
}

impl Answer {
    fn to(resolver: &Resolver, host: &str, port: u16) -> Self {
        let explanation = resolver.explain(host, port, Family::Any);
        let (answer, dials, system_error) = match explanation.lookup {
            Lookup::Mapped(dials) => ("mapped", dials, None),
            Lookup::Refused => ("refused", Vec::new(), None),
            Lookup::System => match system::ask(host, port) {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, host: &str, port: Option<u16>) {
        assert_eq!(text.parse(), Ok(Asked { host: host.to_owned(), port }));
    }

    #[test]
    fn names_with_and_without_port() {
        check("emr-worker-1", "emr-worker-1", None);
        check("emr-worker-1.cluster-48742:9092", "emr-worker-1.cluster-48742", Some(9092));
        check("10.0.1.24", "10.0.1.24", None);
        check("10.0.1.24:65535", "10.0.1.24", Some(65535));
        check("fd00::24", "fd00::24", None);
        check("[fd00::24]", "fd00::24", None);
        check("[fd00::24]:9093", "fd00::24", Some(9093));
        check("fe80::1%eth0", "fe80::1%eth0", None);
    }

    #[track_caller]
    fn refuse(text: &str, says: &str) {
        let error = text.parse::<Asked>().unwrap_err();
        assert!(error.contains(says), "{error}");
    }

    #[test]
    fn refuses_what_is_no_endpoint() {
        refuse("emr-worker-1:", "\"\" is no port");
        refuse("emr-worker-1:0", "\"0\" is no port");
        refuse("emr-worker-1:65536", "1 to 65535");
        refuse("emr-worker-1:+1", "\"+1\"");
        refuse("emr-worker-1:kafka", "\"kafka\"");
        refuse(":9092", "name is missing");
        refuse("", "name is missing");
        refuse("a:1:2", "[IPv6]:PORT");
        refuse("[fd00::24", "not closed");
        refuse("[emr-worker-1]:9092", "no IPv6");
        refuse("[fd00::24]9092", ":PORT");
    }
}
