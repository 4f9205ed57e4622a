//! Facts and what they are judged to be.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::Duration;

use kafka_emr_core::{Cluster, Endpoint, Source};

use super::*;
use crate::ClientSettings;
use crate::client::{Failure, View};
use crate::examine::Probe;
use crate::inspect::Listener;
use crate::tls::Certificate;
use crate::wire::{Metadata, MetadataBroker};

const ID: &str = "a2Fma2EtZW1yLXRlc3RzIQ";

fn cluster(source: &str) -> Cluster {
    source.parse::<Source>().unwrap().load().unwrap().remove(0)
}

const THREE: &str = "emr://48742?release=3.10&emr-worker-1=10.0.1.24&emr-worker-2=10.0.1.25&emr-worker-3=10.0.1.26";

/// Three workers, 10.0.1.24 to .26, of a cluster with this id.
fn three(id: &str) -> Cluster {
    cluster(&THREE.replace("48742", id))
}

fn plain(id: &str) -> Result<Listener, NoListener> {
    let metadata = Metadata { cluster_id: Some(id.to_owned()), brokers: Vec::new() };
    Ok(Listener { certificate: None, releases: Some("2.4 to 2.6"), mechanisms: None, metadata: Some(metadata) })
}

fn kerberos() -> Result<Listener, NoListener> {
    let mechanisms = Some(vec!["GSSAPI".to_owned()]);
    Ok(Listener { certificate: None, releases: Some("2.4 to 2.6"), mechanisms, metadata: None })
}

fn tls(certificate: Certificate, releases: Option<&'static str>) -> Result<Listener, NoListener> {
    Ok(Listener { certificate: Some(certificate), releases, mechanisms: None, metadata: None })
}

fn endpoint(host: &str, worker: usize, listener: Result<Listener, NoListener>) -> EndpointFacts {
    let address: SocketAddr = format!("10.0.1.{}:9092", 23 + worker).parse().unwrap();
    let is_name = host.parse::<IpAddr>().is_err();
    EndpointFacts {
        endpoint: Endpoint { host: host.to_owned(), port: 9092 },
        node: is_name.then(|| format!("emr-worker-{worker}")),
        mapped: is_name,
        rule: Some("R3"),
        dialled: Ok(address),
        inspection: Some(Inspection { connected: listener.is_ok().then_some(Duration::from_millis(1)), listener }),
        other_port: None,
    }
}

fn name(worker: usize) -> String {
    format!("emr-worker-{worker}.cluster-48742")
}

/// A cluster in which all is well; what differs is written over it.
fn healthy() -> Facts {
    let bootstrap = (1..=3).map(|worker| endpoint(&name(worker), worker, plain(ID))).collect();
    let listener = |worker: usize| AdvertisedListener {
        broker: i32::try_from(worker).unwrap(),
        facts: endpoint(&name(worker), worker, plain(ID)),
        identity: Identity::Itself,
    };
    let broker = |id| MetadataBroker { id, host: "seen at the listeners".to_owned(), port: 9092 };
    let metadata = Metadata { cluster_id: Some(ID.to_owned()), brokers: (1..=3).map(broker).collect() };
    Facts {
        cluster: three("48742"),
        settings: ClientSettings::default(),
        names: Vec::new(),
        bootstrap,
        view: Ok(View { metadata, partitions: 6, gone: BTreeSet::new() }),
        listeners: (1..=3).map(listener).collect(),
        probe: None,
    }
}

fn refused() -> Result<Listener, NoListener> {
    Err(NoListener::Refused)
}

fn with_tls(facts: &mut Facts) {
    facts.settings = ClientSettings::read(&[], &["security.protocol=SSL".to_owned()]).unwrap();
}

fn without_view(facts: &mut Facts, kind: FailureKind) {
    let failure = Failure { kind, ..Failure::other("librdkafka's words".to_owned()) };
    facts.view = Err(ClientError::Failed(vec![failure]));
    facts.listeners.clear();
}

fn without_kerberos(facts: &mut Facts) {
    facts.settings = ClientSettings::read(&[], &["security.protocol=SASL_PLAINTEXT".to_owned()]).unwrap();
    facts.bootstrap = (1..=3).map(|worker| endpoint(&name(worker), worker, kerberos())).collect();
    facts.view = Err(ClientError::MechanismNotBuiltIn("GSSAPI".to_owned()));
    facts.listeners.clear();
}

