//! An embedded EMR Kafka cluster, for tests and demonstrations.

use std::ffi::{CStr, CString};
use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};

use kafka_emr_core::{BootstrapStyle, Cluster, Description, EmrVersion, Endpoint, Node, NodeDescription, Resolver};
use rdkafka::ClientConfig;
use rdkafka::bindings::{
    rd_kafka_mock_broker_set_down, rd_kafka_mock_broker_set_host_port, rd_kafka_mock_broker_set_up,
    rd_kafka_mock_cluster_bootstraps, rd_kafka_mock_cluster_destroy, rd_kafka_mock_cluster_new,
    rd_kafka_mock_group_initial_rebalance_delay_ms, rd_kafka_mock_partition_set_leader, rd_kafka_mock_topic_create,
    rd_kafka_resp_err_t,
};
use rdkafka::client::{Client, DefaultClientContext};
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::types::{RDKafkaMockCluster, RDKafkaType};

use crate::Error;

/// Runs Kafka brokers in this process that advertise what an EMR cluster's brokers do.
///
/// Brokers listen on loopback, at ports of their own, and advertise the endpoints of their description's version rule: long
/// domains or addresses. A client that does not know them gets nothing. The
/// description from [`MockEmrCluster::cluster`] leads there, by `connect`.
///
/// It is librdkafka's mock cluster: producing, consuming in groups, transactions and metadata work; creating topics over
/// the protocol does not, so use [`MockEmrCluster::create_topic`].
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use kafka_emr_rs::mocking::MockEmrCluster;
/// use kafka_emr_rs::rdkafka::{ClientConfig, consumer::{BaseConsumer, Consumer}};
/// use kafka_emr_rs::CreateFor;
///
/// let mock = MockEmrCluster::new()?;
/// let consumer: BaseConsumer = ClientConfig::new().create_for(&mock.resolver()?)?;
/// let metadata = consumer.fetch_metadata(None, Duration::from_secs(10))?;
/// assert_eq!(metadata.brokers()[0].host(), "emr-worker-1.cluster-48742");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct MockEmrCluster {
    /// Owned, and freed before the client below, whose it is. librdkafka locks inside; the mutex is for `Sync`.
    mock: Mutex<MockPointer>,
    /// The client that the brokers run in.
    _client: Client<DefaultClientContext>,
    cluster: Cluster,
    advertised: Vec<Endpoint>,
}

/// As many as memory is sure to be had for.
const MAX_PARTITIONS: i32 = 10_000;

struct MockPointer(*mut RDKafkaMockCluster);

// SAFETY: librdkafka's mock cluster may be used from any thread; it hands every call to its own.
unsafe impl Send for MockPointer {}

impl Drop for MockPointer {
    fn drop(&mut self) {
        // SAFETY: the pointer was made by rd_kafka_mock_cluster_new, its client is still there, and it is freed once.
        unsafe { rd_kafka_mock_cluster_destroy(self.0) };
    }
}

impl MockEmrCluster {
    /// Starts the example cluster: `emr-header-1` and three brokers `emr-worker-1` to `-3` of `cluster-48742`, EMR-3.10.1,
    /// private network.
    ///
    /// # Errors
    ///
    /// Fails when librdkafka cannot open its listeners.
    pub fn new() -> Result<Self, Error> {
        let mut description = Description::new("EMR-3.10.1".parse::<EmrVersion>()?);
        description.settings.id = Some("48742".to_owned());
        for (name, ip) in [("emr-header-1", 23), ("emr-worker-1", 24), ("emr-worker-2", 25), ("emr-worker-3", 26)] {
            let mut node = NodeDescription::new(name);
            node.private_ip = Some([10, 0, 1, ip].into());
            node.public_ip = Some([203, 0, 113, ip].into());
            description.nodes.push(node);
        }
        MockEmrCluster::start(Cluster::new(description)?)
    }

    /// Starts a cluster by its description: a broker for each broker node, which advertises what the rule says.
    ///
    /// # Errors
    ///
    /// Fails when the description is not possible, and when librdkafka cannot open its listeners.
    pub fn start(cluster: Cluster) -> Result<Self, Error> {
        MockEmrCluster::start_advertising(cluster, |cluster, node| {
            let rule = cluster.rule();
            let host = match (rule.bootstrap, node.address(rule.dials)) {
                (BootstrapStyle::Addresses, Some(address)) => address.to_string(),
                _ => node.long_domain().unwrap_or(node.name()).to_owned(),
            };
            Endpoint { host, port: cluster.broker_port() }
        })
    }

