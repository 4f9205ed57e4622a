//! Counting lookups without making threads wait for each other.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use serde::Serialize;

use crate::Lookup;

/// How many lookups a resolver answered, and how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct LookupCounts {
    /// Answered from the map.
    pub mapped: u64,
    /// Passed on to the system resolver.
    pub passed_on: u64,
    /// Refused.
    pub refused: u64,
}

const SHARDS: usize = 16;

/// Counters of several threads, each in a cache line of its own: one counter for all would be what threads wait for.
#[derive(Default)]
pub(crate) struct Counters([Shard; SHARDS]);

#[derive(Default)]
#[repr(align(128))]
struct Shard {
    mapped: AtomicU64,
    passed_on: AtomicU64,
    refused: AtomicU64,
}

thread_local! {
    static SHARD: Cell<usize> = const { Cell::new(usize::MAX) };
}

/// The number of this thread's shard.
#[inline]
fn shard() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    SHARD.with(|shard| {
        if shard.get() == usize::MAX {
            shard.set(NEXT.fetch_add(1, Ordering::Relaxed) % SHARDS);
        }
        shard.get()
    })
}

impl Counters {
    #[inline]
    pub(crate) fn count(&self, lookup: &Lookup) {
        let shard = &self.0[shard()];
        let counter = match lookup {
            Lookup::Mapped(_) => &shard.mapped,
            Lookup::System => &shard.passed_on,
            Lookup::Refused => &shard.refused,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn sum(&self) -> LookupCounts {
        let sum = |of: fn(&Shard) -> &AtomicU64| self.0.iter().map(|shard| of(shard).load(Ordering::Relaxed)).sum();
        LookupCounts {
            mapped: sum(|shard| &shard.mapped),
            passed_on: sum(|shard| &shard.passed_on),
            refused: sum(|shard| &shard.refused),
        }
    }
}
