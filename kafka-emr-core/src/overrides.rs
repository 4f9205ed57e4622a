//! Top-level keys that somebody sets over a description.

use crate::description::Settings;
use crate::keys::{self, KEYS};
use crate::{Description, Error, ErrorKind};

/// Top-level keys with values that win over those of a description.
///
/// They come in before the description is checked, so they can supply what it lacks.
///
/// ```
/// use kafka_emr_core::{Overrides, Resolver, Source};
///
/// let mut overrides = Overrides::default();
/// overrides.set("network", "public")?;
/// let source: Source = "emr://48742?release=3.11&emr-worker-1=10.0.1.24/203.0.113.24".parse()?;
/// let resolver = Resolver::from_source(source.with(&overrides))?;
/// assert_eq!(resolver.bootstrap_servers()?, "203.0.113.24:9093");
/// # Ok::<(), kafka_emr_core::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overrides(Settings);

impl Overrides {
    /// Sets a key to a value, both as text. A later value replaces an earlier one.
    ///
    /// # Errors
    ///
    /// Fails on a key that is none of [`KEYS`](crate::KEYS) and on an impossible value, and changes nothing then.
    pub fn set(&mut self, key: &str, value: &str) -> Result<(), Error> {
        let known = keys::find(KEYS, key).ok_or_else(|| {
            let why = format!("{key:?} is no key of a description; expected one of {}", keys::names(KEYS));
            Error::new(ErrorKind::Source, why)
        })?;
        (known.parse)(&mut self.0, value).map_err(|error| error.about(known.name))
    }

    /// Returns whether no key is set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.iter().next().is_none()
    }

    /// Returns the keys that are set, with their values as text, in the order of [`KEYS`](crate::KEYS).
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, String)> {
        KEYS.iter().filter_map(|key| Some((key.name, (key.write)(&self.0)?.to_parameter())))
    }

    /// Returns the values that are set.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.0
    }

    /// Puts the values into a description.
    pub fn apply(&self, description: &mut Description) {
        KEYS.iter().for_each(|key| key.override_with(&self.0, &mut description.settings));
    }

    /// Puts the values of other overrides over these.
    pub fn extend(&mut self, other: &Overrides) {
        KEYS.iter().for_each(|key| key.override_with(&other.0, &mut self.0));
    }
}
