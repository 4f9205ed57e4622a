//! What the doctor makes of facts: a case for each way they can lie.

use std::net::SocketAddr;
use std::time::Duration;

use kafka_emr_core::{Cluster, Endpoint, Source};

use super::super::client::{Complaint, View};
use super::super::settings::Settings;
use super::super::tls::Certificate;
use super::super::wire::{Advertised, Told};
use super::*;

const ID: &str = "a2Fma2EtZW1yLXRlc3RzIQ";

fn cluster(source: &str) -> Cluster {
    source.parse::<Source>().unwrap().load().unwrap().remove(0)
}

/// Three workers, 10.0.1.24 to .26.
fn three() -> Cluster {
    cluster("emr://48742?release=3.10&emr-worker-1=10.0.1.24&emr-worker-2=10.0.1.25&emr-worker-3=10.0.1.26")
}

fn plain(id: &str) -> Result<Listener, Silence> {
    let told = Told { cluster_id: Some(id.to_owned()), brokers: Vec::new() };
    Ok(Listener { certificate: None, releases: Some("2.4 to 2.6"), mechanisms: None, told: Some(told) })
}

fn tls(certificate: Certificate, releases: Option<&'static str>) -> Result<Listener, Silence> {
    Ok(Listener { certificate: Some(certificate), releases, mechanisms: None, told: None })
}

fn contact(host: &str, worker: usize, answer: Result<Listener, Silence>) -> Contact {
    let address: SocketAddr = format!("10.0.1.{}:9092", 23 + worker).parse().unwrap();
    let is_name = host.parse::<IpAddr>().is_err();
    Contact {
        endpoint: Endpoint { host: host.to_owned(), port: 9092 },
        node: is_name.then(|| format!("emr-worker-{worker}")),
        mapped: is_name,
        rule: Some("R3"),
        dialled: Ok(address),
        look: Some(Look { connected: answer.is_ok().then_some(Duration::from_millis(1)), answer }),
        other_port: None,
    }
}

fn name(worker: usize) -> String {
    format!("emr-worker-{worker}.cluster-48742")
}

/// A cluster in which all is well; what differs is written over it.
fn healthy() -> Facts {
    let bootstrap = (1..=3).map(|worker| contact(&name(worker), worker, plain(ID))).collect();
    let listener = |worker: usize| AdvertisedListener {
        broker: i32::try_from(worker).unwrap(),
        contact: contact(&name(worker), worker, plain(ID)),
        identity: Identity::Itself,
    };
    let broker = |id| Advertised { id, host: "seen at the listeners".to_owned(), port: 9092 };
    let told = Told { cluster_id: Some(ID.to_owned()), brokers: (1..=3).map(broker).collect() };
    Facts {
        cluster: three(),
        settings: Settings::default(),
        names: Vec::new(),
        bootstrap,
        view: Ok(View { told, partitions: 6, gone: BTreeSet::new() }),
        listeners: (1..=3).map(listener).collect(),
        probe: None,
    }
}

fn refused() -> Result<Listener, Silence> {
    Err(Silence::Refused)
}

fn with_tls(facts: &mut Facts) {
    facts.settings = Settings::read(&[], &["security.protocol=SSL".to_owned()]).unwrap();
}

fn without_view(facts: &mut Facts, kind: Trouble) {
    facts.view = Err(vec![Complaint { kind, ..Complaint::other("librdkafka's words".to_owned()) }]);
    facts.listeners.clear();
}

/// Checks the causes, in their order.
#[track_caller]
fn check(change: impl FnOnce(&mut Facts), expected: &[Fault]) -> Diagnosis {
    let mut facts = healthy();
    change(&mut facts);
    let diagnosis = diagnose(&facts);
    let found: Vec<Fault> = diagnosis.findings.iter().map(|finding| finding.fault).collect();
    assert_eq!(found, expected, "{:#?}", diagnosis.checks);
    diagnosis
}

#[test]
fn all_is_well() {
    let diagnosis = check(|_| {}, &[]);
    assert!(diagnosis.checks.iter().all(|check| check.verdict == Verdict::Ok));
}

#[test]
fn what_nobody_gets_past_is_not_a_matter_of_one_broker() {
    let all = |answer: fn() -> Result<Listener, Silence>| {
        move |facts: &mut Facts| {
            facts.bootstrap = (1..=3).map(|worker| contact(&name(worker), worker, answer())).collect();
            without_view(facts, Trouble::Other);
        }
    };
    check(all(|| Err(Silence::Timeout)), &[Fault::NetworkUnreachable]);
    check(all(refused), &[Fault::NothingListens]);
    check(all(|| Err(Silence::Mute)), &[Fault::Mute]);
    // Two ways to get nowhere, none of them while others answer.
    let mixed = |facts: &mut Facts| {
        all(|| Err(Silence::Timeout))(facts);
        facts.bootstrap[2] = contact(&name(3), 3, refused());
    };
    check(mixed, &[Fault::NetworkUnreachable, Fault::NothingListens]);
}

#[test]
fn what_keeps_the_client_out_comes_before_what_befalls_one_broker() {
    let one_down_and_login = |facts: &mut Facts| {
        facts.bootstrap[2] = contact(&name(3), 3, refused());
        without_view(facts, Trouble::Authentication);
    };
    check(one_down_and_login, &[Fault::LoginRefused, Fault::BrokerNotListening]);
    let not_built_in = |facts: &mut Facts| {
        facts.bootstrap = vec![contact(&name(1), 1, refused())];
        without_view(facts, Trouble::NotBuiltIn);
    };
    check(not_built_in, &[Fault::NothingListens, Fault::ClientFailed]);
}

