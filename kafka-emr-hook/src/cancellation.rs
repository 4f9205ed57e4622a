//! Threads that are cancelled: the system unwinds them inside its own functions, and there is Rust on their stack.

use std::ffi::c_int;

/// Runs `body`, in which the thread is not cancelled by pthread_cancel(3): it ends at a later cancellation point.
#[inline]
pub(crate) fn uncancelled<T>(body: impl FnOnce() -> T) -> T {
    let _state = NotCancelled(set_state(PTHREAD_CANCEL_DISABLE));
    body()
}

/// The state to return to, also if the body panics.
struct NotCancelled(c_int);

impl Drop for NotCancelled {
    #[inline]
    fn drop(&mut self) {
        set_state(self.0);
    }
}

/// Sets the thread's state, and returns the one before.
#[cfg(all(target_os = "linux", not(miri)))]
#[inline]
fn set_state(state: c_int) -> c_int {
    let mut before = 0;
    // SAFETY: there is room for the state, and this one is a constant or was returned here. It cannot fail then.
    unsafe { pthread_setcancelstate(state, &raw mut before) };
    before
}

/// Elsewhere a thread ends without unwinding. Miri cancels none, and does not know the function.
#[cfg(any(not(target_os = "linux"), miri))]
fn set_state(state: c_int) -> c_int {
    state
}

// In glibc and musl, but not in the crate libc.
const PTHREAD_CANCEL_DISABLE: c_int = 1;

#[cfg(all(target_os = "linux", not(miri)))]
unsafe extern "C" {
    fn pthread_setcancelstate(state: c_int, before: *mut c_int) -> c_int;
}
