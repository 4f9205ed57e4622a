//! The first way: a library in front of libc.

use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::program::{Libc, check_library};
use crate::library;

/// Returns the name of the library for programs of a libc.
fn name(libc: Libc) -> &'static str {
    match libc {
        Libc::Glibc => "libkafka_emr_preload.so",
        Libc::Musl => "libkafka_emr_preload_musl.so",
    }
}

/// Finds the library for programs of a libc: the given one, or the one that came with this command.
pub(super) fn find(given: Option<&Path>, libc: Libc) -> Result<PathBuf, String> {
    let library = match given {
        Some(library) => std::path::absolute(library).map_err(|error| format!("--library: {error}"))?,
        None => library::find(name(libc)).ok_or_else(|| {
            format!(
                "{} is neither beside this program nor in the lib folder beside its bin; build it with `cargo build --release -p kafka-emr-preload`, or give \
                 its path with --library",
                name(libc)
            )
        })?,
    };
    if !library.is_file() {
        return Err(format!("--library: there is no file {}", library.display()));
    }
    check_library(&library)?;
    if library.as_os_str().as_bytes().iter().any(|byte| b": \t\n".contains(byte)) {
        return Err(format!(
            "{}: LD_PRELOAD cannot name a file with a space or colon in its path; put it elsewhere, and use --library",
            library.display()
        ));
    }
    Ok(library)
}
