//! A shared resolver that follows its files.

use std::collections::HashSet;
use std::fmt;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, TryLockError};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;

use crate::endpoints::join;
use crate::file::Stamp;
use crate::hosts::Hosts;
use crate::names;
use crate::{BootstrapStyle, Cluster, Error, ErrorKind, Explanation, Family, Lookup, Source};

/// How often files are looked at, at most.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// How many missing names are remembered so that each is warned of once.
const MAX_WARNED: usize = 1000;

/// Resolves the names of one cluster or of several.
///
/// A resolver is a shared handle: clones are cheap and see the same map. Lookups from many threads do not wait for one
/// another. A resolver made from files follows them: inside a lookup, and at most once a second, it looks whether a file
/// changed, and then swaps the whole map. A file that is bad or missing changes nothing, and one warning says so.
///
/// # Examples
///
/// ```
/// use kafka_emr_core::{Family, Lookup, Resolver};
///
/// let resolver = Resolver::open("emr://48742?release=EMR-3.10.1&emr-worker-1=10.0.1.24")?;
/// assert_eq!(resolver.bootstrap_servers()?, "emr-worker-1.cluster-48742:9092");
/// assert_eq!(
///     resolver.lookup("emr-worker-1.cluster-48742", 9092, Family::Any),
///     Lookup::Mapped(vec!["10.0.1.24:9092".parse()?]),
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Resolver(Arc<Inner>);

struct Inner {
    map: ArcSwap<Map>,
    /// `None` where the clusters were given and there is nothing to follow.
    follow: Option<Follow>,
}

/// One state of the resolver. Never changed, only replaced.
struct Map {
    hosts: Arc<Hosts>,
    /// Names that were warned of. Only touched when a name of the cluster's own domain is missing.
    warned: Mutex<HashSet<String>>,
}

struct Follow {
    source: Source,
    opened: Instant,
    /// When files are looked at next, in milliseconds since `opened`.
    next_look: AtomicU64,
    seen: Mutex<Seen>,
}

struct Seen {
    stamps: Vec<Option<Stamp>>,
    /// The warning that was given last, so that it is given once.
    complaint: Option<String>,
}

impl Resolver {
    /// Opens a source; see [`Source`] for its forms.
    ///
    /// # Errors
    ///
    /// Fails when the source cannot be read or a description in it is wrong.
    pub fn open(source: &str) -> Result<Self, Error> {
        Resolver::from_source(source.parse()?)
    }

    /// Opens a source that is parsed already.
    ///
    /// # Errors
    ///
    /// As [`Resolver::open`].
    pub fn from_source(source: Source) -> Result<Self, Error> {
        // Stamps are taken before reading: a change in between is then seen as one, by the next look.
        let stamps = stamps(&source);
        let map = Map::read(&source)?;
        map.log(&source, "read");
        let follow = (!stamps.is_empty()).then(|| Follow {
            source,
            opened: Instant::now(),
            next_look: AtomicU64::new(millis(LOOK_EVERY)),
            seen: Mutex::new(Seen { stamps, complaint: None }),
        });
        Ok(Resolver::new(map, follow))
    }

    /// Makes a resolver over descriptions made in code.
    ///
    /// # Errors
    ///
    /// Fails when there is none, and when one is not possible.
    pub fn from_clusters(clusters: impl IntoIterator<Item = Cluster>) -> Result<Self, Error> {
        Map::new(clusters.into_iter().collect()).map(|map| Resolver::new(map, None))
    }

    fn new(map: Map, follow: Option<Follow>) -> Self {
        Resolver(Arc::new(Inner { map: ArcSwap::from_pointee(map), follow }))
    }

    /// Looks a host up: a name, or an address literal without brackets.
    ///
    /// Rereads a changed file first, at most once a second. A name under the cluster's own domain that is not in the map is
    /// warned of once.
    #[must_use]
    pub fn lookup(&self, host: &str, port: u16, family: Family) -> Lookup {
        self.look_at_files();
        let map = self.0.map.load();
        let lookup = map.hosts.lookup(host, port, family);
        if !matches!(lookup, Lookup::Mapped(_)) {
            map.warn_of_missing(host, family);
        }
        lookup
    }

    /// Looks a host up and says why the answer is what it is. Reads a changed file as [`Resolver::lookup`] does.
    #[must_use]
    pub fn explain(&self, host: &str, port: u16, family: Family) -> Explanation {
        self.look_at_files();
        self.0.map.load().hosts.explain(host, port, family)
    }

    /// Returns the map as it is now. Cheap: it is shared, never changed, and another one as soon as a file says something else.
    #[must_use]
    pub fn hosts(&self) -> Arc<Hosts> {
        self.look_at_files();
        Arc::clone(&self.0.map.load().hosts)
    }

