//! A shared resolver that follows its files.

use std::collections::HashSet;
use std::fmt;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, TryLockError};
use std::time::SystemTime;

use arc_swap::ArcSwap;

use crate::clock::milliseconds;
use crate::counts::Counters;
use crate::endpoints::join;
use crate::file::Stamp;
use crate::hosts::Match;
use crate::{
    Cluster, Endpoint, Error, ErrorKind, Explanation, Family, FileState, Hosts, Lookup, Overview, Reach, Source,
    Status, names,
};

/// How often files are looked at, at most, in milliseconds.
const LOOK_EVERY: u64 = 1000;

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
/// let Lookup::Mapped(dial) = resolver.lookup("emr-worker-1.cluster-48742", Family::Any) else { panic!() };
/// assert!(dial.socket_addrs(9092).eq(["10.0.1.24:9092".parse()?]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Resolver(Arc<Inner>);

struct Inner {
    map: ArcSwap<Map>,
    source: Option<Source>,
    /// `None` if there is no file to follow.
    follow: Option<Follow>,
    counters: Counters,
}

/// One state of the resolver. Never changed, only replaced.
struct Map {
    hosts: Hosts,
    read_at: SystemTime,
    stamps: Vec<Option<Stamp>>,
    /// Names that were warned of. Only touched when a name of the cluster's own domain is missing.
    warned: Mutex<HashSet<String>>,
}

struct Follow {
    /// When files are looked at next, by the clock.
    next_look: AtomicU64,
    last: ArcSwap<LastLook>,
    /// Held by the thread that looks at the files.
    looking: Mutex<()>,
}

/// What the last look at the files found.
struct LastLook {
    stamps: Vec<Option<Stamp>>,
    /// Why they are not in use, as the warning had it that was given once.
    complaint: Option<String>,
}

