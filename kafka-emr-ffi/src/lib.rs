//! `libkafka_emr`: the resolver for C programs, and a plugin for every program that uses librdkafka.
//!
//! Its manual is the header, `include/kafka_emr.h`, which is made of the documentation of the functions here. The library
//! never contains or links librdkafka: it uses the one that the program has, through `include/kafka_emr_rdkafka.h` or, as
//! a plugin, by looking it up.
//!
//! Every exported function goes through [`kafka_emr_hook::guard`], so that no panic leaves the library.

#![allow(
    clippy::missing_safety_doc,
    reason = "the documentation is the C header, which begins with the rules for all pointers"
)]

#[cfg(panic = "abort")]
compile_error!("libkafka_emr turns a panic into an error return, which panic = \"abort\" would make an abort");

// In the order of the header.
mod error;

mod log;

mod resolver;

mod lookup;

mod install;

mod client_log;
mod errstr;
mod librdkafka;
mod owned;
mod pin;
mod plugin;
mod shared;

pub use error::{ErrorCode, kafka_emr_err2name, kafka_emr_last_error};
pub use install::kafka_emr_apply;
pub use librdkafka::Function;
pub use log::{LogCallback, LogLevel, kafka_emr_set_log_cb};
pub use lookup::{
    KAFKA_EMR_NOT_MAPPED, kafka_emr_freeaddrinfo, kafka_emr_getaddrinfo, kafka_emr_lookup, kafka_emr_program_connect,
    kafka_emr_program_lookup,
};
pub use plugin::{CONF_INIT, kafka_emr_conf_init};
pub use resolver::{
    Callback, ResolverHandle, kafka_emr_resolver_bootstrap_servers, kafka_emr_resolver_bootstrap_servers_for,
    kafka_emr_resolver_callback, kafka_emr_resolver_endpoints_json, kafka_emr_resolver_free, kafka_emr_resolver_open,
    kafka_emr_resolver_open_env, kafka_emr_resolver_open_with, kafka_emr_resolver_status_json, kafka_emr_string_free,
    kafka_emr_version,
};
