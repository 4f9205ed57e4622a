//! `kafka-emr import`: a cluster description out of what the EMR API answers.

mod api;
mod identity;
mod input;
mod inventory;
mod merge;
mod write;

use std::error::Error;
use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use kafka_emr_core::{Cluster, EmrVersion, Network, Node, OneLine};
use serde::Serialize;

use crate::output::{self, Outcome, Page, Report};
use identity::Key;
use inventory::{Found, Inventory};
use merge::{Change, Existing};

/// Write a cluster description from replies of the EMR API, or from hosts text
#[derive(clap::Args)]
#[command(after_long_help = HELP)]
pub(crate) struct Args {
    /// Replies of the EMR API in JSON, or hosts text; `-`, the default, is standard input
    #[arg(value_name = "FILE", default_value = "-")]
    files: Vec<PathBuf>,
    /// What long domains end in: 48742 of cluster-48742, or a new-console id, c-…
    #[arg(long)]
    id: Option<String>,
    /// The EMR release, such as EMR-3.10.1
    #[arg(long)]
    release: Option<EmrVersion>,
    /// The region, such as cn-shanghai, where the id starts with c-
    #[arg(long)]
    region: Option<String>,
    /// From where the clients come: private where nothing is said
    #[arg(long, value_parser = ["private", "public"])]
    network: Option<String>,
    /// Write the description to this file
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Replace the file that --output names
    #[arg(long, requires = "output")]
    force: bool,
    /// Merge into this description, and keep what was written by hand
    #[arg(long, value_name = "FILE")]
    update: Option<PathBuf>,
    /// Print one JSON object instead
    #[arg(long)]
    json: bool,
}

const HELP: &str = "\
Examples:
  kafka-emr import hosts.json cluster.json --id 48742 -o prod.toml
  kafka-emr import nodes-1.json nodes-2.json components.json cluster.json --network public
  kafka-emr import hosts.json --update prod.toml
  aliyun emr ListClusterHost --ClusterId C-D7CA… --PageSize 100 |
    kafka-emr import --id 48742 --release EMR-3.10.1 > prod.toml

Each input is told by its content, and several are joined, pages of one call too:
  ListClusterHost, ListNodes                    the machines: one of them is needed
  GetCluster, DescribeClusterV2                 the release, and further addresses
  DescribeClusterBasicInfo                      the release
  ListComponentInstances                        where Kafka really runs
  hosts text                                    the names and one address of each
What none of them tells is asked for: --id, --release, --region. What they tell must agree with
each other and with the options. The number in cluster-48742 is in a reply only where host names
are whole long domains. Machines that are released or terminated are left out. The network is
private where --network does not say otherwise.

--update changes addresses and the release, adds nodes and removes those that are gone, and tells
so on standard error. --id and --region are written where the description has none. Comments,
order and all other keys stay, but not those of a node that is gone. JSON is laid out anew.

JSON, one object:
  written      the file, or null
  description  the description in TOML; null where a file was written
  id, release, network
  nodes        how many there are
  brokers      how many of them are brokers
  left_out     names of machines that are released or terminated
  plain_hosts  names in hosts text that a description has no place for
  changes      null without --update; else a list of
    change     \"added\", \"removed\" or \"set\"
    name       the node; null for a key of the cluster
    key, from, to  for \"set\"; null where there is no value";

#[derive(Serialize)]
struct Imported {
    written: Option<String>,
    description: Option<String>,
    id: Option<String>,
    release: Option<String>,
    network: String,
    nodes: usize,
    brokers: usize,
    left_out: Vec<String>,
    plain_hosts: Vec<String>,
    changes: Option<Vec<Change>>,
}

impl Report for Imported {
    fn text(&self, _: &Page) -> String {
        let Some(path) = &self.written else { return self.description.clone().unwrap_or_default() };
        let mut text = format!("{}: ", OneLine(path));
        if self.changes.as_ref().is_some_and(Vec::is_empty) {
            text += "nothing changed, ";
        }
        let _ = writeln!(text, "{} nodes, {} of them brokers", self.nodes, self.brokers);
        text
    }
}

