//! What a listener speaks, and what a client speaks.

use kafka_emr_core::{FirstOf, OneLine};

use super::Judge;
use crate::Fault;
use crate::inspect::Listener;

impl Judge<'_> {
    /// Compares the protocol of a listener with the client's. Returns all that does not fit, and the listener's protocol in
    /// words.
    pub(super) fn protocol_faults(&self, listener: &Listener) -> (Vec<Fault>, String) {
        let settings = &self.facts.settings;
        let mut words = vec![protocol(listener)];
        words.extend(listener.releases.map(|releases| format!("Kafka {releases}")));
        let mut faults = Vec::new();
        match &listener.certificate {
            Some(_) if !settings.uses_tls() => faults.push(Fault::TlsExpected),
            None if settings.uses_tls() => faults.push(Fault::TlsNotExpected),
            Some(certificate) => {
                if certificate.is_for_others && settings.checks_names() {
                    words.push(format!("its certificate is for {}", shown(&certificate.names)));
                    faults.push(Fault::CertificateName);
                }
                if certificate.is_out_of_date && settings.checks_certificates() {
                    words.push("its certificate is not valid at this time".to_owned());
                    faults.push(Fault::CertificateExpired);
                }
                if let Some(distrust) = certificate.distrust.as_ref().filter(|_| settings.checks_certificates()) {
                    words.push(distrust.clone());
                    faults.push(Fault::CertificateUntrusted);
                }
                if listener.releases.is_none() {
                    words.push("it closes TLS: it asks for a client certificate, or for another one".to_owned());
                    // A client that does get through has the right one.
                    faults.extend(self.facts.view.is_err().then_some(Fault::ClientCertificate));
                }
            }
            None => {}
        }
        match &listener.mechanisms {
            Some(mechanisms) => match settings.mechanism() {
                None => faults.push(Fault::SaslExpected),
                Some(own) if !mechanisms.contains(&own) => {
                    words.push(format!("not {own}"));
                    faults.push(Fault::SaslMechanism);
                }
                Some(_) => {}
            },
            None if settings.uses_sasl() && listener.releases.is_some() => faults.push(Fault::SaslNotExpected),
            None => {}
        }
        let unlike = [Fault::TlsExpected, Fault::TlsNotExpected, Fault::SaslExpected, Fault::SaslNotExpected];
        if faults.iter().any(|fault| unlike.contains(fault)) {
            words.push(format!("and the client speaks {}", settings.protocol()));
        }
        if let Some(other) =
            self.other_cluster(listener.metadata.as_ref().and_then(|metadata| metadata.cluster_id.as_deref()))
        {
            words.push(other);
            faults.push(Fault::OtherCluster);
        }
        (faults, OneLine(&words.join(", ")).to_string())
    }
}

/// Describes the protocol of a listener, as clients call it, with its mechanisms.
fn protocol(listener: &Listener) -> String {
    let word = listener.protocol().word();
    match &listener.mechanisms {
        Some(mechanisms) => format!("{word} ({})", shown(mechanisms)),
        None => word.to_owned(),
    }
}

/// Shows a list of names.
fn shown(names: &[String]) -> String {
    match names {
        [] => "nothing".to_owned(),
        _ => FirstOf(4, names).to_string(),
    }
}
