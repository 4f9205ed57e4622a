//! Warns when another cluster answers than the one the description pins with `cluster_id`.

use std::time::Duration;

use kafka_emr_core::Resolver;
use rdkafka::ClientConfig;
use rdkafka::admin::AdminClient;
use rdkafka::client::DefaultClientContext;
use rdkafka::config::RDKafkaLogLevel;

use crate::CreateFor;

/// How long the cluster's answer is waited for.
const PATIENCE: Duration = Duration::from_secs(30);

/// What a connection needs of a configuration. Nothing that joins a group or fences a producer.
const CONNECTION: [&str; 6] = ["security.", "sasl.", "ssl.", "enable.ssl.", "socket.", "broker.address."];

/// Asks the cluster for its id, where the description pins one, and warns when it is another.
///
/// librdkafka tells the id only to a caller that waits for it, and a client must not be asked by a thread that might outlive
/// it. So a client of its own asks, on a thread of its own that ends with the answer.
pub(crate) fn warn_of_other_cluster(config: &ClientConfig, resolver: &Resolver, bootstrap_servers: &str) {
    let clusters = resolver.clusters();
    let [cluster] = &clusters[..] else { return };
    let Some(expected) = cluster.cluster_id.clone() else { return };
    let title = cluster.title();
    // Without the pin, so that the asking client is not asked about in turn.
    let Ok(unpinned) = Resolver::from_clusters(clusters.iter().cloned().map(|mut cluster| {
        cluster.cluster_id = None;
        cluster
    })) else {
        return;
    };
    let mut asking = ClientConfig::new();
    for (property, value) in config.config_map() {
        if CONNECTION.iter().any(|prefix| property.starts_with(prefix)) {
            asking.set(property, value);
        }
    }
    asking.set("bootstrap.servers", bootstrap_servers).set_log_level(RDKafkaLogLevel::Emerg);
    let ask = move || {
        let client: AdminClient<DefaultClientContext> = match asking.create_for(&unpinned) {
            Ok(client) => client,
            Err(error) => return log::warn!("{title}: cluster_id is not checked: {error}"),
        };
        match client.inner().fetch_cluster_id(PATIENCE) {
            Some(answered) if answered == expected => {
                log::debug!("{title}: its cluster_id is {expected}, as described")
            }
            Some(answered) => log::warn!(
                "{title}: another cluster answers: its id is {answered}, and the description says cluster_id = \"{expected}\"; \
                 correct the addresses or the cluster_id"
            ),
            None => log::warn!("{title}: cluster_id is not checked: no answer within {} s", PATIENCE.as_secs()),
        }
    };
    if let Err(error) = std::thread::Builder::new().name("kafka-emr-cluster-id".to_owned()).spawn(ask) {
        log::warn!("{}: cluster_id is not checked: {error}", cluster.title());
    }
}
