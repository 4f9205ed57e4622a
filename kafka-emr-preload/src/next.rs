//! The functions that this library stands in front of: libc's, or those of another library behind this one.

use std::ffi::{CStr, c_int, c_void};
use std::mem::transmute;
use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};

use kafka_emr_hook::GetAddrInfo;
use libc::{sockaddr, socklen_t};

pub(crate) type Connect = unsafe extern "C-unwind" fn(c_int, *const sockaddr, socklen_t) -> c_int;

/// Looks both up, at load, so that nobody has to later. Only the constructor of a library that is loaded before this one comes
/// earlier.
pub(crate) fn load() {
    let _ = (getaddrinfo(), connect());
}

/// Returns whether the program's libc is the one that this library is made for: scripts start programs of musl as well.
pub(crate) fn is_glibc() -> bool {
    // SAFETY: the name ends in NUL.
    !cfg!(target_env = "gnu") || unsafe { !libc::dlsym(libc::RTLD_DEFAULT, c"gnu_get_libc_version".as_ptr()).is_null() }
}

pub(crate) fn getaddrinfo() -> Option<GetAddrInfo> {
    static NEXT: AtomicPtr<c_void> = AtomicPtr::new(ptr::null_mut());
    // SAFETY: null is `None`, and a function of this name has this type, in whatever library it is.
    unsafe { transmute::<*mut c_void, Option<GetAddrInfo>>(symbol(&NEXT, c"getaddrinfo")) }
}

pub(crate) fn connect() -> Option<Connect> {
    static NEXT: AtomicPtr<c_void> = AtomicPtr::new(ptr::null_mut());
    // SAFETY: as above.
    unsafe { transmute::<*mut c_void, Option<Connect>>(symbol(&NEXT, c"connect")) }
}

/// Threads that come at once find the same: nobody waits for another.
fn symbol(found: &AtomicPtr<c_void>, name: &CStr) -> *mut c_void {
    if found.load(Ordering::Acquire).is_null() {
        // SAFETY: the name ends in NUL.
        found.store(unsafe { libc::dlsym(libc::RTLD_NEXT, name.as_ptr()) }, Ordering::Release);
    }
    found.load(Ordering::Acquire)
}
