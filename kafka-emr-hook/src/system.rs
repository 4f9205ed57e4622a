//! The system's getaddrinfo, and what it answers for addresses that are not its own.
//!
//! What a service, a flag or a socket type means is libc's business. For a mapped name libc is therefore asked for the address
//! as a number: that reads no hosts file, asks no server, and gives the answer that a line in a hosts file would give.

use std::ffi::{CStr, CString, c_char, c_int};
use std::mem::{ManuallyDrop, zeroed};
use std::net::IpAddr;
use std::ptr;

use kafka_emr_core::Family;
use libc::addrinfo;

/// The signature of getaddrinfo(3), through which a cancelled thread may be unwound.
pub type GetAddrInfo =
    unsafe extern "C-unwind" fn(*const c_char, *const c_char, *const addrinfo, *mut *mut addrinfo) -> c_int;

/// What a caller of getaddrinfo asks, apart from the name.
#[derive(Clone, Copy, Debug)]
pub struct Query<'a> {
    /// The port: a number, or the name of a service.
    pub service: Option<&'a CStr>,
    /// The caller's hints. If there are none, what libc takes for them.
    pub hints: addrinfo,
}

impl<'a> Query<'a> {
    /// Makes a query.
    #[must_use]
    pub fn new(service: Option<&'a CStr>, hints: Option<&addrinfo>) -> Self {
        Query { service, hints: hints.copied().unwrap_or_else(default_hints) }
    }

    /// Returns whether a flag is set.
    #[must_use]
    pub fn has(&self, flag: c_int) -> bool {
        self.hints.ai_flags & flag != 0
    }

    /// Returns the port, if the service is one as a number.
    #[must_use]
    pub fn port(&self) -> Option<u16> {
        self.service.and_then(number)?
    }

    /// Returns the family of the addresses to look for; `None` for one that no node has, which the system knows or refuses.
    #[must_use]
    pub fn family(&self) -> Option<Family> {
        match self.hints.ai_family {
            libc::AF_UNSPEC => Some(Family::Any),
            libc::AF_INET => Some(Family::V4),
            libc::AF_INET6 if self.has(libc::AI_V4MAPPED) => Some(Family::Any),
            libc::AF_INET6 => Some(Family::V6),
            _ => None,
        }
    }

    /// Returns whether TCP is asked for, alone or with other protocols.
    #[must_use]
    pub fn takes_tcp(&self) -> bool {
        matches!(self.hints.ai_socktype, 0 | libc::SOCK_STREAM)
            && matches!(self.hints.ai_protocol, 0 | libc::IPPROTO_TCP)
    }

    /// Returns the query for TCP alone.
    #[must_use]
    pub fn of_tcp(&self) -> Self {
        let hints = addrinfo { ai_socktype: libc::SOCK_STREAM, ..self.hints };
        Query { hints, ..*self }
    }

    /// Returns whether an address is of the family that is asked for.
    #[must_use]
    pub fn takes(&self, address: &IpAddr) -> bool {
        match self.hints.ai_family {
            libc::AF_INET => address.is_ipv4(),
            libc::AF_INET6 => address.is_ipv6() || self.has(libc::AI_V4MAPPED),
            _ => true,
        }
    }

    /// Answers for a host with these addresses: a list for each of them, with the caller's own flags, and with no canonical name.
    /// `system` is libc's getaddrinfo, or one that stands in front of it.
    ///
    /// `AI_ADDRCONFIG` has no effect: a mapped address is to be dialled whatever addresses this machine has.
    ///
    /// # Errors
    ///
    /// Returns the `EAI_*` code that libc has for such a host, service and hints.
    pub fn answer(&self, system: GetAddrInfo, host: &str, addresses: &[IpAddr]) -> Result<Vec<SystemList>, c_int> {
        // IPv4 in IPv6's form is for want of IPv6, unless all is asked for.
        let has_v6 = addresses.iter().any(IpAddr::is_ipv6);
        let is_v6_alone = self.hints.ai_family == libc::AF_INET6 && has_v6 && !self.has(libc::AI_ALL);
        let mut lists = Vec::new();
        for address in addresses.iter().filter(|address| self.takes(address) && (address.is_ipv6() || !is_v6_alone)) {
            let number = CString::new(address.to_string()).map_err(|_| libc::EAI_FAIL)?;
            let mut list = self.ask_for_number(system, &number)?;
            for entry in list.entries_mut() {
                entry.ai_flags = self.hints.ai_flags;
            }
            lists.push(list);
        }
        if lists.is_empty() { Err(self.refusal(system, host)) } else { Ok(lists) }
    }

