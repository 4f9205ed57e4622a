//! Fetches the jars of every Kafka version that the tests run and of MirrorMaker 2, and says what it did.

use std::process::ExitCode;

use kafka_emr_tests::{KafkaVersion, fetch, fetch_mirror_maker};

fn main() -> ExitCode {
    let kafka = KafkaVersion::ALL.map(|version| (format!("Kafka {version}"), fetch(version)));
    for (what, fetched) in kafka.into_iter().chain([("MirrorMaker 2".to_owned(), fetch_mirror_maker())]) {
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
