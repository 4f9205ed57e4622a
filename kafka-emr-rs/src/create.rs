//! `create_for`: an unchanged configuration in, an unchanged rdkafka client out.

use kafka_emr_core::Resolver;
use kafka_emr_hook::Hook;
use rdkafka::admin::AdminClient;
use rdkafka::client::ClientContext;
use rdkafka::config::{ClientConfig, FromClientConfig, FromClientConfigAndContext};
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext, StreamConsumer};
use rdkafka::error::KafkaResult;
use rdkafka::producer::{BaseProducer, FutureProducer, Partitioner, Producer, ProducerContext, ThreadedProducer};
use rdkafka::types::RDKafka;
use rdkafka::util::AsyncRuntime;

use crate::Error;
use crate::cluster_id::warn_of_other_cluster;
use crate::config::{Prepared, prepare};
use crate::install::install;

/// Makes rdkafka clients that resolve an EMR cluster's names.
///
/// Implemented for rdkafka's [`ClientConfig`]. The configuration and the client are rdkafka's own, unchanged:
///
/// - `bootstrap.servers` is filled in if it is not set: with the brokers' long domains, so that the client finds a cluster
///   again whose addresses changed. Only a broker without one, or `bootstrap = "addresses"`, gives addresses.
///   Servers that are set are kept, and their names are resolved as all others are.
/// - `client.dns.lookup` is set to `use_all_dns_ips`.
/// - The resolver lives as long as any client made with it.
///
/// # Errors
///
/// All methods fail when rdkafka refuses the configuration, when it asks for something the hook cannot work with
/// (`client.dns.lookup=resolve_canonical_bootstrap_servers_only`, `test.mock.num.brokers`), when a resolver over several
/// clusters meets a configuration without `bootstrap.servers`, and when too many resolvers are in use.
///
/// # Examples
///
/// ```no_run
/// use kafka_emr_rs::rdkafka::{ClientConfig, consumer::StreamConsumer};
/// use kafka_emr_rs::{CreateFor, Resolver};
///
/// let cluster = Resolver::open("cluster.toml")?;
/// let consumer: StreamConsumer = ClientConfig::new()
///     .set("group.id", "billing")
///     .create_for(&cluster)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait CreateFor {
    /// Makes a client for the cluster. As [`ClientConfig::create`].
    fn create_for<T>(&self, cluster: &Resolver) -> Result<T, Error>
    where
        T: FromClientConfig + KafkaClient;

    /// Makes a client with a context for the cluster. As [`ClientConfig::create_with_context`].
    fn create_with_context_for<C, T>(&self, cluster: &Resolver, context: C) -> Result<T, Error>
    where
        C: ClientContext,
        T: FromClientConfigAndContext<C> + KafkaClient;
}

impl CreateFor for ClientConfig {
    fn create_for<T>(&self, cluster: &Resolver) -> Result<T, Error>
    where
        T: FromClientConfig + KafkaClient,
    {
        create(self, cluster, ClientConfig::create)
    }

    fn create_with_context_for<C, T>(&self, cluster: &Resolver, context: C) -> Result<T, Error>
    where
        C: ClientContext,
        T: FromClientConfigAndContext<C> + KafkaClient,
    {
        create(self, cluster, |config| config.create_with_context(context))
    }
}

fn create<T: KafkaClient>(
    config: &ClientConfig,
    resolver: &Resolver,
    make: impl FnOnce(&ClientConfig) -> KafkaResult<T>,
) -> Result<T, Error> {
    let Created { client, bootstrap_servers } = create_unpinned(config, resolver, make)?;
    log::info!("{resolver}: a client starts with bootstrap.servers={bootstrap_servers}");
    warn_of_other_cluster(config, resolver, &bootstrap_servers);
    Ok(client)
}

/// As [`CreateFor::create_with_context_for`], without the check of the description's `cluster_id`: for a caller that reports
/// the cluster's id itself.
///
/// # Errors
///
/// As [`CreateFor`].
#[doc(hidden)]
pub fn create_unpinned_for<C, T>(config: &ClientConfig, resolver: &Resolver, context: C) -> Result<T, Error>
where
    C: ClientContext,
    T: FromClientConfigAndContext<C> + KafkaClient,
{
    create_unpinned(config, resolver, |config| config.create_with_context(context)).map(|created| created.client)
}

pub(crate) struct Created<T> {
    pub(crate) client: T,
    bootstrap_servers: String,
}

/// Makes a client without looking at the description's `cluster_id`.
pub(crate) fn create_unpinned<T: KafkaClient>(
    config: &ClientConfig,
    resolver: &Resolver,
    make: impl FnOnce(&ClientConfig) -> KafkaResult<T>,
) -> Result<Created<T>, Error> {
    let Prepared { config: without_brokers, bootstrap_servers } = prepare(config, resolver)?;
    let hook = Hook::of(resolver)?;
    let client = make(&without_brokers)?;
    // SAFETY: the client lives until the end of this function at least, and `prepare` left it without bootstrap servers.
    unsafe { install(client.native_ptr(), hook, &bootstrap_servers)? };
    Ok(Created { client, bootstrap_servers })
}

/// An rdkafka client that the hook can be put into. Implemented for all of rdkafka's client types, and for no others.
pub trait KafkaClient: sealed::Sealed {
    /// Returns librdkafka's handle of the client.
    fn native_ptr(&self) -> *mut RDKafka;
}

mod sealed {
    pub trait Sealed {}
}

macro_rules! kafka_clients {
    ($([$($generics:tt)*] $client:ty, $inner:expr;)+) => {
        $(
            impl<$($generics)*> sealed::Sealed for $client {}

            impl<$($generics)*> KafkaClient for $client {
                fn native_ptr(&self) -> *mut RDKafka {
                    let inner: fn(&Self) -> *mut RDKafka = $inner;
                    inner(self)
                }
            }
        )+
    };
}

kafka_clients! {
    [C: ConsumerContext] BaseConsumer<C>, |this| this.client().native_ptr();
    [C: ConsumerContext, R] StreamConsumer<C, R>, |this| this.client().native_ptr();
    [C: ProducerContext<P>, P: Partitioner] BaseProducer<C, P>, |this| this.client().native_ptr();
    [C: ProducerContext<P> + 'static, P: Partitioner + Send + Sync + 'static] ThreadedProducer<C, P>,
        |this| this.client().native_ptr();
    [C: ClientContext + 'static, R: AsyncRuntime, P: Partitioner] FutureProducer<C, R, P>,
        |this| this.client().native_ptr();
    [C: ClientContext] AdminClient<C>, |this| this.inner().native_ptr();
}
