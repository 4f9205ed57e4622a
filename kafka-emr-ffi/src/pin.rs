//! Warns when another cluster answers than the one the description pins with `cluster_id`.

use std::ffi::{c_char, c_int, c_void};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use kafka_emr_core::OneLine;
use kafka_emr_hook::{Hook, WeakHook, guard};

use crate::client_log;
use crate::librdkafka::{Client, Librdkafka, NO_ERROR, RespErr};

/// Looks at the cluster's id when a client consumes messages.
///
/// The application's own thread is inside librdkafka then, and holds none of its locks, so librdkafka may be asked, and it is
/// asked for no more than it knows already. No thread is needed. Producers have no such moment: on_send can come under a
/// topic's lock (rd_kafka_produce_batch), and the client's lock must not be taken under that.
pub(crate) struct Pin {
    librdkafka: Librdkafka,
    expected: OnceLock<Expected>,
    compared: AtomicBool,
    /// The hook of a client whose log gets the warning that nothing is compared.
    unchecked: OnceLock<WeakHook>,
}

struct Expected {
    title: String,
    cluster_id: String,
}

impl Pin {
    pub(crate) fn new(librdkafka: Librdkafka) -> Self {
        Pin { librdkafka, expected: OnceLock::new(), compared: AtomicBool::new(false), unchecked: OnceLock::new() }
    }

    /// Watches a client, if the hook's one cluster is pinned. `has_log` is the result of [`client_log::watch`].
    ///
    /// # Safety
    ///
    /// `client` is being made: this is called from on_new. `this` lives as long as the client.
    pub(crate) unsafe fn watch(this: *const Pin, hook: &Hook, client: *mut Client, has_log: bool) {
        let clusters = hook.resolver().clusters();
        let [cluster] = &clusters[..] else { return };
        let Some(cluster_id) = cluster.cluster_id() else { return };
        // SAFETY: the caller vouches for both.
        unsafe {
            if !(*this).librdkafka.is_consumer(client) {
                if has_log {
                    // The client is not finished, and has no name yet: its log must not be called before its threads run.
                    let _ = (*this).unchecked.set(hook.downgrade());
                    (*this).librdkafka.on_thread_start(client, on_thread_start, this.cast_mut().cast());
                } else {
                    warn_once(hook, NO_CONSUMER);
                }
                return;
            }
            let expected = Expected { title: cluster.title().to_owned(), cluster_id: cluster_id.to_owned() };
            // Set already where the configuration is used again after a client that could not be made.
            let _ = (*this).expected.set(expected);
            (*this).librdkafka.on_consume(client, on_consume, this.cast_mut().cast());
        }
    }

    /// # Safety
    ///
    /// `client` is live.
    unsafe fn compare(&self, client: *mut Client) {
        if self.compared.load(Ordering::Relaxed) {
            return;
        }
        // SAFETY: the caller vouches for it.
        let Some(answered) = (unsafe { self.librdkafka.cluster_id(client) }) else { return };
        let Some(Expected { title, cluster_id }) = self.expected.get() else { return };
        if !self.compared.swap(true, Ordering::Relaxed) && answered != *cluster_id {
            let warn = || {
                log::warn!(
                    "{title}: another cluster answers: its id is {}, and the description says cluster_id = {cluster_id:?}; \
                     correct the addresses or the cluster_id",
                    OneLine(&answered)
                );
            };
            // SAFETY: the caller vouches for it.
            unsafe { client_log::of_client(&self.librdkafka, client, warn) };
        }
    }
}

const NO_CONSUMER: &str = "cluster_id is not checked for producers and admin clients, only for consumers";

/// Warns once for each hook why its cluster's id is not compared.
pub(crate) fn warn_once(hook: &Hook, why: &str) {
    if hook.is_first_warning() {
        log::warn!("{}: {why}", hook.resolver());
    }
}

/// Is called in each of the client's threads, after [`client_log`] has taken notice of it.
unsafe extern "C" fn on_thread_start(
    _client: *mut Client,
    _kind: c_int,
    _name: *const c_char,
    opaque: *mut c_void,
) -> RespErr {
    guard("a thread of a client", (), || {
        // SAFETY: librdkafka passes the opaque of `watch`, which lives as long as the client.
        let pin = unsafe { &*opaque.cast::<Pin>() };
        if let Some(hook) = pin.unchecked.get().and_then(WeakHook::upgrade) {
            warn_once(&hook, NO_CONSUMER);
        }
    });
    NO_ERROR
}

unsafe extern "C" fn on_consume(client: *mut Client, _message: *mut c_void, opaque: *mut c_void) -> RespErr {
    // SAFETY: librdkafka passes the opaque of `watch`, which lives as long as the client; other threads may be here with the
    // same pin, which is only read.
    guard("comparing the cluster's id", (), || unsafe { (*opaque.cast::<Pin>()).compare(client) });
    NO_ERROR
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use kafka_emr_core::Resolver;
    use log::{LevelFilter, Log, Metadata, Record};

    use super::*;

    static LINES: Mutex<Vec<String>> = Mutex::new(Vec::new());

    /// Keeps the lines of this module.
    struct Lines;

    impl Log for Lines {
        fn enabled(&self, _: &Metadata<'_>) -> bool {
            true
        }

        fn log(&self, record: &Record<'_>) {
            if record.target().ends_with("pin") {
                LINES.lock().unwrap().push(record.args().to_string());
            }
        }

        fn flush(&self) {}
    }

    #[test]
    fn each_hook_is_warned_of_once_and_then_forgotten() {
        log::set_logger(&Lines).unwrap();
        log::set_max_level(LevelFilter::Warn);
        // Miri takes its time.
        let sources = if cfg!(miri) { 10 } else { 1000 };
        for _ in 0..2 {
            for id in 0..sources {
                let source = format!("emr://{id}?release=3.10&emr-worker-1=10.0.1.24");
                let hook = Hook::of(&Resolver::open(&source).unwrap()).unwrap();
                warn_once(&hook, "expected by this test");
                warn_once(&hook.clone(), "expected by this test");
            }
        }
        let lines = LINES.lock().unwrap();
        assert_eq!(lines.len(), 2 * sources);
        assert_eq!(lines.iter().filter(|line| **line == "cluster-7: expected by this test").count(), 2);
    }
}
