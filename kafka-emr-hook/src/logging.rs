//! What a library tells that has no program of its own: lines on standard error. `KAFKA_EMR_LOG` says how much.

use std::io;
use std::mem::zeroed;
use std::ptr;
use std::sync::Once;

use libc::{STDERR_FILENO, dev_t, ino_t, sigset_t};
use log::{LevelFilter, Log, Metadata, Record};

use crate::environment::variable;

/// Writes to what standard error was when logging began.
struct Logger((dev_t, ino_t));

impl Log for Logger {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.level() <= log::max_level()
    }

    fn log(&self, record: &Record<'_>) {
        // A program that closed it may have a file of its own there by now.
        if self.enabled(record.metadata()) && standard_error() == Some(self.0) {
            let level = record.level().as_str().to_ascii_lowercase();
            // In one write, so that lines of several threads stay whole. Where nobody can be told, nobody is.
            write(format!("kafka-emr: {level}: {}\n", record.args()).as_bytes());
        }
    }

    fn flush(&self) {}
}

/// Tells which file standard error is; `None` where it is closed.
fn standard_error() -> Option<(dev_t, ino_t)> {
    // SAFETY: all-zero bytes are a stat, and fstat has room for its answer.
    let (code, data) = unsafe {
        let mut data: libc::stat = zeroed();
        (libc::fstat(STDERR_FILENO, &raw mut data), data)
    };
    (code == 0).then_some((data.st_dev, data.st_ino))
}

/// Writes to standard error without a lock, which a forked process could find held for ever, and without the signal that would
/// end the program where nobody reads.
fn write(line: &[u8]) {
    // SAFETY: all-zero bytes are a set of signals, every pointer is to one of these sets or to `line`, and where sigwait is
    // called, the signal is pending.
    unsafe {
        let mut pipe: sigset_t = zeroed();
        libc::sigemptyset(&raw mut pipe);
        libc::sigaddset(&raw mut pipe, libc::SIGPIPE);
        let is_pending = || {
            let mut pending: sigset_t = zeroed();
            libc::sigpending(&raw mut pending) == 0 && libc::sigismember(&raw const pending, libc::SIGPIPE) == 1
        };
        let (mut mask, mut signal) = (zeroed(), 0);
        let was_pending = is_pending();
        libc::pthread_sigmask(libc::SIG_BLOCK, &raw const pipe, &raw mut mask);
        let written = libc::write(STDERR_FILENO, line.as_ptr().cast(), line.len());
        let nobody_reads = written < 0 && io::Error::last_os_error().kind() == io::ErrorKind::BrokenPipe;
        if nobody_reads && !was_pending && is_pending() {
            libc::sigwait(&raw const pipe, &raw mut signal);
        }
        libc::pthread_sigmask(libc::SIG_SETMASK, &raw const mask, ptr::null_mut());
    }
}

/// Sets up a logger that writes to standard error what `KAFKA_EMR_LOG` asks for (`off`, `error`, `warn`, `info`, `debug`;
/// default `warn`), once. Where the library is part of a Rust program that has a logger, that one is left in place. It
/// writes only as long as standard error is the file that it is now.
pub fn start_logging() {
    static START: Once = Once::new();
    START.call_once(|| {
        let Some(file) = standard_error() else { return };
        if log::set_logger(Box::leak(Box::new(Logger(file)))).is_err() {
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
