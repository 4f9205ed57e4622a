//! Clients that are not Rust, through libkafka_emr: C, C++, any librdkafka program, Python; and, by
//! `kafka-emr exec`, programs that load no hook. On the embedded cluster and on
//! real brokers.

mod both_ways;
mod c;
mod doctor;
mod engines;
mod exec;
mod following;
mod hosts;
mod import;
mod mirror;
mod plugin;
mod pod;
mod python;
mod readme;
mod real;
mod release;
mod server;
mod site;
mod static_programs;
mod support;
