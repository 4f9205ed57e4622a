//! `cargo xtask dist`: a release, in one archive.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::licenses;
use crate::steps::{cargo, output, run};

/// What cargo builds, and where it goes.
const BUILT: [(&str, &str); 4] = [
    ("kafka-emr", "bin"),
    // Where the command looks for it.
    ("libkafka_emr_preload.so", "lib"),
    ("libkafka_emr.so", "lib"),
    ("libkafka_emr.a", "lib"),
];

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

pub(crate) fn dist() -> Result<(), String> {
    // One after the other: built at once, the library would have what only the command wants of crates that both use.
    run(cargo(["build", "--quiet", "--release", "--locked", "-p", "kafka-emr-cli", "-p", "kafka-emr-preload"]))?;
    run(cargo(["build", "--quiet", "--release", "--locked", "-p", "kafka-emr-ffi"]))?;

    let target = PathBuf::from(std::env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into()));
    let (release, dist) = (target.join("release"), target.join("dist"));
    let host = host()?;
    let name = format!("kafka-emr-{}-{host}", env!("CARGO_PKG_VERSION"));
    fill(&dist.join(&name), &release, &host).map_err(|error| format!("{name}: {error}"))?;
    let archive = dist.join(format!("{name}.tar.gz"));
    pack(&dist, &name, &archive)?;
    println!("{}", archive.display());
    Ok(())
}

fn fill(folder: &Path, release: &Path, host: &str) -> io::Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    let pages = folder.join("share/man/man1");
    fs::create_dir_all(&pages)?;
    for (file, to) in BUILT {
        copy(&release.join(file), &folder.join(to).join(file))?;
    }
    for file in KEPT {
        copy(Path::new(file), &folder.join(file))?;
    }
    let licences = licenses::all(host).map_err(io::Error::other)?;
    fs::write(folder.join("LICENSES-OF-DEPENDENCIES"), licences)?;
    let command = folder.join("bin/kafka-emr");
    let printed = |arguments: &[&OsStr]| {
        let mut kafka_emr = Command::new(&command);
        kafka_emr.args(arguments);
        output(kafka_emr).map_err(io::Error::other)
    };
    printed(&["man".as_ref(), pages.as_ref()])?;
    for (shell, file) in COMPLETIONS {
        let file = folder.join(file);
        fs::create_dir_all(file.parent().unwrap_or(folder))?;
        fs::write(file, printed(&["completions".as_ref(), shell.as_ref()])?)?;
    }
    Ok(())
}

/// Makes the same archive of the same files, whoever does, and whenever: they are dated by the commit.
fn pack(dist: &Path, name: &str, archive: &Path) -> Result<(), String> {
    let mut git = Command::new("git");
    git.args(["log", "-1", "--format=%ct"]);
    let date = output(git).unwrap_or_else(|_| "0".to_owned());
    let mut tar = Command::new("tar");
    tar.args(["--sort=name", "--owner=0", "--group=0", "--numeric-owner", "--mode=u=rwX,go=rX"]);
    tar.arg(format!("--mtime=@{}", date.trim())).arg("-C").arg(dist).arg("-czf").arg(archive).arg(name);
    run(tar)
}

/// The target that cargo builds for.
pub(crate) fn host() -> Result<String, String> {
    let mut rustc = Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
    rustc.arg("-vV");
    let version = output(rustc)?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(ToOwned::to_owned).ok_or_else(|| format!("`rustc -vV` has no line with the host: {version}"))
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to.parent().unwrap_or(to))?;
    let copied = fs::copy(from, to);
    copied.map(|_| ()).map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", from.display())))
}
