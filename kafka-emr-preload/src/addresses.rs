//! Where connections to the nodes' addresses go.

use std::collections::{HashMap, HashSet};
use std::ffi::c_int;
use std::mem::size_of;
use std::net::{IpAddr, SocketAddr};
use std::ptr;

use kafka_emr_core::{Cluster, Hosts, Network, Node, RULES};
use kafka_emr_hook::guard;
use libc::{sockaddr, sockaddr_in, sockaddr_in6, sockaddr_storage, socklen_t};

use crate::cluster;

/// The addresses of nodes that do not lead to themselves. Asking takes no memory and no lock.
pub(crate) struct Addresses {
    ways: HashMap<IpAddr, Way>,
    /// Where the tunnels begin. These are dialled as they are, whatever else has the address.
    tunnels: HashSet<SocketAddr>,
}

struct Way {
    /// Where it leads by the rule.
    address: Option<IpAddr>,
    /// Where the brokers' ports lead instead.
    tunnel: Option<Tunnel>,
}

/// A node's `connect`.
struct Tunnel {
    to: SocketAddr,
    /// `None` where the node is no broker: nobody knows then which port is meant.
    port: Option<u16>,
}

impl Tunnel {
    fn of(cluster: &Cluster, node: &Node) -> Option<Self> {
        let port = node.is_broker().then(|| cluster.broker_port());
        node.connect.map(|to| Tunnel { to, port })
    }

    /// Whether it stands for a port of the node: that of the description or the rule, and EMR's own.
    fn is_for(&self, port: u16) -> bool {
        port != 0 && self.port.is_none_or(|own| own == port || RULES.iter().any(|rule| rule.port == port))
    }
}

impl Addresses {
    pub(crate) fn of(hosts: &Hosts) -> Self {
        let clusters = hosts.clusters();
        let nodes = || clusters.iter().flat_map(|cluster| cluster.nodes.iter().map(move |node| (cluster, node)));
        // What a name leads to is dialled as it is, or getaddrinfo's answers were led on. `connect` is told by its port.
        let by_rule =
            nodes().filter(|(_, node)| node.connect.is_none()).filter_map(|(cluster, node)| cluster.dial(node));
        let plain = clusters.iter().flat_map(|cluster| &cluster.plain_hosts).map(|(_, address)| *address);
        let answers: HashSet<IpAddr> = by_rule.map(|dial| dial.address).chain(plain).collect();
        let own = nodes().flat_map(|(_, node)| [node.private_ip, node.public_ip]).flatten();
        let way = |own: IpAddr| {
            let (cluster, node) = hosts.node(&own.to_string())?;
            let is_outside = cluster.network == Network::Public && node.private_ip == Some(own);
            let way = Way { address: node.public_ip.filter(|_| is_outside), tunnel: Tunnel::of(cluster, node) };
            Some((own, way))
        };
        Addresses {
            ways: own.filter(|own| !answers.contains(own)).filter_map(way).collect(),
            tunnels: nodes().filter_map(|(_, node)| node.connect).collect(),
        }
    }

    /// Where a connection to an address goes instead, in a form that the same socket takes.
    fn leads_to(&self, asked: SocketAddr, is_stream: impl FnOnce() -> bool) -> Option<SocketAddr> {
        let (ip, port) = (asked.ip().to_canonical(), asked.port());
        let way = self.ways.get(&ip)?;
        if self.tunnels.contains(&(ip, port).into()) {
            return None;
        }
        let to = match &way.tunnel {
            Some(tunnel) if tunnel.is_for(port) && is_stream() => tunnel.to,
            _ => (way.address?, port).into(),
        };
        match (asked, to.ip()) {
            (SocketAddr::V4(_), IpAddr::V6(_)) => None,
            // As the JVM's sockets, which take both, have it.
            (SocketAddr::V6(_), IpAddr::V4(v4)) => Some((v4.to_ipv6_mapped(), to.port()).into()),
            _ => Some(to),
        }
    }

    /// An address of the node's own that leads to its `connect`, for programs that put the port in by themselves.
    pub(crate) fn own(&self, cluster: &Cluster, node: &Node, fits: impl Fn(&IpAddr) -> bool) -> Option<IpAddr> {
        let tunnel = Tunnel::of(cluster, node)?;
        let own = [node.address(cluster.rule().dials), node.private_ip, node.public_ip].into_iter().flatten();
        // A socket that takes IPv6 is the one that can be led to IPv6.
        let form = |ip: IpAddr| match ip {
            IpAddr::V4(v4) if tunnel.to.is_ipv6() => v4.to_ipv6_mapped().into(),
            ip => ip,
        };
        let leads_there = |ip: &IpAddr| {
            let to = self.leads_to((*ip, tunnel.port.unwrap_or(tunnel.to.port())).into(), || true);
            to.is_some_and(|to| (to.ip().to_canonical(), to.port()) == (tunnel.to.ip(), tunnel.to.port()))
        };
        own.map(form).find(|ip| fits(ip) && leads_there(ip))
    }