impl Resolver {
    /// Opens a source; see [`Source`] for its forms.
    ///
    /// # Errors
    ///
    /// Fails if the source cannot be read or a description in it is wrong.
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
        let map = Map::read(&source, stamps.clone())?;
        map.log(&source, "read");
        let follow = (!stamps.is_empty()).then(|| Follow {
            next_look: AtomicU64::new(milliseconds() + LOOK_EVERY),
            last: ArcSwap::from_pointee(LastLook { stamps, complaint: None }),
            looking: Mutex::new(()),
        });
        Ok(Resolver::new(map, Some(source), follow))
    }

    /// Makes a resolver over clusters made in code.
    ///
    /// # Errors
    ///
    /// Fails if there is none, or if two of them have the same long domains.
    pub fn from_clusters(clusters: impl IntoIterator<Item = Cluster>) -> Result<Self, Error> {
        let map = Map::new(clusters, Vec::new())?;
        map.warn();
        Ok(Resolver::new(map, None, None))
    }

    fn new(map: Map, source: Option<Source>, follow: Option<Follow>) -> Self {
        let map = ArcSwap::from_pointee(map);
        Resolver(Arc::new(Inner { map, source, follow, counters: Counters::default() }))
    }

    /// Looks a host up for a Kafka client: a name, or an address literal without brackets.
    ///
    /// Rereads a changed file first, at most once a second. A name under the cluster's own domain that is not in the map is
    /// warned of once.
    #[must_use]
    #[inline]
    pub fn lookup(&self, host: &str, family: Family) -> Lookup {
        self.look_at_files();
        self.answer(&self.0.map.load(), Reach::Client, host, family)
    }

    /// Looks a name up for a whole program, which asks for much that is not Kafka's. For a name that cannot be a cluster's it
    /// looks at no file, writes no line and makes no system call.
    ///
    /// Returns the map too that the answer is from: the next lookup may have another one. Addresses are not looked up but
    /// connected to: see [`Hosts::connections`].
    #[must_use]
    pub fn lookup_in_program(&self, name: &str, family: Family) -> (Lookup, Hosts) {
        let map = self.0.map.load();
        if !map.hosts.could_have(name) {
            self.0.counters.count(&Lookup::System);
            return (Lookup::System, map.hosts.clone());
        }
        drop(map);
        self.look_at_files();
        let map = self.0.map.load();
        (self.answer(&map, Reach::Program, name, family), map.hosts.clone())
    }

    #[inline]
    fn answer(&self, map: &Map, reach: Reach, host: &str, family: Family) -> Lookup {
        let found = map.hosts.find(reach, host);
        let lookup = found.lookup(family);
        self.0.counters.count(&lookup);
        if !matches!(lookup, Lookup::Mapped(_)) {
            map.warn_of_missing(found, host, &lookup);
        }
        lookup
    }

    /// Looks a host up and says why the answer is what it is. Reads a changed file as [`Resolver::lookup`] does.
    #[must_use]
    pub fn explain(&self, host: &str, family: Family) -> Explanation {
        self.hosts().explain(host, family)
    }

    /// Returns the map as it is now. Cheap: it is shared, never changed, and another one as soon as a file says something else.
    #[must_use]
    pub fn hosts(&self) -> Hosts {
        self.look_at_files();
        self.last_hosts()
    }

    /// Returns the map as the last lookup left it, without a look at the files.
    #[must_use]
    pub fn last_hosts(&self) -> Hosts {
        self.0.map.load().hosts.clone()
    }

    /// Returns the clusters as they are now. Cheap: they are shared.
    #[must_use]
    pub fn clusters(&self) -> Vec<Cluster> {
        self.hosts().clusters().to_vec()
    }

    /// Describes the endpoints of each cluster as they are now, in the order of the source.
    #[must_use]
    pub fn overviews(&self) -> Vec<Overview> {
        Overview::of(&self.hosts())
    }

    /// Returns the state of the resolver, without a look at the files.
    #[must_use]
    pub fn status(&self) -> Status {
        let map = self.0.map.load();
        let files = self.0.source.iter().flat_map(Source::files).zip(&map.stamps).map(|(path, stamp)| FileState {
            path: path.to_owned(),
            size: stamp.as_ref().map(Stamp::size),
            modified: stamp.as_ref().and_then(Stamp::modified),
        });
        Status {
            source: self.0.source.as_ref().map(ToString::to_string),
            read_at: map.read_at,
            files: files.collect(),
            stale: self.0.follow.as_ref().and_then(|follow| follow.last.load().complaint.clone()),
            lookups: self.0.counters.sum(),
        }
    }

    /// Returns the value for `bootstrap.servers` as EMR's document has it, for programs without the hook: in the style of the
    /// description, else of the rule.
    ///
    /// # Errors
    ///
    /// Fails for a resolver over several clusters, whose clients have to say which brokers they mean.
    pub fn bootstrap_servers(&self) -> Result<String, Error> {
        self.with_cluster(|cluster| Ok(cluster.bootstrap_endpoints()))
    }

    /// Returns the value for `bootstrap.servers` of a client that has the hook: each broker by its long domain, so that
    /// the client finds a cluster again whose addresses changed. A broker without a long domain is listed by its address, and
    /// all of them are if the description says `bootstrap = "addresses"`.
    ///
    /// The arguments are the client's `security.protocol` and `sasl.mechanism`, as
    /// [`BootstrapStyle::for_security`](crate::BootstrapStyle::for_security) takes them: TLS and Kerberos compare names, and cannot do without.
    ///
    /// # Errors
    ///
    /// As [`Resolver::bootstrap_servers`]; also if the client's security needs long domains and a broker has none.
    pub fn client_bootstrap_servers(
        &self,
        security_protocol: Option<&str>,
        sasl_mechanism: Option<&str>,
    ) -> Result<String, Error> {
        self.with_cluster(|cluster| cluster.client_bootstrap(security_protocol, sasl_mechanism))
    }

    fn with_cluster(&self, list: impl Fn(&Cluster) -> Result<Vec<Endpoint>, Error>) -> Result<String, Error> {
        let hosts = self.hosts();
        let [cluster] = hosts.clusters() else {
            return Err(Error::new(
                ErrorKind::Bootstrap,
                format!(
                    "the source has several clusters ({self}): set bootstrap.servers to the brokers of the one you mean"
                ),
            ));
        };
        list(cluster).map(|list| join(&list))
    }

    /// Returns whether two handles are of the same resolver.
    #[must_use]
    pub fn same(&self, other: &Resolver) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    #[inline]
    fn look_at_files(&self) {
        let (Some(follow), Some(source)) = (&self.0.follow, &self.0.source) else { return };
        let now = milliseconds();
        let next = follow.next_look.load(Ordering::Relaxed);
        if now >= next {
            self.look(follow, source, next, now);
        }
    }

    /// Looks at the files, which is due once a second, and swaps the map when one changed.
    #[cold]
    fn look(&self, follow: &Follow, source: &Source, next: u64, now: u64) {
        // One thread wins and looks; the others go on with the map there is.
        if follow.next_look.compare_exchange(next, now + LOOK_EVERY, Ordering::Relaxed, Ordering::Relaxed).is_err() {
            return;
        }
        // Held by a thread that still reads: then this one goes on too. It may even be the same thread, in its logger.
        let Some(looking) = try_lock(&follow.looking) else { return };
        let stamps = stamps(source);
        let last = follow.last.load_full();
        if stamps == last.stamps {
            // What could not be read has gone, and the file is the one that is in use.
            if last.complaint.is_some() && stamps == self.0.map.load().stamps {
                follow.last.store(Arc::new(LastLook { stamps, complaint: None }));
            }
            return;
        }
        match Map::read(source, stamps.clone()) {
            Ok(map) => {
                follow.last.store(Arc::new(LastLook { stamps, complaint: None }));
                let old = self.0.map.load();
                // Written anew, and nothing is new: what was warned of stays.
                let map = match map.hosts.clusters() == old.hosts.clusters() {
                    true => Map { hosts: old.hosts.clone(), warned: Mutex::new(old.warned()), ..map },
                    false => map,
                };
                let is_new = !map.hosts.same(&old.hosts);
                let map = Arc::new(map);
                self.0.map.store(Arc::clone(&map));
                drop(looking);
                if is_new {
                    map.log(source, "read again");
                }
            }
            Err(error) => {
                let complaint = format!("{error:#}");
                // A bad file is read again only when it changes. One that is there and could not be read is tried again, and so is
                // one that others could have put there: what is mended then is a folder, or a link.
                let may_pass = matches!(error.kind(), ErrorKind::Io | ErrorKind::Insecure);
                let is_final = !may_pass || stamps.contains(&None);
                let stamps = if is_final { stamps } else { last.stamps.clone() };
                follow.last.store(Arc::new(LastLook { stamps, complaint: Some(complaint.clone()) }));
                drop(looking);
                if last.complaint.as_ref() != Some(&complaint) {
                    log::warn!("{complaint}; the last good description stays in use");
                }
            }
        }
    }
}

