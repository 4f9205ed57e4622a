//! Finds unwind tables for the unwinder that is linked in.
//!
//! The unwinder of newer compilers asks for `_dl_find_object`, which glibc has since 2.35, and no other libc. Here is one that
//! works with any: the library then loads wherever the rest of it does. Only the library itself sees it.

use std::arch::global_asm;
use std::ffi::{c_int, c_void};
use std::ptr;

use libc::{PT_GNU_EH_FRAME, PT_LOAD, dl_phdr_info, size_t};

global_asm!(
    ".globl _dl_find_object",
    ".hidden _dl_find_object",
    ".set _dl_find_object, {find_object}",
    find_object = sym find_object,
);

/// glibc's `struct dl_find_object`, of the processors that have nothing to add to it.
#[repr(C)]
struct Object {
    flags: u64,
    start: *const c_void,
    end: *const c_void,
    link_map: *const c_void,
    eh_frame: *const c_void,
    reserved: [u64; 7],
}

struct Search {
    pc: usize,
    /// The segment with the code, and the table.
    found: Option<(usize, usize, usize)>,
}

/// Finds the loaded file that has code at an address. Returns 0, or -1 if there is none or if it has no table.
unsafe extern "C" fn find_object(pc: *const c_void, object: *mut Object) -> c_int {
    let mut search = Search { pc: pc.addr(), found: None };
    // SAFETY: `visit` is called with `search`, and not after this.
    unsafe { libc::dl_iterate_phdr(Some(visit), (&raw mut search).cast()) };
    let Some((start, end, eh_frame)) = search.found else { return -1 };
    let pointer = ptr::without_provenance;
    let found = Object {
        flags: 0,
        start: pointer(start),
        end: pointer(end),
        link_map: ptr::null(),
        eh_frame: ptr::with_exposed_provenance(eh_frame),
        reserved: [0; 7],
    };
    // SAFETY: the unwinder has room for its answer.
    unsafe { object.write(found) };
    0
}

unsafe extern "C" fn visit(info: *mut dl_phdr_info, _size: size_t, search: *mut c_void) -> c_int {
    // SAFETY: the loader describes a file with all of its program headers, and `search` is that of `find_object`.
    let (info, search, headers) = unsafe {
        let info = &*info;
        (info, &mut *search.cast::<Search>(), std::slice::from_raw_parts(info.dlpi_phdr, info.dlpi_phnum.into()))
    };
    let range = |header: &libc::Elf64_Phdr| {
        let start = info.dlpi_addr.wrapping_add(header.p_vaddr) as usize;
        (start, start.wrapping_add(header.p_memsz as usize))
    };
    let of_type = |kind| headers.iter().filter(move |header| header.p_type == kind).map(range);
    let Some((start, end)) = of_type(PT_LOAD).find(|(start, end)| (*start..*end).contains(&search.pc)) else {
        return 0;
    };
    search.found = of_type(PT_GNU_EH_FRAME).next().map(|(table, _)| (start, end, table));
    1
}
