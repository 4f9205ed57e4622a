//! Warns when another cluster answers than the one the description pins with `cluster_id`.

use std::ffi::c_void;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

use kafka_emr_core::{OneLine, Resolver};
use kafka_emr_hook::guard;

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
}

struct Expected {
    title: String,
    cluster_id: String,
}

impl Pin {
    pub(crate) fn new(librdkafka: Librdkafka) -> Self {
        Pin { librdkafka, expected: OnceLock::new(), compared: AtomicBool::new(false) }
    }

    /// Watches a client, where the resolver's one cluster is pinned.
    ///
    /// # Safety
    ///
    /// `client` is being made: this is called from on_new. `this` lives as long as the client.
    pub(crate) unsafe fn watch(this: *const Pin, resolver: &Resolver, client: *mut Client) {
        let clusters = resolver.clusters();
        let [cluster] = &clusters[..] else { return };
        let Some(cluster_id) = cluster.cluster_id() else { return };
        // SAFETY: the caller vouches for both.
        unsafe {
            if !(*this).librdkafka.is_consumer(client) {
                warn_once(resolver, "cluster_id is not checked for producers and admin clients, only for consumers");
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

/// Warns once for each resolver why its cluster's id is not compared.
pub(crate) fn warn_once(resolver: &Resolver, why: &'static str) {
    static WARNED: Mutex<Vec<(String, &str)>> = Mutex::new(Vec::new());
    let warning = (resolver.to_string(), why);
    let mut warned = WARNED.lock().unwrap_or_else(PoisonError::into_inner);
    let first = !warned.contains(&warning);
    if first {
        warned.push(warning);
    }
    // A logger may take its time.
    drop(warned);
    if first {
        log::warn!("{resolver}: {why}");
    }
}

unsafe extern "C" fn on_consume(client: *mut Client, _message: *mut c_void, opaque: *mut c_void) -> RespErr {
    // SAFETY: librdkafka passes the opaque of `watch`, which lives as long as the client; other threads may be here with the
    // same pin, which is only read.
    guard("comparing the cluster's id", (), || unsafe { (*opaque.cast::<Pin>()).compare(client) });
    NO_ERROR
}
