//! The shapes of API replies, told by content.
//!
//! Keys are compared without case, because some pages show `hostName` where others show `HostName`, and a list may stand
//! bare or inside a key of its own (`HostList.Host`).

use std::net::IpAddr;

use kafka_emr_core::{NodeRole, OneLine};
use serde_json::Value;

/// What one reply tells.
#[derive(Default)]
pub(super) struct Reply {
    /// The API's name of the cluster: `C-…` of the old console, `c-…` of the new one.
    pub(super) cluster: Option<String>,
    pub(super) region: Option<String>,
    pub(super) release: Option<String>,
    pub(super) page: Page,
    pub(super) records: Records,
}

/// Where a reply stands among the pages of its call.
#[derive(Default)]
pub(super) struct Page {
    pub(super) number: Option<usize>,
    pub(super) size: Option<usize>,
    pub(super) total: Option<usize>,
    /// Whether another page follows.
    pub(super) continues: bool,
}

/// The list in a reply.
#[derive(Default)]
pub(super) enum Records {
    #[default]
    None,
    /// `ListClusterHost` and `ListNodes`: machines with names.
    Hosts { call: &'static str, hosts: Vec<Host> },
    /// `DescribeClusterV2`: machines without names.
    Instances(Vec<Host>),
    /// `ListComponentInstances`: what runs where.
    Components(Vec<Component>),
}

/// One machine, as far as a reply tells.
#[derive(Default)]
pub(super) struct Host {
    pub(super) name: Option<String>,
    pub(super) instance: Option<String>,
    pub(super) private_ip: Address,
    pub(super) public_ip: Address,
    pub(super) role: Option<NodeRole>,
    pub(super) released: bool,
}

/// An address in a reply.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Address {
    /// The reply does not say.
    #[default]
    Unknown,
    /// The reply says that there is none.
    Absent,
    Is(IpAddr),
}

impl Address {
    pub(super) fn get(self) -> Option<IpAddr> {
        match self {
            Address::Is(address) => Some(address),
            Address::Unknown | Address::Absent => None,
        }
    }
}

/// A component of an application on a node.
pub(super) struct Component {
    pub(super) application: Option<String>,
    pub(super) component: Option<String>,
    pub(super) node_id: Option<String>,
    pub(super) node_name: Option<String>,
}

/// Reads the replies in a JSON document: one, or a list of them or of their records.
pub(super) fn read(document: &Value) -> Result<Vec<Reply>, String> {
    let Value::Array(items) = document else { return read_reply(document).map(|reply| vec![reply]) };
    if items.is_empty() {
        return Err("an empty list; expected hosts: ask the API with the id and the region of the cluster".to_owned());
    }
    match records(items)? {
        Some(records) => Ok(vec![Reply { records, ..Reply::default() }]),
        None => items.iter().map(read_reply).collect(),
    }
}

fn read_reply(document: &Value) -> Result<Reply, String> {
    // The sample of `DescribeClusterV2` stands inside `data`.
    let reply = object(document, "data")?.unwrap_or(document);
    let mut told = Reply { cluster: text(reply, "ClusterId")?, region: text(reply, "RegionId")?, ..Reply::default() };
    if let Some(hosts) = list(reply, "HostList", "Host")? {
        told.records = Records::Hosts { call: "ListClusterHost", hosts: each(hosts, old_host)? };
        told.page = page(reply, "Total")?;
    } else if let Some(components) = list(reply, "ComponentInstances", "ComponentInstance")? {
        told.records = Records::Components(each(components, component)?);
        told.page = page(reply, "TotalCount")?;
    } else if let Some(nodes) = list(reply, "Nodes", "Node")? {
        if nodes.iter().any(|node| has(node, "name") && !has(node, "NodeName")) {
            return Err("a cluster description already; --update merges replies of the API into it".to_owned());
        }
        told.records = Records::Hosts { call: "ListNodes", hosts: each(nodes, new_node)? };
        told.page = page(reply, "TotalCount")?;
    } else if let Some(cluster) = object(reply, "Cluster")? {
        told.cluster = text(cluster, "ClusterId")?;
        told.region = text(cluster, "RegionId")?;
        told.release = text(cluster, "ReleaseVersion")?;
    } else if let Some(cluster) = object(reply, "ClusterInfo")? {
        told.cluster = text(cluster, "ClusterId")?.or(text(cluster, "Id")?);
        told.region = text(cluster, "RegionId")?;
        if let Some(software) = field(cluster, "SoftwareInfo")? {
            told.release = text(software, "EmrVer")?;
        }
        told.records = Records::Instances(instances(cluster)?);
    } else {
        return Err(why_unknown(reply));
    }
    Ok(told)
}

