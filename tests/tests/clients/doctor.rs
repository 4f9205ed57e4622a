//! `kafka-emr doctor`: real clusters, healthy by every rule, and each fault made on them. What users see is kept in
//! `doctor/screens`; `UPDATE_EXPECT=1` writes it anew.

mod case;
mod described;

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use kafka_emr_tests::{Broker, Certificate, KafkaCluster, KafkaVersion, Mechanism, Sasl, Security};
use socket2::{Domain, SockAddr, Socket, Type};

use self::case::{Case, PASSWORD, doctor};
use self::described::Described;
use crate::site::{Site, TOPIC, create_topic};

/// The long domain of a worker, with its port.
fn name(worker: u8) -> String {
    format!("emr-worker-{worker}.cluster-48742")
}

/// Three brokers on the hosts 24 to 26 of a network.
fn brokers(network: [u8; 3], port: u16, advertised: impl Fn(u8) -> String) -> [Broker; 3] {
    let [a, b, c] = network;
    [1, 2, 3].map(|worker| Broker {
        id: worker.into(),
        listen: ([a, b, c, worker + 23], port).into(),
        advertised: advertised(worker),
    })
}

/// An address that takes no connections and refuses none: as behind a firewall that drops packets.
struct BlackHole {
    _listener: Socket,
    _waiting: Vec<TcpStream>,
}

impl BlackHole {
    fn at(address: &str) -> Self {
        let address: SocketAddr = address.parse().unwrap();
        let listener = Socket::new(Domain::for_address(address), Type::STREAM, None).unwrap();
        listener.bind(&SockAddr::from(address)).unwrap();
        // The kernel drops whoever comes when the queue is full, and nobody takes anything from it.
        listener.listen(0).unwrap();
        let mut waiting = Vec::new();
        while let Ok(stream) = TcpStream::connect_timeout(&address, Duration::from_millis(500)) {
            waiting.push(stream);
            assert!(waiting.len() < 100, "{address} takes every connection");
        }
        BlackHole { _listener: listener, _waiting: waiting }
    }
}

/// Kafka 1.0.1, whose brokers advertise long domains on port 9092: healthy by R1, R3 and R4.
#[test]
fn doctor_on_brokers_that_advertise_long_domains() {
    let mut cluster = KafkaCluster::start(
        KafkaVersion::V1_0_1,
        &brokers([127, 10, 1], 9092, |worker| format!("{}:9092", name(worker))),
    );
    let r3 = Described::new("EMR-3.10.1", "private");
    let fourth = r3.clone().node("emr-worker-4", "127.10.1.27", "");
    // Without a partition, nothing shows whether a broker is down or none.
    Case::of("broker-missing", "broker-missing").on(&fourth);
    create_topic(&cluster.internal_bootstrap(), 3);
    let outside = |release| {
        // The brokers' addresses are the EIPs; nobody is at the private IPs.
        Described::new(release, "public").each(|node| {
            node.public = node.private.clone();
            node.private = node.private.replace("127.10.1.", "10.0.1.");
        })
    };

    Case::healthy("r3").on(&r3);
    Case::healthy("r1").on(&Described::new("EMR-3.11.0", "private"));
    Case::healthy("r4").on(&outside("EMR-3.10.1"));
    Case::healthy("probe-topic").with(&["--probe-topic", TOPIC]).on(&r3);
    Case::healthy("own-bootstrap-servers").with(&["-X", "bootstrap.servers=emr-worker-2:9092"]).on(&r3);

    Case::of("wrong-port", "wrong-port").on(&r3.clone().top("port = 9093"));
    Case::of("wrong-port-by-release", "wrong-port").on(&outside("EMR-3.11.0"));
    Case::of("other-cluster", "other-cluster").on(&r3.clone().top("cluster_id = \"a2Fma2EtZW1yLW90aGVyIQ\""));
    Case::of("unknown-broker", "unknown-broker").on(&r3.clone().without("emr-worker-3"));
    Case::of("not-a-broker", "not-a-broker").on(&fourth);
    Case::of("wrong-id", "wrong-id").on(&Described::new("EMR-3.11.0", "private").id("99999"));
    Case::of("names-swapped", "names-swapped").on(&r3.clone().swapped());
    Case::of("tls-not-expected", "tls-not-expected").with(&["-X", "security.protocol=SSL"]).on(&r3);
    let login = [
        "security.protocol=SASL_PLAINTEXT",
        "sasl.mechanism=PLAIN",
        "sasl.username=alice",
        "sasl.password=wr0ng-passw0rd",
    ];
    Case::of("sasl-not-expected", "sasl-not-expected").properties(&login).on(&r3);
    Case::of("name-unknown", "name-unknown").with(&["-X", "bootstrap.servers=emr-worker-9.cluster-48742:9092"]).on(&r3);
    Case::of("probe-failed", "probe-failed").with(&["--probe-topic", "no-such-topic", "--timeout", "8"]).on(&r3);
    a_stale_hosts_line(&r3);
    behind_a_firewall(&r3);
    nothing_listens(&r3);

    cluster.stop_broker(3);
    Case::of("broker-down", "broker-down").on(&r3);
    watch_sees_the_broker_come_back(&mut cluster, &r3);
}

