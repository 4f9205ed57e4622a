//! What a user writes about a cluster, and its formats.

use std::cell::Cell;
use std::net::{IpAddr, SocketAddr};

use serde::de::DeserializeSeed;
use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::keys::{KEYS, NODE_KEYS};
use crate::reading::WholeDescription;
use crate::{BootstrapStyle, EmrVersion, Error, ErrorKind, Network, NodeRole, hosts_text};

/// Describes a cluster as its user does: what TOML, JSON and hosts text are read into.
///
/// A description can be edited and may be wrong. [`Cluster::new`](crate::Cluster::new) checks it.
///
/// # Examples
///
/// ```
/// use kafka_emr_core::{Cluster, Description};
///
/// let mut description = Description::from_toml(r#"
///     id      = "48742"
///     release = "EMR-3.10.1"
///
///     [[nodes]]
///     name       = "emr-worker-1"
///     private_ip = "10.0.1.24"
/// "#)?;
/// description.settings.release = Some("EMR-3.11.0".parse()?);
/// assert_eq!(Cluster::new(description)?.bootstrap_servers(), "10.0.1.24:9092");
/// # Ok::<(), kafka_emr_core::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Description {
    /// The top-level keys.
    pub settings: Settings,
    /// The machines.
    pub nodes: Vec<NodeDescription>,
    /// Names that belong to no node of the cluster: other lines of a hosts text.
    pub plain_hosts: Vec<(String, IpAddr)>,
    /// Hosts text gives no release. Everything else has to.
    pub(crate) is_hosts_text: bool,
}

/// The top-level keys of a description.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Settings {
    /// What the long domains end in: `48742` of `cluster-48742`, or a new-console id, `c-…`.
    pub id: Option<String>,
    /// The EMR release. Only hosts text may lack it.
    pub release: Option<EmrVersion>,
    /// From where the client comes. Default: private.
    pub network: Option<Network>,
    /// The region, part of the long domain if `id` starts with `c-`.
    pub region: Option<String>,
    /// How brokers are listed in `bootstrap.servers`, if the user wants it otherwise than the rule.
    pub bootstrap: Option<BootstrapStyle>,
    /// Whether a name under the cluster's own domain that is not in the map fails at once. Default: false, the system
    /// resolver is asked.
    pub strict: Option<bool>,
    /// The brokers' port, if it is not the rule's.
    pub port: Option<u16>,
    /// Kafka's own cluster id. A client warns when a cluster with another id answers.
    pub cluster_id: Option<String>,
}

/// Describes one machine of the cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct NodeDescription {
    /// The short name: `emr-worker-1`, `core-1-1`.
    pub name: String,
    /// The address inside the VPC.
    pub private_ip: Option<IpAddr>,
    /// The public address (EIP).
    pub public_ip: Option<IpAddr>,
    /// The role, if the name does not tell it or tells it wrong.
    pub role: Option<NodeRole>,
    /// Whether Kafka runs here, if the role does not tell it. Core nodes are brokers by default.
    pub broker: Option<bool>,
    /// The whole long domain, if it has neither of EMR's two forms.
    pub host: Option<String>,
    /// Further names of the node.
    pub aliases: Vec<String>,
    /// Dials this instead, whatever the rule says: for SSH tunnels and port forwards.
    pub connect: Option<SocketAddr>,
}

impl NodeDescription {
    /// Makes a node of which only the name is known.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        NodeDescription { name: name.into(), ..NodeDescription::default() }
    }
}

impl Description {
    /// Makes a description without nodes.
    #[must_use]
    pub fn new(release: EmrVersion) -> Self {
        let settings = Settings { release: Some(release), ..Settings::default() };
        Description { settings, ..Description::default() }
    }

    /// Reads a description in TOML.
    ///
    /// # Errors
    ///
    /// Fails on syntax, unknown keys, wrong types and values that cannot be read. The message names line and key.
    pub fn from_toml(text: &str) -> Result<Self, Error> {
        match Description::from_toml_in_parts(text) {
            Some(description) => Ok(description),
            None => Description::from_whole_toml(text),
        }
    }

