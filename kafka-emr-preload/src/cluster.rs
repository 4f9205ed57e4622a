//! The clusters that the environment names, as they are now.

use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use kafka_emr_core::{Error, Hosts, Resolver, Source};
use kafka_emr_hook::{StandardError, start_logging, variable};

use crate::addresses::Addresses;

/// How often a description is tried that could not be read, at most.
const TRY_EVERY: Duration = Duration::from_secs(1);

/// What is known of the clusters at one time. Never changed nor freed: a `connect` in a signal handler may be reading it.
pub(crate) struct Known {
    pub(crate) resolver: Resolver,
    pub(crate) hosts: Arc<Hosts>,
    pub(crate) addresses: Addresses,
}

/// What the environment said at load.
struct Named {
    source: Source,
    at: Instant,
    /// When the description is tried next, in milliseconds since `at`; it counts only while nothing is known.
    next_try: AtomicU64,
    complained: AtomicBool,
}

/// Written at load only: to ask it waits for nobody.
static NAMED: OnceLock<Named> = OnceLock::new();

static KNOWN: AtomicPtr<Known> = AtomicPtr::new(ptr::null_mut());

/// Finds the clusters, at load.
pub(crate) fn find() {
    let Some(text) = variable(c"KAFKA_EMR_CLUSTER") else { return };
    let named = named(&text);
    let known = named.as_ref().ok().and_then(|named| Known::open(&named.source).ok());
    // Not before the description is read: `kafka-emr exec` said already what there is to say of it, and a script starts many
    // programs. One that cannot be read is complained of when a name is asked for.
    start_logging(StandardError::unchanged);
    if let Some(known) = known {
        log::info!("this program has the names of {}", known.resolver);
        publish(None, known);
    }
    match named {
        Ok(named) => drop(NAMED.set(named)),
        Err(error) => log::error!("KAFKA_EMR_CLUSTER: {error}; no name is mapped"),
    }
}

fn named(text: &str) -> Result<Named, Error> {
    let mut source: Source = text.parse()?;
    if let Some(network) = variable(c"KAFKA_EMR_NETWORK") {
        source.set("network", &network)?;
    }
    Ok(Named { source, at: Instant::now(), next_try: AtomicU64::new(0), complained: AtomicBool::new(false) })
}

/// What was known last: all that `connect` may ask.
pub(crate) fn last() -> Option<&'static Known> {
    // SAFETY: the pointer is null or from `publish`, which leaks what it points to, and nobody changes that.
    unsafe { KNOWN.load(Ordering::Acquire).as_ref() }
}

/// What is known now: looks at the files first, as a lookup does.
pub(crate) fn current() -> Option<&'static Known> {
    let Some(known) = last() else { return try_again() };
    let hosts = known.resolver.hosts();
    if Arc::ptr_eq(&hosts, &known.hosts) {
        return Some(known);
    }
    publish(Some(known), Known::of(known.resolver.clone(), hosts))
}

/// Tries a description that could not be read.
fn try_again() -> Option<&'static Known> {
    let named = NAMED.get()?;
    let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    let (now, next) = (millis(named.at.elapsed()), named.next_try.load(Ordering::Relaxed));
    let later = now + millis(TRY_EVERY);
    // One thread wins and reads; the others pass their names on.
    if now < next || named.next_try.compare_exchange(next, later, Ordering::Relaxed, Ordering::Relaxed).is_err() {
        return None;
    }
    match Known::open(&named.source) {
        Ok(known) => publish(None, known),
        Err(error) => {
            if !named.complained.swap(true, Ordering::Relaxed) {
                log::error!("KAFKA_EMR_CLUSTER: {error}; no name is mapped until it can be read");
            }
            None
        }
    }
}

/// Puts what is known now in the place of what was known `before`. Where another thread was faster, what that one put there
/// stays, and the next lookup looks again. The old one is not freed: descriptions change rarely.
fn publish(before: Option<&'static Known>, now: Known) -> Option<&'static Known> {
    let pointer =
        |known: Option<&'static Known>| known.map_or(ptr::null_mut(), |known| ptr::from_ref(known).cast_mut());
    let now: &'static Known = Box::leak(Box::new(now));
    let _ = KNOWN.compare_exchange(pointer(before), pointer(Some(now)), Ordering::AcqRel, Ordering::Acquire);
    last()
}

impl Known {
    fn open(source: &Source) -> Result<Self, Error> {
        let resolver = Resolver::from_source(source.clone())?;
        let hosts = resolver.hosts();
        Ok(Known::of(resolver, hosts))
    }

    fn of(resolver: Resolver, hosts: Arc<Hosts>) -> Self {
        let addresses = Addresses::of(&hosts);
        Known { resolver, hosts, addresses }
    }
}
