//! The keys of a description, once: how each is read, written and overridden, which ones there are, and what they mean.

use std::borrow::Cow;
use std::fmt;
use std::net::{IpAddr, SocketAddr};

use serde::{Serialize, Serializer};

use crate::description::{NodeDescription, Settings};
use crate::{BootstrapStyle, EmrVersion, Error, ErrorKind, Network, NodeRole};

/// One key of a description, or of a node in it.
pub struct Key<T> {
    /// The key as it is written.
    pub name: &'static str,
    /// What it means, in one line of Markdown.
    pub meaning: &'static str,
    pub(crate) read: fn(&mut T, Scalar<'_>) -> Result<(), Error>,
    pub(crate) parse: fn(&mut T, &str) -> Result<(), Error>,
    pub(crate) write: fn(&T) -> Option<Scalar<'_>>,
    pub(crate) copy: fn(&T, &mut T),
}

/// Makes a key of a field with its name.
macro_rules! key {
    ($owner:ty, $field:ident, $meaning:literal) => {
        Key {
            name: stringify!($field),
            meaning: $meaning,
            read: |owner: &mut $owner, scalar| owner.$field.read(scalar),
            parse: |owner: &mut $owner, text| owner.$field.read(Scalar::Argument(text)),
            write: |owner: &$owner| owner.$field.write(),
            copy: |from: &$owner, to: &mut $owner| to.$field.clone_from(&from.$field),
        }
    };
}

/// The top-level keys that have one value. `nodes` is a list, and the only other one.
pub static KEYS: &[Key<Settings>] = &[
    key!(
        Settings,
        id,
        "what long domains end in: `48742` of `cluster-48742`, or a new-console id, `c-…`. Required where the rule lists long domains, and wherever they are wanted"
    ),
    key!(
        Settings,
        release,
        "the EMR release: `EMR-3.10.1`, `V3.11.X`, `EMR V3.44.0`, `E-MapReduce-3.12.0`, `3.11`. Required"
    ),
    key!(Settings, network, "`private` (default) or `public`"),
    key!(
        Settings,
        region,
        "required where `id` starts with `c-`: the long domain is then `NAME.ID.REGION.emr.aliyuncs.com`"
    ),
    key!(
        Settings,
        bootstrap,
        "`addresses` or `names`: how brokers are listed in `bootstrap.servers`. Default: clients with the hook list names wherever long domains are known; what is printed for other programs is as the rule has it"
    ),
    key!(
        Settings,
        strict,
        "`true`: a name under the cluster's domain that no node has fails at once. Default `false`: the system resolver is asked. Either way one warning names it"
    ),
    key!(Settings, port, "the brokers' port, where it is not the rule's"),
    key!(
        Settings,
        cluster_id,
        "Kafka's own id of the cluster: a client warns when another cluster answers (which clients: [below](#what-it-cannot-do))"
    ),
];

/// The keys of a node.
pub static NODE_KEYS: &[Key<NodeDescription>] = &[
    key!(NodeDescription, name, "`emr-worker-1`, `core-1-1`. Required"),
    key!(NodeDescription, private_ip, "the node's address inside the VPC"),
    key!(NodeDescription, public_ip, "the node's public address (EIP)"),
    key!(
        NodeDescription,
        role,
        "`master`, `core`, `task` or `gateway`. Default: by the name (`emr-header-*` and `master*`: master; `emr-worker-*` and `core*`: core; `task*`: task; `emr-gateway-*`: gateway)"
    ),
    key!(NodeDescription, broker, "whether Kafka runs there. Default: on core nodes"),
    key!(NodeDescription, host, "the whole long domain, where it has another form"),
    key!(NodeDescription, aliases, "further names"),
    key!(
        NodeDescription,
        connect,
        "`\"ip:port\"`: dial this instead, for SSH tunnels and port forwards (which ports it stands for: [`exec`](#any-other-program))"
    ),
];

/// Finds a key by its name.
pub(crate) fn find<T>(keys: &'static [Key<T>], name: &str) -> Option<&'static Key<T>> {
    keys.iter().find(|key| key.name == name)
}

/// The names of keys, for a message.
pub(crate) fn names<T>(keys: &'static [Key<T>]) -> String {
    keys.iter().map(|key| key.name).collect::<Vec<_>>().join(", ")
}

impl<T> Key<T> {
    /// Puts the value of one description into another, if the first one has any.
    pub(crate) fn override_with(&self, from: &T, to: &mut T) {
        if (self.write)(from).is_some() {
            (self.copy)(from, to);
        }
    }
}

/// A value as TOML, JSON or a parameter has it.
#[derive(Debug)]
pub(crate) enum Scalar<'a> {
    Text(Cow<'a, str>),
    Bool(bool),
    Integer(i64),
    Texts(Vec<Cow<'a, str>>),
    /// Text that stands for a value of any type, as in `emr://…?strict=true`.
    Argument(&'a str),
    /// What no key has: its name in messages.
    Other(&'static str),
}

impl Scalar<'_> {
    fn is_not(&self, expected: &str) -> Error {
        Error::new(ErrorKind::Syntax, format!("expected {expected}, found {self}"))
    }

    /// The value for a parameter of a source.
    pub(crate) fn to_parameter(&self) -> String {
        match self {
            Scalar::Text(text) => text.clone().into_owned(),
            Scalar::Bool(value) => value.to_string(),
            Scalar::Integer(value) => value.to_string(),
            Scalar::Texts(texts) => texts.join(","),
            Scalar::Argument(text) | Scalar::Other(text) => (*text).to_owned(),
        }
    }
}

impl fmt::Display for Scalar<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // The value is not shown: it can be anything, a password in the wrong file.
            Scalar::Text(_) | Scalar::Argument(_) => f.write_str("a string"),
            Scalar::Bool(value) => write!(f, "the boolean {value}"),
            Scalar::Integer(value) => write!(f, "the integer {value}"),
            Scalar::Texts(_) => f.write_str("a list"),
            Scalar::Other(what) => f.write_str(what),
        }
    }
}

impl Serialize for Scalar<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Scalar::Text(text) => serializer.serialize_str(text),
            Scalar::Bool(value) => serializer.serialize_bool(*value),
            Scalar::Integer(value) => serializer.serialize_i64(*value),
            Scalar::Texts(texts) => texts.serialize(serializer),
            Scalar::Argument(text) | Scalar::Other(text) => serializer.serialize_str(text),
        }
    }
}

