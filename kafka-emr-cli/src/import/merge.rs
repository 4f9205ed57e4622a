//! `--update`: a new inventory in a description, and what the user wrote by hand kept.

use std::collections::HashMap;
use std::net::IpAddr;

use kafka_emr_core::{Cluster, Node, OneLine};
use serde::Serialize;
use serde_json::{Map, Value};
use toml_edit::{Array, ArrayOfTables, DocumentMut, InlineTable, Item, RawString, Table, TableLike};

use super::api::Address;
use super::identity::release;
use super::inventory::{Found, key};

/// A description as it is in its file.
pub(super) struct Existing {
    pub(super) cluster: Cluster,
    text: Text,
    marks: Marks,
}

/// What an editor left in the text that is not part of it.
#[derive(Clone, Copy)]
struct Marks {
    /// A byte order mark in front.
    order: bool,
    /// Lines end as on Windows.
    carriage_returns: bool,
}

enum Text {
    Toml(DocumentMut),
    Json(Value),
}

/// One difference between the description and the inventory.
#[derive(Serialize)]
#[serde(tag = "change", rename_all = "lowercase")]
pub(super) enum Change {
    /// A node that is new.
    Added {
        #[serde(rename = "name", serialize_with = "name_of")]
        node: Box<Node>,
    },
    /// A node that is gone.
    Removed {
        name: String,
        #[serde(skip)]
        index: usize,
    },
    /// A key that has another value. Without a name it is of the cluster.
    Set {
        name: Option<String>,
        key: &'static str,
        from: Option<String>,
        to: Option<String>,
        #[serde(skip)]
        index: Option<usize>,
    },
}

fn name_of<S: serde::Serializer>(node: &Node, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&node.name)
}

impl Change {
    /// The change in one line.
    pub(super) fn line(&self) -> String {
        let shown = |value: &Option<String>| value.clone().unwrap_or_else(|| "–".to_owned());
        match self {
            Change::Added { node } => {
                let addresses = [node.private_ip, node.public_ip].into_iter().flatten();
                format!("+ {} {}", node.name, addresses.map(|ip| ip.to_string()).collect::<Vec<_>>().join(" "))
            }
            Change::Removed { name, .. } => format!("- {name}"),
            Change::Set { name, key, from, to, .. } => {
                let name = name.as_ref().map(|name| format!("{name} ")).unwrap_or_default();
                format!("~ {name}{key} {} → {}", shown(from), shown(to))
            }
        }
    }
}

impl Existing {
    /// Reads a description in TOML or JSON.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        let (marks, text) = Marks::taken_off(text);
        let told = |e: kafka_emr_core::Error| e.to_string();
        if text.trim_start().starts_with('{') {
            let cluster = Cluster::from_json(&text).map_err(told)?;
            let value = serde_json::from_str(&text).map_err(|e| e.to_string())?;
            return Ok(Existing { cluster, text: Text::Json(value), marks });
        }
        let cluster = Cluster::from_toml(&text).map_err(|e| {
            match Cluster::from_hosts_text(&text, kafka_emr_core::Network::Private) {
                Ok(_) => "hosts text cannot be updated; import it together with the new inventory, to a TOML file (-o)"
                    .to_owned(),
                Err(_) => told(e),
            }
        })?;
        let document = text.parse().map_err(|_| "cannot be edited as TOML".to_owned())?;
        Ok(Existing { cluster, text: Text::Toml(document), marks })
    }

    /// Finds what is different. An id and a region that the description has stay.
    pub(super) fn changes(
        &self,
        id: Option<&str>,
        region: Option<&str>,
        new_release: Option<&str>,
        found: Vec<Found>,
    ) -> Result<Vec<Change>, String> {
        let mut changes = Vec::new();
        let cluster = &self.cluster;
        let mut set = |key, from: Option<String>, to: &str| {
            changes.push(Change::Set { name: None, key, from, to: Some(to.to_owned()), index: None });
        };
        for (key, old, new) in [("id", &cluster.id, id), ("region", &cluster.region, region)] {
            if let (None, Some(new)) = (old, new) {
                set(key, None, new);
            }
        }
        if let Some(new) = new_release
            && cluster.release != Some(release(new)?)
        {
            set("release", cluster.release.as_ref().map(ToString::to_string), new);
        }
        let mut old: HashMap<String, usize> =
            self.cluster.nodes.iter().enumerate().map(|(index, node)| (key(&node.name), index)).collect();
        let mut added = Vec::new();
        for found in found {
            match old.remove(&key(&found.name)) {
                Some(index) => differences(index, &self.cluster.nodes[index], &found, &mut changes),
                None => added.push(Change::Added { node: Box::new(found.into_node()) }),
            }
        }
        let moved = changes.iter().filter(|change| matches!(change, Change::Set { key: "private_ip", .. })).count();
        if moved > 1 && moved + old.len() == self.cluster.nodes.len() {
            log::warn!("every private IP is another one: is it the same cluster?");
        }
        changes.extend(added);
        let mut gone: Vec<usize> = old.into_values().collect();
        gone.sort_unstable();
        changes.extend(gone.into_iter().map(|index| {
            let name = self.cluster.nodes[index].name.clone();
            Change::Removed { name, index }
        }));
        Ok(changes)
    }

    /// Makes the changes and returns the new text.
    pub(super) fn apply(self, changes: &[Change]) -> Result<String, String> {
        let text = match self.text {
            Text::Toml(mut document) => {
                apply_toml(&mut document, changes).ok_or("nodes: cannot be edited; write them as [[nodes]]")?;
                document.to_string()
            }
            Text::Json(mut value) => {
                apply_json(&mut value, changes).ok_or("nodes: cannot be edited")?;
                serde_json::to_string_pretty(&value).map_err(|e| e.to_string())? + "\n"
            }
        };
        Ok(self.marks.put_back(text))
    }
}