    /// Reads a long list of nodes part by part, because the parser keeps all that it has read of a text: in parts that takes a
    /// quarter of the memory and half of the time. `None` for a short text, and for one that is wrong or unusual, which is to be
    /// read as a whole: a part may begin inside of a string, and knows no line numbers.
    fn from_toml_in_parts(text: &str) -> Option<Self> {
        const HEADER: &str = "\n[[nodes]]";
        const PART: usize = 32 << 10;
        if text.len() < 2 * PART {
            return None;
        }
        let (top, mut rest) = text.split_at(text.find(HEADER)? + 1);
        // Only the whole text tells that `nodes` is there in two ways.
        let is_nodes = |line: &str| line.trim_start().trim_start_matches(['"', '\'']).starts_with(NODES);
        if top.lines().any(is_nodes) {
            return None;
        }
        let mut description = Description::from_whole_toml(top).ok()?;
        while !rest.is_empty() {
            let from = (PART..rest.len()).find(|&at| rest.is_char_boundary(at)).unwrap_or(rest.len());
            let end = rest[from..].find(HEADER).map_or(rest.len(), |at| from + at + 1);
            let part = Description::from_whole_toml(&rest[..end]).ok()?;
            description.nodes.extend(part.nodes);
            rest = &rest[end..];
        }
        Some(description)
    }

    fn from_whole_toml(text: &str) -> Result<Self, Error> {
        let kind = Cell::new(None);
        let located = |message: &str, span: Option<std::ops::Range<usize>>| {
            let error = Error::new(kind.take().unwrap_or(ErrorKind::Syntax), message);
            match span {
                Some(span) => {
                    let (line, column) = line_and_column(text, span.start);
                    error.at_line(line, Some(column))
                }
                None => error,
            }
        };
        let deserializer = toml::Deserializer::parse(text).map_err(|e| {
            // The parser's own words leave out what it is about: "duplicate key".
            let line = e.span().and_then(|span| text.lines().nth(line_and_column(text, span.start).0 - 1));
            // The key alone: the value can be anything, a password in the wrong file.
            match line.and_then(|line| line.split_once('=')) {
                Some((key, _)) if key.len() < 64 => {
                    located(&format!("{} (key {:?})", e.message(), key.trim()), e.span())
                }
                _ => located(e.message(), e.span()),
            }
        })?;
        WholeDescription { kind: &kind }
            .deserialize(deserializer)
            .map_err(|e| located(e.message().trim_end(), e.span()))
    }

    /// Reads a description in JSON: the same keys as in TOML.
    ///
    /// # Errors
    ///
    /// As [`Description::from_toml`].
    pub fn from_json(text: &str) -> Result<Self, Error> {
        let kind = Cell::new(None);
        let located = |e: serde_json::Error| {
            // serde_json ends its message with the place, which is in front already.
            let message = e.to_string();
            let message = message.rsplit_once(" at line ").map_or(message.as_str(), |(head, _)| head).to_owned();
            let error = Error::new(kind.take().unwrap_or(ErrorKind::Syntax), message);
            error.at_line(e.line(), Some(e.column().max(1)))
        };
        let mut deserializer = serde_json::Deserializer::from_str(text);
        let description = WholeDescription { kind: &kind }.deserialize(&mut deserializer).map_err(located)?;
        deserializer.end().map_err(located)?;
        Ok(description)
    }

    /// Reads hosts text: `ADDRESS NAME…` lines with `#` comments.
    ///
    /// The names tell the clusters; a text with long domains of two clusters describes both. No release is known, so the
    /// rules for the earliest releases hold. The addresses are dialled as they are written: on
    /// [`Network::Public`] they are the nodes' EIPs. Brokers are the `emr-worker-*` and `core*` nodes, or every node if
    /// there is none of these. Lines with no EMR name are kept as plain hosts.
    ///
    /// # Errors
    ///
    /// Fails on a line that cannot be read and on a name with two addresses. The message names the line.
    ///
    /// # Examples
    ///
    /// ```
    /// use kafka_emr_core::{Description, Network};
    ///
    /// let read = Description::from_hosts_text("10.0.1.24 emr-worker-1.cluster-48742", Network::Private)?;
    /// assert_eq!(read[0].settings.id.as_deref(), Some("48742"));
    /// # Ok::<(), kafka_emr_core::Error>(())
    /// ```
    pub fn from_hosts_text(text: &str, network: Network) -> Result<Vec<Self>, Error> {
        hosts_text::read(text, network, None)
    }

    /// Writes the description as TOML, such as [`Description::from_toml`] reads.
    ///
    /// # Errors
    ///
    /// Fails for a description without a release, which hosts text has none of, and for one with plain hosts, which TOML has
    /// no key for.
    pub fn to_toml(&self) -> Result<String, Error> {
        self.check_can_be_written()?;
        toml::to_string(self).map_err(|e| Error::new(ErrorKind::Value, "cannot be written as TOML").caused_by(e))
    }