    /// Returns the `EAI_*` code for a host without an address of the family that is asked for. If libc refuses the service or
    /// the hints, that comes first.
    #[must_use]
    pub fn refusal(&self, system: GetAddrInfo, host: &str) -> c_int {
        let any = if self.hints.ai_family == libc::AF_INET6 { c"::" } else { c"0.0.0.0" };
        self.ask_for_number(system, any).err().unwrap_or_else(|| no_address(host))
    }

    fn ask_for_number(&self, system: GetAddrInfo, number: &CStr) -> Result<SystemList, c_int> {
        let mut hints = self.hints;
        hints.ai_flags &= !(libc::AI_ADDRCONFIG | libc::AI_CANONNAME);
        SystemList::ask(system, Some(number), self.service, Some(&hints))
    }
}

/// Returns the `EAI_*` code for a host without an address of the family: of an address, libc knows the family.
pub(crate) fn no_address(host: &str) -> c_int {
    if host.parse::<IpAddr>().is_ok() { EAI_ADDRFAMILY } else { libc::EAI_NONAME }
}

/// Reads a service that consists of digits; `None` if it is anything else, and no port in it if the number is too large.
#[inline]
pub(crate) fn number(service: &CStr) -> Option<Option<u16>> {
    let digits = service.to_bytes();
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    Some(digits.iter().try_fold(0_u16, |port, digit| port.checked_mul(10)?.checked_add((digit - b'0').into())))
}

/// Returns what glibc takes for null. Other systems take zeros, as POSIX says.
fn default_hints() -> addrinfo {
    // SAFETY: all-zero bytes are an addrinfo: numbers and null pointers.
    let mut hints: addrinfo = unsafe { zeroed() };
    if cfg!(target_env = "gnu") {
        hints.ai_flags = libc::AI_V4MAPPED | libc::AI_ADDRCONFIG;
    }
    hints
}

/// A list that libc made and libc frees.
#[derive(Debug)]
pub struct SystemList(*mut addrinfo);

impl SystemList {
    pub(crate) fn ask(
        system: GetAddrInfo,
        node: Option<&CStr>,
        service: Option<&CStr>,
        hints: Option<&addrinfo>,
    ) -> Result<Self, c_int> {
        let mut list = ptr::null_mut();
        let text = |text: Option<&CStr>| text.map_or(ptr::null(), CStr::as_ptr);
        // SAFETY: the strings end in NUL, the hints are null or an addrinfo, and there is room for the list.
        let code =
            unsafe { system(text(node), text(service), hints.map_or(ptr::null(), ptr::from_ref), &raw mut list) };
        if code == 0 { Ok(SystemList(list)) } else { Err(code) }
    }

    /// Returns the entries.
    pub fn entries(&self) -> impl Iterator<Item = &addrinfo> {
        let mut next = self.0;
        std::iter::from_fn(move || {
            // SAFETY: null, or an entry of the list, which is borrowed for as long.
            let entry = unsafe { next.as_ref() }?;
            next = entry.ai_next;
            Some(entry)
        })
    }

    /// Returns the entries, for changes.
    pub fn entries_mut(&mut self) -> impl Iterator<Item = &mut addrinfo> {
        let mut next = self.0;
        std::iter::from_fn(move || {
            // SAFETY: as above; each entry is handed out once.
            let entry = unsafe { next.as_mut() }?;
            next = entry.ai_next;
            Some(entry)
        })
    }

    /// Hands the list over, to be freed by libc's freeaddrinfo.
    #[must_use]
    pub fn into_raw(self) -> *mut addrinfo {
        ManuallyDrop::new(self).0
    }
}

impl Drop for SystemList {
    fn drop(&mut self) {
        if !self.0.is_null() {
            // SAFETY: the list is libc's, and nobody else has it.
            unsafe { libc::freeaddrinfo(self.0) };
        }
    }
}

// In glibc, but not in the crate libc.
const EAI_ADDRFAMILY: c_int = -9;
