//! Reads a description by the table of its keys, from whatever serde reads.

use std::borrow::Cow;
use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::description::{Description, NODES, NodeDescription, Settings};
use crate::keys::{KEYS, Key, NODE_KEYS, Scalar};
use crate::{Error, ErrorKind};

/// The only key that a node must have.
const NAME: &str = "name";

/// Which kind of mistake an error of serde is, which has no place for it.
pub(crate) type KindOfError<'a> = &'a Cell<Option<ErrorKind>>;

/// Reads a description by [`KEYS`].
#[derive(Clone, Copy)]
pub(crate) struct WholeDescription<'a> {
    pub(crate) kind: KindOfError<'a>,
}

impl<'de> DeserializeSeed<'de> for WholeDescription<'_> {
    type Value = Description;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Description, D::Error> {
        deserializer.deserialize_any(self)
    }
}

/// Refuses a single value without repeating it: it can be anything, a password in the wrong file. The readers of the formats
/// repeat it, so they are asked for any value.
macro_rules! refuse_single_values {
    () => {
        fn visit_str<E: serde::de::Error>(self, _: &str) -> Result<Self::Value, E> {
            Err(not(&Scalar::Other("a string"), &self))
        }

        fn visit_bool<E: serde::de::Error>(self, value: bool) -> Result<Self::Value, E> {
            Err(not(&Scalar::Bool(value), &self))
        }

        fn visit_i64<E: serde::de::Error>(self, _: i64) -> Result<Self::Value, E> {
            Err(not(&Scalar::Other("an integer"), &self))
        }

        fn visit_u64<E: serde::de::Error>(self, _: u64) -> Result<Self::Value, E> {
            Err(not(&Scalar::Other("an integer"), &self))
        }

        fn visit_f64<E: serde::de::Error>(self, _: f64) -> Result<Self::Value, E> {
            Err(not(&Scalar::Other("a floating-point number"), &self))
        }
    };
}

/// Shows what a visitor expects.
struct Expected<'a, V>(&'a V);

impl<'de, V: Visitor<'de>> fmt::Display for Expected<'_, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.expecting(f)
    }
}

fn not<'de, V: Visitor<'de>, E: serde::de::Error>(found: &Scalar<'_>, visitor: &V) -> E {
    E::custom(format_args!("expected {}, found {found}", Expected(visitor)))
}

impl<'de> Visitor<'de> for WholeDescription<'_> {
    type Value = Description;

    refuse_single_values!();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("keys with values")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Description, A::Error> {
        let mut description = Description::default();
        let mut seen = SeenKeys::default();
        let path = KeyPath { kind: self.kind, node: None };
        while let Some(key) = map.next_key_seed(KeyName { keys: KEYS, list: Some(NODES), path })? {
            seen.check::<A::Error>(KEYS, key, path)?;
            match KEYS.get(key) {
                Some(key) => map.next_value_seed(KeyValue { key, owner: &mut description.settings, path })?,
                None => description.nodes = map.next_value_seed(NodeList { kind: self.kind })?,
            }
        }
        Ok(description)
    }
}

#[derive(Clone, Copy)]
struct NodeList<'a> {
    kind: KindOfError<'a>,
}

impl<'de> DeserializeSeed<'de> for NodeList<'_> {
    type Value = Vec<NodeDescription>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for NodeList<'_> {
    type Value = Vec<NodeDescription>;

    refuse_single_values!();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list for nodes")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut nodes = Vec::new();
        while let Some(node) = list.next_element_seed(OneNode { kind: self.kind, number: nodes.len() })? {
            nodes.push(node);
        }
        Ok(nodes)
    }
}

/// Reads a node by [`NODE_KEYS`].
struct OneNode<'a> {
    kind: KindOfError<'a>,
    number: usize,
}

impl<'de> DeserializeSeed<'de> for OneNode<'_> {
    type Value = NodeDescription;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for OneNode<'_> {
    type Value = NodeDescription;

    refuse_single_values!();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "keys with values for nodes[{}]", self.number)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut node = NodeDescription::default();
        let mut seen = SeenKeys::default();
        let path = KeyPath { kind: self.kind, node: Some(self.number) };
        while let Some(key) = map.next_key_seed(KeyName { keys: NODE_KEYS, list: None, path })? {
            seen.check::<A::Error>(NODE_KEYS, key, path)?;
            map.next_value_seed(KeyValue { key: &NODE_KEYS[key], owner: &mut node, path })?;
        }
        if !NODE_KEYS.iter().enumerate().any(|(number, key)| key.name == NAME && seen.has(number)) {
            return Err(A::Error::custom(format_args!("nodes[{}]: missing key `{NAME}`", self.number)));
        }
        Ok(node)
    }
}

/// The keys that were read, by their numbers.
#[derive(Default)]
struct SeenKeys(u32);

impl SeenKeys {
    fn has(&self, key: usize) -> bool {
        self.0 & 1 << key != 0
    }

    fn check<E: serde::de::Error>(&mut self, keys: &[Key<impl Sized>], key: usize, path: KeyPath<'_>) -> Result<(), E> {
        if self.has(key) {
            let name = keys.get(key).map_or(NODES, |key| key.name);
            return Err(path.error(None, name, &Error::new(ErrorKind::Syntax, "duplicate key")));
        }
        self.0 |= 1 << key;
        Ok(())
    }
}

