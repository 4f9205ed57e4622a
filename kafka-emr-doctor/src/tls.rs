//! A TLS handshake that inspects the broker's certificate and accepts any.
//!
//! Faults of the certificate are for the report. Nothing secret goes over such a connection: it never logs in.

use std::fmt::Debug;
use std::io::{self, Read, Write};
use std::sync::{Arc, Mutex, PoisonError};

use openssl::error::ErrorStack;
use openssl::pkcs12::Pkcs12;
use openssl::pkey::PKey;
use openssl::ssl::{
    ConnectConfiguration, HandshakeError, SslConnector, SslConnectorBuilder, SslMethod, SslRef, SslStream,
    SslVerifyMode,
};
use openssl::x509::store::X509StoreBuilder;
use openssl::x509::{X509, X509Ref, X509VerifyResult};

use crate::{ClientSettings, Error, ErrorKind};

/// A broker's certificate, and what a client finds wrong with it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Certificate {
    /// The names and addresses that it is for.
    pub(crate) names: Vec<String>,
    /// Whether the name that was dialled is not among them.
    pub(crate) is_for_others: bool,
    /// Whether it is not valid at this time.
    pub(crate) is_out_of_date: bool,
    /// Why its chain is not trusted; `None` if it is.
    pub(crate) distrust: Option<String>,
}

/// The end of a handshake with a peer that speaks TLS.
pub(crate) enum Handshake<S> {
    Done(SslStream<S>),
    /// The peer closed it, as brokers do that do not get the client's certificate.
    Closed,
}

/// Begins TLS as a client with some settings does, on any number of connections.
pub(crate) struct Tls(SslConnector);

/// What is wrong with a broker's certificate, as OpenSSL finds it.
type Faults = Arc<Mutex<Vec<X509VerifyResult>>>;

/// OpenSSL's "hostname mismatch" and "IP address mismatch".
const NAME_FAULTS: [i32; 2] = [62, 64];

/// OpenSSL's "certificate is not yet valid" and "certificate has expired".
const TIME_FAULTS: [i32; 2] = [9, 10];

/// OpenSSL's reasons from here on are alerts of the peer.
const ALERTS: std::ops::Range<i32> = 1000..2000;

impl Tls {
    /// Presents the client's own certificate, if it has one: brokers may go no further without.
    ///
    /// Fails with the property that OpenSSL cannot use.
    pub(crate) fn new(settings: &ClientSettings) -> Result<Self, Error> {
        let failed = |error: ErrorStack| Error::new(ErrorKind::Client, format!("TLS: {error}"));
        let mut builder = SslConnector::builder(SslMethod::tls_client()).map_err(failed)?;
        let loaded = trust(&mut builder, settings).and_then(|()| present(&mut builder, settings));
        match loaded {
            Ok(()) => Ok(Tls(builder.build())),
            // It inspects TLS with nothing of its own, as its client would not begin TLS at all.
            Err(_) if !settings.uses_tls() => {
                Ok(Tls(SslConnector::builder(SslMethod::tls_client()).map_err(failed)?.build()))
            }
            Err(bad) => Err(settings.error(bad.key, &format!("expected {}: {}", bad.expected, bad.why))),
        }
    }

    /// Fails if the peer does not speak TLS, or does not answer.
    pub(crate) fn handshake<S: Read + Write + Debug>(
        &self,
        stream: S,
        host: &str,
    ) -> io::Result<(Handshake<S>, Certificate)> {
        let faults = Faults::default();
        match self.configure(&faults)?.connect(host, stream) {
            Ok(stream) => {
                let certificate = certificate(stream.ssl(), &faults);
                Ok((Handshake::Done(stream), certificate))
            }
            Err(HandshakeError::WouldBlock(_)) => Err(io::ErrorKind::TimedOut.into()),
            Err(HandshakeError::SetupFailure(error)) => Err(io::Error::other(error)),
            Err(HandshakeError::Failure(middle)) => {
                let alert =
                    |stack: &ErrorStack| stack.errors().iter().any(|error| ALERTS.contains(&error.reason_code()));
                // A peer that presented a certificate speaks TLS, whatever comes after it.
                let has_begun = middle.ssl().peer_certificate().is_some();
                if has_begun || middle.error().ssl_error().is_some_and(alert) {
                    return Ok((Handshake::Closed, certificate(middle.ssl(), &faults)));
                }
                Err(middle.into_error().into_io_error().unwrap_or_else(|_| not_tls()))
            }
        }
    }

    /// Prepares a connection that accepts every certificate, and records what is wrong with it.
    fn configure(&self, faults: &Faults) -> Result<ConnectConfiguration, ErrorStack> {
        let mut connection = self.0.configure()?;
        let faults = Arc::clone(faults);
        connection.set_verify_callback(SslVerifyMode::PEER, move |fine, context| {
            if !fine {
                faults.lock().unwrap_or_else(PoisonError::into_inner).push(context.error());
            }
            true
        });
        Ok(connection)
    }
}

