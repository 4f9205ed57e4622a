//! Keeps panics on this side of the C edge.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use kafka_emr_core::OneLine;

/// Runs `body`; a panic in it becomes one log line and the value `otherwise`.
///
/// `what` names for the log what was going on. Nothing unwinds out of this function, also when logging panics or the
/// panic's own payload does while it is dropped.
pub fn guard<T>(what: &str, otherwise: T, body: impl FnOnce() -> T) -> T {
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
