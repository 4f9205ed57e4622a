//! `kafka-emr endpoints`: how to connect to each cluster, and why so.

use std::collections::HashSet;
use std::error::Error;
use std::fmt::Write as _;
use std::net::{IpAddr, SocketAddr};

use comfy_table::{Attribute, Cell, Color};
use kafka_emr_core::{Cluster, Family, Hosts, Lookup, Node, NodeAddress};
use serde::Serialize;

use crate::description::Description;
use crate::output::{self, GOOD, HEADING, NOTHING, Outcome, Page, Report};

/// Show bootstrap servers, nodes and their addresses, and the rule they come from
#[derive(clap::Args)]
#[command(after_long_help = HELP)]
pub(crate) struct Args {
    #[command(flatten)]
    description: Description,
}

const HELP: &str = "\
Examples:
  kafka-emr endpoints prod.toml
  kafka-emr endpoints prod.toml --network public
  kafka-emr endpoints 'emr://48742?release=V3.11.X&emr-worker-1=10.0.1.24'

JSON, one object: `clusters` is a list, with for each cluster of the source
  domain             what the long domains end in; null where not known
  release            the EMR release as it is written; null for hosts text
  network            \"private\" or \"public\"
  rule               the version rule: name, reason, section of the document
  broker_setting     what the brokers must have set to answer there, or null
  strict             whether unknown names under the domain fail at once
  bootstrap_servers  the value for bootstrap.servers
  nodes              a list of
    name, role, broker, long_domain
    addresses        what is dialled
    port             null where the node is no broker
    by               \"private_ip\", \"public_ip\", \"connect\"; null for nothing
  plain_hosts        names of a hosts text that are no nodes: name, address";

#[derive(Serialize)]
struct Endpoints {
    clusters: Vec<ClusterEndpoints>,
}

#[derive(Serialize)]
struct ClusterEndpoints {
    #[serde(skip)]
    title: String,
    domain: Option<String>,
    release: Option<String>,
    network: String,
    rule: RuleShown,
    broker_setting: Option<&'static str>,
    strict: bool,
    bootstrap_servers: String,
    nodes: Vec<NodeEndpoint>,
    plain_hosts: Vec<PlainHost>,
}

#[derive(Serialize)]
struct RuleShown {
    name: &'static str,
    reason: &'static str,
    section: &'static str,
}

#[derive(Serialize)]
struct NodeEndpoint {
    name: String,
    role: Option<String>,
    broker: bool,
    long_domain: Option<String>,
    addresses: Vec<IpAddr>,
    port: Option<u16>,
    by: Option<&'static str>,
    /// Why nothing is dialled.
    #[serde(skip)]
    lacks: &'static str,
}

#[derive(Serialize)]
struct PlainHost {
    name: String,
    address: IpAddr,
}

pub(crate) fn run(args: &Args) -> Result<Outcome, Box<dyn Error>> {
    let clusters = args.description.open()?.clusters();
    let clusters = clusters.iter().map(ClusterEndpoints::of).collect::<Result<_, _>>()?;
    output::print(&Endpoints { clusters }, args.description.json)?;
    Ok(Outcome::Fine)
}

impl ClusterEndpoints {
    fn of(cluster: &Cluster) -> Result<Self, kafka_emr_core::Error> {
        let endpoints = cluster.endpoints()?;
        let rule = endpoints.rule();
        // A second address of a node, of the other family, is kept as a plain host too.
        let node_names: HashSet<String> = cluster.nodes.iter().flat_map(|node| cluster.names(node)).collect();
        let plain_hosts = cluster
            .plain_hosts
            .iter()
            .filter(|(name, _)| !node_names.contains(&name.trim_end_matches('.').to_ascii_lowercase()));
        Ok(ClusterEndpoints {
            title: cluster.title(),
            domain: cluster.domain(),
            release: cluster.release.as_ref().map(ToString::to_string),
            network: cluster.network.to_string(),
            rule: RuleShown { name: rule.name, reason: rule.reason, section: rule.section },
            broker_setting: endpoints.requirement(),
            strict: cluster.strict,
            bootstrap_servers: endpoints.bootstrap_servers(),
            nodes: cluster.nodes.iter().map(|node| NodeEndpoint::of(cluster, node, endpoints.hosts())).collect(),
            plain_hosts: plain_hosts
                .map(|(name, address)| PlainHost { name: name.clone(), address: *address })
                .collect(),
        })
    }