impl Marks {
    fn taken_off(text: &str) -> (Self, String) {
        let plain = text.trim_start_matches('\u{feff}');
        let marks = Marks {
            order: plain.len() < text.len(),
            // Where the lines end in both ways, most of them decide.
            carriage_returns: plain.matches("\r\n").count() * 2 > plain.matches('\n').count(),
        };
        (marks, plain.replace("\r\n", "\n"))
    }

    fn put_back(self, text: String) -> String {
        let text = if self.carriage_returns { text.replace('\n', "\r\n") } else { text };
        if self.order { format!("\u{feff}{text}") } else { text }
    }
}

/// What the inventory has differently. What the user may have written by hand stays.
fn differences(index: usize, old: &Node, found: &Found, changes: &mut Vec<Change>) {
    let mut set = |key, from: Option<String>, to: Option<String>| {
        if from != to {
            changes.push(Change::Set { name: Some(old.name.clone()), key, from, to, index: Some(index) });
        }
    };
    let addresses = [("private_ip", old.private_ip, found.private_ip), ("public_ip", old.public_ip, found.public_ip)];
    for (key, from, to) in addresses {
        if to != Address::Unknown {
            let text = |ip: Option<IpAddr>| ip.map(|ip| ip.to_string());
            set(key, text(from), text(to.get()));
        }
    }
    let name = OneLine(&old.name);
    let mut merged = old.clone();
    match (old.role, found.role) {
        (Some(written), Some(role)) if role != written => log::warn!(
            "{name}: role = {written} stays, though the input says {role}; to follow the input, remove it and update again"
        ),
        (None, Some(role)) if old.role() != Some(role) => {
            merged.role = Some(role);
            set("role", None, Some(role.to_string()));
        }
        _ => {}
    }
    match (old.broker, found.runs_kafka) {
        (Some(written), Some(runs)) if runs != written => log::warn!(
            "{name}: broker = {written} stays, though Kafka {}; to follow the input, remove it and update again",
            if runs { "runs there" } else { "does not run there" }
        ),
        // By its role and name as they are now, not as the input has them.
        (None, Some(runs)) if merged.is_broker() != runs => set("broker", None, Some(runs.to_string())),
        _ => {}
    }
}

fn indexes(changes: &[Change]) -> Vec<usize> {
    changes
        .iter()
        .filter_map(|change| if let Change::Removed { index, .. } = change { Some(*index) } else { None })
        .collect()
}

