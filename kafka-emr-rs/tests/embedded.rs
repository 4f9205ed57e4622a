//! Real librdkafka clients against the embedded cluster, and the facts about librdkafka that the way in rests on.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, Once, PoisonError};
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use kafka_emr_core::{Endpoint, NodeDescription};
use kafka_emr_hook::Hook;
use kafka_emr_rs::mocking::MockEmrCluster;
use kafka_emr_rs::rdkafka::ClientConfig;
use kafka_emr_rs::rdkafka::admin::AdminClient;
use kafka_emr_rs::rdkafka::client::{ClientContext, DefaultClientContext};
use kafka_emr_rs::rdkafka::config::RDKafkaLogLevel;
use kafka_emr_rs::rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext, StreamConsumer};
use kafka_emr_rs::rdkafka::message::Message;
use kafka_emr_rs::rdkafka::producer::{
    BaseProducer, BaseRecord, DefaultProducerContext, FutureProducer, FutureRecord, Partitioner, Producer,
    ProducerContext, ThreadedProducer,
};
use kafka_emr_rs::rdkafka::util::Timeout;
use kafka_emr_rs::{Cluster, CreateFor, Description, ErrorKind, KafkaClient, Network, Resolver};

const LIMIT: Duration = Duration::from_secs(30);

/// Tests run one at a time: slots and log lines belong to the process. At the end every slot is back.
struct Alone(#[expect(dead_code, reason = "held, not read")] MutexGuard<'static, ()>);

static LINES: Mutex<Vec<String>> = Mutex::new(Vec::new());

struct Logger;

impl log::Log for Logger {
    fn enabled(&self, metadata: &log::Metadata<'_>) -> bool {
        metadata.target().starts_with("kafka_emr")
    }

    fn log(&self, record: &log::Record<'_>) {
        if self.enabled(record.metadata()) {
            LINES.lock().unwrap_or_else(PoisonError::into_inner).push(format!("{} {}", record.level(), record.args()));
        }
    }

    fn flush(&self) {}
}

fn alone() -> Alone {
    static ALONE: Mutex<()> = Mutex::new(());
    static LOGGER: Once = Once::new();
    LOGGER.call_once(|| {
        log::set_logger(&Logger).unwrap();
        log::set_max_level(log::LevelFilter::Info);
    });
    let guard = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    LINES.lock().unwrap_or_else(PoisonError::into_inner).clear();
    Alone(guard)
}

impl Drop for Alone {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            until("every client gave its slot back", || Hook::slots_in_use() == 0);
        }
    }
}

/// Waits for a condition, with a limit.
#[track_caller]
fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let started = Instant::now();
    while !condition() {
        assert!(started.elapsed() < LIMIT, "not within {LIMIT:?}: {what}");
        std::thread::park_timeout(Duration::from_millis(5));
    }
}

fn quiet() -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set_log_level(RDKafkaLogLevel::Emerg);
    config
}

fn consuming(group: &str) -> ClientConfig {
    let mut config = quiet();
    config.set("group.id", group).set("auto.offset.reset", "earliest");
    config
}

fn hosts(client: &impl FetchMetadata) -> BTreeSet<String> {
    client.brokers()
}

/// The brokers' host:port as metadata has them, for every client type.
trait FetchMetadata {
    fn brokers(&self) -> BTreeSet<String>;
}

macro_rules! fetch_metadata {
    ($($client:ty, $inner:ident;)+) => {
        $(impl FetchMetadata for $client {
            fn brokers(&self) -> BTreeSet<String> {
                let metadata = self.$inner().fetch_metadata(None, LIMIT).unwrap();
                metadata.brokers().iter().map(|broker| format!("{}:{}", broker.host(), broker.port())).collect()
            }
        })+
    };
}

fetch_metadata! {
    BaseConsumer, client;
    StreamConsumer, client;
    BaseProducer, client;
    ThreadedProducer<DefaultProducerContext>, client;
    FutureProducer, client;
    AdminClient<DefaultClientContext>, inner;
}

fn advertised(mock: &MockEmrCluster) -> BTreeSet<String> {
    mock.advertised().iter().map(Endpoint::to_string).collect()
}

