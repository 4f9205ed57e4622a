//! A TLS handshake that looks at the broker's certificate and refuses nothing.
//!
//! What is wrong with the certificate is for the report. Nothing secret goes over such a connection: it logs in nowhere.

use std::fmt::Debug;
use std::io::{self, Read, Write};
use std::sync::{Arc, Mutex, PoisonError};

use openssl::error::ErrorStack;
use openssl::ssl::{HandshakeError, SslConnector, SslMethod, SslStream, SslVerifyMode};
use openssl::x509::{X509, X509Ref, X509VerifyResult};

use super::settings::Settings;

/// What a broker's certificate says, and what a client makes of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Certificate {
    /// The names and addresses that it is for.
    pub(crate) names: Vec<String>,
    /// Whether the name that was dialled is among them.
    pub(crate) is_for_host: bool,
    /// Why its chain is not trusted, where it is not.
    pub(crate) distrust: Option<String>,
}

/// Begins TLS as a client with these settings does.
pub(crate) fn handshake<S: Read + Write + Debug>(
    stream: S,
    host: &str,
    settings: &Settings,
) -> io::Result<(SslStream<S>, Certificate)> {
    let faults = Arc::new(Mutex::new(Vec::new()));
    let connector = connector(settings, Arc::clone(&faults)).map_err(io::Error::other)?;
    let stream = connector.connect(host, stream).map_err(|error| match error {
        HandshakeError::WouldBlock(_) => io::ErrorKind::TimedOut.into(),
        HandshakeError::SetupFailure(error) => io::Error::other(error),
        HandshakeError::Failure(middle) => {
            let error = middle.into_error();
            error.into_io_error().unwrap_or_else(io::Error::other)
        }
    })?;
    let faults: Vec<X509VerifyResult> = faults.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let is_name_fault = |fault: &X509VerifyResult| NAME_FAULTS.contains(&fault.as_raw());
    let certificate = Certificate {
        names: stream.ssl().peer_certificate().map(|certificate| names(&certificate)).unwrap_or_default(),
        is_for_host: !faults.iter().any(is_name_fault),
        distrust: faults.iter().find(|fault| !is_name_fault(fault)).map(|fault| fault.error_string().to_owned()),
    };
    Ok((stream, certificate))
}

/// OpenSSL's "hostname mismatch" and "IP address mismatch".
const NAME_FAULTS: [i32; 2] = [62, 64];

fn connector(settings: &Settings, faults: Arc<Mutex<Vec<X509VerifyResult>>>) -> Result<SslConnector, ErrorStack> {
    let mut builder = SslConnector::builder(SslMethod::tls_client())?;
    if let Some(path) = settings.get("ssl.ca.location") {
        // librdkafka has refused a path with no certificates before this.
        if std::path::Path::new(path).is_dir() {
            builder.load_verify_locations(None, Some(path.as_ref()))?;
        } else {
            builder.set_ca_file(path)?;
        }
    }
    if let Some(pem) = settings.get("ssl.ca.pem") {
        for certificate in X509::stack_from_pem(pem.as_bytes())? {
            builder.cert_store_mut().add_cert(certificate)?;
        }
    }
    builder.set_verify_callback(SslVerifyMode::PEER, move |fine, context| {
        if !fine {
            faults.lock().unwrap_or_else(PoisonError::into_inner).push(context.error());
        }
        true
    });
    Ok(builder.build())
}

fn names(certificate: &X509Ref) -> Vec<String> {
    let Some(alternatives) = certificate.subject_alt_names() else {
        // A client falls back on the common name only where there is nothing else.
        let common = certificate.subject_name().entries_by_nid(openssl::nid::Nid::COMMONNAME);
        return common.filter_map(|name| name.data().to_string().ok()).collect();
    };
    let address = |bytes: &[u8]| match bytes.len() {
        4 => <[u8; 4]>::try_from(bytes).ok().map(|ip| std::net::IpAddr::from(ip).to_string()),
        _ => <[u8; 16]>::try_from(bytes).ok().map(|ip| std::net::IpAddr::from(ip).to_string()),
    };
    alternatives
        .iter()
        .filter_map(|name| name.dnsname().map(str::to_owned).or_else(|| address(name.ipaddress()?)))
        .collect()
}
