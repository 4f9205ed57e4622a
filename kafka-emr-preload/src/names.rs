//! What getaddrinfo answers for the clusters' names.

use std::ffi::{CStr, CString, c_char, c_int};
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};

use kafka_emr_core::{Cluster, Family, Lookup, Node};
use kafka_emr_hook::{GetAddrInfo, Query, SystemList, guard};
use libc::{addrinfo, sockaddr_in};

use crate::addresses::Addresses;
use crate::cluster::{Known, current};

/// Answers for a name of the clusters; `None` if libc is to be asked.
///
/// # Safety
///
/// As getaddrinfo(3).
pub(crate) unsafe fn answer(
    system: GetAddrInfo,
    node: *const c_char,
    service: *const c_char,
    hints: *const addrinfo,
    res: *mut *mut addrinfo,
) -> Option<c_int> {
    let _whole = NotCancelled::begin();
    guard("getaddrinfo", Some(libc::EAI_FAIL), || {
        // First, whatever is asked for: files are looked at here, and nowhere else.
        let known = current()?;
        if node.is_null() {
            return None;
        }
        // SAFETY: the caller vouches for the name.
        let name = unsafe { CStr::from_ptr(node) }.to_str().ok()?;
        // SAFETY: the caller vouches for the service, which is null or ends in NUL, and for the hints.
        let query = unsafe { Query::new((!service.is_null()).then(|| CStr::from_ptr(service)), hints.as_ref()) };
        match find(known, system, name, &query)? {
            // SAFETY: the caller vouches for `res`.
            Ok(list) => unsafe { *res = list.into_raw() },
            Err(code) => return Some(code),
        }
        Some(0)
    })
}

fn find(known: &Known, system: GetAddrInfo, name: &str, query: &Query<'_>) -> Option<Result<SystemList, c_int>> {
    let of_a_name = !query.has(libc::AI_NUMERICHOST) && name.parse::<IpAddr>().is_err();
    if !of_a_name || !matches!(query.hints.ai_family, libc::AF_UNSPEC | libc::AF_INET | libc::AF_INET6) {
        return None;
    }
    let addresses = match known.resolver.lookup(name, 0, Family::Any) {
        Lookup::System => return None,
        Lookup::Refused => return Some(Err(query.refusal(system, name))),
        Lookup::Mapped(addresses) => addresses,
    };
    Some(answer_with(known, system, name, &addresses, query))
}

/// Asks libc for the addresses as numbers, so that the list is libc's own.
fn answer_with(
    known: &Known,
    system: GetAddrInfo,
    name: &str,
    addresses: &[SocketAddr],
    query: &Query<'_>,
) -> Result<SystemList, c_int> {
    let node = known.hosts.node(name);
    // `connect` leads a node's own address on to the description's `connect`: to the port as well, which a program that puts it
    // in by itself would overwrite in an answer.
    let own = node.and_then(|(cluster, node)| known.addresses.own(cluster, node, |ip| query.takes(ip)));
    let ips: Vec<IpAddr> = match own {
        Some(own) => vec![own],
        None => addresses.iter().map(SocketAddr::ip).collect(),
    };
    let mut list = joined(query.answer(system, name, &ips)?).ok_or(libc::EAI_NONAME)?;
    if let Some((cluster, node)) =
        node.filter(|(_, node)| own.is_none() && node.connect.is_some() && !query.has(libc::AI_PASSIVE))
    {
        lead_to_the_tunnel(&mut list, name, cluster, node);
    }
    if query.has(libc::AI_CANONNAME) {
        // As a hosts file has it, which names the long domain first.
        let long = node.and_then(|(cluster, node)| cluster.long_domain(node));
        set_canonical_name(&mut list, long.as_deref().unwrap_or(name))?;
    }
    Ok(list)
}

/// Makes one list of several: libc frees entry by entry, whichever call they came from.
fn joined(lists: Vec<SystemList>) -> Option<SystemList> {
    lists.into_iter().rev().reduce(|rest, mut first| {
        if let Some(last) = first.entries_mut().last() {
            last.ai_next = rest.into_raw();
        }
        first
    })
}

/// Puts the port of `connect` in: of a node without an address of its own that would lead there.
fn lead_to_the_tunnel(list: &mut SystemList, name: &str, cluster: &Cluster, node: &Node) {
    static SAID: AtomicBool = AtomicBool::new(false);
    for entry in list.entries_mut().filter(|entry| entry.ai_socktype == libc::SOCK_STREAM) {
        // SAFETY: libc's entry has an address of its family; both have the port in the same place.
        let port = unsafe { &mut (*entry.ai_addr.cast::<sockaddr_in>()).sin_port };
        if let Some(instead) = Addresses::port_instead(cluster, node, u16::from_be(*port)) {
            *port = instead.to_be();
        } else if *port == 0 && !SAID.swap(true, Ordering::Relaxed) {
            log::warn!(
                "{name}: a program that puts the port in by itself does not get that of connect, because the node has no \
                 address of its own that leads there: add its private_ip"
            );
        }
    }
}

fn set_canonical_name(list: &mut SystemList, name: &str) -> Result<(), c_int> {
    let name = CString::new(name).map_err(|_| libc::EAI_FAIL)?;
    // SAFETY: the name ends in NUL. libc's freeaddrinfo frees an entry's name with free(), and strdup makes it so.
    let copy = unsafe { libc::strdup(name.as_ptr()) };
    match list.entries_mut().next() {
        Some(first) if !copy.is_null() => first.ai_canonname = copy,
        _ => return Err(libc::EAI_MEMORY),
    }
    Ok(())
}

/// While it lives, a cancelled thread is not unwound: there is Rust on its stack.
struct NotCancelled(c_int);

impl NotCancelled {
    fn begin() -> Self {
        let mut before = 0;
        // SAFETY: there is room for the state.
        unsafe { pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &raw mut before) };
        NotCancelled(before)
    }
}

impl Drop for NotCancelled {
    fn drop(&mut self) {
        let mut ours = 0;
        // SAFETY: as above; the state is what it was before.
        unsafe { pthread_setcancelstate(self.0, &raw mut ours) };
    }
}

// In glibc, but not in the crate libc.
const PTHREAD_CANCEL_DISABLE: c_int = 1;

unsafe extern "C" {
    fn pthread_setcancelstate(state: c_int, before: *mut c_int) -> c_int;
}
