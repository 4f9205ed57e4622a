//! Cluster descriptions from replies of the EMR API and from hosts text.
//!
//! An [`Importer`] takes the replies of any of the API's [`Call`]s that list machines or describe a cluster, in any order,
//! and hosts texts. [`Importer::finish`] makes sure that all of them are of one cluster and that no page is missing, and
//! returns an [`Inventory`]. A new description is [`Inventory::cluster`]; [`Document::update`] merges the inventory into a
//! description that is there, and keeps what its author wrote by hand. Files are not opened here.
//!
//! What looks odd but is no error is a warning of the [`log`] crate.
//!
//! ```
//! use kafka_emr_core::Network;
//! use kafka_emr_import::{Attribute, Importer};
//!
//! let reply = r#"{"HostList": {"Host": [{"HostName": "emr-worker-1", "PrivateIp": "10.0.1.24", "Role": "CORE"}]}}"#;
//! let mut importer = Importer::new(Network::Private);
//! importer.add(reply, "hosts.json")?;
//! importer.given(Attribute::Id, "48742", "--id")?;
//! importer.given(Attribute::Release, "EMR-3.10.1", "--release")?;
//! let cluster = importer.finish()?.cluster()?;
//! assert_eq!(cluster.bootstrap_servers(), "emr-worker-1.cluster-48742:9092");
//! # Ok::<(), kafka_emr_import::Error>(())
//! ```

#![forbid(unsafe_code)]

mod call;
mod change;
mod difference;
mod edit;
mod error;
mod fields;
mod identity;
mod importer;
mod input;
mod inventory;
mod join;
mod machine;
mod machines;
mod pages;
mod reply;

pub use call::Call;
pub use change::Change;
pub use edit::{Document, Update};
pub use error::{Error, ErrorKind};
pub use identity::Attribute;
pub use importer::Importer;
pub use inventory::{Inventory, OtherAddress};