/// A field that a key stands for.
trait Field {
    fn read(&mut self, scalar: Scalar<'_>) -> Result<(), Error>;
    fn write(&self) -> Option<Scalar<'_>>;
}

impl<V: Value> Field for Option<V> {
    fn read(&mut self, scalar: Scalar<'_>) -> Result<(), Error> {
        *self = Some(V::from_scalar(scalar)?);
        Ok(())
    }

    fn write(&self) -> Option<Scalar<'_>> {
        self.as_ref().map(Value::to_scalar)
    }
}

impl Field for String {
    fn read(&mut self, scalar: Scalar<'_>) -> Result<(), Error> {
        *self = Value::from_scalar(scalar)?;
        Ok(())
    }

    fn write(&self) -> Option<Scalar<'_>> {
        Some(self.to_scalar())
    }
}

impl Field for Vec<String> {
    fn read(&mut self, scalar: Scalar<'_>) -> Result<(), Error> {
        match scalar {
            Scalar::Texts(texts) => *self = texts.into_iter().map(Cow::into_owned).collect(),
            other => return Err(other.is_not("a list of strings")),
        }
        Ok(())
    }

    fn write(&self) -> Option<Scalar<'_>> {
        (!self.is_empty()).then(|| Scalar::Texts(self.iter().map(|text| text.into()).collect()))
    }
}

