//! The shapes of the API's replies, recognized by their content.

use kafka_emr_core::{NodeRole, OneLine};
use serde_json::Value;

use crate::Call;
use crate::error::{Error, ErrorKind, Result};
use crate::fields::{field, has, list, number, object, text};
use crate::machine::Address;
use crate::pages::Page;

/// One reply.
pub(crate) struct Reply {
    pub(crate) call: Call,
    /// The API's name of the cluster: `C-…` of the old console, `c-…` of the new one.
    pub(crate) cluster_id: Option<String>,
    pub(crate) region: Option<String>,
    pub(crate) release: Option<String>,
    pub(crate) page: Page,
    pub(crate) records: Records,
}

/// The list in a reply.
pub(crate) enum Records {
    None,
    /// Machines with names.
    Hosts(Vec<Host>),
    /// Machines without names.
    Instances(Vec<Host>),
    /// What runs where.
    Components(Vec<Component>),
}

/// One machine, as one reply has it.
#[derive(Default)]
pub(crate) struct Host {
    pub(crate) name: Option<String>,
    pub(crate) instance: Option<String>,
    pub(crate) private_ip: Address,
    pub(crate) public_ip: Address,
    pub(crate) role: Option<NodeRole>,
    pub(crate) released: bool,
}

/// A component of an application on a node.
pub(crate) struct Component {
    pub(crate) application: Option<String>,
    pub(crate) component: Option<String>,
    pub(crate) node_id: Option<String>,
    pub(crate) node_name: Option<String>,
}

/// Reads the replies in a JSON document: one, or a list of them or of their records.
pub(crate) fn read(document: &Value) -> Result<Vec<Reply>> {
    let Value::Array(items) = document else { return read_reply(document).map(|reply| vec![reply]) };
    if items.is_empty() {
        let message = "an empty list; expected hosts: ask the API with the id and the region of the cluster";
        return Err(Error::new(ErrorKind::Incomplete, message));
    }
    match bare_list(items) {
        Some(call) => Ok(vec![Reply { records: records(call, items)?, ..Reply::of(call) }]),
        None => items.iter().map(read_reply).collect(),
    }
}

fn read_reply(document: &Value) -> Result<Reply> {
    // The sample of DescribeClusterV2 stands inside `data`.
    let reply = object(document, "data")?.unwrap_or(document);
    let (call, body) = recognize(reply)?;
    let mut read = Reply { cluster_id: text(body, "ClusterId")?, region: text(body, "RegionId")?, ..Reply::of(call) };
    match call {
        Call::ListClusterHost | Call::ListFlowClusterHost => {
            read.page = page(body, "Total")?;
            read.records = records(call, list(body, "HostList", "Host")?.unwrap_or_default())?;
        }
        Call::ListNodes => {
            let nodes = list(body, "Nodes", "Node")?.unwrap_or_default();
            if nodes.iter().any(|node| has(node, "name") && !has(node, "NodeName")) {
                return Err(already_a_description());
            }
            read.page = page(body, "TotalCount")?;
            read.records = records(call, nodes)?;
        }
        Call::ListComponentInstances => {
            read.page = page(body, "TotalCount")?;
            let components = list(body, "ComponentInstances", "ComponentInstance")?.unwrap_or_default();
            read.records = records(call, components)?;
        }
        Call::GetCluster => read.release = text(body, "ReleaseVersion")?,
        Call::DescribeClusterV2 | Call::DescribeClusterBasicInfo => {
            if read.cluster_id.is_none() {
                read.cluster_id = text(body, "Id")?;
            }
            if let Some(software) = field(body, "SoftwareInfo")? {
                read.release = text(software, "EmrVer")?;
            }
            read.records = Records::Instances(instances(body)?);
        }
    }
    Ok(read)
}

/// Returns the call that a reply is of, and the object that has what the reply is about.
fn recognize(reply: &Value) -> Result<(Call, &Value)> {
    Ok(if list(reply, "HostList", "Host")?.is_some() {
        (Call::ListClusterHost, reply)
    } else if list(reply, "ComponentInstances", "ComponentInstance")?.is_some() {
        (Call::ListComponentInstances, reply)
    } else if list(reply, "Nodes", "Node")?.is_some() {
        (Call::ListNodes, reply)
    } else if let Some(cluster) = object(reply, "Cluster")? {
        (Call::GetCluster, cluster)
    } else if let Some(cluster) = object(reply, "ClusterInfo")? {
        let call = if has(cluster, "HostGroupList") { Call::DescribeClusterV2 } else { Call::DescribeClusterBasicInfo };
        (call, cluster)
    } else {
        return Err(unknown(reply));
    })
}

/// Returns the call whose records stand in a bare list.
fn bare_list(items: &[Value]) -> Option<Call> {
    let calls = [
        ("ApplicationName", Call::ListComponentInstances),
        ("HostName", Call::ListClusterHost),
        ("NodeName", Call::ListNodes),
    ];
    calls.into_iter().find(|(key, _)| items.iter().all(|item| has(item, key))).map(|(_, call)| call)
}

