//! Warns when another cluster answers than the one the description pins with `cluster_id`.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use kafka_emr_core::{OneLine, Resolver};
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
const STEP: Duration = Duration::from_millis(100);

/// How many questions are asked at once. Each has a client and a few threads.
const MAX_QUESTIONS: usize = 8;

/// What a connection needs of a configuration. Nothing that joins a group or fences a producer.
const CONNECTION: [&str; 7] =
    ["security.", "sasl.", "enable.sasl.", "ssl.", "enable.ssl.", "socket.", "broker.address."];

/// The questions that are being asked.
static ASKING: Mutex<Vec<Arc<Question>>> = Mutex::new(Vec::new());

/// Asks the cluster for its id, where the description pins one, and warns when it is another.
///
/// librdkafka tells the id only to a caller that waits for it, and a client must not be asked by a thread that might outlive
/// it. So a client of its own asks, on a thread of its own, which ends with the answer, or when the resolver has no other
/// client any more. Clients of one resolver with the same connection settings share the question.
pub(crate) fn warn_of_other_cluster(config: &ClientConfig, resolver: &Resolver, bootstrap_servers: &str) {
    let clusters = resolver.clusters();
    let [cluster] = &clusters[..] else { return };
    let Some(expected) = cluster.cluster_id() else { return };
    let own = |property: &str| CONNECTION.iter().any(|prefix| property.starts_with(prefix));
    let mut connection: BTreeMap<String, String> = config
        .config_map()
        .into_iter()
        .filter(|(property, _)| own(property))
        .map(|(property, value)| (property.to_owned(), value.to_owned()))
        .collect();
    connection.insert("bootstrap.servers".to_owned(), bootstrap_servers.to_owned());
    let question = Question {
        resolver: resolver.clone(),
        expected: expected.to_owned(),
        connection,
        ended: AtomicBool::new(false),
        handles: AtomicUsize::new(0),
    };
    let Some(question) = question.begin() else { return };
    let ask = {
        let question = Arc::clone(&question);
        move || {
            if let Err(error) = question.ask() {
                log::warn!("{}: cluster_id is not checked: {error:#}", question.resolver);
            }
            question.remove();
        }
    };
    if let Err(error) = std::thread::Builder::new().name("kafka-emr-cluster-id".to_owned()).spawn(ask) {
        log::warn!("{resolver}: cluster_id is not checked: {error}");
        question.remove();
    }
}

struct Question {
    resolver: Resolver,
    expected: String,
    connection: BTreeMap<String, String>,
    /// Whether it is answered or given up. Its client may still be ending; one that is made meanwhile asks anew.
    ended: AtomicBool,
    /// How many handles of the resolver's hook it has itself.
    handles: AtomicUsize,
}

/// Counts a handle of a question. It is made after the handle and dropped before it, so that never more are counted than exist:
/// others would take the missing one for a client that has ended.
struct Counted<'a>(&'a AtomicUsize);

impl<'a> Counted<'a> {
    fn new(handles: &'a AtomicUsize) -> Self {
        handles.fetch_add(1, Ordering::SeqCst);
        Counted(handles)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Question {
    /// Takes the question up, unless somebody asks it already, or too many are asked.
    fn begin(self) -> Option<Arc<Self>> {
        let mut asking = ASKING.lock().unwrap_or_else(PoisonError::into_inner);
        let asks_the_same = |other: &Arc<Self>| {
            let ended = other.ended.load(Ordering::SeqCst);
            !ended && other.resolver.same(&self.resolver) && other.connection == self.connection
        };
        if asking.iter().any(asks_the_same) {
            return None;
        }
        if asking.len() >= MAX_QUESTIONS {
            drop(asking);
            log::warn!("{}: cluster_id is not checked: {MAX_QUESTIONS} others are being checked", self.resolver);
            return None;
        }
        let question = Arc::new(self);
        asking.push(Arc::clone(&question));
        Some(question)
    }

    fn remove(self: &Arc<Self>) {
        ASKING.lock().unwrap_or_else(PoisonError::into_inner).retain(|other| !Arc::ptr_eq(other, self));
    }

    fn ask(self: &Arc<Self>) -> Result<(), Error> {
        let mut config = ClientConfig::from_iter(self.connection.clone());
        config.set_log_level(RDKafkaLogLevel::Emerg);
        let hook = Hook::of(&self.resolver)?;
        let _hook = Counted::new(&self.handles);
        let created = create_unpinned(&config, &self.resolver, ClientConfig::create)?;
        let client: AdminClient<DefaultClientContext> = created.client;
        let _client = Counted::new(&self.handles);
        let started = Instant::now();
        while self.is_wanted(&hook) && started.elapsed() < PATIENCE {
            let Some(answered) = client.inner().fetch_cluster_id(STEP) else { continue };
            if answered == self.expected {
                log::debug!("{}: its cluster_id is {answered}, as described", self.resolver);
            } else {
                log::warn!(
                    "{}: another cluster answers: its id is {}, and the description says cluster_id = {:?}; correct \
                     the addresses or the cluster_id",
                    self.resolver,
                    OneLine(&answered),
                    self.expected
                );
            }
            self.ended.store(true, Ordering::SeqCst);
            return Ok(());
        }
        let unanswered = self.is_wanted(&hook);
        self.ended.store(true, Ordering::SeqCst);
        if unanswered {
            log::warn!("{}: cluster_id is not checked: no answer within {} s", self.resolver, PATIENCE.as_secs());
        }
        Ok(())
    }

    /// Returns whether clients have handles as well, and not questions alone.
    fn is_wanted(&self, hook: &Hook) -> bool {
        let asking = ASKING.lock().unwrap_or_else(PoisonError::into_inner);
        let of_questions: usize = asking
            .iter()
            .filter(|other| other.resolver.same(&self.resolver))
            .map(|other| other.handles.load(Ordering::SeqCst))
            .sum();
        hook.handles() > of_questions
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_is_wanted_as_long_as_a_client_lives() {
        let resolver = Resolver::open("emr://48742?release=3.11&emr-worker-1=10.0.1.24").unwrap();
        let question = |server: &str| {
            let connection = BTreeMap::from([("bootstrap.servers".to_owned(), server.to_owned())]);
            let expected = "lkc".to_owned();
            Question {
                resolver: resolver.clone(),
                expected,
                connection,
                ended: AtomicBool::new(false),
                handles: AtomicUsize::new(0),
            }
        };
        let client = Hook::of(&resolver).unwrap();
        let first = question("a:9092").begin().unwrap();
        let hook = Hook::of(&resolver).unwrap();
        let counted = Counted::new(&first.handles);
        // It has begun, and has no handle yet.
        let second = question("b:9092").begin().unwrap();
        assert!(first.is_wanted(&hook));
        drop(client);
        assert!(!first.is_wanted(&hook));
        drop(counted);
        first.remove();
        second.remove();
    }
}
