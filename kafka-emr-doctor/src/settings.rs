//! How a client connects: single properties (`-X key=value`) and property files (`-F client.properties`).

mod given;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::PathBuf;

pub use self::given::Origin;
use self::given::{Given, ONLY_JAVA, of_file, of_option, property_error};
use crate::{Error, jaas};

/// Properties that name a file.
const FILES: [&str; 5] =
    ["ssl.ca.location", "ssl.certificate.location", "ssl.key.location", "ssl.keystore.location", "ssl.crl.location"];

/// Properties that give librdkafka the certificates that it trusts.
const TRUST: [&str; 3] = ["ssl.ca.location", "ssl.ca.pem", "ssl.ca.certificate.stores"];

/// Properties of Java's truststores and keystores that librdkafka has no use for.
const OF_STORES: [&str; 3] = ["ssl.truststore.password", "ssl.truststore.type", "ssl.keystore.type"];

const PROTOCOLS: [&str; 4] = ["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"];

/// The SASL mechanism by which a client logs in with a token.
pub(crate) const OAUTHBEARER: &str = "OAUTHBEARER";

const MECHANISMS: [&str; 5] = ["GSSAPI", "PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", OAUTHBEARER];

/// Where a client gets its token from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg(feature = "examine")]
pub(crate) enum TokenSource {
    /// The application gives it to its client.
    Application,
    /// librdkafka fetches it from an endpoint.
    Endpoint,
    /// librdkafka makes it, unsigned.
    Librdkafka,
}

/// The connection settings of a client, under librdkafka's names.
#[derive(Clone, Default)]
pub struct ClientSettings {
    values: BTreeMap<String, String>,
    /// Where each of them was given.
    origins: BTreeMap<String, Origin>,
}

/// Shows the keys, without the values: some are passwords.
impl fmt::Debug for ClientSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.values.keys()).finish()
    }
}

impl ClientSettings {
    /// Reads the files, then the single properties (`KEY=VALUE`), which win.
    ///
    /// Keys are librdkafka's or the Java client's. Of a file, only what has to do with connecting counts.
    ///
    /// # Errors
    ///
    /// Fails if a file cannot be read, and on a property that is malformed, that librdkafka cannot have, or that names a
    /// missing file. Whether librdkafka knows a property is seen when a client is made.
    pub fn read(files: &[PathBuf], properties: &[String]) -> Result<Self, Error> {
        let mut given = Vec::new();
        for file in files {
            given.extend(of_file(file)?);
        }
        for property in properties {
            given.push(of_option(property).map_err(property_error)?);
        }
        // Who comes last wins, and what has lost is not looked at.
        let mut seen = BTreeSet::new();
        given.reverse();
        given.retain(|one| seen.insert(one.key.clone()));
        given.reverse();
        let mut settings = ClientSettings::default();
        for one in &given {
            settings.add(one).map_err(|why| property_error(one.wrong(&why)))?;
        }
        let find = |key: &str| given.iter().find(|one| one.key == key && !one.value.is_empty());
        settings.check_choices(&find).map_err(property_error)?;
        settings.use_truststore(&find).map_err(property_error)?;
        Ok(settings)
    }

    /// Takes one property, translating what Java clients call otherwise.
    fn add(&mut self, given: &Given) -> Result<(), String> {
        let Given { key, value, origin, .. } = given;
        match key.as_str() {
            "sasl.jaas.config" => {
                for (property, value) in jaas::parse(value)? {
                    self.set(property, &value, origin);
                }
            }
            // Used when all is known.
            "ssl.truststore.location" => {}
            _ if OF_STORES.contains(&key.as_str()) => {}
            _ if ONLY_JAVA.contains(&key.as_str()) => {
                return Err("only the Java client has this property, and the doctor's client is librdkafka".to_owned());
            }
            "ssl.endpoint.identification.algorithm" if value.is_empty() => self.set(key, "none", origin),
            // librdkafka's own message would not name the file. "probe" is its word for the system's places.
            _ if FILES.contains(&key.as_str()) && value != "probe" => {
                if !value.is_empty() {
                    exists(value)?;
                    self.set(key, value, origin);
                }
            }
            _ => self.set(key, value, origin),
        }
        Ok(())
    }

