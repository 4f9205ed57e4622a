//! What a real client gets from the cluster: librdkafka through the hook, with the user's own settings.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use kafka_emr_core::{Endpoint, OneLine};
use kafka_emr_rs::rdkafka::client::ClientContext;
use kafka_emr_rs::rdkafka::config::{ClientConfig, RDKafkaLogLevel};
use kafka_emr_rs::rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use kafka_emr_rs::rdkafka::error::{KafkaError, RDKafkaErrorCode};
use kafka_emr_rs::rdkafka::message::{DeliveryResult, Message};
use kafka_emr_rs::rdkafka::producer::{BaseProducer, BaseRecord, Producer, ProducerContext};
use kafka_emr_rs::rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use kafka_emr_rs::{Resolver, create_unpinned_for};

use crate::ClientSettings;
use crate::identity::{self, Identity};
use crate::settings::{OAUTHBEARER, TokenSource};
use crate::wire::{Metadata, MetadataBroker};

/// How long one call of librdkafka's event loop waits.
const POLL: Duration = Duration::from_millis(20);

/// The cluster as the client sees it.
#[derive(Clone, Debug)]
pub(crate) struct View {
    pub(crate) metadata: Metadata,
    /// How many partitions the client may see.
    pub(crate) partitions: usize,
    /// Brokers that these have replicas on and that are not in the cluster now.
    pub(crate) gone: BTreeSet<i32>,
}

/// Why the client has no view of the cluster.
#[derive(Clone, Debug)]
pub(crate) enum ClientError {
    /// This program cannot log in by the SASL mechanism: nothing was tried.
    MechanismNotBuiltIn(String),
    /// librdkafka's own errors, each once, the most telling first; at least one.
    Failed(Vec<Failure>),
}

/// An error that librdkafka reports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) kind: FailureKind,
    /// In librdkafka's words.
    pub(crate) text: String,
    /// The connection, by librdkafka's name for it; empty if it is of none.
    pub(crate) connection: String,
}

/// The kind of a [`Failure`], the most telling first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum FailureKind {
    Authentication,
    Tls,
    Other,
}

impl Failure {
    pub(crate) fn other(text: String) -> Self {
        Failure { kind: FailureKind::Other, text, connection: String::new() }
    }
}

/// Why there is no client.
#[derive(Debug)]
pub(crate) enum NoClient {
    /// This program cannot log in by the client's SASL mechanism.
    Mechanism(String),
    /// librdkafka refuses the settings.
    Refused(kafka_emr_rs::Error),
}

impl From<kafka_emr_rs::Error> for NoClient {
    fn from(error: kafka_emr_rs::Error) -> Self {
        let text = error.to_string();
        match text.split_once("No provider for SASL mechanism ") {
            Some((_, rest)) => NoClient::Mechanism(rest.split([':', ' ']).next().unwrap_or_default().to_owned()),
            None => NoClient::Refused(error),
        }
    }
}

impl From<KafkaError> for NoClient {
    fn from(error: KafkaError) -> Self {
        kafka_emr_rs::Error::from(error).into()
    }
}

/// Returns whether the librdkafka in this program can fetch tokens by itself.
fn has_oidc() -> Result<bool, KafkaError> {
    let features = ClientConfig::new().create_native_config()?.get("builtin.features")?;
    Ok(features.split(',').any(|feature| feature == "oidc"))
}

/// A client with the user's settings.
pub(crate) struct Client {
    config: ClientConfig,
    resolver: Resolver,
    consumer: Arc<BaseConsumer<Recorder>>,
}

impl Client {
    /// Makes the client. It connects at once.
    pub(crate) fn new(
        resolver: &Resolver,
        settings: &ClientSettings,
        bootstrap: &[Endpoint],
        limit: Duration,
    ) -> Result<Self, NoClient> {
        let has_token = match settings.token_source() {
            None | Some(TokenSource::Librdkafka) => true,
            Some(TokenSource::Endpoint) => has_oidc()?,
            Some(TokenSource::Application) => false,
        };
        let mut config = ClientConfig::new();
        config.set("client.id", "kafka-emr-doctor");
        let setup = limit.as_millis().clamp(1000, 60_000);
        config.set("socket.connection.setup.timeout.ms", setup.to_string());
        // A librdkafka without it refuses what is about it.
        let counts = |key: &str| has_token || !key.starts_with("sasl.oauthbearer.");
        for (key, value) in settings.iter().filter(|(key, _)| counts(key)) {
            config.set(key, value);
        }
        config.set("bootstrap.servers", bootstrap.iter().map(Endpoint::to_string).collect::<Vec<_>>().join(","));
        let all = log::log_enabled!(log::Level::Debug);
        config.set_log_level(if all { RDKafkaLogLevel::Debug } else { RDKafkaLogLevel::Error });
        if !has_token {
            config.create_native_config()?;
            return Err(NoClient::Mechanism(OAUTHBEARER.to_owned()));
        }
        let consumer = create_unpinned_for(&config, resolver, Recorder::default())?;
        Ok(Client { config, resolver: resolver.clone(), consumer: Arc::new(consumer) })
    }