#[tokio::test]
async fn every_client_type_works() {
    let _alone = alone();
    let mock = MockEmrCluster::new().unwrap();
    let resolver = mock.resolver().unwrap();
    let config = consuming("types");
    let expected = advertised(&mock);
    assert_eq!(expected.first().unwrap(), "emr-worker-1.cluster-48742:9092");
    assert_eq!(hosts(&config.create_for::<BaseConsumer>(&resolver).unwrap()), expected);
    assert_eq!(hosts(&config.create_for::<StreamConsumer>(&resolver).unwrap()), expected);
    assert_eq!(hosts(&quiet().create_for::<BaseProducer>(&resolver).unwrap()), expected);
    assert_eq!(hosts(&quiet().create_for::<ThreadedProducer<_>>(&resolver).unwrap()), expected);
    assert_eq!(hosts(&quiet().create_for::<FutureProducer>(&resolver).unwrap()), expected);
    assert_eq!(hosts(&quiet().create_for::<AdminClient<_>>(&resolver).unwrap()), expected);
}

#[test]
fn without_the_hook_the_same_client_gets_nothing() {
    let _alone = alone();
    let mock = MockEmrCluster::new().unwrap();
    let mut config = quiet();
    config.set("bootstrap.servers", mock.resolver().unwrap().bootstrap_servers().unwrap());
    let consumer: BaseConsumer = config.create().unwrap();
    assert!(consumer.fetch_metadata(None, Duration::from_secs(2)).is_err());
}

/// Contexts and partitioners of the user's own are used as rdkafka uses them.
#[derive(Clone)]
struct Counting(Arc<AtomicUsize>);

impl ClientContext for Counting {}
impl ConsumerContext for Counting {}

struct LastPartition;

impl Partitioner for LastPartition {
    fn partition(&self, _: &str, _: Option<&[u8]>, count: i32, _: impl Fn(i32) -> bool) -> i32 {
        count - 1
    }
}

struct OwnProducerContext(Counting, LastPartition);

impl ClientContext for OwnProducerContext {}

impl ProducerContext<LastPartition> for OwnProducerContext {
    type DeliveryOpaque = ();

    fn delivery(&self, report: &kafka_emr_rs::rdkafka::producer::DeliveryResult<'_>, (): ()) {
        assert_eq!(report.as_ref().unwrap().partition(), 5);
        self.0.0.fetch_add(1, Ordering::SeqCst);
    }

    fn get_custom_partitioner(&self) -> Option<&LastPartition> {
        Some(&self.1)
    }
}

#[test]
fn contexts_and_partitioners_are_the_users_own() {
    let _alone = alone();
    let mock = MockEmrCluster::new().unwrap();
    mock.create_topic("own", 6, 3).unwrap();
    let resolver = mock.resolver().unwrap();
    let delivered = Arc::new(AtomicUsize::new(0));
    let context = OwnProducerContext(Counting(Arc::clone(&delivered)), LastPartition);
    // rdkafka 0.39 crashes on a partitioner of one's own where no topic property is set, with or without the hook.
    let producer: ThreadedProducer<OwnProducerContext, LastPartition> =
        quiet().set("message.timeout.ms", "30000").create_with_context_for(&resolver, context).unwrap();
    for i in 0..10 {
        producer.send(BaseRecord::to("own").key(&[i]).payload("x")).map_err(|(error, _)| error).unwrap();
    }
    producer.flush(LIMIT).unwrap();
    assert_eq!(delivered.load(Ordering::SeqCst), 10);
    let counting = Counting(Arc::default());
    let consumer: BaseConsumer<Counting> =
        consuming("own").create_with_context_for(&resolver, counting.clone()).unwrap();
    consumer.subscribe(&["own"]).unwrap();
    let mut partition = None;
    until("a message", || {
        partition = consumer.poll(Duration::from_millis(100)).map(|message| message.unwrap().partition());
        partition.is_some()
    });
    assert_eq!(partition, Some(5));
    drop(consumer);
    assert_eq!(Arc::strong_count(&counting.0), 1, "the context is freed with its client");
}

