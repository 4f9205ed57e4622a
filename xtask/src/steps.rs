//! The steps of `cargo xtask test`.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use cargo_metadata::Message;

use crate::{fuzz, needs, newest, tools};

/// Wherever it can, a step has cargo choose from the whole workspace (`--workspace` rather than `-p`): features that packages
/// have in common are then the same in all steps, and what one has built serves the next.
pub(crate) fn test() -> Result<(), String> {
    let started = Instant::now();
    step("programs that the tests need", needs::get)?;
    step("unit tests, doc tests, embedded cluster", || run(cargo(["test", "--workspace"])))?;
    step("the embedded cluster on the newest librdkafka", newest::test)?;
    step("fuzz targets: they compile", fuzz::check)?;
    step("aarch64: the plugin compiles", aarch64)?;
    step("memory: the hook under valgrind", valgrind)?;
    step("memory: the hook and the edge of the C library under Miri", miri)?;
    step("real brokers: jars", || run(cargo(["run", "--quiet", "--bin", "fetch-kafka"])))?;
    // One cluster at a time is all that fits the addresses; what each test prints names the versions.
    let one_by_one = ["--", "--show-output", "--test-threads=1"];
    step("real brokers", || {
        let real = ["test", "--workspace", "--features", "kafka-emr-tests/real-brokers", "--test", "real"];
        run(cargo(real.into_iter().chain(one_by_one)))
    })?;
    step("cargo-c, which installs libkafka_emr", || tools::CARGO_C.install())?;
    step("Docker's command line, for what it says to a daemon", tools::docker)?;
    step("Rust for musl, of which a client is built", rust_for_musl)?;
    step("C, C++, Python and kcat, on the embedded cluster and on real brokers", || {
        let clients = ["test", "--workspace", "--features", "kafka-emr-tests/clients", "--test", "clients"];
        let mut cargo = cargo(clients.into_iter().chain(one_by_one));
        cargo.env("PATH", tools::path()?);
        run(cargo)
    })?;
    step("the README's demo", || run(cargo(["run", "--release", "-p", "kafka-emr-cli", "--", "demo"])))?;
    println!("\nall tests passed, in {} s", started.elapsed().as_secs());
    Ok(())
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

/// What a command prints.
pub(crate) fn output(mut command: Command) -> Result<String, String> {
    let output = command.stdin(Stdio::null()).stderr(Stdio::inherit()).output();
    let output = output.map_err(|error| format!("{command:?} could not be started: {error}"))?;
    if !output.status.success() {
        return Err(format!("{command:?} ended with {}", output.status));
    }
    String::from_utf8(output.stdout).map_err(|error| format!("{command:?} printed no text: {error}"))
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
    let build = cargo(["test", "--workspace", "--lib", "--tests", "--no-run", "--quiet", "--message-format=json"]);
    let (text, manifest) = (output(build)?, Path::new(package).join("Cargo.toml"));
    let executable = |message: Message| match message {
        Message::CompilerArtifact(artifact) if artifact.manifest_path.ends_with(&manifest) => artifact.executable,
        _ => None,
    };
    let messages = Message::parse_stream(text.as_bytes()).filter_map(Result::ok);
    let binaries: Vec<PathBuf> = messages.filter_map(executable).map(PathBuf::from).collect();
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

/// The client's own test says so where this is not to be had.
fn rust_for_musl() -> Result<(), String> {
    let mut rustup = Command::new("rustup");
    rustup.args(["target", "add", &format!("{}-unknown-linux-musl", std::env::consts::ARCH)]);
    rustup.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    if !rustup.status().is_ok_and(|status| status.success()) {
        println!("rustup cannot get it: the machine's own Rust has to have it");
    }
    Ok(())
}

/// A command of nightly Rust.
pub(crate) fn nightly<I: IntoIterator<Item: AsRef<OsStr>>>(arguments: I) -> Command {
    let mut command = Command::new("rustup");
    // Cargo's own toolchain, which runs this program, must not speak for the other.
    command.env_remove("RUSTUP_TOOLCHAIN").env_remove("CARGO").args(["run", "nightly"]).args(arguments);
    command
}

/// Miri is part of nightly Rust only. Where that is not to be had, it is said and not run: valgrind went over the same code.
fn miri() -> Result<(), String> {
    let quiet = |mut command: Command| {
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    };
    let mut component = Command::new("rustup");
    component.args(["component", "add", "--toolchain", "nightly", "miri", "rust-src"]);
    if !quiet(nightly(["cargo", "miri", "--version"])) && !quiet(component) {
        println!("NOT RUN: Miri is not here. To have it: rustup toolchain install nightly --component miri,rust-src");
        return Ok(());
    }
    let hook = ["-p", "kafka-emr-hook", "--lib", "--tests"];
    // Of the C library what calls no C: the rest runs under valgrind and AddressSanitizer, called from C.
    let ffi = ["-p", "kafka-emr-ffi", "--lib"];
    for what in [&hook[..], &ffi[..]] {
        let mut miri = nightly(["cargo", "miri", "test"]);
        // The resolver reads a clock, and the slots are meant to live as long as the process.
        miri.env("MIRIFLAGS", "-Zmiri-disable-isolation").args(what).args(["--target-dir", "target/miri"]);
        run(miri)?;
    }
    Ok(())
}
