//! One resolver for all clients of a source.

use std::sync::{Mutex, MutexGuard, PoisonError};

use kafka_emr_core::{Resolver, Source};
use kafka_emr_hook::{Hook, WeakHook};

use crate::error::Error;

/// The sources that clients of this process use, each with its hook.
static OPEN: Mutex<Open> = Mutex::new(Vec::new());

type Open = Vec<(Source, WeakHook)>;

/// Returns the hook of a source: that of the clients which use it already, else a new one. A file is then followed once and
/// has one slot, however many clients there are.
pub(crate) fn hook(source: &Source) -> Result<Hook, Error> {
    hook_of(source, || Ok(Resolver::from_source(source.clone())?))
}

fn hook_of(source: &Source, open: impl FnOnce() -> Result<Resolver, Error>) -> Result<Hook, Error> {
    let find = |open: &Open| open.iter().find(|(known, _)| known == source)?.1.upgrade();
    let found = find(&lock());
    if let Some(hook) = found {
        return Ok(hook);
    }
    // Under no lock: it reads files, which may be slow, and logs, where the program's callback may call this library. So
    // threads that come at once may each open the source. The resolver of the first one that is done is everybody's.
    let resolver = open()?;
    let mut open = lock();
    if let Some(hook) = find(&open) {
        return Ok(hook);
    }
    let hook = Hook::of(&resolver)?;
    open.retain(|(_, hook)| hook.is_alive());
    open.push((source.clone(), hook.downgrade()));
    Ok(hook)
}

fn lock() -> MutexGuard<'static, Open> {
    OPEN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The sources whose hooks are kept as long as the process lives, for clients whose end goes unnoticed.
static KEPT: Mutex<Vec<(Source, Hook)>> = Mutex::new(Vec::new());

/// Returns the hook that is kept for a source: however often that is opened, it is one.
pub(crate) fn kept(source: &Source) -> Option<Hook> {
    let kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    kept.iter().find(|(known, _)| known == source).map(|(_, hook)| hook.clone())
}

/// Keeps a hook of a source, and returns the one that is kept: the first one, whatever comes later.
pub(crate) fn keep(source: &Source, hook: Hook) -> Hook {
    let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((_, first)) = kept.iter().find(|(known, _)| known == source) {
        return first.clone();
    }
    kept.push((source.clone(), hook.clone()));
    hook
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
        const THREADS: usize = 64;
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
