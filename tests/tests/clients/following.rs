//! A description that is corrected while clients run: they find their cluster again, also by the rules that list addresses.
//!
//! One cluster serves all cases. It moves without a restart: Kafka's brokers take listeners away and add them while they run.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

use kafka_emr_rs::rdkafka::ClientConfig;
use kafka_emr_rs::rdkafka::admin::{AdminClient, AdminOptions, AlterConfig, ResourceSpecifier};
use kafka_emr_rs::rdkafka::client::{ClientContext, DefaultClientContext};
use kafka_emr_rs::rdkafka::config::RDKafkaLogLevel;
use kafka_emr_rs::rdkafka::error::KafkaError;
use kafka_emr_rs::rdkafka::message::Message;
use kafka_emr_rs::rdkafka::producer::{BaseRecord, DeliveryResult, ProducerContext, ThreadedProducer};
use kafka_emr_rs::{CreateFor, Resolver};
use kafka_emr_tests::{Broker, Guard, KafkaCluster, KafkaVersion};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::site::{TOPIC, create_topic};
use crate::support::{library, without_ours};
use crate::{c, python};

/// How long a client may take from a correction of the description to a delivery.
const LIMIT: Duration = Duration::from_secs(15);

/// What all clients set, in C and Python too. librdkafka's own is 10 seconds, which two attempts in a row may take: then what
/// is measured is the wait for the next attempt.
const RECONNECT: (&str, &str) = ("reconnect.backoff.max.ms", "500");

/// The ids of the brokers. Broker 2 is the second from where a cluster begins.
const BROKERS: [u8; 2] = [1, 2];

/// Where a cluster begins: its first broker has this last number in both of its addresses.
const NOWHERE: u8 = 44;
const HERE: u8 = 24;
const ELSEWHERE: u8 = 34;

/// A way in which brokers from EMR-3.11 on are reached.
struct Way {
    name: &'static str,
    network: &'static str,
    listen: fn(u8) -> SocketAddr,
    advertised: fn(u8) -> SocketAddr,
}

const WAYS: [Way; 3] = [
    Way { name: "R1", network: "private", listen: private_9092, advertised: private_9092 },
    Way { name: "R2", network: "public", listen: public_9093, advertised: public_9093 },
    Way { name: "R2, private IPs advertised", network: "public", listen: public_9093, advertised: private_9093 },
];

fn private_9092(host: u8) -> SocketAddr {
    ([127, 10, 1, host], 9092).into()
}

fn private_9093(host: u8) -> SocketAddr {
    ([127, 10, 1, host], 9093).into()
}

fn public_9093(host: u8) -> SocketAddr {
    ([127, 20, 1, host], 9093).into()
}

fn hosts(begin: u8) -> impl Iterator<Item = (u8, u8)> {
    BROKERS.into_iter().map(move |id| (id, begin + id - 1))
}

// The cluster

/// A cluster whose brokers' client listeners come and go.
struct Moving {
    cluster: KafkaCluster,
    admin: AdminClient<DefaultClientContext>,
    runtime: Runtime,
}

impl Moving {
    fn start(way: &Way) -> Self {
        let brokers: Vec<Broker> = hosts(HERE)
            .map(|(id, host)| Broker {
                id: id.into(),
                listen: (way.listen)(host),
                advertised: (way.advertised)(host).to_string(),
            })
            .collect();
        let cluster = KafkaCluster::start(KafkaVersion::V2_4_1, &brokers);
        create_topic(&cluster.internal_bootstrap(), 2);
        let admin = ClientConfig::new().set("bootstrap.servers", cluster.internal_bootstrap()).create().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        Moving { cluster, admin, runtime }
    }

    /// Takes the clients' listeners away, and with them all connections.
    fn withdraw(&self, way: &Way, begin: u8) {
        for id in BROKERS {
            self.set_listeners(id, None);
        }
        let listens = || hosts(begin).any(|(_, host)| TcpStream::connect((way.listen)(host)).is_ok());
        until("the brokers listen no more", || !listens());
    }

