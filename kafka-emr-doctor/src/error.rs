//! One error for the whole crate.

use std::error::Error as StdError;
use std::fmt;

/// Names the kind of mistake that an [`Error`] reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A file of client properties cannot be read.
    File,
    /// A client property that is malformed, unknown or impossible.
    Property,
    /// No client can be made: the description or librdkafka refuses the settings.
    Client,
}

/// Reports why nothing could be examined: where the mistake is, and what was expected.
///
/// The message is one line and has no passwords in it.
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    message: String,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Error { kind, message: message.into() }
    }

    /// Returns the kind of mistake.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl StdError for Error {}
