//! The hook as a C library sees it: pointers in, EAI codes and lists out.

#![cfg_attr(miri, allow(unused_imports, reason = "tests that ask the system are left out"))]

#[cfg(not(miri))] // asks libc's getaddrinfo, which Miri does not have
mod like_libc;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::ffi::{CStr, CString, c_void};
use std::net::SocketAddr;
use std::ptr;
use std::sync::{Mutex, MutexGuard, Once, PoisonError};

use kafka_emr_core::Resolver;
use kafka_emr_hook::{Hook, ResolveCallback, SLOTS, freeaddrinfo, getaddrinfo, lookup, lookup_in_program};
use libc::{addrinfo, c_char, c_int};

/// Counts the allocations of this thread.
struct CountingAllocator;

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
    /// Makes the logger panic at its next line.
    static PANIC_AT_NEXT_LINE: Cell<bool> = const { Cell::new(false) };
}

// SAFETY: everything is passed on to the system's allocator.
unsafe impl GlobalAlloc for CountingAllocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

static LINES: Mutex<Vec<String>> = Mutex::new(Vec::new());

struct Logger;

impl log::Log for Logger {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        assert!(!PANIC_AT_NEXT_LINE.take(), "expected by this test:\nthe logger");
        LINES.lock().unwrap_or_else(PoisonError::into_inner).push(format!("{} {}", record.level(), record.args()));
    }

    fn flush(&self) {}
}

