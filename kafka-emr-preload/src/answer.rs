//! What the two functions answer.

use std::ffi::{CStr, CString, c_char, c_int};
use std::mem::{size_of, zeroed};
use std::net::{IpAddr, SocketAddr};
use std::ptr;

use kafka_emr_core::{Family, Lookup, Resolver};
use libc::{addrinfo, sa_family_t, sockaddr, sockaddr_in, sockaddr_in6, socklen_t};

use crate::cluster::resolver;
use crate::next::{Connect, GetAddrInfo};

/// # Safety
///
/// As getaddrinfo(3).
pub(crate) unsafe fn getaddrinfo(
    next: GetAddrInfo,
    node: *const c_char,
    service: *const c_char,
    hints: *const addrinfo,
    res: *mut *mut addrinfo,
) -> c_int {
    // SAFETY: the caller vouches for `node` and `hints`.
    let (name, flags, family) = unsafe {
        let name = if node.is_null() { None } else { CStr::from_ptr(node).to_str().ok() };
        (name, hints.as_ref().map_or(0, |hints| hints.ai_flags), hints.as_ref().map_or(0, |hints| hints.ai_family))
    };
    let family = match family {
        libc::AF_UNSPEC => Some(Family::Any),
        libc::AF_INET => Some(Family::V4),
        libc::AF_INET6 => Some(Family::V6),
        _ => None,
    };
    // A name where only numbers are wanted is libc's to refuse.
    let name = name.filter(|name| flags & libc::AI_NUMERICHOST == 0 || name.parse::<IpAddr>().is_ok());
    let (Some(resolver), Some(name), Some(family)) = (resolver(), name, family) else {
        // SAFETY: the caller vouches for the arguments.
        return unsafe { next(node, service, hints, res) };
    };
    match resolver.lookup(name, 0, family) {
        // SAFETY: as above.
        Lookup::System => unsafe { next(node, service, hints, res) },
        Lookup::Refused => libc::EAI_NONAME,
        Lookup::Mapped(addresses) => {
            let addresses: Vec<SocketAddr> = addresses
                .into_iter()
                .map(|address| to_connect_to(resolver, name, service.is_null(), address))
                .collect();
            // SAFETY: as above.
            unsafe { numeric(next, &addresses, name, service, hints, res) }
        }
    }
}

/// What a program is told that puts the port in by itself: where another port is dialled instead, an address of the node's own,
/// which `connect` then leads there. A port would be lost.
fn to_connect_to(resolver: &Resolver, name: &str, without_port: bool, address: SocketAddr) -> SocketAddr {
    if address.port() == 0 || !without_port {
        return address;
    }
    let node = resolver.explain(name, 0, Family::Any).node;
    let clusters = resolver.clusters();
    let nodes = clusters.iter().flat_map(|cluster| &cluster.nodes).filter(|own| node.as_ref() == Some(&own.name));
    let own = nodes.flat_map(|node| [node.private_ip, node.public_ip]).flatten().find(|ip| {
        let leads_to = resolver.lookup(&ip.to_string(), 0, Family::Any);
        ip.is_ipv4() == address.is_ipv4() && matches!(&leads_to, Lookup::Mapped(mapped) if mapped.contains(&address))
    });
    match own {
        Some(ip) => (ip, 0).into(),
        None => {
            log::warn!(
                "{name}: the port {} of its connect is lost: the node has no address that leads there",
                address.port()
            );
            address
        }
    }
}

/// Asks libc for these addresses, so that the list is libc's own.
///
/// # Safety
///
/// As getaddrinfo(3).
unsafe fn numeric(
    next: GetAddrInfo,
    addresses: &[SocketAddr],
    name: &str,
    service: *const c_char,
    hints: *const addrinfo,
    res: *mut *mut addrinfo,
) -> c_int {
    // SAFETY: all-zero bytes are an addrinfo; the caller vouches for the hints.
    let mut asked: addrinfo = unsafe { hints.as_ref().map_or_else(|| zeroed(), |hints| *hints) };
    let wants_name = asked.ai_flags & libc::AI_CANONNAME != 0;
    // A mapped address is to be dialled whatever addresses this machine has, and as it is.
    asked.ai_flags &= !(libc::AI_ADDRCONFIG | libc::AI_CANONNAME | libc::AI_V4MAPPED | libc::AI_ALL);
    asked.ai_flags |= libc::AI_NUMERICHOST;
    let mut head: *mut addrinfo = ptr::null_mut();
    let mut tail: *mut addrinfo = ptr::null_mut();
    for address in addresses {
        asked.ai_family = if address.is_ipv4() { libc::AF_INET } else { libc::AF_INET6 };
        let Ok(text) = CString::new(address.ip().to_string()) else { continue };
        let mut list = ptr::null_mut();
        // SAFETY: the strings end in NUL, and `list` is a place for the answer.
        let code = unsafe { next(text.as_ptr(), service, &raw const asked, &raw mut list) };
        if code != 0 {
            if !head.is_null() {
                // SAFETY: the list is libc's and nobody else has it.
                unsafe { libc::freeaddrinfo(head) };
            }
            return code;
        }
        // SAFETY: `list` is a chain of libc's entries, which libc frees one by one; `tail` is the last of those before.
        unsafe {
            if tail.is_null() {
                head = list;
            } else {
                (*tail).ai_next = list;
            }
            while let Some(entry) = list.as_mut() {
                set_port(entry.ai_addr, address.port());
                (tail, list) = (list, entry.ai_next);
            }
        }
    }
    if head.is_null() {
        return libc::EAI_NONAME;
    }
    if wants_name && let Ok(name) = CString::new(name) {
        // SAFETY: libc's freeaddrinfo frees the name with free(), and strdup makes it so.
        unsafe { (*head).ai_canonname = libc::strdup(name.as_ptr()) };
    }
    // SAFETY: the caller vouches for `res`.
    unsafe { *res = head };
    0
}

