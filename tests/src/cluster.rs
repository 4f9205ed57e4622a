//! A running cluster.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use crate::address::{self, Claim, Slot};
use crate::process::{Java, Process};
use crate::{KafkaVersion, Mechanism, Sasl, Security, config, fetch, must, poll, ready};

/// How long a cluster may take until all of it answers.
const READY: Duration = Duration::from_secs(120);

/// One broker: where it listens for clients and what it tells them.
#[derive(Clone, Debug)]
pub struct Broker {
    /// Its id, from 1 to 232. No two brokers of a cluster have the same.
    pub id: i32,
    /// Where it listens for clients, say 127.10.1.24:9092. It listens there and nowhere else.
    pub listen: SocketAddr,
    /// Where it tells clients to find it, as `host:port`. The name need not resolve.
    pub advertised: String,
}

/// A running Kafka cluster.
///
/// One at a time runs on a machine, or one [beside](Self::start_beside) the other;
/// [`start`](Self::start) waits for its turn. Its files are in `target/kafka/run`, or in
/// `run-beside`. Dropping it kills all its processes and removes the files, except in a test that
/// has failed: then they stay until the next cluster starts there.
///
/// # Panics
///
/// All methods panic when Kafka does not do what they promise, with the reason and the end of the
/// log of the process in question.
pub struct KafkaCluster {
    version: KafkaVersion,
    /// Of the client listeners; plain without.
    security: Option<Security>,
    /// Of a topic that does not say.
    replication: usize,
    libs: PathBuf,
    dir: PathBuf,
    brokers: BTreeMap<i32, Process>,
    /// ZooKeeper, or the KRaft controller.
    metadata: Option<Process>,
    /// Last, to be given up only when all is gone.
    claim: Arc<Claim>,
}

impl KafkaCluster {
    /// Starts a cluster of `brokers` and waits until each of them answers and knows the others.
    #[track_caller]
    pub fn start(version: KafkaVersion, brokers: &[Broker]) -> KafkaCluster {
        Self::launch(must(Claim::take()), version, brokers, None)
    }

    /// The same with secured client listeners, also of brokers that join later.
    ///
    /// On Kafka 1.0.1, clients cannot log in.
    #[track_caller]
    pub fn start_secured(version: KafkaVersion, brokers: &[Broker], security: &Security) -> KafkaCluster {
        must(security.check(version));
        Self::launch(must(Claim::take()), version, brokers, Some(security.clone()))
    }

    /// Starts another cluster, while this one runs. Nothing is shared but the machine: the ids of
    /// its brokers may be the same, its listeners not.
    ///
    /// There is room for two. Clusters of other tests wait until both are gone.
    #[track_caller]
    pub fn start_beside(&self, version: KafkaVersion, brokers: &[Broker]) -> KafkaCluster {
        Self::launch(must(Claim::take_beside(&self.claim)), version, brokers, None)
    }

    #[track_caller]
    fn launch(claim: Claim, version: KafkaVersion, brokers: &[Broker], security: Option<Security>) -> KafkaCluster {
        let mut cluster = KafkaCluster {
            version,
            security,
            replication: brokers.len().min(3),
            libs: must(fetch(version)),
            dir: crate::fetch::home().join(claim.place.folder()),
            brokers: BTreeMap::new(),
            metadata: None,
            claim: Arc::new(claim),
        };
        // It panics while there is a cluster, whose drop then leaves the logs.
        must(cluster.bring_up(brokers));
        cluster
    }

    fn bring_up(&mut self, brokers: &[Broker]) -> Result<(), String> {
        self.lay_out().map_err(|error| format!("cannot make the data folder {}: {error}", self.dir.display()))?;
        address::check_free(&[self.metadata_address()])?;

        // All at once: the brokers try again until there is something to connect to. But SCRAM's
        // user comes before them, for then they know it from the start.
        if self.version.has_kraft() {
            self.spawn_controller()?;
        } else {
            self.spawn_zookeeper()?;
            self.add_scram_user()?;
        }
        for broker in brokers {
            self.spawn_broker(broker)?;
        }
        self.wait_until_ready()
    }

