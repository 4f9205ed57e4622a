//! What a real client makes of the cluster: librdkafka through the hook, with the user's own settings.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use kafka_emr_core::OneLine;
use kafka_emr_rs::rdkafka::client::ClientContext;
use kafka_emr_rs::rdkafka::config::{ClientConfig, RDKafkaLogLevel};
use kafka_emr_rs::rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use kafka_emr_rs::rdkafka::error::{KafkaError, RDKafkaErrorCode};
use kafka_emr_rs::rdkafka::message::Message;
use kafka_emr_rs::rdkafka::producer::{FutureProducer, FutureRecord};
use kafka_emr_rs::rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use kafka_emr_rs::{CreateFor, Resolver};

use super::identity::{self, Identity};
use super::settings::Settings;
use super::wire::{Advertised, Told};

/// What the client learned of the cluster.
#[derive(Clone, Debug)]
pub(crate) struct View {
    pub(crate) told: Told,
    /// How many partitions the client may see.
    pub(crate) partitions: usize,
    /// Brokers that these have replicas on and that are not in the cluster now.
    pub(crate) gone: BTreeSet<i32>,
}

/// Something that librdkafka complained of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Complaint {
    pub(crate) kind: Trouble,
    /// In librdkafka's words.
    pub(crate) text: String,
    /// The connection, by librdkafka's name for it; empty where it is of none.
    pub(crate) place: String,
}

/// What a complaint is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Trouble {
    /// The librdkafka in this program cannot do what is asked.
    NotBuiltIn,
    Authentication,
    Tls,
    Other,
}

impl Complaint {
    pub(crate) fn other(text: String) -> Self {
        Complaint { kind: Trouble::Other, text, place: String::new() }
    }

    /// That the librdkafka in this program lacks the SASL mechanism, where that is why no client can be made.
    pub(crate) fn of_missing_mechanism(error: &kafka_emr_rs::Error) -> Option<Self> {
        let text = error.to_string();
        let rest = text.split_once("No provider for SASL mechanism ")?.1;
        let mechanism = rest.split([':', ' ']).next().unwrap_or_default();
        let text = format!(
            "this kafka-emr cannot log in by {mechanism}, so nothing behind the login was tried; build it with \
             `--features gssapi` for that"
        );
        Some(Complaint { kind: Trouble::NotBuiltIn, ..Complaint::other(text) })
    }
}

/// A client that can be asked, made of the user's settings.
pub(crate) struct Client {
    config: ClientConfig,
    resolver: Resolver,
    consumer: Arc<BaseConsumer<Listening>>,
}

impl Client {
    /// Makes the client. It connects at once.
    pub(crate) fn new(resolver: &Resolver, settings: &Settings, limit: Duration) -> Result<Self, kafka_emr_rs::Error> {
        let mut config = ClientConfig::new();
        config.set("client.id", "kafka-emr-doctor");
        let setup = limit.as_millis().clamp(1000, 60_000);
        config.set("socket.connection.setup.timeout.ms", setup.to_string());
        for (key, value) in settings.iter() {
            config.set(key, value);
        }
        let all = log::log_enabled!(log::Level::Debug);
        config.set_log_level(if all { RDKafkaLogLevel::Debug } else { RDKafkaLogLevel::Error });
        let consumer = config.create_with_context_for(resolver, Listening::default())?;
        Ok(Client { config, resolver: resolver.clone(), consumer: Arc::new(consumer) })
    }

    /// Asks who is in the cluster. Where nobody tells, the answer is what the client complained of.
    ///
    /// It is given up before the deadline when as many brokers as there is `hope` for refuse the client: librdkafka itself
    /// would try on.
    pub(crate) fn view(&self, deadline: Instant, hope: &AtomicUsize) -> Result<View, Vec<Complaint>> {
        let (sender, answer) = mpsc::channel();
        let consumer = Arc::clone(&self.consumer);
        let asking = thread::Builder::new().name("metadata".to_owned());
        // Not waited for where it is given up: it ends by itself.
        let asking = asking.spawn(move || {
            let _ = sender.send(ask(&consumer, deadline));
        });
        let mut why = asking.err().map_or_else(|| "no answer".to_owned(), |error| error.to_string());
        let mut last_chance = deadline;
        loop {
            // Complaints come only to somebody who polls.
            self.consumer.poll(Duration::from_millis(20));
            match answer.try_recv() {
                Ok(Ok(view)) => return Ok(view),
                Ok(Err(error)) => {
                    why = error.to_string();
                    last_chance = Instant::now();
                }
                Err(_) => {}
            }
            if self.consumer.context().refusals() >= hope.load(Ordering::SeqCst) {
                last_chance = last_chance.min(Instant::now() + Self::GRACE);
            }
            if Instant::now() >= last_chance {
                break;
            }
        }
        let complaints = self.consumer.context().complaints();
        Err(if complaints.is_empty() { vec![Complaint::other(why)] } else { complaints })
    }

    /// How long a client has that nobody else has hope for: what looks did not see may come yet.
    const GRACE: Duration = Duration::from_millis(500);

    /// Asks a broker at its own place whether it is that broker.
    pub(crate) fn identity(&self, broker: i32, deadline: Instant) -> Identity {
        identity::ask(&self.consumer, broker, deadline)
    }