    /// Returns the descriptions as they are now. Cheap: they are shared.
    #[must_use]
    pub fn clusters(&self) -> Arc<[Cluster]> {
        self.look_at_files();
        Arc::clone(self.0.map.load().hosts.shared_clusters())
    }

    /// Returns the value for `bootstrap.servers`, in the style of the description, else of the rule.
    ///
    /// # Errors
    ///
    /// Fails for a resolver over several clusters, whose clients have to say which brokers they mean.
    pub fn bootstrap_servers(&self) -> Result<String, Error> {
        self.bootstrap(None)
    }

    /// As [`Resolver::bootstrap_servers`], for a client that may use TLS or Kerberos: then brokers are listed by long
    /// domain, unless the description says `bootstrap = "addresses"`. See [`BootstrapStyle::for_security`] for the
    /// arguments.
    ///
    /// # Errors
    ///
    /// As [`Resolver::bootstrap_servers`]; also where no long domain is known because the description has no `id`.
    pub fn bootstrap_servers_for(
        &self,
        security_protocol: Option<&str>,
        sasl_mechanism: Option<&str>,
    ) -> Result<String, Error> {
        self.bootstrap(BootstrapStyle::for_security(security_protocol, sasl_mechanism))
    }

    fn bootstrap(&self, needed: Option<BootstrapStyle>) -> Result<String, Error> {
        self.look_at_files();
        let map = self.0.map.load();
        let [cluster] = map.hosts.clusters() else {
            return Err(Error::new(
                ErrorKind::Bootstrap,
                format!(
                    "the source has several clusters ({self}): set bootstrap.servers to the brokers of the one you mean"
                ),
            ));
        };
        cluster.bootstrap(cluster.bootstrap.or(needed).unwrap_or(cluster.rule().bootstrap)).map(|list| join(&list))
    }

    /// Returns whether two handles are of the same resolver.
    #[must_use]
    pub fn same(&self, other: &Resolver) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Looks at the files when it is time, and swaps the map when one changed.
    fn look_at_files(&self) {
        let Some(follow) = &self.0.follow else { return };
        let now = millis(follow.opened.elapsed());
        let next = follow.next_look.load(Ordering::Relaxed);
        // One thread wins and looks; the others go on with the map there is.
        if now < next
            || follow
                .next_look
                .compare_exchange(next, now + millis(LOOK_EVERY), Ordering::Relaxed, Ordering::Relaxed)
                .is_err()
        {
            return;
        }
        // Held by a thread that still reads: then this one goes on too. It may even be the same thread, in its logger.
        let mut seen = match follow.seen.try_lock() {
            Ok(seen) => seen,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return,
        };
        let stamps = stamps(&follow.source);
        if stamps == seen.stamps {
            return;
        }
        match Map::read(&follow.source) {
            Ok(map) => {
                *seen = Seen { stamps, complaint: None };
                // Written anew, and nothing is new: the map stays, and with it what was warned of.
                if map.hosts.clusters() == self.0.map.load().hosts.clusters() {
                    return;
                }
                let map = Arc::new(map);
                self.0.map.store(Arc::clone(&map));
                drop(seen);
                map.log(&follow.source, "read again");
            }
            Err(error) => {
                // A bad file is read again only when it changes. One that is there and could not be read is tried again.
                if error.kind() != ErrorKind::Io || stamps.contains(&None) {
                    seen.stamps = stamps;
                }
                let complaint = error.to_string();
                if seen.complaint.as_ref() == Some(&complaint) {
                    return;
                }
                seen.complaint = Some(complaint.clone());
                drop(seen);
                log::warn!("{complaint}; the last good description stays in use");
            }
        }
    }
}

/// Shows the clusters' names, as messages have them.
impl fmt::Display for Resolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let titles: Vec<String> = self.0.map.load().hosts.clusters().iter().map(Cluster::title).collect();
        f.write_str(&titles.join(", "))
    }
}

impl fmt::Debug for Resolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Resolver({self})")
    }
}

impl Map {
    fn read(source: &Source) -> Result<Self, Error> {
        Map::new(source.load()?).map_err(|error| error.in_source(source))
    }

    fn new(clusters: Vec<Cluster>) -> Result<Self, Error> {
        if clusters.is_empty() {
            return Err(Error::new(ErrorKind::Value, "no cluster; expected at least one description"));
        }
        for cluster in &clusters {
            cluster.check().and_then(|()| cluster.check_addresses())?;
        }
        Ok(Map { hosts: Arc::new(Hosts::build(clusters.into())?), warned: Mutex::default() })
    }

