//! Which librdkafka called.
//!
//! A plugin cannot simply name librdkafka's functions: programs and language bindings load librdkafka so that its symbols
//! are not global, and one process may hold several. So the address that `conf_init` returns to leads to the library it is
//! in, and that library is asked for its own functions.

use std::ffi::{CStr, c_void};
use std::mem::transmute;
use std::ptr;

use crate::librdkafka::{Function, Librdkafka};

/// What to do where the plugin cannot work. In front, because some programs show 128 bytes of a message.
const INSTEAD: &str =
    "run it by `kafka-emr exec`, or link librdkafka as a shared library (Go: -tags dynamic) or export it (-rdynamic)";

/// Finds the functions of the librdkafka that has this address.
///
/// # Safety
///
/// `address` is null or in the code of a librdkafka that stays loaded as long as its configurations and clients live.
pub(crate) unsafe fn librdkafka(address: *const c_void) -> Result<Librdkafka, String> {
    if address.is_null() {
        return Err("the plugin works on x86-64 and aarch64 only; use kafka_emr_conf_apply() in the program".to_owned());
    }
    let object = Object::of(address).ok_or_else(|| format!("{INSTEAD}: the caller is in no library that is known"))?;
    let name = object.name.to_string_lossy().into_owned();
    // SAFETY: the functions are those of the object that called, as `function` makes sure.
    unsafe { Librdkafka::find(|name| object.function(name)) }.map_err(|missing| {
        let missing = missing.to_string_lossy();
        match version(&object) {
            Some(version) if version.starts_with("0.") || version.starts_with("1.") => {
                format!("{name} is librdkafka {version}, which has no {missing}; update it to 2.0.0 or later")
            }
            _ => format!("{INSTEAD}: {name} has it inside, statically linked, without {missing} for others to see"),
        }
    })
}

/// As `1.9.2`.
fn version(object: &Object) -> Option<String> {
    let version = object.function(c"rd_kafka_version_str")?;
    // SAFETY: librdkafka's function of this name takes nothing and returns a string that ends in NUL and stays.
    unsafe {
        let version = transmute::<unsafe extern "C" fn(), unsafe extern "C" fn() -> *const std::ffi::c_char>(version);
        Some(CStr::from_ptr(version()).to_string_lossy().into_owned())
    }
}

/// A program or library that is loaded.
struct Object {
    name: std::ffi::CString,
    /// Where it is loaded, which distinguishes objects.
    base: *mut c_void,
    handle: *mut c_void,
}

impl Object {
    fn of(address: *const c_void) -> Option<Self> {
        let (name, base) = location(address)?;
        // SAFETY: the name ends in NUL. RTLD_NOLOAD loads nothing and runs nothing.
        let mut handle = unsafe { libc::dlopen(name.as_ptr(), libc::RTLD_LAZY | libc::RTLD_NOLOAD) };
        if handle.is_null() {
            // The program itself goes by no name. Whether a function is its own is checked at each.
            // SAFETY: null is the program.
            handle = unsafe { libc::dlopen(ptr::null(), libc::RTLD_LAZY | libc::RTLD_NOLOAD) };
        }
        (!handle.is_null()).then_some(Object { name, base, handle })
    }

    /// Finds a function of this very object: a handle also finds those of the libraries it needs, and for the program those
    /// of all that is global, where another librdkafka may be.
    fn function(&self, name: &CStr) -> Function {
        // SAFETY: the handle is open, and the name ends in NUL.
        let found = unsafe { libc::dlsym(self.handle, name.as_ptr()) };
        let (_, base) = location(found)?;
        // SAFETY: an address that dlsym finds under a function's name, in the object that has it, is a function's.
        (base == self.base).then(|| unsafe { transmute::<*mut c_void, unsafe extern "C" fn()>(found) })
    }
}

impl Drop for Object {
    fn drop(&mut self) {
        // SAFETY: the handle is open and closed once. The object stays loaded: it is calling.
        unsafe { libc::dlclose(self.handle) };
    }
}

/// The file that an address is from, for messages.
pub(crate) fn file_of(address: *const c_void) -> Option<String> {
    location(address).map(|(file, _)| file.to_string_lossy().into_owned())
}

/// The file that an address is from, and where that is loaded.
fn location(address: *const c_void) -> Option<(std::ffi::CString, *mut c_void)> {
    if address.is_null() {
        return None;
    }
    // SAFETY: all-zero bytes are a Dl_info: null pointers.
    let mut info: libc::Dl_info = unsafe { std::mem::zeroed() };
    // SAFETY: any address may be asked for, and `info` has room for the answer.
    let known = unsafe { libc::dladdr(address, &raw mut info) } != 0 && !info.dli_fname.is_null();
    // SAFETY: not null, so a string that ends in NUL and lives while the object is loaded; it is copied.
    known.then(|| (unsafe { CStr::from_ptr(info.dli_fname) }.to_owned(), info.dli_fbase))
}
