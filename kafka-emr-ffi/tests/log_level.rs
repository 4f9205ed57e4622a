//! A KAFKA_EMR_LOG that cannot be read. One test, because a process starts logging once.

use std::ffi::{CStr, c_char, c_void};
use std::ptr;
use std::sync::Mutex;

use kafka_emr::{LogLevel, kafka_emr_resolver_free, kafka_emr_resolver_open, kafka_emr_set_log_cb};

static LINES: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Keeps the line, and calls the library, as a callback may.
unsafe extern "C" fn keep(_: LogLevel, message: *const c_char, _: *mut c_void) {
    // SAFETY: strings end in NUL.
    unsafe {
        LINES.lock().unwrap().push(CStr::from_ptr(message).to_str().unwrap().to_owned());
        let source = c"emr://48742?release=3.10&emr-worker-1=127.0.0.1";
        kafka_emr_resolver_free(kafka_emr_resolver_open(source.as_ptr(), ptr::null_mut(), 0));
    }
}

#[test]
fn the_callback_gets_what_is_wrong_with_the_level() {
    // SAFETY: no other thread reads the environment; the callback takes any opaque, from any thread.
    unsafe {
        std::env::set_var("KAFKA_EMR_LOG", "verbose");
        kafka_emr_set_log_cb(Some(keep), ptr::null_mut());
    }
    let lines = LINES.lock().unwrap();
    let [line] = &lines[..] else { panic!("{lines:?}") };
    assert!(line.starts_with("KAFKA_EMR_LOG: \"verbose\" is not a log level"), "{line}");
}
