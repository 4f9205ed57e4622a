//! The clock that says when files are looked at again.

use rustix::time::{ClockId, clock_gettime};

/// Returns milliseconds that never go back, a few milliseconds behind at most. It is asked by every lookup: the coarse clock
/// costs a third of the fine one, and makes no system call.
#[inline]
pub(crate) fn milliseconds() -> u64 {
    let now = clock_gettime(ClockId::MonotonicCoarse);
    u64::try_from(now.tv_sec).unwrap_or_default() * 1000 + u64::try_from(now.tv_nsec).unwrap_or_default() / 1_000_000
}
