//! How the client under examination connects: `-X key=value` and `-F client.properties`.

mod jaas;
mod properties;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};

use self::properties::Property;

/// What a file is read for. All else in it, serializers and batch sizes, is no matter of connecting.
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

/// Properties that name a file.
const FILES: [&str; 5] =
    ["ssl.ca.location", "ssl.certificate.location", "ssl.key.location", "ssl.keystore.location", "ssl.crl.location"];

/// Where librdkafka can find the certificates that it trusts.
const TRUST: [&str; 3] = ["ssl.ca.location", "ssl.ca.pem", "ssl.ca.certificate.stores"];

/// Other names of the same.
const ALIASES: [(&str, &str); 5] = [
    ("sasl.mechanisms", "sasl.mechanism"),
    ("metadata.broker.list", "bootstrap.servers"),
    ("ssl.truststore.certificates", "ssl.ca.pem"),
    ("ssl.keystore.certificate.chain", "ssl.certificate.pem"),
    ("ssl.keystore.key", "ssl.key.pem"),
];

/// What belongs to a Java truststore or keystore, and to nothing here.
const OF_STORES: [&str; 3] = ["ssl.truststore.password", "ssl.truststore.type", "ssl.keystore.type"];

/// What the Java client has and librdkafka does not, and what is no matter of whether brokers are reached.
const ONLY_JAVA: [&str; 37] = [
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

const PROTOCOLS: [&str; 4] = ["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"];

const MECHANISMS: [&str; 5] = ["GSSAPI", "PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"];

/// Client properties, under librdkafka's names.
#[derive(Clone, Debug, Default)]
pub(crate) struct Settings {
    values: BTreeMap<String, String>,
    /// Where each of them was given.
    places: BTreeMap<String, Place>,
}

/// Where a property was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Option,
    Line(PathBuf, usize),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Option => f.write_str("-X"),
            Place::Line(file, line) => write!(f, "{}:{line}", file.display()),
        }
    }
}

/// A property as it was given.
struct Given {
    /// As it was written.
    name: String,
    /// As librdkafka calls it, where it has it.
    key: String,
    value: String,
    place: Place,
}

impl Given {
    fn new(name: &str, value: &str, place: Place) -> Self {
        let key = ALIASES.iter().find(|(alias, _)| *alias == name).map_or(name, |(_, key)| key);
        // As in Java, blanks at the ends count only in secrets.
        let secret = ["password", "passphrase", "secret"].iter().any(|word| key.contains(word));
        let value = if secret { value } else { value.trim() };
        Given { name: name.to_owned(), key: key.to_owned(), value: value.to_owned(), place }
    }

    /// An error about it.
    fn wrong(&self, why: &str) -> String {
        let between = if self.place == Place::Option { " " } else { ": " };
        format!("{}{between}{}: {why}", self.place, self.name)
    }
}

impl Settings {
    /// Reads the files, then the single properties, which win.
    pub(crate) fn read(files: &[PathBuf], properties: &[String]) -> Result<Self, String> {
        let mut given = Vec::new();
        for file in files {
            given.extend(of_file(file)?);
        }
        for property in properties {
            given.push(of_option(property)?);
        }
        // Who comes last wins, and what has lost is not looked at.
        let mut seen = BTreeSet::new();
        given.reverse();
        given.retain(|one| seen.insert(one.key.clone()));
        given.reverse();
        let mut settings = Settings::default();
        for one in &given {
            settings.add(one).map_err(|why| one.wrong(&why))?;
        }
        let find = |key: &str| given.iter().find(|one| one.key == key && !one.value.is_empty());
        settings.judge_choices(&find)?;
        settings.judge_truststore(&find)?;
        Ok(settings)
    }

    /// Takes one property, translating what Java clients call otherwise.
    fn add(&mut self, given: &Given) -> Result<(), String> {
        let Given { key, value, place, .. } = given;
        match key.as_str() {
            "sasl.jaas.config" => {
                for (property, value) in jaas::read(value)? {
                    self.set(property, &value, place);
                }
            }
            // Judged when all is known.
            "ssl.truststore.location" => {}
            _ if OF_STORES.contains(&key.as_str()) => {}
            _ if ONLY_JAVA.contains(&key.as_str()) => {
                return Err("only the Java client has this property, and the doctor's client is librdkafka".to_owned());
            }
            "ssl.endpoint.identification.algorithm" if value.is_empty() => self.set(key, "none", place),
            // librdkafka's own message would not name the file. "probe" is its word for the system's places.
            _ if FILES.contains(&key.as_str()) && value != "probe" => {
                if !value.is_empty() {
                    exists(value)?;
                    self.set(key, value, place);
                }
            }
            _ => self.set(key, value, place),
        }
        Ok(())
    }

