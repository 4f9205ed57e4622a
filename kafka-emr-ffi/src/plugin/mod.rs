//! The plugin: `plugin.library.paths` names this library, and nothing else in the program changes.
//!
//! librdkafka opens the library and calls `conf_init` for each configuration. From then on the plugin sees each property
//! that is set (on_conf_set), takes its own, and keeps the callback and `bootstrap.servers` in line with them.

pub(crate) mod caller;
mod properties;
mod settings;

use std::ffi::{c_char, c_int, c_void};

use crate::errstr::ErrStr;
use crate::librdkafka::{Conf, INVALID_ARG, NO_ERROR, RespErr};

/// Starts the plugin for a configuration. Called by librdkafka, for plugin.library.paths, as conf_init; by nobody else.
///
/// A program that links this library is no caller: it uses kafka_emr_conf_apply(). It may have a conf_init of its own, so the
/// static library defines none: in the shared one, the linker makes it another name of this function (build.rs).
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
#[unsafe(no_mangle)]
#[unsafe(naked)]
pub unsafe extern "C" fn kafka_emr_conf_init(
    conf: *mut c_void,
    opaque: *mut *mut c_void,
    errstr: *mut c_char,
    errstr_size: usize,
) -> c_int {
    // Hands on its four arguments, and where it was called from as a fifth: that leads to the librdkafka that called.
    #[cfg(target_arch = "x86_64")]
    std::arch::naked_asm!("mov r8, qword ptr [rsp]", "jmp {start}", start = sym conf_init_called_from);
    #[cfg(target_arch = "aarch64")]
    std::arch::naked_asm!("mov x4, x30", "b {start}", start = sym conf_init_called_from);
}

/// Reports that this machine's calling convention is not known to the plugin.
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kafka_emr_conf_init(
    _conf: *mut c_void,
    _opaque: *mut *mut c_void,
    errstr: *mut c_char,
    errstr_size: usize,
) -> c_int {
    // SAFETY: librdkafka passes a buffer for a message.
    let errstr = unsafe { ErrStr::new(errstr, errstr_size) };
    errstr.guard("conf_init", INVALID_ARG, || {
        Err("kafka-emr's plugin works on x86-64 and aarch64 only; use kafka_emr_conf_apply() in the program")
    })
}

/// Has the shared library export `conf_init`. rustc gives the linker a list of what it exports, names of this crate's own items,
/// and everything else is hidden. Linkers read such a list as patterns: this one is `conf_init`, and no C program's name.
#[unsafe(export_name = "conf_ini[t]")]
pub static CONF_INIT: u8 = 0;

/// conf_init, with its caller's address.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
unsafe extern "C" fn conf_init_called_from(
    conf: *mut Conf,
    _opaque: *mut *mut c_void,
    errstr: *mut c_char,
    errstr_size: usize,
    caller: *const c_void,
) -> RespErr {
    // SAFETY: librdkafka passes a buffer for a message.
    let errstr = unsafe { ErrStr::new(errstr, errstr_size) };
    errstr.guard("conf_init", INVALID_ARG, || {
        crate::log::start();
        // SAFETY: librdkafka passes a live configuration of its own, and was called from where it is.
        let started = unsafe { caller::librdkafka(caller).and_then(|librdkafka| properties::start(librdkafka, conf)) };
        started.map(|()| NO_ERROR).map_err(properties::message)
    })
}
