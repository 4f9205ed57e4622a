//! What a user's application does with a cluster, and the cluster it does it with.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use kafka_emr_rs::rdkafka::ClientConfig;
use kafka_emr_rs::rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use kafka_emr_rs::rdkafka::client::DefaultClientContext;
use kafka_emr_rs::rdkafka::config::RDKafkaLogLevel;
use kafka_emr_rs::rdkafka::consumer::{BaseConsumer, Consumer, StreamConsumer};
use kafka_emr_rs::rdkafka::message::Message;
use kafka_emr_rs::rdkafka::producer::{FutureProducer, FutureRecord};
use kafka_emr_rs::rdkafka::types::RDKafkaErrorCode;
use kafka_emr_rs::rdkafka::util::Timeout;
use kafka_emr_rs::{CreateFor, Resolver};

/// How long anything may take on a busy machine.
pub(crate) const LIMIT: Duration = Duration::from_secs(60);

/// How long a client that must not succeed is given.
const NEGATIVE: Duration = Duration::from_secs(4);

pub(crate) const PARTITIONS: i32 = 6;
const MESSAGES_PER_PARTITION: i32 = 10;

pub(crate) fn config() -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("reconnect.backoff.max.ms", "500").set_log_level(RDKafkaLogLevel::Emerg);
    config
}

/// Creates a topic through an AdminClient. While the controller moves from one broker to another, a client may ask the old
/// one, which says so: that is asked again, by a client that learns the new one.
pub(crate) async fn create_topic(
    resolver: &Resolver,
    config: &ClientConfig,
    name: &str,
    replication: TopicReplication<'_>,
) {
    let topic = match replication {
        TopicReplication::Fixed(_) => NewTopic::new(name, PARTITIONS, replication),
        // On few brokers, and served by them alone.
        TopicReplication::Variable(assignment) => {
            NewTopic::new(name, i32::try_from(assignment.len()).unwrap(), replication).set("min.insync.replicas", "1")
        }
    };
    let options = AdminOptions::new().operation_timeout(Some(LIMIT)).request_timeout(Some(LIMIT));
    let started = Instant::now();
    loop {
        let admin: AdminClient<DefaultClientContext> = config.create_for(resolver).unwrap();
        let created = admin.create_topics([&topic], &options).await.unwrap();
        match &created[..] {
            [Err((_, RDKafkaErrorCode::NotController))] if started.elapsed() < LIMIT => {}
            created => return assert_eq!(created, [Ok(name.to_owned())]),
        }
    }
}

/// Creates a topic, looks at the metadata, produces to every partition with acks=all, and consumes all of it in a group.
pub(crate) async fn works(resolver: &Resolver, config: &ClientConfig, advertised: &[String]) {
    let topic = "round-trip";
    create_topic(resolver, config, topic, TopicReplication::Fixed(3)).await;

    let producer: FutureProducer = config.clone().set("acks", "all").create_for(resolver).unwrap();
    let mut expected = BTreeSet::new();
    let mut deliveries = FuturesUnordered::new();
    for partition in 0..PARTITIONS {
        for n in 0..MESSAGES_PER_PARTITION {
            let payload = format!("{partition}/{n}");
            expected.insert(payload.clone());
            let producer = &producer;
            deliveries.push(async move {
                let record = FutureRecord::<(), _>::to(topic).partition(partition).payload(&payload);
                producer.send(record, Timeout::After(LIMIT)).await.map_err(|(error, _)| error).unwrap();
            });
        }
    }
    while deliveries.next().await.is_some() {}

    let mut config = config.clone();
    config.set("group.id", "round-trip").set("auto.offset.reset", "earliest");
    let consumer: StreamConsumer = config.create_for(resolver).unwrap();
    let metadata = consumer.fetch_metadata(Some(topic), LIMIT).unwrap();
    let mut brokers: Vec<String> = metadata.brokers().iter().map(|b| format!("{}:{}", b.host(), b.port())).collect();
    brokers.sort();
    assert_eq!(brokers, advertised);
    assert_eq!(metadata.topics()[0].partitions().len(), PARTITIONS as usize);

    consumer.subscribe(&[topic]).unwrap();
    let mut stream = consumer.stream();
    let mut seen = BTreeSet::new();
    while seen.len() < expected.len() {
        let message = tokio::time::timeout(LIMIT, stream.next()).await.expect("the rest of the messages in time");
        let message = message.expect("a consumer's stream does not end").unwrap();
        assert!(seen.insert(String::from_utf8(message.payload().unwrap().to_vec()).unwrap()), "consumed twice");
    }
    assert_eq!(seen, expected);
}

/// The same client without the hook, with the best list there is: nothing is produced.
///
/// Metadata may come, where the first address is right and what it advertises is not.
pub(crate) async fn fails_without_the_hook(bootstrap_servers: &str) {
    let mut config = config();
    config.set("bootstrap.servers", bootstrap_servers).set("message.timeout.ms", NEGATIVE.as_millis().to_string());
    let producer: FutureProducer = config.create().unwrap();
    let record = FutureRecord::<(), _>::to("round-trip").payload("never");
    let sent = producer.send(record, Timeout::After(NEGATIVE)).await;
    assert!(sent.is_err(), "{bootstrap_servers} works without the hook: the scenario proves nothing");
}

/// A client with the hook whose rule leads elsewhere: refused, because nothing listens there.
pub(crate) fn gets_nothing(resolver: &Resolver) {
    let consumer: BaseConsumer = config().create_for(resolver).unwrap();
    assert!(consumer.fetch_metadata(None, NEGATIVE).is_err(), "a wrong choice must be a refused connection");
}

/// A client gets the cluster's metadata, from each of its bootstrap servers.
pub(crate) fn sees(resolver: &Resolver, advertised: &[String]) {
    for server in resolver.bootstrap_servers().unwrap().split(',') {
        let consumer: BaseConsumer = config().set("bootstrap.servers", server).create_for(resolver).unwrap();
        let metadata = consumer.fetch_metadata(None, LIMIT).unwrap();
        let mut brokers: Vec<String> =
            metadata.brokers().iter().map(|b| format!("{}:{}", b.host(), b.port())).collect();
        brokers.sort();
        assert_eq!(brokers, advertised, "by {server}");
    }
}