/// On a machine with a hosts file from before the cluster was scaled.
fn a_stale_hosts_line(described: &Described) {
    let hosts = "127.0.0.1 localhost\n\n127.10.1.99 emr-worker-2.cluster-48742 # since 2018\n";
    Case::of("stale-hosts-line", "stale-hosts-line").with_hosts_file(hosts).on(described);
}

fn behind_a_firewall(described: &Described) {
    let hidden = [24, 25, 26].map(|host| BlackHole::at(&format!("127.10.9.{host}:9092")));
    let all = described.clone().each(|node| node.private = node.private.replace("127.10.1.", "127.10.9."));
    Case::of("network-unreachable", "network-unreachable").with(&["--timeout", "3"]).within_ten_seconds().on(&all);
    let one = described.clone().each(|node| {
        if node.name == "emr-worker-3" {
            node.private = "127.10.9.26".to_owned();
        }
    });
    Case::of("broker-unreachable", "broker-unreachable").with(&["--timeout", "3"]).within_ten_seconds().on(&one);
    drop(hidden);
}

fn nothing_listens(described: &Described) {
    let nobody = described.clone().each(|node| node.private = node.private.replace("127.10.1.", "127.10.8."));
    Case::of("nothing-listens", "nothing-listens").on(&nobody);
    let one = described.clone().each(|node| {
        if node.name == "emr-worker-3" {
            node.private = "127.10.8.26".to_owned();
        }
    });
    Case::of("broker-not-listening", "broker-not-listening").on(&one);

    // A web server, say.
    let listener = std::net::TcpListener::bind("127.10.8.24:9092").unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { continue };
            let _ = stream.read(&mut [0; 1024]);
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
        }
    });
    let web = nobody.without("emr-worker-2").without("emr-worker-3");
    Case::of("not-kafka", "not-kafka").on(&web);
}

fn watch_sees_the_broker_come_back(cluster: &mut KafkaCluster, described: &Described) {
    let mut watching = case::Watching::start(described);
    watching.until("1. broker-down");
    cluster.start_broker(brokers([127, 10, 1], 9092, |worker| format!("{}:9092", name(worker)))[2].clone());
    watching.until("fine again");
    assert!(watching.interrupt().success(), "the last check was fine");
}

/// Kafka 2.4.1 whose brokers advertise their private IPs, though clients come from outside.
#[test]
fn doctor_on_brokers_that_advertise_private_ips() {
    let private = |worker| format!("127.10.1.{}:9092", worker + 23);
    let cluster = KafkaCluster::start(KafkaVersion::V2_4_1, &brokers([127, 20, 1], 9092, private));
    create_topic(&cluster.internal_bootstrap(), 3);
    Case::of("public-access-off", "public-access-off").on(&Described::new("EMR-3.11.0", "public"));
    Case::of("principal-not-host", "principal-not-host").on(&Described::new("EMR-3.10.1", "public"));
    let swapped = Described::new("EMR-3.11.0", "public").top("port = 9092").swapped();
    Case::of("public-access-off-and-names-swapped", "public-access-off").on(&swapped);
}

/// As brokers with public access that advertise private IPs all the same.
pub(crate) fn private_ips_on_the_public_port(site: &Site) {
    let outcome = doctor(site.description(), &["--json"]);
    assert!(!outcome.fine && outcome.stdout.contains("\"public-access-off\""), "{outcome}");
}

/// The newest Kafka with public access.
#[test]
fn doctor_on_brokers_with_public_access() {
    let public = |worker| format!("127.20.1.{}:9093", worker + 23);
    let cluster = KafkaCluster::start(KafkaVersion::Newest, &brokers([127, 20, 1], 9093, public));
    create_topic(&cluster.internal_bootstrap(), 3);
    Case::healthy("r2").on(&Described::new("EMR-3.11.0", "public"));
}

