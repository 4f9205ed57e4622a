//! `libkafka_emr_preload`: the clusters' names in programs that cannot load the hook, for `kafka-emr exec`.
//!
//! `LD_PRELOAD` puts this library in front of libc, so that its `getaddrinfo` and `connect` are called in place of libc's.
//! The names and addresses of the clusters that `KAFKA_EMR_CLUSTER` names are answered from the map. Everything else is
//! passed on as it is. Results are libc's own, because callers free them with libc's `freeaddrinfo`.
//!
//! `connect` is there for what names cannot say: a node's private IP that leads to its EIP, and the port of a tunnel, for
//! programs that put the port in by themselves (the JVM, Node).

mod answer;
mod cluster;
mod next;

use std::ffi::{c_char, c_int};

use kafka_emr_hook::guard;
use libc::{addrinfo, sockaddr, socklen_t};

/// libc's getaddrinfo, with the clusters' names in front.
///
/// # Safety
///
/// As getaddrinfo(3).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn getaddrinfo(
    node: *const c_char,
    service: *const c_char,
    hints: *const addrinfo,
    res: *mut *mut addrinfo,
) -> c_int {
    guard("getaddrinfo", libc::EAI_FAIL, || {
        let Some(next) = next::getaddrinfo() else { return libc::EAI_SYSTEM };
        // SAFETY: the caller vouches for the arguments.
        unsafe { answer::getaddrinfo(next, node, service, hints, res) }
    })
}

/// libc's connect, with the clusters' addresses in front.
///
/// # Safety
///
/// As connect(2).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn connect(socket: c_int, address: *const sockaddr, length: socklen_t) -> c_int {
    let fault = || {
        // SAFETY: errno is this thread's own.
        unsafe { *libc::__errno_location() = libc::EFAULT };
        -1
    };
    guard("connect", None, || {
        let next = next::connect()?;
        // SAFETY: the caller vouches for the arguments.
        Some(unsafe { answer::connect(next, socket, address, length) })
    })
    .unwrap_or_else(fault)
}