#[test]
fn a_broker_that_is_away_is_down_or_none_or_unknown() {
    let away = |partitions, gone: &'static [i32]| {
        move |facts: &mut Facts| {
            facts.listeners.pop();
            facts.bootstrap[2] = contact(&name(3), 3, refused());
            let view = facts.view.as_mut().unwrap();
            (view.partitions, view.gone) = (partitions, gone.iter().copied().collect());
        }
    };
    check(away(6, &[3]), &[Fault::BrokerDown]);
    check(away(6, &[]), &[Fault::NotABroker]);
    // Without a partition nothing tells.
    check(away(0, &[]), &[Fault::BrokerMissing]);
    let two_away_one_gone = |facts: &mut Facts| {
        away(6, &[3])(facts);
        facts.listeners.pop();
        facts.bootstrap[1] = contact(&name(2), 2, refused());
    };
    check(two_away_one_gone, &[Fault::BrokerMissing]);
    let moved = |facts: &mut Facts| {
        away(6, &[])(facts);
        let contact = contact("10.0.1.99", 76, plain(ID));
        facts.listeners.push(AdvertisedListener { broker: 3, contact, identity: Identity::Itself });
    };
    check(moved, &[Fault::BrokerMissing, Fault::UnknownBroker]);
}

#[test]
fn a_broker_that_the_cluster_lists_is_not_said_to_be_down() {
    let elsewhere = |facts: &mut Facts| {
        facts.bootstrap[1] = contact(&name(2), 2, refused());
        facts.listeners[1].contact = contact(&name(2), 2, refused());
    };
    check(elsewhere, &[Fault::BrokerNotListening]);
}

#[test]
fn brokers_of_two_clusters_are_seen_without_a_pin() {
    let third = |facts: &mut Facts| {
        facts.bootstrap[2] = contact(&name(3), 3, plain("b3RoZXI"));
        facts.listeners[2].contact = contact(&name(3), 3, plain("b3RoZXI"));
    };
    check(third, &[Fault::OtherCluster]);
}

#[test]
fn a_wrong_id_is_told_by_the_brokers_names() {
    let other_id = |facts: &mut Facts| {
        facts.cluster.id = Some("99999".to_owned());
        for listener in &mut facts.listeners {
            let contact = &mut listener.contact;
            (contact.mapped, contact.node, contact.look) = (false, None, None);
            contact.dialled = Err("Name or service not known".to_owned());
        }
    };
    check(other_id, &[Fault::WrongId]);
}

#[test]
fn two_brokers_at_one_address_are_not_both_there() {
    let same = |facts: &mut Facts| {
        for listener in &mut facts.listeners {
            listener.identity = Identity::Unknown("it does not tell".to_owned());
        }
        facts.listeners[1].contact.dialled = facts.listeners[0].contact.dialled.clone();
    };
    check(same, &[Fault::NamesSwapped]);
}

#[test]
fn private_ips_for_clients_outside_are_told_though_the_description_has_eips_only() {
    let eips_only = |facts: &mut Facts| {
        facts.cluster = cluster("emr://48742?release=3.11&network=public&emr-worker-1=/10.0.1.24");
        facts.bootstrap.truncate(1);
        facts.listeners.truncate(1);
        facts.listeners[0].contact = contact("10.99.0.1", 1, Err(Silence::Timeout));
    };
    check(eips_only, &[Fault::PublicAccessOff]);
}

#[test]
fn certificates() {
    let all = |certificate: Certificate, releases: Option<&'static str>| {
        move |facts: &mut Facts| {
            with_tls(facts);
            let answer = || tls(certificate.clone(), releases);
            facts.bootstrap = (1..=3).map(|worker| contact(&name(worker), worker, answer())).collect();
            without_view(facts, Trouble::Tls);
        }
    };
    let good = Certificate::default();
    let expired = Certificate { is_out_of_date: true, ..good.clone() };
    let distrust = Some("unable to get local issuer certificate".to_owned());
    let of_others = Certificate { is_for_others: true, distrust, ..good.clone() };
    check(all(expired, Some("1.0")), &[Fault::CertificateExpired]);
    let both = check(all(of_others, Some("1.0")), &[Fault::CertificateName]);
    assert!(both.findings[0].evidence[0].contains("unable to get local issuer"), "{:?}", both.findings);
    check(all(good.clone(), None), &[Fault::ClientCertificate]);
    // The client that gets through has the certificate that is asked for.
    let gets_through = |facts: &mut Facts| {
        with_tls(facts);
        for contact in &mut facts.bootstrap {
            *contact = self::contact(&contact.endpoint.host.clone(), 1, tls(good.clone(), None));
        }
        for listener in &mut facts.listeners {
            let host = listener.contact.endpoint.host.clone();
            let worker = usize::try_from(listener.broker).unwrap();
            listener.contact = self::contact(&host, worker, tls(good.clone(), None));
        }
    };
    check(gets_through, &[]);
}

#[test]
fn a_probe_has_a_cause_of_its_own() {
    let probe = |facts: &mut Facts| facts.probe = Some(("health".to_owned(), Err("not allowed".to_owned())));
    check(probe, &[Fault::ProbeFailed]);
    let beside_another = |facts: &mut Facts| {
        probe(facts);
        facts.cluster.nodes.push(cluster("emr://48742?release=3.10&emr-worker-4=10.0.1.27").nodes.remove(0));
    };
    check(beside_another, &[Fault::NotABroker, Fault::ProbeFailed]);
}
