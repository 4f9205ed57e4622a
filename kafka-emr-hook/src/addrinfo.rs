//! Lists of addrinfo that this crate builds and frees itself.
//!
//! libc's freeaddrinfo must not see them, and this crate's must not see libc's: an answer of the system resolver is
//! therefore copied, so that everything handed out is of one kind.

use std::ffi::{CStr, CString};
use std::mem::{offset_of, size_of};
use std::net::SocketAddr;
use std::ptr;
#[cfg(debug_assertions)]
use std::sync::atomic::{AtomicUsize, Ordering};

use libc::{addrinfo, c_int, sockaddr_in, sockaddr_in6, socklen_t};

/// How many list entries callers hold. In debug builds only: threads would wait for each other's counts.
#[cfg(debug_assertions)]
static ENTRIES: AtomicUsize = AtomicUsize::new(0);

/// Returns how many list entries callers hold, for tests that nothing is lost.
#[cfg(debug_assertions)]
#[doc(hidden)]
#[must_use]
pub fn entries() -> usize {
    ENTRIES.load(Ordering::SeqCst)
}

/// One entry with its address. `info` is first, so that a pointer to it is a pointer to the entry.
#[repr(C)]
struct Entry {
    info: addrinfo,
    address: Address,
}

const _: () = assert!(offset_of!(Entry, info) == 0);

#[repr(C)]
union Address {
    v4: sockaddr_in,
    v6: sockaddr_in6,
}

/// The fields of an entry beside its address.
#[derive(Clone, Copy)]
pub(crate) struct Kind {
    pub(crate) flags: c_int,
    pub(crate) socktype: c_int,
    pub(crate) protocol: c_int,
}

impl Kind {
    pub(crate) fn of(info: &addrinfo) -> Self {
        Kind { flags: info.ai_flags, socktype: info.ai_socktype, protocol: info.ai_protocol }
    }
}

/// A list while it is built; freed when it is dropped before it is handed out.
pub(crate) struct List {
    head: *mut addrinfo,
    tail: *mut addrinfo,
}

impl List {
    pub(crate) fn new() -> Self {
        List { head: ptr::null_mut(), tail: ptr::null_mut() }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.head.is_null()
    }

    #[inline]
    pub(crate) fn push(&mut self, address: SocketAddr, kind: Kind, canonical: Option<&CStr>) {
        let (family, length, address) = raw(address);
        // SAFETY: all-zero bytes are an addrinfo: numbers and null pointers.
        let mut info: addrinfo = unsafe { std::mem::zeroed() };
        info.ai_flags = kind.flags;
        info.ai_family = family;
        info.ai_socktype = kind.socktype;
        info.ai_protocol = kind.protocol;
        info.ai_addrlen = length;
        info.ai_canonname = canonical.map_or(ptr::null_mut(), |name| CString::from(name).into_raw());
        let entry = Box::into_raw(Box::new(Entry { info, address }));
        #[cfg(debug_assertions)]
        ENTRIES.fetch_add(1, Ordering::SeqCst);
        // SAFETY: `entry` was just made by Box::into_raw and nobody else has it; `tail` is null or the last entry of this
        // list, which the list owns.
        unsafe {
            (*entry).info.ai_addr = (&raw mut (*entry).address).cast();
            if self.tail.is_null() {
                self.head = entry.cast();
            } else {
                (*self.tail).ai_next = entry.cast();
            }
        }
        self.tail = entry.cast();
    }

    /// Hands the list to the caller, who frees it with [`freeaddrinfo`].
    pub(crate) fn into_raw(self) -> *mut addrinfo {
        let head = self.head;
        std::mem::forget(self);
        head
    }
}

impl Drop for List {
    fn drop(&mut self) {
        // SAFETY: the list is this crate's own and was not handed out.
        unsafe { freeaddrinfo(self.head) }
    }
}

/// Returns an address as the C side has it: family, exact length, bytes. Nothing longer than a sockaddr_in6 ever goes out, because
/// librdkafka copies by length into a space of that size.
#[inline]
fn raw(address: SocketAddr) -> (c_int, socklen_t, Address) {
    match address {
        SocketAddr::V4(v4) => {
            // SAFETY: all-zero bytes are a sockaddr_in.
            let mut raw: sockaddr_in = unsafe { std::mem::zeroed() };
            raw.sin_family = libc::AF_INET as libc::sa_family_t;
            raw.sin_port = v4.port().to_be();
            raw.sin_addr.s_addr = u32::from_ne_bytes(v4.ip().octets());
            (libc::AF_INET, size_of::<sockaddr_in>() as socklen_t, Address { v4: raw })
        }
        SocketAddr::V6(v6) => {
            // SAFETY: all-zero bytes are a sockaddr_in6.
            let mut raw: sockaddr_in6 = unsafe { std::mem::zeroed() };
            raw.sin6_family = libc::AF_INET6 as libc::sa_family_t;
            raw.sin6_port = v6.port().to_be();
            raw.sin6_flowinfo = v6.flowinfo();
            raw.sin6_addr.s6_addr = v6.ip().octets();
            raw.sin6_scope_id = v6.scope_id();
            (libc::AF_INET6, size_of::<sockaddr_in6>() as socklen_t, Address { v6: raw })
        }
    }
}

