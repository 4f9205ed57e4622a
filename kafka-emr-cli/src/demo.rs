//! `kafka-emr demo`: shows on an embedded cluster what the long domains are about.

mod story;

use std::collections::BTreeMap;
use std::error::Error;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::Duration;

use comfy_table::{Cell, CellAlignment};
use indicatif::HumanCount;
use kafka_emr_core::{Endpoint, Family, Lookup, Resolver};
use kafka_emr_doctor::resolve_by_system;
use kafka_emr_rs::CreateFor;
use kafka_emr_rs::mocking::MockEmrCluster;
use kafka_emr_rs::rdkafka::config::{ClientConfig, RDKafkaLogLevel};
use kafka_emr_rs::rdkafka::consumer::{Consumer, StreamConsumer};
use kafka_emr_rs::rdkafka::error::KafkaError;
use kafka_emr_rs::rdkafka::producer::{
    BaseProducer, DeliveryResult, FutureProducer, FutureRecord, Producer, ProducerContext,
};
use kafka_emr_rs::rdkafka::{ClientContext, Message};
use serde::Serialize;
use story::{Completed, Story};
use tempfile::NamedTempFile;
use tokio::signal::unix::{SignalKind, signal};

use crate::output::Outcome;
use crate::progress::Progress;

/// Produce and consume on an embedded cluster whose names no DNS knows
///
/// Starts three of librdkafka's mock brokers inside this process, on loopback addresses. They advertise long domains, as the brokers of an EMR
/// cluster before EMR-3.11 do. Needs no root, no network and no Kafka, and ends in seconds.
///
/// With --serve the cluster stays up until Ctrl-C or SIGTERM. A temporary file describes it, and goes at the end.
#[derive(clap::Args)]
#[command(after_long_help = HELP)]
pub(crate) struct Args {
    /// Keep the cluster up afterwards, until Ctrl-C or SIGTERM, for clients of your own
    #[arg(long)]
    serve: bool,
    /// Print one JSON object instead
    #[arg(long)]
    json: bool,
}

const HELP: &str = "\
Examples:
  kafka-emr demo
  kafka-emr demo --serve

JSON, one object:
  ok             whether every step went as it should
  summary        one sentence
  steps          a list of
    name         start, system_resolver, resolver, without, produce, consume
    result       \"ok\", \"note\" (not as usual, and no fault) or \"failed\"
    summary      one sentence
    details      lines
  brokers        a list of
    advertised   host:port, from the metadata
    partitions   the ones that it leads
    produced, consumed
  cluster_file   with --serve the path of the cluster description, else null";

const TOPIC: &str = "orders";
/// Each broker leads two.
const PARTITIONS: i32 = 6;
const REPLICATION: i32 = 3;
const MESSAGES: usize = 10_000;

/// How long a client without kafka-emr is given. A name that does not resolve fails within milliseconds.
const PATIENCE: Duration = Duration::from_millis(900);
/// How long the system resolver is given: where the DNS server is out of reach, it waits longer than anybody wants to.
const SYSTEM_PATIENCE: Duration = Duration::from_secs(3);
/// How long producing may take, and consuming.
const LIMIT: Duration = Duration::from_secs(20);

/// Messages by partition.
type Counts = BTreeMap<i32, usize>;

/// What a step reports and hands on.
type Step<T> = Result<Completed<T>, Box<dyn Error>>;

pub(crate) fn run(args: &Args) -> Result<Outcome, Box<dyn Error>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(demonstrate(args))
}

async fn demonstrate(args: &Args) -> Result<Outcome, Box<dyn Error>> {
    let mut story = Story::new(args.json);
    let Some((mock, resolver)) = story.add("start", start())? else { return story.end(None) };
    let known = story.add("system_resolver", ask_system(&mock.advertised()[0]))?.unwrap_or(false);
    story.add("resolver", ask_resolver(&resolver, mock.advertised()))?;
    story.add("without", connect_without(&mock.advertised()[0], known))?;
    if let Some(produced) = story.add("produce", within_limit(produce(&resolver)).await)?
        && let Some(traffic) = story.add("consume", within_limit(consume(&resolver, &produced)).await)?
    {
        story.show_traffic(traffic)?;
    }
    if args.serve && story.fine() { serve(story, &mock).await } else { story.end(None) }
}

fn start() -> Step<(MockEmrCluster, Resolver)> {
    let mock = MockEmrCluster::new()?;
    mock.create_topic(TOPIC, PARTITIONS, REPLICATION)?;
    let resolver = mock.resolver()?;
    let (cluster, advertised) = (mock.cluster(), mock.advertised());
    let release = cluster.release().map(|release| format!("{release}, ")).unwrap_or_default();
    let summary = format!(
        "a cluster of librdkafka's mock brokers is up ({release}{} network, rule {}); its {} brokers advertise",
        cluster.network(),
        cluster.rule(),
        advertised.len()
    );
    Ok(Completed::ok(summary, advertised.iter().map(Endpoint::to_string).collect(), (mock, resolver)))
}