    /// Produces one message to a topic and reads it back.
    pub(crate) fn probe(self: &Arc<Self>, topic: &str, limit: Duration) -> Result<(), String> {
        let (sender, outcome) = mpsc::channel();
        let (client, topic) = (Arc::clone(self), topic.to_owned());
        // Clients are slow to end where a broker does not answer. Nobody waits for them.
        let probing = thread::Builder::new().name("probe".to_owned()).spawn(move || {
            let deadline = Instant::now() + limit;
            let _ = client.send_and_receive(&topic, deadline, &sender);
        });
        probing.map_err(|error| error.to_string())?;
        // Each step is told, so that the last one before the time was over is known.
        let mut last = Err("no client".to_owned());
        let deadline = Instant::now() + limit;
        while let Ok(step) = outcome.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            last = step;
        }
        last
    }

    fn send_and_receive(
        &self,
        topic: &str,
        deadline: Instant,
        told: &mpsc::Sender<Result<(), String>>,
    ) -> Result<(), mpsc::SendError<Result<(), String>>> {
        let tell = |what: String| told.send(Err(what));
        tell("cannot produce: no answer".to_owned())?;
        let left = || deadline.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
        let mut config = self.config.clone();
        config.set("message.timeout.ms", left().as_millis().to_string());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let producer = config.create_with_context_for(&self.resolver, Listening::default());
        let (runtime, producer): (_, FutureProducer<Listening>) = match (runtime, producer) {
            (Ok(runtime), Ok(producer)) => (runtime, producer),
            (Err(error), _) => return tell(error.to_string()),
            (_, Err(error)) => return tell(error.to_string()),
        };
        let payload = format!("kafka-emr doctor, process {}", std::process::id());
        let record = FutureRecord::<(), _>::to(topic).payload(&payload);
        let sent = match runtime.block_on(producer.send(record, left())) {
            Ok(sent) => sent,
            Err((error, _)) => return tell(format!("cannot produce: {error}")),
        };

        let cannot = |why: &str| format!("produced to partition {}, and cannot consume it: {why}", sent.partition);
        tell(cannot("no answer"))?;
        // It joins no group: the name is there because librdkafka asks for one.
        let mut config = self.config.clone();
        config.set("group.id", "kafka-emr-doctor").set("enable.auto.commit", "false");
        let consumer: BaseConsumer<Listening> =
            match config.create_with_context_for(&self.resolver, Listening::default()) {
                Ok(consumer) => consumer,
                Err(error) => return tell(cannot(&error.to_string())),
            };
        let mut place = TopicPartitionList::new();
        let assigned = place
            .add_partition_offset(topic, sent.partition, Offset::Offset(sent.offset))
            .and_then(|()| consumer.assign(&place));
        if let Err(error) = assigned {
            return tell(cannot(&error.to_string()));
        }
        while Instant::now() < deadline {
            match consumer.poll(Duration::from_millis(20)) {
                Some(Ok(message)) if message.payload() == Some(payload.as_bytes()) => return told.send(Ok(())),
                Some(Err(error)) => tell(cannot(&error.to_string()))?,
                _ => {}
            }
        }
        Ok(())
    }
}

/// Asks librdkafka for the cluster's metadata.
fn ask(consumer: &BaseConsumer<Listening>, deadline: Instant) -> Result<View, KafkaError> {
    let left = || deadline.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
    let client = consumer.client();
    let metadata = client.fetch_metadata(None, left())?;
    let brokers = metadata.brokers().iter().map(|broker| Advertised {
        id: broker.id(),
        host: broker.host().to_owned(),
        port: u16::try_from(broker.port()).unwrap_or_default(),
    });
    let mut brokers: Vec<Advertised> = brokers.collect();
    brokers.sort_unstable();
    let here: BTreeSet<i32> = brokers.iter().map(|broker| broker.id).collect();
    let partitions = metadata.topics().iter().flat_map(|topic| topic.partitions());
    let (mut count, mut replicas) = (0, BTreeSet::new());
    for partition in partitions {
        count += 1;
        replicas.extend(partition.replicas());
    }
    let cluster_id = client.fetch_cluster_id(left());
    let gone = replicas.difference(&here).copied().collect();
    Ok(View { told: Told { cluster_id, brokers }, partitions: count, gone })
}

/// Keeps what librdkafka complains of.
#[derive(Default)]
struct Listening(Mutex<Vec<Complaint>>);

impl Listening {
    /// How many connections were refused: by TLS or at the login.
    fn refusals(&self) -> usize {
        let complaints = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let refused = complaints.iter().filter(|complaint| complaint.kind < Trouble::Other);
        refused.map(|complaint| complaint.place.as_str()).collect::<BTreeSet<_>>().len()
    }

    /// The complaints, each once, in the order of their kinds.
    fn complaints(&self) -> Vec<Complaint> {
        let mut complaints = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        complaints.sort_by_key(|complaint| complaint.kind);
        complaints
    }
}

impl ClientContext for Listening {
    fn error(&self, error: KafkaError, reason: &str) {
        let kind = match error.rdkafka_error_code() {
            Some(RDKafkaErrorCode::Authentication) => Trouble::Authentication,
            Some(RDKafkaErrorCode::SSL) => Trouble::Tls,
            // It follows from the others.
            Some(RDKafkaErrorCode::AllBrokersDown) => return,
            _ => Trouble::Other,
        };
        // Without the time it took, by which the same would be another one.
        let reason = reason.split(" (after ").next().unwrap_or(reason);
        // "ssl://host:port/bootstrap: what happened", or "host:port/1: …"
        let (place, text) = match reason.split_once(": ") {
            Some((place, text)) if place.contains("://") || place.contains('/') => (place, text),
            _ => ("", reason),
        };
        let complaint = Complaint { kind, text: text.to_owned(), place: place.to_owned() };
        let mut complaints = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !complaints.contains(&complaint) {
            complaints.push(complaint);
        }
    }

    fn log(&self, _: RDKafkaLogLevel, _: &str, message: &str) {
        log::debug!("librdkafka: {}", OneLine(message));
    }
}

impl ConsumerContext for Listening {}