pub(crate) fn run(args: &Args) -> Result<Outcome, Box<dyn Error>> {
    if args.update.as_deref() == Some(Path::new("-")) {
        return Err("--update: expected a file, not standard input".into());
    }
    let target = args.output.as_deref().or(args.update.as_deref());
    // What --update names is there to be replaced.
    let replace = args.force || args.output.is_none();
    if let Some(target) = target {
        write::check(target, replace)?;
    }
    let existing = args.update.as_deref().map(existing).transpose()?;
    let network = match (&args.network, &existing) {
        (Some(network), _) => network.parse()?,
        (None, Some(existing)) => existing.cluster.network,
        (None, None) => Network::Private,
    };
    let mut inventory = Inventory::default();
    if let (Some(existing), Some(path)) = (&existing, &args.update) {
        let told = [(Key::Id, &existing.cluster.id), (Key::Region, &existing.cluster.region)];
        for (key, value) in told {
            if let Some(value) = value {
                inventory.identity.hear(key, value, &path.display().to_string())?;
            }
        }
    }
    args.files.iter().try_for_each(|file| input::read(file, network, &mut inventory))?;
    let release = args.release.as_ref().map(ToString::to_string);
    let options = [(Key::Id, &args.id), (Key::Region, &args.region), (Key::Release, &release)];
    options.into_iter().try_for_each(|(key, value)| inventory.identity.hear_option(key, value.as_deref()))?;
    inventory.join()?;
    let left_out = inventory.left_out().to_vec();
    if !left_out.is_empty() {
        log::warn!("left out, because released or terminated: {}", some_of(&left_out));
    }
    let plain_hosts = inventory.plain_hosts();
    if !plain_hosts.is_empty() {
        log::warn!(
            "left out of the hosts text, because a description has no place for them: {}",
            some_of(&plain_hosts)
        );
    }
    let (cluster, text, changes) = match existing {
        Some(existing) => update(existing, args, &inventory)?,
        None => {
            let cluster = describe(args, network, &inventory)?;
            let text = cluster.to_toml()?;
            (cluster, text, None)
        }
    };
    if let Some(target) = target {
        // A file that nothing changes in is left as it is.
        let same = args.output.is_none() && changes.as_ref().is_some_and(Vec::is_empty);
        if !same {
            write::write(target, &text, replace)?;
        }
    }
    if let (Some(changes), false) = (&changes, args.json) {
        let lines: String = changes.iter().map(|change| format!("{}\n", OneLine(&change.line()))).collect();
        // Nobody is left to tell when standard error is closed.
        let _ = io::stderr().write_all(lines.as_bytes());
    }
    let report = Imported {
        written: target.map(|path| path.display().to_string()),
        description: target.is_none().then_some(text),
        id: cluster.id.clone(),
        release: cluster.release.as_ref().map(ToString::to_string),
        network: cluster.network.to_string(),
        nodes: cluster.nodes.len(),
        brokers: cluster.nodes.iter().filter(|node| node.is_broker()).count(),
        left_out,
        plain_hosts,
        changes,
    };
    output::print(&report, args.json)?;
    Ok(Outcome::Fine)
}

fn existing(path: &Path) -> Result<Existing, String> {
    let shown = path.display().to_string();
    let read = || {
        let text = input::text(path)?;
        if path.metadata().is_ok_and(|file| file.mode() & write::WRITABLE_BY_ALL != 0) {
            return Err(
                "everybody may write to the file, and it decides where connections go; run chmod o-w on it".to_owned()
            );
        }
        Existing::read(&text)
    };
    read().map_err(|why| format!("{}: {why}", OneLine(&shown)))
}

