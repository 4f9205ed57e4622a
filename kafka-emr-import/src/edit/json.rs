//! The update of JSON. It is laid out anew, with its keys in their order.

use serde_json::Value;

use super::{keys, stays};
use crate::difference::{Difference, Set};

/// Returns the new text, or `None` if the document cannot be edited.
pub(super) fn edit(mut document: Value, difference: &Difference) -> Option<String> {
    difference.cluster.iter().try_for_each(|change| set(&mut document, change))?;
    let nodes = document.get_mut("nodes")?.as_array_mut()?;
    difference.nodes.iter().try_for_each(|(index, change)| set(nodes.get_mut(*index)?, change))?;
    let mut stays = stays(&difference.removed);
    nodes.retain(|_| stays());
    nodes.extend(difference.added.iter().map(|node| Value::Object(keys(node))));
    Some(serde_json::to_string_pretty(&document).ok()? + "\n")
}

fn set(of: &mut Value, change: &Set) -> Option<()> {
    let of = of.as_object_mut()?;
    match &change.to {
        Some(to) => _ = of.insert(change.key.to_owned(), to.into()),
        None => _ = of.shift_remove(change.key),
    }
    Some(())
}
