//! Examines a client's whole way to an Alibaba Cloud EMR Kafka cluster and names what is wrong.
//!
//! [`Doctor::examine`] gathers facts first: where names lead, what answers at each address without a login, and what a real
//! client gets with the user's own settings. It judges them together afterwards. The [`Report`] has each [`Check`] that was
//! made and a [`Finding`] for each [`Fault`], with its cure. `docs/troubleshooting.md` has a section for each fault, and
//! `docs/doctor.schema.json` describes the report as JSON.
//!
//! ```no_run
//! use kafka_emr_doctor::kafka_emr_core::Resolver;
//! use kafka_emr_doctor::{ClientSettings, Doctor};
//!
//! let settings = ClientSettings::read(&["client.properties".into()], &["security.protocol=SSL".to_owned()])?;
//! let report = Doctor::new(settings).examine(&Resolver::open("prod.toml")?)?;
//! for finding in report.clusters.iter().flat_map(|cluster| &cluster.findings) {
//!     println!("{}: {}", finding.fault, finding.cure);
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The feature `examine`, on by default, brings librdkafka and OpenSSL. Without it the crate only reads: [`ClientSettings`],
//! [`jaas`], [`properties`], and Kafka's answers in [`wire`].

// Except in `identity`, which calls librdkafka.
#![deny(unsafe_code)]

mod endpoint;
mod error;
pub mod jaas;
pub mod properties;
mod settings;
mod system;
pub mod wire;

#[cfg(feature = "examine")]
mod client;
#[cfg(feature = "examine")]
mod diagnosis;
#[cfg(feature = "examine")]
mod doctor;
#[cfg(feature = "examine")]
mod examine;
#[cfg(feature = "examine")]
mod fault;
#[cfg(feature = "examine")]
mod features;
#[cfg(feature = "examine")]
mod identity;
#[cfg(feature = "examine")]
mod inspect;
#[cfg(feature = "examine")]
mod names;
#[cfg(feature = "examine")]
mod report;
#[cfg(feature = "examine")]
mod tls;

#[cfg(feature = "examine")]
pub use doctor::{Doctor, Stage};
pub use endpoint::HostPort;
pub use error::{Error, ErrorKind};
#[cfg(feature = "examine")]
pub use fault::Fault;
#[cfg(feature = "examine")]
pub use features::{has_kerberos, librdkafka_features};
pub use kafka_emr_core;
#[cfg(feature = "examine")]
pub use report::{Check, ClusterReport, Finding, Report, RuleReport, Step, Verdict};
pub use settings::{ClientSettings, Origin};
pub use system::resolve_by_system;