    fn log(&self, source: &Source, what: &str) {
        for cluster in self.hosts.clusters() {
            let (title, nodes, rule) = (cluster.title(), cluster.nodes.len(), cluster.rule());
            log::info!("{source}: {what}: {title}, rule {rule}, nodes: {nodes}");
        }
    }

    fn warn_of_missing(&self, host: &str, family: Family) {
        if !self.hosts.is_missing(host) {
            return;
        }
        // Not waited for: in a forked process, the thread that holds it may be gone. The next lookup warns then.
        let mut warned = match self.warned.try_lock() {
            Ok(warned) => warned,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return,
        };
        let first = warned.len() < MAX_WARNED && warned.insert(names::normal(host));
        // A logger may resolve names itself.
        drop(warned);
        if first {
            log::warn!("{}", self.hosts.warning(host, family));
        }
    }
}

fn stamps(source: &Source) -> Vec<Option<Stamp>> {
    source.files().map(|path: &Path| Stamp::of(path)).collect()
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;
    use std::path::PathBuf;

    use super::*;

    /// Makes the next lookup look at the files, without waiting for a second to pass.
    fn time_passes(resolver: &Resolver) {
        resolver.0.follow.as_ref().unwrap().next_look.store(0, Ordering::Relaxed);
    }

    fn describe(ip: &str) -> String {
        format!("id=\"48742\"\nrelease=\"3.10\"\n[[nodes]]\nname=\"emr-worker-1\"\nprivate_ip=\"{ip}\"\n")
    }

    fn replace(path: &Path, content: &str) {
        let new = path.with_extension("new");
        std::fs::write(&new, content).unwrap();
        std::fs::rename(new, path).unwrap();
    }

    #[track_caller]
    fn leads_to(resolver: &Resolver, ip: &str) {
        let lookup = resolver.lookup("emr-worker-1.cluster-48742", 9092, Family::Any);
        assert_eq!(lookup, Lookup::Mapped(vec![format!("{ip}:9092").parse().unwrap()]));
    }

    fn directory_with(content: &str) -> (tempfile::TempDir, PathBuf) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("cluster.toml");
        std::fs::write(&path, content).unwrap();
        (directory, path)
    }

    #[test]
    fn follows_its_file_and_keeps_the_last_good_map() {
        let (_directory, path) = directory_with(&describe("10.0.1.24"));
        let resolver = Resolver::open(path.to_str().unwrap()).unwrap();
        let clone = resolver.clone();
        leads_to(&resolver, "10.0.1.24");
        replace(&path, &describe("10.0.1.25"));
        leads_to(&resolver, "10.0.1.24");
        time_passes(&resolver);
        leads_to(&clone, "10.0.1.25");
        for bad in ["release = ", "", "id=\"48742\"\nrelease=\"3.10\"\n"] {
            replace(&path, bad);
            time_passes(&resolver);
            leads_to(&resolver, "10.0.1.25");
        }
        std::fs::remove_file(&path).unwrap();
        time_passes(&resolver);
        leads_to(&resolver, "10.0.1.25");
        replace(&path, &describe("10.0.1.26"));
        time_passes(&resolver);
        leads_to(&resolver, "10.0.1.26");
        let hosts = resolver.hosts();
        replace(&path, &format!("{}# The same.\n", describe("10.0.1.26")));
        time_passes(&resolver);
        assert!(Arc::ptr_eq(&hosts, &resolver.hosts()));
    }

    #[test]
    fn a_file_that_becomes_world_writable_is_not_read() {
        use std::os::unix::fs::PermissionsExt;
        let (_directory, path) = directory_with(&describe("10.0.1.24"));
        let resolver = Resolver::open(path.to_str().unwrap()).unwrap();
        std::fs::write(&path, describe("10.6.6.6")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o646)).unwrap();
        time_passes(&resolver);
        leads_to(&resolver, "10.0.1.24");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        time_passes(&resolver);
        leads_to(&resolver, "10.6.6.6");
    }

    #[test]
    fn a_swapped_symlink_is_a_change() {
        // As Kubernetes mounts a ConfigMap: cluster.toml -> ..data/cluster.toml, ..data -> a directory that is replaced.
        let root = tempfile::tempdir().unwrap();
        for (name, ip) in [("..1", "10.0.1.24"), ("..2", "10.0.1.25")] {
            std::fs::create_dir(root.path().join(name)).unwrap();
            std::fs::write(root.path().join(name).join("cluster.toml"), describe(ip)).unwrap();
        }
        symlink("..1", root.path().join("..data")).unwrap();
        symlink("..data/cluster.toml", root.path().join("cluster.toml")).unwrap();
        let resolver = Resolver::open(root.path().join("cluster.toml").to_str().unwrap()).unwrap();
        leads_to(&resolver, "10.0.1.24");
        symlink("..2", root.path().join("..new")).unwrap();
        std::fs::rename(root.path().join("..new"), root.path().join("..data")).unwrap();
        time_passes(&resolver);
        leads_to(&resolver, "10.0.1.25");
    }

    #[test]
    fn a_new_node_is_found_by_the_lookup_that_misses_it() {
        let (_directory, path) = directory_with(&describe("10.0.1.24"));
        let resolver = Resolver::open(path.to_str().unwrap()).unwrap();
        let new = "emr-worker-2.cluster-48742";
        assert_eq!(resolver.lookup(new, 9092, Family::Any), Lookup::System);
        replace(
            &path,
            &format!("{}[[nodes]]\nname=\"emr-worker-2\"\nprivate_ip=\"10.0.1.25\"\n", describe("10.0.1.24")),
        );
        time_passes(&resolver);
        assert!(matches!(resolver.lookup(new, 9092, Family::Any), Lookup::Mapped(_)));
    }

    #[test]
    fn several_clusters_need_their_own_bootstrap_servers() {
        let resolver =
            Resolver::open("emr://1?release=3.11&emr-worker-1=10.0.1.24;emr://2?release=3.11&emr-worker-1=10.0.2.24")
                .unwrap();
        let error = resolver.bootstrap_servers().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Bootstrap);
        assert!(error.to_string().contains("cluster-1, cluster-2") && error.to_string().contains("bootstrap.servers"));
    }

    #[test]
    fn security_asks_for_names() {
        let open = |parameters: &str| {
            Resolver::open(&format!("emr://48742?release=3.11{parameters}&emr-worker-1=10.0.1.24")).unwrap()
        };
        assert_eq!(open("").bootstrap_servers().unwrap(), "10.0.1.24:9092");
        assert_eq!(open("").bootstrap_servers_for(Some("ssl"), None).unwrap(), "emr-worker-1.cluster-48742:9092");
        assert_eq!(open("&bootstrap=addresses").bootstrap_servers_for(Some("ssl"), None).unwrap(), "10.0.1.24:9092");
        let without_id = Resolver::open("emr://?release=3.11&emr-worker-1=10.0.1.24").unwrap();
        assert!(without_id.bootstrap_servers_for(Some("ssl"), None).unwrap_err().to_string().contains("id: missing"));
    }

    #[test]
    fn a_logger_may_resolve_names_itself() {
        use std::sync::OnceLock;
        use std::sync::atomic::AtomicUsize;

        static RESOLVER: OnceLock<Resolver> = OnceLock::new();
        static LINES: AtomicUsize = AtomicUsize::new(0);
        struct Resolving;
        impl log::Log for Resolving {
            fn enabled(&self, _: &log::Metadata<'_>) -> bool {
                true
            }

            fn log(&self, _: &log::Record<'_>) {
                let Some(resolver) = RESOLVER.get() else { return };
                if LINES.fetch_add(1, Ordering::SeqCst) < 100 {
                    time_passes(resolver);
                    let _ = resolver.lookup("emr-worker-8.cluster-48742", 9092, Family::Any);
                }
            }

            fn flush(&self) {}
        }
        log::set_logger(&Resolving).unwrap();
        log::set_max_level(log::LevelFilter::Info);
        let (_directory, path) = directory_with(&describe("10.0.1.24"));
        let resolver = RESOLVER.get_or_init(|| Resolver::open(path.to_str().unwrap()).unwrap());
        let _ = resolver.lookup("emr-worker-9.cluster-48742", 9092, Family::Any);
        for content in ["release = ", &describe("10.0.1.25")] {
            replace(&path, content);
            time_passes(resolver);
            let _ = resolver.lookup("emr-worker-1", 9092, Family::Any);
        }
        leads_to(resolver, "10.0.1.25");
        assert!(LINES.load(Ordering::SeqCst) >= 4, "two missing names, a bad file, a good one");
    }

    #[test]
    fn read_by_many_threads_while_it_changes() {
        let (_directory, path) = directory_with(&describe("10.0.1.24"));
        let resolver = Resolver::open(path.to_str().unwrap()).unwrap();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..2000 {
                        let lookup = resolver.lookup("emr-worker-1", 9092, Family::Any);
                        assert!(matches!(lookup, Lookup::Mapped(_)), "{lookup:?}");
                    }
                });
            }
            for i in 0..50 {
                replace(&path, &describe(&format!("10.0.2.{i}")));
                time_passes(&resolver);
            }
        });
        time_passes(&resolver);
        leads_to(&resolver, "10.0.2.49");
    }
}
