//! Where connections to the nodes' addresses go.

use std::ffi::c_int;
use std::mem::size_of;

use kafka_emr_hook::{RawAddress, guard};
use libc::{sockaddr, socklen_t};

use crate::snapshot;

/// Returns the address that a socket is to be connected to instead. An address that is none of the nodes' costs no system call.
///
/// # Safety
///
/// As connect(2).
pub(crate) unsafe fn redirect(socket: c_int, address: *const sockaddr, length: socklen_t) -> Option<RawAddress> {
    guard("connect", None, || {
        let connections = snapshot::last()?.hosts.connections();
        // SAFETY: the caller vouches for the address.
        let other = unsafe { kafka_emr_hook::redirect(connections, address, length) }?;
        is_stream(socket).then_some(other)
    })
}

fn is_stream(socket: c_int) -> bool {
    let (mut kind, mut length): (c_int, _) = (0, size_of::<c_int>() as socklen_t);
    // SAFETY: there is room for the answer, as long as it is said to be.
    let code =
        unsafe { libc::getsockopt(socket, libc::SOL_SOCKET, libc::SO_TYPE, (&raw mut kind).cast(), &raw mut length) };
    code == 0 && kind == libc::SOCK_STREAM
}
