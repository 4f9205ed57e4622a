//! `libkafka_emr_preload`: the clusters' names in programs that cannot load the hook, for `kafka-emr exec`.
//!
//! `LD_PRELOAD` puts this library in front of libc, so that its `getaddrinfo` and `connect` are called in place of libc's.
//! `getaddrinfo` answers for the names of the clusters that `KAFKA_EMR_CLUSTER` names, with lists of libc's own making, because
//! callers free them with libc's `freeaddrinfo`. `connect` is there for what names cannot say: a node's private IP that leads
//! to its EIP, and the port of a tunnel. Everything else is passed on as it is.
//!
//! Both decide first, and call libc's function last, with nothing of their own around it: it is a cancellation point, where
//! glibc unwinds the thread. `connect` may be called in a signal handler and between fork and exec, so it takes no memory and
//! no lock, opens no file and logs nothing.

mod connections;
mod names;
mod next;
mod snapshot;
#[cfg(all(target_os = "linux", target_env = "gnu", target_pointer_width = "64"))]
mod unwind;

use std::ffi::{c_char, c_int};

use kafka_emr_hook::guard;
use libc::{addrinfo, sockaddr, socklen_t};

/// Reads the environment and the descriptions before the program begins: it may change the one and hide the others.
extern "C" fn at_load() {
    guard("loading libkafka_emr_preload", (), || {
        next::load();
        // In a program of musl there are no clusters, and everything is passed on.
        if next::is_glibc() {
            snapshot::load();
        }
    });
}

// Unsafe because what stands in this section is called: it is a function as the system's loader calls them.
#[used]
#[unsafe(link_section = ".init_array")]
static AT_LOAD: extern "C" fn() = at_load;

/// libc's getaddrinfo, with the clusters' names in front.
///
/// # Safety
///
/// As getaddrinfo(3).
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn getaddrinfo(
    node: *const c_char,
    service: *const c_char,
    hints: *const addrinfo,
    res: *mut *mut addrinfo,
) -> c_int {
    let Some(next) = next::getaddrinfo() else { return libc::EAI_SYSTEM };
    // SAFETY: the caller vouches for the arguments.
    unsafe { names::answer(next, node, service, hints, res).unwrap_or_else(|| next(node, service, hints, res)) }
}

/// libc's connect, with the clusters' addresses in front.
///
/// # Safety
///
/// As connect(2).
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn connect(socket: c_int, address: *const sockaddr, length: socklen_t) -> c_int {
    let Some(next) = next::connect() else {
        // SAFETY: errno is this thread's own.
        unsafe { *libc::__errno_location() = libc::ENOSYS };
        return -1;
    };
    // SAFETY: the caller vouches for the arguments, and an address of ours is as long as it says.
    unsafe {
        match connections::redirect(socket, address, length) {
            Some(other) => next(socket, other.as_ptr(), other.length()),
            None => next(socket, address, length),
        }
    }
}