/// Checks the faults, in their order.
#[track_caller]
fn check(change: impl FnOnce(&mut Facts), expected: &[Fault]) -> (Vec<Check>, Vec<Finding>) {
    let mut facts = healthy();
    change(&mut facts);
    let (checks, findings) = diagnose(&facts);
    let faults: Vec<Fault> = findings.iter().map(|finding| finding.fault).collect();
    assert_eq!(faults, expected, "{checks:#?}");
    let is_fault = checks.iter().any(|check| check.verdict == Verdict::Fault);
    assert!(!is_fault || !findings.is_empty(), "a fault without a finding: {checks:#?}");
    (checks, findings)
}

#[test]
fn all_is_well() {
    let (checks, _) = check(|_| {}, &[]);
    assert!(checks.iter().all(|check| check.verdict == Verdict::Ok));
}

#[test]
fn what_nobody_gets_past_is_not_a_matter_of_one_broker() {
    let all = |answer: fn() -> Result<Listener, NoListener>| {
        move |facts: &mut Facts| {
            facts.bootstrap = (1..=3).map(|worker| endpoint(&name(worker), worker, answer())).collect();
            without_view(facts, FailureKind::Other);
        }
    };
    check(all(|| Err(NoListener::Timeout)), &[Fault::NetworkUnreachable]);
    check(all(refused), &[Fault::NothingListens]);
    check(all(|| Err(NoListener::Unresponsive)), &[Fault::Unresponsive]);
    // Two ways to get nowhere, none of them while others answer.
    let mixed = |facts: &mut Facts| {
        all(|| Err(NoListener::Timeout))(facts);
        facts.bootstrap[2] = endpoint(&name(3), 3, refused());
    };
    check(mixed, &[Fault::NetworkUnreachable, Fault::NothingListens]);
}

#[test]
fn what_keeps_the_client_out_comes_before_what_befalls_one_broker() {
    let one_down_and_login = |facts: &mut Facts| {
        facts.bootstrap[2] = endpoint(&name(3), 3, refused());
        without_view(facts, FailureKind::Authentication);
    };
    check(one_down_and_login, &[Fault::LoginRefused, Fault::BrokerNotListening]);
}

#[test]
fn what_this_program_cannot_check_is_no_fault() {
    let worst = |checks: &[Check]| checks.iter().map(|check| check.verdict).max();
    let with_probe = |facts: &mut Facts| {
        without_kerberos(facts);
        facts.probe = Some(Probe { topic: "health".to_owned(), outcome: None });
    };
    let (checks, _) = check(with_probe, &[]);
    assert_eq!(worst(&checks), Some(Verdict::Unchecked));
    let client = checks.iter().find(|check| check.step == Step::Client).unwrap();
    assert!(
        client.result.contains("built without the SASL mechanism GSSAPI")
            && client.result.contains("--features gssapi")
    );
    // A fault that shows without a login is one all the same.
    let nothing_listens = |facts: &mut Facts| {
        without_kerberos(facts);
        facts.bootstrap = vec![endpoint(&name(1), 1, refused())];
    };
    let (checks, _) = check(nothing_listens, &[Fault::NothingListens]);
    assert_eq!(worst(&checks), Some(Verdict::Fault));
}

#[test]
fn what_was_not_tried_is_unchecked() {
    let late = || Err(NoListener::NotTried("the time is over".to_owned()));
    let listener = |facts: &mut Facts| facts.listeners[2].facts = endpoint(&name(3), 3, late());
    let bootstrap = |facts: &mut Facts| facts.bootstrap[2] = endpoint(&name(3), 3, late());
    for (checks, _) in [check(listener, &[]), check(bootstrap, &[])] {
        assert_eq!(checks.iter().map(|check| check.verdict).max(), Some(Verdict::Unchecked), "{checks:#?}");
    }
}

#[test]
fn a_client_without_servers_has_a_fault_of_its_own() {
    let no_servers = |facts: &mut Facts| {
        facts.bootstrap.clear();
        without_view(facts, FailureKind::Other);
    };
    let (checks, _) = check(no_servers, &[Fault::ClientFailed]);
    let client = checks.iter().find(|check| check.step == Step::Client).unwrap();
    assert_eq!(client.result, "librdkafka's words");
}

