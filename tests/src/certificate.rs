//! Certificates for brokers, made on the spot.

use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use tempfile::TempDir;

use crate::must;

/// The brokers' key and its certificate, which nobody but itself has signed.
///
/// All brokers of a cluster show the same one, so it bears the names of them all. Its files are
/// removed with the last copy of it.
#[derive(Clone, Debug)]
pub struct Certificate(Arc<TempDir>);

impl Certificate {
    /// Opens [`keystore`](Self::keystore) and the key in it, and [`truststore`](Self::truststore).
    pub const PASSWORD: &str = "of-these-tests-only";

    /// Makes one that is good for `names`: host names, and IP addresses.
    ///
    /// # Panics
    ///
    /// The JDK's keytool is missing, or does not make it.
    #[track_caller]
    pub fn for_names(names: &[impl AsRef<str>]) -> Certificate {
        must(Self::make(names, &["-validity", "30"]))
    }

    /// The same, and it has expired a month ago.
    ///
    /// # Panics
    ///
    /// As [`for_names`](Self::for_names).
    #[track_caller]
    pub fn expired_for_names(names: &[impl AsRef<str>]) -> Certificate {
        must(Self::make(names, &["-startdate", "-60d", "-validity", "30"]))
    }

    /// The certificate in PEM, which clients trust: `ssl.ca.location`, say.
    pub fn pem(&self) -> PathBuf {
        self.0.path().join("certificate.pem")
    }

    /// The key and the certificate in PKCS12: the brokers' keystore, and a client's own.
    pub fn keystore(&self) -> PathBuf {
        self.0.path().join("keystore.p12")
    }

    /// The certificate alone in PKCS12, as one that is trusted. Java trusts no entry that has a key.
    pub fn truststore(&self) -> PathBuf {
        self.0.path().join("truststore.p12")
    }

    fn make(names: &[impl AsRef<str>], validity: &[&str]) -> Result<Certificate, String> {
        let dir = TempDir::with_prefix("kafka-emr-certificate-");
        let made = Certificate(Arc::new(dir.map_err(|error| format!("cannot make a folder: {error}"))?));
        let names: Vec<String> = names.iter().map(|name| alternative(name.as_ref())).collect();
        let names = format!("SAN={}", names.join(","));
        let keystore = made.keystore();
        #[rustfmt::skip]
        let arguments = [
            "-genkeypair", "-dname", "CN=kafka-emr tests", "-ext", &names, "-keyalg", "RSA", "-keysize", "2048",
        ];
        keytool(&keystore, &[&arguments[..], validity].concat())?;
        let pem = made.pem();
        let pem = pem.to_string_lossy();
        keytool(&keystore, &["-exportcert", "-rfc", "-file", &pem])?;
        keytool(&made.truststore(), &["-importcert", "-noprompt", "-file", &pem])?;
        Ok(made)
    }
}

/// A name as keytool wants it among the subject's alternative names.
fn alternative(name: &str) -> String {
    let kind = if name.parse::<IpAddr>().is_ok() { "ip" } else { "dns" };
    format!("{kind}:{name}")
}

fn keytool(keystore: &Path, arguments: &[&str]) -> Result<(), String> {
    let mut keytool = Command::new("keytool");
    keytool.args(arguments).arg("-keystore").arg(keystore);
    keytool.args(["-storetype", "PKCS12", "-storepass", Certificate::PASSWORD, "-alias", "broker"]);
    match keytool.output() {
        Ok(output) if output.status.success() => Ok(()),
        // It reports its errors on standard output.
        Ok(output) => Err(format!(
            "{keytool:?} ended with {}:\n{}{}",
            output.status,
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        )),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err("the tests of TLS need `keytool`, which is part \
             of every JDK and not in PATH; on Debian and Ubuntu: apt-get install default-jdk-headless"
            .to_owned()),
        Err(error) => Err(format!("keytool cannot be run: {error}")),
    }
}
