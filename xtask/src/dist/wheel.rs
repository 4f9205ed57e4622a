//! The wheels: for Python on glibc, and on musl.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::compile::{Compiler, Linked, PROFILE};
use super::{date, remove};
use crate::steps::output;

/// The libc that a wheel is for, and what pip calls the machines that it runs on: since glibc 2.17, since musl 1.2.
const PLATFORMS: [(&str, &str); 2] = [("gnu", "manylinux2014"), ("musl", "musllinux_1_2")];

/// Makes the wheels in a folder.
pub(super) fn make(compiler: &Compiler, dist: &Path) -> Result<Vec<PathBuf>, String> {
    PLATFORMS.iter().map(|(libc, platform)| wheel(compiler, dist, libc, platform)).collect()
}

fn wheel(compiler: &Compiler, dist: &Path, libc: &str, platform: &str) -> Result<PathBuf, String> {
    let python = compiler.python.join("bin/python");
    let out = dist.join(format!("wheel-{}-{libc}", compiler.arch));
    remove(&out)?;
    let mut maturin = Command::new(&python);
    maturin.args(["-m", "maturin", "build", "--quiet", "--locked", "--zig", "--profile", PROFILE]);
    maturin.args(["--target", &compiler.triple(libc), "--compatibility", platform, "--interpreter"]).arg(&python);
    maturin.arg("--out").arg(&out).arg("--target-dir").arg(compiler.folder(Linked::Dynamically)).current_dir("python");
    // For musl, maturin adds the flags itself.
    compiler.prepare(&mut maturin, libc, if libc == "musl" { &[] } else { Linked::Dynamically.flags() })?;
    maturin.env("SOURCE_DATE_EPOCH", date());
    // What it tells goes to standard output.
    output(maturin)?;
    let failed = |error: std::io::Error| format!("{}: {error}", out.display());
    let mut files = fs::read_dir(&out).map_err(failed)?.flatten();
    let (Some(file), None) = (files.next(), files.next()) else {
        return Err(format!("{}: one wheel is to be there", out.display()));
    };
    let wheel = dist.join(file.file_name());
    fs::rename(file.path(), &wheel).map_err(failed)?;
    remove(&out)?;
    Ok(wheel)
}