    fn facts(&self, page: &Page) -> String {
        let mut facts = vec![
            ("rule", format!("{}: {}", self.rule.name, self.rule.reason)),
            ("document", self.rule.section.to_owned()),
        ];
        if let Some(setting) = self.broker_setting {
            facts.push(("brokers", format!("need {setting}")));
        }
        if self.strict {
            facts.push(("strict", format!("a name under {} that is no node's fails at once", self.title)));
        }
        facts.push(("bootstrap", self.bootstrap_servers.clone()));
        if !self.plain_hosts.is_empty() {
            let plain: Vec<_> =
                self.plain_hosts.iter().map(|host| format!("{} = {}", host.name, host.address)).collect();
            facts.push(("plain", plain.join(", ")));
        }
        page.facts(&facts)
    }

    /// Lays the nodes out as a table, or as a list where the page is too narrow for one: names and addresses stay whole.
    fn nodes(&self, page: &Page) -> String {
        let table = |page: &Page| {
            let rows = self.nodes.iter().map(|node| node.row(page)).collect();
            output::table(page, ["name", "role", "broker", "long domain", "dials", "by"], rows)
        };
        let width = table(&Page::PLAIN).lines().map(|line| line.chars().count()).max();
        if page.width.is_some_and(|room| Some(room) < width) {
            self.nodes.iter().map(|node| node.list_item(page)).collect()
        } else {
            table(page)
        }
    }
}

impl NodeEndpoint {
    fn of(cluster: &Cluster, node: &Node, hosts: &Hosts) -> Self {
        let long_domain = cluster.long_domain(node);
        // Asked of the map itself, as a client does: a node of a hosts text can have an address of each family.
        let dialled =
            match hosts.lookup(long_domain.as_deref().unwrap_or(&node.name), cluster.broker_port(), Family::Any) {
                Lookup::Mapped(dialled) => dialled,
                _ => Vec::new(),
            };
        let broker = node.is_broker();
        let (rule_dials, lacks) = match cluster.rule().dials {
            NodeAddress::PrivateIp => ("private_ip", "no private IP"),
            NodeAddress::PublicIp => ("public_ip", "no EIP"),
        };
        NodeEndpoint {
            name: node.name.clone(),
            role: node.role().map(|role| role.to_string()),
            broker,
            long_domain,
            port: dialled.first().map(SocketAddr::port).filter(|_| broker || node.connect.is_some()),
            by: (!dialled.is_empty()).then_some(if node.connect.is_some() { "connect" } else { rule_dials }),
            addresses: dialled.iter().map(SocketAddr::ip).collect(),
            lacks,
        }
    }

    fn dials(&self) -> String {
        let one = |address: &IpAddr| match self.port {
            Some(port) => SocketAddr::new(*address, port).to_string(),
            None => address.to_string(),
        };
        if self.addresses.is_empty() {
            return format!("{NOTHING} {}", self.lacks);
        }
        self.addresses.iter().map(one).collect::<Vec<_>>().join(", ")
    }

    fn list_item(&self, page: &Page) -> String {
        let role = self.role.as_deref().unwrap_or("no role");
        let broker = if self.broker { "broker" } else { "no broker" };
        let by = self.by.map(|by| format!(" ({by})")).unwrap_or_default();
        let dials = if self.broker { page.paint(&self.dials(), GOOD) } else { self.dials() };
        let domain = self.long_domain.as_deref().unwrap_or(NOTHING);
        format!("  {}, {role}, {broker}\n    {domain}\n    dials {dials}{by}\n", self.name)
    }

    fn row(&self, page: &Page) -> [Cell; 6] {
        let or_nothing = |text: Option<&str>| text.unwrap_or(NOTHING).to_owned();
        let cells = [
            self.name.clone(),
            or_nothing(self.role.as_deref()),
            if self.broker { "yes" } else { "no" }.to_owned(),
            or_nothing(self.long_domain.as_deref()),
            self.dials(),
            or_nothing(self.by),
        ];
        let mut column = 0..;
        cells.map(|text| match (page.colour, self.broker, column.next()) {
            (true, true, Some(4)) => Cell::new(text).fg(Color::DarkGreen),
            (true, false, _) => Cell::new(text).add_attribute(Attribute::Dim),
            _ => Cell::new(text),
        })
    }
}

impl Report for Endpoints {
    fn text(&self, page: &Page) -> String {
        let mut text = String::new();
        for (i, cluster) in self.clusters.iter().enumerate() {
            if i > 0 {
                text.push('\n');
            }
            let release = cluster.release.as_deref().unwrap_or("release not known (hosts text)");
            let heading = format!("{} · {release} · {} network", cluster.title, cluster.network);
            let _ = writeln!(
                text,
                "{}\n{}\n{}",
                page.paint(&heading, HEADING),
                cluster.facts(page),
                cluster.nodes(page).trim_end()
            );
        }
        text
    }
}
