//! getaddrinfo over a resolver.

use std::ffi::{CStr, CString};
use std::net::IpAddr;
use std::ptr;

use kafka_emr_core::{Dial, Family, Lookup, Resolver};
use libc::{addrinfo, c_char, c_int};

use crate::addrinfo::{Kind, List, address_of};
use crate::cancellation::uncancelled;
use crate::program::answer_in_program;
use crate::system::{Query, SystemList, no_address, number};

/// Resolves as `getaddrinfo(3)` does, with the resolver in front: the names of its clusters are answered from the map,
/// anything else by the system's getaddrinfo with the caller's own hints.
///
/// Returns 0 and a list in `*res`, or an `EAI_*` code and null. The list is freed with
/// [`freeaddrinfo`](crate::freeaddrinfo), never with libc's. At an edge to C it is called inside [`guard`](crate::guard):
/// whatever happens, `*res` is written first.
///
/// A mapped name is answered as libc answers for a name in a hosts file: flags, family, socket type, protocol and service
/// mean what they mean there, and the canonical name is the long domain. Three things differ. `AI_ADDRCONFIG` has no effect:
/// a mapped address is to be dialled whatever addresses this machine has. Addresses come in the order of the description,
/// unsorted. A port above 65535 is `EAI_SERVICE`; glibc takes it modulo 65536.
///
/// # Safety
///
/// `node` and `service` are null or NUL-terminated strings, `hints` is null or points to an addrinfo, `res` is null or
/// points to space for a pointer; all of them for the time of the call.
#[inline]
pub unsafe fn getaddrinfo(
    resolver: &Resolver,
    node: *const c_char,
    service: *const c_char,
    hints: *const addrinfo,
    res: *mut *mut addrinfo,
) -> c_int {
    let resolve = |node: Option<&CStr>, service: Option<&CStr>, hints: Option<&addrinfo>| {
        let mapped = map(resolver, node, service, hints)?;
        mapped.map_or_else(|| ask_system(node, service, hints), Ok).map(Some)
    };
    // SAFETY: the caller vouches for the arguments.
    unsafe { answer(node, service, hints, res, resolve) }.unwrap_or(libc::EAI_FAIL)
}

/// As [`getaddrinfo`], but asks the map alone: `None`, and null in `*res`, is for names that the system resolver is to be
/// asked for.
///
/// # Safety
///
/// As [`getaddrinfo`].
pub unsafe fn lookup(
    resolver: &Resolver,
    node: *const c_char,
    service: *const c_char,
    hints: *const addrinfo,
    res: *mut *mut addrinfo,
) -> Option<c_int> {
    let resolve =
        |node: Option<&CStr>, service: Option<&CStr>, hints: Option<&addrinfo>| map(resolver, node, service, hints);
    // SAFETY: the caller vouches for the arguments.
    unsafe { answer(node, service, hints, res, resolve) }
}

/// As [`lookup`], for a whole program, which asks for more than brokers: see
/// [`Resolver::lookup_in_program`](kafka_emr_core::Resolver::lookup_in_program).
///
/// The name of a node with `connect` leads where [`answer_in_program`] describes.
///
/// # Safety
///
/// As [`getaddrinfo`].
pub unsafe fn lookup_in_program(
    resolver: &Resolver,
    node: *const c_char,
    service: *const c_char,
    hints: *const addrinfo,
    res: *mut *mut addrinfo,
) -> Option<c_int> {
    let resolve = |node: Option<&CStr>, service: Option<&CStr>, hints: Option<&addrinfo>| {
        map_in_program(resolver, node, &Query::new(service, hints))
    };
    // SAFETY: the caller vouches for the arguments.
    unsafe { answer(node, service, hints, res, resolve) }
}