/// Produces to every partition and consumes it again, in a group.
async fn round_trip(resolver: &Resolver, config: &ClientConfig, topic: &str) {
    let producer: FutureProducer = config.clone().set("acks", "all").create_for(resolver).unwrap();
    for partition in 0..6 {
        let payload = partition.to_string();
        let record = FutureRecord::to(topic).partition(partition).key("k").payload(&payload);
        producer.send(record, Timeout::After(LIMIT)).await.map_err(|(error, _)| error).unwrap();
    }
    let mut config = config.clone();
    config.set("group.id", topic).set("auto.offset.reset", "earliest");
    let consumer: StreamConsumer = config.create_for(resolver).unwrap();
    consumer.subscribe(&[topic]).unwrap();
    let mut seen = BTreeSet::new();
    let mut stream = consumer.stream();
    while seen.len() < 6 {
        let message = tokio::time::timeout(LIMIT, stream.next()).await.expect("a message in time").unwrap().unwrap();
        seen.insert(message.partition());
    }
}

/// The description of the example, without the way to its embedded brokers.
fn example(release: &str, network: Network) -> Description {
    let mut description = MockEmrCluster::new().unwrap().cluster().description();
    description.settings.release = Some(release.parse().unwrap());
    description.settings.network = Some(network);
    for node in &mut description.nodes {
        node.connect = None;
    }
    description
}

fn start(description: Description) -> MockEmrCluster {
    MockEmrCluster::start(Cluster::new(description).unwrap()).unwrap()
}

/// A cluster with another id for Kafka's own than the one that it has.
fn pinned(mut description: Description, cluster_id: &str) -> Cluster {
    description.settings.cluster_id = Some(cluster_id.to_owned());
    Cluster::new(description).unwrap()
}

#[tokio::test]
async fn every_rule() {
    let _alone = alone();
    for (release, network, first) in [
        ("3.11", Network::Private, "10.0.1.24:9092"),
        ("3.11", Network::Public, "203.0.113.24:9093"),
        ("3.10", Network::Private, "emr-worker-1.cluster-48742:9092"),
        ("3.10", Network::Public, "emr-worker-1.cluster-48742:9092"),
    ] {
        let mock = start(example(release, network));
        assert_eq!(mock.advertised()[0].to_string(), first);
        mock.create_topic("rules", 6, 3).unwrap();
        round_trip(&mock.resolver().unwrap(), &quiet(), "rules").await;
    }
}

#[tokio::test]
async fn private_addresses_advertised_to_a_public_client() {
    let _alone = alone();
    let private = |_: &Cluster, node: &kafka_emr_core::Node| Endpoint {
        host: node.private_ip().unwrap().to_string(),
        port: 9092,
    };
    let mock =
        MockEmrCluster::start_advertising(Cluster::new(example("3.11", Network::Public)).unwrap(), private).unwrap();
    mock.create_topic("saved", 6, 3).unwrap();
    round_trip(&mock.resolver().unwrap(), &quiet(), "saved").await;
}

#[tokio::test]
async fn own_bootstrap_servers_are_kept_and_mapped() {
    let _alone = alone();
    let mock = MockEmrCluster::new().unwrap();
    for property in ["bootstrap.servers", "metadata.broker.list"] {
        mock.create_topic(property, 6, 3).unwrap();
        let mut config = quiet();
        config.set(property, "emr-worker-2:9092");
        round_trip(&mock.resolver().unwrap(), &config, property).await;
    }
}

#[tokio::test]
async fn two_clusters_with_the_same_long_domains() {
    let _alone = alone();
    let mocks = [MockEmrCluster::new().unwrap(), MockEmrCluster::new().unwrap()];
    for (i, mock) in mocks.iter().enumerate() {
        mock.create_topic(&format!("only-{i}"), 6, 3).unwrap();
    }
    let resolvers = mocks.each_ref().map(|mock| mock.resolver().unwrap());
    let config = quiet();
    let (first, second) =
        tokio::join!(round_trip(&resolvers[0], &config, "only-0"), round_trip(&resolvers[1], &config, "only-1"));
    assert_eq!((first, second), ((), ()));
    let consumer: BaseConsumer = quiet().create_for(&resolvers[0]).unwrap();
    let topics = consumer.fetch_metadata(None, LIMIT).unwrap();
    let topics: Vec<&str> =
        topics.topics().iter().map(|topic| topic.name()).filter(|t| t.starts_with("only")).collect();
    assert_eq!(topics, ["only-0"]);
}