    /// Checks protocol and mechanism, which decide what is examined: a wrong one cannot wait for librdkafka's error.
    fn check_choices<'a>(&self, find: &dyn Fn(&str) -> Option<&'a Given>) -> Result<(), String> {
        if let Some(given) = find("security.protocol")
            && !PROTOCOLS.contains(&self.protocol().as_str())
        {
            return Err(given.wrong(&format!("expected one of {}", PROTOCOLS.join(", "))));
        }
        // librdkafka knows them in capitals only.
        if let Some(given) = find("sasl.mechanism").filter(|_| self.uses_sasl())
            && !MECHANISMS.contains(&given.value.as_str())
        {
            return Err(given.wrong(&format!("expected one of {}", MECHANISMS.join(", "))));
        }
        Ok(())
    }

    /// Uses a truststore, which matters only if no other property names the trusted certificates.
    fn use_truststore<'a>(&mut self, find: &dyn Fn(&str) -> Option<&'a Given>) -> Result<(), String> {
        let trusts = TRUST.iter().any(|key| self.get(key).is_some());
        let Some(given) = find("ssl.truststore.location").filter(|_| self.uses_tls() && !trusts) else {
            return Ok(());
        };
        if find("ssl.truststore.type").is_some_and(|one| one.value.eq_ignore_ascii_case("PEM")) {
            exists(&given.value).map_err(|why| given.wrong(&why))?;
            self.set("ssl.ca.location", &given.value, &given.origin);
            return Ok(());
        }
        if !self.checks_certificates() {
            return Ok(());
        }
        Err(given.wrong(
            "a Java truststore cannot be read here; export its certificates with `keytool -list -rfc -keystore FILE > \
             ca.pem` and give -X ssl.ca.location=ca.pem, too",
        ))
    }

    fn set(&mut self, key: &str, value: &str, origin: &Origin) {
        self.values.insert(key.to_owned(), value.to_owned());
        self.origins.insert(key.to_owned(), origin.clone());
    }

    /// Returns a property that is set and not empty.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        self.values.get(key).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// Returns all properties, empty ones included.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.values.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }

    /// Returns where a property was given.
    #[must_use]
    pub fn origin(&self, key: &str) -> Option<&Origin> {
        self.origins.get(key)
    }

    /// Makes an error about a property, with where it was given.
    #[cfg(feature = "examine")]
    pub(crate) fn error(&self, key: &str, why: &str) -> Error {
        property_error(match self.origin(key) {
            Some(origin) => origin.wrong(key, why),
            None => format!("{key}: {why}"),
        })
    }

    /// Puts in front of librdkafka's error where the property was given that it names.
    #[cfg(any(test, feature = "examine"))]
    pub(crate) fn explain(&self, error: String) -> String {
        let is_named = |key: &&String| {
            let quoted = ['"', '`', '\''].iter().any(|quote| error.contains(&format!("{quote}{key}{quote}")));
            quoted || error.contains(&format!("{key} failed"))
        };
        // Its own name of it, whatever it was given by.
        let mechanism = || error.contains("`sasl.mechanisms`").then_some("sasl.mechanism");
        let key = self.origins.keys().find(is_named).map(String::as_str).or_else(mechanism);
        match key.and_then(|key| self.origin(key)) {
            Some(origin) => format!("{origin}: {error}"),
            None => error,
        }
    }

    /// Returns `security.protocol` in its usual spelling; librdkafka's default, `PLAINTEXT`, if it is not set.
    #[must_use]
    pub fn protocol(&self) -> String {
        self.get("security.protocol").unwrap_or("PLAINTEXT").to_ascii_uppercase()
    }

    /// Returns whether the client speaks TLS.
    #[must_use]
    pub fn uses_tls(&self) -> bool {
        self.protocol().ends_with("SSL")
    }

    /// Returns whether the client logs in.
    #[must_use]
    pub fn uses_sasl(&self) -> bool {
        self.protocol().starts_with("SASL_")
    }

    /// Returns the SASL mechanism that the client logs in by, librdkafka's default, `GSSAPI`, if it is not set; `None` if the
    /// client does not log in.
    #[must_use]
    pub fn mechanism(&self) -> Option<String> {
        self.uses_sasl().then(|| self.get("sasl.mechanism").unwrap_or("GSSAPI").to_owned())
    }

    /// Returns where the client gets the token from that it logs in with; `None` if it logs in by another mechanism.
    #[cfg(feature = "examine")]
    pub(crate) fn token_source(&self) -> Option<TokenSource> {
        let is_own = ["true", "t", "1"].iter().any(|yes| self.is("enable.sasl.oauthbearer.unsecure.jwt", yes));
        self.mechanism().filter(|mechanism| mechanism == OAUTHBEARER).map(|_| {
            match self.is("sasl.oauthbearer.method", "oidc") {
                true => TokenSource::Endpoint,
                false if is_own => TokenSource::Librdkafka,
                false => TokenSource::Application,
            }
        })
    }

    /// Returns whether the client verifies brokers' certificates at all.
    #[must_use]
    pub fn checks_certificates(&self) -> bool {
        // All of librdkafka's words for no.
        !["false", "f", "0"].iter().any(|no| self.is("enable.ssl.certificate.verification", no))
    }

    /// Returns whether the client compares a broker's certificate with the name that it dials.
    #[must_use]
    pub fn checks_names(&self) -> bool {
        self.checks_certificates() && !self.is("ssl.endpoint.identification.algorithm", "none")
    }

    fn is(&self, key: &str, word: &str) -> bool {
        self.get(key).is_some_and(|value| value.eq_ignore_ascii_case(word))
    }
}

