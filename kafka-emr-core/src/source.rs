//! The one string that says where a description is.

use std::fmt;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use url::Url;

use crate::cluster::{KEYS, parse_ip, set_key};
use crate::description::{check_release, prefixed, read_json, read_toml};
use crate::error::OneLine;
use crate::file::read_file;
use crate::{Cluster, Error, ErrorKind, Network, Node, hosts_text};

/// Says where the description of one cluster or of several is.
///
/// Made from one string:
///
/// - a path, or `file:///path`;
/// - `emr:///path?network=public`: a file whose top-level keys are overridden;
/// - `emr://48742?release=EMR-3.10.1&emr-worker-1=10.0.1.24/203.0.113.24`: everything inline. A node is
///   `NAME=PRIVATE[/PUBLIC]`, and either side may be empty;
/// - several of these separated by `;`.
///
/// A path with a `;` in it is written `file:///a%3Bb`. A relative path is resolved when the source is made.
///
/// # Examples
///
/// ```
/// use kafka_emr_core::Source;
///
/// let source: Source = "emr://48742?release=EMR-3.10.1&emr-worker-1=10.0.1.24".parse()?;
/// assert_eq!(source.load()?[0].rule().name, "R3");
/// # Ok::<(), kafka_emr_core::Error>(())
/// ```
///
/// Shown, it is as messages name it: inline parts without their parameters. Two sources are equal when they read the same
/// files and say the same inline, written the same way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Part {
    place: Place,
    /// Top-level keys with their values, in the order given: later ones win.
    overrides: Vec<(&'static str, String)>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    File(PathBuf),
    Inline { shown: String, nodes: Vec<Node> },
}

impl Source {
    /// Overrides a top-level key (`network`, `bootstrap`, `strict`, `release`, `region`, `port`, `id`, `cluster_id`) in
    /// every cluster of the source.
    ///
    /// # Errors
    ///
    /// Fails on a key that is none of these and on an impossible value.
    pub fn set(&mut self, key: &str, value: &str) -> Result<(), Error> {
        let key = known_key(key).ok_or_else(|| {
            Error::new(
                ErrorKind::Source,
                format!("{key:?} is no key of a description; expected one of {}", KEYS.join(", ")),
            )
        })?;
        check_value(key, value)?;
        for part in &mut self.parts {
            part.overrides.push((key, value.to_owned()));
        }
        Ok(())
    }

    /// Reads the descriptions, one or more clusters, and checks them.
    ///
    /// # Errors
    ///
    /// Fails when a file cannot be read or may be written by everybody, and when a description is wrong.
    pub fn load(&self) -> Result<Vec<Cluster>, Error> {
        let mut clusters = Vec::new();
        for part in &self.parts {
            clusters.extend(part.load().map_err(|e| e.in_source(part))?);
        }
        Ok(clusters)
    }

    /// Returns the source as one string that means the same in every folder: paths are absolute, and overrides are in it.
    #[must_use]
    pub fn to_text(&self) -> String {
        self.parts.iter().map(Part::to_text).collect::<Vec<_>>().join(";")
    }

    /// Returns the files that are read, which a resolver follows.
    pub fn files(&self) -> impl Iterator<Item = &Path> {
        self.parts.iter().filter_map(|part| match &part.place {
            Place::File(path) => Some(path.as_path()),
            Place::Inline { .. } => None,
        })
    }
}

impl FromStr for Source {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let parts = text.split(';').map(str::trim).filter(|part| !part.is_empty());
        let parts = parts.map(Part::parse).collect::<Result<Vec<_>, _>>()?;
        if parts.is_empty() {
            return Err(wrong("the source is empty; expected a path, file:///…, emr:///… or emr://ID?…"));
        }
        Ok(Source { parts })
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, part) in self.parts.iter().enumerate() {
            write!(f, "{}{part}", if i > 0 { ";" } else { "" })?;
        }
        Ok(())
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Place::File(path) => OneLine(&path.to_string_lossy()).fmt(f),
            Place::Inline { shown, .. } => OneLine(shown).fmt(f),
        }
    }
}

fn wrong(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Source, message)
}

fn known_key(key: &str) -> Option<&'static str> {
    KEYS.into_iter().find(|known| *known == key)
}

/// Says early what is wrong with a value, before any file is opened.
fn check_value(key: &str, value: &str) -> Result<(), Error> {
    set_key(&mut Cluster::without_release(), key, value)
}

