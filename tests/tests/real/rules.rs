//! The four version rules on real brokers. Each cluster listens only where its rule must go.

use kafka_emr_rs::Resolver;
use kafka_emr_tests::{Broker, KafkaCluster, KafkaVersion};

use crate::client::{config, fails_without_the_hook, gets_nothing, works};

/// The example cluster. Private IPs and EIPs are loopback addresses, so that the ports can be EMR's own.
fn description(release: &str, network: &str) -> String {
    let mut text = format!("id = \"48742\"\nrelease = \"{release}\"\nnetwork = \"{network}\"\n");
    for (name, host) in NODES {
        text += &format!(
            "[[nodes]]\nname = \"{name}\"\nprivate_ip = \"127.10.1.{host}\"\npublic_ip = \"127.20.1.{host}\"\n"
        );
    }
    text
}

const NODES: [(&str, u8); 4] = [("emr-header-1", 23), ("emr-worker-1", 24), ("emr-worker-2", 25), ("emr-worker-3", 26)];

/// The seed of EMR's document, with addresses of this machine.
const HOSTS: &str = "\
127.10.1.23 emr-header-1.cluster-48742
127.10.1.24 emr-worker-1.cluster-48742
127.10.1.25 emr-worker-2.cluster-48742
127.10.1.26 emr-worker-3.cluster-48742
";

struct File(tempfile::NamedTempFile);

impl File {
    fn with(content: &str) -> Self {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), content).unwrap();
        File(file)
    }

    fn open(&self) -> Resolver {
        Resolver::open(self.0.path().to_str().unwrap()).unwrap()
    }

    fn open_with(&self, parameters: &str) -> Resolver {
        Resolver::open(&format!("emr://{}?{parameters}", self.0.path().display())).unwrap()
    }
}

/// Three brokers at `network.24` to `.26`, which advertise what `advertised` says of the last number.
fn start(
    version: KafkaVersion,
    network: &str,
    port: u16,
    advertised: impl Fn(u8) -> String,
) -> (KafkaCluster, Vec<String>) {
    let brokers = [24, 25, 26].map(|host| Broker {
        id: i32::from(host) - 23,
        listen: format!("{network}.{host}:{port}").parse().unwrap(),
        advertised: advertised(host),
    });
    let advertised = brokers.iter().map(|broker| broker.advertised.clone()).collect();
    println!("Kafka {version} at {network}.24 to .26, port {port}, advertising {advertised:?}");
    (KafkaCluster::start(version, &brokers), advertised)
}

fn long_domain(host: u8) -> String {
    format!("emr-worker-{}.cluster-48742:9092", host - 23)
}

const NAMES: &str = "emr-worker-1.cluster-48742:9092,emr-worker-2.cluster-48742:9092,emr-worker-3.cluster-48742:9092";
const PRIVATE: &str = "127.10.1";
const PUBLIC: &str = "127.20.1";

#[tokio::test(flavor = "multi_thread")]
async fn r3_before_3_11_on_the_private_network() {
    let (_cluster, advertised) = start(KafkaVersion::V1_0_1, PRIVATE, 9092, long_domain);
    let file = File::with(&description("EMR-3.10.1", "private"));
    assert_eq!(file.open().bootstrap_servers().unwrap(), NAMES);
    works(&file.open(), &config(), &advertised).await;
    fails_without_the_hook(NAMES).await;
    fails_without_the_hook("127.10.1.24:9092").await;
    gets_nothing(&file.open_with("network=public"));
}

#[tokio::test(flavor = "multi_thread")]
async fn r4_before_3_11_on_the_public_network() {
    let (_cluster, advertised) = start(KafkaVersion::V1_0_1, PUBLIC, 9092, long_domain);
    let file = File::with(&description("EMR-3.10.1", "public"));
    assert_eq!(file.open().bootstrap_servers().unwrap(), NAMES);
    works(&file.open(), &config(), &advertised).await;
    fails_without_the_hook(NAMES).await;
    fails_without_the_hook("127.20.1.24:9092").await;
    gets_nothing(&file.open_with("network=private"));
    gets_nothing(&file.open_with("release=EMR-3.11.0"));
}

#[tokio::test(flavor = "multi_thread")]
async fn r1_from_3_11_on_the_private_network() {
    let (_cluster, advertised) = start(KafkaVersion::V2_4_1, PRIVATE, 9092, |host| format!("{PRIVATE}.{host}:9092"));
    let file = File::with(&description("EMR-3.11.0", "private"));
    assert_eq!(file.open().bootstrap_servers().unwrap(), "127.10.1.24:9092,127.10.1.25:9092,127.10.1.26:9092");
    // Addresses need no hook. Names do, and TLS and Kerberos need names.
    let by_name = file.open_with("bootstrap=names");
    assert_eq!(by_name.bootstrap_servers().unwrap(), NAMES);
    works(&by_name, &config(), &advertised).await;
    crate::client::sees(&file.open(), &advertised);
    fails_without_the_hook(NAMES).await;
    gets_nothing(&file.open_with("network=public"));
}

#[tokio::test(flavor = "multi_thread")]
async fn r2_from_3_11_on_the_public_network() {
    let (_cluster, advertised) = start(KafkaVersion::V2_4_1, PUBLIC, 9093, |host| format!("{PUBLIC}.{host}:9093"));
    let file = File::with(&description("EMR-3.11.0", "public"));
    assert_eq!(file.open().bootstrap_servers().unwrap(), "127.20.1.24:9093,127.20.1.25:9093,127.20.1.26:9093");
    works(&file.open_with("bootstrap=names"), &config(), &advertised).await;
    crate::client::sees(&file.open(), &advertised);
    fails_without_the_hook(&NAMES.replace("9092", "9093")).await;
    gets_nothing(&file.open_with("network=private"));
    gets_nothing(&file.open_with("release=EMR-3.10.1"));
}

/// Without public access there is one listener, on 9092, which tells everybody the private IPs. The EIPs lead to it.
#[tokio::test(flavor = "multi_thread")]
async fn r2_with_private_addresses_advertised_to_everybody() {
    let (_cluster, advertised) = start(KafkaVersion::V2_4_1, PUBLIC, 9092, |host| format!("{PRIVATE}.{host}:9092"));
    let file = File::with(&description("EMR-3.11.0", "public"));
    let saved = file.open_with("port=9092");
    works(&saved, &config(), &advertised).await;
    fails_without_the_hook(&saved.bootstrap_servers().unwrap()).await;
    gets_nothing(&file.open());
}

#[tokio::test(flavor = "multi_thread")]
async fn r3_on_the_newest_kafka_from_hosts_text() {
    let (_cluster, advertised) = start(KafkaVersion::Newest, PRIVATE, 9092, long_domain);
    let file = File::with(HOSTS);
    assert_eq!(file.open().bootstrap_servers().unwrap(), NAMES);
    works(&file.open(), &config(), &advertised).await;
    fails_without_the_hook(NAMES).await;
}