#[test]
fn several_clusters_in_one_resolver_need_own_servers() {
    let _alone = alone();
    let mut other = example("3.10", Network::Private);
    other.settings.id = Some("48743".to_owned());
    let mocks = [MockEmrCluster::new().unwrap(), start(other)];
    let both = Resolver::from_clusters(mocks.iter().map(|mock| mock.cluster().clone())).unwrap();
    let error = quiet().create_for::<BaseConsumer>(&both).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Resolver);
    assert!(error.to_string().contains("bootstrap.servers"), "{error}");
    for mock in &mocks {
        let mut config = quiet();
        config.set("bootstrap.servers", mock.advertised()[0].to_string());
        assert_eq!(hosts(&config.create_for::<BaseConsumer>(&both).unwrap()), advertised(mock));
    }
}

#[test]
fn refusals_leave_nothing_behind() {
    let _alone = alone();
    let resolver = MockEmrCluster::new().unwrap().resolver().unwrap();
    let refused = |property: &str, value: &str, kind: ErrorKind| {
        let error = quiet().set(property, value).create_for::<BaseConsumer>(&resolver).err().unwrap();
        assert_eq!(error.kind(), kind, "{error}");
        error.to_string()
    };
    let lookup = refused("client.dns.lookup", "resolve_canonical_bootstrap_servers_only", ErrorKind::Config);
    assert!(lookup.contains("use_all_dns_ips"), "{lookup}");
    assert!(refused("bootstrap.servers", ",", ErrorKind::Config).contains("no broker"));
    assert!(refused("no.such.property", "1", ErrorKind::Kafka).contains("no.such.property"));
    assert_eq!(Hook::slots_in_use(), 0);
}

#[tokio::test]
async fn the_resolver_lives_as_long_as_its_clients() {
    let _alone = alone();
    let mock = MockEmrCluster::new().unwrap();
    mock.create_topic("alive", 6, 3).unwrap();
    let resolver = mock.resolver().unwrap();
    let first: FutureProducer = quiet().create_for(&resolver).unwrap();
    let second: BaseConsumer = quiet().create_for(&resolver).unwrap();
    drop(resolver);
    assert_eq!(Hook::slots_in_use(), 1, "clients of one resolver share a slot");
    // A connection that is made now has to be resolved now.
    let record = FutureRecord::to("alive").key("k").payload("x");
    first.send(record, Timeout::After(LIMIT)).await.map_err(|(error, _)| error).unwrap();
    std::thread::spawn(move || drop(first)).join().unwrap();
    assert_eq!(Hook::slots_in_use(), 1);
    assert_eq!(hosts(&second), advertised(&mock));
    drop(second);
    until("the last client gave the slot back", || Hook::slots_in_use() == 0);
}

/// Collects what librdkafka complains about.
#[derive(Clone, Default)]
struct Complaints(Arc<Mutex<Vec<String>>>);

impl ClientContext for Complaints {
    fn log(&self, _: RDKafkaLogLevel, _: &str, line: &str) {
        self.0.lock().unwrap().push(line.to_owned());
    }

    fn error(&self, _: kafka_emr_rs::rdkafka::error::KafkaError, reason: &str) {
        self.0.lock().unwrap().push(reason.to_owned());
    }
}

impl ConsumerContext for Complaints {}