    /// Protocol and mechanism decide what is looked at, so that a wrong one cannot wait for librdkafka.
    fn judge_choices<'a>(&self, find: &dyn Fn(&str) -> Option<&'a Given>) -> Result<(), String> {
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

    /// A truststore matters only where nothing else says whom to trust.
    fn judge_truststore<'a>(&mut self, find: &dyn Fn(&str) -> Option<&'a Given>) -> Result<(), String> {
        let trusts = TRUST.iter().any(|key| self.get(key).is_some());
        let Some(given) = find("ssl.truststore.location").filter(|_| self.uses_tls() && !trusts) else {
            return Ok(());
        };
        if find("ssl.truststore.type").is_some_and(|one| one.value.eq_ignore_ascii_case("PEM")) {
            exists(&given.value).map_err(|why| given.wrong(&why))?;
            self.set("ssl.ca.location", &given.value, &given.place);
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

    fn set(&mut self, key: &str, value: &str, place: &Place) {
        self.values.insert(key.to_owned(), value.to_owned());
        self.places.insert(key.to_owned(), place.clone());
    }

    pub(crate) fn get(&self, key: &str) -> Option<&str> {
        self.values.get(key).map(String::as_str).filter(|value| !value.is_empty())
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.values.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }

    /// Where a property was given.
    pub(crate) fn place(&self, key: &str) -> Option<&Place> {
        self.places.get(key)
    }

    /// Puts in front of librdkafka's error where the property was given that it quotes.
    pub(crate) fn explain(&self, error: String) -> String {
        let quoted =
            |key: &&String| ['"', '`', '\''].iter().any(|quote| error.contains(&format!("{quote}{key}{quote}")));
        // Its own name of it, whatever it was given by.
        let mechanism = || error.contains("`sasl.mechanisms`").then_some("sasl.mechanism");
        let key = self.places.keys().find(quoted).map(String::as_str).or_else(mechanism);
        match key.and_then(|key| self.place(key)) {
            Some(place) => format!("{place}: {error}"),
            None => error,
        }
    }

    /// `security.protocol` in its usual spelling; librdkafka's default where it is not set.
    pub(crate) fn protocol(&self) -> String {
        self.get("security.protocol").unwrap_or("PLAINTEXT").to_ascii_uppercase()
    }

    pub(crate) fn uses_tls(&self) -> bool {
        self.protocol().ends_with("SSL")
    }

    pub(crate) fn uses_sasl(&self) -> bool {
        self.protocol().starts_with("SASL_")
    }

    /// The SASL mechanism that the client asks for; `None` where it asks for none.
    pub(crate) fn mechanism(&self) -> Option<String> {
        self.uses_sasl().then(|| self.get("sasl.mechanism").unwrap_or("GSSAPI").to_owned())
    }

    /// Whether the client looks at a broker's certificate at all.
    pub(crate) fn checks_certificates(&self) -> bool {
        // All of librdkafka's words for no.
        !["false", "f", "0"].iter().any(|no| self.is("enable.ssl.certificate.verification", no))
    }

    /// Whether the client compares a broker's name with its certificate.
    pub(crate) fn checks_names(&self) -> bool {
        self.checks_certificates() && !self.is("ssl.endpoint.identification.algorithm", "none")
    }

    fn is(&self, key: &str, word: &str) -> bool {
        self.get(key).is_some_and(|value| value.eq_ignore_ascii_case(word))
    }
}

fn of_option(text: &str) -> Result<Given, String> {
    match text.split_once('=').map(|(key, value)| (key.trim(), value)) {
        Some((key, value)) if !key.is_empty() => Ok(Given::new(key, value, Place::Option)),
        // Without what was given: it may be a password with its key forgotten.
        _ => Err("-X: expected KEY=VALUE, for example -X security.protocol=SASL_SSL".to_owned()),
    }
}

/// Reads what a file has to do with connecting, but for what only the Java client has.
fn of_file(file: &Path) -> Result<Vec<Given>, String> {
    let name = file.display();
    let content = std::fs::read(file)
        .map_err(|error| format!("-F {name}: cannot be read: {error}; expected a file of KEY=VALUE lines"))?;
    let all = properties::read(content).map_err(|wrong| format!("{name}:{}: {}", wrong.line, wrong.why))?;
    let mut given = Vec::new();
    let mut skipped = BTreeSet::new();
    for Property { line, key, value } in all {
        let connects = CONNECTION.iter().any(|prefix| key.starts_with(prefix));
        if !connects && value.is_none() {
            return Err(format!("{name}:{line}: expected KEY=VALUE"));
        }
        if ONLY_JAVA.contains(&key.as_str()) {
            skipped.insert(key);
        } else if connects {
            given.push(Given::new(&key, &value.unwrap_or_default(), Place::Line(file.to_owned(), line)));
        }
    }
    if !skipped.is_empty() {
        let skipped: Vec<String> = skipped.into_iter().collect();
        log::warn!("{name}: skipped, because only the Java client has them: {}", skipped.join(", "));
    }
    Ok(given)
}

/// Fails where there is no such file. A key instead of its file's name is not repeated.
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

    fn of_file(content: &str) -> Result<Settings, String> {
        of_both(content, &[])
    }

    fn of_both(content: &str, properties: &[&str]) -> Result<Settings, String> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), content).unwrap();
        Settings::read(&[file.path().to_owned()], &properties.iter().map(ToString::to_string).collect::<Vec<_>>())
    }

    fn of(properties: &[&str]) -> Result<Settings, String> {
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
        assert!(settings.place("sasl.password").unwrap().to_string().ends_with(":6"));
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
    fn errors_name_the_place_and_keep_secrets() {
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
        assert!(Settings::read(&["/nowhere/client.properties".into()], &[]).unwrap_err().contains("/nowhere"));
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
    fn librdkafkas_errors_get_their_place() {
        let settings = of_both("ssl.foo=x\n", &["sasl.pasword=x"]).unwrap();
        let explained = settings.explain("No such configuration property: \"ssl.foo\"".to_owned());
        assert!(explained.ends_with(":1: No such configuration property: \"ssl.foo\""), "{explained}");
        let explained = settings.explain("No such configuration property: \"sasl.pasword\"".to_owned());
        assert_eq!(explained, "-X: No such configuration property: \"sasl.pasword\"");
        assert_eq!(settings.explain("ssl.foo is odd".to_owned()), "ssl.foo is odd");
    }
}
