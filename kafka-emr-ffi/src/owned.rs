//! Values that a librdkafka configuration owns.
//!
//! librdkafka copies a configuration by calling on_conf_dup, and frees it, or the client that was made of it, by calling
//! on_conf_destroy. The latter comes after the last thread of a client has ended: from then on nobody calls its callback.

use std::ffi::{CStr, c_char, c_void};

use kafka_emr_hook::guard;

use crate::error::Error;
use crate::librdkafka::{CONFLICT, Conf, INVALID_ARG, Librdkafka, NO_ERROR, RespErr};

/// What a configuration can own.
pub(crate) trait Owned: Sized {
    /// The librdkafka whose configuration it is.
    fn librdkafka(&self) -> &Librdkafka;

    /// Distinguishes values of this type: a configuration owns one of each name.
    fn name(&self) -> &CStr;

    /// Makes the value for a copy of the configuration. Properties may be left out of that.
    fn copy(&self, is_left_out: &dyn Fn(&str) -> bool) -> Self;

    /// Adds the value's own interceptors, when the configuration owns it.
    ///
    /// # Safety
    ///
    /// `conf` is live and nobody else uses it meanwhile; `this` is the value, and lives as long as `conf` or its client.
    unsafe fn add_interceptors(this: *mut Self, conf: *mut Conf) -> Result<(), Error>;
}

/// Makes a configuration own a value. If it owns one of that name already, nothing changes.
///
/// # Safety
///
/// `conf` is a live configuration of the value's librdkafka, and nobody else uses it meanwhile.
pub(crate) unsafe fn attach<T: Owned>(conf: *mut Conf, value: T) -> Result<(), Error> {
    let librdkafka = *value.librdkafka();
    let name = value.name().to_owned();
    let opaque = Box::into_raw(Box::new(value));
    // SAFETY: `conf` as the caller vouches; the interceptors get what they take. Until on_conf_destroy is added, nobody but
    // this function frees the box, and from then on only on_conf_destroy does.
    unsafe {
        match librdkafka.on_conf_dup(conf, &name, on_conf_dup::<T>, opaque.cast()) {
            NO_ERROR => {}
            refused => {
                drop(Box::from_raw(opaque));
                return if refused == CONFLICT { Ok(()) } else { Err(interceptor_error(refused)) };
            }
        }
        match librdkafka.on_conf_destroy(conf, on_conf_destroy::<T>, opaque.cast()) {
            NO_ERROR => T::add_interceptors(opaque, conf),
            // on_conf_dup has the box and cannot be taken away: it is left to it.
            refused => Err(interceptor_error(refused)),
        }
    }
}

/// The error when librdkafka does not take an interceptor.
pub(crate) fn interceptor_error(code: RespErr) -> Error {
    Error::configuration(format!("librdkafka refuses an interceptor: error {code}"))
}

unsafe extern "C" fn on_conf_dup<T: Owned>(
    new: *mut Conf,
    _old: *const Conf,
    filters: usize,
    filter: *const *const c_char,
    opaque: *mut c_void,
) -> RespErr {
    guard("copying a configuration", INVALID_ARG, || {
        // As librdkafka does: a filter is the start of a name.
        let is_left_out = |property: &str| {
            (0..filters).any(|n| {
                // SAFETY: librdkafka passes as many strings.
                let start = unsafe { CStr::from_ptr(*filter.add(n)) };
                property.as_bytes().starts_with(start.to_bytes())
            })
        };
        // SAFETY: librdkafka passes the opaque of `attach`, which lives as long as the old configuration, and a new one that
        // nobody else has yet.
        unsafe {
            let value = (*opaque.cast::<T>()).copy(&is_left_out);
            match attach(new, value) {
                Ok(()) => NO_ERROR,
                Err(why) => {
                    log::error!("a configuration cannot be copied: {why}");
                    INVALID_ARG
                }
            }
        }
    })
}

unsafe extern "C" fn on_conf_destroy<T: Owned>(opaque: *mut c_void) -> RespErr {
    // SAFETY: librdkafka passes the opaque of `attach`, once, when nobody uses it any more.
    guard("freeing a configuration", (), || drop(unsafe { Box::from_raw(opaque.cast::<T>()) }));
    NO_ERROR
}