/// Resolves and writes the answer; `None` where there is none.
///
/// # Safety
///
/// As [`getaddrinfo`].
#[inline]
unsafe fn answer(
    node: *const c_char,
    service: *const c_char,
    hints: *const addrinfo,
    res: *mut *mut addrinfo,
    resolve: impl FnOnce(Option<&CStr>, Option<&CStr>, Option<&addrinfo>) -> Result<Option<List>, c_int>,
) -> Option<c_int> {
    if res.is_null() {
        return Some(libc::EAI_FAIL);
    }
    // The caller's pointer is not initialised: whatever happens now, it is written.
    // SAFETY: `res` is not null, and then the caller vouches for it.
    unsafe { *res = ptr::null_mut() };
    // SAFETY: the caller vouches for the strings and the hints.
    let (node, service, hints) = unsafe { (text(node), text(service), hints.as_ref()) };
    match resolve(node, service, hints) {
        Ok(None) => None,
        // An empty list must never go out as a success: librdkafka reads its first entry unasked.
        Ok(Some(list)) if list.is_empty() => Some(libc::EAI_NONAME),
        Ok(Some(list)) => {
            // SAFETY: as above.
            unsafe { *res = list.into_raw() };
            Some(0)
        }
        Err(code) => Some(code),
    }
}

/// # Safety
///
/// `pointer` is null or a NUL-terminated string that lives as long as the result is used.
unsafe fn text<'a>(pointer: *const c_char) -> Option<&'a CStr> {
    // SAFETY: not null, and then the caller vouches for it.
    (!pointer.is_null()).then(|| unsafe { CStr::from_ptr(pointer) })
}

/// Asks the map; `None` if the system resolver is to be asked.
#[inline]
fn map(
    resolver: &Resolver,
    node: Option<&CStr>,
    service: Option<&CStr>,
    hints: Option<&addrinfo>,
) -> Result<Option<List>, c_int> {
    let Some(host) = node.and_then(ascii) else { return Ok(None) };
    let has = |flag: c_int| hints.is_some_and(|hints| hints.ai_flags & flag != 0);
    // The system itself refuses a name that is no number.
    if has(libc::AI_NUMERICHOST) && host.parse::<IpAddr>().is_err() {
        return Ok(None);
    }
    let family = match hints.map_or(libc::AF_UNSPEC, |hints| hints.ai_family) {
        libc::AF_UNSPEC => Family::Any,
        libc::AF_INET => Family::V4,
        libc::AF_INET6 if has(libc::AI_V4MAPPED) => Family::Any,
        libc::AF_INET6 => Family::V6,
        // The system itself refuses a family that it does not know.
        _ => return Ok(None),
    };
    let lookup = resolver.lookup(host, family);
    match (lookup, tcp_port(service, hints)) {
        (Lookup::System, _) => Ok(None),
        (Lookup::Refused, Some(_)) => Err(no_address(host)),
        (Lookup::Refused, None) => Err(refusal(host, &Query::new(service, hints))),
        (Lookup::Mapped(dial), Some((port, kind))) => Ok(Some(tcp_list(&dial, port, kind))),
        (Lookup::Mapped(dial), None) => system_list(resolver, host, &dial, &Query::new(service, hints)).map(Some),
    }
}

/// Reads a name of ASCII characters. A cluster has no others, and to look for them is quicker than to check UTF-8.
#[inline]
fn ascii(text: &CStr) -> Option<&str> {
    let bytes = text.to_bytes();
    // SAFETY: ASCII is UTF-8.
    bytes.is_ascii().then(|| unsafe { str::from_utf8_unchecked(bytes) })
}

/// Asks the map for a whole program; `None` if the system resolver is to be asked.
fn map_in_program(resolver: &Resolver, node: Option<&CStr>, query: &Query<'_>) -> Result<Option<List>, c_int> {
    let Some(name) = node.and_then(ascii) else { return Ok(None) };
    if query.has(libc::AI_NUMERICHOST) || query.family().is_none() {
        return Ok(None);
    }
    let (lookup, hosts) = resolver.lookup_in_program(name, Family::Any);
    let Some(answer) = answer_in_program(&hosts, &lookup, system_getaddrinfo, name, query) else { return Ok(None) };
    let answer = answer?;
    check_port(query)?;
    Ok(Some(copy(&answer.lists, None, answer.canonical)))
}

