//! `kafka-emr hosts`: the map as other tools read it.

use std::collections::HashMap;
use std::error::Error;
use std::fmt::Write as _;
use std::net::IpAddr;

use clap::ValueEnum;
use kafka_emr_core::{Cluster, Hosts, NodeAddress, ProgramNames};
use serde::Serialize;

use crate::description::Description;
use crate::output::{self, Outcome, Page, Report};

/// Print the names and addresses for tools that cannot load the hook
#[derive(clap::Args)]
#[command(after_long_help = HELP)]
pub(crate) struct Args {
    #[command(flatten)]
    description: Description,
    /// Who is to read it
    #[arg(long, value_enum, default_value_t = Format::Hosts)]
    format: Format,
}

/// A reader.
#[derive(Clone, Copy, ValueEnum)]
enum Format {
    /// A hosts file: a block of lines between two marks
    Hosts,
    /// `docker run`: --add-host arguments
    Docker,
    /// A service of a compose file: extra_hosts
    Compose,
    /// A pod of Kubernetes: hostAliases
    K8s,
    /// A JVM, by -Djdk.net.hosts.file: it then resolves nothing else
    Jdk,
    /// curl: --resolve arguments
    Curl,
}

const HELP: &str = "\
Examples:
  kafka-emr hosts prod.toml
  docker run $(kafka-emr hosts prod.toml --format docker) IMAGE
  kafka-emr hosts prod.toml --format k8s
  kafka-emr hosts prod.toml --format jdk > prod.hosts; java -Djdk.net.hosts.file=prod.hosts …
  curl $(kafka-emr hosts prod.toml --format curl) http://emr-worker-1.cluster-48742:9092

It is the map of this moment: it does not follow the description, and it maps names to addresses only. Names are long domains,
`host`, `aliases` and what is written in hosts text: short names (emr-worker-1) are left out, because other clusters have the
same. What else the hook does is warned of: other ports (`connect`), and on the public network private IPs that lead to EIPs.

JSON, one object: `hosts` is a list of
  address  what the names lead to
  port     the port that is dialled instead of the asked one, or null
  names    the names, the long domain first";

/// The map, by address.
#[derive(Serialize)]
struct Map {
    hosts: Vec<Host>,
    #[serde(skip)]
    title: String,
    /// The ports that brokers listen at, for those who name one.
    #[serde(skip)]
    ports: Vec<u16>,
    #[serde(skip)]
    format: Format,
}

#[derive(Serialize)]
struct Host {
    address: IpAddr,
    port: Option<u16>,
    names: Vec<String>,
}

pub(crate) fn run(args: &Args) -> Result<Outcome, Box<dyn Error>> {
    let hosts = args.description.open()?.hosts();
    let clusters = hosts.clusters();
    let map = Map {
        hosts: by_address(&hosts),
        title: clusters.iter().map(Cluster::title).collect::<Vec<_>>().join(", "),
        ports: ports(clusters),
        format: args.format,
    };
    if !args.description.json {
        map.warn(clusters);
    }
    output::print(&map, args.description.json)?;
    Ok(Outcome::Fine)
}

/// The names that a whole program gets, by address: short names that no description has in these words are other clusters' too.
fn by_address(hosts: &Hosts) -> Vec<Host> {
    let mut list: Vec<Host> = Vec::new();
    let mut known: HashMap<(IpAddr, Option<u16>), usize> = HashMap::new();
    for ProgramNames { names, dial, .. } in hosts.program_names() {
        for &address in dial.addresses() {
            let host = *known.entry((address, dial.port())).or_insert_with(|| {
                list.push(Host { address, port: dial.port(), names: Vec::new() });
                list.len() - 1
            });
            list[host].names.extend(names.iter().cloned());
        }
    }
    list
}

fn ports(clusters: &[Cluster]) -> Vec<u16> {
    let mut ports: Vec<u16> = clusters.iter().map(Cluster::broker_port).collect();
    ports.sort_unstable();
    ports.dedup();
    ports
}

impl Map {
    /// What the format cannot express.
    fn warn(&self, clusters: &[Cluster]) {
        if self.hosts.is_empty() {
            log::warn!("no names: without an id the nodes have short names alone, which other clusters have too");
        }
        let elsewhere: Vec<&str> =
            self.hosts.iter().filter(|host| host.port.is_some()).map(|host| host.names[0].as_str()).collect();
        if !elsewhere.is_empty() && !matches!(self.format, Format::Curl) {
            log::warn!(
                "other ports are dialled for {} (connect in the description), which this format cannot express",
                elsewhere.join(", ")
            );
        }
        if clusters.iter().any(|cluster| cluster.rule().dials == NodeAddress::PublicIp) {
            log::warn!(
                "brokers that advertise private IPs are not reached this way: names are mapped, addresses are not"
            );
        }
        if matches!(self.format, Format::Jdk) {
            log::warn!("a JVM with -Djdk.net.hosts.file resolves the names in that file and no others");
        }
    }

    fn names(&self) -> impl Iterator<Item = (&str, &Host)> {
        self.hosts.iter().flat_map(|host| host.names.iter().map(move |name| (name.as_str(), host)))
    }

    fn lines(&self) -> String {
        self.hosts.iter().fold(String::new(), |mut text, host| {
            let _ = writeln!(text, "{} {}", host.address, host.names.join(" "));
            text
        })
    }

    /// `--resolve` maps a name at a port, to all its addresses at once, and `--connect-to` leads to another port.
    fn curl(&self) -> String {
        let mut text = String::new();
        let mut by_name: HashMap<&str, Vec<&Host>> = HashMap::new();
        for (name, host) in self.names() {
            by_name.entry(name).or_default().push(host);
        }
        for name in self.names().map(|(name, _)| name) {
            // In the order of the others; a name stands at each of its addresses.
            let Some(own) = by_name.remove(name) else { continue };
            let addresses: Vec<String> = own
                .iter()
                .map(|host| match host.address {
                    IpAddr::V4(v4) => v4.to_string(),
                    IpAddr::V6(v6) => format!("[{v6}]"),
                })
                .collect();
            for port in &self.ports {
                let _ = match own[0].port {
                    Some(other) => writeln!(text, "--connect-to {name}:{port}:{}:{other}", addresses[0]),
                    None => writeln!(text, "--resolve {name}:{port}:{}", addresses.join(",")),
                };
            }
        }
        text
    }
}

impl Report for Map {
    fn text(&self, _: &Page) -> String {
        let title = &self.title;
        let each = |head: &str, line: &dyn Fn(&str, &Host) -> String| {
            self.names().fold(head.to_owned(), |text, (name, host)| text + &line(name, host) + "\n")
        };
        match self.format {
            Format::Hosts => {
                format!("# BEGIN kafka-emr {title}\n{}# END kafka-emr {title}\n", self.lines())
            }
            Format::Docker => each("", &|name, host| format!("--add-host={name}:{}", host.address)),
            Format::Compose => each("extra_hosts:\n", &|name, host| format!("  - \"{name}:{}\"", host.address)),
            Format::K8s => self.hosts.iter().fold("hostAliases:\n".to_owned(), |mut text, host| {
                let _ = writeln!(text, "  - ip: \"{}\"\n    hostnames:", host.address);
                host.names.iter().for_each(|name| text += &format!("      - \"{name}\"\n"));
                text
            }),
            Format::Jdk => format!(
                "# kafka-emr {title}, for java -Djdk.net.hosts.file: no other name is resolved then\n\
                 127.0.0.1 localhost\n{}",
                self.lines()
            ),
            Format::Curl => self.curl(),
        }
    }
}
