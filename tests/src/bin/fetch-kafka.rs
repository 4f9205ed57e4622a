//! Fetches the jars of every Kafka version that the tests run and of what else there is of Kafka, and says what it did.

use std::process::ExitCode;

use kafka_emr_tests::{KafkaVersion, fetch, fetch_connect, fetch_flink_kafka, fetch_mirror_maker, fetch_spark_kafka};

fn main() -> ExitCode {
    let kafka = KafkaVersion::ALL.map(|version| (format!("Kafka {version}"), fetch(version)));
    let others = [
        ("MirrorMaker 2", fetch_mirror_maker()),
        ("Kafka Connect", fetch_connect()),
        ("Spark for Kafka", fetch_spark_kafka()),
        ("Flink for Kafka", fetch_flink_kafka()),
    ];
    for (what, fetched) in kafka.into_iter().chain(others.map(|(what, fetched)| (what.to_owned(), fetched))) {
        match fetched {
            Ok(libs) => println!("{what}: the jars are in {}", libs.display()),
            Err(why) => {
                eprintln!("fetch-kafka: {why}");
                return ExitCode::FAILURE;
            }
        }
    }
    ExitCode::SUCCESS
}
