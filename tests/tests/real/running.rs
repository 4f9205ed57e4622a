//! The cluster changes while its clients run: nothing is lost or duplicated, and nobody restarts.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use kafka_emr_rs::rdkafka::admin::TopicReplication;
use kafka_emr_rs::rdkafka::consumer::{BaseConsumer, Consumer, StreamConsumer};
use kafka_emr_rs::rdkafka::message::Message;
use kafka_emr_rs::rdkafka::producer::{FutureProducer, FutureRecord};
use kafka_emr_rs::rdkafka::util::Timeout;
use kafka_emr_rs::{CreateFor, Resolver};
use kafka_emr_tests::{Broker, KafkaCluster, KafkaVersion};

use crate::client::{LIMIT, config, create_topic};

const TOPIC: &str = "numbers";

/// How many messages are delivered between one change and the next.
const PACE: u64 = 300;

struct Described {
    directory: tempfile::TempDir,
    workers: BTreeMap<i32, u8>,
}

impl Described {
    fn path(&self) -> PathBuf {
        self.directory.path().join("cluster.toml")
    }

    /// Puts a new file in the place of the old one, as a careful editor does.
    fn write(&self, content: &str) {
        let new = self.directory.path().join("new");
        std::fs::write(&new, content).unwrap();
        std::fs::rename(new, self.path()).unwrap();
    }

    fn write_workers(&self) {
        let mut text = "id = \"48742\"\nrelease = \"EMR-3.10.1\"\nstrict = true\n".to_owned();
        for (n, host) in &self.workers {
            text += &format!("[[nodes]]\nname = \"emr-worker-{n}\"\nprivate_ip = \"127.10.1.{host}\"\n");
        }
        self.write(&text);
    }
}

fn broker(id: i32, host: u8) -> Broker {
    Broker { id, listen: ([127, 10, 1, host], 9092).into(), advertised: format!("emr-worker-{id}.cluster-48742:9092") }
}

/// Sends numbers, several at a time, until it is told to stop. Returns how many were delivered: all.
async fn produce(producer: FutureProducer, delivered: Arc<AtomicU64>, stop: Arc<AtomicBool>) -> u64 {
    let mut next = 0u64;
    let mut under_way = FuturesUnordered::new();
    loop {
        while under_way.len() < 20 && !stop.load(Ordering::SeqCst) {
            let producer = producer.clone();
            under_way.push(async move {
                let (key, payload) = (next.to_string(), next.to_string());
                let record = FutureRecord::to(TOPIC).key(&key).payload(&payload);
                producer.send(record, Timeout::After(LIMIT)).await.map_err(|(error, _)| error)
            });
            next += 1;
        }
        match under_way.next().await {
            Some(delivery) => {
                delivery.unwrap();
                delivered.fetch_add(1, Ordering::SeqCst);
            }
            None => return next,
        }
    }
}

/// Consumes until every number below the one that `until` gives in the end was seen. Returns how often each was.
async fn consume(consumer: StreamConsumer, mut until: tokio::sync::watch::Receiver<u64>) -> BTreeMap<u64, u64> {
    consumer.subscribe(&[TOPIC]).unwrap();
    let mut seen = BTreeMap::new();
    let mut stream = consumer.stream();
    loop {
        let wanted = *until.borrow_and_update();
        if wanted > 0 && seen.len() as u64 >= wanted {
            return seen;
        }
        tokio::select! {
            message = stream.next() => {
                // An error says that a broker is away: what counts is that the messages come.
                if let Some(Ok(message)) = message {
                    let number = std::str::from_utf8(message.payload().unwrap()).unwrap().parse().unwrap();
                    *seen.entry(number).or_insert(0) += 1;
                }
            }
            _ = until.changed() => {}
        }
    }
}

async fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let mut look = tokio::time::interval(Duration::from_millis(20));
    let started = Instant::now();
    while !condition() {
        assert!(started.elapsed() < LIMIT, "not within {LIMIT:?}: {what}");
        look.tick().await;
    }
}

async fn wait_for(delivered: &AtomicU64, more: u64) {
    let target = delivered.load(Ordering::SeqCst) + more;
    until("the next messages are delivered", || delivered.load(Ordering::SeqCst) >= target).await;
}

/// Counts the warnings that a bad file was seen and not used.
static BAD_FILE_SEEN: AtomicU64 = AtomicU64::new(0);