    /// The port that a node's `connect` has in place of this one.
    pub(crate) fn port_instead(cluster: &Cluster, node: &Node, port: u16) -> Option<u16> {
        Tunnel::of(cluster, node).filter(|tunnel| tunnel.is_for(port)).map(|tunnel| tunnel.to.port())
    }
}

/// An IPv4 or IPv6 address as the system has it: the family, the port, and the IPv4 address; or a flow label, the IPv6 address
/// and a scope.
#[repr(C, align(8))]
pub(crate) struct Raw([u8; size_of::<sockaddr_in6>()], socklen_t);

/// How long an IPv6 address is for RFC 2133, which had no scope. The kernel takes it.
const WITHOUT_SCOPE: usize = 24;

impl Raw {
    pub(crate) fn pointer(&self) -> *const sockaddr {
        self.0.as_ptr().cast()
    }

    /// That of the family, whatever the caller gave: the kernel copies as much as it is said.
    pub(crate) fn length(&self) -> socklen_t {
        let length = match self.family() {
            libc::AF_INET => size_of::<sockaddr_in>(),
            _ => size_of::<sockaddr_in6>(),
        };
        length as socklen_t
    }

    fn family(&self) -> c_int {
        c_int::from(u16::from_ne_bytes([self.0[0], self.0[1]]))
    }

    /// # Safety
    ///
    /// `address` is null or has `length` bytes.
    unsafe fn read(address: *const sockaddr, length: socklen_t) -> Option<Self> {
        let mut raw = Raw([0; size_of::<sockaddr_in6>()], length);
        let bytes = raw.0.len().min(length as usize);
        // The kernel refuses what is longer than any address, and what is shorter than the shortest.
        if address.is_null() || bytes < size_of::<sockaddr_in>() || length as usize > size_of::<sockaddr_storage>() {
            return None;
        }
        // SAFETY: not null, and the caller vouches for `length` bytes, of which there are no more than have room.
        unsafe { ptr::copy_nonoverlapping(address.cast::<u8>(), raw.0.as_mut_ptr(), bytes) };
        Some(raw)
    }

    fn socket_address(&self) -> Option<SocketAddr> {
        let [_, _, p0, p1, rest @ ..] = &self.0;
        let port = u16::from_be_bytes([*p0, *p1]);
        match self.family() {
            libc::AF_INET => rest.first_chunk::<4>().map(|v4| (*v4, port).into()),
            libc::AF_INET6 if self.1 as usize >= WITHOUT_SCOPE => {
                rest[4..].first_chunk::<16>().map(|v6| (*v6, port).into())
            }
            _ => None,
        }
    }

    /// Puts another address of the same family in.
    fn set(&mut self, address: SocketAddr) {
        self.0[2..4].copy_from_slice(&address.port().to_be_bytes());
        match address.ip() {
            IpAddr::V4(v4) => self.0[4..8].copy_from_slice(&v4.octets()),
            IpAddr::V6(v6) => {
                self.0[8..24].copy_from_slice(&v6.octets());
                self.0[24..].fill(0);
            }
        }
    }
}

/// The address that a socket is to be connected to instead.
///
/// # Safety
///
/// As connect(2).
pub(crate) unsafe fn elsewhere(socket: c_int, address: *const sockaddr, length: socklen_t) -> Option<Raw> {
    guard("connect", None, || {
        let known = cluster::last().filter(|known| !known.addresses.ways.is_empty())?;
        // SAFETY: the caller vouches for the address.
        let mut raw = unsafe { Raw::read(address, length) }?;
        raw.set(known.addresses.leads_to(raw.socket_address()?, || is_stream(socket))?);
        Some(raw)
    })
}

fn is_stream(socket: c_int) -> bool {
    let (mut kind, mut length): (c_int, _) = (0, size_of::<c_int>() as socklen_t);
    // SAFETY: there is room for the answer, as long as it is said to be.
    let code =
        unsafe { libc::getsockopt(socket, libc::SOL_SOCKET, libc::SO_TYPE, (&raw mut kind).cast(), &raw mut length) };
    code == 0 && kind == libc::SOCK_STREAM
}
