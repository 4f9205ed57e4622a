//! One error for the whole crate.

use std::error::Error as StdError;
use std::fmt;

use kafka_emr_core::OneLine;
use rdkafka::error::KafkaError;

/// The kind of mistake that an [`Error`] reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The client's configuration cannot work together with the hook.
    Config,
    /// The resolver does not give the bootstrap servers that the client needs.
    Resolver,
    /// Too many resolvers of this process are in use by clients already.
    OutOfSlots,
    /// rdkafka refused: the error turns into its [`KafkaError`].
    Kafka,
}

/// Reports why a client could not be made.
///
/// It turns into a [`KafkaError`], so that `?` works in functions that return rdkafka's own results. `{:#}` adds what caused it.
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    message: String,
    /// The error that this one passes on. Its text is the message, so that it is not a cause, which would repeat it.
    passed_on: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    pub(crate) fn config(message: impl Into<String>) -> Self {
        Error { kind: ErrorKind::Config, message: message.into(), passed_on: None }
    }

    /// Returns the kind of mistake.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// Passes another error on: its message, and what caused it.
    fn transparent(kind: ErrorKind, error: impl StdError + Send + Sync + 'static) -> Self {
        Error { kind, message: error.to_string(), passed_on: Some(Box::new(error)) }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        OneLine(&self.message).fmt(f)?;
        let mut cause = self.source().filter(|_| f.alternate());
        while let Some(error) = cause {
            write!(f, ": {}", OneLine(&error.to_string()))?;
            cause = error.source();
        }
        Ok(())
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.passed_on.as_ref().and_then(|error| error.source())
    }
}

impl From<KafkaError> for Error {
    fn from(cause: KafkaError) -> Self {
        let KafkaError::ClientConfig(result, description, property, value) = cause else {
            return Error::transparent(ErrorKind::Kafka, cause);
        };
        // Without the value, which can be a password under a name that was misspelled. librdkafka quotes it.
        let description = description.replace(&format!("\"{value}\""), "\"…\"");
        let mut message = description.clone();
        let not_built_in = ["not available at build time", "not supported in this build"];
        if not_built_in.iter().any(|words| description.contains(words)) {
            message += "; enable the feature of kafka-emr-rs that has it: ssl, gssapi, sasl, curl or zstd";
        }
        let cause = KafkaError::ClientConfig(result, description, property, String::new());
        Error { kind: ErrorKind::Kafka, message, passed_on: Some(Box::new(cause)) }
    }
}

impl From<kafka_emr_core::Error> for Error {
    fn from(cause: kafka_emr_core::Error) -> Self {
        Error::transparent(ErrorKind::Resolver, cause)
    }
}

impl From<kafka_emr_hook::OutOfSlots> for Error {
    fn from(cause: kafka_emr_hook::OutOfSlots) -> Self {
        Error::transparent(ErrorKind::OutOfSlots, cause)
    }
}

impl From<Error> for KafkaError {
    fn from(error: Error) -> Self {
        // It has no cause, so it says everything itself.
        let message = format!("{error:#}");
        match error.passed_on.map(|error| error.downcast::<KafkaError>()) {
            Some(Ok(kafka)) => *kafka,
            _ => KafkaError::ClientCreation(message),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_message_repeats_its_cause() {
        let missing = kafka_emr_core::Resolver::open("/nonexistent/prod.toml").unwrap_err();
        let kafka = KafkaError::AdminOpCreation("because".to_owned());
        for error in [Error::from(missing), Error::from(kafka), Error::config("because")] {
            let mut next = error.source();
            while let Some(cause) = next {
                assert!(!error.to_string().contains(&cause.to_string()), "{error}: {cause}");
                next = cause.source();
            }
        }
    }

    #[test]
    fn the_alternate_form_has_the_causes() {
        let missing = Error::from(kafka_emr_core::Resolver::open("/etc/passwd/prod.toml").unwrap_err());
        let cause = missing.source().unwrap().to_string();
        assert!(!missing.to_string().contains(&cause));
        assert_eq!(format!("{missing:#}"), format!("{missing}: {cause}"));
        let whole = format!("{missing:#}");
        assert_eq!(KafkaError::from(missing), KafkaError::ClientCreation(whole));
    }

    #[test]
    fn turns_into_rdkafkas_error() {
        let own = KafkaError::from(Error::config("because"));
        assert_eq!(own, KafkaError::ClientCreation("because".to_owned()));
        assert_eq!(KafkaError::from(Error::from(KafkaError::NoMessageReceived)), KafkaError::NoMessageReceived);
    }
}
