//! `kafka-emr endpoints`: how to connect to each cluster, and why so.

use std::error::Error;
use std::fmt::Write as _;
use std::net::{IpAddr, SocketAddr};

use comfy_table::{Attribute, Cell, Color};
use kafka_emr_core::{NodeAddress, NodeOverview, Overview};
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
    clusters: Vec<Overview>,
}

pub(crate) fn run(args: &Args) -> Result<Outcome, Box<dyn Error>> {
    let clusters = args.description.open()?.overviews();
    output::print(&Endpoints { clusters }, args.description.json)?;
    Ok(Outcome::Fine)
}

fn facts(cluster: &Overview, page: &Page) -> String {
    let rule = cluster.rule;
    let mut facts = vec![("rule", format!("{rule}: {}", rule.reason)), ("document", rule.section.to_owned())];
    if let Some(setting) = cluster.broker_setting {
        facts.push(("brokers", format!("need {setting}")));
    }
    if cluster.strict {
        facts.push(("strict", format!("names under {} that no node has fail at once", cluster.title)));
    }
    facts.push(("bootstrap", cluster.bootstrap_servers.clone()));
    if !cluster.plain_hosts.is_empty() {
        let plain: Vec<_> =
            cluster.plain_hosts.iter().map(|host| format!("{} = {}", host.name, host.address)).collect();
        facts.push(("plain", plain.join(", ")));
    }
    page.facts(&facts)
}

/// Lays the nodes out as a table, or as a list where the page is too narrow for one: names and addresses stay whole.
fn nodes(cluster: &Overview, page: &Page) -> String {
    let table = |page: &Page| {
        let rows = cluster.nodes.iter().map(|node| row(cluster, node, page)).collect();
        output::table(page, ["name", "role", "broker", "long domain", "dials", "by"], rows)
    };
    let width = table(&Page::PLAIN).lines().map(|line| line.chars().count()).max();
    if page.width.is_some_and(|room| Some(room) < width) {
        cluster.nodes.iter().map(|node| list_item(cluster, node, page)).collect()
    } else {
        table(page)
    }
}

fn dials(cluster: &Overview, node: &NodeOverview) -> String {
    let one = |address: &IpAddr| match node.port {
        Some(port) => SocketAddr::new(*address, port).to_string(),
        None => address.to_string(),
    };
    if node.addresses.is_empty() {
        let lacks = match cluster.rule.dials {
            NodeAddress::PrivateIp => "no private IP",
            NodeAddress::PublicIp => "no EIP",
        };
        return format!("{NOTHING} {lacks}");
    }
    node.addresses.iter().map(one).collect::<Vec<_>>().join(", ")
}

fn role(node: &NodeOverview) -> Option<String> {
    node.role.map(|role| role.to_string())
}

fn list_item(cluster: &Overview, node: &NodeOverview, page: &Page) -> String {
    let role = role(node).unwrap_or_else(|| "no role".to_owned());
    let broker = if node.broker { "broker" } else { "no broker" };
    let by = node.by.map(|by| format!(" ({by})")).unwrap_or_default();
    let dials = dials(cluster, node);
    let dials = if node.broker { page.paint(&dials, GOOD) } else { dials };
    let domain = node.long_domain.as_deref().unwrap_or(NOTHING);
    format!("  {}, {role}, {broker}\n    {domain}\n    dials {dials}{by}\n", node.name)
}

fn row(cluster: &Overview, node: &NodeOverview, page: &Page) -> [Cell; 6] {
    let or_nothing = |text: Option<String>| text.unwrap_or_else(|| NOTHING.to_owned());
    let cells = [
        node.name.clone(),
        or_nothing(role(node)),
        if node.broker { "yes" } else { "no" }.to_owned(),
        or_nothing(node.long_domain.clone()),
        dials(cluster, node),
        or_nothing(node.by.map(str::to_owned)),
    ];
    let mut column = 0..;
    cells.map(|text| match (page.colour, node.broker, column.next()) {
        (true, true, Some(4)) => Cell::new(text).fg(Color::DarkGreen),
        (true, false, _) => Cell::new(text).add_attribute(Attribute::Dim),
        _ => Cell::new(text),
    })
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
                facts(cluster, page),
                nodes(cluster, page).trim_end()
            );
        }
        text
    }
}
