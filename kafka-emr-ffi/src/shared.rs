//! One resolver for all clients of a source.

use std::sync::{Mutex, PoisonError};

use kafka_emr_core::{Error, Resolver, Source};
use kafka_emr_hook::{Hook, WeakHook};

/// The sources that clients of this process use, each with its hook.
static OPEN: Mutex<Vec<(Source, WeakHook)>> = Mutex::new(Vec::new());

/// Returns the hook of a source: that of the clients which use it already, else a new one. A file is then read, followed
/// and told of once, and has one slot, however many clients there are.
pub(crate) fn hook(source: Source) -> Result<Hook, String> {
    if let Some(hook) = find(&source) {
        return Ok(hook);
    }
    // Not under the lock: it reads files, and may log.
    let resolver = Resolver::from_source(source.clone()).map_err(|error: Error| format!("{error:#}"))?;
    let hook = Hook::of(&resolver).map_err(|error| error.to_string())?;
    let mut open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
    open.retain(|(_, hook)| hook.is_alive());
    open.push((source, hook.downgrade()));
    Ok(hook)
}

fn find(source: &Source) -> Option<Hook> {
    let open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
    let hook = open.iter().find(|(known, _)| known == source)?.1.clone();
    drop(open);
    // Not under the lock: what is found may be gone the next moment.
    hook.upgrade()
}

/// The sources whose hooks are kept as long as the process lives, for clients whose end nobody tells.
static KEPT: Mutex<Vec<(Source, Hook)>> = Mutex::new(Vec::new());

/// Returns the hook that is kept for a source: however often that is opened, it is one.
pub(crate) fn kept(source: &Source) -> Option<Hook> {
    let kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    kept.iter().find(|(known, _)| known == source).map(|(_, hook)| hook.clone())
}

/// Keeps the hook of a source, unless one is kept.
pub(crate) fn keep(source: &Source, hook: &Hook) {
    let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    if !kept.iter().any(|(known, _)| known == source) {
        kept.push((source.clone(), hook.clone()));
    }
}
