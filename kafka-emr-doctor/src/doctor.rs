//! The way in: examines all clusters of a resolver.

use std::fmt;
use std::thread;
use std::time::Duration;

use kafka_emr_core::Resolver;

use crate::examine::{Examination, join};
use crate::tls::Tls;
use crate::{ClientSettings, ClusterReport, Error, ErrorKind, Report, diagnosis};

/// The part of an examination that is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stage {
    /// Names, bootstrap servers, and the client's metadata.
    Bootstrap,
    /// The advertised listeners.
    Listeners,
    /// The probe topic.
    Probe,
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Stage::Bootstrap => "bootstrap servers",
            Stage::Listeners => "advertised listeners",
            Stage::Probe => "probe topic",
        })
    }
}

/// Examines clusters as a client with some settings meets them.
pub struct Doctor {
    settings: ClientSettings,
    timeout: Duration,
    probe_topic: Option<String>,
    progress: Box<dyn Fn(Stage) + Send + Sync>,
}

impl Doctor {
    /// Makes a doctor for a client with these settings. Each stage may take three seconds, and no message is produced.
    #[must_use]
    pub fn new(settings: ClientSettings) -> Self {
        Doctor { settings, timeout: Duration::from_secs(3), probe_topic: None, progress: Box::new(|_| {}) }
    }

    /// Sets how long each stage may take. Default: three seconds.
    #[must_use]
    pub fn timeout(self, timeout: Duration) -> Self {
        Doctor { timeout, ..self }
    }

    /// Produces one message to a topic and consumes it again. Default: no message.
    #[must_use]
    pub fn probe_topic(self, topic: impl Into<String>) -> Self {
        Doctor { probe_topic: Some(topic.into()), ..self }
    }

    /// Calls a function at the beginning of each stage, once for each cluster and from any thread.
    #[must_use]
    pub fn on_stage(self, progress: impl Fn(Stage) + Send + Sync + 'static) -> Self {
        Doctor { progress: Box::new(progress), ..self }
    }

    /// Examines all clusters of a resolver, at the same time. Changes nothing in them, except for the message to a probe topic.
    ///
    /// # Errors
    ///
    /// Fails if no client can be made: librdkafka or OpenSSL refuses a setting, or the servers in `bootstrap.servers` are malformed or
    /// meant for one of several clusters. A cluster that cannot be reached is no error; the report shows why.
    pub fn examine(&self, resolver: &Resolver) -> Result<Report, Error> {
        // Before librdkafka initializes OpenSSL with a handler at exit: clients may still be connecting when the program ends.
        openssl::init();
        let clusters = resolver.clusters();
        if clusters.len() > 1 && self.settings.get("bootstrap.servers").is_some() {
            return Err(Error::new(
                ErrorKind::Client,
                "bootstrap.servers: the source has several clusters, and these are servers of one; give that one alone, \
                 or leave bootstrap.servers out",
            ));
        }
        let tls = Tls::new(&self.settings)?;
        let reports: Result<Vec<ClusterReport>, Error> = thread::scope(|scope| {
            let examinations: Vec<_> = clusters
                .iter()
                .map(|cluster| {
                    scope.spawn(|| {
                        let examination = Examination {
                            cluster,
                            resolver,
                            settings: &self.settings,
                            tls: &tls,
                            limit: self.timeout,
                            probe_topic: self.probe_topic.as_deref(),
                            progress: &self.progress,
                        };
                        let facts = examination.run()?;
                        let (checks, findings) = diagnosis::diagnose(&facts);
                        Ok(ClusterReport::new(&facts, checks, findings))
                    })
                })
                .collect();
            examinations.into_iter().map(join).collect()
        });
        reports.map(|clusters| Report::new(resolver.status(), clusters))
    }
}

impl fmt::Debug for Doctor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Doctor { settings: _, timeout, probe_topic, progress: _ } = self;
        f.debug_struct("Doctor").field("timeout", timeout).field("probe_topic", probe_topic).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use openssl::asn1::Asn1Time;
    use openssl::hash::MessageDigest;
    use openssl::pkey::PKey;
    use openssl::rsa::Rsa;
    use openssl::x509::X509;

    use super::*;

    /// A certificate that expires now, in PEM.
    fn certificate() -> String {
        let key = PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap();
        let mut certificate = X509::builder().unwrap();
        certificate.set_pubkey(&key).unwrap();
        certificate.set_not_before(&Asn1Time::days_from_now(0).unwrap()).unwrap();
        certificate.set_not_after(&Asn1Time::days_from_now(0).unwrap()).unwrap();
        certificate.sign(&key, MessageDigest::sha256()).unwrap();
        String::from_utf8(certificate.build().to_pem().unwrap()).unwrap()
    }

    /// librdkafka takes the certificates before the broken one, OpenSSL refuses all.
    #[test]
    fn certificates_that_cannot_be_read_are_an_error_of_their_property() {
        let broken = certificate() + "-----BEGIN CERTIFICATE-----\nhunter2\n-----END CERTIFICATE-----\n";
        let file = tempfile::NamedTempFile::new().unwrap();
        let line = format!("\nssl.ca.pem={}\n", broken.replace('\n', "\\n"));
        std::fs::write(file.path(), line).unwrap();
        let resolver = Resolver::open("emr://48742?release=3.10&port=1&emr-worker-1=127.10.7.26").unwrap();
        let examine = |protocol: &str| {
            let protocol = format!("security.protocol={protocol}");
            Doctor::new(ClientSettings::read(&[file.path().to_owned()], &[protocol]).unwrap()).examine(&resolver)
        };
        let began = Instant::now();
        let error = examine("SSL").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Property, "{error}");
        let place = format!("{}:2: ssl.ca.pem: ", file.path().display());
        assert!(error.to_string().starts_with(&place) && !error.to_string().contains("hunter2"), "{error}");
        assert!(began.elapsed() < Duration::from_secs(3), "nothing is examined");
        // A client without TLS does not use it.
        assert!(examine("PLAINTEXT").is_ok());
    }
}