    /// Shuts broker `id` down in good order, and waits until the other brokers know.
    /// Its data stays.
    #[track_caller]
    pub fn stop_broker(&mut self, id: i32) {
        let broker = self.brokers.remove(&id);
        let broker = must(broker.ok_or_else(|| format!("broker {id} cannot be stopped: it does not run")));
        must(broker.terminate());
        must(self.wait_until_ready());
    }

    /// Has broker `id` hang: it accepts connections and does not answer. It hangs until the cluster is dropped.
    #[track_caller]
    pub fn hang_broker(&mut self, id: i32) {
        let broker = self.brokers.get(&id);
        must(broker.ok_or_else(|| format!("broker {id} cannot hang: it does not run")).and_then(Process::pause));
    }

    /// Starts one more broker, or a stopped one again, and waits until all brokers know it.
    ///
    /// One that ran before finds its data, also when it now listens elsewhere.
    #[track_caller]
    pub fn start_broker(&mut self, broker: Broker) {
        must(self.spawn_broker(&broker));
        must(self.wait_until_ready());
    }

    /// The bootstrap servers that the brokers themselves use: all internal listeners, which
    /// advertise IP addresses of this machine. To look at the cluster past what is under test.
    pub fn internal_bootstrap(&self) -> String {
        let addresses: Vec<String> = self.brokers.keys().map(|id| self.place().internal(*id).to_string()).collect();
        addresses.join(",")
    }

    /// The brokers that the one at `listen` lists to clients: the id of each, in order, and its
    /// `host:port`. Without TLS and login.
    #[track_caller]
    pub fn listed_at(&self, listen: SocketAddr) -> Vec<(i32, String)> {
        must(ready::brokers(listen).map_err(|error| format!("{listen} does not answer: {error}")))
    }

    fn lay_out(&self) -> io::Result<()> {
        // What a killed process left.
        remove(&self.dir)?;
        fs::create_dir_all(&self.dir)?;
        fs::write(self.dir.join("log4j.properties"), include_str!("../kafka/log4j.properties"))
    }

    fn place(&self) -> Slot {
        self.claim.place
    }

    fn metadata_address(&self) -> SocketAddr {
        if self.version.has_kraft() { self.place().controller() } else { self.place().zookeeper() }
    }

    fn spawn_zookeeper(&mut self) -> Result<(), String> {
        let data = self.data_of("zookeeper")?;
        let config = self.write("zookeeper.properties", &config::zookeeper(self.place(), &data))?;
        self.metadata =
            Some(self.spawn("zookeeper", "org.apache.zookeeper.server.quorum.QuorumPeerMain", &[config.as_ref()])?);
        Ok(())
    }

    fn add_scram_user(&self) -> Result<(), String> {
        let Some(password) = self.scram_password() else { return Ok(()) };
        let (zookeeper, credentials) =
            (self.place().zookeeper().to_string(), format!("{}=[{password}]", Mechanism::ScramSha512));
        let target = ["--zookeeper", &zookeeper, "--entity-type", "users", "--entity-name", Sasl::USER];
        let arguments = [&target[..], &["--alter", "--add-config", &credentials]].concat();
        let arguments: Vec<&OsStr> = arguments.into_iter().map(OsStr::new).collect();
        self.spawn("scram", "kafka.admin.ConfigCommand", &arguments)?.finish(READY)
    }

    fn scram_password(&self) -> Option<String> {
        self.security.as_ref().and_then(Security::sasl).and_then(Sasl::scram_password)
    }

    fn spawn_controller(&mut self) -> Result<(), String> {
        let data = self.data_of("controller")?;
        let config = self.write("controller.properties", &config::controller(self.place(), self.replication, &data))?;
        let mut format: Vec<&OsStr> = ["format", "--cluster-id", self.place().cluster_id()].map(OsStr::new).into();
        format.extend([OsStr::new("--config"), config.as_ref()]);
        let user = self
            .scram_password()
            .map(|password| format!("{}=[name={},{password}]", Mechanism::ScramSha512, Sasl::USER));
        if let Some(user) = &user {
            format.extend(["--add-scram", user].map(OsStr::new));
        }
        self.spawn("format", "kafka.tools.StorageTool", &format)?.finish(READY)?;
        self.metadata = Some(self.spawn("controller", "kafka.Kafka", &[config.as_ref()])?);
        Ok(())
    }

