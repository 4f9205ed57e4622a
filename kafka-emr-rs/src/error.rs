//! One error for the whole crate.

use std::error::Error as StdError;
use std::fmt;

use kafka_emr_core::OneLine;
use rdkafka::error::KafkaError;

/// Says what kind of mistake an [`Error`] reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The client's configuration cannot work together with the hook.
    Config,
    /// The resolver does not give the bootstrap servers that the client needs.
    Resolver,
    /// Too many resolvers of this process are in use by clients already.
    OutOfSlots,
    /// rdkafka refused; the cause is its [`KafkaError`].
    Kafka,
}

/// Reports why a client could not be made.
///
/// It turns into a [`KafkaError`], so that `?` works in functions that return rdkafka's own results.
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    message: String,
    cause: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    pub(crate) fn config(message: impl Into<String>) -> Self {
        Error { kind: ErrorKind::Config, message: message.into(), cause: None }
    }

    /// Returns the kind of mistake.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    fn caused_by(kind: ErrorKind, cause: impl StdError + Send + Sync + 'static) -> Self {
        Error { kind, message: cause.to_string(), cause: Some(Box::new(cause)) }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        OneLine(&self.message).fmt(f)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.cause.as_ref().map(|cause| &**cause as _)
    }
}

impl From<KafkaError> for Error {
    fn from(cause: KafkaError) -> Self {
        let KafkaError::ClientConfig(result, description, property, value) = cause else {
            return Error::caused_by(ErrorKind::Kafka, cause);
        };
        // Without the value, which can be a password under a name that was misspelled. librdkafka quotes it.
        let description = description.replace(&format!("\"{value}\""), "\"…\"");
        let mut message = description.clone();
        let not_built_in = ["not available at build time", "not supported in this build"];
        if not_built_in.iter().any(|words| description.contains(words)) {
            message += "; enable the feature of kafka-emr-rs that has it: ssl, gssapi, sasl, curl or zstd";
        }
        let cause = KafkaError::ClientConfig(result, description, property, String::new());
        Error { kind: ErrorKind::Kafka, message, cause: Some(Box::new(cause)) }
    }
}

impl From<kafka_emr_core::Error> for Error {
    fn from(cause: kafka_emr_core::Error) -> Self {
        Error::caused_by(ErrorKind::Resolver, cause)
    }
}

impl From<kafka_emr_hook::OutOfSlots> for Error {
    fn from(cause: kafka_emr_hook::OutOfSlots) -> Self {
        Error::caused_by(ErrorKind::OutOfSlots, cause)
    }
}

impl From<Error> for KafkaError {
    fn from(error: Error) -> Self {
        match error.cause.map(|cause| cause.downcast::<KafkaError>()) {
            Some(Ok(kafka)) => *kafka,
            _ => KafkaError::ClientCreation(error.message),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turns_into_rdkafkas_error() {
        let own = KafkaError::from(Error::config("because"));
        assert_eq!(own, KafkaError::ClientCreation("because".to_owned()));
        assert_eq!(KafkaError::from(Error::from(KafkaError::NoMessageReceived)), KafkaError::NoMessageReceived);
    }
}