/// Tests run one at a time, because slots and counts belong to the process; at the end each has freed what it built.
struct Alone(#[expect(dead_code, reason = "held, not read")] MutexGuard<'static, ()>);

fn alone() -> Alone {
    static ALONE: Mutex<()> = Mutex::new(());
    static LOGGER: Once = Once::new();
    LOGGER.call_once(|| {
        log::set_logger(&Logger).unwrap();
        log::set_max_level(log::LevelFilter::Warn);
    });
    let guard = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    LINES.lock().unwrap_or_else(PoisonError::into_inner).clear();
    Alone(guard)
}

impl Drop for Alone {
    fn drop(&mut self) {
        #[cfg(debug_assertions)]
        if !std::thread::panicking() {
            assert_eq!(kafka_emr_hook::entries(), 0, "every list entry is freed");
        }
    }
}

fn lines() -> Vec<String> {
    LINES.lock().unwrap().clone()
}

fn open(nodes: &str) -> Resolver {
    Resolver::open(&format!("emr://48742?release=3.10&network=public&{nodes}")).unwrap()
}

fn one_worker() -> Resolver {
    open("emr-worker-1=10.0.1.24/127.0.0.24&emr-worker-2=10.0.1.25/::25")
}

const WORKER: &CStr = c"emr-worker-1.cluster-48742";

fn hints(family: c_int) -> addrinfo {
    // SAFETY: all-zero bytes are an addrinfo.
    let mut hints: addrinfo = unsafe { std::mem::zeroed() };
    hints.ai_family = family;
    hints.ai_socktype = libc::SOCK_STREAM;
    hints.ai_flags = libc::AI_ADDRCONFIG;
    hints
}

/// Reads a list, without freeing it.
fn addresses(list: *const addrinfo) -> Vec<SocketAddr> {
    let mut all = Vec::new();
    let mut next = list;
    // SAFETY: the tests pass lists that are not freed yet.
    while let Some(info) = unsafe { next.as_ref() } {
        all.push(address(info));
        next = info.ai_next;
    }
    all
}

/// Reads the address of an entry, which is as long as its family says.
fn address(info: &addrinfo) -> SocketAddr {
    // SAFETY: the entry is of a list that is not freed yet, and the length is looked at before the address.
    unsafe {
        match info.ai_family {
            libc::AF_INET => {
                assert_eq!(info.ai_addrlen as usize, size_of::<libc::sockaddr_in>());
                let raw = *info.ai_addr.cast::<libc::sockaddr_in>();
                (raw.sin_addr.s_addr.to_ne_bytes(), u16::from_be(raw.sin_port)).into()
            }
            libc::AF_INET6 => {
                assert_eq!(info.ai_addrlen as usize, size_of::<libc::sockaddr_in6>());
                let raw = *info.ai_addr.cast::<libc::sockaddr_in6>();
                (raw.sin6_addr.s6_addr, u16::from_be(raw.sin6_port)).into()
            }
            other => panic!("family {other}"),
        }
    }
}

/// Calls as librdkafka does, `*res` not initialised, and frees as it does.
fn call(
    callback: ResolveCallback,
    node: &CStr,
    service: Option<&CStr>,
    hints: Option<&addrinfo>,
) -> Result<Vec<SocketAddr>, c_int> {
    let mut res: *mut addrinfo = ptr::without_provenance_mut(0xDEAD_BEEF);
    let service = service.map_or(ptr::null(), CStr::as_ptr);
    let hints = hints.map_or(ptr::null(), ptr::from_ref);
    // SAFETY: strings end in NUL, hints are null or an addrinfo, `res` is space for a pointer.
    let code = unsafe { callback(node.as_ptr(), service, hints, &mut res, ptr::null_mut()) };
    if code != 0 {
        assert!(res.is_null(), "an error leaves null");
        return Err(code);
    }
    assert!(!res.is_null(), "a success is never empty");
    let found = addresses(res);
    // SAFETY: the free call, with the list of the call above.
    unsafe {
        assert_eq!(callback(ptr::null(), ptr::null(), ptr::null(), &mut res, ptr::null_mut()), 0);
        assert!(res.is_null(), "a freed list is gone");
        assert_eq!(callback(ptr::null(), ptr::null(), ptr::null(), &mut res, ptr::null_mut()), 0, "null is fine");
        assert_eq!(
            callback(ptr::null(), ptr::null(), ptr::null(), ptr::null_mut(), ptr::null_mut()),
            0,
            "null is fine"
        );
    }
    Ok(found)
}

#[track_caller]
fn check(node: &CStr, service: Option<&CStr>, family: c_int, expected: Result<&str, c_int>) {
    let hook = Hook::of(&one_worker()).unwrap();
    let expected = expected.map(|address| vec![address.parse::<SocketAddr>().unwrap()]);
    assert_eq!(call(hook.callback(), node, service, Some(&hints(family))), expected, "{node:?} {service:?}");
}

#[test]
fn names_and_literals_are_mapped_and_freed() {
    let _alone = alone();
    check(WORKER, Some(c"9092"), libc::AF_UNSPEC, Ok("127.0.0.24:9092"));
    check(c"EMR-Worker-1.CLUSTER-48742.", Some(c"9092"), libc::AF_INET, Ok("127.0.0.24:9092"));
    check(c"emr-worker-1", None, libc::AF_UNSPEC, Ok("127.0.0.24:0"));
    check(c"10.0.1.24", Some(c"9093"), libc::AF_UNSPEC, Ok("127.0.0.24:9093"));
    check(c"emr-worker-2", Some(c"9092"), libc::AF_UNSPEC, Ok("[::25]:9092"));
    check(c"emr-worker-2", Some(c"9092"), libc::AF_INET6, Ok("[::25]:9092"));
    check(c"10.0.1.25", Some(c"9092"), libc::AF_INET6, Ok("[::25]:9092"));
}

#[test]
#[cfg(not(miri))] // asks libc's getaddrinfo, which Miri does not have
fn hints_may_be_null() {
    let _alone = alone();
    let hook = Hook::of(&one_worker()).unwrap();
    // Each socket type: TCP, UDP, raw.
    let expected = ["127.0.0.24:9092".parse().unwrap(); 3];
    assert_eq!(call(hook.callback(), WORKER, Some(c"9092"), None).unwrap(), expected);
}

#[test]
#[cfg(not(miri))] // asks libc's getaddrinfo, which Miri does not have
fn what_cannot_be_answered_is_an_eai_code() {
    let _alone = alone();
    check(WORKER, Some(c"9092"), libc::AF_INET6, Err(libc::EAI_NONAME));
    check(WORKER, Some(c"9092"), libc::AF_UNIX, Err(libc::EAI_FAMILY));
    check(WORKER, Some(c"9092x"), libc::AF_UNSPEC, Err(libc::EAI_SERVICE));
    check(WORKER, Some(c"70000"), libc::AF_UNSPEC, Err(libc::EAI_SERVICE));
    check(WORKER, Some(c"-1"), libc::AF_UNSPEC, Err(libc::EAI_SERVICE));
    check(WORKER, Some(c"no-such-service"), libc::AF_UNSPEC, Err(libc::EAI_SERVICE));
    check(c"", Some(c"9092"), libc::AF_UNSPEC, Err(libc::EAI_NONAME));
    let long = CString::new("a".repeat(256)).unwrap();
    check(&long, Some(c"9092"), libc::AF_UNSPEC, Err(libc::EAI_NONAME));
    // What lies behind a NUL does not exist for C.
    check(c"emr-worker-1", Some(c"9092"), libc::AF_INET, Ok("127.0.0.24:9092"));
}

#[test]
fn strict_refuses_without_asking_the_system() {
    let _alone = alone();
    let resolver = open("strict=true&emr-worker-1=10.0.1.24/127.0.0.24");
    let hook = Hook::of(&resolver).unwrap();
    for _ in 0..3 {
        let code = call(hook.callback(), c"emr-worker-9.cluster-48742", Some(c"9092"), Some(&hints(libc::AF_UNSPEC)));
        assert_eq!(code, Err(libc::EAI_NONAME));
    }
    let lines = lines();
    assert_eq!(lines.len(), 1, "one warning: {lines:?}");
    assert!(lines[0].starts_with("WARN") && lines[0].contains("emr-worker-9.cluster-48742"), "{lines:?}");
}

/// A worker with a tunnel and addresses of its own, and one with a tunnel alone.
fn with_tunnels() -> Resolver {
    let mut description = one_worker().clusters()[0].description();
    description.nodes[0].connect = Some("127.0.0.1:19092".parse().unwrap());
    description.nodes[1].connect = Some("127.0.0.1:19093".parse().unwrap());
    (description.nodes[1].private_ip, description.nodes[1].public_ip) = (None, None);
    Resolver::from_clusters([kafka_emr_core::Cluster::new(description).unwrap()]).unwrap()
}

#[test]
fn connect_gives_its_own_port() {
    let _alone = alone();
    let hook = Hook::of(&with_tunnels()).unwrap();
    assert_eq!(
        call(hook.callback(), WORKER, Some(c"9092"), Some(&hints(libc::AF_UNSPEC))).unwrap(),
        ["127.0.0.1:19092".parse().unwrap()]
    );
}

#[test]
#[cfg(not(miri))] // asks libc's getaddrinfo, which Miri does not have
fn anything_else_goes_to_the_system_with_the_callers_hints() {
    let _alone = alone();
    let hook = Hook::of(&one_worker()).unwrap();
    let found = call(hook.callback(), c"127.0.0.7", Some(c"9092"), Some(&hints(libc::AF_INET))).unwrap();
    assert_eq!(found, ["127.0.0.7:9092".parse().unwrap()]);
    let every_type = call(hook.callback(), c"127.0.0.7", Some(c"9092"), None).unwrap();
    assert!(every_type.len() > 1, "with no hints, getaddrinfo lists each socket type: {every_type:?}");
    let mut numeric = hints(libc::AF_UNSPEC);
    numeric.ai_flags = libc::AI_NUMERICHOST;
    assert_eq!(call(hook.callback(), WORKER, Some(c"9092"), Some(&numeric)), Err(libc::EAI_NONAME));
    assert_eq!(
        call(hook.callback(), c"10.0.1.24", Some(c"1"), Some(&numeric)).unwrap(),
        ["127.0.0.24:1".parse().unwrap()]
    );
    assert!(call(hook.callback(), c"emr-\xFFworker", Some(c"9092"), Some(&numeric)).is_err());
    assert!(call(hook.callback(), c"127.0.0.7", Some(c"no-such-service"), Some(&hints(libc::AF_INET))).is_err());
}

#[test]
#[cfg(not(miri))] // asks libc's getaddrinfo, which Miri does not have
fn connect_is_for_kafkas_ports_and_tcp_in_a_program() {
    let _alone = alone();
    let resolver = with_tunnels();
    let connections = resolver.hosts().connections().clone();
    // Where sockets get to: TCP is led on.
    let ask = |node: &CStr, service: Option<&CStr>, hints: Option<&addrinfo>| {
        let mut list = ptr::null_mut();
        let service = service.map_or(ptr::null(), CStr::as_ptr);
        let hints = hints.map_or(ptr::null(), ptr::from_ref);
        // SAFETY: the strings are null or end in NUL, the hints are null or an addrinfo, and `list` is a place for the answer.
        let code = unsafe { lookup_in_program(&resolver, node.as_ptr(), service, hints, &raw mut list) };
        assert!(code.is_none_or(|code| code == 0), "{code:?}: without /etc/services (netbase), no service has a name");
        let (mut found, mut next) = (Vec::new(), list);
        // SAFETY: the list is not freed yet.
        while let Some(info) = unsafe { next.as_ref() } {
            let to = match (address(info), info.ai_socktype) {
                (to, libc::SOCK_STREAM) => connections.leads_to(to).unwrap_or(to),
                (to, _) => to,
            };
            found.push(format!("{} {to}", info.ai_socktype));
            next = info.ai_next;
        }
        // SAFETY: the list is null or was made above.
        unsafe { freeaddrinfo(list) };
        found.join(", ")
    };
    let (tcp, udp, raw) = (libc::SOCK_STREAM, libc::SOCK_DGRAM, libc::SOCK_RAW);
    let alone = c"emr-worker-2.cluster-48742";
    for (node, service, socktype, expected) in [
        (WORKER, Some(c"9092"), tcp, "1 127.0.0.1:19092"),
        (WORKER, Some(c"9093"), 0, "1 127.0.0.1:19092, 2 127.0.0.24:9093, 3 127.0.0.24:9093"),
        (WORKER, Some(c"22"), tcp, "1 127.0.0.24:22"),
        (WORKER, None, tcp, "1 127.0.0.24:0"),
        (WORKER, Some(c"9092"), udp, "2 127.0.0.24:9092"),
        (WORKER, None, raw, "3 127.0.0.24:0"),
        (alone, Some(c"9092"), tcp, "1 127.0.0.1:19093"),
        (alone, Some(c"9092"), 0, "1 127.0.0.1:19093"),
        // As libc has it; the port is put in later.
        (alone, None, tcp, "1 127.0.0.1:0"),
        (alone, Some(c"22"), tcp, ""),
        (alone, Some(c"domain"), tcp, ""),
        (alone, Some(c"9092"), udp, ""),
        (alone, None, raw, ""),
    ] {
        let mut hints = hints(libc::AF_UNSPEC);
        hints.ai_socktype = socktype;
        assert_eq!(ask(node, service, Some(&hints)), expected, "{node:?} {service:?} {socktype}");
    }
    assert!(lines().iter().any(|line| line.contains("emr-worker-2") && line.contains("add its private_ip")));
    // Without hints, every type is asked for.
    assert_eq!(ask(WORKER, Some(c"9092"), None), "1 127.0.0.1:19092, 2 127.0.0.24:9092, 3 127.0.0.24:9092");
    assert_eq!(ask(alone, Some(c"9092"), None), "1 127.0.0.1:19093");
}

type MapLookup =
    unsafe fn(&Resolver, *const c_char, *const c_char, *const addrinfo, *mut *mut addrinfo) -> Option<c_int>;

#[test]
fn the_map_alone_leaves_other_names_to_the_caller() {
    let _alone = alone();
    let resolver = one_worker();
    let ask = |lookup: MapLookup, node: &CStr| {
        let mut list = ptr::dangling_mut();
        // SAFETY: the strings end in NUL, and `list` is a place for the answer.
        let code =
            unsafe { lookup(&resolver, node.as_ptr(), c"9092".as_ptr(), &hints(libc::AF_UNSPEC), &raw mut list) };
        let found = addresses(list);
        // SAFETY: the list is null or was made above.
        unsafe { freeaddrinfo(list) };
        (code, found)
    };
    let mapped = (Some(0), vec!["127.0.0.24:9092".parse().unwrap()]);
    for lookup in [lookup as MapLookup, lookup_in_program] {
        assert_eq!(ask(lookup, c"example.org"), (None, vec![]));
        assert_eq!(ask(lookup, c"127.0.0.1"), (None, vec![]));
    }
    assert_eq!(ask(lookup, WORKER), mapped);
    #[cfg(not(miri))] // a program's answer is made by libc's getaddrinfo, which Miri does not have
    assert_eq!(ask(lookup_in_program, WORKER), mapped);
    // A whole program may mean somebody else by these.
    for name in [c"emr-worker-1", c"10.0.1.24"] {
        assert_eq!(ask(lookup, name), mapped);
        assert_eq!(ask(lookup_in_program, name), (None, vec![]));
    }
}

#[test]
#[cfg(not(miri))] // asks libc's getaddrinfo, which Miri does not have
fn the_canonical_name_is_the_name() {
    let _alone = alone();
    let mut hints = hints(libc::AF_UNSPEC);
    hints.ai_flags = libc::AI_CANONNAME;
    for (node, expected) in [(WORKER, WORKER), (c"127.0.0.7", c"127.0.0.7")] {
        let mut res = ptr::null_mut();
        // SAFETY: strings end in NUL, `res` is space for a pointer, and the list is freed once.
        unsafe {
            assert_eq!(getaddrinfo(&one_worker(), node.as_ptr(), c"1".as_ptr(), &hints, &mut res), 0);
            assert_eq!(CStr::from_ptr((*res).ai_canonname), expected);
            freeaddrinfo(res);
        }
    }
    // SAFETY: null for the result is an error, not a crash.
    let code = unsafe { getaddrinfo(&one_worker(), WORKER.as_ptr(), ptr::null(), ptr::null(), ptr::null_mut()) };
    assert_eq!(code, libc::EAI_FAIL);
}

#[test]
fn a_panic_inside_is_a_failed_lookup_and_one_line() {
    let _alone = alone();
    let resolver = open("strict=true&emr-worker-1=10.0.1.24/127.0.0.24");
    let hook = Hook::of(&resolver).unwrap();
    PANIC_AT_NEXT_LINE.set(true);
    assert_eq!(
        call(hook.callback(), c"emr-worker-9.cluster-48742", Some(c"9092"), Some(&hints(libc::AF_UNSPEC))),
        Err(libc::EAI_FAIL)
    );
    let lines = lines();
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].starts_with("ERROR") && lines[0].contains("panicked"), "{lines:?}");
    assert!(!lines[0].contains('\n'), "{lines:?}");
    assert!(call(hook.callback(), WORKER, Some(c"9092"), Some(&hints(libc::AF_UNSPEC))).is_ok(), "the next call works");
}

