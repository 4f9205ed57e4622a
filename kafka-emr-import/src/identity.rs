//! What distinguishes a cluster from others. All inputs must agree in it.

use std::collections::BTreeMap;

use kafka_emr_core::{EmrVersion, OneLine, is_new_console};

use crate::error::{Error, ErrorKind, Result};

/// An attribute of a cluster in which all inputs must agree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Attribute {
    /// The API's name of the cluster: `C-…` of the old console, `c-…` of the new one.
    ClusterId,
    /// What long domains end in: `48742` of `cluster-48742`, or a new-console id, `c-…`.
    Id,
    /// The region, such as `cn-shanghai`.
    Region,
    /// The EMR release, such as `EMR-3.10.1`.
    Release,
}

impl Attribute {
    fn name(self) -> &'static str {
        match self {
            Attribute::ClusterId => "ClusterId",
            Attribute::Id => "id",
            Attribute::Region => "region",
            Attribute::Release => "release",
        }
    }

    /// Whether two inputs mean the same.
    fn equal(self, one: &str, other: &str) -> bool {
        match self {
            Attribute::ClusterId | Attribute::Release => one == other,
            Attribute::Id | Attribute::Region => one.eq_ignore_ascii_case(other),
        }
    }
}

/// The attributes that are known so far.
#[derive(Default)]
pub(crate) struct Identity(BTreeMap<Attribute, Known>);

struct Known {
    value: String,
    /// The input, description or option that has it; the first of several.
    origin: String,
    /// The name under which the user gave it too.
    given: Option<String>,
}

impl Identity {
    pub(crate) fn get(&self, attribute: Attribute) -> Option<&str> {
        self.0.get(&attribute).map(|known| known.value.as_str())
    }

    /// Returns the name under which the user gave an attribute, such as `--id`.
    pub(crate) fn given_as(&self, attribute: Attribute) -> Option<&str> {
        self.0.get(&attribute)?.given.as_deref()
    }

    /// Adds what an input or the description has.
    pub(crate) fn add(&mut self, attribute: Attribute, value: &str, origin: &str) -> Result<()> {
        match self.0.get(&attribute) {
            Some(known) if !attribute.equal(&known.value, value) => {
                return Err(Error::new(
                    ErrorKind::Conflict,
                    format!(
                        "{}: {} in {}, but {} in {}: {TWO_CLUSTERS}",
                        attribute.name(),
                        OneLine(&known.value),
                        OneLine(&known.origin),
                        OneLine(value),
                        OneLine(origin)
                    ),
                ));
            }
            Some(_) => {}
            None => self.insert(attribute, value, origin),
        }
        // Only ids of the new console are what long domains end in.
        if attribute == Attribute::ClusterId && is_new_console(value) {
            return self.add(Attribute::Id, value, origin);
        }
        Ok(())
    }

    /// Adds what the user gave under a name, once all inputs are there.
    pub(crate) fn add_given(&mut self, attribute: Attribute, value: &str, name: &str) -> Result<()> {
        if attribute == Attribute::Release {
            release(value)?;
        }
        match self.0.get(&attribute) {
            Some(known) if !attribute.equal(&known.value, value) && !same_release(attribute, &known.value, value) => {
                let (shown, origin, other) = (OneLine(value), OneLine(&known.origin), OneLine(&known.value));
                return Err(Error::new(
                    ErrorKind::Conflict,
                    format!(
                        "{name} {shown}: {origin} says {other}; leave {name} out, or give the replies of the cluster that is \
                         meant"
                    ),
                ));
            }
            Some(_) => {}
            None => self.add(attribute, value, name)?,
        }
        if let Some(known) = self.0.get_mut(&attribute) {
            known.given = Some(name.to_owned());
        }
        Ok(())
    }

    /// Sets what nothing else has yet.
    pub(crate) fn insert(&mut self, attribute: Attribute, value: &str, origin: &str) {
        let known = Known { value: value.to_owned(), origin: origin.to_owned(), given: None };
        self.0.insert(attribute, known);
    }
}

/// A user need not know the last number of a release, which no rule looks at.
fn same_release(attribute: Attribute, one: &str, other: &str) -> bool {
    let number = |text| release(text).ok().map(|release| release.number());
    attribute == Attribute::Release && number(one).is_some() && number(one) == number(other)
}

pub(crate) fn release(text: &str) -> Result<EmrVersion> {
    text.parse().map_err(|e: kafka_emr_core::Error| Error::new(ErrorKind::Input, "release").caused_by(e))
}

pub(crate) const TWO_CLUSTERS: &str = "these are two clusters, or one at two points in time; give the replies of one";