impl Part {
    fn parse(text: &str) -> Result<Self, Error> {
        let scheme = text.split_once("://").map(|(scheme, _)| scheme);
        match scheme.map(str::to_ascii_lowercase).as_deref() {
            Some("emr") => Part::parse_emr(text).map_err(|e| e.in_source(shorten(text))),
            Some("file") => {
                let wrong = |message: String| wrong(message).in_source(shorten(text));
                let url = Url::parse(text).map_err(|e| wrong(e.to_string()))?;
                let path =
                    url.to_file_path().map_err(|()| wrong("expected file:///path, on this machine".to_owned()))?;
                if url.query().is_some() || url.fragment().is_some() {
                    return Err(wrong(format!("file:// takes no parameters; write emr://{}?…", path.display())));
                }
                Ok(Part { place: Place::File(path), overrides: Vec::new() })
            }
            Some(other) => Err(wrong(format!("the scheme {other:?} is not known; expected a path, file:// or emr://"))
                .in_source(shorten(text))),
            None if text.get(..4).is_some_and(|head| head.eq_ignore_ascii_case("emr:")) => {
                Err(wrong("expected emr://ID?… or emr:///path?…, with two slashes after emr:").in_source(shorten(text)))
            }
            None => {
                let path = std::path::absolute(text).map_err(|e| wrong(format!("{text:?}: {e}")).caused_by(e))?;
                Ok(Part { place: Place::File(path), overrides: Vec::new() })
            }
        }
    }

