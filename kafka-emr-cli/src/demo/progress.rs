//! How far a step is.

use std::io::{self, IsTerminal, Write};
use std::pin::pin;
use std::time::{Duration, Instant};

use super::MESSAGES;

/// Says on a terminal how far a step is, when it takes longer than a second.
pub(super) struct Progress {
    verb: &'static str,
    started: Instant,
    shown: Option<Instant>,
    terminal: bool,
}

impl Progress {
    const AFTER: Duration = Duration::from_secs(1);
    const EVERY: Duration = Duration::from_millis(100);

    pub(super) fn new(verb: &'static str) -> Self {
        Progress { verb, started: Instant::now(), shown: None, terminal: io::stderr().is_terminal() }
    }

    /// Waits, and shows how far it is meanwhile.
    pub(super) async fn during<T>(&mut self, done: usize, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        loop {
            self.show(done);
            if let Ok(result) = tokio::time::timeout(Self::EVERY, work.as_mut()).await {
                return result;
            }
        }
    }

    fn show(&mut self, done: usize) {
        let due = self.shown.map_or(self.started + Self::AFTER, |shown| shown + Self::EVERY);
        if self.terminal && Instant::now() >= due {
            self.shown = Some(Instant::now());
            let _ = write!(io::stderr(), "\r  {} of {} {} ", grouped(done), grouped(MESSAGES), self.verb);
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.shown.is_some() {
            let _ = write!(io::stderr(), "\r{:40}\r", "");
        }
    }
}

/// Writes a number with its thousands apart.
pub(super) fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::grouped;

    #[test]
    fn thousands_are_apart() {
        assert_eq!([0, 999, 1000, 10_000, 1_234_567].map(grouped), ["0", "999", "1,000", "10,000", "1,234,567"]);
    }
}
