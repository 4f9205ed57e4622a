//! Logging for libraries in somebody else's program: `KAFKA_EMR_LOG` sets the level.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Once;

use log::{LevelFilter, Log};

use crate::environment::variable;

/// Sets up a logger, once in a process, with the level that `KAFKA_EMR_LOG` asks for (default `warn`). A Rust program's own
/// logger stays in place. `logger` returns `None` if there is nowhere to write to.
pub fn start_logging<L: Log + 'static>(logger: impl FnOnce() -> Option<L>) {
    static START: Once = Once::new();
    let mut level = Ok(LevelFilter::Warn);
    START.call_once(|| {
        let Some(logger) = logger() else { return };
        if log::set_logger(Box::leak(Box::new(logger))).is_err() {
            return;
        }
        if let Some(text) = variable(c"KAFKA_EMR_LOG") {
            level = log_level(&text);
        }
        log::set_max_level(*level.as_ref().unwrap_or(&LevelFilter::Warn));
    });
    // Not inside of it: a logger may come back here.
    if let Err(why) = level {
        log::warn!("KAFKA_EMR_LOG: {why}");
    }
}

/// Reads a level by its name: `off`, `error`, `warn`, `info` or `debug`, in any case.
///
/// # Errors
///
/// Fails for any other text.
pub fn log_level(text: &str) -> Result<LevelFilter, UnknownLevel> {
    match text.parse() {
        Ok(LevelFilter::Trace) | Err(_) => Err(UnknownLevel(text.to_owned())),
        Ok(level) => Ok(level),
    }
}

/// Reports a text that is not the name of a log level.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownLevel(String);

impl fmt::Display for UnknownLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is not a log level; expected off, error, warn, info, debug", self.0)
    }
}

impl StdError for UnknownLevel {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_by_their_names() {
        assert_eq!(log_level("off"), Ok(LevelFilter::Off));
        assert_eq!(log_level("WARN"), Ok(LevelFilter::Warn));
        for text in ["trace", "", "warning", "3"] {
            let why = log_level(text).unwrap_err().to_string();
            assert!(why.contains(&format!("{text:?}")) && why.contains("off, error, warn, info, debug"), "{why}");
        }
    }
}