    fn parse_emr(text: &str) -> Result<Self, Error> {
        let url = Url::parse(text).map_err(|e| wrong(e.to_string()))?;
        if !url.username().is_empty() || url.password().is_some() || url.port().is_some() || url.fragment().is_some() {
            return Err(wrong(
                "expected emr://ID?key=value&… or emr:///path?key=value&…, with no user, port or fragment",
            ));
        }
        let id = url.host_str().unwrap_or_default();
        if let Some(c) = id.chars().find(|c| !c.is_ascii_alphanumeric() && *c != '-') {
            return Err(wrong(format!(
                "{id:?} is no id, because of its {c:?}; expected emr://ID?key=value&…, or emr:///path with three slashes"
            )));
        }
        let has_path = !matches!(url.path(), "" | "/");
        let mut overrides: Vec<(&'static str, String)> = Vec::new();
        let mut nodes: Vec<Node> = Vec::new();
        let place = if has_path {
            if !id.is_empty() {
                return Err(wrong(format!("both an id ({id:?}) and a path; expected emr://ID?… or emr:///path?…")));
            }
            let path = format!("file://{}", url.path());
            let path = Url::parse(&path).ok().and_then(|url| url.to_file_path().ok());
            Place::File(path.ok_or_else(|| wrong(format!("the path {:?} cannot be used", url.path())))?)
        } else {
            if !id.is_empty() {
                overrides.push(("id", id.to_owned()));
            }
            Place::Inline { shown: shorten(text), nodes: Vec::new() }
        };
        for (name, value) in url.query_pairs() {
            if let Some(key) = known_key(&name) {
                if overrides.iter().any(|(known, _)| *known == key) {
                    return Err(wrong(format!("parameter {key:?} is given twice")));
                }
                check_value(key, &value).map_err(|e| prefixed(&format!("parameter {key:?}"), &e))?;
                overrides.push((key, value.into_owned()));
            } else if has_path {
                return Err(wrong(format!("parameter {name:?} is not known; expected one of {}", KEYS.join(", "))));
            } else {
                let node = parse_node(&name, &value)?;
                if nodes.iter().any(|known| known.name == node.name) {
                    return Err(wrong(format!("parameter {name:?} is given twice")));
                }
                nodes.push(node);
            }
        }
        let place = match place {
            Place::Inline { shown, .. } => Place::Inline { shown, nodes },
            file => file,
        };
        Ok(Part { place, overrides })
    }

    fn to_text(&self) -> String {
        let mut parameters = url::form_urlencoded::Serializer::new(String::new());
        for key in KEYS {
            if let Some(value) = self.value_of(key).filter(|_| !(key == "id" && self.is_inline())) {
                parameters.append_pair(key, value);
            }
        }
        let place = match &self.place {
            // Absolute, so it can be written as a URL. A semicolon would begin the next part.
            Place::File(path) => Url::from_file_path(path)
                .map_or_else(|()| path.display().to_string(), |url| url.path().replace(';', "%3B")),
            Place::Inline { nodes, .. } => {
                for node in nodes {
                    let ip = |ip: Option<IpAddr>| ip.map(|ip| ip.to_string()).unwrap_or_default();
                    parameters.append_pair(&node.name, &format!("{}/{}", ip(node.private_ip), ip(node.public_ip)));
                }
                self.value_of("id").unwrap_or_default().to_owned()
            }
        };
        match parameters.finish() {
            none if none.is_empty() => format!("emr://{place}"),
            parameters => format!("emr://{place}?{parameters}"),
        }
    }

    fn is_inline(&self) -> bool {
        matches!(self.place, Place::Inline { .. })
    }

    fn load(&self) -> Result<Vec<Cluster>, Error> {
        // Only hosts text gives no release.
        let (mut clusters, gives_release) = match &self.place {
            Place::File(path) => self.read(path)?,
            Place::Inline { nodes, .. } => {
                let mut cluster = Cluster::without_release();
                cluster.nodes.clone_from(nodes);
                (vec![cluster], true)
            }
        };
        // Checked last, so that an override can supply what the file lacks.
        for cluster in &mut clusters {
            for (key, value) in &self.overrides {
                set_key(cluster, key, value)?;
            }
            if gives_release {
                check_release(cluster)?;
            }
            cluster.check()?;
            cluster.check_addresses()?;
        }
        Ok(clusters)
    }

    /// Reads a file. Also says whether its format gives the release.
    fn read(&self, path: &Path) -> Result<(Vec<Cluster>, bool), Error> {
        let bytes = read_file(path)?;
        let text = std::str::from_utf8(&bytes).map_err(|e| {
            let line = bytes[..e.valid_up_to()].iter().filter(|&&b| b == b'\n').count() + 1;
            Error::new(ErrorKind::Syntax, "not text in UTF-8; expected TOML, JSON or hosts text").at_line(line, None)
        })?;
        let text = text.strip_prefix('\u{FEFF}').unwrap_or(text);
        if text.trim().is_empty() {
            return Err(Error::new(ErrorKind::Syntax, "the file is empty; expected a cluster description"));
        }
        Ok(match Format::of(path, text) {
            Format::Toml => (vec![read_toml(text)?], true),
            Format::Json => (vec![read_json(text)?], true),
            Format::Hosts => {
                // These decide how the lines are read, not only what comes of them.
                let network = self.value_of("network").map(Network::from_str).transpose()?.unwrap_or_default();
                let clusters = hosts_text::read(text, network, self.value_of("id"))?;
                self.check_identity(&clusters)?;
                (clusters, false)
            }
        })
    }

    /// The lines of a hosts text say which cluster they are of: an override may agree, and add what they leave out.
    fn check_identity(&self, clusters: &[Cluster]) -> Result<(), Error> {
        for (key, written) in clusters.iter().flat_map(|c| [("id", &c.id), ("region", &c.region)]) {
            if let (Some(asked), Some(written)) = (self.value_of(key), written)
                && asked != written
            {
                return Err(Error::new(
                    ErrorKind::Value,
                    format!(
                        "{key}: {asked:?} is asked for, but the hosts text has names of {written:?}; leave {key} out"
                    ),
                ));
            }
        }
        Ok(())
    }

    fn value_of(&self, key: &str) -> Option<&str> {
        self.overrides.iter().rev().find(|(known, _)| *known == key).map(|(_, value)| value.as_str())
    }
}

/// A source as it stands in front of messages: without its parameters, which would bury them, and without what
/// somebody may have put in front of an `@`.
fn shorten(text: &str) -> String {
    let (head, parameters) = text.split_once('?').map_or((text, ""), |(head, _)| (head, "?…"));
    let (scheme, rest) = head.find("://").map_or(("", head), |colon| head.split_at(colon + "://".len()));
    format!("{scheme}{}{parameters}", rest.rsplit('@').next().unwrap_or_default())
}

fn parse_node(name: &str, value: &str) -> Result<Node, Error> {
    let mut node = Node::new(name);
    let (private, public) = value.split_once('/').unwrap_or((value, ""));
    let ip = |text: &str| match text {
        "" => Ok(None),
        text => parse_ip("address", text).map(Some),
    };
    match (ip(private), ip(public)) {
        (Ok(private), Ok(public)) => {
            node.private_ip = private;
            node.public_ip = public;
        }
        _ if node.role().is_none() => {
            return Err(wrong(format!(
                "parameter {name:?} is not known; expected one of {}, or a node as NAME=PRIVATE[/PUBLIC]",
                KEYS.join(", ")
            )));
        }
        _ => {
            return Err(wrong(format!(
                "parameter {name:?}: {value:?} is no node; expected PRIVATE[/PUBLIC], such as 10.0.1.24/203.0.113.24"
            )));
        }
    }
    if node.private_ip.is_none() && node.public_ip.is_none() {
        return Err(wrong(format!(
            "parameter {name:?}: no address; expected PRIVATE[/PUBLIC], such as 10.0.1.24/203.0.113.24"
        )));
    }
    if node.role().is_none() {
        return Err(wrong(format!(
            "parameter {name:?}: the name does not tell the node's role; expected one like emr-worker-1 or core-1-1 \
             (others are described in a file, with role or broker)"
        )));
    }
    Ok(node)
}

/// How a file is written.
enum Format {
    Toml,
    Json,
    Hosts,
}

impl Format {
    /// Tells the format by the extension, else by content.
    fn of(path: &Path, text: &str) -> Self {
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("toml") => return Format::Toml,
            Some("json") => return Format::Json,
            _ => {}
        }
        let first =
            text.lines().map(|line| line.split('#').next().unwrap_or_default().trim()).find(|line| !line.is_empty());
        match first {
            Some(line) if line.starts_with('{') => Format::Json,
            Some(line) if line.starts_with('[') || line.contains('=') => Format::Toml,
            _ => Format::Hosts,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::BootstrapStyle;

    const TOML: &str = "id=\"48742\"\nrelease=\"EMR-3.10.1\"\n[[nodes]]\nname=\"emr-worker-1\"\nprivate_ip=\"10.0.1.24\"\npublic_ip=\"203.0.113.24\"\n";

    fn file(suffix: &str, content: &[u8]) -> tempfile::NamedTempFile {
        let mut file = tempfile::Builder::new().suffix(suffix).tempfile().unwrap();
        file.write_all(content).unwrap();
        file
    }

    fn load(text: &str) -> Result<Vec<Cluster>, Error> {
        text.parse::<Source>()?.load()
    }

    #[test]
    fn reads_every_form() {
        let toml = file(".toml", TOML.as_bytes());
        let path = toml.path().display();
        assert_eq!(load(&path.to_string()).unwrap()[0].rule().name, "R3");
        assert_eq!(load(&format!("file://{path}")).unwrap()[0].rule().name, "R3");
        let overridden =
            &load(&format!("emr://{path}?network=public&release=V3.11.X&bootstrap=names&strict=true&port=19093"))
                .unwrap()[0];
        assert_eq!(overridden.rule().name, "R2");
        assert_eq!(overridden.bootstrap, Some(BootstrapStyle::Names));
        assert!(overridden.strict);
        assert_eq!(overridden.port, Some(19093));

        let inline = &load("emr://48742?release=EMR+V3.9.0&network=public&emr-worker-1=10.0.1.24/203.0.113.24&emr-header-1=/203.0.113.23&emr-worker-2=fd00::1/2001:db8::1").unwrap()[0];
        assert_eq!(inline.id.as_deref(), Some("48742"));
        assert_eq!(inline.rule().name, "R4");
        assert_eq!(inline.nodes[1].private_ip, None);
        assert_eq!(inline.nodes[2].public_ip, Some("2001:db8::1".parse().unwrap()));
        assert_eq!(
            load("emr://c-0edfee2cccaecc75?region=cn-shanghai&release=5.8.0&core1-1=10.0.1.24").unwrap()[0].rule().name,
            "R1"
        );
        assert_eq!(load("emr://?release=3.11&core-1=10.0.1.24").unwrap()[0].id, None);

        let both = load(&format!("{path}; emr://48743?release=3.11&emr-worker-1=10.0.2.24")).unwrap();
        assert_eq!(both.len(), 2);
    }

    #[test]
    fn as_text_it_means_the_same_everywhere() {
        let same = |text: &str| {
            let source: Source = text.parse().unwrap();
            let again: Source = source.to_text().parse().unwrap();
            assert_eq!(source.to_text(), again.to_text());
            assert_eq!(source.files().collect::<Vec<_>>(), again.files().collect::<Vec<_>>());
            (source, again)
        };
        same("prod.toml");
        same("/etc/a b;/etc/c");
        same("file:///a%3Bb%20c");
        assert!("prod.toml".parse::<Source>().unwrap().to_text().starts_with("emr:///"));
        let (one, other) = same(
            "emr://48742?release=EMR+V3.9.0&network=public&emr-worker-1=10.0.1.24/203.0.113.24&emr-worker-2=/2001:db8::1",
        );
        assert_eq!(one.load().unwrap(), other.load().unwrap());
        let mut overridden: Source = "emr:///etc/prod.toml?network=public".parse().unwrap();
        overridden.set("network", "private").unwrap();
        assert_eq!(overridden.to_text(), "emr:///etc/prod.toml?network=private");
    }

    #[test]
    fn tells_formats_by_extension_and_content() {
        let json = Cluster::from_toml(TOML).unwrap().to_json().unwrap();
        for suffix in [".toml", "", ".conf"] {
            assert_eq!(load(&file(suffix, TOML.as_bytes()).path().display().to_string()).unwrap().len(), 1);
        }
        for suffix in [".json", "", ".conf"] {
            assert_eq!(load(&file(suffix, json.as_bytes()).path().display().to_string()).unwrap().len(), 1);
        }
        let marked = file("", format!("\u{FEFF}# nodes\n{TOML}").as_bytes());
        assert_eq!(load(&marked.path().display().to_string()).unwrap()[0].rule().name, "R3");
        let hosts = file("", b"10.0.1.24 emr-worker-1.cluster-48742 # a=b\n");
        assert_eq!(load(&hosts.path().display().to_string()).unwrap()[0].rule().name, "R3");
        let public = &load(&format!("emr://{}?network=public", hosts.path().display())).unwrap()[0];
        assert_eq!(public.nodes[0].public_ip, Some("10.0.1.24".parse().unwrap()));
        assert_eq!(public.rule().name, "R4");
    }

    #[test]
    fn overrides_supply_what_a_file_lacks() {
        let at = |file: &tempfile::NamedTempFile, parameters: &str| {
            load(&format!("emr://{}?{parameters}", file.path().display()))
        };
        let without_release = file(".toml", TOML.replace("release=\"EMR-3.10.1\"\n", "").as_bytes());
        assert_eq!(at(&without_release, "release=3.11").unwrap()[0].rule().name, "R1");
        assert!(at(&without_release, "strict=true").unwrap_err().to_string().contains("release: missing"));
        let without_id = file(".toml", TOML.replace("id=\"48742\"\n", "").as_bytes());
        assert_eq!(at(&without_id, "id=48743").unwrap()[0].domain().unwrap(), "cluster-48743");
        let new_console = file(".toml", TOML.replace("48742", "c-0edf").replace("3.10.1", "5.8.0").as_bytes());
        assert!(at(&new_console, "region=cn-shanghai").is_ok());
        let short = file("", b"10.0.1.24 emr-worker-1\n");
        let endpoints = at(&short, "id=48742").unwrap()[0].endpoints().unwrap();
        assert_eq!(endpoints.bootstrap_servers(), "emr-worker-1.cluster-48742:9092");
        let long = file("", b"10.0.1.24 emr-worker-1.cluster-48742\n");
        assert!(at(&long, "id=48742").is_ok());
        assert!(at(&long, "id=99999").unwrap_err().to_string().contains("names of \"48742\""));
    }

    #[test]
    fn a_file_that_is_something_else_is_not_repeated() {
        for content in ["password=hunter2\nsasl.jaas.config=x required p=\"hunter2\";\n", "a = hunter2\n", "hunter2\n"]
        {
            let error = load(&file("", content.as_bytes()).path().display().to_string()).unwrap_err().to_string();
            assert!(!error.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn overrides_hold_for_every_part() {
        let mut source: Source = "emr://1?release=3.11&emr-worker-1=10.0.1.24/203.0.113.24;emr://2?release=3.9&network=private&emr-worker-1=10.0.2.24/203.0.113.25".parse().unwrap();
        source.set("network", "public").unwrap();
        assert_eq!(source.load().unwrap().iter().map(|c| c.rule().name).collect::<Vec<_>>(), ["R2", "R4"]);
        assert!(source.set("netwrk", "public").unwrap_err().to_string().contains("network"));
        assert!(source.set("network", "internet").unwrap_err().to_string().contains("private, public"));
    }

    #[track_caller]
    fn refuse(text: &str, kind: ErrorKind, says: &[&str]) {
        let error = load(text).unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        for part in says {
            assert!(error.to_string().contains(part), "{error}");
        }
    }

    #[test]
    fn refuses_what_it_cannot_understand() {
        refuse("", ErrorKind::Source, &["empty"]);
        refuse(" ; ", ErrorKind::Source, &["empty"]);
        refuse("http://example.com/x", ErrorKind::Source, &["\"http\"", "emr://"]);
        for secret in
            ["https://user:secret@host/x", "file://user:secret@host/x", "emr://user:secret@48742?release=3.11"]
        {
            assert!(!load(secret).unwrap_err().to_string().contains("secret"));
        }
        refuse("emr:48742?release=3.11", ErrorKind::Source, &["emr:48742?…: expected", "two slashes"]);
        refuse("emr://48742&release=3.10", ErrorKind::Source, &["'&'", "emr://ID?"]);
        refuse("emr://prod.toml?network=public", ErrorKind::Source, &["three slashes"]);
        refuse(
            "emr://48742?release=3.11&emr-worker-1.cluster-48742=10.0.1.24",
            ErrorKind::Value,
            &["expected \"emr-worker-1\""],
        );
        refuse("/nonexistent/x.toml?network=public", ErrorKind::Io, &["emr:///nonexistent/x.toml?network=public"]);
        let forged = load("emr://48742?release=3.11&core%0A-1=10.0.1.24").unwrap_err().to_string();
        assert!(!forged.contains('\n'), "{forged}");
        refuse("file:///a?network=public", ErrorKind::Source, &["emr:///a?"]);
        refuse(
            "emr://48742?release=3.1O&emr-worker-1=10.0.1.24",
            ErrorKind::Release,
            &["emr://48742", "\"release\"", "3.1O"],
        );
        refuse("emr://48742?emr-worker-1=10.0.1.24", ErrorKind::Release, &["emr://48742?…", "release: missing"]);
        refuse(
            "emr://48742?release=3.11&netwrk=public&emr-worker-1=10.0.1.24",
            ErrorKind::Source,
            &["\"netwrk\"", "network"],
        );
        refuse(
            "emr://48742?release=3.11&network=internet&emr-worker-1=10.0.1.24",
            ErrorKind::Value,
            &["\"network\"", "internet"],
        );
        refuse(
            "emr://48742?release=3.11&emr-worker-1=10.0.1",
            ErrorKind::Source,
            &["\"emr-worker-1\"", "10.0.1", "PRIVATE"],
        );
        refuse("emr://48742?release=3.11&emr-worker-1=/", ErrorKind::Source, &["\"emr-worker-1\"", "no address"]);
        refuse(
            "emr://48742?release=3.11&emr-worker-1=10.0.1.24&emr-worker-1=10.0.1.25",
            ErrorKind::Source,
            &["\"emr-worker-1\"", "twice"],
        );
        refuse(
            "emr://48742?release=3.11&release=3.12&emr-worker-1=10.0.1.24",
            ErrorKind::Source,
            &["\"release\"", "twice"],
        );
        refuse("emr://48742?release=3.11&kafka-1=10.0.1.24", ErrorKind::Source, &["\"kafka-1\"", "role"]);
        refuse("emr://48742?release=3.11&port=70000&emr-worker-1=10.0.1.24", ErrorKind::Value, &["\"port\"", "70000"]);
        refuse("emr://48742/etc/x?release=3.11", ErrorKind::Source, &["id", "path"]);
        refuse("emr://u:p@48742?release=3.11", ErrorKind::Source, &["user"]);
        refuse("emr:///etc/x?emr-worker-1=10.0.1.24", ErrorKind::Source, &["\"emr-worker-1\"", "not known"]);
        refuse("emr://48742?release=3.11", ErrorKind::Value, &["emr://48742", "no nodes"]);
    }

    #[test]
    fn refuses_files_it_must_not_read() {
        refuse("/nonexistent/prod.toml", ErrorKind::Io, &["/nonexistent/prod.toml", "no such file"]);
        refuse("/", ErrorKind::Io, &["is a directory"]);
        refuse("/dev/null", ErrorKind::Io, &["no regular file"]);
        let open = file(".toml", TOML.as_bytes());
        std::fs::set_permissions(open.path(), std::fs::Permissions::from_mode(0o666)).unwrap();
        refuse(&open.path().display().to_string(), ErrorKind::Insecure, &["chmod o-w"]);
        refuse(&file(".toml", b"").path().display().to_string(), ErrorKind::Syntax, &["empty"]);
        refuse(
            &file("", b"10.0.1.24 a\n\xff\xfe").path().display().to_string(),
            ErrorKind::Syntax,
            &["line 2", "UTF-8"],
        );
        let wrong = file(".toml", b"release = 3\n");
        refuse(
            &wrong.path().display().to_string(),
            ErrorKind::Syntax,
            &[&wrong.path().display().to_string(), "line 1, column 11"],
        );
    }
}
