//! One resolver for all clients of a source.
//!
//! No thread waits for another one here: in a process that was forked, the other one may be gone.

use arc_swap::ArcSwapOption;
use kafka_emr_core::{Resolver, Source};
use kafka_emr_hook::{Hook, WeakHook};

use crate::error::Error;

/// Sources with their hooks. Only ever replaced.
type Hooks = ArcSwapOption<Vec<Entry>>;

#[derive(Clone)]
struct Entry {
    source: Source,
    hook: WeakHook,
    /// For a hook that does not end with its last client.
    #[expect(dead_code, reason = "held, not read")]
    kept: Option<Hook>,
}

/// The sources that clients of this process use.
static OPEN: Hooks = ArcSwapOption::const_empty();

/// The sources whose hooks are kept as long as the process lives, for clients whose end goes unnoticed.
static KEPT: Hooks = ArcSwapOption::const_empty();

fn find(hooks: Option<&Vec<Entry>>, source: &Source) -> Option<Hook> {
    hooks?.iter().find(|entry| entry.source == *source)?.hook.upgrade()
}

/// Returns the hook of a source: the one that is there, else the new one, which is put there.
fn find_or_put(hooks: &Hooks, source: &Source, new: Hook, keeps: bool) -> Hook {
    let mut found = None;
    // Again, if another thread was faster.
    hooks.rcu(|before| {
        found = find(before.as_deref(), source);
        if found.is_some() {
            return before.clone();
        }
        let mut after = before.as_deref().cloned().unwrap_or_default();
        after.retain(|entry| entry.hook.is_alive());
        after.push(Entry { source: source.clone(), hook: new.downgrade(), kept: keeps.then(|| new.clone()) });
        Some(after.into())
    });
    found.unwrap_or(new)
}

/// Returns the hook of a source: that of the clients which use it already, else a new one. A file is then followed once and
/// has one slot, however many clients there are.
pub(crate) fn hook(source: &Source) -> Result<Hook, Error> {
    hook_of(source, || Ok(Resolver::from_source(source.clone())?))
}

fn hook_of(source: &Source, open: impl FnOnce() -> Result<Resolver, Error>) -> Result<Hook, Error> {
    if let Some(hook) = find(OPEN.load().as_deref(), source) {
        return Ok(hook);
    }
    // Threads that come at once may each open the source. The hook of the first one that is done is everybody's.
    let resolver = open()?;
    // One that was faster may have the last slot.
    let new = Hook::of(&resolver).or_else(|full| find(OPEN.load().as_deref(), source).ok_or(full))?;
    Ok(find_or_put(&OPEN, source, new, false))
}

/// Returns the hook that is kept for a source: however often that is opened, it is one.
pub(crate) fn kept(source: &Source) -> Option<Hook> {
    find(KEPT.load().as_deref(), source)
}

/// Keeps a hook of a source, and returns the one that is kept: the first one, whatever comes later.
pub(crate) fn keep(source: &Source, hook: Hook) -> Hook {
    find_or_put(&KEPT, source, hook, true)
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;
    use std::thread;

    use super::*;

    fn source(id: usize) -> Source {
        format!("emr://{id}?release=EMR-3.10.1&emr-worker-1=10.0.1.24").parse().unwrap()
    }

    #[test]
    fn threads_that_come_at_once_share_one_hook() {
        // Miri takes its time.
        const THREADS: usize = if cfg!(miri) { 8 } else { 64 };
        let source = source(1);
        let (begin, end) = (Barrier::new(THREADS), Barrier::new(THREADS));
        let mut callbacks: Vec<usize> = thread::scope(|scope| {
            let one = || {
                let hook = hook_of(&source, || {
                    // All have looked, and found none.
                    begin.wait();
                    Ok(Resolver::from_source(source.clone())?)
                });
                let callback = hook.as_ref().unwrap().callback() as usize;
                end.wait();
                callback
            };
            let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(one)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        callbacks.dedup();
        assert_eq!(callbacks.len(), 1, "{callbacks:?}");
    }

    #[test]
    fn the_first_hook_of_a_source_is_kept_and_returned() {
        let source = source(5);
        let open = || Hook::of(&Resolver::from_source(source.clone()).unwrap()).unwrap();
        // Two threads have looked, and found none.
        let (one, other) = (open(), open());
        let callbacks = [one, other].map(|hook| keep(&source, hook).callback() as usize);
        assert_eq!(callbacks[0], callbacks[1]);
        assert_eq!(kept(&source).unwrap().callback() as usize, callbacks[0]);
    }

    #[test]
    fn a_slow_source_keeps_no_other_from_opening() {
        let (slow, other) = (source(2), source(3));
        let go = Barrier::new(2);
        thread::scope(|scope| {
            let slow = scope.spawn(|| {
                hook_of(&slow, || {
                    go.wait();
                    Ok(Resolver::from_source(slow.clone())?)
                })
            });
            assert!(hook(&other).is_ok());
            go.wait();
            assert!(slow.join().unwrap().is_ok());
        });
    }

    #[test]
    fn a_source_that_could_not_be_opened_is_tried_again() {
        let source = source(4);
        assert!(hook_of(&source, || Err(Error::argument("expected by this test"))).is_err());
        let first = hook(&source).unwrap();
        let second = hook_of(&source, || panic!("it is open already")).unwrap();
        assert_eq!(first.callback() as usize, second.callback() as usize);
    }
}