    /// Writes the description as JSON, such as [`Description::from_json`] reads.
    ///
    /// # Errors
    ///
    /// As [`Description::to_toml`].
    pub fn to_json(&self) -> Result<String, Error> {
        self.check_can_be_written()?;
        serde_json::to_string_pretty(self)
            .map_err(|e| Error::new(ErrorKind::Value, "cannot be written as JSON").caused_by(e))
    }

    fn check_can_be_written(&self) -> Result<(), Error> {
        self.check_release(false)?;
        match self.plain_hosts.first() {
            None => Ok(()),
            Some((name, _)) => Err(Error::new(
                ErrorKind::Value,
                format!(
                    "plain hosts: TOML and JSON have no key for {name:?}; remove it, or make it an alias of a node"
                ),
            )),
        }
    }

    /// Only hosts text may leave the release out.
    pub(crate) fn check_release(&self, may_lack: bool) -> Result<(), Error> {
        match self.settings.release {
            None if !may_lack => Err(Error::new(
                ErrorKind::Release,
                "release: missing; expected the cluster's EMR release, such as EMR-3.10.1",
            )),
            _ => Ok(()),
        }
    }
}

fn line_and_column(text: &str, offset: usize) -> (usize, usize) {
    let before = &text[..offset.min(text.len())];
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    (line, column)
}

pub(crate) const NODES: &str = "nodes";

impl Serialize for Description {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for key in KEYS {
            if let Some(value) = (key.write)(&self.settings) {
                map.serialize_entry(key.name, &value)?;
            }
        }
        map.serialize_entry(NODES, &Nodes(&self.nodes))?;
        map.end()
    }
}

struct Nodes<'a>(&'a [NodeDescription]);

impl Serialize for Nodes<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(Some(self.0.len()))?;
        for node in self.0 {
            list.serialize_element(node)?;
        }
        list.end()
    }
}

