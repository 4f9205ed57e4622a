//! One error for the whole crate.

use std::error::Error as StdError;
use std::fmt;

use kafka_emr_core::OneLine;

use crate::Attribute;

/// The kind of mistake that an [`Error`] reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// An input that is neither a known reply of the API nor hosts text.
    Input,
    /// An input that is a cluster description already.
    Description,
    /// An input that is an error of the API.
    Api,
    /// Inputs, given values or a description that are not of one cluster.
    Conflict,
    /// A description and an inventory that have no node in common.
    NoCommonNode,
    /// A page, the list of machines or an address is missing.
    Incomplete,
    /// Something that a description needs is in no input, and was not given.
    Missing(Attribute),
    /// What comes out is refused by kafka-emr-core, whose error is the source.
    Cluster,
    /// A description that cannot be read or edited.
    Update,
}

/// Reports what is wrong, where, and what to do next.
///
/// The message is one line, made for the person who has to act. [`Error::kind`] is for programs. `{}` shows the message
/// without its cause, which [`source`](StdError::source) returns; `{:#}` adds it.
pub struct Error(Box<Inner>);

struct Inner {
    kind: ErrorKind,
    /// The name of the input.
    input: Option<String>,
    message: String,
    cause: Option<Box<dyn StdError + Send + Sync>>,
}

pub(crate) type Result<T> = std::result::Result<T, Error>;

impl Error {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Error(Box::new(Inner { kind, input: None, message: message.into(), cause: None }))
    }

    pub(crate) fn caused_by(mut self, cause: impl StdError + Send + Sync + 'static) -> Self {
        self.0.cause = Some(Box::new(cause));
        self
    }

    /// Puts the name of an input in front.
    pub(crate) fn in_input(mut self, name: &str) -> Self {
        self.0.input = Some(name.to_owned());
        self
    }

    /// Returns the kind of mistake.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(input) = &self.0.input {
            write!(f, "{}: ", OneLine(input))?;
        }
        write!(f, "{}", OneLine(&self.0.message))?;
        match &self.0.cause {
            Some(cause) if f.alternate() => write!(f, ": {cause:#}"),
            _ => Ok(()),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} error: {self:#}", self.0.kind)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.cause.as_ref().map(|cause| &**cause as _)
    }
}