fn certificate(ssl: &SslRef, faults: &Faults) -> Certificate {
    let faults = faults.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let any = |codes: [i32; 2]| faults.iter().any(|fault| codes.contains(&fault.as_raw()));
    let of_chain = |fault: &&X509VerifyResult| ![NAME_FAULTS, TIME_FAULTS].concat().contains(&fault.as_raw());
    Certificate {
        names: ssl.peer_certificate().map(|certificate| names(&certificate)).unwrap_or_default(),
        is_for_others: any(NAME_FAULTS),
        is_out_of_date: any(TIME_FAULTS),
        distrust: faults.iter().find(of_chain).map(|fault| fault.error_string().to_owned()),
    }
}

fn not_tls() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "the answer is not TLS")
}

/// A property that OpenSSL cannot use.
struct BadProperty {
    key: &'static str,
    expected: &'static str,
    why: io::Error,
}

const CERTIFICATES: &str = "certificates in PEM";

/// Reports errors as those of a property.
fn of<E: Into<io::Error>>(key: &'static str, expected: &'static str) -> impl Fn(E) -> BadProperty {
    move |error| BadProperty { key, expected, why: error.into() }
}

/// Trusts what the client trusts: its own CA alone, or the system's.
fn trust(builder: &mut SslConnectorBuilder, settings: &ClientSettings) -> Result<(), BadProperty> {
    let (file, pem) = (settings.get("ssl.ca.location").filter(|path| *path != "probe"), settings.get("ssl.ca.pem"));
    if let Some(path) = file {
        let mut own = || -> Result<(), ErrorStack> {
            builder.set_cert_store(X509StoreBuilder::new()?.build());
            match std::path::Path::new(path).is_dir() {
                true => builder.load_verify_locations(None, Some(path.as_ref())),
                false => builder.load_verify_locations(Some(path.as_ref()), None),
            }
        };
        own().map_err(of("ssl.ca.location", CERTIFICATES))?;
    }
    if let Some(pem) = pem {
        let mut own = || -> Result<(), ErrorStack> {
            if file.is_none() {
                builder.set_cert_store(X509StoreBuilder::new()?.build());
            }
            let mut all = X509::stack_from_pem(pem.as_bytes())?.into_iter();
            all.try_for_each(|certificate| builder.cert_store_mut().add_cert(certificate))
        };
        own().map_err(of("ssl.ca.pem", CERTIFICATES))?;
    }
    Ok(())
}

/// Presents the client's own certificate to brokers that ask for it.
fn present(builder: &mut SslConnectorBuilder, settings: &ClientSettings) -> Result<(), BadProperty> {
    if let Some((key, pem)) = read(settings, "ssl.certificate.location", "ssl.certificate.pem", CERTIFICATES)? {
        let mut own = || -> Result<(), ErrorStack> {
            let mut chain = X509::stack_from_pem(&pem)?.into_iter();
            if let Some(own) = chain.next() {
                builder.set_certificate(&own)?;
            }
            chain.try_for_each(|issuer| builder.add_extra_chain_cert(issuer))
        };
        own().map_err(of(key, CERTIFICATES))?;
    }
    const KEY: &str = "a private key in PEM, of that certificate, and ssl.key.password if it is encrypted";
    if let Some((key, pem)) = read(settings, "ssl.key.location", "ssl.key.pem", KEY)? {
        // With a password always: OpenSSL would ask the terminal for one.
        let password = settings.get("ssl.key.password").unwrap_or_default();
        let own = PKey::private_key_from_pem_passphrase(&pem, password.as_bytes());
        own.and_then(|own| builder.set_private_key(&own)).map_err(of(key, KEY))?;
    }
    const STORE: &str = "a keystore in PKCS12, and ssl.keystore.password";
    if let Some(path) = settings.get("ssl.keystore.location") {
        let mut own = || -> io::Result<()> {
            let store = Pkcs12::from_der(&std::fs::read(path)?)?;
            let store = store.parse2(settings.get("ssl.keystore.password").unwrap_or_default())?;
            store.cert.iter().try_for_each(|own| builder.set_certificate(own))?;
            store.pkey.iter().try_for_each(|key| builder.set_private_key(key))?;
            Ok(store.ca.into_iter().flatten().try_for_each(|issuer| builder.add_extra_chain_cert(issuer))?)
        };
        own().map_err(of("ssl.keystore.location", STORE))?;
    }
    Ok(())
}

/// Reads what a property names a file of, or what another property has itself. Returns the property with it.
fn read(
    settings: &ClientSettings,
    file: &'static str,
    text: &'static str,
    expected: &'static str,
) -> Result<Option<(&'static str, Vec<u8>)>, BadProperty> {
    match settings.get(file) {
        Some(path) => std::fs::read(path).map(|content| Some((file, content))).map_err(of(file, expected)),
        None => Ok(settings.get(text).map(|content| (text, content.as_bytes().to_vec()))),
    }
}

fn names(certificate: &X509Ref) -> Vec<String> {
    let Some(alternatives) = certificate.subject_alt_names() else {
        // A client falls back on the common name only if there is no alternative name.
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
