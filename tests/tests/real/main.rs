//! Real Apache Kafka, and the clients that reach it by long domains.

mod client;
mod harness;
mod rules;
mod running;
mod secured;
