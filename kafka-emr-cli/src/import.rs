//! `kafka-emr import`: a cluster description from replies of the EMR API.

mod input;
mod write;

use std::error::Error;
use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use kafka_emr_core::{Cluster, EmrVersion, FirstOf, Network, OneLine};
use kafka_emr_import::{Attribute, Change, Document, ErrorKind, Importer, Inventory, OtherAddress};
use serde::Serialize;

use self::write::Target;
use crate::output::{Outcome, Page, Report, print};

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
    /// The region, such as cn-shanghai, if the id starts with c-
    #[arg(long)]
    region: Option<String>,
    /// From where the clients come; private by default
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

Inputs are recognized by their content. Several are joined, pages of one call too:
  ListClusterHost, ListNodes                    the machines: one of these is required
  GetCluster, DescribeClusterV2                 the release, and further addresses
  DescribeClusterBasicInfo                      the release
  ListComponentInstances                        the nodes on which Kafka runs
  hosts text                                    the names and one address of each
What no input has is given by --id, --release and --region. The inputs must agree with each other
and with the options. The number in cluster-48742 is in a reply only if host names are whole long
domains. Machines that are released or terminated are left out. The network is private unless
--network says otherwise.

--update changes addresses and the release, adds nodes, removes nodes that no longer exist, and
lists the changes on standard error. --id and --region are written if the description has none.
Comments, order and all other keys stay, except those of a removed node. JSON is laid out anew.

JSON, one object:
  written      the file, or null
  description  the description in TOML; null if a file was written
  id, release, network
  nodes        how many there are
  brokers      how many of them are brokers
  left_out     names of machines that are released or terminated
  other_addresses  second addresses of nodes in hosts text, which are left out: name, address
  plain_hosts  names in hosts text that belong to no node, and are left out
  changes      null without --update; else a list of
    change     \"added\", \"removed\" or \"set\"
    name       the node; null for a key of the cluster
    key, from, to  for \"set\"; null for no value";

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
    other_addresses: Vec<OtherAddress>,
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
    if let (Some(output), Some(update), false) = (&args.output, &args.update, args.force)
        && write::is_same(output, update)
    {
        return Err(format!(
            "{}: exists already; --update writes it, leave --output out",
            OneLine(&input::name(output))
        )
        .into());
    }
    let path = args.output.as_deref().or(args.update.as_deref());
    // The file that --update names is there to be replaced.
    let replace = args.force || args.output.is_none();
    let look = || path.map(|path| Target::of(path, replace)).transpose();
    // Before the inputs are waited for, and once more when they are there: the file may have been edited meanwhile.
    look()?;
    let inputs = inputs(&args.files)?;
    let target = look()?;
    let document = args.update.as_deref().map(open).transpose()?;
    let inventory = join(args, inputs, document.as_ref())?;
    warn("left out, because released or terminated", inventory.left_out());
    let others: Vec<String> = inventory.other_addresses().iter().map(OtherAddress::to_string).collect();
    warn("a description has one address for each network, so others are left out", &others);
    warn("left out of the hosts text, because they belong to no node", inventory.plain_hosts());
    let (cluster, text, changes) = match &document {
        Some(document) => {
            let update = document.update(&inventory).map_err(with_option)?;
            (update.cluster, update.text, Some(update.changes))
        }
        None => {
            let cluster = inventory.cluster().map_err(with_option)?;
            let text = cluster.description().to_toml()?;
            (cluster, text, None)
        }
    };
    if let Some(target) = &target {
        // A file in which nothing changes is left as it is.
        let same = args.output.is_none() && changes.as_ref().is_some_and(Vec::is_empty);
        if !same {
            target.write(&text)?;
        }
    }
    if let (Some(changes), false) = (&changes, args.json) {
        let lines: String = changes.iter().map(|change| format!("{change}\n")).collect();
        // If standard error is closed, nobody reads them.
        let _ = io::stderr().write_all(lines.as_bytes());
    }
    let written = path.map(|path| path.display().to_string());
    print(&report(&cluster, written, text, &inventory, changes), args.json)?;
    Ok(Outcome::Fine)
}

/// Reads all inputs. Returns their names in messages, and their texts.
fn inputs(files: &[PathBuf]) -> Result<Vec<(String, String)>, String> {
    let read = |path: &PathBuf| {
        let name = input::name(path);
        let text = input::read(path).map_err(|why| format!("{}: {why}", OneLine(&name)))?;
        Ok((name, text))
    };
    files.iter().map(read).collect()
}

/// Joins all inputs.
fn join(args: &Args, inputs: Vec<(String, String)>, document: Option<&Document>) -> Result<Inventory, Box<dyn Error>> {
    let network: Option<Network> = args.network.as_deref().map(str::parse).transpose()?;
    let mut importer = match (document, &args.update) {
        (Some(document), Some(path)) => {
            let kept = document.description().settings.network.unwrap_or_default();
            if network.is_some_and(|network| network != kept) {
                return Err("--network: an update keeps the network of the description; change it there".into());
            }
            Importer::for_update(document, &input::name(path))
        }
        _ => Importer::new(network.unwrap_or_default()),
    };
    for (name, text) in inputs {
        importer.add(&text, &name).map_err(with_option)?;
    }
    let release = args.release.as_ref().map(ToString::to_string);
    let options = [
        (Attribute::Id, &args.id, "--id"),
        (Attribute::Region, &args.region, "--region"),
        (Attribute::Release, &release, "--release"),
    ];
    for (attribute, value, name) in options {
        if let Some(value) = value {
            importer.given(attribute, value, name).map_err(with_option)?;
        }
    }
    importer.finish().map_err(with_option)
}

/// Opens the description that is to be updated.
fn open(path: &Path) -> Result<Document, String> {
    let open = || -> Result<Document, String> {
        let text = kafka_emr_core::read_description(path).map_err(|e| format!("{e:#}"))?;
        Document::parse(&text, path).map_err(|e| format!("{e:#}"))
    };
    open().map_err(|why| format!("{}: {why}", OneLine(&input::name(path))))
}

/// Adds the option that helps, which the library does not know.
fn with_option(error: kafka_emr_import::Error) -> Box<dyn Error> {
    let option = match error.kind() {
        ErrorKind::Missing(Attribute::Id) => "; use --id",
        ErrorKind::Missing(Attribute::Release) => "; use --release, such as --release EMR-3.10.1",
        ErrorKind::Missing(Attribute::Region) => "; use --region, such as --region cn-shanghai",
        ErrorKind::Description => "; use --update",
        ErrorKind::NoCommonNode => "; use -o",
        _ => "",
    };
    format!("{error:#}{option}").into()
}

fn warn(what: &str, names: &[String]) {
    const SHOWN: usize = 10;
    if !names.is_empty() {
        log::warn!("{what}: {} ({})", names.len(), FirstOf(SHOWN, names));
    }
}

fn report(
    cluster: &Cluster,
    written: Option<String>,
    text: String,
    inventory: &Inventory,
    changes: Option<Vec<Change>>,
) -> Imported {
    Imported {
        description: written.is_none().then_some(text),
        written,
        id: cluster.id().map(str::to_owned),
        release: cluster.release().map(ToString::to_string),
        network: cluster.network().to_string(),
        nodes: cluster.nodes().len(),
        brokers: cluster.brokers().count(),
        left_out: inventory.left_out().to_vec(),
        other_addresses: inventory.other_addresses().to_vec(),
        plain_hosts: inventory.plain_hosts().to_vec(),
        changes,
    }
}