/// Asks the system resolver for a broker. Hands on whether it knows the name.
fn ask_system(broker: &Endpoint) -> Step<bool> {
    let (name, port) = (broker.host.clone(), broker.port);
    let Some(answer) = in_thread(SYSTEM_PATIENCE, move || resolve_by_system(&name, port)) else {
        let summary =
            format!("the system resolver does not answer for these names within {} s", SYSTEM_PATIENCE.as_secs());
        return Ok(Completed::note(summary, Vec::new(), false));
    };
    Ok(match answer {
        Err(error) => {
            let summary = "the system resolver does not know these names".to_owned();
            Completed::ok(summary, vec![format!("{}: {error}", broker.host)], false)
        }
        Ok(addresses) => {
            let addresses: Vec<String> = addresses.iter().map(|address| address.ip().to_string()).collect();
            let summary =
                "here, the system resolver knows these names: from a hosts file, or from a wildcard DNS".to_owned();
            Completed::note(summary, vec![format!("{}: {}", broker.host, addresses.join(", "))], true)
        }
    })
}

fn ask_resolver(resolver: &Resolver, brokers: &[Endpoint]) -> Step<()> {
    let mut details = Vec::new();
    for broker in brokers {
        match resolver.lookup(&broker.host, Family::Any) {
            Lookup::Mapped(dial) => {
                details.extend(dial.socket_addrs(broker.port).map(|to| format!("{broker} → {to}")));
            }
            other => return Err(format!("{broker} is not mapped: {other:?}").into()),
        }
    }
    Ok(Completed::ok("kafka-emr does, from the cluster's description: no DNS is asked".to_owned(), details, ()))
}

/// Tries what a client gets that has only the long domain. `known` is whether the system resolver knows it.
fn connect_without(broker: &Endpoint, known: bool) -> Step<()> {
    let witness = Witness::default();
    let (servers, context) = (broker.to_string(), witness.clone());
    let connect = move || -> Result<usize, KafkaError> {
        let producer: BaseProducer<Witness> =
            ClientConfig::new().set("bootstrap.servers", servers).create_with_context(context)?;
        let metadata = producer.client().fetch_metadata(None, PATIENCE);
        // Brings what librdkafka complained of to the context.
        producer.poll(PATIENCE / 10);
        Ok(metadata?.brokers().len())
    };
    // Its end waits for the system resolver too.
    let error = match in_thread(PATIENCE * 2, connect) {
        Some(Ok(brokers)) if known => {
            let summary =
                format!("a client without kafka-emr finds {brokers} brokers where the system resolver leads it");
            return Ok(Completed::note(summary, Vec::new(), ()));
        }
        Some(Ok(brokers)) => return Err(format!("it finds {brokers} brokers, by a name that does not resolve").into()),
        Some(Err(error)) => error.to_string(),
        None => format!("no answer within {} s", (PATIENCE * 2).as_secs_f32()),
    };
    let details = vec![format!("bootstrap.servers={broker}"), witness.seen().unwrap_or(error)];
    Ok(Completed::ok("a client without kafka-emr gets nothing".to_owned(), details, ()))
}

/// Remembers what librdkafka complains about first, instead of logging it.
#[derive(Clone, Default)]
struct Witness(Arc<Mutex<Option<String>>>);

