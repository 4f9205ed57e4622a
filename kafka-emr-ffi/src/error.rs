//! Why a call failed, as a code beside the message.

use std::cell::Cell;
use std::ffi::{CStr, c_char, c_int};
use std::fmt;

use kafka_emr_core::ErrorKind;
use kafka_emr_hook::{OutOfSlots, guard};

/// Why a call failed. A number never gets another meaning; later versions may add some.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorCode {
    /// No error.
    Ok = 0,
    /// An EMR release is missing, or not written in an accepted spelling.
    Release = 1,
    /// Text is not valid TOML, JSON or hosts text, or has unknown keys or wrong types.
    Syntax = 2,
    /// A value is well-formed but cannot be: a bad address, a duplicate name, no broker.
    Value = 3,
    /// Brokers lack the address that the network needs.
    Address = 4,
    /// A source string cannot be understood.
    Source = 5,
    /// A file does not exist or cannot be read.
    Io = 6,
    /// A file is refused because others could have written it: everybody may write to it, or it belongs to another user (not
    /// root) and is in a folder that everybody may write to. The same holds for the links and folders that lead to it. What is
    /// mounted there is read.
    Insecure = 7,
    /// A resolver over several clusters has no bootstrap servers of its own.
    Bootstrap = 8,
    /// An argument is NULL where that is not allowed, or is not UTF-8.
    Argument = 9,
    /// 1024 resolvers of this process have a callback already.
    TooManyResolvers = 10,
    /// A librdkafka configuration cannot have the resolver: it has another resolve callback or a property that rules it out,
    /// or librdkafka refuses.
    Configuration = 11,
    /// A defect of the library: it panicked inside.
    Internal = 12,
    /// An error of the core that this version of the library has no code for.
    Other = 13,
}

/// Every code with its name, in the order of their numbers.
const NAMES: [(ErrorCode, &CStr); 14] = [
    (ErrorCode::Ok, c"OK"),
    (ErrorCode::Release, c"RELEASE"),
    (ErrorCode::Syntax, c"SYNTAX"),
    (ErrorCode::Value, c"VALUE"),
    (ErrorCode::Address, c"ADDRESS"),
    (ErrorCode::Source, c"SOURCE"),
    (ErrorCode::Io, c"IO"),
    (ErrorCode::Insecure, c"INSECURE"),
    (ErrorCode::Bootstrap, c"BOOTSTRAP"),
    (ErrorCode::Argument, c"ARGUMENT"),
    (ErrorCode::TooManyResolvers, c"TOO_MANY_RESOLVERS"),
    (ErrorCode::Configuration, c"CONFIGURATION"),
    (ErrorCode::Internal, c"INTERNAL"),
    (ErrorCode::Other, c"OTHER"),
];

impl From<ErrorKind> for ErrorCode {
    fn from(kind: ErrorKind) -> Self {
        match kind {
            ErrorKind::Release => ErrorCode::Release,
            ErrorKind::Syntax => ErrorCode::Syntax,
            ErrorKind::Value => ErrorCode::Value,
            ErrorKind::Address => ErrorCode::Address,
            ErrorKind::Source => ErrorCode::Source,
            ErrorKind::Io => ErrorCode::Io,
            ErrorKind::Insecure => ErrorCode::Insecure,
            ErrorKind::Bootstrap => ErrorCode::Bootstrap,
            // The core may have more kinds than this crate knows; a test compares them.
            _ => ErrorCode::Other,
        }
    }
}

/// A code and its message.
#[derive(Clone, Debug)]
pub(crate) struct Error {
    pub(crate) code: ErrorCode,
    pub(crate) message: String,
}

impl Error {
    pub(crate) fn argument(message: impl Into<String>) -> Self {
        Error { code: ErrorCode::Argument, message: message.into() }
    }

    pub(crate) fn configuration(message: impl Into<String>) -> Self {
        Error { code: ErrorCode::Configuration, message: message.into() }
    }

    pub(crate) fn internal(message: impl Into<String>) -> Self {
        Error { code: ErrorCode::Internal, message: message.into() }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl From<kafka_emr_core::Error> for Error {
    fn from(error: kafka_emr_core::Error) -> Self {
        // With its causes.
        Error { code: error.kind().into(), message: format!("{error:#}") }
    }
}

/// For librdkafka, which takes a message alone.
impl From<Error> for String {
    fn from(error: Error) -> Self {
        error.message
    }
}

impl From<OutOfSlots> for Error {
    fn from(error: OutOfSlots) -> Self {
        Error { code: ErrorCode::TooManyResolvers, message: error.to_string() }
    }
}

thread_local! {
    static LAST: Cell<ErrorCode> = const { Cell::new(ErrorCode::Ok) };
}

/// Sets what kafka_emr_last_error() returns in this thread.
pub(crate) fn set_last(code: ErrorCode) {
    LAST.set(code);
}

/// Returns why this thread's last call of a function with errstr failed: KAFKA_EMR_ERR_OK if it succeeded, or if there was
/// none. Other threads' calls do not change it, nor do calls of functions without errstr.
#[unsafe(no_mangle)]
pub extern "C" fn kafka_emr_last_error() -> ErrorCode {
    guard("kafka_emr_last_error", ErrorCode::Internal, || LAST.get())
}

/// Returns a code's name without KAFKA_EMR_ERR_, as "SYNTAX", and "UNKNOWN" for a number that this version does not have. The
/// string is constant.
#[unsafe(no_mangle)]
pub extern "C" fn kafka_emr_err2name(err: c_int) -> *const c_char {
    guard("kafka_emr_err2name", c"UNKNOWN".as_ptr(), || {
        let name = NAMES.iter().find(|(code, _)| *code as c_int == err).map(|(_, name)| *name);
        name.unwrap_or(c"UNKNOWN").as_ptr()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_a_number_and_a_name_that_stay() {
        let seen: Vec<String> =
            NAMES.iter().map(|(code, name)| format!("{} {}", *code as c_int, name.to_str().unwrap())).collect();
        // Only ever add to this list.
        let expected = [
            "0 OK",
            "1 RELEASE",
            "2 SYNTAX",
            "3 VALUE",
            "4 ADDRESS",
            "5 SOURCE",
            "6 IO",
            "7 INSECURE",
            "8 BOOTSTRAP",
            "9 ARGUMENT",
            "10 TOO_MANY_RESOLVERS",
            "11 CONFIGURATION",
            "12 INTERNAL",
            "13 OTHER",
        ];
        assert_eq!(seen, expected);
        // SAFETY: it returns strings that end in NUL.
        let name = |err| unsafe { CStr::from_ptr(kafka_emr_err2name(err)) };
        assert_eq!((name(2), name(-1), name(14)), (c"SYNTAX", c"UNKNOWN", c"UNKNOWN"));
    }

    /// The kinds are non-exhaustive, so the compiler does not notice when the core gets another.
    #[test]
    fn every_kind_of_the_core_has_its_code() {
        let core = include_str!("../../kafka-emr-core/src/error.rs");
        let kinds = core.split_once("pub enum ErrorKind {").unwrap().1.split_once('}').unwrap().0;
        let kinds = kinds.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("//"));
        let this = include_str!("error.rs");
        let mut count = 0;
        for kind in kinds.map(|kind| kind.trim_end_matches(',')) {
            count += 1;
            assert!(this.contains(&format!("ErrorKind::{kind} => ErrorCode::{kind},")), "{kind} has no code");
        }
        assert!(count >= 8, "{count} kinds are found");
    }
}
