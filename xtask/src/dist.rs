//! `cargo xtask dist`: a release, which is an archive and two wheels for each processor.

mod archive;
mod compile;
mod wheel;

use std::env::consts::ARCH;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::steps::{cargo, output, run};
use compile::Compiler;

/// The processors that releases are for, as Rust names them.
const ARCHITECTURES: [&str; 2] = ["x86_64", "aarch64"];

/// Makes the release for one processor, or for `all`. By itself for this machine's.
pub(crate) fn dist(target: Option<&str>) -> Result<(), String> {
    for file in ARCHITECTURES.iter().filter(|arch| wanted(arch, target)).map(|arch| release(arch)) {
        for file in file? {
            println!("{}", file.display());
        }
    }
    Ok(())
}

/// Whether a target is one that releases are for.
pub(crate) fn is_target(target: &str) -> bool {
    target == "all" || ARCHITECTURES.contains(&target)
}

fn wanted(arch: &str, target: Option<&str>) -> bool {
    let target = target.unwrap_or(ARCH);
    target == "all" || target == arch
}

/// Makes everything for one processor, and returns the files.
fn release(arch: &str) -> Result<Vec<PathBuf>, String> {
    let target = target()?;
    let compiler = Compiler::new(arch, &target)?;
    // Manual pages and completions are printed by the command, which has to run here.
    let printer = if arch == ARCH { compiler.command()? } else { Compiler::new(ARCH, &target)?.command()? };
    let folder = target.join("dist");
    let archive = archive::make(&compiler, &printer, &folder)?;
    let wheels = wheel::make(&compiler, &folder)?;
    Ok(std::iter::once(archive).chain(wheels).collect())
}

/// Makes the release a second time, of a copy of the sources in another folder, and compares.
pub(crate) fn dist_twice(target: Option<&str>) -> Result<(), String> {
    let again = self::target()?.join("again");
    remove(&again)?;
    let mut git = Command::new("git");
    git.args(["clone", "--quiet", "."]).arg(&again);
    run(git)?;
    let mut second = cargo(["xtask", "dist", "--target", target.unwrap_or(ARCH)]);
    second.current_dir(&again).env("CARGO_TARGET_DIR", again.join("built"));
    run(second)?;
    for arch in ARCHITECTURES.iter().filter(|arch| wanted(arch, target)) {
        for first in release(arch)? {
            let name = first.file_name().unwrap_or_default();
            let second = again.join("built/dist").join(name);
            let read = |file: &Path| fs::read(file).map_err(|error| format!("{}: {error}", file.display()));
            if read(&first)? != read(&second)? {
                return Err(format!(
                    "{} and {} differ: a build is not the same everywhere",
                    first.display(),
                    second.display()
                ));
            }
            println!("the same twice: {}", first.display());
        }
    }
    Ok(())
}

/// Where cargo builds, from the root of the file system.
fn target() -> Result<PathBuf, String> {
    let target = PathBuf::from(std::env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into()));
    std::path::absolute(&target).map_err(|error| format!("{}: {error}", target.display()))
}

/// When the commit was made, in seconds since 1970: the date of all files.
fn date() -> String {
    let mut git = Command::new("git");
    git.args(["log", "-1", "--format=%ct"]);
    // Sources that are no repository. An archive of Python's format knows no date before 1980.
    output(git).map_or_else(|_| "315532800".to_owned(), |date| date.trim().to_owned())
}

/// Removes a folder, if it is there.
fn remove(folder: &Path) -> Result<(), String> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(format!("{}: {error}", folder.display())),
        _ => Ok(()),
    }
}
