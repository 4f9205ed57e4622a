//! A panic inside is an error code to C, and one line. The program's own logger is what panics here.

use std::ffi::{CStr, c_char, c_int};
use std::ptr;
use std::sync::Mutex;

use kafka_emr::{
    Callback, kafka_emr_getaddrinfo, kafka_emr_lookup, kafka_emr_resolver_callback, kafka_emr_resolver_free,
    kafka_emr_resolver_open,
};
use libc::{EAI_FAIL, addrinfo};

static LINES: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Panics at each warning, and keeps errors.
struct Logger;

impl log::Log for Logger {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        assert_eq!(record.level(), log::Level::Error, "expected by this test: {}", record.args());
        LINES.lock().unwrap().push(record.args().to_string());
    }

    fn flush(&self) {}
}

/// Calls as C does: `*res` is not initialised.
#[track_caller]
fn fails(call: impl FnOnce(*const c_char, *const c_char, *mut *mut addrinfo) -> c_int, node: &CStr) {
    let mut res: *mut addrinfo = ptr::without_provenance_mut(0xDEAD_BEEF);
    assert_eq!(call(node.as_ptr(), c"9092".as_ptr(), &raw mut res), EAI_FAIL);
    assert!(res.is_null(), "an error leaves null");
    let lines = std::mem::take(&mut *LINES.lock().unwrap());
    assert!(matches!(&lines[..], [line] if line.contains("panicked") && !line.contains('\n')), "{lines:?}");
}

#[test]
fn a_panic_is_a_failed_lookup_to_c() {
    log::set_logger(&Logger).unwrap();
    log::set_max_level(log::LevelFilter::Warn);
    // SAFETY: strings end in NUL, buffers are as long as their size, and the resolver is freed when nobody uses it any more.
    unsafe {
        let source = c"emr://48742?release=3.10&strict=true&emr-worker-1=127.0.0.1";
        let emr = kafka_emr_resolver_open(source.as_ptr(), ptr::null_mut(), 0);
        assert!(!emr.is_null());
        let callback: Callback = kafka_emr_resolver_callback(emr.as_ref(), ptr::null_mut(), 0);
        let callback = callback.unwrap();
        // To open these warns of the address that both have. There is a message, which ends.
        let mut errstr: [c_char; 64] = [0x55; 64];
        assert!(kafka_emr_resolver_open(AMBIGUOUS.as_ptr(), errstr.as_mut_ptr(), errstr.len()).is_null());
        let message = CStr::from_ptr(errstr.as_ptr()).to_str().unwrap();
        assert!(message.contains("panicked") && message.len() < errstr.len(), "{message}");
        assert_eq!(std::mem::take(&mut *LINES.lock().unwrap()).len(), 1);
        // Each name is warned of once.
        fails(|node, service, res| kafka_emr_getaddrinfo(emr.as_ref(), node, service, ptr::null(), res), NAMES[0]);
        fails(|node, service, res| kafka_emr_lookup(emr.as_ref(), node, service, ptr::null(), res), NAMES[1]);
        fails(|node, service, res| callback(node, service, ptr::null(), res, ptr::null_mut()), NAMES[2]);
        // The next call works, and what it gives is freed.
        let mut res = ptr::null_mut();
        let known = c"emr-worker-1.cluster-48742".as_ptr();
        assert_eq!(callback(known, c"9092".as_ptr(), ptr::null(), &raw mut res, ptr::null_mut()), 0);
        assert!(!res.is_null());
        assert_eq!(callback(ptr::null(), ptr::null(), ptr::null(), &raw mut res, ptr::null_mut()), 0);
        kafka_emr_resolver_free(emr);
    }
}

/// Of the cluster's domain, and none of its nodes.
const NAMES: [&CStr; 3] = [c"emr-worker-7.cluster-48742", c"emr-worker-8.cluster-48742", c"emr-worker-9.cluster-48742"];

const AMBIGUOUS: &CStr = c"emr://1?release=3.11&network=public&emr-worker-1=10.0.1.24/203.0.113.1;emr://2?release=3.11&network=public&emr-worker-1=10.0.1.24/203.0.113.2";
