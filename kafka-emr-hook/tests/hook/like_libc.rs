//! Mapped names are answered as libc answers: for whatever can be asked, with libc itself as the judge.

use std::ffi::{CStr, CString};
use std::net::SocketAddr;
use std::ptr;

use kafka_emr_core::Resolver;
use kafka_emr_hook::{freeaddrinfo, getaddrinfo, lookup_in_program};
use libc::{addrinfo, c_char, c_int};
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use super::{address, alone, open};

const CASES: u32 = 20_000;

/// No EAI code has this value.
const NOT_MAPPED: c_int = 10_000;

// In glibc, but not in the crate libc.
const EAI_ADDRFAMILY: c_int = -9;
const AI_IDN: c_int = 0x40;
const AI_CANONIDN: c_int = 0x80;

/// One entry of a list, apart from its canonical name.
type Entry = (c_int, c_int, c_int, c_int, SocketAddr);

type GetAddrInfo<'a> = &'a dyn Fn(*const c_char, *const c_char, *const addrinfo, *mut *mut addrinfo) -> c_int;

/// What a getaddrinfo answers: the entries, and the canonical name of the first.
fn ask(
    getaddrinfo: GetAddrInfo<'_>,
    free: unsafe fn(*mut addrinfo),
    node: &CStr,
    service: Option<&CStr>,
    hints: Option<&addrinfo>,
) -> Result<(Vec<Entry>, Option<String>), c_int> {
    let mut list = ptr::null_mut();
    let service = service.map_or(ptr::null(), CStr::as_ptr);
    let code = getaddrinfo(node.as_ptr(), service, hints.map_or(ptr::null(), ptr::from_ref), &raw mut list);
    if code != 0 {
        return Err(code);
    }
    let (mut entries, mut next) = (Vec::new(), list);
    // SAFETY: the list is not freed yet, and its names end in NUL.
    let name = unsafe {
        while let Some(entry) = next.as_ref() {
            assert!(ptr::eq(next, list) || entry.ai_canonname.is_null(), "the first entry alone has a name");
            entries.push((entry.ai_flags, entry.ai_family, entry.ai_socktype, entry.ai_protocol, address(entry)));
            next = entry.ai_next;
        }
        let name = (*list).ai_canonname;
        (!name.is_null()).then(|| CStr::from_ptr(name).to_str().unwrap().to_owned())
    };
    // SAFETY: it is freed once.
    unsafe { free(list) };
    Ok((entries, name))
}

fn ask_libc(
    node: &CStr,
    service: Option<&CStr>,
    hints: Option<&addrinfo>,
) -> Result<(Vec<Entry>, Option<String>), c_int> {
    let getaddrinfo =
        // SAFETY: `ask` passes what getaddrinfo takes.
        |node, service, hints, list| unsafe { libc::getaddrinfo(node, service, hints, list) };
    // SAFETY: `ask` frees its own list.
    ask(&getaddrinfo, |list| unsafe { libc::freeaddrinfo(list) }, node, service, hints)
}

fn ask_us(
    resolver: &Resolver,
    node: &CStr,
    service: Option<&CStr>,
    hints: Option<&addrinfo>,
) -> Result<(Vec<Entry>, Option<String>), c_int> {
    let getaddrinfo =
        // SAFETY: `ask` passes what getaddrinfo takes.
        |node, service, hints, list| unsafe { getaddrinfo(resolver, node, service, hints, list) };
    // SAFETY: `ask` frees its own list.
    ask(&getaddrinfo, |list| unsafe { freeaddrinfo(list) }, node, service, hints)
}

fn hints() -> impl Strategy<Value = Option<addrinfo>> {
    let flags = [
        libc::AI_PASSIVE,
        libc::AI_CANONNAME,
        libc::AI_NUMERICHOST,
        libc::AI_V4MAPPED,
        libc::AI_ALL,
        libc::AI_ADDRCONFIG,
        libc::AI_NUMERICSERV,
        AI_IDN,
        AI_CANONIDN,
        0x0010_0000,
    ];
    let some = (
        subsequence(flags.to_vec(), 0..=3),
        select(&[libc::AF_UNSPEC, libc::AF_INET, libc::AF_INET6, libc::AF_UNIX, 99][..]),
        select(&[0, libc::SOCK_STREAM, libc::SOCK_DGRAM, libc::SOCK_RAW, libc::SOCK_SEQPACKET, 77][..]),
        select(&[0, libc::IPPROTO_TCP, libc::IPPROTO_UDP, libc::IPPROTO_SCTP, 99][..]),
    );
    let some = some.prop_map(|(flags, family, socktype, protocol)| {
        // SAFETY: all-zero bytes are an addrinfo.
        let mut hints: addrinfo = unsafe { std::mem::zeroed() };
        hints.ai_flags = flags.into_iter().fold(0, |all, flag| all | flag);
        (hints.ai_family, hints.ai_socktype, hints.ai_protocol) = (family, socktype, protocol);
        Some(hints)
    });
    prop_oneof![1 => Just(None), 50 => some]
}

fn service() -> impl Strategy<Value = Option<&'static CStr>> {
    let numbers = [c"0", c"9092", c"09092", c"65535", c" 12", c"+12", c"-1", c"9092x", c""].map(Some);
    let names = [None, Some(c"domain"), Some(c"http"), Some(c"tftp"), Some(c"no-such-service")];
    select([&numbers[..], &names[..]].concat())
}