/// A type of value. Most are written as strings.
trait Value: Sized {
    fn parse(text: &str) -> Result<Self, Error>;

    fn from_scalar(scalar: Scalar<'_>) -> Result<Self, Error> {
        match scalar {
            Scalar::Text(text) => Self::parse(&text),
            Scalar::Argument(text) => Self::parse(text),
            other => Err(other.is_not("a string")),
        }
    }

    fn to_scalar(&self) -> Scalar<'_>;
}

impl Value for String {
    fn parse(text: &str) -> Result<Self, Error> {
        Ok(text.to_owned())
    }

    fn from_scalar(scalar: Scalar<'_>) -> Result<Self, Error> {
        match scalar {
            Scalar::Text(text) => Ok(text.into_owned()),
            Scalar::Argument(text) => Ok(text.to_owned()),
            other => Err(other.is_not("a string")),
        }
    }

    fn to_scalar(&self) -> Scalar<'_> {
        Scalar::Text(self.into())
    }
}

/// Values that are written as they are shown, and read by `FromStr`.
macro_rules! shown {
    ($($type:ty),+) => { $(
        impl Value for $type {
            fn parse(text: &str) -> Result<Self, Error> {
                text.parse()
            }

            fn to_scalar(&self) -> Scalar<'_> {
                Scalar::Text(self.to_string().into())
            }
        }
    )+ };
}
shown!(EmrVersion, Network, BootstrapStyle, NodeRole);

impl Value for bool {
    fn parse(text: &str) -> Result<Self, Error> {
        text.parse().map_err(|_| impossible(text, "true or false"))
    }

    fn from_scalar(scalar: Scalar<'_>) -> Result<Self, Error> {
        match scalar {
            Scalar::Bool(value) => Ok(value),
            Scalar::Argument(text) => Self::parse(text),
            other => Err(other.is_not("true or false")),
        }
    }

    fn to_scalar(&self) -> Scalar<'_> {
        Scalar::Bool(*self)
    }
}

/// A port.
impl Value for u16 {
    fn parse(text: &str) -> Result<Self, Error> {
        text.parse().ok().filter(|&port| port != 0).ok_or_else(|| impossible(text, PORTS))
    }

    fn from_scalar(scalar: Scalar<'_>) -> Result<Self, Error> {
        match scalar {
            Scalar::Integer(port) => u16::try_from(port)
                .ok()
                .filter(|&port| port != 0)
                .ok_or_else(|| Error::new(ErrorKind::Value, format!("{port} is not possible; expected {PORTS}"))),
            Scalar::Argument(text) => Self::parse(text),
            other => Err(other.is_not("an integer")),
        }
    }

    fn to_scalar(&self) -> Scalar<'_> {
        Scalar::Integer((*self).into())
    }
}

impl Value for IpAddr {
    fn parse(text: &str) -> Result<Self, Error> {
        if text.parse::<SocketAddr>().is_ok() {
            let why = format!("{text:?} has a port; expected the address alone (`port` and `connect` are for ports)");
            return Err(Error::new(ErrorKind::Value, why));
        }
        text.parse().map_err(|_| impossible(text, "an IPv4 or IPv6 address, such as 10.0.1.24"))
    }

    fn to_scalar(&self) -> Scalar<'_> {
        Scalar::Text(self.to_string().into())
    }
}

impl Value for SocketAddr {
    fn parse(text: &str) -> Result<Self, Error> {
        text.parse().map_err(|_| impossible(text, "\"ip:port\", IPv6 in brackets, such as 127.0.0.1:19092"))
    }

    fn to_scalar(&self) -> Scalar<'_> {
        Scalar::Text(self.to_string().into())
    }
}

const PORTS: &str = "a port from 1 to 65535";

fn impossible(text: &str, expected: &str) -> Error {
    Error::new(ErrorKind::Value, format!("{text:?} is not possible; expected {expected}"))
}