#[test]
fn a_lookup_allocates_its_answer_only() {
    let _alone = alone();
    let hook = Hook::of(&one_worker()).unwrap();
    let (callback, hints) = (hook.callback(), hints(libc::AF_UNSPEC));
    let allocations = |name: &CStr| {
        let mut res = ptr::null_mut();
        let before = ALLOCATIONS.get();
        // SAFETY: strings end in NUL, `res` is space for a pointer.
        let code = unsafe { callback(name.as_ptr(), c"9092".as_ptr(), &hints, &mut res, ptr::null_mut()) };
        assert_eq!(code, 0);
        let made = ALLOCATIONS.get() - before;
        // SAFETY: the list of the call above.
        unsafe { callback(ptr::null(), ptr::null(), ptr::null(), &mut res, ptr::null_mut()) };
        made
    };
    allocations(WORKER);
    for name in [WORKER, c"EMR-WORKER-1.CLUSTER-48742."] {
        assert_eq!(allocations(name), 1, "the one entry: {name:?}");
    }
}

#[test]
#[cfg(not(miri))] // thousands of resolvers take Miri an hour
fn resolvers_never_mix_and_slots_come_back() {
    let _alone = alone();
    assert_eq!(Hook::slots_in_use(), 0);
    let resolver = |i: usize| open(&format!("emr-worker-1=10.0.1.24/127.1.{}.{}", i / 256, i % 256));
    let hooks: Vec<Hook> = (0..SLOTS).map(|i| Hook::of(&resolver(i)).unwrap()).collect();
    for (i, hook) in hooks.iter().enumerate() {
        let expected: SocketAddr = format!("127.1.{}.{}:9092", i / 256, i % 256).parse().unwrap();
        assert_eq!(call(hook.callback(), WORKER, Some(c"9092"), Some(&hints(libc::AF_UNSPEC))).unwrap(), [expected]);
    }
    let error = Hook::of(&resolver(SLOTS)).unwrap_err().to_string();
    assert!(error.contains(&SLOTS.to_string()), "{error}");
    let shared = Hook::of(hooks[7].resolver()).unwrap();
    assert!(ptr::fn_addr_eq(shared.callback(), hooks[7].callback()), "clients of one resolver share its slot");
    drop(hooks);
    for i in 0..3 * SLOTS {
        let hook = Hook::of(&resolver(i)).unwrap();
        assert!(call(hook.callback(), WORKER, Some(c"9092"), Some(&hints(libc::AF_UNSPEC))).is_ok());
    }
    assert_eq!(Hook::slots_in_use(), 1);
    let seven: SocketAddr = "127.1.0.7:9092".parse().unwrap();
    assert_eq!(call(shared.callback(), WORKER, Some(c"9092"), Some(&hints(libc::AF_UNSPEC))).unwrap(), [seven]);
}