/// # Safety
///
/// `address` is libc's, of a family and length that fit.
unsafe fn set_port(address: *mut sockaddr, port: u16) {
    if port == 0 || address.is_null() {
        return;
    }
    // SAFETY: the caller vouches for it; both kinds have the port in the same place.
    unsafe { (*address.cast::<sockaddr_in>()).sin_port = port.to_be() };
}

/// # Safety
///
/// As connect(2).
pub(crate) unsafe fn connect(next: Connect, socket: c_int, address: *const sockaddr, length: socklen_t) -> c_int {
    // SAFETY: the caller vouches for the address.
    let asked = unsafe { read(address, length) };
    let elsewhere = asked.and_then(|asked| leads_to(resolver()?, asked, is_mapped(asked)));
    let Some(elsewhere) = elsewhere else {
        // SAFETY: as above.
        return unsafe { next(socket, address, length) };
    };
    match elsewhere {
        SocketAddr::V4(v4) => {
            // SAFETY: all-zero bytes are a sockaddr_in.
            let mut raw: sockaddr_in = unsafe { zeroed() };
            raw.sin_family = libc::AF_INET as sa_family_t;
            raw.sin_port = v4.port().to_be();
            raw.sin_addr.s_addr = u32::from_ne_bytes(v4.ip().octets());
            // SAFETY: the address is as long as said.
            unsafe { next(socket, (&raw const raw).cast(), size_of::<sockaddr_in>() as socklen_t) }
        }
        SocketAddr::V6(v6) => {
            // SAFETY: all-zero bytes are a sockaddr_in6.
            let mut raw: sockaddr_in6 = unsafe { zeroed() };
            raw.sin6_family = libc::AF_INET6 as sa_family_t;
            raw.sin6_port = v6.port().to_be();
            raw.sin6_addr.s6_addr = v6.ip().octets();
            // SAFETY: as above.
            unsafe { next(socket, (&raw const raw).cast(), size_of::<sockaddr_in6>() as socklen_t) }
        }
    }
}

/// Where a connection to a node's address is to go, as an address that the same socket takes.
fn leads_to(resolver: &Resolver, asked: SocketAddr, is_mapped: bool) -> Option<SocketAddr> {
    let ip = asked.ip().to_canonical();
    let Lookup::Mapped(addresses) = resolver.lookup(&ip.to_string(), asked.port(), Family::Any) else { return None };
    addresses.into_iter().find_map(|address| match (asked, address.ip()) {
        (SocketAddr::V4(_), IpAddr::V4(_)) => Some(address),
        // A socket of the JVM's takes both, IPv4 in IPv6's form.
        (SocketAddr::V6(_), IpAddr::V4(v4)) if is_mapped => Some((v4.to_ipv6_mapped(), address.port()).into()),
        (SocketAddr::V6(_), IpAddr::V6(_)) => Some(address),
        _ => None,
    })
}

fn is_mapped(address: SocketAddr) -> bool {
    matches!(address.ip(), IpAddr::V6(v6) if v6.to_ipv4_mapped().is_some())
}

/// # Safety
///
/// `address` is null or has `length` bytes.
unsafe fn read(address: *const sockaddr, length: socklen_t) -> Option<SocketAddr> {
    let length = length as usize;
    if address.is_null() || length < size_of::<sa_family_t>() {
        return None;
    }
    // SAFETY: not null, and the caller vouches for `length` bytes; they may be unaligned.
    unsafe {
        match c_int::from((&raw const (*address).sa_family).read_unaligned()) {
            libc::AF_INET if length >= size_of::<sockaddr_in>() => {
                let raw = address.cast::<sockaddr_in>().read_unaligned();
                Some((raw.sin_addr.s_addr.to_ne_bytes(), u16::from_be(raw.sin_port)).into())
            }
            libc::AF_INET6 if length >= size_of::<sockaddr_in6>() => {
                let raw = address.cast::<sockaddr_in6>().read_unaligned();
                Some((raw.sin6_addr.s6_addr, u16::from_be(raw.sin6_port)).into())
            }
            _ => None,
        }
    }
}
