//! What a library tells that has no program of its own: lines on standard error. `KAFKA_EMR_LOG` says how much.

use std::io::Write;
use std::sync::Once;

use log::{LevelFilter, Log, Metadata, Record};

use crate::environment::variable;

struct Logger;

impl Log for Logger {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.level() <= log::max_level()
    }

    fn log(&self, record: &Record<'_>) {
        if self.enabled(record.metadata()) {
            let level = record.level().as_str().to_ascii_lowercase();
            // In one write, so that lines of several threads stay whole. Where nobody can be told, nobody is.
            let line = format!("kafka-emr: {level}: {}\n", record.args());
            let _ = std::io::stderr().write_all(line.as_bytes());
        }
    }

    fn flush(&self) {}
}

/// Sets up a logger that writes to standard error what `KAFKA_EMR_LOG` asks for (`off`, `error`, `warn`, `info`, `debug`;
/// default `warn`), once. Where the library is part of a Rust program that has a logger, that one is left in place.
pub fn start_logging() {
    static START: Once = Once::new();
    START.call_once(|| {
        if log::set_logger(&Logger).is_err() {
            return;
        }
        let wanted = variable(c"KAFKA_EMR_LOG");
        let level = wanted.as_deref().map_or(Some(LevelFilter::Warn), level);
        log::set_max_level(level.unwrap_or(LevelFilter::Warn));
        if level.is_none() {
            log::warn!(
                "KAFKA_EMR_LOG: {:?} is not possible; expected off, error, warn, info or debug",
                wanted.unwrap_or_default()
            );
        }
    });
}

fn level(text: &str) -> Option<LevelFilter> {
    match text.to_ascii_lowercase().as_str() {
        "off" => Some(LevelFilter::Off),
        "error" => Some(LevelFilter::Error),
        "warn" => Some(LevelFilter::Warn),
        "info" => Some(LevelFilter::Info),
        "debug" => Some(LevelFilter::Debug),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_by_their_names() {
        assert_eq!(level("off"), Some(LevelFilter::Off));
        assert_eq!(level("WARN"), Some(LevelFilter::Warn));
        assert_eq!(level("trace"), None);
    }
}
