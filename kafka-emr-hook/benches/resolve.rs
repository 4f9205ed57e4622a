//! What one resolve costs through the callback, as librdkafka calls it: the call, and the call that frees the list.
//!
//! Beside it stand the lookup alone, and the system's getaddrinfo for an address, which asks nobody.

use std::ffi::CString;
use std::net::Ipv4Addr;
use std::ptr;

use divan::{Bencher, Divan, black_box};
use kafka_emr_core::{Cluster, Description, EmrVersion, Family, Lookup, Network, NodeDescription, Resolver};
use kafka_emr_hook::Hook;
use libc::{addrinfo, c_int};

const NODES: [u32; 4] = [4, 50, 1_000, 10_000];

fn main() {
    // Many calls to a sample: one alone is not much longer than a look at the clock.
    Divan::default().sample_size(1000).config_with_args().main();
}

/// One resolve through the callback.
mod callback {
    use super::*;

    #[divan::bench(args = NODES)]
    fn name(bencher: Bencher<'_, '_>, nodes: u32) {
        resolve(bencher, nodes, &long_domain(nodes));
    }

    #[divan::bench(args = NODES)]
    fn name_in_upper_case(bencher: Bencher<'_, '_>, nodes: u32) {
        resolve(bencher, nodes, &long_domain(nodes).to_ascii_uppercase());
    }

    #[divan::bench(args = NODES)]
    fn private_ip(bencher: Bencher<'_, '_>, nodes: u32) {
        resolve(bencher, nodes, &private_ip_of(nodes).to_string());
    }

    #[divan::bench(args = NODES, threads = 2)]
    fn name_on_two_threads(bencher: Bencher<'_, '_>, nodes: u32) {
        resolve(bencher, nodes, &long_domain(nodes));
    }

    /// A resolver that follows a file looks at it once a second, and asks the clock each time.
    #[divan::bench(args = NODES)]
    fn name_from_a_file(bencher: Bencher<'_, '_>, nodes: u32) {
        let path = format!("{}/resolve-{nodes}.toml", env!("CARGO_TARGET_TMPDIR"));
        std::fs::write(&path, description(nodes).to_toml().unwrap()).unwrap();
        resolve_with(bencher, &Resolver::open(&path).unwrap(), &long_domain(nodes));
    }
}

/// The lookup in the map, without a list for C.
mod lookup {
    use super::*;

    #[divan::bench(args = NODES)]
    fn name(bencher: Bencher<'_, '_>, nodes: u32) {
        look_up(bencher, nodes, &long_domain(nodes));
    }

    #[divan::bench(args = NODES)]
    fn name_in_upper_case(bencher: Bencher<'_, '_>, nodes: u32) {
        look_up(bencher, nodes, &long_domain(nodes).to_ascii_uppercase());
    }

    #[divan::bench(args = NODES)]
    fn private_ip(bencher: Bencher<'_, '_>, nodes: u32) {
        look_up(bencher, nodes, &private_ip_of(nodes).to_string());
    }

    #[divan::bench(args = NODES)]
    fn foreign_name(bencher: Bencher<'_, '_>, nodes: u32) {
        let resolver = resolver(nodes);
        assert_eq!(resolver.lookup("kafka-1.example.com", Family::Any), Lookup::System);
        bencher.bench(|| resolver.lookup(black_box("kafka-1.example.com"), Family::Any));
    }

    #[divan::bench(args = NODES, threads = 2)]
    fn name_on_two_threads(bencher: Bencher<'_, '_>, nodes: u32) {
        look_up(bencher, nodes, &long_domain(nodes));
    }
}

/// libc's getaddrinfo and freeaddrinfo.
mod system {
    use super::*;

    #[divan::bench]
    fn address(bencher: Bencher<'_, '_>) {
        ask_system(bencher, libc::AI_ADDRCONFIG);
    }

    #[divan::bench]
    fn address_with_numeric_flags(bencher: Bencher<'_, '_>) {
        ask_system(bencher, libc::AI_NUMERICHOST | libc::AI_NUMERICSERV);
    }

    #[divan::bench(threads = 2)]
    fn address_on_two_threads(bencher: Bencher<'_, '_>) {
        ask_system(bencher, libc::AI_ADDRCONFIG);
    }
}

fn resolve(bencher: Bencher<'_, '_>, nodes: u32, host: &str) {
    resolve_with(bencher, &resolver(nodes), host);
}

fn resolve_with(bencher: Bencher<'_, '_>, resolver: &Resolver, host: &str) {
    let hook = Hook::of(resolver).unwrap();
    let callback = hook.callback();
    let host = CString::new(host).unwrap();
    bencher.bench(|| {
        let mut list = ptr::null_mut();
        let hints = hints(libc::AI_ADDRCONFIG);
        // SAFETY: the strings end in NUL, the hints are an addrinfo, `list` is a place for the answer, and `hook` lives.
        let code = unsafe {
            callback(black_box(&host).as_ptr(), c"9092".as_ptr(), &raw const hints, &raw mut list, ptr::null_mut())
        };
        assert!(code == 0 && !list.is_null());
        // SAFETY: with neither host nor service the callback frees the list, which is its own.
        unsafe { callback(ptr::null(), ptr::null(), ptr::null(), &raw mut list, ptr::null_mut()) }
    });
}

fn look_up(bencher: Bencher<'_, '_>, nodes: u32, host: &str) {
    let resolver = resolver(nodes);
    assert!(matches!(resolver.lookup(host, Family::Any), Lookup::Mapped(_)));
    bencher.bench(|| resolver.lookup(black_box(host), Family::Any));
}

fn ask_system(bencher: Bencher<'_, '_>, flags: c_int) {
    bencher.bench(|| {
        let mut list = ptr::null_mut();
        let hints = hints(flags);
        // SAFETY: the strings end in NUL, the hints are an addrinfo, and `list` is a place for the answer.
        let code = unsafe {
            libc::getaddrinfo(black_box(c"203.0.113.24").as_ptr(), c"9092".as_ptr(), &raw const hints, &raw mut list)
        };
        assert!(code == 0 && !list.is_null());
        // SAFETY: the list was made by libc's getaddrinfo and is freed once.
        unsafe { libc::freeaddrinfo(list) };
    });
}

/// The hints that librdkafka gives, apart from the flags.
fn hints(flags: c_int) -> addrinfo {
    // SAFETY: all-zero bytes are an addrinfo: numbers and null pointers.
    let mut hints: addrinfo = unsafe { std::mem::zeroed() };
    hints.ai_flags = flags;
    hints.ai_socktype = libc::SOCK_STREAM;
    hints.ai_protocol = libc::IPPROTO_TCP;
    hints
}

fn resolver(nodes: u32) -> Resolver {
    Resolver::from_clusters([Cluster::new(description(nodes)).unwrap()]).unwrap()
}

/// A cluster on the public network, where private addresses are mapped too.
fn description(nodes: u32) -> Description {
    let mut description = Description::new(EmrVersion::new(3, 10));
    description.settings.id = Some("48742".to_owned());
    description.settings.network = Some(Network::Public);
    for i in 1..=nodes {
        let mut node = NodeDescription::new(format!("emr-worker-{i}"));
        node.private_ip = Some(private_ip_of(i).into());
        node.public_ip = Some(Ipv4Addr::from_bits(0xCB00_0000 + i).into());
        description.nodes.push(node);
    }
    description
}

fn private_ip_of(node: u32) -> Ipv4Addr {
    Ipv4Addr::from_bits(0x0A00_0000 + node)
}

fn long_domain(node: u32) -> String {
    format!("emr-worker-{node}.cluster-48742")
}
