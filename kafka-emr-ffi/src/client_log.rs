//! Lines into the log of the librdkafka client that they are about.
//!
//! The thread decides which client that is: librdkafka resolves names in threads that belong to one client, and calls
//! on_thread_start in each. They end before the client is freed, so its log is never called later than that.

use std::cell::Cell;
use std::ffi::{CStr, c_char, c_int, c_void};
use std::ptr;

use kafka_emr_hook::guard;

use crate::librdkafka::{Client, Librdkafka, LogCb, NO_ERROR, RespErr};
use crate::log::LogLevel;

/// Marks our lines, as librdkafka marks its own with FAIL or CONFWARN.
const FACILITY: &CStr = c"KAFKAEMR";

/// A client, and the functions of its librdkafka.
type Current = (*mut Client, *const Librdkafka);

thread_local! {
    /// Whose thread this is, or whose call is running.
    static CLIENT: Cell<Option<Current>> = const { Cell::new(None) };
}

/// Has the lines of the client's threads go to its log, if it has one of the program's. Returns whether they do.
///
/// # Safety
///
/// `client` is being made: this is called from on_new. `librdkafka` is its own, and lives as long as the client.
pub(crate) unsafe fn watch(librdkafka: *const Librdkafka, client: *mut Client) -> bool {
    // SAFETY: the caller vouches for both.
    unsafe {
        // Not for nothing: when a client cannot be made after all, librdkafka leaks the interceptors that were added to it.
        (*librdkafka).log_of(client).is_some()
            && (*librdkafka).on_thread_start(client, on_thread_start, librdkafka.cast_mut().cast())
    }
}

/// Runs `body`, whose lines are about this client.
///
/// # Safety
///
/// `client` is live for the time of the call, and `librdkafka` is its own.
pub(crate) unsafe fn of_client<T>(librdkafka: &Librdkafka, client: *mut Client, body: impl FnOnce() -> T) -> T {
    /// Puts the other one back, also when `body` panics.
    struct Back(Option<Current>);
    impl Drop for Back {
        fn drop(&mut self) {
            CLIENT.set(self.0);
        }
    }
    let _back = Back(CLIENT.replace(Some((client, ptr::from_ref(librdkafka)))));
    body()
}

/// Writes a line to the log of the current client. Returns whether that has one of the program's own, which may be called
/// from this thread: with log.queue, only the program's threads may call it, and librdkafka lets nobody else put lines there.
pub(crate) fn write(level: LogLevel, message: &CStr) -> bool {
    let Some((client, librdkafka)) = CLIENT.get() else { return false };
    // SAFETY: both live as long as this is the client's thread or its call.
    unsafe {
        match (*librdkafka).log_of(client) {
            Some(log) if level as c_int > log.level => true,
            Some(log) => {
                (log.callback)(client, level as c_int, FACILITY.as_ptr(), message.as_ptr());
                true
            }
            None => false,
        }
    }
}

/// A client's log, which is the program's.
pub(crate) struct ClientLog {
    pub(crate) callback: LogCb,
    /// No line with a higher number is wanted.
    pub(crate) level: c_int,
}

unsafe extern "C" fn on_thread_start(
    client: *mut Client,
    _kind: c_int,
    _name: *const c_char,
    opaque: *mut c_void,
) -> RespErr {
    guard("a thread of a client", (), || CLIENT.set(Some((client, opaque.cast_const().cast()))));
    NO_ERROR
}