/// Shows the clusters' names, as messages have them.
impl fmt::Display for Resolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let map = self.0.map.load();
        let titles: Vec<&str> = map.hosts.clusters().iter().map(Cluster::title).collect();
        f.write_str(&titles.join(", "))
    }
}

impl fmt::Debug for Resolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Resolver({self})")
    }
}

impl Map {
    fn read(source: &Source, stamps: Vec<Option<Stamp>>) -> Result<Self, Error> {
        Map::new(source.load()?, stamps).map_err(|error| error.in_source(source))
    }

    fn new(clusters: impl IntoIterator<Item = Cluster>, stamps: Vec<Option<Stamp>>) -> Result<Self, Error> {
        let hosts = Hosts::new(clusters)?;
        Ok(Map { hosts, read_at: SystemTime::now(), stamps, warned: Mutex::default() })
    }

    fn log(&self, source: &Source, what: &str) {
        for cluster in self.hosts.clusters() {
            let (title, nodes, rule) = (cluster.title(), cluster.nodes().len(), cluster.rule());
            log::info!("{source}: {what}: {title}, rule {rule}, nodes: {nodes}");
        }
        self.warn();
    }

    /// Warns of what is ambiguous. No lock is held: a logger may resolve names itself.
    fn warn(&self) {
        if let Some(warning) = self.hosts.ambiguity() {
            log::warn!("{warning}");
        }
    }

