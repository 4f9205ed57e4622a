//! What getaddrinfo answers for the clusters' names in a whole program.

use std::ffi::{CString, c_int};
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};

use kafka_emr_core::{Cluster, Dial, Family, Hosts, Lookup, Node, Reach};
use libc::sockaddr_in;

use crate::connection::leads_to;
use crate::system::{GetAddrInfo, Query, SystemList};

/// The answer for a name of the clusters.
#[derive(Debug)]
pub struct ProgramAnswer {
    /// libc's lists for the addresses, at least one.
    pub lists: Vec<SystemList>,
    /// The canonical name, if the query asks for it: as a hosts file has it, which names the long domain first.
    pub canonical: Option<CString>,
}

/// Answers for a name that was looked up by
/// [`Resolver::lookup_in_program`](kafka_emr_core::Resolver::lookup_in_program); `None` if the system resolver is to be asked.
/// `system` is libc's getaddrinfo, or one that stands in front of it.
///
/// A node's `connect` is for TCP to Kafka's ports. Its name therefore leads to an address of its own, which
/// [`redirect`](crate::redirect) leads on when it is connected to: then it does not matter who puts the port in. If the node has
/// no such address, its name leads to the tunnel itself, for TCP to Kafka's ports alone.
///
/// # Errors
///
/// The answer can be the `EAI_*` code that libc has for such a host, service and hints.
#[must_use]
pub fn answer_in_program(
    hosts: &Hosts,
    lookup: &Lookup,
    system: GetAddrInfo,
    name: &str,
    query: &Query<'_>,
) -> Option<Result<ProgramAnswer, c_int>> {
    let dial = match lookup {
        Lookup::System => return None,
        Lookup::Refused => return Some(Err(query.refusal(system, name))),
        Lookup::Mapped(dial) => dial,
    };
    let node = hosts.node_for(Reach::Program, name);
    let lists = match node {
        Some((cluster, node)) if dial.port().is_some() => tunnel(hosts, cluster, node, dial, system, name, query)?,
        _ => query.answer(system, name, dial.addresses()),
    };
    let long_domain = node.and_then(|(_, node)| node.long_domain());
    let canonical = query.has(libc::AI_CANONNAME).then(|| CString::new(long_domain.unwrap_or(name)));
    Some(lists.and_then(|lists| {
        let canonical = canonical.transpose().map_err(|_| libc::EAI_FAIL)?;
        Ok(ProgramAnswer { lists, canonical })
    }))
}

/// Answers for the name of a node with `connect`.
fn tunnel(
    hosts: &Hosts,
    cluster: &Cluster,
    node: &Node,
    tunnel: &Dial,
    system: GetAddrInfo,
    name: &str,
    query: &Query<'_>,
) -> Option<Result<Vec<SystemList>, c_int>> {
    let kafka_ports = cluster.kafka_ports();
    let port = query.port().filter(|port| *port != 0);
    if !query.takes_tcp() || port.is_some_and(|port| !kafka_ports.contains(&port)) {
        let rule = cluster.rule().dials;
        let own = node.own_dial(rule, query.family()?).or_else(|| node.own_dial(rule, Family::Any))?;
        return Some(query.answer(system, name, own.addresses()));
    }
    if let Some(entry) = tunnel_entries(hosts, cluster, node).find(|ip| query.takes(ip)) {
        return Some(query.answer(system, name, &[entry]));
    }
    let mut lists = match query.of_tcp().answer(system, name, tunnel.addresses()) {
        Ok(lists) => lists,
        Err(code) => return Some(Err(code)),
    };
    let is_for_kafka = lists.iter_mut().all(|list| put_port(list, name, &kafka_ports, tunnel.port()));
    is_for_kafka.then_some(Ok(lists))
}

/// Returns the addresses of a node that connections lead on from to its `connect`, in the form in which they do. None without
/// `connect`.
pub fn tunnel_entries<'a>(hosts: &'a Hosts, cluster: &'a Cluster, node: &'a Node) -> impl Iterator<Item = IpAddr> + 'a {
    let connections = hosts.connections();
    let leads_to_v6 = node.connect().is_some_and(|to| to.is_ipv6());
    // Only a socket that takes IPv6 can be led to IPv6.
    let form = move |ip: IpAddr| match ip {
        IpAddr::V4(v4) if leads_to_v6 => v4.to_ipv6_mapped().into(),
        ip => ip,
    };
    let is_led_on = |ip: &IpAddr| leads_to(connections, (*ip, cluster.broker_port()).into()).is_some();
    connections.tunnel_entries(cluster, node).map(form).filter(is_led_on)
}

/// Puts the port of a node's `connect` in the place of Kafka's. Returns whether the list is for these ports: libc knows those of
/// services by name.
fn put_port(list: &mut SystemList, name: &str, kafka_ports: &[u16], instead: Option<u16>) -> bool {
    static HAS_WARNED: AtomicBool = AtomicBool::new(false);
    list.entries_mut().all(|entry| {
        // SAFETY: libc's entry has an address of its family; both have the port in the same place.
        let port = unsafe { &mut (*entry.ai_addr.cast::<sockaddr_in>()).sin_port };
        if *port == 0 {
            if !HAS_WARNED.swap(true, Ordering::Relaxed) {
                log::warn!(
                    "{name}: a program that puts the port in by itself does not get that of connect, because the node has \
                     no address of its own that leads there: add its private_ip"
                );
            }
            return true;
        }
        let is_kafka = kafka_ports.contains(&u16::from_be(*port));
        if let Some(instead) = instead.filter(|_| is_kafka) {
            *port = instead.to_be();
        }
        is_kafka
    })
}
