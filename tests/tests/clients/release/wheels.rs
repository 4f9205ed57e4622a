//! The wheels, by what pip calls the machines that they are for.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::{Release, libraries};
use crate::c::examples;
use crate::site::Site;
use crate::support::{fails, succeeds};

#[test]
fn a_wheel_is_for_every_machine_since_2014() {
    let (release, site) = (Release::for_this_machine(), Site::embedded());
    let wheel = release.wheel("manylinux");
    assert_eq!(tag(wheel), format!("py3-none-manylinux2014_{0}.manylinux_2_17_{0}", release.processor));
    let folder = TempDir::new().unwrap();
    libraries::check(&library(wheel, folder.path()), &libraries::OF_GLIBC);

    let venv = folder.path().join("venv");
    succeeds(Command::new("python3").args(["-m", "venv"]).arg(&venv));
    let python = venv.join("bin/python");
    let resolve = "import kafka_emr, sys\nprint(kafka_emr.Resolver(sys.argv[1]).resolve(sys.argv[2], 9092))";
    let (name, _) = site.advertised[0].split_once(':').unwrap();
    let resolves = || {
        let mut python = Command::new(&python);
        python.args(["-I", "-c", resolve, &site.source(), name]);
        python
    };
    fails(&mut resolves(), &["No module named 'kafka_emr'"]);
    let mut pip = Command::new(&python);
    succeeds(pip.args(["-m", "pip", "--quiet", "--disable-pip-version-check", "install", "--no-index"]).arg(wheel));
    let found = succeeds(&mut resolves()).stdout;
    assert!(found.starts_with("[('127."), "{found}");
}

/// There is no Python for musl here: a program in C loads the library.
#[test]
fn a_wheel_is_for_musl() {
    let (release, site) = (Release::for_this_machine(), Site::embedded());
    let wheel = release.wheel("musllinux");
    assert_eq!(tag(wheel), format!("py3-none-musllinux_1_2_{}", release.processor));
    let folder = TempDir::new().unwrap();
    let library = library(wheel, folder.path());
    libraries::check(&library, &["libc.so"]);

    let program = folder.path().join("lookup");
    let mut gcc = Command::new("musl-gcc");
    gcc.arg(examples().join("lookup.c")).arg("-I").arg(release.path("include")).arg(&library);
    succeeds(gcc.arg(format!("-Wl,-rpath,{}", library.parent().unwrap().display())).arg("-o").arg(&program));
    let lookup = |name: &str| {
        let mut lookup = Command::new(&program);
        lookup.args([&site.source(), name]);
        lookup
    };
    let found = succeeds(&mut lookup(&site.advertised[0]));
    assert!(found.stdout.contains(" -> 127."), "{found}");
    fails(&mut lookup("emr-worker-9.cluster-48742"), &["emr-worker-9.cluster-48742"]);
}

/// What pip compares with the machine, of `kafka_emr-VERSION-TAG.whl`.
fn tag(wheel: &Path) -> String {
    let name = wheel.file_stem().unwrap().to_str().unwrap();
    let tag = name.strip_prefix(concat!("kafka_emr-", env!("CARGO_PKG_VERSION"), "-"));
    tag.unwrap_or_else(|| panic!("{name}")).to_owned()
}

/// Unpacks a wheel, and returns the library in it.
fn library(wheel: &Path, folder: &Path) -> PathBuf {
    succeeds(Command::new("python3").args(["-m", "zipfile", "-e"]).arg(wheel).arg(folder));
    let library = folder.join("kafka_emr/kafka_emr/libkafka_emr.so");
    assert!(fs::metadata(&library).is_ok(), "{}", wheel.display());
    library
}
