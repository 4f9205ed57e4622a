//! Clients that are not Rust, through libkafka_emr: C, C++, any librdkafka program, Python. On the embedded cluster and on
//! real brokers.

mod c;
mod plugin;
mod python;
mod readme;
mod real;
mod site;
mod support;
