//! The newest librdkafka, which the embedded tests run against too: an update of rdkafka-sys then changes nothing that they
//! have not seen.

use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::steps::{cargo, output, run};

/// What the tests install from PyPI. Its confluent-kafka is the wheel that the library is taken from.
const PINS: &str = "tests/tests/clients/programs/requirements.txt";

/// Runs the tests of kafka-emr-rs with this library in place of the one that rdkafka-sys builds.
pub(crate) fn test() -> Result<(), String> {
    let wheel = pinned("confluent-kafka")?;
    let folder = std::env::current_dir().map_err(|error| error.to_string())?.join("target/newest");
    let library = library(&folder, &wheel)?;
    let version = version(&library)?;
    println!("librdkafka {version}, of {wheel}");
    let libraries = library.parent().unwrap_or(&folder);
    describe(&library, &version).map_err(|error| format!("{}: {error}", libraries.display()))?;

    // A target folder of its own: whatever looks at PKG_CONFIG_PATH is built anew when that changes, librdkafka among it.
    let mut cargo = cargo(["test", "-p", "kafka-emr-rs", "--features", "dynamic-linking", "--tests", "--locked"]);
    cargo.arg("--target-dir").arg(&folder).env("PKG_CONFIG_PATH", libraries).env("LD_LIBRARY_PATH", libraries);
    run(cargo)
}

/// The line that pins a package.
fn pinned(package: &str) -> Result<String, String> {
    let pins = fs::read_to_string(PINS).map_err(|error| format!("{PINS}: {error}"))?;
    let line = pins.lines().find(|line| line.split("==").next() == Some(package));
    line.map(ToOwned::to_owned).ok_or_else(|| format!("{PINS} has no line {package}==VERSION"))
}

/// The library of a wheel, which is downloaded unless it is there.
fn library(folder: &Path, wheel: &str) -> Result<PathBuf, String> {
    let packages = folder.join(wheel);
    if let Some(library) = in_wheel(&packages) {
        return Ok(library);
    }
    let venv = folder.join("venv");
    let mut python = Command::new("python3");
    python.args(["-m", "venv", "--clear"]).arg(&venv);
    run(python)?;
    let mut pip = Command::new(venv.join("bin/python"));
    pip.args(["-m", "pip", "--quiet", "--disable-pip-version-check", "install", "--upgrade", "--no-deps"]);
    run({
        pip.args(["--only-binary", ":all:", "--target"]).arg(&packages).arg(wheel);
        pip
    })?;
    in_wheel(&packages).ok_or_else(|| format!("{wheel} brings no librdkafka along: {}", packages.display()))
}

/// Where a wheel that was unpacked has the library: its own name is made of its content.
fn in_wheel(packages: &Path) -> Option<PathBuf> {
    let files = fs::read_dir(packages.join("confluent_kafka.libs")).ok()?;
    let mut files = files.flatten().map(|file| file.path());
    files.find(|file| file.file_name().is_some_and(|name| name.to_string_lossy().starts_with("librdkafka-")))
}

/// Asks the library itself: its version is not the wheel's.
fn version(library: &Path) -> Result<String, String> {
    let ask = "import ctypes, sys; version = ctypes.CDLL(sys.argv[1]).rd_kafka_version_str; \
               version.restype = ctypes.c_char_p; print(version().decode())";
    let mut python = Command::new("python3");
    python.args(["-c", ask]).arg(library);
    Ok(output(python)?.trim().to_owned())
}

/// Puts beside the library what the linker and pkg-config find it by.
fn describe(library: &Path, version: &str) -> io::Result<()> {
    let link = library.with_file_name("librdkafka.so");
    if fs::symlink_metadata(&link).is_err() {
        symlink(library.file_name().unwrap_or_default(), link)?;
    }
    let package = format!(
        "libdir=${{pcfiledir}}\n\
         Name: librdkafka\n\
         Description: the library of a Python wheel\n\
         Version: {version}\n\
         Libs: -L${{libdir}} -lrdkafka\n"
    );
    fs::write(library.with_file_name("rdkafka.pc"), package)
}
