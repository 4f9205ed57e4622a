//! One error for the whole crate.

use std::error::Error as StdError;
use std::fmt;

use crate::OneLine;

/// The kind of mistake that an [`Error`] reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// An EMR release that is missing or not written in an accepted spelling.
    Release,
    /// Text that is not valid TOML, JSON or hosts text, or has unknown keys or wrong types.
    Syntax,
    /// A value that is well-formed but cannot be: a bad address, a duplicate name, no broker.
    Value,
    /// Broker nodes lack the address that the network needs.
    Address,
    /// A source string that cannot be understood.
    Source,
    /// A file that does not exist or cannot be read.
    Io,
    /// A file that somebody could have written who is neither root nor the user of this process, and that must not decide where
    /// connections go: one that everybody may write to, or another user's in a folder that everybody may write to.
    Insecure,
    /// Bootstrap servers were asked of a resolver over several clusters.
    Bootstrap,
}

/// Reports what is wrong, where, and what to do next.
///
/// The message is one line, made for the person who has to act. [`Error::kind`] is for programs. `{}` shows the message
/// without its cause, which [`source`](StdError::source) returns; `{:#}` adds it.
pub struct Error(Box<Inner>);

struct Inner {
    kind: ErrorKind,
    /// File or source, with line and column where they are known: `prod.toml:3:1`.
    place: Option<String>,
    message: String,
    /// Whether the message is shown however long it is.
    is_in_full: bool,
    cause: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Error(Box::new(Inner { kind, place: None, message: message.into(), is_in_full: false, cause: None }))
    }

    pub(crate) fn caused_by(mut self, cause: impl StdError + Send + Sync + 'static) -> Self {
        self.0.cause = Some(Box::new(cause));
        self
    }

    /// Shows the message however long it is: one that names many nodes, and quotes no value of any length.
    pub(crate) fn in_full(mut self) -> Self {
        self.0.is_in_full = true;
        self
    }

    /// Puts a line and column (both from 1) in front, for a text whose file is not known yet.
    pub(crate) fn at_line(mut self, line: usize, column: Option<usize>) -> Self {
        self.0.place = Some(match column {
            Some(column) => format!("line {line}, column {column}"),
            None => format!("line {line}"),
        });
        self
    }

    /// Puts the file or source in front of what is already said about the place.
    pub(crate) fn in_source(mut self, source: impl fmt::Display) -> Self {
        self.0.place = Some(match self.0.place.take() {
            Some(place) => format!("{source}: {place}"),
            None => source.to_string(),
        });
        self
    }

    /// Puts a key, or whatever else the message is about, in front of it.
    pub(crate) fn about(mut self, what: impl fmt::Display) -> Self {
        self.0.message = format!("{what}: {}", self.0.message);
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
        if let Some(place) = &self.0.place {
            write!(f, "{}: ", OneLine(place))?;
        }
        match self.0.message.char_indices().nth(MAX_MESSAGE).filter(|_| !self.0.is_in_full) {
            Some((end, _)) => write!(f, "{}…", OneLine(&self.0.message[..end])),
            None => write!(f, "{}", OneLine(&self.0.message)),
        }?;
        match &self.0.cause {
            Some(cause) if f.alternate() => write!(f, ": {}", OneLine(&cause.to_string())),
            _ => Ok(()),
        }
    }
}

/// The longest message that is shown, in characters: it may quote a value of any length.
const MAX_MESSAGE: usize = 2000;

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} error: {self}", self.0.kind)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.cause.as_ref().map(|cause| &**cause as _)
    }
}