/// Says what a document is that tells nothing of a cluster.
pub(super) fn why_unknown(reply: &Value) -> String {
    let shown = |key| match field(reply, key) {
        Ok(Some(Value::String(text))) => text.trim().to_owned(),
        Ok(Some(Value::Number(number))) => number.to_string(),
        _ => String::new(),
    };
    if has(reply, "Code") && has(reply, "Message") {
        return answered(&shown("Code"), &shown("Message"));
    }
    "JSON, but of none of the replies that tell of a cluster's machines; expected ListClusterHost, DescribeClusterV2, \
     DescribeClusterBasicInfo, ListNodes, GetCluster or ListComponentInstances"
        .to_owned()
}

/// Says what went wrong where a text is not a reply but the error that the `aliyun` command shows, line by line.
pub(super) fn error_in_text(text: &str) -> Option<String> {
    let value = |key| text.lines().find_map(|line| line.trim().strip_prefix(key)).map(str::trim);
    Some(answered(value("ErrorCode:")?, value("Message:")?))
}

fn answered(code: &str, message: &str) -> String {
    let parts = [code, message].into_iter().filter(|part| !part.is_empty());
    let shown = parts.map(|part| part.chars().take(MAX_SHOWN).collect::<String>()).collect::<Vec<_>>().join(": ");
    format!("the API answered with an error: mend the call, and import its reply; {}", OneLine(&shown))
}

/// An error message of the API is shown up to here, in characters.
const MAX_SHOWN: usize = 300;

/// Reads a bare list of hosts, nodes or components; `None` where it is none.
fn records(items: &[Value]) -> Result<Option<Records>, String> {
    let all_have = |key| items.iter().all(|item| has(item, key));
    Ok(Some(if all_have("ApplicationName") {
        Records::Components(each(items, component)?)
    } else if all_have("HostName") {
        Records::Hosts { call: "ListClusterHost", hosts: each(items, old_host)? }
    } else if all_have("NodeName") {
        Records::Hosts { call: "ListNodes", hosts: each(items, new_node)? }
    } else {
        return Ok(None);
    }))
}

fn each<T>(items: &[Value], read: fn(&Value) -> Result<T, String>) -> Result<Vec<T>, String> {
    items.iter().map(read).collect()
}

fn old_host(host: &Value) -> Result<Host, String> {
    let keys = Keys { name: "HostName", instance: "HostInstanceId", private_ip: "PrivateIp", public_ip: "PublicIp" };
    Ok(Host { role: role(host, "Role")?, released: released(host, "Status")?, ..machine(host, &keys)? })
}

fn new_node(node: &Value) -> Result<Host, String> {
    let keys = Keys { name: "NodeName", instance: "NodeId", private_ip: "PrivateIp", public_ip: "PublicIp" };
    Ok(Host { role: role(node, "NodeGroupType")?, released: released(node, "NodeState")?, ..machine(node, &keys)? })
}

fn instances(cluster: &Value) -> Result<Vec<Host>, String> {
    let keys = Keys { name: "HostName", instance: "InstanceId", private_ip: "InnerIp", public_ip: "PubIp" };
    let mut instances = Vec::new();
    for group in list(cluster, "HostGroupList", "HostGroup")?.unwrap_or_default() {
        let role = role(group, "HostGroupType")?;
        for node in list(group, "Nodes", "Node")?.unwrap_or_default() {
            instances.push(Host { role, released: released(node, "Status")?, ..machine(node, &keys)? });
        }
    }
    Ok(instances)
}

fn component(component: &Value) -> Result<Component, String> {
    Ok(Component {
        application: text(component, "ApplicationName")?,
        component: text(component, "ComponentName")?,
        node_id: text(component, "NodeId")?,
        node_name: text(component, "NodeName")?,
    })
}