    /// Fetches the cluster's metadata.
    ///
    /// Gives up before the deadline when as many brokers refuse the client as there are `suitable` ones, since librdkafka
    /// itself would go on trying.
    pub(crate) fn view(&self, deadline: Instant, suitable: &AtomicUsize) -> Result<View, ClientError> {
        let (sender, answer) = mpsc::channel();
        let consumer = Arc::clone(&self.consumer);
        let fetching = thread::Builder::new().name("metadata".to_owned());
        // Not joined if it is given up: it ends by itself.
        let fetching = fetching.spawn(move || {
            let _ = sender.send(fetch(&consumer, deadline));
        });
        let mut why = fetching.err().map_or_else(|| "no answer".to_owned(), |error| error.to_string());
        let mut last_chance = deadline;
        loop {
            // Errors come only to a caller that polls.
            self.consumer.poll(POLL);
            match answer.try_recv() {
                Ok(Ok(view)) => return Ok(view),
                Ok(Err(error)) => {
                    why = error.to_string();
                    last_chance = Instant::now();
                }
                Err(_) => {}
            }
            if self.consumer.context().refusals() >= suitable.load(Ordering::SeqCst) {
                last_chance = last_chance.min(Instant::now() + Self::GRACE);
            }
            if Instant::now() >= last_chance {
                break;
            }
        }
        let failures = self.consumer.context().failures();
        Err(ClientError::Failed(if failures.is_empty() { vec![Failure::other(why)] } else { failures }))
    }

    /// How long a client goes on once every suitable broker refuses it: the inspections may have missed one.
    const GRACE: Duration = Duration::from_millis(500);

    /// Checks whether the broker that answers at a broker's advertised listener is that broker.
    pub(crate) fn identify(&self, broker: i32, deadline: Instant) -> Identity {
        identity::identify(&self.consumer, broker, deadline)
    }

    /// Produces one message to a topic and consumes it again.
    pub(crate) fn probe(self: &Arc<Self>, topic: &str, limit: Duration) -> Result<(), String> {
        let (progress, steps) = mpsc::channel();
        let (client, topic) = (Arc::clone(self), topic.to_owned());
        let deadline = Instant::now() + limit;
        // A client takes long to end if a broker does not answer, so nothing waits for this thread.
        let probing = thread::Builder::new().name("probe".to_owned()).spawn(move || {
            let _ = progress.send(Err("cannot produce: no answer".to_owned()));
            let outcome = client.produce(&topic, deadline).and_then(|sent| {
                let _ = progress.send(Err(sent.cannot_consume("no answer")));
                client.consume(&topic, &sent, deadline)
            });
            let _ = progress.send(outcome);
        });
        probing.map_err(|error| error.to_string())?;
        // Each step is sent, so that at the deadline the last one is known.
        let mut last = Err("no client".to_owned());
        while let Ok(step) = steps.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            last = step;
        }
        last
    }

    fn produce(&self, topic: &str, deadline: Instant) -> Result<Sent, String> {
        let mut config = self.config.clone();
        config.set("message.timeout.ms", left(deadline).as_millis().to_string());
        let producer: BaseProducer<Delivery> =
            create_unpinned_for(&config, &self.resolver, Delivery::default()).map_err(|error| error.to_string())?;
        let payload = format!("kafka-emr doctor, process {}", std::process::id());
        let record = BaseRecord::<(), _>::to(topic).payload(&payload);
        producer.send(record).map_err(|(error, _)| format!("cannot produce: {error}"))?;
        loop {
            producer.poll(POLL);
            // librdkafka reports the timeout itself.
            if let Some(delivered) = producer.context().take() {
                let (partition, offset) = delivered.map_err(|error| format!("cannot produce: {error}"))?;
                return Ok(Sent { payload, partition, offset });
            }
        }
    }

    fn consume(&self, topic: &str, sent: &Sent, deadline: Instant) -> Result<(), String> {
        // It joins no group; librdkafka requires the name.
        let mut config = self.config.clone();
        config.set("group.id", "kafka-emr-doctor").set("enable.auto.commit", "false");
        let consumer: BaseConsumer<Recorder> = create_unpinned_for(&config, &self.resolver, Recorder::default())
            .map_err(|error| sent.cannot_consume(&error.to_string()))?;
        let mut from = TopicPartitionList::new();
        from.add_partition_offset(topic, sent.partition, Offset::Offset(sent.offset))
            .and_then(|()| consumer.assign(&from))
            .map_err(|error| sent.cannot_consume(&error.to_string()))?;
        let mut why = "no answer".to_owned();
        while Instant::now() + POLL < deadline {
            match consumer.poll(POLL) {
                Some(Ok(message)) if message.payload() == Some(sent.payload.as_bytes()) => return Ok(()),
                Some(Err(error)) => why = error.to_string(),
                _ => {}
            }
        }
        Err(sent.cannot_consume(&why))
    }
}

