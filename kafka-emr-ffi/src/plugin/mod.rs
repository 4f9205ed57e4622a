//! The plugin: `plugin.library.paths` names this library, and nothing else in the program changes.
//!
//! librdkafka opens the library and calls `conf_init` for each configuration. From then on the plugin sees each property
//! that is set (on_conf_set), takes its own, and keeps the callback and `bootstrap.servers` in line with them.

pub(crate) mod caller;
mod properties;
mod settings;

use std::ffi::{c_char, c_int, c_void};

use crate::errstr::ErrStr;
use crate::librdkafka::{INVALID_ARG, NO_ERROR};
use crate::log;

/// Starts the plugin for a configuration. Called by conf_init, which librdkafka calls for plugin.library.paths; by nobody
/// else. `caller` is where that was called from.
///
/// A program that links this library is no caller: it uses kafka_emr_conf_apply(), and may have a conf_init of its own. So that
/// name is the shared library's alone: build.rs adds it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kafka_emr_conf_init(
    conf: *mut c_void,
    _opaque: *mut *mut c_void,
    errstr: *mut c_char,
    errstr_size: usize,
    caller: *const c_void,
) -> c_int {
    // SAFETY: librdkafka passes a buffer for a message.
    let errstr = unsafe { ErrStr::new(errstr, errstr_size) };
    errstr.guard("conf_init", INVALID_ARG, || {
        log::start();
        // SAFETY: librdkafka passes a live configuration of its own, and was called from where it is.
        let started =
            unsafe { caller::librdkafka(caller).and_then(|librdkafka| properties::start(librdkafka, conf.cast())) };
        started.map(|()| NO_ERROR).map_err(properties::message)
    })
}

/// Has the shared library export `conf_init`. rustc gives the linker a list of what it exports, names of this crate's own items,
/// and everything else is hidden. Linkers read such a list as patterns: this one is `conf_init`, and no C program's name.
#[unsafe(export_name = "conf_ini[t]")]
pub static CONF_INIT: u8 = 0;
