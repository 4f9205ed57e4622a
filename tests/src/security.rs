//! What clients must do to be let in.

use std::fmt;

use crate::{Certificate, KafkaVersion};

/// The protocol of the brokers' client listeners. The internal ones are always plain.
#[derive(Clone, Debug)]
pub enum Security {
    /// TLS: brokers show the certificate, clients none.
    Ssl(Certificate),
    /// TLS on which both sides show a certificate, the same one.
    MutualSsl(Certificate),
    /// Clients log in, and nothing is encrypted.
    SaslPlaintext(Sasl),
    /// Clients log in over TLS.
    SaslSsl(Certificate, Sasl),
}

/// Who may log in, and how.
#[derive(Clone, Debug)]
pub struct Sasl {
    mechanisms: Vec<Mechanism>,
    password: String,
}

/// A way to log in. It prints as Kafka calls it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mechanism {
    /// The password as it is.
    Plain,
    /// A proof that one knows the password.
    ScramSha512,
}

impl Sasl {
    /// Who is let in, by all mechanisms.
    pub const USER: &str = "alice";

    /// Lets [`USER`](Self::USER) in with `password`.
    ///
    /// # Panics
    ///
    /// There are other characters than ASCII letters, digits, `-` and `_` in the password, which
    /// would mean something in one of the files that it goes through.
    #[track_caller]
    pub fn new(mechanisms: &[Mechanism], password: &str) -> Sasl {
        let harmless = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        assert!(password.bytes().all(harmless), "the password {password:?} has characters that Kafka's files mean");
        Sasl { mechanisms: mechanisms.to_vec(), password: password.to_owned() }
    }

    /// SCRAM's users, unlike PLAIN's, are part of the cluster's metadata: this one, as Kafka's
    /// tools take it, if SCRAM is a way in.
    pub(crate) fn scram_password(&self) -> Option<String> {
        self.mechanisms.contains(&Mechanism::ScramSha512).then(|| format!("password={}", self.password))
    }

    fn properties(&self) -> String {
        let names: Vec<String> = self.mechanisms.iter().map(ToString::to_string).collect();
        let mut properties = format!("listener.name.client.sasl.enabled.mechanisms={}\n", names.join(","));
        for (mechanism, name) in self.mechanisms.iter().zip(names) {
            let login = match mechanism {
                Mechanism::Plain => {
                    format!("plain.PlainLoginModule required user_{}=\"{}\"", Sasl::USER, self.password)
                }
                Mechanism::ScramSha512 => "scram.ScramLoginModule required".to_owned(),
            };
            properties += &format!(
                "listener.name.client.{}.sasl.jaas.config=org.apache.kafka.common.security.{login};\n",
                name.to_lowercase()
            );
        }
        properties
    }
}

impl Security {
    /// As Kafka calls it.
    pub(crate) fn protocol(&self) -> &'static str {
        match self {
            Security::Ssl(_) | Security::MutualSsl(_) => "SSL",
            Security::SaslPlaintext(_) => "SASL_PLAINTEXT",
            Security::SaslSsl(..) => "SASL_SSL",
        }
    }

    pub(crate) fn sasl(&self) -> Option<&Sasl> {
        match self {
            Security::Ssl(_) | Security::MutualSsl(_) => None,
            Security::SaslPlaintext(sasl) | Security::SaslSsl(_, sasl) => Some(sasl),
        }
    }

    fn certificate(&self) -> Option<&Certificate> {
        match self {
            Security::SaslPlaintext(_) => None,
            Security::Ssl(certificate) | Security::MutualSsl(certificate) | Security::SaslSsl(certificate, _) => {
                Some(certificate)
            }
        }
    }

    /// What a broker's configuration says of it, but for the protocol.
    pub(crate) fn properties(&self) -> String {
        let mut properties = String::new();
        if let Some(certificate) = self.certificate() {
            properties += &format!(
                "listener.name.client.ssl.keystore.type=PKCS12\n\
                 listener.name.client.ssl.keystore.location={keystore}\n\
                 listener.name.client.ssl.keystore.password={password}\n\
                 listener.name.client.ssl.key.password={password}\n",
                keystore = certificate.keystore().display(),
                password = Certificate::PASSWORD,
            );
        }
        if let Security::MutualSsl(certificate) = self {
            properties += &format!(
                "listener.name.client.ssl.client.auth=required\n\
                 listener.name.client.ssl.truststore.type=PKCS12\n\
                 listener.name.client.ssl.truststore.location={}\n\
                 listener.name.client.ssl.truststore.password={}\n",
                certificate.truststore().display(),
                Certificate::PASSWORD,
            );
        }
        properties + &self.sasl().map(Sasl::properties).unwrap_or_default()
    }

    /// Fails if the harness cannot do that with `version`.
    pub(crate) fn check(&self, version: KafkaVersion) -> Result<(), String> {
        match self.sasl() {
            Some(_) if version == KafkaVersion::V1_0_1 => Err(format!(
                "Kafka {version} has no sasl.jaas.config for a listener, which came with 1.1: clients log in to \
                 clusters of Kafka {} and {} only",
                KafkaVersion::V2_4_1,
                KafkaVersion::Newest
            )),
            _ => Ok(()),
        }
    }
}

impl fmt::Display for Mechanism {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Mechanism::Plain => "PLAIN",
            Mechanism::ScramSha512 => "SCRAM-SHA-512",
        })
    }
}
