//! The functions that this library stands in front of.

use std::ffi::{CStr, c_char, c_int, c_void};
use std::mem::transmute;
use std::sync::OnceLock;

use libc::{addrinfo, sockaddr, socklen_t};

pub(crate) type GetAddrInfo =
    unsafe extern "C" fn(*const c_char, *const c_char, *const addrinfo, *mut *mut addrinfo) -> c_int;
pub(crate) type Connect = unsafe extern "C" fn(c_int, *const sockaddr, socklen_t) -> c_int;

/// libc's getaddrinfo, or that of another library behind this one.
pub(crate) fn getaddrinfo() -> Option<GetAddrInfo> {
    static NEXT: OnceLock<Option<GetAddrInfo>> = OnceLock::new();
    // SAFETY: a function of this name has this type, in whatever library it is.
    *NEXT.get_or_init(|| find(c"getaddrinfo").map(|found| unsafe { transmute::<*mut c_void, GetAddrInfo>(found) }))
}

/// libc's connect, or that of another library behind this one.
pub(crate) fn connect() -> Option<Connect> {
    static NEXT: OnceLock<Option<Connect>> = OnceLock::new();
    // SAFETY: as above.
    *NEXT.get_or_init(|| find(c"connect").map(|found| unsafe { transmute::<*mut c_void, Connect>(found) }))
}

fn find(name: &CStr) -> Option<*mut c_void> {
    // SAFETY: the name ends in NUL.
    let found = unsafe { libc::dlsym(libc::RTLD_NEXT, name.as_ptr()) };
    (!found.is_null()).then_some(found)
}
