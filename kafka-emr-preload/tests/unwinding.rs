//! The unwinder that is linked in works: panics are caught without libgcc_s, and backtraces go through other files.

#![cfg(all(target_os = "linux", target_env = "gnu", target_pointer_width = "64"))]

use std::backtrace::Backtrace;
use std::cell::RefCell;
use std::panic::catch_unwind;

#[path = "../src/unwind.rs"]
mod unwind;

/// The build script's flags are this program's as well.
#[test]
fn a_panic_is_caught_without_libgcc_s() {
    let caught = catch_unwind(|| {
        assert!(std::hint::black_box(false), "expected by this test");
    });
    assert!(caught.is_err());
    let files = std::fs::read_to_string("/proc/self/maps").unwrap();
    assert!(files.contains("libc.so.6") && !files.contains("libgcc_s"), "{files}");
}

#[test]
fn a_backtrace_goes_through_libc() {
    thread_local! {
        static TRACE: RefCell<String> = const { RefCell::new(String::new()) };
    }
    extern "C" fn compare(_: *const libc::c_void, _: *const libc::c_void) -> libc::c_int {
        TRACE.set(Backtrace::force_capture().to_string());
        0
    }
    let mut two = [1_u8, 2];
    // SAFETY: there are two elements of one byte, and the comparison reads neither.
    unsafe { libc::qsort(two.as_mut_ptr().cast(), two.len(), 1, Some(compare)) };
    let trace = TRACE.take();
    assert!(trace.contains("a_backtrace_goes_through_libc"), "{trace}");
}