/// The first fact: nothing resolves before the brokers are added, so that the hook answers the very first lookup. One that
/// went past it would ask the system for a name that it does not know, and librdkafka would complain.
#[test]
fn fact_no_lookup_before_the_brokers_are_added() {
    let _alone = alone();
    let mock = MockEmrCluster::new().unwrap();
    let resolver = mock.resolver().unwrap();
    let complaints = Complaints::default();
    let mut config = quiet();
    config.set_log_level(RDKafkaLogLevel::Info);
    for _ in 0..200 {
        let consumer: BaseConsumer<Complaints> = config.create_with_context_for(&resolver, complaints.clone()).unwrap();
        assert_eq!(consumer.fetch_metadata(None, LIMIT).unwrap().brokers().len(), 3);
        let _ = consumer.poll(Duration::ZERO);
    }
    let resolving = |line: &&String| line.to_lowercase().contains("resolve");
    let all = complaints.0.lock().unwrap().clone();
    assert_eq!(all.iter().find(resolving), None);
    // The same context hears of a lookup that fails.
    config.set("bootstrap.servers", "emr-worker-9.cluster-48742:9092");
    let consumer: BaseConsumer<Complaints> = config.create_with_context_for(&resolver, complaints.clone()).unwrap();
    until("a complaint", || {
        let _ = consumer.poll(Duration::from_millis(10));
        complaints.0.lock().unwrap().iter().any(|line| resolving(&line))
    });
}

/// The second fact: librdkafka keeps what is set in a running client's configuration, and frees the interceptor with it.
#[test]
fn fact_the_callback_is_in_the_running_configuration() {
    let _alone = alone();
    let resolver = MockEmrCluster::new().unwrap().resolver().unwrap();
    let client: BaseProducer = quiet().create_for(&resolver).unwrap();
    let mut value = [0u8; 64];
    let mut size = value.len();
    // SAFETY: the client is live, and `value` has `size` bytes.
    unsafe {
        let conf = kafka_emr_rs::rdkafka::bindings::rd_kafka_conf(client.native_ptr());
        let name = c"resolve_cb".as_ptr();
        kafka_emr_rs::rdkafka::bindings::rd_kafka_conf_get(conf, name, value.as_mut_ptr().cast(), &raw mut size);
    }
    let set = String::from_utf8_lossy(&value[..size - 1]).into_owned();
    assert_eq!(set, format!("{:p}", Hook::of(&resolver).unwrap().callback()));
}

/// The third fact: servers that were added are gone back to when every broker that was learned from them is gone.
#[tokio::test]
async fn fact_a_cluster_that_moved_entirely_is_found_again() {
    let _alone = alone();
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("cluster.toml");
    // Both clusters have a node that is also called `door`; beside that they have no name in common.
    let start = |numbers: std::ops::RangeInclusive<u8>| {
        let mut description = example("3.10", Network::Private);
        description.nodes.truncate(1);
        for n in numbers {
            let mut node = NodeDescription::new(format!("emr-worker-{n}"));
            node.private_ip = Some([10, 0, 1, n].into());
            description.nodes.push(node);
        }
        description.nodes[1].aliases.push("door".to_owned());
        let mock = start(description);
        mock.create_topic("again", 6, 3).unwrap();
        std::fs::write(&file, mock.cluster().description().to_toml().unwrap()).unwrap();
        mock
    };
    let first = start(1..=3);
    let mut config = quiet();
    config.set("bootstrap.servers", "door:9092").set("reconnect.backoff.max.ms", "200");
    let producer: FutureProducer = config.create_for(&Resolver::open(file.to_str().unwrap()).unwrap()).unwrap();
    let send = || producer.send(FutureRecord::to("again").key("k").payload("x"), Timeout::After(LIMIT));
    send().await.map_err(|(error, _)| error).unwrap();
    assert_eq!(hosts(&producer), advertised(&first));
    drop(first);
    let second = start(4..=6);
    send().await.map_err(|(error, _)| error).unwrap();
    assert_eq!(hosts(&producer), advertised(&second));
}

#[test]
fn ten_thousand_resolvers_one_after_the_other() {
    let _alone = alone();
    let mock = MockEmrCluster::new().unwrap();
    for i in 0..10_000 {
        let resolver = Resolver::from_clusters([mock.cluster().clone()]).unwrap();
        let client: BaseProducer = quiet().create_for(&resolver).unwrap();
        drop(resolver);
        // Some end while their brokers' threads resolve and connect, some after they have.
        if i % 50 == 0 {
            assert_eq!(hosts(&client).len(), 3);
        }
        drop(client);
    }
}

