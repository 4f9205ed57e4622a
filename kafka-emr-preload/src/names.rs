//! What getaddrinfo answers for the clusters' names.

use std::ffi::{CStr, CString, c_char, c_int};
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};

use kafka_emr_core::{Cluster, Dial, Family, Lookup, Node};
use kafka_emr_hook::{GetAddrInfo, Query, SystemList, guard, leads_to};
use libc::{addrinfo, sockaddr_in};

use crate::snapshot::{self, Snapshot};

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
    if node.is_null() {
        return None;
    }
    let _whole = NotCancelled::begin();
    guard("getaddrinfo", Some(libc::EAI_FAIL), || {
        // SAFETY: the caller vouches for the name, for the service, which is null or a string, and for the hints.
        let (name, query) = unsafe {
            let service = (!service.is_null()).then(|| CStr::from_ptr(service));
            (CStr::from_ptr(node).to_str().ok()?, Query::new(service, hints.as_ref()))
        };
        match find(system, name, &query)? {
            Ok(list) => {
                // SAFETY: the caller vouches for `res`.
                unsafe { *res = list.into_raw() };
                Some(0)
            }
            Err(code) => Some(code),
        }
    })
}

fn find(system: GetAddrInfo, name: &str, query: &Query<'_>) -> Option<Result<SystemList, c_int>> {
    let is_known_family = matches!(query.hints.ai_family, libc::AF_UNSPEC | libc::AF_INET | libc::AF_INET6);
    if query.has(libc::AI_NUMERICHOST) || !is_known_family {
        return None;
    }
    let snapshot = snapshot::for_name(name)?;
    match snapshot.resolver.lookup_in_program(name, Family::Any) {
        Lookup::System => None,
        Lookup::Refused => Some(Err(query.refusal(system, name))),
        Lookup::Mapped(dial) => answer_with(snapshot::after_lookup(snapshot), system, name, &dial, query),
    }
}

/// Asks libc for the addresses as numbers, so that the list is libc's own.
fn answer_with(
    snapshot: &Snapshot,
    system: GetAddrInfo,
    name: &str,
    dial: &Dial,
    query: &Query<'_>,
) -> Option<Result<SystemList, c_int>> {
    let node = snapshot.hosts.node(name).filter(|(_, node)| node.dial() == Some(dial));
    let (mut addresses, mut tunnel) = (dial.addresses().to_vec(), None);
    if let Some((cluster, node)) = node
        && let Some(instead) = dial.port()
    {
        let kafka_ports = cluster.kafka_ports();
        let port = query.port().filter(|port| *port != 0);
        let is_kafka = !query.is_udp() && port.is_none_or(|port| kafka_ports.contains(&port));
        if let Some(entry) = tunnel_entry(snapshot, cluster, node, query) {
            addresses = vec![entry];
        } else if is_kafka {
            // Nothing leads on to the tunnel, so it is the answer.
            tunnel = Some((instead, kafka_ports));
        } else {
            addresses = node.own_dial(cluster.rule().dials, Family::Any)?.addresses().to_vec();
        }
    }
    let long_domain = node.and_then(|(_, node)| node.long_domain());
    Some(query.answer(system, name, &addresses).and_then(|lists| {
        let mut list = joined(lists).ok_or(libc::EAI_NONAME)?;
        if let Some((port, kafka_ports)) = tunnel {
            set_port(&mut list, name, &kafka_ports, port);
        }
        if query.has(libc::AI_CANONNAME) {
            // As a hosts file has it, which names the long domain first.
            set_canonical_name(&mut list, long_domain.unwrap_or(name))?;
        }
        Ok(list)
    }))
}

/// Returns an address of the node's own that `connect` leads on to the description's `connect`: to its port as well, which a
/// program that puts the port in by itself would overwrite in an answer.
fn tunnel_entry(snapshot: &Snapshot, cluster: &Cluster, node: &Node, query: &Query<'_>) -> Option<IpAddr> {
    let connections = snapshot.hosts.connections();
    let to = node.connect()?;
    // Only a socket that takes IPv6 can be led to IPv6.
    let form = |ip: IpAddr| match ip {
        IpAddr::V4(v4) if to.is_ipv6() => v4.to_ipv6_mapped().into(),
        ip => ip,
    };
    let is_led_on = |ip: &IpAddr| leads_to(connections, (*ip, cluster.broker_port()).into()).is_some();
    connections.tunnel_entries(cluster, node).map(form).find(|ip| query.takes(ip) && is_led_on(ip))
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

/// Puts the port of the description's `connect` in the place of Kafka's ports: for a node without an address of its own that
/// would lead there.
fn set_port(list: &mut SystemList, name: &str, kafka_ports: &[u16], instead: u16) {
    static HAS_WARNED: AtomicBool = AtomicBool::new(false);
    for entry in list.entries_mut().filter(|entry| entry.ai_socktype == libc::SOCK_STREAM) {
        // SAFETY: libc's entry has an address of its family; both have the port in the same place.
        let port = unsafe { &mut (*entry.ai_addr.cast::<sockaddr_in>()).sin_port };
        if kafka_ports.contains(&u16::from_be(*port)) {
            *port = instead.to_be();
        } else if *port == 0 && !HAS_WARNED.swap(true, Ordering::Relaxed) {
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
