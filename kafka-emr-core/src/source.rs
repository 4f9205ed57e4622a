//! The one string that says where a description is.

use std::fmt;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use url::Url;

use crate::keys::{self, KEYS};
use crate::{Error, ErrorKind, NodeDescription, OneLine, Overrides};

/// Where the description of one cluster or of several is.
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
    pub(crate) parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) location: Location,
    pub(crate) overrides: Overrides,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Location {
    File(PathBuf),
    Inline { shown: String, nodes: Vec<NodeDescription> },
}

impl Source {
    /// Returns the source with overrides over every cluster of it, and over its own parameters.
    #[must_use]
    pub fn with(mut self, overrides: &Overrides) -> Self {
        self.parts.iter_mut().for_each(|part| part.overrides.extend(overrides));
        self
    }

    /// Returns the source with overrides for the keys that it has no parameters for: over the files of it, and under its own
    /// parameters. This is how an environment variable counts.
    #[must_use]
    pub fn with_defaults(mut self, defaults: &Overrides) -> Self {
        for part in &mut self.parts {
            let own = std::mem::replace(&mut part.overrides, defaults.clone());
            part.overrides.extend(&own);
        }
        self
    }

    /// Returns the source as one string that means the same in every folder: paths are absolute, and overrides are in it.
    #[must_use]
    pub fn to_text(&self) -> String {
        self.parts.iter().map(Part::to_text).collect::<Vec<_>>().join(";")
    }

    /// Returns the files that are read, which a resolver follows.
    pub fn files(&self) -> impl Iterator<Item = &Path> {
        self.parts.iter().filter_map(|part| match &part.location {
            Location::File(path) => Some(path.as_path()),
            Location::Inline { .. } => None,
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
        match &self.location {
            Location::File(path) => OneLine(&path.to_string_lossy()).fmt(f),
            Location::Inline { shown, .. } => OneLine(shown).fmt(f),
        }
    }
}

fn wrong(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Source, message)
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
                Ok(Part { location: Location::File(path), overrides: Overrides::default() })
            }
            Some(other) => Err(wrong(format!("the scheme {other:?} is not known; expected a path, file:// or emr://"))
                .in_source(shorten(text))),
            None if text.get(..4).is_some_and(|head| head.eq_ignore_ascii_case("emr:")) => {
                Err(wrong("expected emr://ID?… or emr:///path?…, with two slashes after emr:").in_source(shorten(text)))
            }
            None => {
                let path = std::path::absolute(text).map_err(|e| wrong(format!("{text:?} is no path")).caused_by(e))?;
                Ok(Part { location: Location::File(path), overrides: Overrides::default() })
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
        let mut overrides = Overrides::default();
        let mut nodes: Vec<NodeDescription> = Vec::new();
        let path = match url.path() {
            "" | "/" => None,
            _ if !id.is_empty() => {
                return Err(wrong(format!("both an id ({id:?}) and a path; expected emr://ID?… or emr:///path?…")));
            }
            path => {
                let file = Url::parse(&format!("file://{path}")).ok().and_then(|url| url.to_file_path().ok());
                Some(file.ok_or_else(|| wrong(format!("the path {path:?} cannot be used")))?)
            }
        };
        if !id.is_empty() {
            overrides.set("id", id)?;
        }
        for (name, value) in url.query_pairs() {
            let is_twice = match keys::find(KEYS, &name) {
                Some(_) => overrides.iter().any(|(key, _)| key == name),
                None => nodes.iter().any(|node| node.name == name),
            };
            if is_twice {
                return Err(wrong(format!("parameter {name:?} is given twice")));
            }
            if keys::find(KEYS, &name).is_some() {
                overrides.set(&name, &value)?;
            } else if path.is_some() {
                let known = keys::names(KEYS);
                return Err(wrong(format!("parameter {name:?} is not known; expected one of {known}")));
            } else {
                nodes.push(parse_node(&name, &value)?);
            }
        }
        let location = match path {
            Some(path) => Location::File(path),
            None => Location::Inline { shown: shorten(text), nodes },
        };
        Ok(Part { location, overrides })
    }

