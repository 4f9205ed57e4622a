//! The hook: getaddrinfo by another name, over a [`Resolver`](kafka_emr_core::Resolver).
//!
//! librdkafka lets an application replace getaddrinfo for its brokers. What it calls has the signature of
//! [`ResolveCallback`], no state of its own (the opaque belongs to the application), runs on several threads at once, and
//! must not unwind. [`Hook`] gives every resolver such a callback; [`getaddrinfo`] and [`freeaddrinfo`] are the same lookup
//! with the resolver named.
//!
//! This crate knows no Kafka client: beside the core it needs libc, `arc-swap` for the table of callbacks, and `log`.
//!
//! ```
//! use kafka_emr_core::Resolver;
//! use kafka_emr_hook::Hook;
//!
//! let resolver = Resolver::open("emr://48742?release=EMR-3.10.1&emr-worker-1=10.0.1.24")?;
//! let hook = Hook::of(&resolver)?;
//! let callback = hook.callback(); // for rd_kafka_conf_set_resolve_cb, as long as `hook` or a clone of it lives
//! # let _ = callback;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod addrinfo;
mod callback;
mod cancellation;
mod connection;
mod environment;
mod guard;
mod logging;
mod lookup;
mod program;
mod stderr;
mod system;

#[cfg(debug_assertions)]
pub use addrinfo::entries;
pub use addrinfo::freeaddrinfo;
pub use callback::{Hook, OutOfSlots, ResolveCallback, SLOTS, WeakHook};
pub use connection::{RawAddress, redirect};
pub use environment::variable;
pub use guard::guard;
pub use logging::{UnknownLevel, log_level, start_logging};
pub use lookup::{getaddrinfo, lookup, lookup_in_program};
pub use program::{ProgramAnswer, answer_in_program, tunnel_entries};
pub use stderr::StandardError;
pub use system::{GetAddrInfo, Query, SystemList};
