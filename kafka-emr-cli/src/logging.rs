//! Log lines on standard error, as `KAFKA_EMR_LOG` asks for them.

use std::error::Error;
use std::io::Write;

use kafka_emr_hook::{StandardError, log_level, start_logging};
use log::LevelFilter;

const VARIABLE: &str = "KAFKA_EMR_LOG";

/// Starts logging. Fails on a level that does not exist.
pub(crate) fn start() -> Result<(), Box<dyn Error>> {
    let level = level()?;
    env_logger::Builder::new()
        .filter_level(level)
        .format(|out, record| {
            writeln!(out, "kafka-emr: {}: {}", record.level().as_str().to_ascii_lowercase(), record.args())
        })
        .init();
    Ok(())
}

/// Starts logging for `exec`: no line waits for whoever reads standard error, because programs wait for their supervisor.
/// Fails as [`start`].
pub(crate) fn start_for_programs() -> Result<(), Box<dyn Error>> {
    level()?;
    start_logging(StandardError::unchanged);
    Ok(())
}

fn level() -> Result<LevelFilter, Box<dyn Error>> {
    match std::env::var_os(VARIABLE).filter(|value| !value.is_empty()) {
        None => Ok(LevelFilter::Warn),
        Some(value) => Ok(log_level(&value.to_string_lossy()).map_err(|why| format!("{VARIABLE}: {why}"))?),
    }
}
