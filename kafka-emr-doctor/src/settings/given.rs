//! Properties as they are given: one by one, and in files.

use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};

use crate::properties::Property;
use crate::{Error, ErrorKind, properties};

/// The properties that a file is read for. The rest, such as serializers and batch sizes, does not matter for connecting.
const CONNECTION: [&str; 9] = [
    "bootstrap.servers",
    "metadata.broker.list",
    "security.",
    "sasl.",
    "enable.sasl.",
    "ssl.",
    "enable.ssl.",
    "socket.",
    "broker.address.",
];

/// Other names of a property, and librdkafka's.
const ALIASES: [(&str, &str); 5] = [
    ("sasl.mechanisms", "sasl.mechanism"),
    ("metadata.broker.list", "bootstrap.servers"),
    ("ssl.truststore.certificates", "ssl.ca.pem"),
    ("ssl.keystore.certificate.chain", "ssl.certificate.pem"),
    ("ssl.keystore.key", "ssl.key.pem"),
];

/// Properties that only the Java client has, and that do not decide whether brokers are reached.
pub(super) const ONLY_JAVA: [&str; 37] = [
    "sasl.client.callback.handler.class",
    "sasl.kerberos.ticket.renew.jitter",
    "sasl.kerberos.ticket.renew.window.factor",
    "sasl.login.callback.handler.class",
    "sasl.login.class",
    "sasl.login.connect.timeout.ms",
    "sasl.login.read.timeout.ms",
    "sasl.login.refresh.buffer.seconds",
    "sasl.login.refresh.min.period.seconds",
    "sasl.login.refresh.window.factor",
    "sasl.login.refresh.window.jitter",
    "sasl.login.retry.backoff.max.ms",
    "sasl.login.retry.backoff.ms",
    "sasl.oauthbearer.allow.unverified.audience",
    "sasl.oauthbearer.allow.unverified.issuer",
    "sasl.oauthbearer.assertion.template.file",
    "sasl.oauthbearer.clock.skew.seconds",
    "sasl.oauthbearer.expected.audience",
    "sasl.oauthbearer.expected.issuer",
    "sasl.oauthbearer.header.urlencode",
    "sasl.oauthbearer.jwks.endpoint.refresh.ms",
    "sasl.oauthbearer.jwks.endpoint.retry.backoff.max.ms",
    "sasl.oauthbearer.jwks.endpoint.retry.backoff.ms",
    "sasl.oauthbearer.jwks.endpoint.url",
    "sasl.oauthbearer.jwt.retriever.class",
    "sasl.oauthbearer.jwt.validator.class",
    "sasl.oauthbearer.scope.claim.name",
    "sasl.oauthbearer.sub.claim.name",
    "security.providers",
    "socket.connection.setup.timeout.max.ms",
    "ssl.enabled.protocols",
    "ssl.engine.factory.class",
    "ssl.keymanager.algorithm",
    "ssl.protocol",
    "ssl.provider",
    "ssl.secure.random.implementation",
    "ssl.trustmanager.algorithm",
];

/// Where a property was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// As a single property, the option `-X` of `kafka-emr doctor`.
    Option,
    /// In a file, on this line, counted from 1.
    Line(PathBuf, usize),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Option => f.write_str("-X"),
            Origin::Line(file, line) => write!(f, "{}:{line}", file.display()),
        }
    }
}

impl Origin {
    /// A message about a property that was given here.
    pub(super) fn wrong(&self, name: &str, why: &str) -> String {
        let between = if *self == Origin::Option { " " } else { ": " };
        format!("{self}{between}{name}: {why}")
    }
}

/// A property as it was given.
pub(super) struct Given {
    /// As it was written.
    name: String,
    /// As librdkafka calls it.
    pub(super) key: String,
    pub(super) value: String,
    pub(super) origin: Origin,
}

impl Given {
    fn new(name: &str, value: &str, origin: Origin) -> Self {
        let key = ALIASES.iter().find(|(alias, _)| *alias == name).map_or(name, |(_, key)| key);
        // As in Java, blanks at the ends count only in secrets.
        let secret = ["password", "passphrase", "secret"].iter().any(|word| key.contains(word));
        let value = if secret { value } else { value.trim() };
        Given { name: name.to_owned(), key: key.to_owned(), value: value.to_owned(), origin }
    }

    /// An error about it.
    pub(super) fn wrong(&self, why: &str) -> String {
        self.origin.wrong(&self.name, why)
    }
}

pub(super) fn property_error(message: String) -> Error {
    Error::new(ErrorKind::Property, message)
}

/// Reads `KEY=VALUE`.
pub(super) fn of_option(text: &str) -> Result<Given, String> {
    match text.split_once('=').map(|(key, value)| (key.trim(), value)) {
        Some((key, value)) if !key.is_empty() => Ok(Given::new(key, value, Origin::Option)),
        // Without what was given: it may be a password with its key forgotten.
        _ => Err("-X: expected KEY=VALUE, for example -X security.protocol=SASL_SSL".to_owned()),
    }
}

/// Reads the connection properties of a file, without those that only the Java client has.
pub(super) fn of_file(file: &Path) -> Result<Vec<Given>, Error> {
    let name = file.display();
    let content = std::fs::read(file).map_err(|error| {
        Error::new(ErrorKind::File, format!("-F {name}: cannot be read: {error}; expected a file of KEY=VALUE lines"))
    })?;
    let all = properties::parse(content)
        .map_err(|error| property_error(format!("{name}:{}: {}", error.line, error.message)))?;
    let mut given = Vec::new();
    let mut skipped = BTreeSet::new();
    for Property { line, key, value } in all {
        let connects = CONNECTION.iter().any(|prefix| key.starts_with(prefix));
        if !connects && value.is_none() {
            return Err(property_error(format!("{name}:{line}: expected KEY=VALUE")));
        }
        if ONLY_JAVA.contains(&key.as_str()) {
            skipped.insert(key);
        } else if connects {
            given.push(Given::new(&key, &value.unwrap_or_default(), Origin::Line(file.to_owned(), line)));
        }
    }
    if !skipped.is_empty() {
        let skipped: Vec<String> = skipped.into_iter().collect();
        log::warn!("{name}: skipped, because only the Java client has them: {}", skipped.join(", "));
    }
    Ok(given)
}