    fn to_text(&self) -> String {
        let mut parameters = url::form_urlencoded::Serializer::new(String::new());
        // The id of an inline part has its place in front.
        let id = |key| key == "id" && matches!(self.location, Location::Inline { .. });
        for (key, value) in self.overrides.iter().filter(|(key, _)| !id(*key)) {
            parameters.append_pair(key, &value);
        }
        let path_or_id = match &self.location {
            // Absolute, so it can be written as a URL. A semicolon would begin the next part.
            Location::File(path) => Url::from_file_path(path)
                .map_or_else(|()| path.display().to_string(), |url| url.path().replace(';', "%3B")),
            Location::Inline { nodes, .. } => {
                for node in nodes {
                    let ip = |ip: Option<IpAddr>| ip.map(|ip| ip.to_string()).unwrap_or_default();
                    parameters.append_pair(&node.name, &format!("{}/{}", ip(node.private_ip), ip(node.public_ip)));
                }
                self.overrides.settings().id.clone().unwrap_or_default()
            }
        };
        match parameters.finish() {
            none if none.is_empty() => format!("emr://{path_or_id}"),
            parameters => format!("emr://{path_or_id}?{parameters}"),
        }
    }
}

/// A source as it stands in front of messages: without its parameters, which would bury them, and without what
/// somebody may have put in front of an `@`.
fn shorten(text: &str) -> String {
    let (head, parameters) = text.split_once('?').map_or((text, ""), |(head, _)| (head, "?…"));
    let (scheme, rest) = head.find("://").map_or(("", head), |colon| head.split_at(colon + "://".len()));
    format!("{scheme}{}{parameters}", rest.rsplit('@').next().unwrap_or_default())
}

fn parse_node(name: &str, value: &str) -> Result<NodeDescription, Error> {
    let mut node = NodeDescription::new(name);
    let (private, public) = value.split_once('/').unwrap_or((value, ""));
    let ip = |text: &str| match text {
        "" => Ok(None),
        text => text.parse::<IpAddr>().map(Some),
    };
    match (ip(private), ip(public)) {
        (Ok(private), Ok(public)) => {
            node.private_ip = private;
            node.public_ip = public;
        }
        _ if node.role_or_named().is_none() => {
            return Err(wrong(format!(
                "parameter {name:?} is not known; expected one of {}, or a node as NAME=PRIVATE[/PUBLIC]",
                keys::names(KEYS)
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
    if node.role_or_named().is_none() {
        return Err(wrong(format!(
            "parameter {name:?}: the name does not tell the node's role; expected one like emr-worker-1 or core-1-1 \
             (others are described in a file, with role or broker)"
        )));
    }
    Ok(node)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Cluster;

    fn load(text: &str) -> Result<Vec<Cluster>, Error> {
        text.parse::<Source>()?.load()
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
        let overridden: Source = "emr:///etc/prod.toml?network=public".parse().unwrap();
        let mut overrides = Overrides::default();
        overrides.set("network", "private").unwrap();
        assert_eq!(overridden.with(&overrides).to_text(), "emr:///etc/prod.toml?network=private");
    }

    #[test]
    fn defaults_give_way_to_its_own_parameters() {
        let mut defaults = Overrides::default();
        defaults.set("network", "public").unwrap();
        let with = |text: &str| text.parse::<Source>().unwrap().with_defaults(&defaults).to_text();
        assert_eq!(
            with("/etc/prod.toml;emr:///etc/prod.toml?network=private"),
            "emr:///etc/prod.toml?network=public;emr:///etc/prod.toml?network=private"
        );
        assert_eq!(with("emr:///etc/prod.toml?strict=true"), "emr:///etc/prod.toml?network=public&strict=true");
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
            &["emr://48742", "release: \"3.1O\""],
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
            &["network: \"internet\""],
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
        refuse("emr://48742?release=3.11&port=70000&emr-worker-1=10.0.1.24", ErrorKind::Value, &["port: \"70000\""]);
        refuse("emr://48742/etc/x?release=3.11", ErrorKind::Source, &["id", "path"]);
        refuse("emr://u:p@48742?release=3.11", ErrorKind::Source, &["user"]);
        refuse("emr:///etc/x?emr-worker-1=10.0.1.24", ErrorKind::Source, &["\"emr-worker-1\"", "not known"]);
        refuse("emr://48742?release=3.11", ErrorKind::Value, &["emr://48742", "no nodes"]);
    }
}
