//! Sends messages and gets them back, with rdkafka and nothing of kafka-emr: rdkafka-musl SERVERS TOPIC SECONDS

use std::collections::HashSet;
use std::time::{Duration, Instant};

use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::Message;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let [servers, topic, seconds] = &std::env::args().skip(1).collect::<Vec<_>>()[..] else { panic!("three arguments") };
    let limit = Duration::from_secs(seconds.parse()?);
    let run = format!("rdkafka {}", std::process::id());
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", servers).set("group.id", &run).set("auto.offset.reset", "earliest");

    let producer: BaseProducer = config.create()?;
    let mut missing: HashSet<String> = (0..30).map(|n| format!("{run} {n}")).collect();
    for message in &missing {
        producer.send(BaseRecord::<(), _>::to(topic).payload(message)).map_err(|(error, _)| error)?;
    }
    producer.flush(limit)?;

    let consumer: BaseConsumer = config.create()?;
    consumer.subscribe(&[topic])?;
    let end = Instant::now() + limit;
    while !missing.is_empty() {
        if Instant::now() > end {
            return Err(format!("{} messages are missing", missing.len()).into());
        }
        if let Some(Ok(message)) = consumer.poll(Duration::from_millis(200)) {
            missing.remove(&String::from_utf8_lossy(message.payload().unwrap_or_default()).into_owned());
        }
    }
    println!("rdkafka works");
    Ok(())
}
