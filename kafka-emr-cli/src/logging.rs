//! Log lines on standard error, as `KAFKA_EMR_LOG` asks for them.

use std::error::Error;
use std::io::Write;

use log::LevelFilter;

const VARIABLE: &str = "KAFKA_EMR_LOG";

const LEVELS: [(&str, LevelFilter); 5] = [
    ("off", LevelFilter::Off),
    ("error", LevelFilter::Error),
    ("warn", LevelFilter::Warn),
    ("info", LevelFilter::Info),
    ("debug", LevelFilter::Debug),
];

/// Starts logging. Fails on a level that does not exist.
pub(crate) fn start() -> Result<(), Box<dyn Error>> {
    let level = match std::env::var_os(VARIABLE).filter(|value| !value.is_empty()) {
        None => LevelFilter::Warn,
        Some(value) => level(&value.to_string_lossy())?,
    };
    env_logger::Builder::new()
        .filter_level(level)
        .format(|out, record| {
            writeln!(out, "kafka-emr: {}: {}", record.level().as_str().to_ascii_lowercase(), record.args())
        })
        .init();
    Ok(())
}

fn level(text: &str) -> Result<LevelFilter, String> {
    LEVELS.iter().find(|(name, _)| name.eq_ignore_ascii_case(text)).map(|(_, level)| *level).ok_or_else(|| {
        format!("{VARIABLE}: {text:?} is not possible; expected one of {}", LEVELS.map(|(name, _)| name).join(", "))
    })
}
