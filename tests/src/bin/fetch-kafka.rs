//! Fetches the jars of every Kafka version that the tests run, and says what it did.

use std::process::ExitCode;

use kafka_emr_tests::{KafkaVersion, fetch};

fn main() -> ExitCode {
    for version in KafkaVersion::ALL {
        match fetch(version) {
            Ok(libs) => println!("Kafka {version}: the jars are in {}", libs.display()),
            Err(why) => {
                eprintln!("fetch-kafka: {why}");
                return ExitCode::FAILURE;
            }
        }
    }
    ExitCode::SUCCESS
}