/// Fails if the file is missing. A key instead of its file's name is not repeated.
fn exists(path: &str) -> Result<(), String> {
    let like_a_path = path.len() < 300 && !path.contains("-----BEGIN") && !path.contains(char::is_control);
    std::fs::metadata(path).map(drop).map_err(|error| {
        let shown = if like_a_path { format!("{path}: ") } else { String::new() };
        format!("{shown}{error}; expected a file")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_file(content: &str) -> Result<ClientSettings, String> {
        of_both(content, &[])
    }

    fn of_both(content: &str, properties: &[&str]) -> Result<ClientSettings, String> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), content).unwrap();
        let properties: Vec<String> = properties.iter().map(ToString::to_string).collect();
        ClientSettings::read(&[file.path().to_owned()], &properties).map_err(|error| error.to_string())
    }

    fn of(properties: &[&str]) -> Result<ClientSettings, String> {
        of_both("", properties)
    }

    #[test]
    fn a_java_file_is_understood() {
        let settings = of_file(
            "# client.properties\n\
             bootstrap.servers = emr-worker-1:9092\n\
             key.serializer=org.apache.kafka.common.serialization.StringSerializer\n\
             security.protocol: sasl_ssl \n\
             sasl.mechanism SCRAM-SHA-512\n\
             sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required \\\n  \
             username=\"ali\\\\\\\"ce\" \\\n  \
             password='a=b \\u0063';\n\
             ssl.endpoint.identification.algorithm=\n",
        )
        .unwrap();
        assert_eq!(settings.protocol(), "SASL_SSL");
        assert_eq!(settings.mechanism().as_deref(), Some("SCRAM-SHA-512"));
        assert_eq!(settings.get("sasl.username"), Some("ali\"ce"));
        assert_eq!(settings.get("sasl.password"), Some("a=b c"));
        assert_eq!(settings.get("key.serializer"), None);
        assert!(settings.origin("sasl.password").unwrap().to_string().ends_with(":6"));
        assert!(settings.uses_tls() && settings.uses_sasl() && !settings.checks_names());
    }

    #[test]
    fn single_properties_win_over_files() {
        let settings = of_both("security.protocol=SSL\n", &["security.protocol = SASL_PLAINTEXT"]).unwrap();
        assert_eq!(settings.protocol(), "SASL_PLAINTEXT");
        assert_eq!(settings.mechanism().as_deref(), Some("GSSAPI"), "librdkafka's default");
        let settings = of_both("sasl.jaas.config=broken\n", &["sasl.jaas.config=x.Krb5LoginModule required;"]).unwrap();
        assert_eq!(settings.iter().count(), 0);
    }

    #[test]
    fn errors_name_the_origin_and_keep_secrets() {
        let error = |content: &str| of_file(content).unwrap_err();
        assert!(error("security.protocol=SSL\nhunter2\n").contains(":2: expected KEY=VALUE"));
        assert!(!error("hunter2\n").contains("hunter2"));
        assert!(error("\nsasl.password=hunter2\\u12\n").ends_with(":2: expected four hexadecimal digits after \\u"));
        assert!(error("sasl.jaas.config=hunter2\n").contains(":1: sasl.jaas.config: expected"));
        assert!(!error("sasl.jaas.config=hunter2\n").contains("hunter2"));
        let key = format!("ssl.key.location=-----BEGIN PRIVATE KEY-----{}", "hunter2".repeat(100));
        assert!(!of(&[&key]).unwrap_err().contains("hunter2"));
        assert!(of(&["ssl.key.location=/nowhere/key.pem"]).unwrap_err().contains("key.location: /nowhere/key.pem: "));
        let bare = of(&["hunter2"]).unwrap_err();
        assert!(bare.contains("KEY=VALUE") && !bare.contains("hunter2"));
        assert!(
            ClientSettings::read(&["/nowhere/client.properties".into()], &[])
                .unwrap_err()
                .to_string()
                .contains("/nowhere")
        );
    }

    #[test]
    fn a_truststore_matters_where_nothing_else_is_trusted() {
        let java = "security.protocol=SSL\nssl.truststore.location=/t.jks\nssl.truststore.password=x\n";
        let why = of_file(java).unwrap_err();
        assert!(why.contains(":2: ssl.truststore.location") && why.contains("ssl.ca.location"), "{why}");
        let authority = tempfile::NamedTempFile::new().unwrap();
        let authority = authority.path().display();
        let settings = of_both(java, &[&format!("ssl.ca.location={authority}")]).unwrap();
        assert_eq!(settings.iter().count(), 2);
        of_both(java, &["security.protocol=PLAINTEXT"]).unwrap();
        of_both(java, &["enable.ssl.certificate.verification=0"]).unwrap();
        let pem = format!("security.protocol=SSL\nssl.truststore.type=PEM\nssl.truststore.location={authority}\n");
        assert_eq!(of_file(&pem).unwrap().get("ssl.ca.location"), Some(authority.to_string().as_str()));
    }

    #[test]
    fn what_only_java_has_is_skipped_in_files() {
        let settings = of_file("ssl.protocol=TLSv1.2\nsecurity.providers=x\nssl.keymanager.algorithm=PKIX\n").unwrap();
        assert_eq!(settings.iter().count(), 0);
        assert!(of(&["ssl.protocol=TLSv1.2"]).unwrap_err().starts_with("-X ssl.protocol: only the Java client"));
    }

    #[test]
    fn choices_are_refused_with_what_was_expected() {
        let why = of_file("security.protocol=SASL_SSL\nsasl.mechanisms=SCRAM-SHA512\n").unwrap_err();
        assert!(
            why.contains(":2: sasl.mechanisms: expected one of GSSAPI, ") && why.contains("SCRAM-SHA-512"),
            "{why}"
        );
        of(&["sasl.mechanism=SCRAM-SHA512"]).unwrap();
        assert!(of(&["security.protocol=TLS"]).unwrap_err().starts_with("-X security.protocol: expected one of PLAIN"));
    }

    #[test]
    fn blanks_count_in_secrets_only() {
        let settings = of_both("sasl.password= a \nsasl.username= b \n", &[" ssl.key.password = c "]).unwrap();
        assert_eq!(settings.get("sasl.password"), Some("a "));
        assert_eq!(settings.get("sasl.username"), Some("b"));
        assert_eq!(settings.get("ssl.key.password"), Some(" c "));
    }

    #[test]
    fn librdkafkas_words_for_no() {
        for no in ["false", "False", "f", "0"] {
            assert!(!of(&[&format!("enable.ssl.certificate.verification={no}")]).unwrap().checks_certificates());
        }
        assert!(of(&["enable.ssl.certificate.verification=true"]).unwrap().checks_certificates());
    }

    #[test]
    fn librdkafkas_errors_get_their_origin() {
        let settings = of_both("ssl.foo=x\n", &["sasl.pasword=x"]).unwrap();
        let explained = settings.explain("No such configuration property: \"ssl.foo\"".to_owned());
        assert!(explained.ends_with(":1: No such configuration property: \"ssl.foo\""), "{explained}");
        let explained = settings.explain("No such configuration property: \"sasl.pasword\"".to_owned());
        assert_eq!(explained, "-X: No such configuration property: \"sasl.pasword\"");
        assert_eq!(settings.explain("ssl.foo is odd".to_owned()), "ssl.foo is odd");
        let explained = settings.explain("Client creation error: ssl.foo failed: no cipher match".to_owned());
        assert!(explained.ends_with(":1: Client creation error: ssl.foo failed: no cipher match"), "{explained}");
    }
}