    fn spawn_broker(&mut self, broker: &Broker) -> Result<(), String> {
        let id = broker.id;
        if self.brokers.contains_key(&id) {
            return Err(format!("broker {id} runs already: stop it first"));
        }
        address::check_free(&[broker.listen, self.place().internal(id)])?;

        let name = format!("broker-{id}");
        let data = self.data_of(&name)?;
        if self.version.has_kraft() && !data.join("meta.properties").exists() {
            self.write(&format!("{name}/meta.properties"), &config::meta_properties(self.place(), id))?;
        }
        let config =
            config::broker(self.place(), self.version, broker, self.security.as_ref(), self.replication, &data);
        let config = self.write(&format!("{name}.properties"), &config)?;
        let process = self.spawn(&name, "kafka.Kafka", &[config.as_ref()])?;
        self.brokers.insert(id, process);
        Ok(())
    }

    fn spawn(&self, name: &str, main_class: &str, args: &[&OsStr]) -> Result<Process, String> {
        Java { name: name.to_owned(), libs: &self.libs, dir: &self.dir, main_class, args }.spawn()
    }

    fn data_of(&self, name: &str) -> Result<PathBuf, String> {
        let data = self.dir.join(name);
        fs::create_dir_all(&data).map_err(|error| format!("cannot make {}: {error}", data.display()))?;
        Ok(data)
    }

    fn write(&self, name: &str, content: &str) -> Result<PathBuf, String> {
        let path = self.dir.join(name);
        fs::write(&path, content).map_err(|error| format!("cannot write {}: {error}", path.display()))?;
        Ok(path)
    }

    /// Waits until every running broker lists exactly the running brokers.
    fn wait_until_ready(&mut self) -> Result<(), String> {
        let running: Vec<i32> = self.brokers.keys().copied().collect();
        let mut waiting: BTreeMap<i32, String> = BTreeMap::new();

        let outcome = poll::until(READY, || {
            for process in self.metadata.iter_mut().chain(self.brokers.values_mut()) {
                if let Err(why) = process.check_runs() {
                    return Some(Err(why));
                }
            }
            waiting.clear();
            for id in &running {
                if let Err(why) = lists(self.claim.place.internal(*id), &running) {
                    waiting.insert(*id, why);
                }
            }
            waiting.is_empty().then_some(Ok(()))
        });

        outcome.unwrap_or_else(|| {
            let faults: Vec<String> = waiting
                .iter()
                .map(|(id, why)| self.brokers[id].fault(&format!("is not ready after {READY:?}: it {why}")))
                .collect();
            Err(faults.join("\n\n"))
        })
    }
}

/// Whether the broker at `address` lists exactly `expected`; if not, what it does.
fn lists(address: SocketAddr, expected: &[i32]) -> Result<(), String> {
    let brokers = ready::brokers(address).map_err(|error| format!("does not answer at {address}: {error}"))?;
    let listed: Vec<i32> = brokers.into_iter().map(|(id, _)| id).collect();
    if listed == expected { Ok(()) } else { Err(format!("lists the brokers {listed:?}, not {expected:?}")) }
}

impl Drop for KafkaCluster {
    fn drop(&mut self) {
        for process in self.brokers.values_mut().chain(&mut self.metadata) {
            process.kill();
        }
        // Each waits for its end.
        self.brokers.clear();
        self.metadata = None;
        if thread::panicking() {
            eprintln!("the logs of the Kafka cluster are in {}", self.dir.display());
        } else if let Err(error) = remove(&self.dir) {
            eprintln!("cannot remove {}: {error}", self.dir.display());
        }
    }
}

fn remove(dir: &Path) -> io::Result<()> {
    match fs::remove_dir_all(dir) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