fn records(call: Call, items: &[Value]) -> Result<Records> {
    Ok(match call {
        Call::ListClusterHost | Call::ListFlowClusterHost => Records::Hosts(each(items, old_host)?),
        Call::ListNodes => Records::Hosts(each(items, new_node)?),
        Call::ListComponentInstances => Records::Components(each(items, component)?),
        Call::DescribeClusterV2 | Call::DescribeClusterBasicInfo | Call::GetCluster => Records::None,
    })
}

impl Reply {
    fn of(call: Call) -> Self {
        let page = Page::default();
        Reply { call, cluster_id: None, region: None, release: None, page, records: Records::None }
    }
}

/// Describes a document that is no reply of any call.
pub(crate) fn unknown(document: &Value) -> Error {
    let shown = |key| match field(document, key) {
        Ok(Some(Value::String(text))) => text.trim().to_owned(),
        Ok(Some(Value::Number(number))) => number.to_string(),
        _ => String::new(),
    };
    if has(document, "Code") && has(document, "Message") {
        return api_error(&shown("Code"), &shown("Message"));
    }
    let calls = Call::ALL.map(Call::name).join(", ");
    Error::new(
        ErrorKind::Input,
        format!("JSON, but none of the replies that describe a cluster; expected one of {calls}"),
    )
}

/// Recognizes the error that the `aliyun` command shows, line by line.
pub(crate) fn api_error_in_text(text: &str) -> Option<Error> {
    let value = |key| text.lines().find_map(|line| line.trim().strip_prefix(key)).map(str::trim);
    Some(api_error(value("ErrorCode:")?, value("Message:")?))
}

fn api_error(code: &str, message: &str) -> Error {
    let parts = [code, message].into_iter().filter(|part| !part.is_empty());
    let shown = parts.map(|part| part.chars().take(MAX_SHOWN).collect::<String>()).collect::<Vec<_>>().join(": ");
    Error::new(
        ErrorKind::Api,
        format!("the API answered with an error; correct the call and import its reply; {}", OneLine(&shown)),
    )
}

/// An error message of the API is shown up to here, in characters.
const MAX_SHOWN: usize = 300;

pub(crate) fn already_a_description() -> Error {
    let message =
        "a cluster description already; expected replies of the API or hosts text, to create one or to update one";
    Error::new(ErrorKind::Description, message)
}

fn each<T>(items: &[Value], read: fn(&Value) -> Result<T>) -> Result<Vec<T>> {
    items.iter().map(read).collect()
}

fn old_host(host: &Value) -> Result<Host> {
    let keys = Keys { name: "HostName", instance: "HostInstanceId", private_ip: "PrivateIp", public_ip: "PublicIp" };
    Ok(Host { role: role(host, "Role")?, released: released(host, "Status")?, ..machine(host, &keys)? })
}

fn new_node(node: &Value) -> Result<Host> {
    let keys = Keys { name: "NodeName", instance: "NodeId", private_ip: "PrivateIp", public_ip: "PublicIp" };
    Ok(Host { role: role(node, "NodeGroupType")?, released: released(node, "NodeState")?, ..machine(node, &keys)? })
}

fn instances(cluster: &Value) -> Result<Vec<Host>> {
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

fn component(component: &Value) -> Result<Component> {
    Ok(Component {
        application: text(component, "ApplicationName")?,
        component: text(component, "ComponentName")?,
        node_id: text(component, "NodeId")?,
        node_name: text(component, "NodeName")?,
    })
}

/// The keys that one call has for what all of them have.
struct Keys {
    name: &'static str,
    instance: &'static str,
    private_ip: &'static str,
    public_ip: &'static str,
}

fn machine(of: &Value, keys: &Keys) -> Result<Host> {
    if !of.is_object() {
        let message = "a list that is no list of machines; expected an object for each";
        return Err(Error::new(ErrorKind::Input, message));
    }
    let name = text(of, keys.name)?;
    let shown = name.as_deref().unwrap_or("a host without a name");
    Ok(Host {
        instance: text(of, keys.instance)?,
        private_ip: address(of, keys.private_ip, shown)?,
        public_ip: address(of, keys.public_ip, shown)?,
        name,
        ..Host::default()
    })
}

fn address(of: &Value, key: &str, machine: &str) -> Result<Address> {
    match (field(of, key)?, text(of, key)?) {
        (None, _) => Ok(Address::Unknown),
        (Some(_), None) => Ok(Address::Absent),
        (Some(_), Some(text)) => text.parse().map(Address::Is).map_err(|_| {
            let machine = OneLine(machine);
            let message = format!(
                "{machine}: {key} is no address; expected one such as 10.0.1.24, or \"\" if the machine has none"
            );
            Error::new(ErrorKind::Input, message)
        }),
    }
}

/// The role, if it is one that descriptions know.
fn role(of: &Value, key: &str) -> Result<Option<NodeRole>> {
    Ok(text(of, key)?.and_then(|role| role.to_ascii_lowercase().parse().ok()))
}

fn released(of: &Value, key: &str) -> Result<bool> {
    let state = text(of, key)?;
    Ok(state.is_some_and(|state| ["RELEASED", "TERMINATED"].iter().any(|gone| state.eq_ignore_ascii_case(gone))))
}

fn page(reply: &Value, total: &str) -> Result<Page> {
    Ok(Page {
        number: number(reply, "PageNumber")?,
        size: number(reply, "PageSize")?,
        total: number(reply, total)?,
        continues: text(reply, "NextToken")?.is_some(),
    })
}
