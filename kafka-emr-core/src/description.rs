//! Reads and writes descriptions as TOML and JSON.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::cluster::{parse_connect, parse_ip};
use crate::{Cluster, Error, ErrorKind, Node};

/// The keys as they are written. Addresses are read as text so that an error can name the node.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawCluster {
    id: Option<String>,
    release: Option<String>,
    network: Option<String>,
    region: Option<String>,
    bootstrap: Option<String>,
    #[serde(default)]
    strict: bool,
    port: Option<i64>,
    cluster_id: Option<String>,
    #[serde(default)]
    nodes: Vec<Table<RawNode>>,
}

/// Keys with values. What serde derives would take a bare list of values too.
struct Table<T>(T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Table<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Keys<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Keys<T> {
            type Value = Table<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("keys with values")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(Table)
            }
        }

        deserializer.deserialize_map(Keys(PhantomData))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawNode {
    name: String,
    private_ip: Option<String>,
    public_ip: Option<String>,
    role: Option<String>,
    broker: Option<bool>,
    host: Option<String>,
    #[serde(default)]
    aliases: Vec<String>,
    connect: Option<String>,
}

impl Cluster {
    /// Reads a description in TOML.
    ///
    /// # Errors
    ///
    /// Fails on syntax, unknown keys, wrong types and impossible values; the message names line and key, or the node.
    ///
    /// # Examples
    ///
    /// ```
    /// use kafka_emr_core::Cluster;
    ///
    /// let cluster = Cluster::from_toml(r#"
    ///     id      = "48742"
    ///     release = "EMR-3.10.1"
    ///
    ///     [[nodes]]
    ///     name       = "emr-worker-1"
    ///     private_ip = "10.0.1.24"
    /// "#)?;
    /// assert_eq!(cluster.endpoints()?.bootstrap_servers(), "emr-worker-1.cluster-48742:9092");
    /// # Ok::<(), kafka_emr_core::Error>(())
    /// ```
    pub fn from_toml(text: &str) -> Result<Self, Error> {
        checked(read_toml(text)?)
    }

    /// Reads a description in JSON: the same keys as in TOML.
    ///
    /// # Errors
    ///
    /// As [`Cluster::from_toml`].
    pub fn from_json(text: &str) -> Result<Self, Error> {
        checked(read_json(text)?)
    }

    /// Writes the description as TOML, such as [`Cluster::from_toml`] reads.
    ///
    /// # Errors
    ///
    /// Fails for a cluster without a release, which hosts text gives none of, and for one with plain hosts, which TOML has
    /// no place for.
    pub fn to_toml(&self) -> Result<String, Error> {
        self.check_can_be_written()?;
        toml::to_string(self).map_err(|e| Error::new(ErrorKind::Value, "cannot be written as TOML").caused_by(e))
    }

    /// Writes the description as JSON, such as [`Cluster::from_json`] reads.
    ///
    /// # Errors
    ///
    /// As [`Cluster::to_toml`].
    pub fn to_json(&self) -> Result<String, Error> {
        self.check_can_be_written()?;
        serde_json::to_string_pretty(self)
            .map_err(|e| Error::new(ErrorKind::Value, "cannot be written as JSON").caused_by(e))
    }

    fn check_can_be_written(&self) -> Result<(), Error> {
        check_release(self)?;
        match self.plain_hosts.first() {
            None => Ok(()),
            Some((name, _)) => Err(Error::new(
                ErrorKind::Value,
                format!(
                    "plain hosts: TOML and JSON have no place for {name:?}; remove it, or make it an alias of a node"
                ),
            )),
        }
    }
}

fn checked(cluster: Cluster) -> Result<Cluster, Error> {
    check_release(&cluster)?;
    cluster.check()?;
    Ok(cluster)
}

/// Only hosts text may leave the release out.
pub(crate) fn check_release(cluster: &Cluster) -> Result<(), Error> {
    match cluster.release {
        Some(_) => Ok(()),
        None => Err(Error::new(
            ErrorKind::Release,
            "release: missing; expected the cluster's EMR release, such as EMR-3.10.1",
        )),
    }
}

/// Reads TOML without checking what came of it.
pub(crate) fn read_toml(text: &str) -> Result<Cluster, Error> {
    let located = |message: &str, span: Option<std::ops::Range<usize>>| {
        let error = Error::new(ErrorKind::Syntax, message);
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
            Some((key, _)) if key.len() < 64 => located(&format!("{} (key {:?})", e.message(), key.trim()), e.span()),
            _ => located(e.message(), e.span()),
        }
    })?;
    serde_path_to_error::deserialize::<_, Table<RawCluster>>(deserializer)
        .map_err(|e| located(&with_key(e.path(), e.inner().message()), e.inner().span()))
        .and_then(|Table(raw)| raw.into_cluster())
}

