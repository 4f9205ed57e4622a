//! getaddrinfo over a resolver.

use std::ffi::CStr;
use std::ptr;

use kafka_emr_core::{Family, Lookup, Resolver};
use libc::{addrinfo, c_char, c_int};

use crate::addrinfo::{Kind, List, address_of};
use crate::guard::guard;

/// Resolves as `getaddrinfo(3)` does, with the resolver in front: the names of its clusters are answered from the map,
/// anything else by the system's getaddrinfo with the caller's own hints.
///
/// Returns 0 and a list in `*res`, or an `EAI_*` code and null. The list is freed with
/// [`freeaddrinfo`](crate::freeaddrinfo), never with libc's. A panic inside becomes `EAI_FAIL`.
///
/// For mapped names the family in `hints` is honoured. `AI_ADDRCONFIG` is not: a mapped address is to be dialled whatever
/// addresses this machine has.
///
/// # Safety
///
/// `node` and `service` are null or NUL-terminated strings, `hints` is null or points to an addrinfo, `res` is null or
/// points to space for a pointer; all of them for the time of the call.
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
    // SAFETY: the caller vouches for the arguments.
    unsafe { answer(node, service, hints, res, |node, service, hints| map(resolver, node, service, hints)) }
}

/// Resolves and writes the answer; `None` where there is none.
///
/// # Safety
///
/// As [`getaddrinfo`].
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
    let ask = || {
        // SAFETY: the caller vouches for the strings and the hints.
        let (node, service, hints) = unsafe { (text(node), text(service), hints.as_ref()) };
        resolve(node, service, hints)
    };
    match guard("resolving a host name", Err(libc::EAI_FAIL), ask) {
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

/// Asks the map; `None` where the system resolver is to be asked.
fn map(
    resolver: &Resolver,
    node: Option<&CStr>,
    service: Option<&CStr>,
    hints: Option<&addrinfo>,
) -> Result<Option<List>, c_int> {
    let family = match hints.map_or(libc::AF_UNSPEC, |hints| hints.ai_family) {
        libc::AF_UNSPEC => Family::Any,
        libc::AF_INET => Family::V4,
        libc::AF_INET6 => Family::V6,
        _ => return Err(libc::EAI_FAMILY),
    };
    let Some(node) = node else { return Ok(None) };
    // Bytes that are no UTF-8 are no name of a cluster, and neither is a name where only numbers are wanted.
    let numeric = hints.is_some_and(|hints| hints.ai_flags & libc::AI_NUMERICHOST != 0);
    let host = match node.to_str() {
        Ok(host) if !numeric || host.parse::<std::net::IpAddr>().is_ok() => host,
        _ => return Ok(None),
    };
    match resolver.lookup(host, 0, family) {
        Lookup::System => Ok(None),
        Lookup::Refused => Err(libc::EAI_NONAME),
        Lookup::Mapped(addresses) => {
            let asked = port(service, hints)?;
            let flags = hints.map_or(0, |hints| hints.ai_flags);
            let kind =
                kind_of(flags, hints.map_or(0, |hints| hints.ai_socktype), hints.map_or(0, |hints| hints.ai_protocol));
            let mut list = List::new();
            for mut address in addresses {
                // Port 0 was asked above: any other is one that the description dials instead.
                if address.port() == 0 {
                    address.set_port(asked);
                }
                let canonical = (flags & libc::AI_CANONNAME != 0 && list.is_empty()).then_some(node);
                list.push(address, kind, canonical);
            }
            Ok(Some(list))
        }
    }
}

/// What an entry says of itself. getaddrinfo lists every socket type where none is asked for; brokers speak TCP.
fn kind_of(flags: c_int, socktype: c_int, protocol: c_int) -> Kind {
    let (socktype, default_protocol) = match socktype {
        0 | libc::SOCK_STREAM => (libc::SOCK_STREAM, libc::IPPROTO_TCP),
        libc::SOCK_DGRAM => (libc::SOCK_DGRAM, libc::IPPROTO_UDP),
        other => (other, 0),
    };
    Kind { flags, socktype, protocol: if protocol == 0 { default_protocol } else { protocol } }
}

/// The port of a service: a number, or a name that the system knows.
fn port(service: Option<&CStr>, hints: Option<&addrinfo>) -> Result<u16, c_int> {
    let Some(service) = service else { return Ok(0) };
    let digits = service.to_str().ok().filter(|text| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()));
    if let Some(digits) = digits {
        return digits.parse().map_err(|_| libc::EAI_SERVICE);
    }
    // SAFETY: all-zero bytes are an addrinfo: numbers and null pointers.
    let mut only_service: addrinfo = unsafe { std::mem::zeroed() };
    only_service.ai_socktype = hints.map_or(0, |hints| hints.ai_socktype);
    only_service.ai_flags = hints.map_or(0, |hints| hints.ai_flags & libc::AI_NUMERICSERV);
    let list = SystemList::ask(None, Some(service), Some(&only_service)).map_err(|code| match code {
        libc::EAI_NONAME => libc::EAI_SERVICE,
        code => code,
    })?;
    list.iter().find_map(|(address, ..)| Some(address?.port())).ok_or(libc::EAI_SERVICE)
}

/// Asks the system resolver and copies its answer, so that every list is freed in one way.
fn ask_system(node: Option<&CStr>, service: Option<&CStr>, hints: Option<&addrinfo>) -> Result<List, c_int> {
    let answer = SystemList::ask(node, service, hints)?;
    let mut list = List::new();
    for (address, kind, canonical) in answer.iter() {
        if let Some(address) = address {
            list.push(address, kind, canonical);
        }
    }
    Ok(list)
}

/// A list that libc made and libc frees.
struct SystemList(*mut addrinfo);

impl SystemList {
    fn ask(node: Option<&CStr>, service: Option<&CStr>, hints: Option<&addrinfo>) -> Result<Self, c_int> {
        let mut list = ptr::null_mut();
        let pointer = |text: Option<&CStr>| text.map_or(ptr::null(), CStr::as_ptr);
        // SAFETY: the strings end in NUL, the hints are null or an addrinfo, and `list` is a place for the answer.
        let code = unsafe {
            libc::getaddrinfo(pointer(node), pointer(service), hints.map_or(ptr::null(), ptr::from_ref), &raw mut list)
        };
        if code == 0 { Ok(SystemList(list)) } else { Err(code) }
    }

    fn iter(&self) -> impl Iterator<Item = (Option<std::net::SocketAddr>, Kind, Option<&CStr>)> {
        let mut next = self.0;
        std::iter::from_fn(move || {
            // SAFETY: libc's list is a chain of entries that lives as long as `self`.
            let info = unsafe { next.as_ref() }?;
            next = info.ai_next;
            let kind = Kind { flags: info.ai_flags, socktype: info.ai_socktype, protocol: info.ai_protocol };
            // SAFETY: libc's entries have `ai_addrlen` bytes of address, and a name that is null or ends in NUL.
            Some(unsafe { (address_of(info), kind, text(info.ai_canonname)) })
        })
    }
}

impl Drop for SystemList {
    fn drop(&mut self) {
        // SAFETY: the list was made by libc's getaddrinfo and is freed once.
        unsafe { libc::freeaddrinfo(self.0) };
    }
}
