//! Fields of a JSON object.
//!
//! Keys are compared without case, because some pages of the API's documents show `hostName` where others show `HostName`,
//! and a list may stand bare or inside a key of its own (`HostList.Host`). Messages name keys and never repeat a value: an
//! input can be any file, one with passwords too.

use serde_json::{Map, Value};

use crate::error::{Error, ErrorKind, Result};

/// A reply that is not shaped as documented.
pub(crate) fn unexpected(what: impl AsRef<str>) -> Error {
    Error::new(ErrorKind::Input, format!("{}; expected the API's reply as it came", what.as_ref()))
}

pub(crate) fn field<'a>(of: &'a Value, key: &str) -> Result<Option<&'a Value>> {
    let Some(object) = of.as_object() else { return Ok(None) };
    let mut same = object.iter().filter(|(other, _)| other.eq_ignore_ascii_case(key));
    match (same.next(), same.next()) {
        (Some((one, _)), Some((other, _))) => Err(unexpected(format!("{one} and {other} are both there"))),
        (field, _) => Ok(field.map(|(_, value)| value)),
    }
}

pub(crate) fn has(of: &Value, key: &str) -> bool {
    of.as_object().is_some_and(|object| object.keys().any(|other| other.eq_ignore_ascii_case(key)))
}

pub(crate) fn object<'a>(of: &'a Value, key: &str) -> Result<Option<&'a Value>> {
    Ok(field(of, key)?.filter(|value| value.is_object()))
}

/// Returns a text, or nothing if it is empty.
pub(crate) fn text(of: &Value, key: &str) -> Result<Option<String>> {
    match field(of, key)? {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.trim().to_owned()).filter(|text| !text.is_empty())),
        Some(_) => Err(unexpected(format!("{key} is no text"))),
    }
}

pub(crate) fn number(of: &Value, key: &str) -> Result<Option<usize>> {
    let number = match field(of, key)? {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::Number(number)) => number.as_u64().and_then(|number| usize::try_from(number).ok()),
        Some(Value::String(text)) => text.trim().parse().ok(),
        Some(_) => None,
    };
    number.map(Some).ok_or_else(|| unexpected(format!("{key} is no number")))
}

/// Returns a list that stands bare, or inside a key of its own.
pub(crate) fn list<'a>(of: &'a Value, key: &str, inner: &str) -> Result<Option<&'a [Value]>> {
    match field(of, key)? {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Array(items)) => Ok(Some(items)),
        Some(object) => match field(object, inner)? {
            Some(Value::Array(items)) => Ok(Some(items)),
            None if object.as_object().is_some_and(Map::is_empty) => Ok(Some(&[])),
            _ => Err(unexpected(format!("{key} is no list"))),
        },
    }
}