/// Reads JSON without checking what came of it.
pub(crate) fn read_json(text: &str) -> Result<Cluster, Error> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let located = |message: String, e: &serde_json::Error| {
        // serde_json ends its message with the place, which is said in front already.
        let message = message.rsplit_once(" at line ").map_or(message.as_str(), |(head, _)| head).to_owned();
        Error::new(ErrorKind::Syntax, message).at_line(e.line(), Some(e.column().max(1)))
    };
    let Table(raw): Table<RawCluster> = serde_path_to_error::deserialize(&mut deserializer)
        .map_err(|e| located(with_key(e.path(), &e.inner().to_string()), e.inner()))?;
    deserializer.end().map_err(|e| located(e.to_string(), &e))?;
    raw.into_cluster()
}

fn with_key(path: &serde_path_to_error::Path, message: &str) -> String {
    let message = message.trim_end();
    // An unknown key is the last part of its own path, and named by the message already.
    if path.iter().next().is_none() || path.to_string() == "?" || message.starts_with("unknown field") {
        return message.to_owned();
    }
    format!("{path}: {message}")
}

fn line_and_column(text: &str, offset: usize) -> (usize, usize) {
    let before = &text[..offset.min(text.len())];
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    (line, column)
}

impl RawCluster {
    fn into_cluster(self) -> Result<Cluster, Error> {
        let mut cluster = Cluster::without_release();
        cluster.release =
            self.release.map(|release| release.parse()).transpose().map_err(|e| prefixed("release", &e))?;
        cluster.id = self.id;
        cluster.region = self.region;
        cluster.strict = self.strict;
        cluster.cluster_id = self.cluster_id;
        if let Some(network) = self.network {
            cluster.network = network.parse()?;
        }
        cluster.bootstrap = self.bootstrap.map(|style| style.parse()).transpose()?;
        cluster.port = self
            .port
            .map(|port| match u16::try_from(port) {
                Ok(port) if port > 0 => Ok(port),
                _ => Err(Error::new(ErrorKind::Value, format!("port: {port} is not possible; expected 1 to 65535"))),
            })
            .transpose()?;
        for Table(raw) in self.nodes {
            let name = raw.name.clone();
            cluster.nodes.push(raw.into_node().map_err(|e| prefixed(&format!("node {name}"), &e))?);
        }
        Ok(cluster)
    }
}

impl RawNode {
    fn into_node(self) -> Result<Node, Error> {
        let mut node = Node::new(self.name);
        node.private_ip = self.private_ip.map(|ip| parse_ip("private_ip", &ip)).transpose()?;
        node.public_ip = self.public_ip.map(|ip| parse_ip("public_ip", &ip)).transpose()?;
        node.role = self.role.map(|role| role.parse()).transpose()?;
        node.broker = self.broker;
        node.host = self.host;
        node.aliases = self.aliases;
        node.connect = self.connect.map(|connect| parse_connect("connect", &connect)).transpose()?;
        Ok(node)
    }
}

/// Says to whom a message about a value belongs.
pub(crate) fn prefixed(owner: &str, error: &Error) -> Error {
    Error::new(error.kind(), format!("{owner}: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{BootstrapStyle, Network, NodeRole};

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
        let cluster = Cluster::from_toml(SEED).unwrap();
        assert_eq!(cluster.id.as_deref(), Some("48742"));
        assert_eq!(cluster.nodes.len(), 2);
        assert_eq!(cluster.nodes[0].role(), Some(NodeRole::Master));
        assert!(!cluster.nodes[0].is_broker());
        assert!(cluster.nodes[1].is_broker());
        assert_eq!(cluster.long_domain(&cluster.nodes[1]).unwrap(), "emr-worker-1.cluster-48742");
    }

    #[test]
    fn what_is_written_is_read_again() {
        let mut cluster = Cluster::from_toml(SEED).unwrap();
        cluster.network = Network::Public;
        cluster.bootstrap = Some(BootstrapStyle::Names);
        cluster.strict = true;
        cluster.port = Some(19092);
        cluster.cluster_id = Some("abc".to_owned());
        cluster.region = Some("cn-shanghai".to_owned());
        let node = &mut cluster.nodes[1];
        node.role = Some(NodeRole::Task);
        node.broker = Some(true);
        node.host = Some("kafka.example.com".to_owned());
        node.aliases = vec!["k1".to_owned()];
        node.connect = Some("[::1]:19092".parse().unwrap());
        assert_eq!(Cluster::from_toml(&cluster.to_toml().unwrap()).unwrap(), cluster);
        assert_eq!(Cluster::from_json(&cluster.to_json().unwrap()).unwrap(), cluster);
    }

    #[track_caller]
    fn refuse(text: &str, kind: ErrorKind, says: &[&str]) {
        let error =
            if text.trim_start().starts_with('{') { Cluster::from_json(text) } else { Cluster::from_toml(text) }
                .unwrap_err();
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
        refuse(&with(&format!("{worker}{worker}")), ErrorKind::Value, &["node emr-worker-1: stands twice"]);
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
        refuse(&format!("release = \"3.10\"\n{worker}"), ErrorKind::Value, &["id: missing", "before EMR-3.11"]);
        refuse(
            &format!("release = \"3.11\"\nbootstrap = \"names\"\n{worker}"),
            ErrorKind::Value,
            &["id: missing", "names"],
        );
    }
}
