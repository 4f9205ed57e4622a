//! The harness itself: client listeners with TLS and SASL let in whom they should, and nobody else.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use kafka_emr_rs::rdkafka::ClientConfig;
use kafka_emr_rs::rdkafka::client::ClientContext;
use kafka_emr_rs::rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use kafka_emr_rs::rdkafka::error::KafkaError;
use kafka_emr_rs::rdkafka::types::RDKafkaErrorCode;
use kafka_emr_rs::{CreateFor, Resolver};
use kafka_emr_tests::{Broker, Certificate, KafkaCluster, KafkaVersion, Mechanism, Sasl, Security};

use crate::client::{LIMIT, config};

const SOURCE: &str = "emr://48742?release=EMR-3.10.1&emr-worker-1=127.10.1.24&emr-worker-2=127.10.1.25";
const PASSWORD: &str = "open-sesame";

fn host(id: i32) -> String {
    format!("emr-worker-{id}.cluster-48742")
}

fn broker(id: u8) -> Broker {
    let advertised = format!("{}:9092", host(id.into()));
    Broker { id: id.into(), listen: ([127, 10, 1, 23 + id], 9092).into(), advertised }
}

fn tls(certificate: &Certificate) -> ClientConfig {
    let mut config = config();
    config.set("security.protocol", "ssl").set("ssl.ca.location", certificate.pem().to_str().unwrap());
    config
}

fn login(mut config: ClientConfig, protocol: &str, mechanism: Mechanism, password: &str) -> ClientConfig {
    config.set("security.protocol", protocol).set("sasl.mechanisms", mechanism.to_string());
    config.set("sasl.username", Sasl::USER).set("sasl.password", password);
    config
}

/// The brokers that a client sees, in order.
fn seen(config: &ClientConfig) -> Vec<String> {
    let consumer: BaseConsumer = config.create_for(&Resolver::open(SOURCE).unwrap()).unwrap();
    let metadata = consumer.fetch_metadata(None, LIMIT).unwrap();
    let mut brokers: Vec<String> = metadata.brokers().iter().map(|b| format!("{}:{}", b.host(), b.port())).collect();
    brokers.sort();
    brokers
}

/// Notes that an error of one kind was reported.
struct Watching {
    code: RDKafkaErrorCode,
    reported: AtomicBool,
}

impl ClientContext for Watching {
    fn error(&self, error: KafkaError, _: &str) {
        if error.rdkafka_error_code() == Some(self.code) {
            self.reported.store(true, Ordering::SeqCst);
        }
    }
}

impl ConsumerContext for Watching {}

/// A client is turned away, for the reason given.
fn is_refused(config: &ClientConfig, source: &str, code: RDKafkaErrorCode) {
    let context = Watching { code, reported: AtomicBool::new(false) };
    let consumer: BaseConsumer<Watching> =
        config.create_with_context_for(&Resolver::open(source).unwrap(), context).unwrap();
    let started = Instant::now();
    while !consumer.context().reported.load(Ordering::SeqCst) {
        assert!(consumer.fetch_metadata(None, Duration::from_millis(500)).is_err(), "it is let in");
        consumer.poll(Duration::ZERO);
        assert!(started.elapsed() < LIMIT, "not within {LIMIT:?}: {code:?}");
    }
}

fn tls_and_login(version: KafkaVersion) {
    println!("Kafka {version}: SASL_SSL");
    let certificate = Certificate::for_names(&[host(1), host(2)]);
    let sasl = Sasl::new(&[Mechanism::Plain, Mechanism::ScramSha512], PASSWORD);
    let security = Security::SaslSsl(certificate.clone(), sasl);
    let mut cluster = KafkaCluster::start_secured(version, &[broker(1)], &security);
    cluster.start_broker(broker(2));

    for mechanism in [Mechanism::Plain, Mechanism::ScramSha512] {
        let login = |password| login(tls(&certificate), "sasl_ssl", mechanism, password);
        assert_eq!(seen(&login(PASSWORD)), [host(1) + ":9092", host(2) + ":9092"]);
        is_refused(&login("wrong"), SOURCE, RDKafkaErrorCode::Authentication);
    }
    // Another certificate for the same names is not this one.
    let other = Certificate::for_names(&[host(1), host(2)]);
    is_refused(&login(tls(&other), "sasl_ssl", Mechanism::Plain, PASSWORD), SOURCE, RDKafkaErrorCode::SSL);
}

#[test]
fn tls_and_login_on_kafka_2_4_1() {
    tls_and_login(KafkaVersion::V2_4_1);
}

#[test]
fn tls_and_login_on_newest_kafka() {
    tls_and_login(KafkaVersion::Newest);
}

#[test]
fn tls_alone() {
    let version = KafkaVersion::V1_0_1;
    println!("Kafka {version}: SSL");
    let certificate = Certificate::for_names(&[host(1), "127.10.1.24".to_owned()]);
    let _cluster = KafkaCluster::start_secured(version, &[broker(1)], &Security::Ssl(certificate.clone()));
    assert_eq!(seen(&tls(&certificate)), [host(1) + ":9092"]);
    assert_eq!(seen(tls(&certificate).set("bootstrap.servers", "127.10.1.24:9092")), [host(1) + ":9092"]);
    // The second's name leads to a broker whose certificate is not for it.
    let misnamed = "emr://48742?release=EMR-3.10.1&emr-worker-2=127.10.1.24";
    is_refused(&tls(&certificate), misnamed, RDKafkaErrorCode::SSL);
}

#[test]
fn login_alone() {
    let version = KafkaVersion::Newest;
    println!("Kafka {version}: SASL_PLAINTEXT");
    let security = Security::SaslPlaintext(Sasl::new(&[Mechanism::Plain], PASSWORD));
    let _cluster = KafkaCluster::start_secured(version, &[broker(1)], &security);
    let login = |password| login(config(), "sasl_plaintext", Mechanism::Plain, password);
    assert_eq!(seen(&login(PASSWORD)), [host(1) + ":9092"]);
    is_refused(&login("wrong"), SOURCE, RDKafkaErrorCode::Authentication);
}

#[test]
#[should_panic(expected = "Kafka 1.0.1 has no sasl.jaas.config for a listener")]
fn no_login_on_kafka_1_0_1() {
    let security = Security::SaslPlaintext(Sasl::new(&[Mechanism::Plain], PASSWORD));
    KafkaCluster::start_secured(KafkaVersion::V1_0_1, &[broker(1)], &security);
}