impl Serialize for NodeDescription {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for key in NODE_KEYS {
            if let Some(value) = (key.write)(self) {
                map.serialize_entry(key.name, &value)?;
            }
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Description {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        WholeDescription { kind: &Cell::new(None) }.deserialize(deserializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Cluster;

    const SEED: &str = r#"
id      = "48742"           # long domains end in .cluster-48742
release = "EMR-3.10.1"
network = "private"         # default; "public" from outside the VPC

[[nodes]]
name       = "emr-header-1"
private_ip = "10.0.1.23"

[[nodes]]
name       = "emr-worker-1"
private_ip = "10.0.1.24"
public_ip  = "203.0.113.24"
"#;

    #[test]
    fn reads_the_seed_example() {
        let cluster = Cluster::new(Description::from_toml(SEED).unwrap()).unwrap();
        assert_eq!(cluster.id(), Some("48742"));
        let [header, worker] = cluster.nodes() else { panic!("two nodes") };
        assert_eq!(header.role(), Some(NodeRole::Master));
        assert!(!header.is_broker());
        assert!(worker.is_broker());
        assert_eq!(worker.long_domain(), Some("emr-worker-1.cluster-48742"));
    }

    #[test]
    fn what_is_written_is_read_again() {
        let mut description = Description::from_toml(SEED).unwrap();
        let settings = &mut description.settings;
        settings.network = Some(Network::Public);
        settings.bootstrap = Some(BootstrapStyle::Names);
        settings.strict = Some(true);
        settings.port = Some(19092);
        settings.cluster_id = Some("abc".to_owned());
        settings.region = Some("cn-shanghai".to_owned());
        let node = &mut description.nodes[1];
        node.role = Some(NodeRole::Task);
        node.broker = Some(true);
        node.host = Some("kafka.example.com".to_owned());
        node.aliases = vec!["k1".to_owned()];
        node.connect = Some("[::1]:19092".parse().unwrap());
        assert_eq!(Description::from_toml(&description.to_toml().unwrap()).unwrap(), description);
        let json = description.to_json().unwrap();
        assert_eq!(Description::from_json(&json).unwrap(), description);
        assert_eq!(serde_json::from_str::<Description>(&json).unwrap(), description);
        assert_eq!(Cluster::new(description.clone()).unwrap().description(), description);
    }

    #[track_caller]
    fn refuse(text: &str, kind: ErrorKind, says: &[&str]) {
        let read = if text.trim_start().starts_with('{') {
            Description::from_json(text)
        } else {
            Description::from_toml(text)
        };
        let error = read.and_then(Cluster::new).unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        for part in says {
            assert!(error.to_string().contains(part), "{error}");
        }
        assert!(!error.to_string().contains('\n'), "one line: {error}");
    }

    #[test]
    fn refuses_with_line_and_key() {
        refuse(
            "id = \"1\"\nrelease = \"3.10\"\nnetwrk = \"public\"\n",
            ErrorKind::Syntax,
            &["line 3, column 1", "netwrk", "`network`"],
        );
        refuse("id = 48742\n", ErrorKind::Syntax, &["line 1, column 6", "id", "string"]);
        refuse("id = \"1\"\nrelease = \n", ErrorKind::Syntax, &["line 2, column 11"]);
        refuse(
            "release=\"3.11\"\n[[nodes]]\nname = \"core-1\"\nprivate_ip = 7\n",
            ErrorKind::Syntax,
            &["line 4", "nodes[0].private_ip", "string"],
        );
        refuse(
            "release=\"3.11\"\n[[nodes]]\nname = \"core-1\"\nprivat_ip = \"\"\n",
            ErrorKind::Syntax,
            &["line 4", "privat_ip", "`private_ip`"],
        );
        refuse(
            "release=\"3.11\"\n[[nodes]]\nprivate_ip = \"10.0.1.24\"\n",
            ErrorKind::Syntax,
            &["line 2", "nodes[0]", "name"],
        );
        refuse("{\"id\": \"1\",\n \"release\": 3}", ErrorKind::Syntax, &["line 2", "release", "string"]);
        refuse("{\"id\": \"1\",\n \"relase\": \"3.11\"}", ErrorKind::Syntax, &["line 2", "relase", "`release`"]);
        refuse("{\"id\": \"1\"", ErrorKind::Syntax, &["line 1"]);
        refuse("[\"48742\", \"3.11\"]", ErrorKind::Syntax, &["line 1"]);
        refuse(
            "{\"release\": \"3.11\", \"nodes\": [[\"core-1\", \"10.0.1.24\"]]}",
            ErrorKind::Syntax,
            &["nodes[0]", "keys with values"],
        );
        refuse(
            "release=\"3.11\"\nnodes = [[\"core-1\"]]",
            ErrorKind::Syntax,
            &["line 2", "nodes[0]", "keys with values"],
        );
        refuse(
            "release=\"3.11\"\nnetwork=\"public\"\nnetwork=\"private\"",
            ErrorKind::Syntax,
            &["line 3", "duplicate", "network"],
        );
        refuse("{\"release\": \"3.11\"} x", ErrorKind::Syntax, &["line 1", "trailing"]);
    }

    #[test]
    fn refuses_values_by_node() {
        let with = |rest: &str| format!("id = \"48742\"\nrelease = \"3.10\"\n{rest}");
        let worker = "[[nodes]]\nname = \"emr-worker-1\"\nprivate_ip = \"10.0.1.24\"\n";
        refuse("id = \"1\"", ErrorKind::Release, &["release: missing", "EMR-3.10.1"]);
        refuse("release = \"3.1O\"", ErrorKind::Release, &["release: \"3.1O\"", "'O'"]);
        refuse(&with(""), ErrorKind::Value, &["no nodes"]);
        refuse(&with("port = 0\n"), ErrorKind::Value, &["port: 0", "1 to 65535"]);
        refuse(&with("port = 70000\n"), ErrorKind::Value, &["port: 70000"]);
        refuse(&with("network = \"internet\"\n"), ErrorKind::Value, &["network: \"internet\"", "private, public"]);
        refuse(&with("bootstrap = \"ips\"\n"), ErrorKind::Value, &["bootstrap: \"ips\"", "addresses, names"]);
        refuse(&with(&format!("{worker}{worker}")), ErrorKind::Value, &["node emr-worker-1: listed twice"]);
        refuse(
            &with(&format!(
                "{worker}[[nodes]]\nname = \"emr-worker-2\"\nprivate_ip = \"10.0.1.25\"\naliases = [\"EMR-worker-1.\"]"
            )),
            ErrorKind::Value,
            &["node emr-worker-2", "\"emr-worker-1\"", "node emr-worker-1"],
        );
        refuse(
            &with("[[nodes]]\nname = \"emr-worker-1\"\nprivate_ip = \"10.0.1.256\""),
            ErrorKind::Value,
            &["node emr-worker-1: private_ip: \"10.0.1.256\""],
        );
        refuse(
            &with("[[nodes]]\nname = \"emr-worker-1\"\nprivate_ip = \"0.0.0.0\""),
            ErrorKind::Value,
            &["node emr-worker-1: private_ip: 0.0.0.0"],
        );
        refuse(
            &with("[[nodes]]\nname = \"emr-worker-1\"\nconnect = \"localhost:9092\""),
            ErrorKind::Value,
            &["node emr-worker-1: connect: \"localhost:9092\"", "ip:port"],
        );
        refuse(
            &with("[[nodes]]\nname = \"emr-worker-1\"\nconnect = \"127.0.0.1:0\""),
            ErrorKind::Value,
            &["node emr-worker-1: connect"],
        );
        refuse(&with("[[nodes]]\nname = \"emr-worker-1\""), ErrorKind::Value, &["node emr-worker-1: no address"]);
        refuse(
            &with("[[nodes]]\nname = \"emr-header-1\"\nprivate_ip = \"10.0.1.23\""),
            ErrorKind::Value,
            &["no broker", "emr-header-1 (master)"],
        );
        refuse(
            &with("[[nodes]]\nname = \"kafka-1\"\nprivate_ip = \"10.0.1.23\""),
            ErrorKind::Value,
            &["node kafka-1", "role"],
        );
        refuse(
            &with("[[nodes]]\nname = \"emr-worker-1\"\nrole = \"broker\""),
            ErrorKind::Value,
            &["node emr-worker-1: role: \"broker\"", "core"],
        );
        refuse(
            &with("[[nodes]]\nname = \"emr worker\"\nprivate_ip = \"10.0.1.23\""),
            ErrorKind::Value,
            &["node emr worker: name"],
        );
        refuse("id = \"cluster-48742\"\nrelease = \"3.10\"", ErrorKind::Value, &["expected \"48742\""]);
        refuse("id = \"C-D7CA98AAA96A\"\nrelease = \"3.10\"", ErrorKind::Value, &["API's id"]);
        refuse("id = \"c-0edf\"\nrelease = \"5.8\"", ErrorKind::Value, &["region: missing"]);
        for connect in ["0.0.0.0:9092", "224.0.0.1:9092", "255.255.255.255:9092", "[::]:9092", "[ff02::1]:9092"] {
            let node = format!("{worker}\nconnect = \"{connect}\"");
            refuse(
                &format!("id = \"1\"\nrelease = \"3.10\"\n{node}"),
                ErrorKind::Value,
                &["connect", "no address of a machine"],
            );
        }
        let nameless = "id = \"1\"\nrelease = \"3.10\"\n[[nodes]]\nname = \"\"\nprivate_ip = \"10.0.1.24\"";
        refuse(nameless, ErrorKind::Value, &["nodes[0]: name"]);
        let mixed = format!("release = \"3.10\"\n{worker}\naliases = [\"a\", 7]");
        refuse(&mixed, ErrorKind::Syntax, &["nodes[0].aliases: expected a list of strings, found an integer in it"]);
        refuse(&format!("release = \"3.10\"\n{worker}"), ErrorKind::Value, &["id: missing", "before EMR-3.11"]);
        refuse(
            &format!("release = \"3.11\"\nbootstrap = \"names\"\n{worker}"),
            ErrorKind::Value,
            &["id: missing", "names"],
        );
    }

    #[test]
    fn a_long_list_of_nodes_is_read_in_parts_as_it_is_as_a_whole() {
        use std::fmt::Write as _;
        let nodes = |from: usize, to: usize| {
            (from..to).fold(String::new(), |mut text, n| {
                writeln!(
                    text,
                    "[[nodes]]\nname = \"emr-worker-{n}\" # é\nprivate_ip = \"10.1.{}.{}\"",
                    n / 250,
                    n % 250
                )
                .unwrap();
                text
            })
        };
        let top = "id = \"48742\"\nrelease = \"3.10\"\n";
        let (first, second) = (nodes(0, 1500), nodes(1500, 3000));
        let usual = format!("{top}\n{first}{second}");
        let read = Description::from_toml_in_parts(&usual).unwrap();
        assert_eq!(read, Description::from_whole_toml(&usual).unwrap());
        assert_eq!(read.nodes.len(), 3000);
        // What looks like a header, inside of a string.
        let text = format!("{top}{first}aliases = [\'\'\'a\n[[nodes]]\nb\'\'\']\n{second}");
        assert_eq!(Description::from_toml(&text).unwrap(), Description::from_whole_toml(&text).unwrap());
        for wrong in [
            format!("{top}nodes = []\n{first}{second}"),
            format!("{top}{first}privat_ip = \"10.0.0.1\"\n{second}"),
            format!("{top}{first}{second}[other]\nx = 1\n"),
            format!("{top}{first}{second}private_ip = \"10.0.0\"\n"),
        ] {
            let error = Description::from_toml(&wrong).unwrap_err();
            assert_eq!(error.to_string(), Description::from_whole_toml(&wrong).unwrap_err().to_string());
            assert!(error.to_string().starts_with("line "), "{error}");
        }
    }
}
