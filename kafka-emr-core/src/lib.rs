//! Endpoints and names of Alibaba Cloud EMR Kafka clusters.
//!
//! An EMR Kafka cluster names its brokers by *long domains* (`emr-worker-1.cluster-48742`) that no DNS outside the cluster
//! knows. This crate turns a small description of the cluster into the right endpoints, by the version rules of EMR's
//! document "Cross-cluster access to Kafka" ([`RULES`]), and into a [`Resolver`] for the names. It contains no Kafka client
//! and no unsafe code.
//!
//! ```
//! use kafka_emr_core::Resolver;
//!
//! let resolver = Resolver::open("emr://48742?release=EMR-3.10.1&emr-worker-1=10.0.1.24&emr-worker-2=10.0.1.25")?;
//! assert_eq!(resolver.bootstrap_servers()?, "emr-worker-1.cluster-48742:9092,emr-worker-2.cluster-48742:9092");
//! # Ok::<(), kafka_emr_core::Error>(())
//! ```

#![forbid(unsafe_code)]

mod cluster;
mod description;
mod endpoints;
mod error;
mod file;
mod hosts;
mod hosts_text;
mod names;
mod overview;
mod resolver;
mod rules;
mod source;
mod version;

pub use cluster::{Cluster, Node, NodeRole};
pub use endpoints::{Dial, Endpoint, Endpoints};
pub use error::{Error, ErrorKind, OneLine};
pub use hosts::{Explanation, Family, Hosts, Lookup};
pub use names::LongDomain;
pub use overview::{NodeOverview, Overview, PlainHost};
pub use resolver::Resolver;
pub use rules::{BootstrapStyle, Network, NodeAddress, RULES, Rule};
pub use source::Source;
pub use version::EmrVersion;