    fn warned(&self) -> HashSet<String> {
        try_lock(&self.warned).map(|warned| warned.clone()).unwrap_or_default()
    }

    #[cold]
    fn warn_of_missing(&self, found: Match<'_>, host: &str, lookup: &Lookup) {
        let Some(warning) = found.warning(host, lookup) else { return };
        // Not waited for: in a forked process, the thread that holds it may be gone. The next lookup warns then.
        let Some(mut warned) = try_lock(&self.warned) else { return };
        let first = warned.len() < MAX_WARNED && warned.insert(names::normal(host));
        // A logger may resolve names itself.
        drop(warned);
        if first {
            log::warn!("{warning}");
        }
    }
}

/// Takes a lock that nobody holds. What a panic left behind it is as good as before.
fn try_lock<T>(mutex: &Mutex<T>) -> Option<MutexGuard<'_, T>> {
    match mutex.try_lock() {
        Ok(guard) => Some(guard),
        Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
        Err(TryLockError::WouldBlock) => None,
    }
}

fn stamps(source: &Source) -> Vec<Option<Stamp>> {
    source.files().map(|path: &Path| Stamp::of(path)).collect()
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::path::PathBuf;

    use super::*;
    use crate::namespace::is_inside;

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
        let lookup = resolver.lookup("emr-worker-1.cluster-48742", Family::Any);
        let expected: std::net::IpAddr = ip.parse().unwrap();
        assert!(matches!(&lookup, Lookup::Mapped(dial) if dial.addresses() == [expected]), "{lookup:?}");
    }

    fn directory_with(content: &str) -> (tempfile::TempDir, PathBuf) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("cluster.toml");
        std::fs::write(&path, content).unwrap();
        (directory, path)
    }

    fn set_mode(path: &Path, mode: u32) {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    }

    /// Whether the description in use is behind the file.
    #[track_caller]
    fn stale(resolver: &Resolver) -> Option<String> {
        time_passes(resolver);
        leads_to(resolver, "10.0.1.24");
        resolver.status().stale
    }

    #[test]
    fn a_folder_that_is_mended_is_enough() {
        if !is_inside("resolver::tests::a_folder_that_is_mended_is_enough") {
            return;
        }
        let (directory, path) = directory_with(&describe("10.0.1.24"));
        let resolver = Resolver::open(path.to_str().unwrap()).unwrap();
        replace(&path, &describe("10.0.1.25"));
        std::os::unix::fs::chown(&path, Some(54321), None).unwrap();
        set_mode(directory.path(), 0o777);
        assert!(stale(&resolver).unwrap().contains("another user"));
        set_mode(directory.path(), 0o755);
        time_passes(&resolver);
        leads_to(&resolver, "10.0.1.25");
        assert_eq!(resolver.status().stale, None);
    }

    #[test]
    fn a_file_that_is_rolled_back_is_not_stale() {
        let (directory, path) = directory_with(&describe("10.0.1.24"));
        let (folder, link) = (directory.path().join("folder"), directory.path().join("link"));
        std::fs::create_dir(&folder).unwrap();
        symlink(&path, &link).unwrap();
        let resolver = Resolver::open(link.to_str().unwrap()).unwrap();
        let point_to = |target: &Path| {
            let new = directory.path().join("new");
            symlink(target, &new).unwrap();
            std::fs::rename(&new, &link).unwrap();
        };
        // It is there, and cannot be read.
        point_to(&folder);
        assert!(stale(&resolver).is_some());
        point_to(&path);
        assert_eq!(stale(&resolver), None);
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
        assert!(hosts.same(&resolver.hosts()));
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
        assert_eq!(resolver.lookup(new, Family::Any), Lookup::System);
        replace(
            &path,
            &format!("{}[[nodes]]\nname=\"emr-worker-2\"\nprivate_ip=\"10.0.1.25\"\n", describe("10.0.1.24")),
        );
        time_passes(&resolver);
        assert!(matches!(resolver.lookup(new, Family::Any), Lookup::Mapped(_)));
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
        assert_eq!(open("").client_bootstrap_servers(Some("ssl"), None).unwrap(), "emr-worker-1.cluster-48742:9092");
        assert_eq!(open("&bootstrap=addresses").client_bootstrap_servers(Some("ssl"), None).unwrap(), "10.0.1.24:9092");
        let without_id = Resolver::open("emr://?release=3.11&emr-worker-1=10.0.1.24").unwrap();
        assert_eq!(open("").client_bootstrap_servers(None, None).unwrap(), "emr-worker-1.cluster-48742:9092");
        assert_eq!(open("&bootstrap=addresses").client_bootstrap_servers(None, None).unwrap(), "10.0.1.24:9092");
        assert_eq!(without_id.client_bootstrap_servers(None, None).unwrap(), "10.0.1.24:9092");
        for (protocol, mechanism) in [("ssl", None), ("SASL_SSL", Some("PLAIN")), ("sasl_plaintext", Some("GSSAPI"))] {
            let error = without_id.client_bootstrap_servers(Some(protocol), mechanism).unwrap_err();
            assert!(error.to_string().contains("id: missing"), "{error}");
        }
        for (protocol, mechanism) in [("plaintext", None), ("sasl_plaintext", Some("PLAIN"))] {
            let servers = without_id.client_bootstrap_servers(Some(protocol), mechanism);
            assert_eq!(servers.unwrap(), "10.0.1.24:9092", "{protocol}");
        }
    }

    #[test]
    fn a_change_behind_the_minor_number_is_one() {
        let (_directory, path) = directory_with(&describe("10.0.1.24").replace("3.10", "3.11.0"));
        let resolver = Resolver::open(path.to_str().unwrap()).unwrap();
        replace(&path, &describe("10.0.1.24").replace("3.10", "3.11.2"));
        time_passes(&resolver);
        assert_eq!(resolver.overviews()[0].release.as_deref(), Some("3.11.2"));
    }

    #[test]
    fn a_foreign_name_of_a_program_is_no_reason_to_look_at_files() {
        let (_directory, path) = directory_with(&describe("10.0.1.24"));
        let resolver = Resolver::open(path.to_str().unwrap()).unwrap();
        replace(&path, &describe("10.0.1.25"));
        let next_look = || resolver.0.follow.as_ref().unwrap().next_look.load(Ordering::Relaxed);
        for foreign in ["localhost", "emr-worker-1", "10.0.1.24", "www.example.com", ""] {
            time_passes(&resolver);
            assert_eq!(resolver.lookup_in_program(foreign, Family::Any).0, Lookup::System, "{foreign}");
            assert_eq!(next_look(), 0, "{foreign}: the files were looked at");
        }
        let name = "emr-worker-1.cluster-48742";
        let (lookup, hosts) = resolver.lookup_in_program(name, Family::Any);
        assert_ne!(next_look(), 0);
        leads_to(&resolver, "10.0.1.25");
        // The map that was read in that lookup, whatever is read later.
        replace(&path, &describe("10.0.1.26"));
        time_passes(&resolver);
        leads_to(&resolver, "10.0.1.26");
        let (_, node) = hosts.node_for(Reach::Program, name).unwrap();
        assert_eq!(lookup, Lookup::Mapped(node.dial().unwrap().clone()));
    }

    #[test]
    fn the_status_has_source_files_and_counts() {
        let (_directory, path) = directory_with(&describe("10.0.1.24"));
        let resolver = Resolver::open(path.to_str().unwrap()).unwrap();
        leads_to(&resolver, "10.0.1.24");
        let _ = resolver.lookup("example.com", Family::Any);
        let _ = resolver.lookup("emr-worker-1", Family::V6);
        let status = resolver.status();
        assert_eq!(status.source.as_deref(), path.to_str());
        assert_eq!(status.files[0].size, Some(describe("10.0.1.24").len() as u64));
        assert!(status.files[0].modified.is_some());
        assert_eq!((status.lookups.mapped, status.lookups.passed_on, status.lookups.refused), (1, 1, 1));
        assert_eq!(status.stale, None);
        replace(&path, "release = ");
        time_passes(&resolver);
        leads_to(&resolver, "10.0.1.24");
        assert!(resolver.status().stale.unwrap().contains("line 1"));
        assert_eq!(resolver.status().read_at, status.read_at);
        replace(&path, &describe("10.0.1.24"));
        time_passes(&resolver);
        leads_to(&resolver, "10.0.1.24");
        assert_eq!(resolver.status().stale, None);
        assert!(serde_json::to_string(&resolver.status()).unwrap().contains("\"mapped\":3"));
    }

    #[test]
    fn an_overview_shows_what_the_resolver_answers() {
        // Short names of two clusters are ambiguous, and without an id there are no others.
        let resolver =
            Resolver::open("emr://?release=3.11&emr-worker-1=10.0.1.24;emr://?release=3.11&emr-worker-1=10.0.2.24")
                .unwrap();
        assert_eq!(resolver.lookup("emr-worker-1", Family::Any), Lookup::System);
        for overview in resolver.overviews() {
            assert!(overview.nodes[0].addresses.is_empty() && overview.nodes[0].by.is_none());
        }
    }

    #[test]
    fn a_logger_may_resolve_names_itself() {
        use std::sync::OnceLock;
        use std::sync::atomic::AtomicUsize;

        static RESOLVER: OnceLock<Resolver> = OnceLock::new();
        static LINES: AtomicUsize = AtomicUsize::new(0);
        static SEEN: Mutex<Vec<String>> = Mutex::new(Vec::new());
        thread_local! {
            /// Other tests log in their threads.
            static IS_OURS: Cell<bool> = const { Cell::new(false) };
        }
        struct Resolving;
        impl log::Log for Resolving {
            fn enabled(&self, _: &log::Metadata<'_>) -> bool {
                true
            }

            fn log(&self, record: &log::Record<'_>) {
                if !IS_OURS.get() {
                    return;
                }
                SEEN.lock().unwrap().push(record.args().to_string());
                let Some(resolver) = RESOLVER.get() else { return };
                assert!(try_lock(&resolver.0.follow.as_ref().unwrap().looking).is_some(), "{}", record.args());
                if LINES.fetch_add(1, Ordering::SeqCst) < 100 {
                    time_passes(resolver);
                    let _ = resolver.lookup("emr-worker-8.cluster-48742", Family::Any);
                }
            }

            fn flush(&self) {}
        }
        log::set_logger(&Resolving).unwrap();
        log::set_max_level(log::LevelFilter::Info);
        IS_OURS.set(true);
        let (_directory, path) = directory_with(&describe("10.0.1.24"));
        let other = "emr://1?release=3.11&network=public&emr-worker-1=10.0.1.25/203.0.113.25";
        let source = format!("{};{other}", path.display());
        let resolver = RESOLVER.get_or_init(|| Resolver::open(&source).unwrap());
        let _ = resolver.lookup("emr-worker-9.cluster-48742", Family::Any);
        // The last one has an address of the other cluster.
        for content in ["release = ", &describe("10.0.1.26"), &describe("10.0.1.25")] {
            replace(&path, content);
            time_passes(resolver);
            let _ = resolver.lookup("emr-worker-1", Family::Any);
        }
        leads_to(resolver, "10.0.1.25");
        assert!(
            LINES.load(Ordering::SeqCst) >= 6,
            "two missing names, a bad file, two good ones, an ambiguous address"
        );
        let is_ambiguous = |line: &&String| line.contains("the address 10.0.1.25 belongs to nodes of two clusters");
        assert_eq!(SEEN.lock().unwrap().iter().filter(is_ambiguous).count(), 1);
        Resolver::from_clusters(resolver.clusters()).unwrap();
        assert_eq!(SEEN.lock().unwrap().iter().filter(is_ambiguous).count(), 2);
    }

    #[test]
    fn read_by_many_threads_while_it_changes() {
        let (_directory, path) = directory_with(&describe("10.0.1.24"));
        let resolver = Resolver::open(path.to_str().unwrap()).unwrap();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..2000 {
                        let lookup = resolver.lookup("emr-worker-1", Family::Any);
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