/// Returns the port and the entries' kind if the question is a Kafka client's: TCP, a port as a number, and no flag that makes
/// a difference. The answer is then ready without libc.
#[inline]
fn tcp_port(service: Option<&CStr>, hints: Option<&addrinfo>) -> Option<(u16, Kind)> {
    let hints = hints?;
    let without_effect = libc::AI_ADDRCONFIG | libc::AI_NUMERICHOST | libc::AI_NUMERICSERV;
    let is_tcp = hints.ai_socktype == libc::SOCK_STREAM && matches!(hints.ai_protocol, 0 | libc::IPPROTO_TCP);
    if !is_tcp || hints.ai_flags & !without_effect != 0 {
        return None;
    }
    let port = service.map_or(Some(0), |service| number(service)?)?;
    Some((port, Kind { flags: hints.ai_flags, socktype: libc::SOCK_STREAM, protocol: libc::IPPROTO_TCP }))
}

#[inline]
fn tcp_list(dial: &Dial, port: u16, kind: Kind) -> List {
    let mut list = List::new();
    for address in dial.socket_addrs(port) {
        list.push(address, kind, None);
    }
    list
}

#[cold]
fn refusal(host: &str, query: &Query<'_>) -> c_int {
    uncancelled(|| query.refusal(system_getaddrinfo, host))
}

/// Leaves services, flags and socket types to libc.
#[cold]
fn system_list(resolver: &Resolver, host: &str, dial: &Dial, query: &Query<'_>) -> Result<List, c_int> {
    let lists = uncancelled(|| query.answer(system_getaddrinfo, host, dial.addresses()))?;
    check_port(query)?;
    let canonical = query.has(libc::AI_CANONNAME).then(|| canonical_name(resolver, host)).transpose()?;
    Ok(copy(&lists, dial.port(), canonical))
}

/// glibc takes 74628 for 9092.
fn check_port(query: &Query<'_>) -> Result<(), c_int> {
    if query.service.and_then(number) == Some(None) { Err(libc::EAI_SERVICE) } else { Ok(()) }
}

/// Copies libc's lists, with another port if there is one.
fn copy(lists: &[SystemList], port: Option<u16>, mut canonical: Option<CString>) -> List {
    let mut list = List::new();
    for entry in lists.iter().flat_map(SystemList::entries) {
        // SAFETY: libc's entries have `ai_addrlen` bytes of address.
        let Some(mut address) = (unsafe { address_of(entry) }) else { continue };
        if let Some(port) = port {
            address.set_port(port);
        }
        list.push(address, Kind::of(entry), canonical.take().as_deref());
    }
    list
}

/// Returns the name that a hosts file would have first: the long domain.
fn canonical_name(resolver: &Resolver, host: &str) -> Result<CString, c_int> {
    let hosts = resolver.last_hosts();
    let is_number = host.parse::<IpAddr>().is_ok();
    let long = hosts.node(host).filter(|_| !is_number).and_then(|(_, node)| node.long_domain());
    CString::new(long.unwrap_or(host)).map_err(|_| libc::EAI_FAIL)
}

/// Asks the system resolver and copies its answer, so that every list is freed in one way.
#[cold]
fn ask_system(node: Option<&CStr>, service: Option<&CStr>, hints: Option<&addrinfo>) -> Result<List, c_int> {
    let answer = uncancelled(|| SystemList::ask(system_getaddrinfo, node, service, hints))?;
    let mut list = List::new();
    for entry in answer.entries() {
        // SAFETY: libc's entries have `ai_addrlen` bytes of address, and a name that is null or ends in NUL.
        let (address, canonical) = unsafe { (address_of(entry), text(entry.ai_canonname)) };
        if let Some(address) = address {
            list.push(address, Kind::of(entry), canonical);
        }
    }
    Ok(list)
}

unsafe extern "C-unwind" {
    /// libc's, with the signature that the preload library needs as well.
    #[link_name = "getaddrinfo"]
    fn system_getaddrinfo(
        node: *const c_char,
        service: *const c_char,
        hints: *const addrinfo,
        res: *mut *mut addrinfo,
    ) -> c_int;
}
