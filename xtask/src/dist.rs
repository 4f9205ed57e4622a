//! `cargo xtask dist`: a release, in one archive.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::licenses;
use crate::steps::{cargo, run};

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
    output(Command::new(&command).arg("man").arg(&pages))?;
    for (shell, file) in COMPLETIONS {
        let file = folder.join(file);
        fs::create_dir_all(file.parent().unwrap_or(folder))?;
        fs::write(file, output(Command::new(&command).args(["completions", shell]))?)?;
    }
    Ok(())
}

/// Makes the same archive of the same files, whoever does, and whenever: they are dated by the commit.
fn pack(dist: &Path, name: &str, archive: &Path) -> Result<(), String> {
    let date = output(Command::new("git").args(["log", "-1", "--format=%ct"])).unwrap_or_else(|_| "0".to_owned());
    let mut tar = Command::new("tar");
    tar.args(["--sort=name", "--owner=0", "--group=0", "--numeric-owner", "--mode=u=rwX,go=rX"]);
    tar.arg(format!("--mtime=@{}", date.trim())).arg("-C").arg(dist).arg("-czf").arg(archive).arg(name);
    run(tar)
}

/// The target that cargo builds for.
fn host() -> Result<String, String> {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let told = output(Command::new(rustc).arg("-vV")).map_err(|error| error.to_string())?;
    let host = told.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(ToOwned::to_owned).ok_or_else(|| format!("rustc does not say its host: {told}"))
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to.parent().unwrap_or(to))?;
    let copied = fs::copy(from, to);
    copied.map(|_| ()).map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", from.display())))
}

/// What a command prints.
fn output(command: &mut Command) -> io::Result<String> {
    let output = command.output()?;
    if !output.status.success() {
        let why = String::from_utf8_lossy(&output.stderr).into_owned();
        return Err(io::Error::other(format!("{command:?} ended with {}: {why}", output.status)));
    }
    String::from_utf8(output.stdout).map_err(io::Error::other)
}
