//! How far something is, on a terminal.

use std::convert::Infallible;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// How long something takes before its progress is shown.
const AFTER: Duration = Duration::from_secs(1);

/// How often it is drawn.
const EVERY: Duration = Duration::from_millis(100);

/// A line on standard error, if that is a terminal, as soon as something has taken a second. Cleared when it is dropped.
pub(crate) struct Progress {
    bar: ProgressBar,
    /// Ends the wait.
    _running: mpsc::Sender<Infallible>,
}

impl Progress {
    /// Shows what is under way.
    pub(crate) fn spinner(message: &'static str) -> Self {
        Progress::new(None, "  {spinner} {msg}", message)
    }

    /// Counts up to a total.
    pub(crate) fn counter(total: usize, verb: &'static str) -> Self {
        Progress::new(Some(total as u64), "  {human_pos} of {human_len} {msg}", verb)
    }

    fn new(total: Option<u64>, template: &str, message: &'static str) -> Self {
        let style = ProgressStyle::with_template(template).expect("the templates are valid");
        let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::hidden());
        let bar = bar.with_style(style).with_message(message);
        let (running, ended) = mpsc::channel();
        let shown = bar.clone();
        // Nothing depends on it: without a thread, no progress is shown.
        let _ = thread::Builder::new().name("progress".to_owned()).spawn(move || {
            if ended.recv_timeout(AFTER) == Err(RecvTimeoutError::Timeout) {
                shown.set_draw_target(ProgressDrawTarget::stderr());
                shown.enable_steady_tick(EVERY);
            }
        });
        Progress { bar, _running: running }
    }

    /// Returns the bar, a handle that can be cloned.
    pub(crate) fn bar(&self) -> &ProgressBar {
        &self.bar
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
