//! How the client under examination connects: `-X key=value` and `-F client.properties`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

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

/// Client properties, under librdkafka's names.
#[derive(Clone, Debug, Default)]
pub(crate) struct Settings(BTreeMap<String, String>);

impl Settings {
    /// Reads the files, then the single properties, which win.
    pub(crate) fn read(files: &[PathBuf], properties: &[String]) -> Result<Self, String> {
        let mut settings = Settings::default();
        for file in files {
            settings.add_file(file)?;
        }
        for property in properties {
            let (key, value) = property
                .split_once('=')
                .map(|(key, value)| (key.trim(), value.trim()))
                .filter(|(key, _)| !key.is_empty())
                // Without what was given: it may be a password with its key forgotten.
                .ok_or("-X: expected KEY=VALUE, for example -X security.protocol=SASL_SSL")?;
            settings.add(key, value).map_err(|why| format!("-X {key}: {why}"))?;
        }
        Ok(settings)
    }

    fn add_file(&mut self, file: &Path) -> Result<(), String> {
        let name = file.display();
        let content = std::fs::read_to_string(file)
            .map_err(|error| format!("-F {name}: cannot be read: {error}; expected a file of KEY=VALUE lines"))?;
        for (number, line) in content.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with(['#', '!']) {
                continue;
            }
            let place = format!("{name}:{}", number + 1);
            let (key, value) = line
                .split_once('=')
                .map(|(key, value)| (key.trim(), value.trim()))
                .filter(|(key, _)| !key.is_empty())
                .ok_or_else(|| format!("{place}: expected KEY=VALUE"))?;
            if CONNECTION.iter().any(|prefix| key.starts_with(prefix)) {
                self.add(key, value).map_err(|why| format!("{place}: {key}: {why}"))?;
            }
        }
        Ok(())
    }

    /// Takes one property, translating what Java clients call otherwise.
    fn add(&mut self, key: &str, value: &str) -> Result<(), String> {
        match key {
            "sasl.jaas.config" => self.add_jaas(value)?,
            "ssl.truststore.location" => {
                return Err("a Java truststore cannot be read here; export its certificates with `keytool -list -rfc \
                            -keystore FILE > ca.pem` and give ssl.ca.location=ca.pem instead"
                    .to_owned());
            }
            // They belong to the truststore, and to nothing here.
            "ssl.truststore.password" | "ssl.truststore.type" | "ssl.keystore.type" => {}
            "ssl.endpoint.identification.algorithm" if value.is_empty() => self.set(key, "none"),
            "sasl.mechanisms" => self.set("sasl.mechanism", value),
            "metadata.broker.list" => self.set("bootstrap.servers", value),
            // librdkafka's own message would not name the file. "probe" is its word for the system's places.
            _ if FILES.contains(&key) && value != "probe" => {
                std::fs::metadata(value).map_err(|error| format!("{value}: {error}; expected a file"))?;
                self.set(key, value);
            }
            _ => self.set(key, value),
        }
        Ok(())
    }

    /// The login of a Java client: `….ScramLoginModule required username="…" password="…";`
    fn add_jaas(&mut self, text: &str) -> Result<(), String> {
        const OPTIONS: [(&str, &str); 4] = [
            ("username", "sasl.username"),
            ("password", "sasl.password"),
            ("principal", "sasl.kerberos.principal"),
            ("keyTab", "sasl.kerberos.keytab"),
        ];
        let mut found = false;
        for (option, property) in OPTIONS {
            if let Some(value) = quoted(text, option) {
                self.set(property, &value);
                found = true;
            }
        }
        if found { Ok(()) } else { Err("expected a login module with username=\"…\" password=\"…\"".to_owned()) }
    }

    fn set(&mut self, key: &str, value: &str) {
        self.0.insert(key.to_owned(), value.to_owned());
    }

    pub(crate) fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str).filter(|value| !value.is_empty())
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value.as_str()))
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
        self.uses_sasl().then(|| self.get("sasl.mechanism").unwrap_or("GSSAPI").to_ascii_uppercase())
    }

    /// Whether the client looks at a broker's certificate at all.
    pub(crate) fn checks_certificates(&self) -> bool {
        !self.is("enable.ssl.certificate.verification", "false")
    }

    /// Whether the client compares a broker's name with its certificate.
    pub(crate) fn checks_names(&self) -> bool {
        self.checks_certificates() && !self.is("ssl.endpoint.identification.algorithm", "none")
    }

    fn is(&self, key: &str, word: &str) -> bool {
        self.get(key).is_some_and(|value| value.eq_ignore_ascii_case(word))
    }
}

