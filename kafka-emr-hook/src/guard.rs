//! Nothing unwinds across the C edge: neither a panic, nor a thread that is cancelled.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use kafka_emr_core::OneLine;

use crate::cancellation::uncancelled;

/// Runs `body`; a panic in it becomes one log line and the value `otherwise`.
///
/// `what` names for the log what was going on. Nothing unwinds out of this function, also when logging panics or the
/// panic's own payload does while it is dropped. The program's panic hook is called as ever: the standard one, too, writes
/// to standard error.
///
/// The thread is not cancelled meanwhile (pthread_cancel(3)): glibc would unwind it inside libc's functions, through frames
/// that no such unwinding may pass, and end the program. It ends at a later cancellation point.
pub fn guard<T>(what: &str, otherwise: T, body: impl FnOnce() -> T) -> T {
    uncancelled(|| guard_panics(what, otherwise, body))
}

/// As [`guard`], but the thread may be cancelled: for a body that calls nothing where it could be.
pub(crate) fn guard_panics<T>(what: &str, otherwise: T, body: impl FnOnce() -> T) -> T {
    match catch_unwind(AssertUnwindSafe(body)) {
        Ok(value) => value,
        Err(payload) => {
            let report = || {
                log::error!("{what}: {}; this is a defect of kafka-emr or of the installed logger", message(&*payload))
            };
            if let Err(second) = catch_unwind(AssertUnwindSafe(report)) {
                swallow(second);
            }
            swallow(payload);
            otherwise
        }
    }
}

/// Drops a payload, and the payload of a panic in doing so. One that goes on like that is leaked in the end.
fn swallow(mut payload: Box<dyn Any + Send>) {
    for _ in 0..3 {
        match catch_unwind(AssertUnwindSafe(|| drop(payload))) {
            Ok(()) => return,
            Err(next) => payload = next,
        }
    }
    std::mem::forget(payload);
}

fn message(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().copied().or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    format!("panicked: {}", OneLine(text.unwrap_or("with no message")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passes_values_on() {
        assert_eq!(guard("test", 0, || 7), 7);
    }

    #[test]
    fn a_panic_becomes_the_other_value() {
        assert_eq!(guard("test", 4, || panic!("expected by this test")), 4);
    }

    #[test]
    fn a_payload_that_panics_when_dropped_does_not_get_out() {
        struct Bomb;
        impl Drop for Bomb {
            fn drop(&mut self) {
                panic!("expected by this test: the payload");
            }
        }
        assert_eq!(guard("test", 4, || std::panic::panic_any(Bomb)), 4);
    }
}
