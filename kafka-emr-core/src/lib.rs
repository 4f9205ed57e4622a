//! Endpoints and names of Alibaba Cloud EMR Kafka clusters.
//!
//! An EMR Kafka cluster names its brokers by *long domains* (`emr-worker-1.cluster-48742`) that no DNS outside the cluster
//! knows. This crate turns a small description of the cluster into the right endpoints, by the version rules of EMR's
//! document "Cross-cluster access to Kafka" ([`RULES`]), and into a [`Resolver`] for the names. It contains no Kafka client
//! and no unsafe code.
//!
//! A [`Source`] is read into [`Description`]s, each of which becomes a [`Cluster`], checked once. [`Hosts`] is the map of one
//! cluster or of several, and a [`Resolver`] has the map that holds now.
//!
//! ```
//! use kafka_emr_core::Resolver;
//!
//! let resolver = Resolver::open("emr://48742?release=EMR-3.10.1&emr-worker-1=10.0.1.24&emr-worker-2=10.0.1.25")?;
//! assert_eq!(resolver.bootstrap_servers()?, "emr-worker-1.cluster-48742:9092,emr-worker-2.cluster-48742:9092");
//! # Ok::<(), kafka_emr_core::Error>(())
//! ```

#![forbid(unsafe_code)]

mod check;
mod clock;
mod cluster;
mod connections;
mod counts;
mod description;
mod dial;
mod endpoints;
mod error;
mod explain;
mod file;
mod format;
mod hosts;
mod hosts_text;
mod index;
mod keys;
mod load;
mod names;
#[cfg(test)]
mod namespace;
mod open;
mod overrides;
mod overview;
mod program_names;
mod reading;
mod resolver;
mod rules;
mod source;
mod status;
mod text;
mod version;

pub use cluster::{Cluster, Node, NodeRole};
pub use connections::Connections;
pub use counts::LookupCounts;
pub use description::{Description, NodeDescription, Settings};
pub use dial::{Dial, Family};
pub use endpoints::{Endpoint, Endpoints};
pub use error::{Error, ErrorKind};
pub use explain::Explanation;
pub use file::read_description;
pub use format::Format;
pub use hosts::{Hosts, Lookup, Reach};
pub use keys::{KEYS, Key, NODE_KEYS};
pub use names::{LongDomain, is_new_console, without_trailing_dot};
pub use overrides::Overrides;
pub use overview::{NodeOverview, Overview, PlainHost};
pub use program_names::ProgramNames;
pub use resolver::Resolver;
pub use rules::{BootstrapStyle, Network, NodeAddress, RULES, Rule};
pub use source::Source;
pub use status::{FileState, Status};
pub use text::{FirstOf, OneLine};
pub use version::EmrVersion;