#[test]
fn a_pinned_cluster_that_does_not_answer_is_asked_about_once() {
    let _alone = alone();
    let mut description = example("3.10", Network::Private);
    for node in &mut description.nodes {
        node.connect = Some("127.0.0.1:1".parse().unwrap());
    }
    let cluster = pinned(description, "any");
    let resolver = Resolver::from_clusters([cluster.clone()]).unwrap();
    let clients: Vec<BaseProducer> = (0..20).map(|_| quiet().create_for(&resolver).unwrap()).collect();
    let asking = || {
        std::fs::read_dir("/proc/self/task")
            .unwrap()
            .filter(|task| {
                let name = task.as_ref().unwrap().path().join("comm");
                std::fs::read_to_string(name).is_ok_and(|name| name.starts_with("kafka-emr-clust"))
            })
            .count()
    };
    // librdkafka's threads bear the name of the one that starts them, for a moment.
    until("one thread asks for all", || asking() == 1);
    assert_eq!(Hook::slots_in_use(), 1);
    drop(clients);
    until("nobody asks for nobody", || asking() == 0 && Hook::slots_in_use() == 0);
    for _ in 0..300 {
        let resolver = Resolver::from_clusters([cluster.clone()]).unwrap();
        let _client: BaseProducer = quiet().create_for(&resolver).unwrap();
        assert!(Hook::slots_in_use() <= 10, "no more than eight questions keep their slots");
    }
}

#[test]
fn a_pinned_cluster_is_asked_about_for_each_way_to_connect() {
    let _alone = alone();
    let mock = MockEmrCluster::new().unwrap();
    let resolver = Resolver::from_clusters([pinned(mock.cluster().description(), "each-way")]).unwrap();
    let dead: BaseProducer = quiet().set("bootstrap.servers", "127.0.0.1:1").create_for(&resolver).unwrap();
    let live: BaseProducer = quiet().create_for(&resolver).unwrap();
    until("the warning for the client that connects", || {
        LINES.lock().unwrap().iter().any(|line| line.starts_with("WARN") && line.contains("\"each-way\""))
    });
    drop((dead, live));
}

#[test]
fn topics_that_cannot_be_are_refused() {
    let _alone = alone();
    let mock = MockEmrCluster::new().unwrap();
    for (partitions, replication) in [(-1, 1), (0, 1), (i32::MAX, 1), (1, 0), (1, -1), (1, 4)] {
        assert!(mock.create_topic("none", partitions, replication).is_err(), "{partitions} {replication}");
    }
    mock.create_topic("one", 1, 3).unwrap();
    assert!(mock.create_topic("one", 1, 3).is_err());
}

#[test]
fn a_refused_value_is_not_repeated() {
    let _alone = alone();
    let resolver = MockEmrCluster::new().unwrap().resolver().unwrap();
    for property in ["sasl.pasword", "security.protocol", "bad\nname"] {
        let error = quiet().set(property, "hunter2").create_for::<BaseConsumer>(&resolver).err().unwrap();
        assert!(error.to_string().contains(&property.escape_default().to_string()), "{error}");
        assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
    }
}

#[test]
fn a_pinned_cluster_id_warns_of_another_cluster() {
    let _alone = alone();
    let mock = MockEmrCluster::new().unwrap();
    let id = {
        let client: AdminClient<_> = quiet().create_for(&mock.resolver().unwrap()).unwrap();
        client.inner().fetch_cluster_id(LIMIT).unwrap()
    };
    let pinned = |id: &str| Resolver::from_clusters([pinned(mock.cluster().description(), id)]).unwrap();
    let other: BaseProducer = quiet().create_for(&pinned("another")).unwrap();
    let warned = || {
        let lines = LINES.lock().unwrap();
        lines
            .iter()
            .filter(|line| line.starts_with("WARN") && line.contains(&id) && line.contains("\"another\""))
            .count()
    };
    until("the warning", || warned() == 1);
    let same: BaseProducer = quiet().create_for(&pinned(&id)).unwrap();
    drop((other, same));
    until("both questions ended", || Hook::slots_in_use() == 0);
    assert_eq!(warned(), 1);
    assert!(!LINES.lock().unwrap().iter().any(|line| line.starts_with("WARN") && line.contains(&format!("\"{id}\""))));
}
