//! Everything that makes a description impossible, in one place.

use std::net::{IpAddr, SocketAddr};

use crate::cluster::{Inner, Node, bad};
use crate::index::Index;
use crate::rules::NodeAddress;
use crate::{BootstrapStyle, Description, Dial, Error, ErrorKind, FirstOf, Network, NodeDescription, Rule, names};

/// How many nodes a message names.
const SHOWN: usize = 10;

/// Checks a description and applies the version rules to it.
pub(crate) fn check(description: Description) -> Result<Inner, Error> {
    description.check_release(description.is_hosts_text)?;
    let Description { settings, nodes, plain_hosts, is_hosts_text } = description;
    let rule = Rule::of(settings.release.as_ref(), settings.network.unwrap_or_default());
    check_id(&settings, &nodes, rule)?;
    if settings.port == Some(0) {
        return Err(bad("port: 0 is no port; expected 1 to 65535"));
    }
    if nodes.is_empty() {
        return Err(bad("no nodes: expected one, with its name and address, for each machine of the cluster"));
    }
    let id = settings.id.as_deref();
    let domain = id.and_then(|id| names::domain(id, settings.region.as_deref()));
    let mut checked = Vec::with_capacity(nodes.len());
    for (number, node) in nodes.into_iter().enumerate() {
        check_node(&node, number)?;
        let long_domain = names::long_domain(&node, id, domain.as_deref());
        if let Some(why) = long_domain.as_deref().and_then(names::why_no_name) {
            return Err(bad(format!("node {}: its long domain cannot be: {why}", node.name)));
        }
        let dial = match node.connect {
            Some(connect) => Some(Dial::new(connect.ip(), Some(connect.port()))),
            None => node.address(rule.dials).map(|address| Dial::new(address, None)),
        };
        let role = node.role_or_named();
        let is_broker = node.is_broker();
        checked.push(Node { role, is_broker, long_domain, dial, description: node });
    }
    if let Some(why) = plain_hosts.iter().find_map(|(name, _)| names::why_no_name(name)) {
        return Err(bad(format!("plain hosts: {why}")));
    }
    let index = Index::build(&mut checked, &plain_hosts, id, domain.as_deref(), rule.network)?;
    check_brokers(&checked, rule)?;
    Ok(Inner { settings, is_hosts_text, rule, domain, nodes: checked, plain_hosts, index })
}

fn check_id(settings: &crate::Settings, nodes: &[NodeDescription], rule: &Rule) -> Result<(), Error> {
    let is_word = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    match (&settings.id, &settings.region) {
        (Some(id), region) => {
            if let Some(digits) = names::strip_prefix_ignore_case(id, "cluster-") {
                return Err(bad(format!("id: {id:?} is more than the id; expected {digits:?}")));
            }
            if id.starts_with("C-") {
                return Err(bad(format!(
                    "id: {id:?} is the API's id of the cluster; expected the part that long domains end in, such as \
                     \"48742\" of emr-worker-1.cluster-48742"
                )));
            }
            if !is_word(id) {
                return Err(bad(format!(
                    "id: {id:?} is not possible; expected letters, digits and '-', such as \"48742\""
                )));
            }
            if names::is_new_console(id) && region.is_none() {
                return Err(bad(format!(
                    "region: missing; with the id {id:?} long domains carry it, such as \"cn-shanghai\""
                )));
            }
        }
        (None, _) => {
            let why = if settings.bootstrap == Some(BootstrapStyle::Names) {
                "bootstrap = \"names\" needs it".to_owned()
            } else if rule.bootstrap == BootstrapStyle::Names {
                format!("it is required {}", rule.releases())
            } else {
                return check_region(settings, is_word);
            };
            if let Some(node) = nodes.iter().find(|node| node.host.is_none()) {
                return Err(bad(missing_id(&why, &node.name)));
            }
        }
    }
    check_region(settings, is_word)
}

/// Why `id` has to be given, for a message.
pub(crate) fn missing_id(why: &str, node: &str) -> String {
    format!("id: missing; {why}, because the long domain of {node} ends in it: \"48742\" for {node}.cluster-48742")
}

fn check_region(settings: &crate::Settings, is_word: impl Fn(&str) -> bool) -> Result<(), Error> {
    match settings.region.as_deref() {
        Some(region) if !is_word(region) => {
            Err(bad(format!("region: {region:?} is not possible; expected one such as \"cn-shanghai\"")))
        }
        _ => Ok(()),
    }
}

