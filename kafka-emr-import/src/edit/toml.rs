//! The update of TOML. Comments and order stay.

use std::collections::HashSet;

use serde_json::Value;
use toml_edit::{Array, ArrayOfTables, DocumentMut, InlineTable, Item, RawString, Table, TableLike};

use super::{keys, stays};
use crate::difference::{Difference, Set};

/// Returns the new text, or `None` if the document cannot be edited.
pub(super) fn edit(mut document: DocumentMut, difference: &Difference) -> Option<String> {
    for change in &difference.cluster {
        set(document.as_table_mut(), change);
    }
    match document.get_mut("nodes")? {
        Item::ArrayOfTables(nodes) => {
            let left = edit_tables(nodes, difference)?;
            if !left.is_empty() {
                let trailing = left + text(Some(document.trailing()));
                document.set_trailing(trailing);
            }
        }
        nodes => edit_array(nodes.as_array_mut()?, difference)?,
    }
    Some(document.to_string())
}

/// Sets a key that has a new value.
fn set(table: &mut dyn TableLike, change: &Set) {
    let Some(to) = &change.to else { return };
    let mut value = to_toml(&to.into());
    if let Some(old) = table.get_mut(change.key).and_then(Item::as_value_mut) {
        // The comment that follows it on its line stays.
        *value.decor_mut() = old.decor().clone();
        *old = value;
    } else {
        table.insert(change.key, Item::Value(value));
    }
}

/// Edits `[[nodes]]`. Returns comments that belong behind the last of them.
fn edit_tables(nodes: &mut ArrayOfTables, difference: &Difference) -> Option<String> {
    let mut ends_in_comment = HashSet::new();
    for (index, change) in &difference.nodes {
        let node = nodes.get_mut(*index)?;
        match change.to {
            Some(_) => set(node, change),
            None if remove(node, change.key) => drop(ends_in_comment.insert(*index)),
            None => {}
        }
    }
    // Comments in front of a node can head those that follow it, too.
    let mut carried = String::new();
    let mut needs_gap = false;
    for (index, node) in nodes.iter_mut().enumerate() {
        let own = text(node.decor().prefix()).to_owned();
        if difference.removed.binary_search(&index).is_ok() {
            if own.contains('#') {
                carried += &own;
            }
            continue;
        }
        let mut prefix = std::mem::take(&mut carried);
        if prefix.is_empty() || own.contains('#') {
            prefix += &own;
        }
        if needs_gap && !prefix.starts_with('\n') {
            prefix.insert(0, '\n');
        }
        node.decor_mut().set_prefix(prefix);
        needs_gap = ends_in_comment.contains(&index);
    }
    let mut stays = stays(&difference.removed);
    nodes.retain(|_| stays());
    for node in &difference.added {
        let mut table = Table::new();
        for (key, value) in &keys(node) {
            table.insert(key, Item::Value(to_toml(value)));
        }
        let heading = std::mem::take(&mut carried);
        table.decor_mut().set_prefix(if heading.is_empty() { "\n".to_owned() } else { heading });
        nodes.push(table);
    }
    Some(carried)
}

/// Removes a key. Its comments go to the next key, else behind the one before: then it returns `true`.
fn remove(node: &mut Table, key: &str) -> bool {
    let next = next_key(node, key);
    let Some((key, item)) = node.remove_entry(key) else { return false };
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
    if comments.is_empty() {
        return false;
    }
    if let Some(mut next) = next.and_then(|next| node.key_mut(&next)) {
        let prefix = comments + text(next.leaf_decor().prefix());
        next.leaf_decor_mut().set_prefix(prefix);
        return false;
    }
    let last = node.iter_mut().last().and_then(|(_, item)| Some(item.as_value_mut()?.decor_mut()));
    if let Some(decor) = last {
        let suffix = format!("{}\n{}", text(decor.suffix()), comments.trim_end_matches('\n'));
        decor.set_suffix(suffix);
    }
    true
}

/// Edits `nodes = [{…}, …]`. A comment after a comma stands in front of the next item, and is about the one before.
fn edit_array(nodes: &mut Array, difference: &Difference) -> Option<()> {
    for (index, change) in &difference.nodes {
        let node = nodes.get_mut(*index)?.as_inline_table_mut()?;
        match change.to {
            Some(_) => set(node, change),
            None => remove_inline(node, change.key),
        }
    }
    let removed = &difference.removed;
    let mut carried: Option<String> = None;
    let mut indent = " ".to_owned();
    for (index, node) in nodes.iter_mut().enumerate() {
        let prefix = text(node.decor().prefix()).to_owned();
        let (before, own) = split_comment(&prefix);
        if removed.binary_search(&index).is_ok() {
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
    let mut stays = stays(removed);
    nodes.retain(|_| stays());
    for node in &difference.added {
        let table: InlineTable = keys(node).iter().map(|(key, value)| (key.clone(), to_toml(value))).collect();
        let mut table = toml_edit::Value::from(table);
        table.decor_mut().set_prefix(joined(&std::mem::take(&mut before), &indent));
        nodes.push_formatted(table);
    }
    nodes.set_trailing(joined(&before, own));
    Some(())
}

/// Removes a key in `{…}`, where a comment after a comma stands in front of the next key.
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

/// Splits the text between two items into the comment on the line of the first, and the rest.
fn split_comment(between: &str) -> (&str, &str) {
    let end = between.find('\n').unwrap_or(between.len());
    if between[..end].contains('#') { between.split_at(end) } else { ("", between) }
}

/// Joins a comment and what follows, which must begin a new line.
fn joined(comment: &str, rest: &str) -> String {
    let line = if comment.contains('#') && !rest.starts_with('\n') { "\n" } else { "" };
    format!("{comment}{line}{rest}")
}

fn text(raw: Option<&RawString>) -> &str {
    raw.and_then(RawString::as_str).unwrap_or_default()
}

fn to_toml(value: &Value) -> toml_edit::Value {
    match value {
        Value::Bool(value) => (*value).into(),
        Value::Array(items) => items.iter().map(to_toml).collect(),
        Value::String(text) => text.into(),
        other => other.to_string().into(),
    }
}
