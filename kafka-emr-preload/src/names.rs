//! What getaddrinfo answers for the clusters' names.

use std::ffi::{CStr, c_char, c_int};

use kafka_emr_core::Family;
use kafka_emr_hook::{GetAddrInfo, ProgramAnswer, Query, SystemList, answer_in_program, guard};
use libc::addrinfo;

use crate::snapshot;

/// Answers for a name of the clusters; `None` if libc is to be asked.
///
/// # Safety
///
/// As getaddrinfo(3).
pub(crate) unsafe fn answer(
    system: GetAddrInfo,
    node: *const c_char,
    service: *const c_char,
    hints: *const addrinfo,
    res: *mut *mut addrinfo,
) -> Option<c_int> {
    if node.is_null() {
        return None;
    }
    guard("getaddrinfo", Some(libc::EAI_FAIL), || {
        // SAFETY: the caller vouches for the name, for the service, which is null or a string, and for the hints.
        let (name, query) = unsafe {
            let service = (!service.is_null()).then(|| CStr::from_ptr(service));
            (CStr::from_ptr(node).to_str().ok()?, Query::new(service, hints.as_ref()))
        };
        match find(system, name, &query)? {
            Ok(list) => {
                // SAFETY: the caller vouches for `res`.
                unsafe { *res = list.into_raw() };
                Some(0)
            }
            Err(code) => Some(code),
        }
    })
}

fn find(system: GetAddrInfo, name: &str, query: &Query<'_>) -> Option<Result<SystemList, c_int>> {
    if query.has(libc::AI_NUMERICHOST) || query.family().is_none() {
        return None;
    }
    let snapshot = snapshot::for_name(name)?;
    let (lookup, hosts) = snapshot.resolver.lookup_in_program(name, Family::Any);
    // Whatever the answer is, the description may have been read again.
    snapshot::after_lookup(snapshot, &hosts);
    Some(answer_in_program(&hosts, &lookup, system, name, query)?.and_then(one_list))
}

/// Makes one list of an answer, which libc frees entry by entry, whichever call they came from.
fn one_list(answer: ProgramAnswer) -> Result<SystemList, c_int> {
    let joined = answer.lists.into_iter().rev().reduce(|rest, mut first| {
        if let Some(last) = first.entries_mut().last() {
            last.ai_next = rest.into_raw();
        }
        first
    });
    let mut list = joined.ok_or(libc::EAI_NONAME)?;
    if let Some(name) = answer.canonical {
        // SAFETY: the name ends in NUL. libc's freeaddrinfo frees an entry's name with free(), and strdup makes it so.
        let copy = unsafe { libc::strdup(name.as_ptr()) };
        match list.entries_mut().next() {
            Some(first) if !copy.is_null() => first.ai_canonname = copy,
            _ => return Err(libc::EAI_MEMORY),
        }
    }
    Ok(list)
}
