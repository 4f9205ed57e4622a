//! The lookup itself, for programs that resolve names by themselves.

use std::ffi::{c_char, c_int};
use std::ptr;

use kafka_emr_hook::guard;
use libc::{addrinfo, sockaddr, sockaddr_storage, socklen_t};

use crate::resolver::ResolverHandle;

/// What kafka_emr_lookup() returns where the system is to be asked. No EAI code has this value.
pub const KAFKA_EMR_NOT_MAPPED: c_int = 10000;

/// Resolves as getaddrinfo(3) does, with the resolver in front: the names of its clusters are answered from the map, all
/// others by the system's getaddrinfo with the caller's own hints. On the public network a node's private IP leads to its
/// EIP, and if a node has connect, its names and addresses lead there, to its port.
///
/// Three things differ for the names of the clusters: AI_ADDRCONFIG has no effect, because a mapped address is to be dialled
/// whatever addresses this machine has; the addresses of a list are in the order of the description, unsorted; and a port above
/// 65535 is EAI_SERVICE.
///
/// Returns 0 and a list in *res, or an EAI_* code and NULL in *res. Free the list with kafka_emr_freeaddrinfo(), never with
/// freeaddrinfo().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kafka_emr_getaddrinfo(
    resolver: Option<&ResolverHandle>,
    node: *const c_char,
    service: *const c_char,
    hints: *const addrinfo,
    res: *mut *mut addrinfo,
) -> c_int {
    guard("kafka_emr_getaddrinfo", libc::EAI_FAIL, || {
        let Some(handle) = resolver else {
            // SAFETY: the caller vouches for `res`.
            unsafe { nothing(res) };
            return libc::EAI_FAIL;
        };
        // SAFETY: the caller vouches for the arguments.
        unsafe { kafka_emr_hook::getaddrinfo(&handle.resolver, node, service, hints, res) }
    })
}

/// As kafka_emr_getaddrinfo(), but never asks the system for a name. Returns KAFKA_EMR_NOT_MAPPED, with NULL in *res, for a name
/// that no cluster has, and for an address family other than AF_INET, AF_INET6 and AF_UNSPEC.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kafka_emr_lookup(
    resolver: Option<&ResolverHandle>,
    node: *const c_char,
    service: *const c_char,
    hints: *const addrinfo,
    res: *mut *mut addrinfo,
) -> c_int {
    guard("kafka_emr_lookup", libc::EAI_FAIL, || {
        let Some(handle) = resolver else {
            // SAFETY: the caller vouches for `res`.
            unsafe { nothing(res) };
            return libc::EAI_FAIL;
        };
        // SAFETY: the caller vouches for the arguments.
        unsafe { kafka_emr_hook::lookup(&handle.resolver, node, service, hints, res) }.unwrap_or(KAFKA_EMR_NOT_MAPPED)
    })
}

/// As kafka_emr_lookup(), for code that stands in front of a whole program's lookups, which are not for brokers alone: only
/// the names that a description has in full are mapped (long domains, host, aliases, names in hosts text), no short names and no
/// addresses. For every other name no file is looked at and no line is written. The connect of a node is for TCP to Kafka's ports:
/// its name leads to an address of the node's own, which kafka_emr_program_connect() leads on; to the tunnel itself only if the
/// node has no such address.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kafka_emr_program_lookup(
    resolver: Option<&ResolverHandle>,
    node: *const c_char,
    service: *const c_char,
    hints: *const addrinfo,
    res: *mut *mut addrinfo,
) -> c_int {
    guard("kafka_emr_program_lookup", libc::EAI_FAIL, || {
        let Some(handle) = resolver else {
            // SAFETY: the caller vouches for `res`.
            unsafe { nothing(res) };
            return libc::EAI_FAIL;
        };
        // SAFETY: the caller vouches for the arguments.
        unsafe { kafka_emr_hook::lookup_in_program(&handle.resolver, node, service, hints, res) }
            .unwrap_or(KAFKA_EMR_NOT_MAPPED)
    })
}

/// Finds where a whole program's TCP connection to an address goes instead: on the public network from a node's private IP to
/// its EIP, and from a node's addresses to its connect, for the ports of Kafka in its cluster only.
///
/// Writes an address of the same family to *to and returns its length; returns 0, and writes nothing, for a connection that
/// goes where it is made to. It takes no lock, looks at no file and makes no system call. It is not for UDP: the caller knows
/// the socket.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kafka_emr_program_connect(
    resolver: Option<&ResolverHandle>,
    address: *const sockaddr,
    address_length: socklen_t,
    to: *mut sockaddr_storage,
) -> socklen_t {
    guard("kafka_emr_program_connect", 0, || {
        let Some(handle) = resolver.filter(|_| !to.is_null()) else { return 0 };
        let hosts = handle.resolver.last_hosts();
        // SAFETY: the caller vouches for the address.
        let Some(other) = (unsafe { kafka_emr_hook::redirect(hosts.connections(), address, address_length) }) else {
            return 0;
        };
        // SAFETY: the caller vouches for room for an address of any family, and `other` is as long as it says.
        unsafe { to.cast::<u8>().copy_from_nonoverlapping(other.as_ptr().cast(), other.length() as usize) };
        other.length()
    })
}

/// Frees a list of kafka_emr_getaddrinfo(), kafka_emr_lookup() or kafka_emr_program_lookup(); NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kafka_emr_freeaddrinfo(res: *mut addrinfo) {
    // SAFETY: the caller vouches for the list.
    guard("kafka_emr_freeaddrinfo", (), || unsafe { kafka_emr_hook::freeaddrinfo(res) });
}

/// # Safety
///
/// `res` is null or points to space for a pointer.
unsafe fn nothing(res: *mut *mut addrinfo) {
    if !res.is_null() {
        // SAFETY: not null, and the caller vouches for it.
        unsafe { res.write(ptr::null_mut()) };
    }
}