/// Walks over a list and says of each item whether it stays. `gone` is sorted.
fn stays(gone: &[usize]) -> impl FnMut() -> bool {
    let mut at = 0..;
    move || at.next().is_some_and(|index| gone.binary_search(&index).is_err())
}

/// The keys of a new node.
fn keys(node: &Node) -> Map<String, Value> {
    match serde_json::to_value(node) {
        Ok(Value::Object(keys)) => keys,
        _ => Map::new(),
    }
}

fn apply_toml(document: &mut DocumentMut, changes: &[Change]) -> Option<()> {
    let gone = indexes(changes);
    // Comments of keys that were the last of their node, and are gone.
    let mut left: Vec<(usize, String)> = Vec::new();
    for change in changes {
        let Change::Set { key, to, index, .. } = change else { continue };
        let Some(index) = *index else {
            set_toml(document.as_table_mut(), key, to.as_deref()?);
            continue;
        };
        match (document.get_mut("nodes")?, to) {
            (Item::ArrayOfTables(nodes), Some(to)) => set_toml(nodes.get_mut(index)?, key, to),
            (Item::ArrayOfTables(nodes), None) => left.push((index, remove(nodes.get_mut(index)?, key))),
            (nodes, to) => {
                let node = nodes.as_array_mut()?.get_mut(index)?.as_inline_table_mut()?;
                match to {
                    Some(to) => set_toml(node, key, to),
                    None => remove_inline(node, key),
                }
            }
        }
    }
    match document.get_mut("nodes")? {
        Item::ArrayOfTables(nodes) => {
            let mut stays = stays(&gone);
            nodes.retain(|_| stays());
            added(changes).for_each(|node| push_table(nodes, node));
        }
        nodes => edit_array(nodes.as_array_mut()?, &gone, changes),
    }
    for (index, comments) in left {
        let next = index + 1 - gone.iter().filter(|gone| **gone < index).count();
        let nodes = document.get_mut("nodes")?.as_array_of_tables_mut()?;
        if let Some(node) = nodes.get_mut(next) {
            let prefix = comments + text(node.decor().prefix());
            node.decor_mut().set_prefix(prefix);
        } else {
            let trailing = comments + text(Some(document.trailing()));
            document.set_trailing(trailing);
        }
    }
    Some(())
}

fn text(raw: Option<&RawString>) -> &str {
    raw.and_then(RawString::as_str).unwrap_or_default()
}

/// Removes a key. Its comments go to the next key; they are returned where there is none.
fn remove(node: &mut Table, key: &str) -> String {
    let next = next_key(node, key);
    let Some((key, item)) = node.remove_entry(key) else { return String::new() };
    let before = text(key.leaf_decor().prefix());
    let behind = text(item.as_value().and_then(|value| value.decor().suffix())).trim();
    let mut comments = match before.trim_end_matches([' ', '\t']) {
        lines if lines.contains('#') => lines.to_owned(),
        _ => String::new(),
    };
    if !behind.is_empty() {
        comments += &before[before.rfind('\n').map_or(0, |end| end + 1)..];
        comments += behind;
        comments.push('\n');
    }
    let Some(mut next) = next.and_then(|next| node.key_mut(&next)) else { return comments };
    let prefix = comments + text(next.leaf_decor().prefix());
    next.leaf_decor_mut().set_prefix(prefix);
    String::new()
}

/// The same in `{…}`, where a comment after a comma stands in front of the next key.
fn remove_inline(node: &mut InlineTable, key: &str) {
    let next = next_key(node, key);
    let Some((key, value)) = node.remove_entry(key) else { return };
    let mut comments = text(key.leaf_decor().prefix()).trim_end().to_owned();
    let behind = text(value.decor().suffix()).trim_end();
    if !behind.is_empty() {
        comments = joined(&comments, behind);
    }
    if !comments.contains('#') {
        return;
    }
    match next.and_then(|next| node.key_mut(&next)) {
        Some(mut next) => {
            let prefix = joined(&comments, text(next.leaf_decor().prefix()));
            next.leaf_decor_mut().set_prefix(prefix);
        }
        None => node.set_trailing(joined(&comments, text(Some(node.trailing())))),
    }
}