    /// Starts a cluster by its description, with brokers that advertise what `advertise` says of each broker node: for
    /// clusters that are not set up as they should be.
    ///
    /// # Errors
    ///
    /// As [`MockEmrCluster::start`].
    pub fn start_advertising(cluster: Cluster, advertise: impl Fn(&Cluster, &Node) -> Endpoint) -> Result<Self, Error> {
        let mut description = cluster.description();
        let brokers: Vec<usize> = (0..cluster.nodes().len()).filter(|&n| cluster.nodes()[n].is_broker()).collect();
        let client = owning_client()?;
        let count = i32::try_from(brokers.len()).map_err(|_| Error::config("too many brokers to embed"))?;
        // SAFETY: the client is live, and lives longer than the mock cluster: see the order of the fields.
        let pointer = unsafe { rd_kafka_mock_cluster_new(client.native_ptr(), count) };
        if pointer.is_null() {
            return Err(Error::config("librdkafka cannot start its mock cluster: no listeners on loopback"));
        }
        let mock = MockPointer(pointer);
        // Groups of a test are complete at once: the 3 s that brokers wait for more members are for nobody.
        // SAFETY: `mock` is live.
        unsafe { rd_kafka_mock_group_initial_rebalance_delay_ms(mock.0, 0) };
        // The real addresses, read before the advertised ones take their place.
        // SAFETY: `mock` is live, and the string is its own and ends in NUL.
        let real = unsafe { CStr::from_ptr(rd_kafka_mock_cluster_bootstraps(mock.0)) }.to_string_lossy().into_owned();
        let real: Vec<SocketAddr> = real.split(',').filter_map(|address| address.parse().ok()).collect();
        if real.len() != brokers.len() {
            return Err(Error::config(format!("librdkafka started {} mock brokers of {count}", real.len())));
        }
        let mut advertised = Vec::with_capacity(brokers.len());
        for (i, (&n, real)) in brokers.iter().zip(real).enumerate() {
            let endpoint = advertise(&cluster, &cluster.nodes()[n]);
            let host =
                CString::new(endpoint.host.as_str()).map_err(|_| Error::config("an advertised host has a NUL"))?;
            // SAFETY: `mock` is live, its brokers are numbered from 1, and the host is copied.
            unsafe { rd_kafka_mock_broker_set_host_port(mock.0, broker_id(i), host.as_ptr(), endpoint.port.into()) };
            description.nodes[n].connect = Some(real);
            advertised.push(endpoint);
        }
        let cluster = Cluster::new(description)?;
        Ok(MockEmrCluster { mock: Mutex::new(mock), _client: client, cluster, advertised })
    }

    /// Returns the cluster whose description leads to the embedded brokers. Write that to a file with
    /// [`Description::to_toml`] for other processes.
    #[must_use]
    pub fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    /// Makes a resolver for the cluster.
    ///
    /// # Errors
    ///
    /// None that is known: the description was checked at the start.
    pub fn resolver(&self) -> Result<Resolver, Error> {
        Ok(Resolver::from_clusters([self.cluster.clone()])?)
    }

    /// Returns the advertised listeners, in the order of the brokers' ids, which count from 1.
    #[must_use]
    pub fn advertised(&self) -> &[Endpoint] {
        &self.advertised
    }

    /// Creates a topic. The brokers lead its partitions in turn.
    ///
    /// # Errors
    ///
    /// Fails when the topic exists already, when it has no partition or more than 10,000, and when it asks for no replica or
    /// for more than there are brokers.
    pub fn create_topic(&self, name: &str, partitions: i32, replication: i32) -> Result<(), Error> {
        let topic = CString::new(name).map_err(|_| Error::config("a topic's name has a NUL"))?;
        let brokers = self.advertised.len();
        // librdkafka would abort the process.
        if !(1..=MAX_PARTITIONS).contains(&partitions)
            || !usize::try_from(replication).is_ok_and(|replicas| (1..=brokers).contains(&replicas))
        {
            return Err(Error::config(format!(
                "topic {name}: {partitions} partitions with {replication} replicas are not possible; expected 1 to \
                 {MAX_PARTITIONS} partitions and 1 to {brokers} replicas"
            )));
        }
        self.ask(&format!("create topic {name}"), |mock| {
            // SAFETY: `mock` is live, and the name is copied.
            unsafe { rd_kafka_mock_topic_create(mock, topic.as_ptr(), partitions, replication) }
        })?;
        for (partition, broker) in (0..partitions).zip((0..self.advertised.len()).cycle().map(broker_id)) {
            self.ask(&format!("have broker {broker} lead {name} [{partition}]"), |mock| {
                // SAFETY: as above.
                unsafe { rd_kafka_mock_partition_set_leader(mock, topic.as_ptr(), partition, broker) }
            })?;
        }
        Ok(())
    }

    /// Stops a broker: its connections end and new ones are refused.
    ///
    /// # Errors
    ///
    /// Fails when there is no broker of this id; they count from 1.
    pub fn set_down(&self, broker: i32) -> Result<(), Error> {
        // SAFETY: `mock` is live.
        self.ask(&format!("stop broker {broker}"), |mock| unsafe { rd_kafka_mock_broker_set_down(mock, broker) })
    }

    /// Starts a broker again that was stopped.
    ///
    /// # Errors
    ///
    /// As [`MockEmrCluster::set_down`].
    pub fn set_up(&self, broker: i32) -> Result<(), Error> {
        // SAFETY: `mock` is live.
        self.ask(&format!("start broker {broker}"), |mock| unsafe { rd_kafka_mock_broker_set_up(mock, broker) })
    }

    fn ask(&self, what: &str, call: impl FnOnce(*mut RDKafkaMockCluster) -> rd_kafka_resp_err_t) -> Result<(), Error> {
        match call(self.mock.lock().unwrap_or_else(PoisonError::into_inner).0) {
            rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR => Ok(()),
            code => Err(Error::config(format!("the mock cluster cannot {what}: {code:?}"))),
        }
    }
}

impl std::fmt::Debug for MockEmrCluster {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MockEmrCluster").field("advertised", &self.advertised).finish_non_exhaustive()
    }
}

fn broker_id(index: usize) -> i32 {
    i32::try_from(index).expect("counted as i32 before") + 1
}

/// A client that connects to nothing: librdkafka runs mock brokers inside one.
fn owning_client() -> Result<Client<DefaultClientContext>, Error> {
    let mut config = ClientConfig::new();
    config.set("log_level", (RDKafkaLogLevel::Error as i32).to_string()).set_log_level(RDKafkaLogLevel::Error);
    let native = config.create_native_config()?;
    Ok(Client::new(&config, native, RDKafkaType::RD_KAFKA_PRODUCER, DefaultClientContext)?)
}