    /// Adds them again, and waits until each broker knows both.
    fn listen(&self, way: &Way, begin: u8) {
        for (id, host) in hosts(begin) {
            self.set_listeners(id, Some(((way.listen)(host), (way.advertised)(host))));
        }
        let expected: Vec<(i32, String)> =
            hosts(begin).map(|(id, host)| (id.into(), (way.advertised)(host).to_string())).collect();
        for (_, host) in hosts(begin) {
            let address = (way.listen)(host);
            until("the brokers listen", || TcpStream::connect(address).is_ok());
            until("the brokers list each other", || self.cluster.listed_at(address) == expected);
        }
    }

    /// Kafka has this since 1.1, for each broker.
    fn set_listeners(&self, id: u8, client: Option<(SocketAddr, SocketAddr)>) {
        let internal = self.cluster.internal_bootstrap();
        let internal = internal.split(',').nth(usize::from(id) - 1).unwrap();
        let (mut listeners, mut advertised) = (format!("INTERNAL://{internal}"), format!("INTERNAL://{internal}"));
        if let Some((listen, advertise)) = client {
            listeners += &format!(",CLIENT://{listen}");
            advertised += &format!(",CLIENT://{advertise}");
        }
        let change = AlterConfig::new(ResourceSpecifier::Broker(id.into()))
            .set("listeners", &listeners)
            .set("advertised.listeners", &advertised);
        let options = AdminOptions::new().request_timeout(Some(LIMIT));
        let altered = self.runtime.block_on(self.admin.alter_configs([&change], &options)).unwrap();
        assert!(altered.iter().all(Result::is_ok), "{altered:?}");
    }
}

/// The cluster's description.
struct Described(TempDir);

impl Described {
    fn new(way: &Way) -> Self {
        let described = Described(TempDir::new().unwrap());
        described.write(way, NOWHERE);
        described
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("cluster.toml")
    }

    /// Puts a new file in the place of the old one, as a careful editor does.
    fn write(&self, way: &Way, begin: u8) {
        let mut text = format!("id = \"48742\"\nrelease = \"EMR-3.11.0\"\nnetwork = \"{}\"\n", way.network);
        for (id, host) in hosts(begin) {
            let (private, public) = (private_9092(host).ip(), public_9093(host).ip());
            text += &format!(
                "[[nodes]]\nname = \"emr-worker-{id}\"\nprivate_ip = \"{private}\"\npublic_ip = \"{public}\"\n"
            );
        }
        let new = self.0.path().join("new");
        std::fs::write(&new, text).unwrap();
        std::fs::rename(new, self.path()).unwrap();
    }
}

// The clients

/// A line that a client reports, and when: "delivered MESSAGE", "failed MESSAGE" or "error …".
type Report = (Instant, String);

/// A producer, and what it reports.
struct Client {
    name: &'static str,
    producer: Producing,
    reports: Receiver<Report>,
}

enum Producing {
    Rust(ThreadedProducer<Reports>),
    Program(Program),
}

/// Ends the program when the test does, or dies.
struct Program {
    child: Child,
    input: ChildStdin,
    _guard: Guard,
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

struct Reports(Sender<Report>);

impl Reports {
    fn report(&self, line: String) {
        let _ = self.0.send((Instant::now(), line));
    }
}

impl ClientContext for Reports {
    fn error(&self, error: KafkaError, reason: &str) {
        self.report(format!("error {error}: {reason}"));
    }
}

impl ProducerContext for Reports {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        let (became, message) = match result {
            Ok(message) => ("delivered", message),
            Err((_, message)) => ("failed", message),
        };
        self.report(format!("{became} {}", String::from_utf8_lossy(message.payload().unwrap())));
    }
}

impl Client {
    fn rust(name: &'static str, source: &str, config: &mut ClientConfig) -> Self {
        let (sender, reports) = mpsc::channel();
        let resolver = Resolver::open(source).unwrap();
        config.set(RECONNECT.0, RECONNECT.1).set_log_level(RDKafkaLogLevel::Emerg);
        let producer = config.create_with_context_for(&resolver, Reports(sender)).unwrap();
        Client { name, producer: Producing::Rust(producer), reports }
    }

