//! A callback of its own for every resolver, without an opaque.
//!
//! The opaque that librdkafka passes is the application's, so a callback knows its resolver only by which function it
//! is. There is a fixed table of slots, and one function per slot, made by the compiler from one const-generic function.
//!
//! No thread waits for another one here: in a process that was forked, the other one may be gone.

use std::collections::VecDeque;
use std::error::Error as StdError;
use std::ffi::c_void;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Weak};

use arc_swap::ArcSwapOption;
use kafka_emr_core::Resolver;
use libc::{addrinfo, c_char, c_int};

use crate::guard::guard_panics;
use crate::{freeaddrinfo, getaddrinfo};

/// The signature of librdkafka's resolve callback.
///
/// With `node` and `service` null it frees the list in `*res`; else it resolves as `getaddrinfo(3)` does.
pub type ResolveCallback = unsafe extern "C" fn(
    node: *const c_char,
    service: *const c_char,
    hints: *const addrinfo,
    res: *mut *mut addrinfo,
    opaque: *mut c_void,
) -> c_int;

/// How many resolvers of one process can have a callback at the same time. Clients of one resolver share it.
pub const SLOTS: usize = ROW * ROW;
const ROW: usize = 32;

/// The resolvers, by slot, for the callbacks.
static RESOLVERS: [ArcSwapOption<Resolver>; SLOTS] = [const { ArcSwapOption::const_empty() }; SLOTS];

/// The slots and their hooks; `None` before the first hook. Only ever replaced.
static REGISTRY: ArcSwapOption<Registry> = ArcSwapOption::const_empty();

#[derive(Clone, Default)]
struct Registry {
    /// Each resolver beside its hook.
    bound: Vec<(Resolver, Weak<Bound>)>,
    /// Slots below this one were used at least once.
    used: usize,
    /// Slots that came back. The one that is longest free is taken first, so that a callback which is called too late,
    /// against the rules, finds an empty slot rather than another resolver.
    free: VecDeque<usize>,
}

impl Registry {
    /// Returns the hook of a resolver that has one.
    fn find(&self, resolver: &Resolver) -> Option<Arc<Bound>> {
        // One that just ends can still stand before the one that took its place.
        let mut known = self.bound.iter().filter(|(known, _)| known.same(resolver));
        known.find_map(|(_, bound)| bound.upgrade())
    }

    fn take_slot(&mut self) -> Option<usize> {
        if self.used == SLOTS {
            return self.free.pop_front();
        }
        self.used += 1;
        Some(self.used - 1)
    }
}

/// Gives a resolver its callback.
///
/// A hook is a shared handle; the callback may be called as long as one of its clones lives. When the last one is gone, the
/// slot comes back. A callback that is called later answers `EAI_FAIL`.
#[derive(Clone, Debug)]
pub struct Hook(Arc<Bound>);

#[derive(Debug)]
struct Bound {
    /// Not yet a slot, but [`SLOTS`], in one that does not get into the registry.
    slot: AtomicUsize,
    resolver: Resolver,
    has_warned: AtomicBool,
}

/// A hook that somebody else keeps, or nobody any more.
#[derive(Clone, Debug)]
pub struct WeakHook(Weak<Bound>);

impl WeakHook {
    /// Returns the hook, unless it is gone.
    #[must_use]
    pub fn upgrade(&self) -> Option<Hook> {
        self.0.upgrade().map(Hook)
    }

    /// Returns whether somebody still keeps the hook.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        self.0.strong_count() > 0
    }
}

/// Reports that [`SLOTS`] resolvers have a callback already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutOfSlots;

impl fmt::Display for OutOfSlots {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{SLOTS} resolvers of this process are in use by Kafka clients already; open one and share it")
    }
}

impl StdError for OutOfSlots {}

impl Hook {
    /// Returns the hook of a resolver: the one there is, else a new one.
    ///
    /// # Errors
    ///
    /// Fails when [`SLOTS`] resolvers have one already.
    pub fn of(resolver: &Resolver) -> Result<Self, OutOfSlots> {
        let new = Arc::new(Bound {
            slot: AtomicUsize::new(SLOTS),
            resolver: resolver.clone(),
            has_warned: AtomicBool::new(false),
        });
        let mut hook = Err(OutOfSlots);
        // Again, if another thread was faster.
        REGISTRY.rcu(|before| {
            new.slot.store(SLOTS, Ordering::Relaxed);
            if let Some(bound) = before.as_deref().and_then(|registry| registry.find(resolver)) {
                hook = Ok(Hook(bound));
                return before.clone();
            }
            let mut registry = before.as_deref().cloned().unwrap_or_default();
            let Some(slot) = registry.take_slot() else {
                hook = Err(OutOfSlots);
                return before.clone();
            };
            new.slot.store(slot, Ordering::Relaxed);
            registry.bound.push((resolver.clone(), Arc::downgrade(&new)));
            hook = Ok(Hook(Arc::clone(&new)));
            Some(Arc::new(registry))
        });
        let hook = hook?;
        // Also if another thread made the hook: it may not have come so far.
        if RESOLVERS[hook.slot()].load().is_none() {
            RESOLVERS[hook.slot()].store(Some(Arc::new(resolver.clone())));
        }
        Ok(hook)
    }

