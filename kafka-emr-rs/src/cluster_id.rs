//! Warns when another cluster answers than the one the description pins with `cluster_id`.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use kafka_emr_core::Resolver;
use kafka_emr_hook::Hook;
use rdkafka::ClientConfig;
use rdkafka::admin::AdminClient;
use rdkafka::client::DefaultClientContext;
use rdkafka::config::RDKafkaLogLevel;

use crate::Error;
use crate::create::create_unpinned;

/// How long the cluster's answer is waited for.
const PATIENCE: Duration = Duration::from_secs(30);

/// How often is looked whether anybody still wants to know.
const STEP: Duration = Duration::from_millis(500);

/// What a connection needs of a configuration. Nothing that joins a group or fences a producer.
const CONNECTION: [&str; 6] = ["security.", "sasl.", "ssl.", "enable.ssl.", "socket.", "broker.address."];

/// The resolvers whose cluster is being asked.
static ASKING: Mutex<Vec<Resolver>> = Mutex::new(Vec::new());

/// Asks the cluster for its id, where the description pins one, and warns when it is another.
///
/// librdkafka tells the id only to a caller that waits for it, and a client must not be asked by a thread that might outlive
/// it. So a client of its own asks, on a thread of its own: one for a resolver at a time, which ends with the answer, or
/// when the resolver has no other client any more.
pub(crate) fn warn_of_other_cluster(config: &ClientConfig, resolver: &Resolver, bootstrap_servers: &str) {
    let clusters = resolver.clusters();
    let [cluster] = &clusters[..] else { return };
    let Some(expected) = &cluster.cluster_id else { return };
    let Some(question) = Question::begin(resolver, expected) else { return };
    let mut connection = ClientConfig::new();
    for (property, value) in config.config_map() {
        if CONNECTION.iter().any(|prefix| property.starts_with(prefix)) {
            connection.set(property, value);
        }
    }
    connection.set("bootstrap.servers", bootstrap_servers).set_log_level(RDKafkaLogLevel::Emerg);
    let ask = move || {
        if let Err(error) = question.ask(&connection) {
            log::warn!("{}: cluster_id is not checked: {error}", question.resolver);
        }
    };
    if let Err(error) = std::thread::Builder::new().name("kafka-emr-cluster-id".to_owned()).spawn(ask) {
        log::warn!("{resolver}: cluster_id is not checked: {error}");
    }
}

/// A question under way: the only one about its resolver, until it is dropped.
struct Question {
    resolver: Resolver,
    expected: String,
}

impl Question {
    fn begin(resolver: &Resolver, expected: &str) -> Option<Self> {
        let mut asking = ASKING.lock().unwrap_or_else(PoisonError::into_inner);
        if asking.iter().any(|known| known.same(resolver)) {
            return None;
        }
        asking.push(resolver.clone());
        Some(Question { resolver: resolver.clone(), expected: expected.to_owned() })
    }

    fn ask(&self, connection: &ClientConfig) -> Result<(), Error> {
        let hook = Hook::of(&self.resolver)?;
        let created = create_unpinned(connection, &self.resolver, ClientConfig::create)?;
        let client: AdminClient<DefaultClientContext> = created.client;
        // This thread's handle and its client's: more are those of the clients that want to know.
        let wanted = || hook.handles() > 2;
        let started = Instant::now();
        while wanted() && started.elapsed() < PATIENCE {
            let Some(answered) = client.inner().fetch_cluster_id(STEP) else { continue };
            if answered == self.expected {
                log::debug!("{}: its cluster_id is {answered}, as described", self.resolver);
            } else {
                log::warn!(
                    "{}: another cluster answers: its id is {answered}, and the description says cluster_id = {:?}; correct \
                     the addresses or the cluster_id",
                    self.resolver,
                    self.expected
                );
            }
            return Ok(());
        }
        if wanted() {
            log::warn!("{}: cluster_id is not checked: no answer within {} s", self.resolver, PATIENCE.as_secs());
        }
        Ok(())
    }
}

impl Drop for Question {
    fn drop(&mut self) {
        ASKING.lock().unwrap_or_else(PoisonError::into_inner).retain(|known| !known.same(&self.resolver));
    }
}
