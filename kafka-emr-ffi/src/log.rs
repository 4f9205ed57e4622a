//! Where lines go: to the program's callback, else to the log of the client that they are about, else to standard error.

use std::cell::Cell;
use std::ffi::{CString, c_char, c_void};
use std::process;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use kafka_emr_hook::{StandardError, guard, start_logging};
use log::{Level, Log, Metadata, Record};

use crate::client_log;

/// How severe a line is. The numbers are syslog's, as those of librdkafka's log_cb.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogLevel {
    /// Something does not work.
    Error = 3,
    /// Something is wrong that may yet work.
    Warn = 4,
    /// What was read, from where.
    Info = 6,
    /// Details, to find a mistake.
    Debug = 7,
}

impl From<Level> for LogLevel {
    fn from(level: Level) -> Self {
        match level {
            Level::Error => LogLevel::Error,
            Level::Warn => LogLevel::Warn,
            Level::Info => LogLevel::Info,
            Level::Debug | Level::Trace => LogLevel::Debug,
        }
    }
}

/// Receives the library's lines: see kafka_emr_set_log_cb(). message is one line without its end, valid for the time of the
/// call.
pub type LogCallback = Option<unsafe extern "C" fn(level: LogLevel, message: *const c_char, opaque: *mut c_void)>;

/// The program's callback.
struct Registered {
    function: unsafe extern "C" fn(level: LogLevel, message: *const c_char, opaque: *mut c_void),
    opaque: *mut c_void,
    /// The process that set it. In one that was forked from it, threads that were inside are gone.
    process: u32,
}

// SAFETY: kafka_emr_set_log_cb() asks for a callback that may be called with its opaque by any thread.
unsafe impl Send for Registered {}
// SAFETY: as above.
unsafe impl Sync for Registered {}

static REGISTERED: ArcSwapOption<Registered> = ArcSwapOption::const_empty();

thread_local! {
    /// Whether this thread is inside of a callback of the program's.
    static INSIDE: Cell<bool> = const { Cell::new(false) };
}

struct Logger(StandardError);

impl Log for Logger {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        self.0.enabled(metadata)
    }

    fn log(&self, record: &Record<'_>) {
        if self.enabled(record.metadata()) && !to_program(record) {
            self.0.log(record);
        }
    }

    fn flush(&self) {}
}

/// Hands a line to the program, if it takes lines. One that a callback causes would come back to it without end.
fn to_program(record: &Record<'_>) -> bool {
    let message = CString::new(record.args().to_string().replace('\0', "\u{FFFD}")).unwrap_or_default();
    let level = record.level().into();
    if INSIDE.replace(true) {
        return false;
    }
    // The handle is kept for the time of the call, which `kafka_emr_set_log_cb` waits for.
    let taken = if let Some(callback) = REGISTERED.load_full() {
        // SAFETY: the program vouches for its callback and opaque. The message ends in NUL and lives as long as the call.
        unsafe { (callback.function)(level, message.as_ptr(), callback.opaque) };
        true
    } else {
        client_log::write(level, &message)
    };
    INSIDE.set(false);
    taken
}

/// Starts logging, unless it is started.
pub(crate) fn start() {
    start_logging(|| Some(Logger(StandardError::current())));
}

/// Hands the library's lines to a callback of the program's, with opaque, in place of standard error; NULL puts standard error
/// back. The callback gets the lines that KAFKA_EMR_LOG asks for, also those that would go to a client's log_cb otherwise.
///
/// The callback is called by the thread that something happens in: one that is inside a function of this library, or one of
/// librdkafka's, while it resolves a name. There may be several at once. The library holds no lock meanwhile. The callback
/// may call this library; lines that this causes go to standard error. It must not throw, nor leave by longjmp() or
/// pthread_exit(), nor wait for long, since a client waits for it.
///
/// When this function returns, no other thread is inside the callback that was set before, and none will call it: what its
/// opaque points to may be freed. Other threads that are inside are waited for, so the caller must not hold a lock that the
/// callback takes. Exceptions: if this function is called from within a callback, or in a process that was forked since the
/// callback was set, it waits for nobody.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kafka_emr_set_log_cb(cb: LogCallback, opaque: *mut c_void) {
    guard("kafka_emr_set_log_cb", (), || {
        let callback = cb.map(|function| Arc::new(Registered { function, opaque, process: process::id() }));
        let before = REGISTERED.swap(callback);
        // After that: what is wrong with KAFKA_EMR_LOG is the first line.
        start();
        let Some(before) = before else { return };
        // A thread that is inside has a handle of it. Polled, because a lock or a condition could be held by a thread that a fork
        // has left behind.
        while !INSIDE.get() && before.process == process::id() && Arc::strong_count(&before) > 1 {
            thread::sleep(Duration::from_millis(1));
        }
    });
}