/// A message that a broker has.
struct Sent {
    payload: String,
    partition: i32,
    offset: i64,
}

impl Sent {
    fn cannot_consume(&self, why: &str) -> String {
        format!("produced to partition {}, and cannot consume it: {why}", self.partition)
    }
}

fn left(deadline: Instant) -> Duration {
    deadline.saturating_duration_since(Instant::now()).max(Duration::from_millis(1))
}

/// Fetches the cluster's metadata by librdkafka.
fn fetch(consumer: &BaseConsumer<Recorder>, deadline: Instant) -> Result<View, KafkaError> {
    let client = consumer.client();
    let metadata = client.fetch_metadata(None, left(deadline))?;
    let brokers = metadata.brokers().iter().map(|broker| MetadataBroker {
        id: broker.id(),
        host: broker.host().to_owned(),
        port: u16::try_from(broker.port()).unwrap_or_default(),
    });
    let mut brokers: Vec<MetadataBroker> = brokers.collect();
    brokers.sort_unstable();
    let here: BTreeSet<i32> = brokers.iter().map(|broker| broker.id).collect();
    let partitions = metadata.topics().iter().flat_map(|topic| topic.partitions());
    let (mut count, mut replicas) = (0, BTreeSet::new());
    for partition in partitions {
        count += 1;
        replicas.extend(partition.replicas());
    }
    let cluster_id = client.fetch_cluster_id(left(deadline));
    let gone = replicas.difference(&here).copied().collect();
    Ok(View { metadata: Metadata { cluster_id, brokers }, partitions: count, gone })
}

/// Records the errors that librdkafka reports.
#[derive(Default)]
struct Recorder(Mutex<Vec<Failure>>);

impl Recorder {
    fn lock(&self) -> MutexGuard<'_, Vec<Failure>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts the connections that were refused: by TLS or at the login.
    fn refusals(&self) -> usize {
        let failures = self.lock();
        let refused = failures.iter().filter(|failure| failure.kind < FailureKind::Other);
        refused.map(|failure| failure.connection.as_str()).collect::<BTreeSet<_>>().len()
    }

    /// Returns the errors, each once, in the order of their kinds.
    fn failures(&self) -> Vec<Failure> {
        let mut failures = self.lock().clone();
        failures.sort_by_key(|failure| failure.kind);
        failures
    }
}

impl ClientContext for Recorder {
    fn error(&self, error: KafkaError, reason: &str) {
        let kind = match error.rdkafka_error_code() {
            Some(RDKafkaErrorCode::Authentication) => FailureKind::Authentication,
            Some(RDKafkaErrorCode::SSL) => FailureKind::Tls,
            // It follows from the others.
            Some(RDKafkaErrorCode::AllBrokersDown) => return,
            _ => FailureKind::Other,
        };
        // Without the time it took, which would make the same error another one.
        let reason = reason.split(" (after ").next().unwrap_or(reason);
        // "ssl://host:port/bootstrap: what happened", or "host:port/1: …"
        let (connection, text) = match reason.split_once(": ") {
            Some((connection, text)) if connection.contains("://") || connection.contains('/') => (connection, text),
            _ => ("", reason),
        };
        let failure = Failure { kind, text: text.to_owned(), connection: connection.to_owned() };
        let mut failures = self.lock();
        if !failures.contains(&failure) {
            failures.push(failure);
        }
    }

    fn log(&self, _: RDKafkaLogLevel, _: &str, message: &str) {
        log_debug(message);
    }
}

impl ConsumerContext for Recorder {}

/// Keeps the outcome of the one message that is produced: its partition and offset, or the error.
#[derive(Default)]
struct Delivery(Mutex<Option<Result<(i32, i64), KafkaError>>>);

impl Delivery {
    fn take(&self) -> Option<Result<(i32, i64), KafkaError>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl ClientContext for Delivery {
    fn error(&self, _: KafkaError, reason: &str) {
        log_debug(reason);
    }

    fn log(&self, _: RDKafkaLogLevel, _: &str, message: &str) {
        log_debug(message);
    }
}

impl ProducerContext for Delivery {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        let outcome = match result {
            Ok(message) => Ok((message.partition(), message.offset())),
            Err((error, _)) => Err(error.clone()),
        };
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(outcome);
    }
}

fn log_debug(message: &str) {
    log::debug!("librdkafka: {}", OneLine(message));
}