    fn program(name: &'static str, mut command: Command) -> Self {
        without_ours(&mut command);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let guard = Guard::of(&child).unwrap();
        let (input, output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let (sender, reports) = mpsc::channel();
        let sender = Reports(sender);
        thread::spawn(move || BufReader::new(output).lines().for_each(|line| sender.report(line.unwrap())));
        Client { name, producer: Producing::Program(Program { child, input, _guard: guard }), reports }
    }

    fn send(&mut self, message: &str) {
        match &mut self.producer {
            Producing::Rust(producer) => {
                producer.send(BaseRecord::<(), _>::to(TOPIC).payload(message)).map_err(|(error, _)| error).unwrap();
            }
            Producing::Program(program) => writeln!(program.input, "{message}").unwrap(),
        }
    }

    /// Waits for a report that has these words, and returns when it was made.
    fn reports(&self, words: &str, since: Instant) -> Instant {
        let mut others = String::new();
        loop {
            match self.reports.recv_timeout((since + LIMIT).saturating_duration_since(Instant::now())) {
                Ok((at, line)) if line.contains(words) => return at,
                Ok((at, line)) => others += &format!("\n{:?} {line}", at.saturating_duration_since(since)),
                Err(RecvTimeoutError::Timeout) => {
                    panic!("{}: no {words:?} within {LIMIT:?}, but:{others}", self.name)
                }
                Err(RecvTimeoutError::Disconnected) => panic!("{}: it ended, after:{others}", self.name),
            }
        }
    }

    fn forget_reports(&self) {
        while self.reports.try_recv().is_ok() {}
    }
}

/// A client of each kind, with a librdkafka of each age: Debian's in C, rdkafka's in Rust, and confluent_kafka's in Python.
fn clients(source: &str) -> [Client; 3] {
    let mut python = Command::new(python::with_clients());
    python.arg(python::programs().join("follows.py")).arg(library()).args([source, TOPIC]);
    [
        Client::rust("create_for", source, &mut ClientConfig::new()),
        Client::program("kafka_emr_conf_apply", c::follows(source, TOPIC)),
        Client::program("the plugin", python),
    ]
}

/// Waits until every client has tried an address that is wrong.
fn are_refused(clients: &[Client]) {
    let since = Instant::now();
    for client in clients {
        client.reports("Connection refused", since);
    }
}

/// Has every client send a message, which is delivered when `correct` has corrected the description.
fn deliver(way: &Way, stage: &str, clients: &mut [Client], correct: impl FnOnce()) {
    for client in &mut *clients {
        client.send(stage);
    }
    let corrected = Instant::now();
    correct();
    for client in clients {
        let delivered = client.reports(&format!("delivered {stage}"), corrected);
        println!("{}: {} delivers {:?} after the correction {stage}", way.name, client.name, delivered - corrected);
    }
}

fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let end = Instant::now() + LIMIT;
    while !condition() {
        assert!(Instant::now() < end, "not within {LIMIT:?}: {what}");
        thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_corrected_description_is_followed_before_and_after_the_first_metadata() {
    // What takes its time is built before other tests have to wait for this cluster.
    let _ = (c::follows("", TOPIC), python::with_clients());
    let cluster = Moving::start(&WAYS[0]);
    let mut by_address = Vec::new();
    for way in &WAYS {
        cluster.listen(way, HERE);
        let described = Described::new(way);
        let source = described.path().into_os_string().into_string().unwrap();

        // The same client, but for the list that it begins with: it has nothing to look up again.
        let addresses = format!("emr://{source}?bootstrap=addresses");
        let mut config = ClientConfig::new();
        config.set("message.timeout.ms", LIMIT.as_millis().to_string());
        let mut addresses = Client::rust("bootstrap=addresses", &addresses, &mut config);
        addresses.send("never");
        by_address.push((Instant::now(), addresses));

        let mut clients = clients(&source);
        are_refused(&clients);
        deliver(way, "before the first metadata", &mut clients, || described.write(way, HERE));

        clients.iter().for_each(Client::forget_reports);
        cluster.withdraw(way, HERE);
        are_refused(&clients);
        deliver(way, "after it", &mut clients, || {
            cluster.listen(way, ELSEWHERE);
            described.write(way, ELSEWHERE);
        });
        cluster.withdraw(way, ELSEWHERE);
    }
    for (sent, client) in by_address {
        client.reports("failed never", sent + LIMIT);
    }
}