#[test]
fn a_callback_that_is_called_too_late_fails() {
    let _alone = alone();
    let hook = Hook::of(&one_worker()).unwrap();
    let callback = hook.callback();
    drop(hook);
    assert_eq!(call(callback, WORKER, Some(c"9092"), Some(&hints(libc::AF_UNSPEC))), Err(libc::EAI_FAIL));
    assert!(lines()[0].contains("after its resolver was freed"), "{:?}", lines());
}

#[test]
fn a_callback_is_known_by_its_address() {
    let _alone = alone();
    let hook = Hook::of(&one_worker()).unwrap();
    assert!(Hook::is_callback(hook.callback() as usize));
    assert!(!Hook::is_callback(0) && !Hook::is_callback(getaddrinfo as *const () as usize));
}

#[test]
fn an_opaque_keeps_the_hook_alive() {
    let _alone = alone();
    let hook = Hook::of(&one_worker()).unwrap();
    let callback = hook.callback();
    let opaque: *mut c_void = hook.into_opaque();
    assert!(call(callback, WORKER, Some(c"9092"), Some(&hints(libc::AF_UNSPEC))).is_ok());
    // SAFETY: the pointer of `into_opaque`, taken back once.
    drop(unsafe { Hook::from_opaque(opaque) });
    assert_eq!(call(callback, WORKER, Some(c"9092"), Some(&hints(libc::AF_UNSPEC))), Err(libc::EAI_FAIL));
}