/// The value of `option="…"`, where `\"` stands for a quote.
fn quoted(text: &str, option: &str) -> Option<String> {
    let starts = text.match_indices(option).map(|(at, _)| at);
    let mut rest = starts.filter_map(|at| {
        let whole_word = at == 0 || text[..at].ends_with(|before: char| before.is_ascii_whitespace());
        let rest = text[at + option.len()..].trim_start().strip_prefix('=')?.trim_start();
        whole_word.then_some(rest)
    });
    let rest = rest.next()?;
    let Some(rest) = rest.strip_prefix('"') else {
        return Some(rest.split([';', ' ', '\t']).next().unwrap_or_default().to_owned());
    };
    let mut value = String::new();
    let mut characters = rest.chars();
    loop {
        match characters.next()? {
            '"' => return Some(value),
            '\\' => value.push(characters.next()?),
            character => value.push(character),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_file(content: &str) -> Result<Settings, String> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), content).unwrap();
        Settings::read(&[file.path().to_owned()], &[])
    }

    #[test]
    fn a_java_file_is_understood() {
        let settings = of_file(
            "# client.properties\n\
             bootstrap.servers = emr-worker-1:9092\n\
             key.serializer=org.apache.kafka.common.serialization.StringSerializer\n\
             security.protocol=sasl_ssl\n\
             sasl.mechanism=SCRAM-SHA-512\n\
             sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required \
             username=\"ali\\\"ce\" password=\"a=b c\";\n\
             ssl.endpoint.identification.algorithm=\n",
        )
        .unwrap();
        assert_eq!(settings.protocol(), "SASL_SSL");
        assert_eq!(settings.mechanism().as_deref(), Some("SCRAM-SHA-512"));
        assert_eq!(settings.get("sasl.username"), Some("ali\"ce"));
        assert_eq!(settings.get("sasl.password"), Some("a=b c"));
        assert_eq!(settings.get("key.serializer"), None);
        assert!(settings.uses_tls() && settings.uses_sasl() && !settings.checks_names());
    }

    #[test]
    fn single_properties_win_over_files() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "security.protocol=SSL\n").unwrap();
        let settings =
            Settings::read(&[file.path().to_owned()], &["security.protocol = SASL_PLAINTEXT".to_owned()]).unwrap();
        assert_eq!(settings.protocol(), "SASL_PLAINTEXT");
        assert_eq!(settings.mechanism().as_deref(), Some("GSSAPI"), "librdkafka's default");
    }

    #[test]
    fn errors_name_the_place_and_keep_secrets() {
        let error = |content: &str| of_file(content).unwrap_err();
        assert!(error("security.protocol=SSL\nhunter2\n").contains(":2: expected KEY=VALUE"));
        assert!(!error("hunter2\n").contains("hunter2"));
        assert!(error("ssl.truststore.location=/t.jks\n").contains("ssl.ca.location"));
        assert!(!error("sasl.jaas.config=hunter2\n").contains("hunter2"));
        let bare = Settings::read(&[], &["hunter2".to_owned()]).unwrap_err();
        assert!(bare.contains("KEY=VALUE") && !bare.contains("hunter2"));
        assert!(Settings::read(&["/nowhere/client.properties".into()], &[]).unwrap_err().contains("/nowhere"));
    }
}