/// What the calls call the same things.
struct Keys {
    name: &'static str,
    instance: &'static str,
    private_ip: &'static str,
    public_ip: &'static str,
}

fn machine(of: &Value, keys: &Keys) -> Result<Host, String> {
    if !of.is_object() {
        return Err("a list that is no list of machines; expected an object for each".to_owned());
    }
    let name = text(of, keys.name)?;
    let who = name.clone().unwrap_or_else(|| "a host without a name".to_owned());
    let address = |key| address(of, key).map_err(|why| format!("{}: {why}", OneLine(&who)));
    Ok(Host {
        instance: text(of, keys.instance)?,
        private_ip: address(keys.private_ip)?,
        public_ip: address(keys.public_ip)?,
        name,
        ..Host::default()
    })
}

fn address(of: &Value, key: &str) -> Result<Address, String> {
    match (field(of, key)?, text(of, key)?) {
        (None, _) => Ok(Address::Unknown),
        (Some(_), None) => Ok(Address::Absent),
        (Some(_), Some(text)) => text
            .parse()
            .map(Address::Is)
            .map_err(|_| format!("{key} is no address; expected one such as 10.0.1.24, or \"\" where there is none")),
    }
}

/// The role, where it is one that descriptions know.
fn role(of: &Value, key: &str) -> Result<Option<NodeRole>, String> {
    Ok(text(of, key)?.and_then(|role| role.to_ascii_lowercase().parse().ok()))
}

fn released(of: &Value, key: &str) -> Result<bool, String> {
    let state = text(of, key)?;
    Ok(state.is_some_and(|state| ["RELEASED", "TERMINATED"].iter().any(|gone| state.eq_ignore_ascii_case(gone))))
}

fn page(reply: &Value, total: &str) -> Result<Page, String> {
    Ok(Page {
        number: number(reply, "PageNumber")?,
        size: number(reply, "PageSize")?,
        total: number(reply, total)?,
        continues: text(reply, "NextToken")?.is_some(),
    })
}

fn field<'a>(of: &'a Value, key: &str) -> Result<Option<&'a Value>, String> {
    let Some(object) = of.as_object() else { return Ok(None) };
    let mut found = object.iter().filter(|(other, _)| other.eq_ignore_ascii_case(key));
    match (found.next(), found.next()) {
        (Some((one, _)), Some((other, _))) => {
            Err(format!("{one} and {other} stand side by side; expected the API's reply as it came, with one of them"))
        }
        (found, _) => Ok(found.map(|(_, value)| value)),
    }
}

fn has(of: &Value, key: &str) -> bool {
    of.as_object().is_some_and(|object| object.keys().any(|other| other.eq_ignore_ascii_case(key)))
}

fn object<'a>(of: &'a Value, key: &str) -> Result<Option<&'a Value>, String> {
    Ok(field(of, key)?.filter(|value| value.is_object()))
}

/// A text; one that is empty says that there is nothing.
fn text(of: &Value, key: &str) -> Result<Option<String>, String> {
    match field(of, key)? {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.trim().to_owned()).filter(|text| !text.is_empty())),
        Some(_) => Err(format!("{key} is no text; expected the API's reply as it came")),
    }
}

fn number(of: &Value, key: &str) -> Result<Option<usize>, String> {
    let number = match field(of, key)? {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::Number(number)) => number.as_u64().and_then(|number| usize::try_from(number).ok()),
        Some(Value::String(text)) => text.trim().parse().ok(),
        Some(_) => None,
    };
    number.map(Some).ok_or_else(|| format!("{key} is no number; expected the API's reply as it came"))
}

/// A list that stands bare, or inside a key of its own.
fn list<'a>(of: &'a Value, key: &str, inner: &str) -> Result<Option<&'a [Value]>, String> {
    match field(of, key)? {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Array(items)) => Ok(Some(items)),
        Some(object) => match field(object, inner)? {
            Some(Value::Array(items)) => Ok(Some(items)),
            None if object.as_object().is_some_and(serde_json::Map::is_empty) => Ok(Some(&[])),
            _ => Err(format!("{key} is no list; expected the API's reply as it came")),
        },
    }
}