struct Logger;

impl log::Log for Logger {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        if record.level() == log::Level::Warn && record.args().to_string().contains("last good description stays") {
            BAD_FILE_SEEN.fetch_add(1, Ordering::SeqCst);
        }
    }

    fn flush(&self) {}
}

/// Proves that the running clients reach a broker: a topic that lives on it alone takes a message of the same producer.
async fn reaches(resolver: &Resolver, producer: &FutureProducer, broker: i32) {
    let topic = format!("only-on-{broker}");
    create_topic(resolver, &config(), &topic, TopicReplication::Variable(&[&[broker]])).await;
    let record = FutureRecord::<(), _>::to(&topic).payload("x");
    producer.send(record, Timeout::After(LIMIT)).await.map_err(|(error, _)| error).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn brokers_move_and_join_and_a_broken_file_changes_nothing() {
    log::set_logger(&Logger).unwrap();
    log::set_max_level(log::LevelFilter::Warn);
    let version = KafkaVersion::V2_4_1;
    println!("Kafka {version} at 127.10.1.24 to .26, broker 2 moves to .35, broker 4 joins at .27");
    let mut cluster = KafkaCluster::start(version, &[broker(1, 24), broker(2, 25), broker(3, 26)]);
    let mut described =
        Described { directory: tempfile::tempdir().unwrap(), workers: [(1, 24), (2, 25), (3, 26)].into() };
    described.write_workers();
    let resolver = Resolver::open(described.path().to_str().unwrap()).unwrap();

    create_topic(&resolver, &config(), TOPIC, TopicReplication::Fixed(3)).await;
    let producer: FutureProducer =
        config().set("enable.idempotence", "true").set("acks", "all").create_for(&resolver).unwrap();
    let mut consuming = config();
    consuming.set("group.id", "numbers").set("auto.offset.reset", "earliest");
    consuming.set("partition.assignment.strategy", "cooperative-sticky");
    let consumer: StreamConsumer = consuming.create_for(&resolver).unwrap();

    let (delivered, stop) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
    let (tell, told) = tokio::sync::watch::channel(0);
    let consumed = tokio::spawn(consume(consumer, told));
    let produced = tokio::spawn(produce(producer.clone(), Arc::clone(&delivered), Arc::clone(&stop)));
    wait_for(&delivered, PACE).await;

    // A broker goes.
    tokio::task::block_in_place(|| cluster.stop_broker(2));
    wait_for(&delivered, PACE).await;

    // The file is broken for a while: the last good one stays in use.
    described.write("id = \"48742\"\nrelease = ");
    // Running clients need no lookup now, so a new one asks, and gets the last good answer.
    until("the broken file is seen", || {
        let late: BaseConsumer = config().create_for(&resolver).unwrap();
        assert!(late.fetch_metadata(None, LIMIT).is_ok(), "the last good file serves new clients too");
        BAD_FILE_SEEN.load(Ordering::SeqCst) > 0
    })
    .await;
    wait_for(&delivered, PACE).await;

    // The broker comes back elsewhere, under its old name.
    described.workers.insert(2, 35);
    described.write_workers();
    tokio::task::block_in_place(|| cluster.start_broker(broker(2, 35)));
    reaches(&resolver, &producer, 2).await;
    wait_for(&delivered, PACE).await;

    // A broker joins. With `strict` its name cannot resolve by luck.
    described.workers.insert(4, 27);
    described.write_workers();
    tokio::task::block_in_place(|| cluster.start_broker(broker(4, 27)));
    reaches(&resolver, &producer, 4).await;
    wait_for(&delivered, PACE).await;

    stop.store(true, Ordering::SeqCst);
    let produced = produced.await.unwrap();
    tell.send(produced).unwrap();
    let seen = tokio::time::timeout(LIMIT, consumed).await.expect("every message in time").unwrap();
    let twice: Vec<_> = seen.iter().filter(|(_, times)| **times > 1).collect();
    println!("{produced} messages delivered, {} consumed, {} of them twice", seen.len(), twice.len());
    assert_eq!(seen.keys().copied().collect::<Vec<u64>>(), (0..produced).collect::<Vec<u64>>(), "each number once");
    assert!(twice.is_empty(), "consumed twice: {twice:?}");
    assert_eq!(BAD_FILE_SEEN.load(Ordering::SeqCst), 1, "one warning");
}