#[test]
fn many_threads_make_and_end_hooks_at_once() {
    let _alone = alone();
    let rounds = if cfg!(miri) { 3 } else { 50 };
    let shared = one_worker();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..rounds {
                    let own = Hook::of(&Resolver::from_clusters([shared.clusters()[0].clone()]).unwrap()).unwrap();
                    let common = Hook::of(&shared).unwrap();
                    assert!(call(own.callback(), WORKER, Some(c"9092"), Some(&hints(libc::AF_UNSPEC))).is_ok());
                    assert!(call(common.callback(), WORKER, Some(c"9092"), Some(&hints(libc::AF_UNSPEC))).is_ok());
                }
            });
        }
    });
    assert_eq!(Hook::slots_in_use(), 0);
}

#[test]
fn many_threads_call_while_resolvers_come_and_go() {
    let _alone = alone();
    let rounds = if cfg!(miri) { 10 } else { 2000 };
    let hook = Hook::of(&one_worker()).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..rounds {
                    assert_eq!(
                        call(hook.callback(), WORKER, Some(c"9092"), Some(&hints(libc::AF_UNSPEC))).unwrap().len(),
                        1
                    );
                }
            });
        }
        scope.spawn(|| {
            for _ in 0..rounds / 10 {
                let other = Hook::of(&open("emr-worker-1=10.0.1.24/127.0.0.99")).unwrap();
                let found = call(other.callback(), WORKER, Some(c"9092"), Some(&hints(libc::AF_UNSPEC))).unwrap();
                assert_eq!(found, ["127.0.0.99:9092".parse().unwrap()]);
            }
        });
    });
}
