//! A change of a description, as it is reported.

use std::fmt;
use std::net::IpAddr;

use kafka_emr_core::OneLine;
use serde::Serialize;

/// A change of a description. It is shown as one line without its line end: `+` a node, `-` a node, `~` a key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "change", rename_all = "lowercase")]
#[non_exhaustive]
pub enum Change {
    /// A node that is new.
    #[non_exhaustive]
    Added {
        /// Its name.
        name: String,
        /// Its addresses: the private IP, then the EIP.
        #[serde(skip)]
        addresses: Vec<IpAddr>,
    },
    /// A node that no longer exists.
    #[non_exhaustive]
    Removed {
        /// Its name.
        name: String,
    },
    /// A key with another value.
    #[non_exhaustive]
    Set {
        /// The node; `None` for a key of the cluster.
        name: Option<String>,
        /// The key.
        key: &'static str,
        /// The old value.
        from: Option<String>,
        /// The new value.
        to: Option<String>,
    },
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Change::Added { name, addresses } => {
                write!(f, "+ {}", OneLine(name))?;
                addresses.iter().try_for_each(|address| write!(f, " {address}"))
            }
            Change::Removed { name } => write!(f, "- {}", OneLine(name)),
            Change::Set { name, key, from, to } => {
                let shown = |value: &Option<String>| OneLine(value.as_deref().unwrap_or("–")).to_string();
                let name = name.as_ref().map(|name| format!("{} ", OneLine(name))).unwrap_or_default();
                write!(f, "~ {name}{key} {} → {}", shown(from), shown(to))
            }
        }
    }
}