/// libc's answer for a name that has an address: that for the address, apart from the name.
fn expected(
    host: &CStr,
    number: &CStr,
    service: Option<&CStr>,
    hints: Option<addrinfo>,
) -> Result<(Vec<Entry>, Option<String>), c_int> {
    let is_name = !host.to_str().unwrap().starts_with("10.");
    let flags = hints.map_or(0, |hints| hints.ai_flags);
    if is_name && flags & libc::AI_NUMERICHOST != 0 {
        // It asks nobody for a name.
        return ask_libc(host, service, hints.as_ref());
    }
    // Whatever addresses this machine has.
    let hints = hints.map(|hints| addrinfo { ai_flags: flags & !libc::AI_ADDRCONFIG, ..hints });
    match ask_libc(number, service, hints.as_ref()) {
        Ok((mut entries, name)) => {
            for entry in &mut entries {
                entry.0 |= flags & libc::AI_ADDRCONFIG;
            }
            let own = if is_name { "emr-worker-1.cluster-48742".to_owned() } else { host.to_str().unwrap().to_owned() };
            Ok((entries, name.map(|_| own)))
        }
        Err(EAI_ADDRFAMILY) if is_name => Err(libc::EAI_NONAME),
        Err(code) => Err(code),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(CASES) })]

    #[test]
    fn a_mapped_name_is_answered_as_libc_answers_for_its_address(
        host in select(&[c"emr-worker-1.cluster-48742", c"EMR-Worker-1", c"10.0.1.24"][..]),
        (number, eip) in select(&[(c"127.0.0.24", "127.0.0.24"), (c"fd00::24", "fd00::24")][..]),
        service in service(),
        hints in hints(),
    ) {
        let _alone = alone();
        let resolver = open(&format!("emr-worker-1=10.0.1.24/{eip}"));
        let answer = ask_us(&resolver, host, service, hints.as_ref());
        let shown = hints.map(|hints| (hints.ai_flags, hints.ai_family, hints.ai_socktype, hints.ai_protocol));
        prop_assert_eq!(answer, expected(host, number, service, hints), "hints: {:?}", shown);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(CASES) })]

    #[test]
    fn a_program_gets_what_libc_answers_for_the_address(
        (number, eip) in select(&[(c"127.0.0.24", "127.0.0.24"), (c"fd00::24", "fd00::24")][..]),
        service in service(),
        hints in hints(),
    ) {
        let _alone = alone();
        let (host, resolver) = (c"emr-worker-1.cluster-48742", open(&format!("emr-worker-1=10.0.1.24/{eip}")));
        let getaddrinfo = |node, service, hints, list: *mut *mut addrinfo| {
            // SAFETY: `ask` passes what getaddrinfo takes, and frees what this crate made.
            let code = unsafe { lookup_in_program(&resolver, node, service, hints, list) };
            code.unwrap_or(NOT_MAPPED)
        };
        // SAFETY: `ask` frees its own list.
        let answer = match ask(&getaddrinfo, |list| unsafe { freeaddrinfo(list) }, host, service, hints.as_ref()) {
            Err(NOT_MAPPED) => ask_libc(host, service, hints.as_ref()),
            answer => answer,
        };
        let shown = hints.map(|hints| (hints.ai_flags, hints.ai_family, hints.ai_socktype, hints.ai_protocol));
        prop_assert_eq!(answer, expected(host, number, service, hints), "hints: {:?}", shown);
    }
}

#[test]
fn a_name_that_strict_refuses_fails_as_libc_fails() {
    let _alone = alone();
    let resolver = open("strict=true&emr-worker-1=10.0.1.24/127.0.0.24");
    let refused = |service, flags, family, socktype| {
        // SAFETY: all-zero bytes are an addrinfo.
        let mut hints: addrinfo = unsafe { std::mem::zeroed() };
        (hints.ai_flags, hints.ai_family, hints.ai_socktype) = (flags, family, socktype);
        ask_us(&resolver, c"emr-worker-9.cluster-48742", service, Some(&hints)).unwrap_err()
    };
    assert_eq!(refused(Some(c"9092"), 0, libc::AF_UNSPEC, libc::SOCK_STREAM), libc::EAI_NONAME);
    assert_eq!(refused(None, libc::AI_CANONNAME | libc::AI_V4MAPPED, libc::AF_INET6, 0), libc::EAI_NONAME);
    assert_eq!(refused(Some(c"9092"), 0x0010_0000, libc::AF_INET6, 0), libc::EAI_BADFLAGS);
    assert_eq!(refused(Some(c"9092"), 0, libc::AF_UNIX, 0), libc::EAI_FAMILY);
    assert_eq!(refused(Some(c"9092"), 0, libc::AF_UNSPEC, 77), libc::EAI_SOCKTYPE);
    assert_eq!(refused(Some(c"no-such-service"), 0, libc::AF_UNSPEC, 0), libc::EAI_SERVICE);
}

#[test]
fn what_is_no_name_of_the_map_is_the_systems() {
    let _alone = alone();
    let resolver = open("strict=true&emr-worker-1=10.0.1.24/127.0.0.24");
    let long = CString::new("a".repeat(256)).unwrap();
    let under_the_domain = CString::new(format!("{}.cluster-48742", "a".repeat(250))).unwrap();
    // SAFETY: all-zero bytes are an addrinfo.
    let mut hints: addrinfo = unsafe { std::mem::zeroed() };
    for flags in [0, libc::AI_NUMERICHOST, libc::AI_CANONNAME, 0x0010_0000] {
        hints.ai_flags = flags;
        for name in [&*long, &under_the_domain, c"", c".", c"127.0.0.7", c"0x7f.1"] {
            for service in [Some(c"9092"), None, Some(c"no-such-service")] {
                let libcs = ask_libc(name, service, Some(&hints));
                assert_eq!(ask_us(&resolver, name, service, Some(&hints)), libcs, "{name:?} {service:?} {flags:#x}");
            }
        }
    }
}
