//! What tells a cluster from others. Every place that says it must say the same.

use std::collections::BTreeMap;

use kafka_emr_core::{EmrVersion, OneLine};

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Key {
    /// The API's name of the cluster: `C-…` of the old console, `c-…` of the new one.
    ClusterId,
    /// What long domains end in.
    Id,
    Region,
    Release,
}

impl Key {
    pub(super) fn name(self) -> &'static str {
        match self {
            Key::ClusterId => "ClusterId",
            Key::Id => "id",
            Key::Region => "region",
            Key::Release => "release",
        }
    }

    fn same(self, one: &str, other: &str) -> bool {
        match self {
            Key::ClusterId | Key::Release => one == other,
            Key::Id | Key::Region => one.eq_ignore_ascii_case(other),
        }
    }
}

/// What was said so far, and by whom first.
#[derive(Default)]
pub(super) struct Identity(BTreeMap<Key, Told>);

struct Told {
    value: String,
    /// A file, or an option.
    place: String,
}

impl Identity {
    pub(super) fn get(&self, key: Key) -> Option<&str> {
        self.0.get(&key).map(|told| told.value.as_str())
    }

    /// Hears what an input or the description says.
    pub(super) fn hear(&mut self, key: Key, value: &str, place: &str) -> Result<(), String> {
        match self.0.get(&key) {
            Some(known) if !key.same(&known.value, value) => {
                return Err(format!(
                    "{}: {} in {}, but {} in {}: {TWO_CLUSTERS}",
                    key.name(),
                    OneLine(&known.value),
                    OneLine(&known.place),
                    OneLine(value),
                    OneLine(place)
                ));
            }
            Some(_) => {}
            None => _ = self.0.insert(key, Told { value: value.to_owned(), place: place.to_owned() }),
        }
        // Only ids of the new console are what long domains end in.
        if key == Key::ClusterId && value.starts_with("c-") { self.hear(Key::Id, value, place) } else { Ok(()) }
    }

    /// Hears what an option says, once everything else has spoken.
    pub(super) fn hear_option(&mut self, key: Key, value: Option<&str>) -> Result<(), String> {
        let Some(value) = value else { return Ok(()) };
        let option = format!("--{}", key.name());
        let same = |known: &str| match key {
            // A user need not know the last number, which decides nothing.
            Key::Release => release(known).is_ok_and(|known| release(value).is_ok_and(|value| value == known)),
            _ => key.same(known, value),
        };
        match self.0.get(&key) {
            Some(known) if !same(&known.value) => Err(format!(
                "{option} {}: {} says {}; leave {option} out, or give the replies of the cluster that is meant",
                OneLine(value),
                OneLine(&known.place),
                OneLine(&known.value)
            )),
            Some(_) => Ok(()),
            None => self.hear(key, value, &option),
        }
    }
}

pub(super) fn release(text: &str) -> Result<EmrVersion, String> {
    text.parse().map_err(|e| format!("release: {e}"))
}

pub(super) const TWO_CLUSTERS: &str = "these are two clusters, or one at two points in time; give the replies of one";