#[test]
fn a_broker_that_is_away_is_down_or_none_or_unknown() {
    let away = |partitions, gone: &'static [i32]| {
        move |facts: &mut Facts| {
            facts.listeners.pop();
            facts.bootstrap[2] = endpoint(&name(3), 3, refused());
            let view = facts.view.as_mut().unwrap();
            (view.partitions, view.gone) = (partitions, gone.iter().copied().collect());
        }
    };
    check(away(6, &[3]), &[Fault::BrokerDown]);
    check(away(6, &[]), &[Fault::NotABroker]);
    // Without a partition nothing shows which.
    check(away(0, &[]), &[Fault::BrokerMissing]);
    let two_away_one_gone = |facts: &mut Facts| {
        away(6, &[3])(facts);
        facts.listeners.pop();
        facts.bootstrap[1] = endpoint(&name(2), 2, refused());
    };
    check(two_away_one_gone, &[Fault::BrokerMissing]);
    let moved = |facts: &mut Facts| {
        away(6, &[])(facts);
        let moved = endpoint("10.0.1.99", 76, plain(ID));
        facts.listeners.push(AdvertisedListener { broker: 3, facts: moved, identity: Identity::Itself });
    };
    check(moved, &[Fault::BrokerMissing, Fault::UnknownBroker]);
}

#[test]
fn a_broker_that_the_cluster_lists_is_not_down() {
    let elsewhere = |facts: &mut Facts| {
        facts.bootstrap[1] = endpoint(&name(2), 2, refused());
        facts.listeners[1].facts = endpoint(&name(2), 2, refused());
    };
    check(elsewhere, &[Fault::BrokerNotListening]);
}

#[test]
fn brokers_of_two_clusters_are_seen_without_a_pin() {
    let third = |facts: &mut Facts| {
        facts.bootstrap[2] = endpoint(&name(3), 3, plain("b3RoZXI"));
        facts.listeners[2].facts = endpoint(&name(3), 3, plain("b3RoZXI"));
    };
    check(third, &[Fault::OtherCluster]);
}

#[test]
fn a_wrong_id_shows_in_the_brokers_names() {
    let other_id = |facts: &mut Facts| {
        facts.cluster = three("99999");
        for listener in &mut facts.listeners {
            let endpoint = &mut listener.facts;
            (endpoint.mapped, endpoint.node, endpoint.inspection) = (false, None, None);
            endpoint.dialled = Err("Name or service not known".to_owned());
        }
    };
    check(other_id, &[Fault::WrongId]);
}

#[test]
fn two_brokers_at_one_address_are_not_both_there() {
    let same = |facts: &mut Facts| {
        for listener in &mut facts.listeners {
            listener.identity = Identity::Unknown("it does not describe itself".to_owned());
        }
        facts.listeners[1].facts.dialled = facts.listeners[0].facts.dialled.clone();
    };
    check(same, &[Fault::NamesSwapped]);
}

#[test]
fn private_ips_for_clients_outside_are_seen_though_the_description_has_eips_only() {
    let eips_only = |facts: &mut Facts| {
        facts.cluster = cluster("emr://48742?release=3.11&network=public&emr-worker-1=/10.0.1.24");
        facts.bootstrap.truncate(1);
        facts.listeners.truncate(1);
        facts.listeners[0].facts = endpoint("10.99.0.1", 1, Err(NoListener::Timeout));
    };
    check(eips_only, &[Fault::PublicAccessOff]);
}

#[test]
fn public_access_off_and_swapped_names_are_both_reported() {
    let both = |facts: &mut Facts| {
        facts.cluster = cluster(
            "emr://48742?release=3.11&network=public&emr-worker-1=10.0.1.24/10.0.2.24&emr-worker-2=10.0.1.25/10.0.2.25",
        );
        facts.bootstrap.truncate(2);
        facts.listeners.truncate(2);
        for (worker, listener) in (1..).zip(&mut facts.listeners) {
            listener.facts = endpoint(&format!("10.0.1.{}", 23 + worker), worker, plain(ID));
            listener.identity = Identity::Another(3 - listener.broker);
        }
    };
    let (checks, findings) = check(both, &[Fault::PublicAccessOff, Fault::NamesSwapped]);
    let listener = checks.iter().find(|check| check.step == Step::Listener).unwrap();
    assert_eq!(listener.faults, [Fault::PublicAccessOff, Fault::NamesSwapped]);
    assert!(listener.result.starts_with("broker 2 answers here; a private IP is advertised; "), "{}", listener.result);
    assert!(findings[0].cure.contains("kafka.public-access.enable=true"), "{}", findings[0].cure);
}

#[test]
fn an_unknown_broker_that_advertises_a_private_ip_is_both() {
    let unknown = |facts: &mut Facts| {
        facts.cluster = cluster("emr://48742?release=3.11&network=public&emr-worker-1=10.0.1.24/10.0.2.24");
        facts.bootstrap.truncate(1);
        facts.listeners.truncate(2);
        facts.listeners[0].facts = endpoint("10.0.1.24", 1, plain(ID));
        facts.listeners[1].facts = endpoint("10.0.1.99", 76, Err(NoListener::Timeout));
    };
    check(unknown, &[Fault::PublicAccessOff, Fault::UnknownBroker]);
}

