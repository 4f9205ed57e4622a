//! The map of the clusters that the environment names, as the last lookup left it.

use std::ptr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use kafka_emr_core::{Error, Hosts, LongDomain, Overrides, Resolver, Source};
use kafka_emr_hook::{StandardError, start_logging, variable};

/// How often a description is tried that could not be read, at most.
const TRY_EVERY: Duration = Duration::from_secs(1);

/// The map at one time. Never changed nor freed: a `connect` in a signal handler may be reading it.
pub(crate) struct Snapshot {
    pub(crate) resolver: Resolver,
    pub(crate) hosts: Hosts,
}

/// What the environment named at load.
struct Configuration {
    source: Source,
    loaded: Instant,
    /// When the description is tried next, in milliseconds since `loaded`; it counts only while there is no snapshot.
    next_try: AtomicU64,
    has_warned: AtomicBool,
}

/// Written at load only, so that reading it waits for nobody.
static CONFIGURATION: OnceLock<Configuration> = OnceLock::new();

static LAST: AtomicPtr<Snapshot> = AtomicPtr::new(ptr::null_mut());

/// Reads the environment and the descriptions, at load.
pub(crate) fn load() {
    let Some(text) = variable(c"KAFKA_EMR_CLUSTER") else { return };
    let source = source(&text);
    let snapshot = source.as_ref().ok().and_then(|source| Snapshot::open(source).ok());
    // Not before the description is read: `kafka-emr exec` has warned of it already, and a script starts many programs. One
    // that cannot be read is warned of when a name is looked up.
    start_logging(StandardError::unchanged);
    if let Some(snapshot) = snapshot {
        log::info!("this program has the names of {}", snapshot.resolver);
        publish(None, snapshot);
    }
    match source {
        Ok(source) => {
            let (next_try, has_warned) = (AtomicU64::new(0), AtomicBool::new(false));
            let configuration = Configuration { source, loaded: Instant::now(), next_try, has_warned };
            drop(CONFIGURATION.set(configuration));
        }
        Err(error) => log::error!("KAFKA_EMR_CLUSTER: {error:#}; no name is mapped"),
    }
}

fn source(text: &str) -> Result<Source, Error> {
    let mut overrides = Overrides::default();
    if let Some(network) = variable(c"KAFKA_EMR_NETWORK") {
        overrides.set("network", &network)?;
    }
    Ok(text.parse::<Source>()?.with_defaults(&overrides))
}

/// Returns the last snapshot: all that `connect` may ask.
pub(crate) fn last() -> Option<&'static Snapshot> {
    // SAFETY: the pointer is null or from `publish`, which leaks what it points to, and nobody changes that.
    unsafe { LAST.load(Ordering::Acquire).as_ref() }
}

/// Returns the snapshot that a name is looked up in. If the description could not be read, it is tried again, but for a long
/// domain of EMR's alone: other names that it may have are not known, and anybody's name is no reason to open a file.
pub(crate) fn for_name(name: &str) -> Option<&'static Snapshot> {
    last().or_else(|| LongDomain::parse(name).and_then(|_| try_again()))
}

/// Takes over the map of a lookup, which may have read the description again.
pub(crate) fn after_lookup(before: &'static Snapshot, hosts: &Hosts) {
    if !hosts.same(&before.hosts) {
        publish(Some(before), Snapshot { resolver: before.resolver.clone(), hosts: hosts.clone() });
    }
}

/// Tries a description that could not be read.
fn try_again() -> Option<&'static Snapshot> {
    let configuration = CONFIGURATION.get()?;
    let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    let (now, next) = (millis(configuration.loaded.elapsed()), configuration.next_try.load(Ordering::Relaxed));
    let later = now + millis(TRY_EVERY);
    // One thread wins and reads; the others pass their names on.
    if now < next || configuration.next_try.compare_exchange(next, later, Ordering::Relaxed, Ordering::Relaxed).is_err()
    {
        return None;
    }
    match Snapshot::open(&configuration.source) {
        Ok(snapshot) => Some(publish(None, snapshot)),
        Err(error) => {
            if !configuration.has_warned.swap(true, Ordering::Relaxed) {
                log::error!("KAFKA_EMR_CLUSTER: {error:#}; no name is mapped until it can be read");
            }
            None
        }
    }
}

/// Replaces the snapshot. If another thread was faster, its snapshot stays, and the next lookup looks again. The old one is not
/// freed: descriptions change rarely.
fn publish(before: Option<&'static Snapshot>, now: Snapshot) -> &'static Snapshot {
    let before = before.map_or(ptr::null_mut(), |before| ptr::from_ref(before).cast_mut());
    let now: &'static Snapshot = Box::leak(Box::new(now));
    let _ = LAST.compare_exchange(before, ptr::from_ref(now).cast_mut(), Ordering::AcqRel, Ordering::Acquire);
    last().unwrap_or(now)
}

impl Snapshot {
    fn open(source: &Source) -> Result<Self, Error> {
        let resolver = Resolver::from_source(source.clone())?;
        let hosts = resolver.last_hosts();
        Ok(Snapshot { resolver, hosts })
    }
}
