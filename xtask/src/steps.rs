//! The steps of `cargo xtask test`.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use crate::needs;

pub(crate) fn test() -> Result<(), String> {
    let started = Instant::now();
    step("programs that the tests need", needs::get)?;
    step("unit tests, doc tests, embedded cluster", || run(cargo(["test", "--workspace"])))?;
    step("fuzz targets: they compile", || {
        let fuzz = ["check", "--locked", "--manifest-path", "fuzz/Cargo.toml", "--target-dir", "target/fuzz"];
        run(cargo(fuzz))
    })?;
    step("aarch64: the plugin compiles", aarch64)?;
    step("memory: the hook under valgrind", valgrind)?;
    step("memory: the hook and the edge of the C library under Miri", miri)?;
    step("real brokers: jars", || run(cargo(["run", "--quiet", "-p", "kafka-emr-tests", "--bin", "fetch-kafka"])))?;
    step("real brokers", || {
        let real = ["test", "-p", "kafka-emr-tests", "--features", "real-brokers", "--test", "real"];
        // One cluster at a time is all that fits the addresses; what each test prints names the versions.
        run(cargo(real.into_iter().chain(["--", "--show-output", "--test-threads=1"])))
    })?;
    step("cargo-c, which installs libkafka_emr", cargo_c)?;
    step("Docker's command line, for what it says to a daemon", docker)?;
    step("C, C++, Python and kcat, on the embedded cluster and on real brokers", || {
        let clients = ["test", "-p", "kafka-emr-tests", "--features", "clients", "--test", "clients"];
        let mut cargo = cargo(clients.into_iter().chain(["--", "--show-output", "--test-threads=1"]));
        cargo.env("PATH", with_tools()?);
        run(cargo)
    })?;
    step("the README's demo", || run(cargo(["run", "--release", "-p", "kafka-emr-cli", "--", "demo"])))?;
    println!("\nall tests passed, in {} s", started.elapsed().as_secs());
    Ok(())
}

/// Where programs are put that only the tests use.
const TOOLS: &str = "target/tools";

/// The version that builds with the oldest Rust that the workspace does.
const CARGO_C: &str = "0.10.14";

/// Installs cargo-c, unless it is there. Without optimisation, which takes longer than all it does here.
fn cargo_c() -> Result<(), String> {
    let tools = ["--root", TOOLS, "--target-dir", "target/tools/build"];
    run(cargo(["install", "--quiet", "--debug", "--locked", "--version", CARGO_C, "cargo-c"].into_iter().chain(tools)))
}

/// Gets the `docker` program, unless it is there. It is taken out of its package, because that brings the daemon along, and
/// starts it.
fn docker() -> Result<(), String> {
    let (bin, folder) = (Path::new(TOOLS).join("bin"), Path::new(TOOLS).join("docker"));
    if needs::succeeds(&["docker", "--version"]) || bin.join("docker").is_file() {
        return Ok(());
    }
    for folder in [&bin, &folder] {
        std::fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    }
    needs::apt(&["update", "-qq"]);
    // Debian 12 has it in docker.io.
    let script = "rm -f *.deb && { apt-get download -qq docker-cli 2>/dev/null || apt-get download -qq docker.io; } && \
                  dpkg-deb --fsys-tarfile *.deb | tar -x -C ../bin --strip-components=3 ./usr/bin/docker";
    let mut sh = Command::new("sh");
    sh.args(["-c", script]).current_dir(folder);
    run(sh)
        .map_err(|why| format!("{why}; install Docker's command line, on Debian the package docker-cli or docker.io"))
}

/// PATH with those programs in front.
fn with_tools() -> Result<std::ffi::OsString, String> {
    let tools = std::env::current_dir().map_err(|error| error.to_string())?.join(TOOLS).join("bin");
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::join_paths(std::iter::once(tools).chain(std::env::split_paths(&path))).map_err(|error| error.to_string())
}

fn step(title: &str, body: impl FnOnce() -> Result<(), String>) -> Result<(), String> {
    println!("\n── {title}");
    let started = Instant::now();
    body().map_err(|why| format!("{title}: {why}"))?;
    println!("── {title}: fine, {} s", started.elapsed().as_secs());
    Ok(())
}