fn next_key(node: &dyn TableLike, key: &str) -> Option<String> {
    node.iter().skip_while(|(other, _)| *other != key).nth(1).map(|(next, _)| next.to_owned())
}

/// Edits `nodes = [{…}, …]`. A comment after a comma stands in front of the next item, and is about the one before.
fn edit_array(nodes: &mut Array, gone: &[usize], changes: &[Change]) {
    let mut carried: Option<String> = None;
    let mut indent = " ".to_owned();
    for (index, node) in nodes.iter_mut().enumerate() {
        let prefix = text(node.decor().prefix()).to_owned();
        let (before, own) = split_comment(&prefix);
        if gone.binary_search(&index).is_ok() {
            carried.get_or_insert_with(|| before.to_owned());
            continue;
        }
        if let Some(end) = own.rfind('\n') {
            own[end..].clone_into(&mut indent);
        }
        if let Some(before) = carried.take() {
            node.decor_mut().set_prefix(joined(&before, own));
        }
    }
    let trailing = text(Some(nodes.trailing())).to_owned();
    let (before, own) = split_comment(&trailing);
    let mut before = carried.unwrap_or_else(|| before.to_owned());
    let mut stays = stays(gone);
    nodes.retain(|_| stays());
    for node in added(changes) {
        let table: InlineTable = keys(node).iter().map(|(key, value)| (key.clone(), toml_value(value))).collect();
        let mut table = toml_edit::Value::from(table);
        table.decor_mut().set_prefix(joined(&std::mem::take(&mut before), &indent));
        nodes.push_formatted(table);
    }
    nodes.set_trailing(joined(&before, own));
}

/// Splits what stands between two items into the comment on the line of the first, and the rest.
fn split_comment(between: &str) -> (&str, &str) {
    let end = between.find('\n').unwrap_or(between.len());
    if between[..end].contains('#') { between.split_at(end) } else { ("", between) }
}

/// A comment ends with its line: what follows must begin a new one.
fn joined(comment: &str, rest: &str) -> String {
    let line = if comment.contains('#') && !rest.starts_with('\n') { "\n" } else { "" };
    format!("{comment}{line}{rest}")
}

fn added(changes: &[Change]) -> impl Iterator<Item = &Node> {
    changes.iter().filter_map(|change| if let Change::Added { node } = change { Some(&**node) } else { None })
}

fn push_table(nodes: &mut ArrayOfTables, node: &Node) {
    let mut table = Table::new();
    for (key, value) in &keys(node) {
        table.insert(key, Item::Value(toml_value(value)));
    }
    table.decor_mut().set_prefix("\n");
    nodes.push(table);
}

/// Sets a value. The comment that follows it on its line stays.
fn set_toml(table: &mut dyn TableLike, key: &str, to: &str) {
    let mut value = toml_value(&typed(key, to));
    if let Some(old) = table.get_mut(key).and_then(Item::as_value_mut) {
        *value.decor_mut() = old.decor().clone();
        *old = value;
    } else {
        table.insert(key, Item::Value(value));
    }
}

fn apply_json(description: &mut Value, changes: &[Change]) -> Option<()> {
    for change in changes {
        if let Change::Set { key, to, index, .. } = change {
            let of = match index {
                None => &mut *description,
                Some(index) => description.get_mut("nodes")?.get_mut(index)?,
            };
            let of = of.as_object_mut()?;
            match to {
                Some(to) => _ = of.insert((*key).to_owned(), typed(key, to)),
                None => _ = of.shift_remove(*key),
            }
        }
    }
    let gone = indexes(changes);
    let mut stays = stays(&gone);
    let nodes = description.get_mut("nodes")?.as_array_mut()?;
    nodes.retain(|_| stays());
    nodes.extend(added(changes).map(|node| Value::Object(keys(node))));
    Some(())
}

fn typed(key: &str, text: &str) -> Value {
    match key {
        "broker" => Value::Bool(text == "true"),
        _ => Value::String(text.to_owned()),
    }
}

fn toml_value(value: &Value) -> toml_edit::Value {
    match value {
        Value::Bool(value) => (*value).into(),
        Value::Array(items) => items.iter().map(toml_value).collect(),
        Value::String(text) => text.into(),
        other => other.to_string().into(),
    }
}