/// Where a key is, for messages.
#[derive(Clone, Copy)]
struct KeyPath<'a> {
    kind: KindOfError<'a>,
    node: Option<usize>,
}

/// What has keys.
trait Keyed {
    /// The name to call it by in messages, if it is known.
    fn name(&self) -> Option<&str>;
}

impl Keyed for Settings {
    fn name(&self) -> Option<&str> {
        None
    }
}

impl Keyed for NodeDescription {
    fn name(&self) -> Option<&str> {
        Some(&self.name).filter(|name| !name.is_empty()).map(String::as_str)
    }
}

impl KeyPath<'_> {
    fn error<E: serde::de::Error>(&self, node: Option<&str>, key: &str, error: &Error) -> E {
        self.kind.set(Some(error.kind()));
        match (self.node, node) {
            (Some(_), Some(name)) if error.kind() != ErrorKind::Syntax => {
                E::custom(format_args!("node {name}: {key}: {error}"))
            }
            (Some(number), _) => E::custom(format_args!("nodes[{number}].{key}: {error}")),
            (None, _) => E::custom(format_args!("{key}: {error}")),
        }
    }
}

/// Reads a key as its number; the list beside the keys comes after them.
struct KeyName<'a, T: 'static> {
    keys: &'static [Key<T>],
    list: Option<&'static str>,
    path: KeyPath<'a>,
}

impl<'de, T> DeserializeSeed<'de> for KeyName<'_, T> {
    type Value = usize;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<usize, D::Error> {
        deserializer.deserialize_identifier(self)
    }
}

impl<T> Visitor<'_> for KeyName<'_, T> {
    type Value = usize;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<usize, E> {
        if let Some(number) = self.keys.iter().position(|key| key.name == name) {
            return Ok(number);
        }
        if self.list == Some(name) {
            return Ok(self.keys.len());
        }
        let expected = self.keys.iter().map(|key| key.name).chain(self.list);
        let expected: Vec<String> = expected.map(|name| format!("`{name}`")).collect();
        let place = self.path.node.map(|number| format!("nodes[{number}]: ")).unwrap_or_default();
        Err(E::custom(format_args!("{place}unknown key `{name}`, expected one of {}", expected.join(", "))))
    }
}

/// Reads the value of a key into its field.
struct KeyValue<'a, 'o, T: 'static> {
    key: &'static Key<T>,
    owner: &'o mut T,
    path: KeyPath<'a>,
}

impl<'de, T: Keyed> DeserializeSeed<'de> for KeyValue<'_, '_, T> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<T: Keyed> KeyValue<'_, '_, T> {
    fn put<E: serde::de::Error>(self, value: Scalar<'_>) -> Result<(), E> {
        let result = (self.key.read)(self.owner, value);
        result.map_err(|error| self.path.error(self.owner.name(), self.key.name, &error))
    }
}

impl<'de, T: Keyed> Visitor<'de> for KeyValue<'_, '_, T> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a value for `{}`", self.key.name)
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<(), E> {
        self.put(Scalar::Text(text.into()))
    }

    fn visit_string<E: serde::de::Error>(self, text: String) -> Result<(), E> {
        self.put(Scalar::Text(text.into()))
    }

    fn visit_bool<E: serde::de::Error>(self, value: bool) -> Result<(), E> {
        self.put(Scalar::Bool(value))
    }

    fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<(), E> {
        self.put(Scalar::Integer(value))
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<(), E> {
        self.put(i64::try_from(value).map_or(Scalar::Other("a large integer"), Scalar::Integer))
    }

    fn visit_f64<E: serde::de::Error>(self, _: f64) -> Result<(), E> {
        self.put(Scalar::Other("a floating-point number"))
    }

    /// JSON's null is as no value.
    fn visit_unit<E: serde::de::Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let mut texts: Vec<Cow<'_, str>> = Vec::new();
        while let Some(value) = list.next_element::<ListItem>()? {
            match value.0 {
                Scalar::Text(text) => texts.push(text),
                other => {
                    let error =
                        Error::new(ErrorKind::Syntax, format!("expected a list of strings, found {other} in it"));
                    return Err(self.path.error(self.owner.name(), self.key.name, &error));
                }
            }
        }
        self.put(Scalar::Texts(texts))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        self.put(Scalar::Other("a table"))
    }
}

/// A value in a list, of any type.
struct ListItem(Scalar<'static>);

impl<'de> Deserialize<'de> for ListItem {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;

        impl<'de> Visitor<'de> for Any {
            type Value = Scalar<'static>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Scalar::Text(text.to_owned().into()))
            }

            fn visit_bool<E: serde::de::Error>(self, value: bool) -> Result<Self::Value, E> {
                Ok(Scalar::Bool(value))
            }

            fn visit_i64<E: serde::de::Error>(self, _: i64) -> Result<Self::Value, E> {
                Ok(Scalar::Other("an integer"))
            }

            fn visit_u64<E: serde::de::Error>(self, _: u64) -> Result<Self::Value, E> {
                Ok(Scalar::Other("an integer"))
            }

            fn visit_f64<E: serde::de::Error>(self, _: f64) -> Result<Self::Value, E> {
                Ok(Scalar::Other("a floating-point number"))
            }

            fn visit_unit<E: serde::de::Error>(self) -> Result<Self::Value, E> {
                Ok(Scalar::Other("null"))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
                while list.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Scalar::Other("a list"))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Scalar::Other("a table"))
            }
        }

        deserializer.deserialize_any(Any).map(ListItem)
    }
}