/// Makes a description, and is sure that it leads somewhere.
fn describe(args: &Args, network: Network, inventory: &Inventory) -> Result<Cluster, Box<dyn Error>> {
    let told = |key| inventory.identity.get(key);
    let id = told(Key::Id).ok_or(
        "id: the input does not tell it; give --id, the number that the cluster's long domains end in: 48742 for \
         emr-worker-1.cluster-48742",
    )?;
    let release = told(Key::Release).ok_or(
        "release: the input does not tell it; give --release, such as EMR-3.10.1, or add the reply of \
         DescribeClusterV2 or GetCluster",
    )?;
    let region = region_in_domains(args, Some(id), told(Key::Region))?;
    if id.starts_with("c-") && region.is_none() {
        let why =
            "region: the input does not tell it; give --region, such as cn-shanghai, or add the reply of GetCluster";
        return Err(why.into());
    }
    let mut cluster = Cluster::new(identity::release(release)?);
    cluster.region = region.map(str::to_owned);
    cluster.id = Some(id.to_owned());
    cluster.network = network;
    cluster.nodes = inventory.nodes().map(Found::into_node).collect();
    check(&cluster)?;
    Ok(cluster)
}

/// The region where long domains carry it, which they do with new-console ids only.
fn region_in_domains<'a>(
    args: &Args,
    id: Option<&str>,
    region: Option<&'a str>,
) -> Result<Option<&'a str>, Box<dyn Error>> {
    if id.is_some_and(|id| id.starts_with("c-")) {
        return Ok(region);
    }
    if args.region.is_some() {
        let why = "--region: the region matters only with an id that starts with c-, in long domains; leave it out";
        return Err(why.into());
    }
    Ok(None)
}

fn check(cluster: &Cluster) -> Result<(), String> {
    if !cluster.nodes.iter().any(Node::is_broker) {
        let names: Vec<String> = cluster.nodes.iter().map(|node| node.name.clone()).collect();
        return Err(format!(
            "no broker among the nodes: {}; brokers are core nodes (emr-worker-1, core-1-1) and nodes on which Kafka runs \
             by ListComponentInstances: add the replies or lines that have them",
            some_of(&names)
        ));
    }
    cluster.endpoints().map(|_| ()).map_err(|e| e.to_string())
}

type Updated = (Cluster, String, Option<Vec<Change>>);

fn update(existing: Existing, args: &Args, inventory: &Inventory) -> Result<Updated, Box<dyn Error>> {
    if args.network.as_ref().is_some_and(|network| *network != existing.cluster.network.to_string()) {
        return Err("--network: an update keeps the network of the description; change it there".into());
    }
    let told = |key| inventory.identity.get(key);
    // A description can do without an id. It gets one when it is asked for.
    let id = existing.cluster.id.as_deref().or(args.id.as_ref().and(told(Key::Id)));
    let region = region_in_domains(args, id, told(Key::Region))?;
    let changes = existing.changes(id, region, told(Key::Release), inventory.nodes().collect())?;
    let count = |of: fn(&Change) -> bool| changes.iter().filter(|change| of(change)).count();
    let (added, removed) = (
        count(|change| matches!(change, Change::Added { .. })),
        count(|change| matches!(change, Change::Removed { .. })),
    );
    if removed == existing.cluster.nodes.len() {
        return Err(
            "--update: the description and the replies have no node in common, so they are of two clusters; for \
                    another cluster write another file with -o"
                .into(),
        );
    }
    let expected = existing.cluster.nodes.len() + added - removed;
    let text = existing.apply(&changes)?;
    let cluster = Existing::read(&text).map_err(|why| format!("after the update: {why}"))?.cluster;
    check(&cluster).map_err(|why| format!("after the update: {why}"))?;
    if cluster.nodes.len() != expected {
        return Err("nodes: cannot be edited; write them as [[nodes]]".into());
    }
    Ok((cluster, text, Some(changes)))
}

/// A list of names for a message.
fn some_of(names: &[String]) -> String {
    let mut text = format!("{} ({}", names.len(), OneLine(&names[..names.len().min(SHOWN)].join(", ")));
    if names.len() > SHOWN {
        let _ = write!(text, " and {} more", names.len() - SHOWN);
    }
    text + ")"
}

const SHOWN: usize = 10;
