//! The environment, as far as a library trusts it that finds itself in somebody else's program.

use std::ffi::{CStr, c_char};

/// Reads a variable, unless the program runs with more rights than its caller has (setuid, setgid, capabilities): then the
/// caller must not decide where it connects to. An empty one counts as not set.
#[must_use]
pub fn variable(name: &CStr) -> Option<String> {
    // SAFETY: the name ends in NUL.
    let value = unsafe { secure_getenv(name.as_ptr()) };
    if value.is_null() {
        return None;
    }
    // SAFETY: not null, so it is a string that ends in NUL. It is copied at once, before anybody changes the environment.
    let value = unsafe { CStr::from_ptr(value) }.to_string_lossy().into_owned();
    (!value.is_empty()).then_some(value)
}

#[cfg(target_os = "linux")]
unsafe extern "C" {
    // In glibc and musl, but not in the crate libc.
    fn secure_getenv(name: *const c_char) -> *mut c_char;
}

#[cfg(not(target_os = "linux"))]
unsafe fn secure_getenv(name: *const c_char) -> *mut c_char {
    // SAFETY: the caller vouches for the name; the other takes nothing.
    unsafe { if libc::issetugid() == 0 { libc::getenv(name) } else { std::ptr::null_mut() } }
}