    fn slot(&self) -> usize {
        self.0.slot.load(Ordering::Relaxed)
    }

    /// Returns the function to set with `rd_kafka_conf_set_resolve_cb`.
    #[must_use]
    pub fn callback(&self) -> ResolveCallback {
        CALLBACKS[self.slot() / ROW][self.slot() % ROW]
    }

    /// Returns whether a function at this address is the callback of any hook, of this one or another.
    #[must_use]
    pub fn is_callback(address: usize) -> bool {
        CALLBACKS.as_flattened().iter().any(|callback| *callback as usize == address)
    }

    /// Returns the resolver.
    #[must_use]
    pub fn resolver(&self) -> &Resolver {
        &self.0.resolver
    }

    /// Returns true the first time, and false from then on, whichever handle is asked: for a warning that concerns all clients
    /// of the resolver.
    #[must_use]
    pub fn is_first_warning(&self) -> bool {
        !self.0.has_warned.swap(true, Ordering::Relaxed)
    }

    /// Returns a handle that does not keep the hook.
    #[must_use]
    pub fn downgrade(&self) -> WeakHook {
        WeakHook(Arc::downgrade(&self.0))
    }

    /// Returns how many handles there are of this hook, itself included: one for each client, and those that were cloned.
    #[must_use]
    pub fn handles(&self) -> usize {
        Arc::strong_count(&self.0)
    }

    /// Returns how many slots are taken, out of [`SLOTS`].
    #[must_use]
    pub fn slots_in_use() -> usize {
        REGISTRY.load().as_deref().map_or(0, |registry| registry.used - registry.free.len())
    }

    /// Turns the hook into a pointer that keeps it alive, for the opaque of a C library.
    #[must_use]
    pub fn into_opaque(self) -> *mut c_void {
        Arc::into_raw(self.0).cast_mut().cast()
    }

    /// Takes a hook back out of its pointer.
    ///
    /// # Safety
    ///
    /// `opaque` was made by [`Hook::into_opaque`] and is not taken back yet.
    #[must_use]
    pub unsafe fn from_opaque(opaque: *mut c_void) -> Self {
        // SAFETY: the caller vouches that it is the pointer of `Arc::into_raw` above.
        Hook(unsafe { Arc::from_raw(opaque.cast_const().cast()) })
    }
}

impl Drop for Bound {
    fn drop(&mut self) {
        let slot = *self.slot.get_mut();
        if slot == SLOTS {
            return;
        }
        RESOLVERS[slot].store(None);
        let this: *const Bound = self;
        REGISTRY.rcu(|before| {
            let mut registry = before.as_deref().cloned().unwrap_or_default();
            registry.bound.retain(|(_, bound)| bound.as_ptr() != this);
            registry.free.push_back(slot);
            Some(Arc::new(registry))
        });
    }
}

unsafe extern "C" fn resolve<const SLOT: usize>(
    node: *const c_char,
    service: *const c_char,
    hints: *const addrinfo,
    res: *mut *mut addrinfo,
    _opaque: *mut c_void,
) -> c_int {
    // SAFETY: librdkafka calls with what getaddrinfo takes, or, to free a list, with one that this function returned.
    unsafe { dispatch(SLOT, node, service, hints, res) }
}

/// # Safety
///
/// As [`getaddrinfo`]; with `node` and `service` null, `*res` is null or a list that this function returned.
#[inline(never)] // there are as many callers as slots
unsafe fn dispatch(
    slot: usize,
    node: *const c_char,
    service: *const c_char,
    hints: *const addrinfo,
    res: *mut *mut addrinfo,
) -> c_int {
    // Cancelling is the lookup's matter, so that the usual one is not slowed down.
    guard_panics("the resolve callback", libc::EAI_FAIL, || {
        if node.is_null() && service.is_null() {
            // SAFETY: the caller vouches for `res` and the list in it; it is emptied, so that it is freed once.
            if let Some(list) = unsafe { res.as_mut() } {
                // SAFETY: as above.
                unsafe { freeaddrinfo(std::mem::replace(list, std::ptr::null_mut())) };
            }
            return 0;
        }
        match &*RESOLVERS[slot].load() {
            // SAFETY: the caller vouches for the arguments.
            Some(resolver) => unsafe { getaddrinfo(resolver, node, service, hints, res) },
            None => {
                // SAFETY: null or space for a pointer, which is not initialised.
                if let Some(list) = unsafe { res.as_mut() } {
                    *list = std::ptr::null_mut();
                }
                log::error!(
                    "a resolve callback was called after its resolver was freed; keep the resolver while a client lives"
                );
                libc::EAI_FAIL
            }
        }
    })
}

/// Names `resolve::<SLOT>` for every slot: a row of functions for every row number.
macro_rules! callbacks {
    ([$($row:literal)*] $columns:tt) => { [$(callbacks!(@row $row $columns)),*] };
    (@row $row:literal [$($column:literal)*]) => { [$(resolve::<{ $row * ROW + $column }> as ResolveCallback),*] };
}

static CALLBACKS: [[ResolveCallback; ROW]; ROW] = callbacks!(
    [0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31]
    [0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31]
);
