//! The update of a description in its own text.

mod json;
mod marks;
mod toml;

use std::path::Path;

use kafka_emr_core::{Cluster, Description, Format, NodeDescription};
use serde_json::{Map, Value};
use toml_edit::DocumentMut;

use self::marks::Marks;
use crate::difference::{Difference, Scalar};
use crate::error::{Error, ErrorKind, Result};
use crate::inventory::check;
use crate::{Change, Inventory};

/// A description with its text, as it is in its file.
pub struct Document {
    description: Description,
    syntax: Syntax,
    marks: Marks,
}

enum Syntax {
    Toml(DocumentMut),
    Json(Value),
}

/// A description after an update.
#[non_exhaustive]
pub struct Update {
    /// The new text. Comments, order and keys that the inventory does not have are as they were; JSON is laid out anew.
    pub text: String,
    /// What the new text describes.
    pub cluster: Cluster,
    /// What is different. If nothing is, the text need not be written.
    pub changes: Vec<Change>,
}

impl Document {
    /// Reads a description in TOML or JSON, which the path's extension tells apart, else the text.
    ///
    /// # Errors
    ///
    /// Fails on hosts text, which has no keys to update, and as [`Description::from_toml`] does ([`ErrorKind::Update`]).
    pub fn parse(text: &str, path: &Path) -> Result<Self> {
        let (marks, text) = Marks::remove(text);
        let refused = |e: kafka_emr_core::Error| Error::new(ErrorKind::Update, "not a valid description").caused_by(e);
        let (description, syntax) = match Format::of(path, &text) {
            Format::HostsText => {
                let message =
                    "hosts text cannot be updated; import it together with the new inputs into a new description";
                return Err(Error::new(ErrorKind::Update, message));
            }
            Format::Json => {
                let description = Description::from_json(&text).map_err(refused)?;
                let value = serde_json::from_str(&text);
                (description, Syntax::Json(value.map_err(|e| cannot_edit("the JSON").caused_by(e))?))
            }
            Format::Toml => {
                let description = Description::from_toml(&text).map_err(refused)?;
                let document = text.parse::<DocumentMut>();
                (description, Syntax::Toml(document.map_err(|e| cannot_edit("the TOML").caused_by(e))?))
            }
        };
        Ok(Document { description, syntax, marks })
    }

    /// Returns what the text describes. It is not checked yet.
    #[must_use]
    pub fn description(&self) -> &Description {
        &self.description
    }

    /// Merges an inventory, of an importer that was made by [`Importer::for_update`](crate::Importer::for_update).
    ///
    /// Addresses and the release become those of the inventory, new nodes are added, and nodes that no longer exist are
    /// removed. An id and a region are written if the description has none. The result is checked, the description before is
    /// not: an update can complete one.
    ///
    /// # Errors
    ///
    /// Fails if description and inventory have no node in common ([`ErrorKind::NoCommonNode`]), if what comes out is refused by
    /// [`Cluster`] ([`ErrorKind::Cluster`]), and if the text is written in a way that cannot be edited
    /// ([`ErrorKind::Update`]).
    pub fn update(&self, inventory: &Inventory) -> Result<Update> {
        let difference = Difference::of(&self.description, inventory)?;
        if difference.removed.len() == self.description.nodes.len() {
            let message = "the description and the input have no node in common, so they are of two clusters; another cluster \
                           needs another description";
            return Err(Error::new(ErrorKind::NoCommonNode, message));
        }
        let (text, read): (_, fn(&str) -> _) = match &self.syntax {
            Syntax::Toml(document) => (toml::edit(document.clone(), &difference), Description::from_toml),
            Syntax::Json(value) => (json::edit(value.clone(), &difference), Description::from_json),
        };
        let text = text.ok_or_else(|| cannot_edit("nodes"))?;
        let description = read(&text).map_err(|e| cannot_edit("the text").caused_by(e))?;
        if description.nodes.len() != self.description.nodes.len() + difference.added.len() - difference.removed.len() {
            return Err(cannot_edit("nodes"));
        }
        let cluster = check(description, "after the update")?;
        Ok(Update { text: self.marks.restore(text), cluster, changes: difference.changes(&self.description) })
    }
}

fn cannot_edit(what: &str) -> Error {
    Error::new(ErrorKind::Update, format!("{what}: cannot be edited; write the nodes as [[nodes]], in TOML"))
}

/// Returns the keys of a new node.
fn keys(node: &NodeDescription) -> Map<String, Value> {
    match serde_json::to_value(node) {
        Ok(Value::Object(keys)) => keys,
        _ => Map::new(),
    }
}

impl From<&Scalar> for Value {
    fn from(scalar: &Scalar) -> Self {
        match scalar {
            Scalar::Text(text) => text.as_str().into(),
            Scalar::Flag(flag) => (*flag).into(),
        }
    }
}

/// Walks over a list and returns of each item whether it stays. `removed` is in ascending order.
fn stays(removed: &[usize]) -> impl FnMut() -> bool {
    let mut at = 0..;
    move || at.next().is_some_and(|index| removed.binary_search(&index).is_err())
}