/// Kafka 2.4.1 with TLS and logins.
#[test]
fn doctor_on_brokers_with_tls_and_logins() {
    let certificate = Certificate::for_names(&[name(1), name(2), name(3)]);
    let security = Security::SaslSsl(certificate.clone(), Sasl::new(&[Mechanism::Plain], PASSWORD));
    let brokers = brokers([127, 10, 1], 9092, |worker| format!("{}:9092", name(worker)));
    let cluster = KafkaCluster::start_secured(KafkaVersion::V2_4_1, &brokers, &security);
    create_topic(&cluster.internal_bootstrap(), 3);
    let described = Described::new("EMR-3.12.0", "private");

    // As users of Java have it.
    let mut file = tempfile::NamedTempFile::new().unwrap();
    writeln!(
        file,
        "security.protocol=SASL_SSL\nsasl.mechanism=PLAIN\nssl.ca.location={}\n\
         sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required \
         username=\"{}\" password=\"{PASSWORD}\";",
        certificate.pem().display(),
        Sasl::USER,
    )
    .unwrap();
    let file = file.path().to_str().unwrap();
    let by_file = |case: Case| case.with(&["-F", file]);
    by_file(Case::healthy("sasl-ssl")).on(&described);
    by_file(Case::of("login-refused", "login-refused")).properties(&["sasl.password=wr0ng-passw0rd"]).on(&described);
    by_file(Case::of("sasl-mechanism", "sasl-mechanism")).properties(&["sasl.mechanism=SCRAM-SHA-512"]).on(&described);
    by_file(Case::of("sasl-expected", "sasl-expected")).properties(&["security.protocol=SSL"]).on(&described);
    by_file(Case::of("tls-expected", "tls-expected")).properties(&["security.protocol=SASL_PLAINTEXT"]).on(&described);
    by_file(Case::of("names-swapped-behind-a-login", "names-swapped")).on(&described.clone().swapped());
    by_file(Case::of("certificate-name-of-addresses", "certificate-name"))
        .with(&["--bootstrap", "addresses"])
        .on(&described);
    let other = Certificate::for_names(&["emr-worker-1.cluster-48742"]);
    let other = format!("ssl.ca.location={}", other.pem().display());
    by_file(Case::of("certificate-untrusted", "certificate-untrusted")).properties(&[&other]).on(&described);
    by_file(Case::of("nothing-of-security", "tls-expected"))
        .properties(&["security.protocol=PLAINTEXT"])
        .on(&described);
}

/// The newest Kafka with certificates that know no long domain.
#[test]
fn doctor_on_brokers_whose_certificates_have_other_names() {
    let certificate = Certificate::for_names(&["kafka-1.example.com", "kafka-2.example.com"]);
    let brokers = brokers([127, 10, 1], 9092, |worker| format!("{}:9092", name(worker)));
    let brokers = &brokers[..1];
    let security = Security::Ssl(certificate.clone());
    let mut cluster = KafkaCluster::start_secured(KafkaVersion::Newest, brokers, &security);
    let described = Described::new("EMR-3.12.0", "private").without("emr-worker-2").without("emr-worker-3");
    let trust = format!("ssl.ca.location={}", certificate.pem().display());
    let tls = ["security.protocol=SSL", &trust];
    Case::of("certificate-name", "certificate-name").properties(&tls).on(&described);
    let careless = [&tls[..], &["ssl.endpoint.identification.algorithm=none"]].concat();
    Case::healthy("certificate-name-not-compared").properties(&careless).on(&described);
    let v6 = [&careless[..], &["broker.address.family=v6"]].concat();
    Case::of("client-failed", "client-failed").properties(&v6).on(&described);

    cluster.hang_broker(1);
    Case::of("unresponsive", "unresponsive").with(&["--timeout", "3"]).properties(&tls).on(&described);
}

/// The newest Kafka with a certificate that has expired.
#[test]
fn doctor_on_brokers_whose_certificate_has_expired() {
    let certificate = Certificate::expired_for_names(&[name(1)]);
    let brokers = brokers([127, 10, 1], 9092, |worker| format!("{}:9092", name(worker)));
    let security = Security::Ssl(certificate.clone());
    let _cluster = KafkaCluster::start_secured(KafkaVersion::Newest, &brokers[..1], &security);
    let described = Described::new("EMR-3.12.0", "private").without("emr-worker-2").without("emr-worker-3");
    let trust = format!("ssl.ca.location={}", certificate.pem().display());
    Case::of("certificate-expired", "certificate-expired")
        .properties(&["security.protocol=SSL", &trust])
        .on(&described);
}

/// Brokers that ask clients for a certificate: by TLS 1.2, in the handshake, and by TLS 1.3, after it.
#[test]
fn doctor_on_brokers_that_ask_for_a_client_certificate() {
    let certificate = Certificate::for_names(&[name(1)]);
    let security = Security::MutualSsl(certificate.clone());
    let brokers = brokers([127, 10, 1], 9092, |worker| format!("{}:9092", name(worker)));
    let described = Described::new("EMR-3.12.0", "private").without("emr-worker-2").without("emr-worker-3");
    let trust = format!("ssl.ca.location={}", certificate.pem().display());
    let keystore = format!("ssl.keystore.location={}", certificate.keystore().display());
    let password = format!("ssl.keystore.password={}", Certificate::PASSWORD);
    let tls = ["security.protocol=SSL", &trust];
    let own = [&tls[..], &[&keystore, &password]].concat();
    for (version, without, with) in [
        (KafkaVersion::V2_4_1, "client-certificate-1.2", "client-certificate-1.2-shown"),
        (KafkaVersion::Newest, "client-certificate-1.3", "client-certificate-1.3-shown"),
    ] {
        let _cluster = KafkaCluster::start_secured(version, &brokers[..1], &security);
        Case::of(without, "client-certificate").properties(&tls).on(&described);
        Case::healthy(with).properties(&own).on(&described);
    }
}