#[test]
fn the_order_is_verdict_then_scope_then_fault() {
    // One broker hangs, and none lets the client in.
    let hangs_and_login = |facts: &mut Facts| {
        facts.bootstrap[0] = endpoint(&name(1), 1, Err(NoListener::Unresponsive));
        without_view(facts, FailureKind::Authentication);
    };
    check(hangs_and_login, &[Fault::LoginRefused, Fault::Unresponsive]);
    // A name that this machine resolves wrongly, and the cluster has another broker: works, and is broken.
    let both = |facts: &mut Facts| {
        without_view(facts, FailureKind::Authentication);
        facts.names.push(NodeName {
            node: "emr-worker-1".to_owned(),
            name: name(1),
            mapped: vec!["10.0.1.24".parse().unwrap()],
            system: Ok(vec!["10.9.9.9".parse().unwrap()]),
            hosts_line: None,
        });
    };
    check(both, &[Fault::LoginRefused, Fault::StaleHostsLine]);
}

#[test]
fn what_to_set_is_one_protocol() {
    let nothing_of_security = |facts: &mut Facts| {
        let mechanisms = Some(vec!["PLAIN".to_owned()]);
        let listener = Listener {
            certificate: Some(Certificate::default()),
            releases: Some("2.4 to 2.6"),
            mechanisms,
            metadata: None,
        };
        facts.bootstrap = vec![endpoint(&name(1), 1, Ok(listener))];
        without_view(facts, FailureKind::Other);
    };
    let (_, findings) = check(nothing_of_security, &[Fault::TlsExpected, Fault::SaslExpected]);
    for finding in &findings {
        assert!(finding.cure.starts_with("set security.protocol to SASL_SSL, "), "{finding:?}");
    }
    // The other way round.
    let too_much = |facts: &mut Facts| {
        facts.settings = ClientSettings::read(&[], &["security.protocol=SASL_SSL".to_owned()]).unwrap();
        facts.bootstrap = vec![endpoint(&name(1), 1, plain(ID))];
        without_view(facts, FailureKind::Other);
    };
    let (_, findings) = check(too_much, &[Fault::TlsNotExpected, Fault::SaslNotExpected]);
    for finding in &findings {
        assert!(finding.cure.starts_with("set security.protocol to PLAINTEXT"), "{finding:?}");
    }
}

#[test]
fn certificates() {
    let all = |certificate: Certificate, releases: Option<&'static str>| {
        move |facts: &mut Facts| {
            with_tls(facts);
            let answer = || tls(certificate.clone(), releases);
            facts.bootstrap = (1..=3).map(|worker| endpoint(&name(worker), worker, answer())).collect();
            without_view(facts, FailureKind::Tls);
        }
    };
    let good = Certificate::default();
    let expired = Certificate { is_out_of_date: true, ..good.clone() };
    let distrust = Some("unable to get local issuer certificate".to_owned());
    let of_others = Certificate { is_for_others: true, distrust, ..good.clone() };
    check(all(expired, Some("1.0")), &[Fault::CertificateExpired]);
    let (_, both) = check(all(of_others, Some("1.0")), &[Fault::CertificateName, Fault::CertificateUntrusted]);
    assert!(both[0].evidence[0].contains("unable to get local issuer"), "{both:?}");
    check(all(good.clone(), None), &[Fault::ClientCertificate]);
    // The client that gets through has the certificate that is asked for.
    let gets_through = |facts: &mut Facts| {
        with_tls(facts);
        for server in &mut facts.bootstrap {
            *server = endpoint(&server.endpoint.host.clone(), 1, tls(good.clone(), None));
        }
        for listener in &mut facts.listeners {
            let host = listener.facts.endpoint.host.clone();
            let worker = usize::try_from(listener.broker).unwrap();
            listener.facts = endpoint(&host, worker, tls(good.clone(), None));
        }
    };
    check(gets_through, &[]);
}

#[test]
fn a_probe_has_a_cause_of_its_own() {
    let probe = |facts: &mut Facts| {
        facts.probe = Some(Probe { topic: "health".to_owned(), outcome: Some(Err("not allowed".to_owned())) });
    };
    check(probe, &[Fault::ProbeFailed]);
    let beside_another = |facts: &mut Facts| {
        probe(facts);
        facts.cluster = cluster(&format!("{THREE}&emr-worker-4=10.0.1.27"));
    };
    check(beside_another, &[Fault::NotABroker, Fault::ProbeFailed]);
}