impl Witness {
    fn seen(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl ClientContext for Witness {
    fn error(&self, _: KafkaError, reason: &str) {
        // "NAME/bootstrap: Failed to resolve 'NAME': Name or service not known (after 3ms in state CONNECT)"
        let complaint = reason.split_once(": ").map_or(reason, |(_, complaint)| complaint);
        let complaint = complaint.split(" (after").next().unwrap_or_default();
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.get_or_insert_with(|| format!("librdkafka: {complaint}"));
    }

    fn log(&self, _: RDKafkaLogLevel, _: &str, _: &str) {}
}

impl ProducerContext for Witness {
    type DeliveryOpaque = ();

    fn delivery(&self, _: &DeliveryResult<'_>, (): ()) {}
}

/// Produces as any program does. Hands on how many messages each partition has.
async fn produce(cluster: &Resolver) -> Step<Counts> {
    let producer: FutureProducer = ClientConfig::new().create_for(cluster)?;
    let mut deliveries = Vec::with_capacity(MESSAGES);
    for number in 0..MESSAGES {
        let text = number.to_string();
        let record = FutureRecord::to(TOPIC).key(&text).payload(&text);
        deliveries.push(producer.send_result(record).map_err(|(error, _)| error)?);
    }
    let mut counts = Counts::new();
    let progress = Progress::counter(MESSAGES, "produced");
    for delivery in deliveries {
        let delivered = delivery.await?.map_err(|(error, _)| error)?;
        *counts.entry(delivered.partition).or_default() += 1;
        progress.bar().inc(1);
    }
    let summary = format!("{} messages produced, by a FutureProducer as it is", HumanCount(MESSAGES as u64));
    Ok(Completed::ok(summary, Vec::new(), counts))
}

/// Consumes as any program does, and checks that each message comes once. Hands on what each broker carried.
async fn consume(cluster: &Resolver, produced: &Counts) -> Step<Vec<Traffic>> {
    let consumer: StreamConsumer = ClientConfig::new()
        .set("group.id", "kafka-emr-demo")
        .set("auto.offset.reset", "earliest")
        .create_for(cluster)?;
    consumer.subscribe(&[TOPIC])?;
    let mut consumed = Counts::new();
    let mut seen = vec![false; MESSAGES];
    let progress = Progress::counter(MESSAGES, "consumed");
    for _ in 0..MESSAGES {
        let message = consumer.recv().await?;
        let text = message.payload().and_then(|payload| std::str::from_utf8(payload).ok()).unwrap_or_default();
        let number = text.parse::<usize>().ok().filter(|number| *number < MESSAGES);
        let number = number.ok_or_else(|| format!("a message came that nobody sent: {text:?}"))?;
        if std::mem::replace(&mut seen[number], true) {
            return Err(format!("message {number} came twice").into());
        }
        *consumed.entry(message.partition()).or_default() += 1;
        progress.bar().inc(1);
    }
    drop(progress);
    if consumed != *produced {
        return Err(format!("partitions had {produced:?} produced and {consumed:?} consumed").into());
    }
    let traffic = Traffic::by_leader(&consumer, produced, &consumed)?;
    if traffic.iter().any(|broker| broker.consumed == 0) {
        return Err("not every broker carried messages".into());
    }
    let summary = format!(
        "{} messages consumed, each of them once, by a StreamConsumer as it is, from {} brokers",
        HumanCount(MESSAGES as u64),
        traffic.len()
    );
    Ok(Completed::ok(summary, Vec::new(), traffic))
}

/// What one broker carried.
#[derive(Serialize)]
struct Traffic {
    advertised: String,
    partitions: Vec<i32>,
    produced: usize,
    consumed: usize,
}

impl Traffic {
    /// Adds up the partitions that each broker leads, by the metadata that clients see.
    fn by_leader(consumer: &StreamConsumer, produced: &Counts, consumed: &Counts) -> Result<Vec<Self>, Box<dyn Error>> {
        let metadata = consumer.fetch_metadata(Some(TOPIC), LIMIT)?;
        let topic = metadata.topics().first().ok_or("the metadata has no topic")?;
        let mut brokers: Vec<_> = metadata.brokers().iter().collect();
        brokers.sort_by_key(|broker| broker.id());
        let traffic = brokers.into_iter().map(|broker| {
            let led = topic.partitions().iter().filter(|partition| partition.leader() == broker.id());
            let partitions: Vec<i32> = led.map(|partition| partition.id()).collect();
            let sum = |counts: &Counts| partitions.iter().filter_map(|partition| counts.get(partition)).sum();
            Traffic {
                advertised: format!("{}:{}", broker.host(), broker.port()),
                produced: sum(produced),
                consumed: sum(consumed),
                partitions,
            }
        });
        Ok(traffic.collect())
    }

    fn row(&self) -> [Cell; 4] {
        let partitions: Vec<String> = self.partitions.iter().map(ToString::to_string).collect();
        let number =
            |number: usize| Cell::new(HumanCount(number as u64).to_string()).set_alignment(CellAlignment::Right);
        [Cell::new(&self.advertised), Cell::new(partitions.join(", ")), number(self.produced), number(self.consumed)]
    }
}

/// Keeps the cluster up until a signal comes.
async fn serve(story: Story, mock: &MockEmrCluster) -> Result<Outcome, Box<dyn Error>> {
    // Before the file is there, so that it goes in any case.
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hangup = signal(SignalKind::hangup())?;
    let file = describe(mock)?;
    let outcome = story.end(Some(file.path().to_owned()))?;
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
        _ = hangup.recv() => {}
    }
    file.close()?;
    Ok(outcome)
}

/// Writes the cluster's description, readable for this user alone. The file goes with the handle.
fn describe(mock: &MockEmrCluster) -> io::Result<NamedTempFile> {
    let mut file = tempfile::Builder::new().prefix("kafka-emr-demo-").suffix(".toml").tempfile()?;
    file.write_all(mock.cluster().description().to_toml().map_err(io::Error::other)?.as_bytes())?;
    Ok(file)
}

async fn within_limit<T>(step: impl Future<Output = Step<T>>) -> Step<T> {
    match tokio::time::timeout(LIMIT, step).await {
        Ok(step) => step,
        Err(_) => Err(format!("not done within {} s", LIMIT.as_secs()).into()),
    }
}

/// Runs what may take longer than anybody wants to wait, and leaves it alone then.
fn in_thread<T: Send + 'static>(limit: Duration, work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    let (answer, answered) = mpsc::channel();
    std::thread::spawn(move || {
        // Nobody listens any more where it took too long.
        let _ = answer.send(work());
    });
    answered.recv_timeout(limit).ok()
}
