//! Log lines on standard error, as `KAFKA_EMR_LOG` asks for them.

use std::error::Error;
use std::io::Write;

use kafka_emr_hook::log_level;
use log::LevelFilter;

const VARIABLE: &str = "KAFKA_EMR_LOG";

/// Starts logging. Fails on a level that does not exist.
pub(crate) fn start() -> Result<(), Box<dyn Error>> {
    let level = match std::env::var_os(VARIABLE).filter(|value| !value.is_empty()) {
        None => LevelFilter::Warn,
        Some(value) => log_level(&value.to_string_lossy()).map_err(|why| format!("{VARIABLE}: {why}"))?,
    };
    env_logger::Builder::new()
        .filter_level(level)
        .format(|out, record| {
            writeln!(out, "kafka-emr: {}: {}", record.level().as_str().to_ascii_lowercase(), record.args())
        })
        .init();
    Ok(())
}
