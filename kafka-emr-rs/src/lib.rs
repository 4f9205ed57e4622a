//! Unchanged [`rdkafka`] clients that reach an Alibaba Cloud EMR Kafka cluster by its long domains.
//!
//! ```no_run
//! use kafka_emr_rs::rdkafka::{ClientConfig, producer::FutureProducer};
//! use kafka_emr_rs::{CreateFor, Resolver};
//!
//! let cluster = Resolver::open("cluster.toml")?;
//! let producer: FutureProducer = ClientConfig::new().create_for(&cluster)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The names are resolved inside this process, through librdkafka's resolve hook. No hosts file is read or written, and
//! certificates and Kerberos principals are still checked against the long domain. See [`CreateFor`] for what becomes of a
//! configuration, [`Resolver`] for descriptions and how they are followed, and [`mocking`] for an embedded cluster.

mod cluster_id;
mod config;
mod create;
mod error;
mod install;
pub mod mocking;

#[doc(hidden)]
pub use create::create_unpinned_for;
pub use create::{CreateFor, KafkaClient};
pub use error::{Error, ErrorKind};
pub use kafka_emr_core::{self, Cluster, Description, Network, Resolver, Source};
pub use rdkafka;

/// The README's Rust is compiled, and what can run is run.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
