//! What getaddrinfo answers for the clusters' names.

use std::ffi::{CStr, CString, c_char, c_int};
use std::mem::zeroed;
use std::net::{IpAddr, SocketAddr};
use std::ptr;
use std::sync::atomic::{AtomicBool, Ordering};

use kafka_emr_core::{Cluster, Family, Lookup, Node};
use kafka_emr_hook::guard;
use libc::{addrinfo, sockaddr_in};

use crate::addresses::Addresses;
use crate::cluster::{Known, current};
use crate::next::GetAddrInfo;

/// Answers for a name of the clusters; `None` where libc is to be asked.
///
/// # Safety
///
/// As getaddrinfo(3).
pub(crate) unsafe fn answer(
    next: GetAddrInfo,
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
        // SAFETY: all-zero bytes are an addrinfo, and the caller vouches for the name and the hints.
        let (name, hints) = unsafe { (CStr::from_ptr(node), hints.as_ref().map_or_else(|| zeroed(), |hints| *hints)) };
        let list = find(known, name.to_str().ok()?, &hints, |numeric, hints| {
            let mut list = ptr::null_mut();
            // SAFETY: the number ends in NUL, `list` is a place for the answer, and the caller vouches for the service.
            match unsafe { next(numeric.as_ptr(), service, hints, &raw mut list) } {
                0 => Ok(List(list)),
                code => Err(code),
            }
        })?;
        Some(list.map_or_else(
            |code| code,
            |list| {
                // SAFETY: the caller vouches for `res`.
                unsafe { *res = list.into_raw() };
                0
            },
        ))
    })
}

fn find(
    known: &Known,
    name: &str,
    hints: &addrinfo,
    libc: impl Fn(&CStr, &addrinfo) -> Result<List, c_int>,
) -> Option<Result<List, c_int>> {
    let of_a_name = hints.ai_flags & libc::AI_NUMERICHOST == 0 && name.parse::<IpAddr>().is_err();
    if !of_a_name || !matches!(hints.ai_family, libc::AF_UNSPEC | libc::AF_INET | libc::AF_INET6) {
        return None;
    }
    let addresses = match known.resolver.lookup(name, 0, Family::Any) {
        Lookup::System => return None,
        Lookup::Refused => return Some(Err(libc::EAI_NONAME)),
        Lookup::Mapped(addresses) => addresses,
    };
    let node = known.hosts.node(name);
    Some(answer_with(known, name, node, &addresses, hints, libc))
}

/// Asks libc for the addresses as numbers, so that the list is libc's own.
fn answer_with(
    known: &Known,
    name: &str,
    node: Option<(&Cluster, &Node)>,
    addresses: &[SocketAddr],
    hints: &addrinfo,
    libc: impl Fn(&CStr, &addrinfo) -> Result<List, c_int>,
) -> Result<List, c_int> {
    let has = |flag: c_int| hints.ai_flags & flag != 0;
    let fits = |ip: &IpAddr| match hints.ai_family {
        libc::AF_INET => ip.is_ipv4(),
        libc::AF_INET6 => ip.is_ipv6() || has(libc::AI_V4MAPPED),
        _ => true,
    };
    // `connect` leads a node's own address on to the description's `connect`: to the port as well, which a program that puts it
    // in by itself would overwrite in an answer.
    let own = node.and_then(|(cluster, node)| known.addresses.own(cluster, node, fits));
    let mut ips: Vec<IpAddr> = match own {
        Some(own) => vec![own],
        None => addresses.iter().map(SocketAddr::ip).collect(),
    };
    // IPv4 in IPv6's form is for want of IPv6, unless all is asked for.
    if hints.ai_family == libc::AF_INET6 && !has(libc::AI_ALL) && ips.iter().any(IpAddr::is_ipv6) {
        ips.retain(IpAddr::is_ipv6);
    }
    let mut asked = *hints;
    // A mapped address is to be dialled whatever addresses this machine has.
    asked.ai_flags &= !(libc::AI_ADDRCONFIG | libc::AI_CANONNAME);
    asked.ai_flags |= libc::AI_NUMERICHOST;
    let mut list = List(ptr::null_mut());
    for ip in ips {
        let numeric = CString::new(ip.to_string()).map_err(|_| libc::EAI_FAIL)?;
        match libc(&numeric, &asked) {
            Err(EAI_ADDRFAMILY) => {}
            entries => list.append(entries?),
        }
    }
    if list.0.is_null() {
        return Err(libc::EAI_NONAME);
    }
    if let Some((cluster, node)) =
        node.filter(|(_, node)| own.is_none() && node.connect.is_some() && !has(libc::AI_PASSIVE))
    {
        list.lead_to_the_tunnel(name, cluster, node);
    }
    if has(libc::AI_CANONNAME) {
        // As a hosts file has it, which names the long domain first.
        let long = node.and_then(|(cluster, node)| cluster.long_domain(node));
        list.set_name(&CString::new(long.as_deref().unwrap_or(name)).map_err(|_| libc::EAI_FAIL)?)?;
    }
    Ok(list)
}

/// A list that libc made, and frees entry by entry.
struct List(*mut addrinfo);

impl List {
    fn entries(&mut self) -> impl Iterator<Item = &mut addrinfo> {
        let mut next = self.0;
        std::iter::from_fn(move || {
            // SAFETY: null, or an entry of the list, which is borrowed for as long; each is handed out once.
            let entry = unsafe { next.as_mut() }?;
            next = entry.ai_next;
            Some(entry)
        })
    }

    fn append(&mut self, other: List) {
        match self.entries().last() {
            Some(last) => last.ai_next = other.into_raw(),
            None => self.0 = other.into_raw(),
        }
    }

    /// Puts the port of `connect` in: of a node without an address of its own that would lead there.
    fn lead_to_the_tunnel(&mut self, name: &str, cluster: &Cluster, node: &Node) {
        static SAID: AtomicBool = AtomicBool::new(false);
        for entry in self.entries().filter(|entry| entry.ai_socktype == libc::SOCK_STREAM) {
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

    fn set_name(&mut self, name: &CStr) -> Result<(), c_int> {
        // SAFETY: the name ends in NUL. libc's freeaddrinfo frees an entry's name with free(), and strdup makes it so.
        let copy = unsafe { libc::strdup(name.as_ptr()) };
        match self.entries().next() {
            Some(first) if !copy.is_null() => first.ai_canonname = copy,
            _ => return Err(libc::EAI_MEMORY),
        }
        Ok(())
    }

    fn into_raw(self) -> *mut addrinfo {
        std::mem::ManuallyDrop::new(self).0
    }
}

impl Drop for List {
    fn drop(&mut self) {
        if !self.0.is_null() {
            // SAFETY: the list is libc's, and nobody else has it.
            unsafe { libc::freeaddrinfo(self.0) };
        }
    }
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
const EAI_ADDRFAMILY: c_int = -9;
const PTHREAD_CANCEL_DISABLE: c_int = 1;

unsafe extern "C" {
    fn pthread_setcancelstate(state: c_int, before: *mut c_int) -> c_int;
}