/// Reads the address of a foreign entry; `None` where it is of another family or of a wrong length.
///
/// # Safety
///
/// `info.ai_addr` is null or points to `info.ai_addrlen` readable bytes.
pub(crate) unsafe fn address_of(info: &addrinfo) -> Option<SocketAddr> {
    if info.ai_addr.is_null() {
        return None;
    }
    let length = info.ai_addrlen as usize;
    if info.ai_family == libc::AF_INET && length == size_of::<sockaddr_in>() {
        // SAFETY: the caller vouches for `length` bytes, which is a sockaddr_in's; they may be unaligned.
        let raw = unsafe { info.ai_addr.cast::<sockaddr_in>().read_unaligned() };
        Some((raw.sin_addr.s_addr.to_ne_bytes(), u16::from_be(raw.sin_port)).into())
    } else if info.ai_family == libc::AF_INET6 && length == size_of::<sockaddr_in6>() {
        // SAFETY: as above, for a sockaddr_in6.
        let raw = unsafe { info.ai_addr.cast::<sockaddr_in6>().read_unaligned() };
        let ip = raw.sin6_addr.s6_addr.into();
        let port = u16::from_be(raw.sin6_port);
        Some(std::net::SocketAddrV6::new(ip, port, raw.sin6_flowinfo, raw.sin6_scope_id).into())
    } else {
        None
    }
}

/// Frees a list; null is fine.
///
/// # Safety
///
/// `list` is null, or was made by [`getaddrinfo`](crate::getaddrinfo) or a [`Hook`](crate::Hook)'s callback and is not
/// freed yet. A list of libc's is none of these.
#[inline]
pub unsafe fn freeaddrinfo(list: *mut addrinfo) {
    let mut next = list;
    while !next.is_null() {
        // SAFETY: the caller vouches that the entry is of this crate: it was made by Box::into_raw in `push`, and so was
        // its name by CString::into_raw.
        unsafe {
            let entry = Box::from_raw(next.cast::<Entry>());
            if !entry.info.ai_canonname.is_null() {
                drop(CString::from_raw(entry.info.ai_canonname));
            }
            next = entry.info.ai_next;
        }
        #[cfg(debug_assertions)]
        ENTRIES.fetch_sub(1, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STREAM: Kind = Kind { flags: 0, socktype: libc::SOCK_STREAM, protocol: libc::IPPROTO_TCP };

    #[test]
    fn what_goes_in_comes_out() {
        let addresses: Vec<SocketAddr> =
            ["10.0.1.24:9092", "[fd00::24]:9093", "0.0.0.1:65535"].map(|a| a.parse().unwrap()).into();
        let mut list = List::new();
        for address in &addresses {
            list.push(*address, STREAM, list.is_empty().then_some(c"name"));
        }
        let head = list.into_raw();
        let mut seen = Vec::new();
        let mut next = head;
        while !next.is_null() {
            // SAFETY: `head` is a list of this crate that is not freed yet.
            let info = unsafe { &*next };
            // SAFETY: as above: the address is that of the entry.
            seen.push(unsafe { address_of(info) }.unwrap());
            assert_eq!(info.ai_canonname.is_null(), next != head);
            next = info.ai_next;
        }
        assert_eq!(seen, addresses);
        // SAFETY: as above, and it is freed once.
        unsafe { freeaddrinfo(head) };
    }

    #[test]
    fn a_list_that_is_not_handed_out_is_freed() {
        let mut list = List::new();
        list.push("10.0.1.24:9092".parse().unwrap(), STREAM, Some(c"name"));
        drop(list);
        // SAFETY: null is fine.
        unsafe { freeaddrinfo(ptr::null_mut()) };
    }

    #[test]
    fn foreign_entries_of_another_kind_are_left_out() {
        let mut list = List::new();
        list.push("10.0.1.24:9092".parse().unwrap(), STREAM, None);
        let head = list.into_raw();
        // SAFETY: `head` is a list of this crate; only its numbers are changed, and it is freed once.
        unsafe {
            (*head).ai_family = libc::AF_UNIX;
            assert_eq!(address_of(&*head), None);
            (*head).ai_family = libc::AF_INET;
            (*head).ai_addrlen = 4;
            assert_eq!(address_of(&*head), None);
            freeaddrinfo(head);
        }
    }
}
