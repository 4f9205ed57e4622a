//! What the examination is at, on a terminal.

use std::io::{self, IsTerminal, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::examine::Progress;

/// Shows the step that is under way, once it all has taken a second. Gone when it is dropped.
pub(crate) struct Spinner {
    step: Arc<Mutex<Option<String>>>,
    thread: Option<JoinHandle<()>>,
}

impl Spinner {
    const AFTER: Duration = Duration::from_secs(1);
    const EVERY: Duration = Duration::from_millis(100);

    pub(crate) fn start(step: &str) -> Self {
        let step = Arc::new(Mutex::new(Some(step.to_owned())));
        let shown = Arc::clone(&step);
        // Nothing depends on it: without a thread there is no progress to be seen.
        let spin = move || {
            let mut waited = Duration::ZERO;
            for frame in ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'].into_iter().cycle() {
                thread::park_timeout(Self::EVERY);
                waited += Self::EVERY;
                let Some(step) = shown.lock().unwrap_or_else(PoisonError::into_inner).clone() else { break };
                if waited > Self::AFTER {
                    let _ = write!(io::stderr(), "\r  {frame} {step:40}");
                }
            }
            if waited > Self::AFTER {
                let _ = write!(io::stderr(), "\r{:44}\r", "");
            }
        };
        let thread = io::stderr().is_terminal().then(|| thread::Builder::new().spawn(spin).ok()).flatten();
        Spinner { step, thread }
    }
}

impl Progress for Spinner {
    fn step(&self, what: &str) {
        *self.step.lock().unwrap_or_else(PoisonError::into_inner) = Some(what.to_owned());
    }
}

impl Drop for Spinner {
    fn drop(&mut self) {
        *self.step.lock().unwrap_or_else(PoisonError::into_inner) = None;
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            let _ = thread.join();
        }
    }
}
