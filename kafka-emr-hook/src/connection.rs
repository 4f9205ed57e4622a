//! Connections of whole programs to addresses of nodes, as connect(2) has them.

use std::ffi::c_int;
use std::mem::size_of;
use std::net::{IpAddr, SocketAddr};

use kafka_emr_core::Connections;
use libc::{sockaddr, sockaddr_in, sockaddr_in6, sockaddr_storage, socklen_t};

/// Returns where a TCP connection to an address goes instead, in a form that the same socket takes.
pub(crate) fn leads_to(connections: &Connections, asked: SocketAddr) -> Option<SocketAddr> {
    let to = connections.leads_to(asked)?;
    match (asked, to.ip()) {
        (SocketAddr::V4(_), IpAddr::V6(_)) => None,
        // As the JVM's sockets, which take both, have it.
        (SocketAddr::V6(_), IpAddr::V4(v4)) => Some((v4.to_ipv6_mapped(), to.port()).into()),
        _ => Some(to),
    }
}

/// Returns the address that a TCP socket is to be connected to instead of another. It takes no memory, no lock and no system
/// call.
///
/// # Safety
///
/// `address` is null or has `length` bytes.
pub unsafe fn redirect(connections: &Connections, address: *const sockaddr, length: socklen_t) -> Option<RawAddress> {
    if connections.is_empty() {
        return None;
    }
    // SAFETY: the caller vouches for the address.
    unsafe { RawAddress::read(address, length) }?.redirected(connections)
}

/// An IPv4 or IPv6 address as the system has it: the family, the port, and the IPv4 address; or a flow label, the IPv6 address
/// and a scope.
#[repr(C, align(8))]
pub struct RawAddress([u8; RawAddress::LONGEST]);

/// How long an IPv6 address is by RFC 2133, which had no scope. The kernel takes it.
const WITHOUT_SCOPE: usize = 24;

impl RawAddress {
    /// How many bytes of an address count.
    pub const LONGEST: usize = size_of::<sockaddr_in6>();

    /// Reads the bytes of an address, of which there may be more than count; `length` is how many the caller gave. `None` for
    /// an address of another family, and for a length that the kernel refuses.
    #[must_use]
    pub fn from_bytes(bytes: &[u8], length: usize) -> Option<Self> {
        let count = bytes.len().min(length).min(Self::LONGEST);
        if !(size_of::<sockaddr_in>()..=size_of::<sockaddr_storage>()).contains(&length) {
            return None;
        }
        let mut raw = RawAddress([0; Self::LONGEST]);
        raw.0[..count].copy_from_slice(&bytes[..count]);
        let shortest = match raw.family() {
            libc::AF_INET => size_of::<sockaddr_in>(),
            libc::AF_INET6 => WITHOUT_SCOPE,
            _ => return None,
        };
        (count >= shortest).then_some(raw)
    }

    /// Returns the address that a TCP connection to this one goes to instead.
    #[must_use]
    pub fn redirected(mut self, connections: &Connections) -> Option<Self> {
        self.set(leads_to(connections, self.socket_address())?);
        Some(self)
    }

    /// Returns its bytes, as many as its family has.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0[..self.length() as usize]
    }

    /// Returns its port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.socket_address().port()
    }

    /// Returns a pointer to it, for connect(2).
    #[must_use]
    pub fn as_ptr(&self) -> *const sockaddr {
        self.0.as_ptr().cast()
    }

    /// Returns the length of the family, whatever the caller gave: the kernel reads as many bytes as the length says.
    #[must_use]
    pub fn length(&self) -> socklen_t {
        let length = match self.family() {
            libc::AF_INET => size_of::<sockaddr_in>(),
            _ => size_of::<sockaddr_in6>(),
        };
        length as socklen_t
    }

    /// # Safety
    ///
    /// `address` is null or has `length` bytes.
    unsafe fn read(address: *const sockaddr, length: socklen_t) -> Option<Self> {
        let length = length as usize;
        // One that is too long is a mistake of the caller's, which the kernel refuses without a look at the address.
        if address.is_null() || length > size_of::<sockaddr_storage>() {
            return None;
        }
        // SAFETY: not null, and the caller vouches for `length` bytes.
        let bytes = unsafe { std::slice::from_raw_parts(address.cast::<u8>(), length.min(Self::LONGEST)) };
        RawAddress::from_bytes(bytes, length)
    }

    fn family(&self) -> c_int {
        c_int::from(u16::from_ne_bytes([self.0[0], self.0[1]]))
    }

    /// Returns it as the standard library has it, without flow label and scope.
    #[must_use]
    pub fn socket_address(&self) -> SocketAddr {
        let [_, _, p0, p1, v4 @ .., _, _, _, _] = self.0;
        let port = u16::from_be_bytes([p0, p1]);
        match (self.family(), v4) {
            (libc::AF_INET, [a, b, c, d, ..]) => ([a, b, c, d], port).into(),
            (_, [_, _, _, _, v6 @ ..]) => (v6, port).into(),
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