fn check_node(node: &NodeDescription, number: usize) -> Result<(), Error> {
    let at = |key: &str, why: String| match node.name.is_empty() {
        true => bad(format!("nodes[{number}]: {key}: {why}")),
        false => bad(format!("node {}: {key}: {why}", node.name)),
    };
    if let Some(why) = names::why_no_name(&node.name) {
        return Err(at("name", why));
    }
    if let Some((short, _)) = node.name.split_once('.') {
        let why = format!(
            "{:?} has a domain, which follows from id; expected {short:?}, with other names in host or aliases",
            node.name
        );
        return Err(at("name", why));
    }
    if let Some(why) = node.host.as_deref().and_then(names::why_no_name) {
        return Err(at("host", why));
    }
    if let Some(why) = node.aliases.iter().find_map(|alias| names::why_no_name(alias)) {
        return Err(at("aliases", why));
    }
    let connect = node.connect.map(|connect| connect.ip());
    for (key, ip) in [("private_ip", node.private_ip), ("public_ip", node.public_ip), ("connect", connect)] {
        if let Some(ip) = ip.filter(|ip| !is_machines(*ip)) {
            return Err(at(key, format!("{ip} is no address of a machine")));
        }
    }
    if node.connect.is_some_and(|connect| connect.port() == 0) {
        return Err(at("connect", "port 0 is no port; expected 1 to 65535".to_owned()));
    }
    if let Some(SocketAddr::V6(connect)) =
        node.connect.filter(|connect| matches!(connect, SocketAddr::V6(v6) if v6.scope_id() != 0))
    {
        let why = format!("{connect} has a scope; expected an address that is the same on every machine");
        return Err(at("connect", why));
    }
    if node.private_ip.is_none() && node.public_ip.is_none() && node.connect.is_none() {
        return Err(bad(format!("node {}: no address; expected private_ip, public_ip or connect", node.name)));
    }
    if node.role_or_named().is_none() && node.broker.is_none() {
        return Err(bad(format!(
            "node {}: the name does not tell what the node is; add role (master, core, task, gateway) or broker (true, false)",
            node.name
        )));
    }
    Ok(())
}

/// Whether a machine can have an address.
fn is_machines(ip: IpAddr) -> bool {
    let is_broadcast = matches!(ip.to_canonical(), IpAddr::V4(v4) if v4.is_broadcast());
    !ip.to_canonical().is_unspecified() && !ip.to_canonical().is_multicast() && !is_broadcast
}

fn check_brokers(nodes: &[Node], rule: &Rule) -> Result<(), Error> {
    if !nodes.iter().any(Node::is_broker) {
        let nodes: Vec<String> = nodes
            .iter()
            .map(|node| match node.role() {
                Some(role) => format!("{} ({role})", node.name()),
                None => node.name().to_owned(),
            })
            .collect();
        return Err(bad(format!(
            "no broker among the nodes {}: core nodes are brokers, others with `broker = true`",
            FirstOf(SHOWN, &nodes)
        )));
    }
    let without = nodes.iter().filter(|node| node.is_broker() && node.dial().is_none());
    let without: Vec<&str> = without.map(Node::name).collect();
    if without.is_empty() {
        return Ok(());
    }
    let (key, what, next) = match rule.dials {
        NodeAddress::PublicIp => {
            ("public_ip", "EIP", "bind EIPs to them, or use network = \"private\" from inside the VPC")
        }
        NodeAddress::PrivateIp => {
            ("private_ip", "private IP", "add it, or use network = \"public\" to reach them by their EIPs")
        }
    };
    let network: Network = rule.network;
    Err(Error::new(
        ErrorKind::Address,
        // What to do comes first: who reads it has a screen or a buffer of some length.
        format!("brokers without {what} ({key}) on the {network} network; {next}: {}", without.join(", ")),
    )
    .in_full())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Cluster, EmrVersion};

    #[test]
    fn every_broker_without_an_eip_is_named_behind_what_to_do() {
        let mut description = Description::new("3.11".parse::<EmrVersion>().unwrap());
        description.settings.id = Some("48742".to_owned());
        description.settings.network = Some(Network::Public);
        for number in 1..=300 {
            let mut node = NodeDescription::new(format!("emr-worker-{number}"));
            node.private_ip = Some(IpAddr::from([10, 0, (number / 250) as u8, (number % 250 + 1) as u8]));
            description.nodes.push(node);
        }
        let error = Cluster::new(description).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Address);
        let text = error.to_string();
        let cure = text.find("bind EIPs to them").unwrap();
        assert!(cure < text.find("emr-worker-1,").unwrap() && text.ends_with("emr-worker-300"), "{text}");
    }
}