pub(crate) fn cargo<I: IntoIterator<Item: AsRef<OsStr>>>(arguments: I) -> Command {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(arguments);
    cargo
}

pub(crate) fn run(mut command: Command) -> Result<(), String> {
    match command.stdin(Stdio::null()).status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{command:?} ended with {status}")),
        Err(error) => Err(format!("{command:?} could not be started: {error}")),
    }
}

/// Runs the hook's tests, the only ones that build and free memory by hand, with every leak an error.
fn valgrind() -> Result<(), String> {
    for binary in test_binaries("kafka-emr-hook")? {
        let mut valgrind = Command::new("valgrind");
        valgrind.args([
            "--quiet",
            "--error-exitcode=99",
            "--leak-check=full",
            "--show-leak-kinds=definite,indirect",
            "--errors-for-leak-kinds=definite,indirect",
        ]);
        run({
            valgrind.arg(binary).arg("--test-threads=1");
            valgrind
        })?;
    }
    Ok(())
}

/// The test programs of a package, built.
fn test_binaries(package: &str) -> Result<Vec<PathBuf>, String> {
    let mut build = cargo(["test", "-p", package, "--lib", "--tests", "--no-run", "--message-format=json"]);
    let output = build.stdin(Stdio::null()).stderr(Stdio::inherit()).output();
    let output = output.map_err(|error| format!("{build:?} could not be started: {error}"))?;
    if !output.status.success() {
        return Err(format!("{build:?} ended with {}", output.status));
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let executable = |line: &str| {
        let message: serde_json::Value = serde_json::from_str(line).ok()?;
        Some(PathBuf::from(message.get("executable")?.as_str()?))
    };
    let binaries: Vec<PathBuf> = text.lines().filter_map(executable).collect();
    if binaries.is_empty() { Err(format!("{package} has no test program")) } else { Ok(binaries) }
}

/// How the plugin finds its caller is written for each processor. Where the other one's target is not to be had, it is said
/// and not compiled.
fn aarch64() -> Result<(), String> {
    const TARGET: &str = "aarch64-unknown-linux-gnu";
    let mut rustup = Command::new("rustup");
    rustup.args(["target", "add", TARGET]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    if !rustup.status().is_ok_and(|status| status.success()) {
        println!("NOT RUN: Rust for aarch64 is not here. To have it: rustup target add {TARGET}");
        return Ok(());
    }
    run(cargo(["rustc", "--quiet", "-p", "kafka-emr-ffi", "--lib", "--crate-type", "rlib", "--target", TARGET]))
}

/// Miri is part of nightly Rust only. Where that is not to be had, it is said and not run: valgrind went over the same code.
fn miri() -> Result<(), String> {
    let nightly = |arguments: &[&str]| {
        let mut command = Command::new("rustup");
        // Cargo's own toolchain, which runs this program, must not speak for the other.
        command.env_remove("RUSTUP_TOOLCHAIN").env_remove("CARGO").args(["run", "nightly"]).args(arguments);
        command
    };
    let quiet = |mut command: Command| {
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    };
    let mut component = Command::new("rustup");
    component.args(["component", "add", "--toolchain", "nightly", "miri", "rust-src"]);
    if !quiet(nightly(&["cargo", "miri", "--version"])) && !quiet(component) {
        println!("NOT RUN: Miri is not here. To have it: rustup toolchain install nightly --component miri,rust-src");
        return Ok(());
    }
    let hook = ["-p", "kafka-emr-hook", "--lib", "--tests"];
    // Of the C library what calls no C: the rest runs under valgrind and AddressSanitizer, called from C.
    let ffi = ["-p", "kafka-emr-ffi", "--lib"];
    for what in [&hook[..], &ffi[..]] {
        let mut miri = nightly(&["cargo", "miri", "test"]);
        // The resolver reads a clock, and the slots are meant to live as long as the process.
        miri.env("MIRIFLAGS", "-Zmiri-disable-isolation").args(what).args(["--target-dir", "target/miri"]);
        run(miri)?;
    }
    Ok(())
}
