//! `conf_init`, which librdkafka looks up in a plugin. build.rs compiles it, for the shared library alone.

#![no_std]

use core::ffi::{c_char, c_int, c_void};

unsafe extern "C" {
    fn kafka_emr_conf_init(
        conf: *mut c_void,
        opaque: *mut *mut c_void,
        errstr: *mut c_char,
        errstr_size: usize,
        caller: *const c_void,
    ) -> c_int;
}

/// Hands on its four arguments, and where it was called from as a fifth: that leads to the librdkafka that called.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
#[unsafe(no_mangle)]
#[unsafe(naked)]
pub unsafe extern "C" fn conf_init(
    conf: *mut c_void,
    opaque: *mut *mut c_void,
    errstr: *mut c_char,
    errstr_size: usize,
) -> c_int {
    #[cfg(target_arch = "x86_64")]
    core::arch::naked_asm!("mov r8, qword ptr [rsp]", "jmp {start}", start = sym kafka_emr_conf_init);
    #[cfg(target_arch = "aarch64")]
    core::arch::naked_asm!("mov x4, x30", "b {start}", start = sym kafka_emr_conf_init);
}

/// Leaves the caller out: where that stands is not known here.
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn conf_init(
    conf: *mut c_void,
    opaque: *mut *mut c_void,
    errstr: *mut c_char,
    errstr_size: usize,
) -> c_int {
    // SAFETY: the arguments are librdkafka's.
    unsafe { kafka_emr_conf_init(conf, opaque, errstr, errstr_size, core::ptr::null()) }
}
