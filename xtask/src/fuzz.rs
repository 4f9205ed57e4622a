//! The fuzz targets: `cargo xtask fuzz`, and the check that they compile.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use cargo_metadata::MetadataCommand;

use crate::steps::{cargo, nightly, run};
use crate::tools;

const MANIFEST: &str = "fuzz/Cargo.toml";

/// Where they are built, and where their inputs are kept.
const TARGET: &str = "target/fuzz";

/// Compiles every target, with the Rust that the workspace is built with.
pub(crate) fn check() -> Result<(), String> {
    targets()?;
    run(cargo(["check", "--locked", "--bins", "--manifest-path", MANIFEST, "--target-dir", TARGET]))
}

/// Runs every target for so many seconds, and shows a table.
pub(crate) fn fuzz(seconds: u32) -> Result<(), String> {
    let targets = targets()?;
    tools::CARGO_FUZZ.install()?;
    let mut build = nightly(["cargo", "fuzz", "build", "--fuzz-dir", "fuzz", "--target-dir", TARGET]);
    build.env("PATH", tools::path()?);
    run(build).map_err(|why| format!("{why}; fuzzing needs nightly Rust: rustup toolchain install nightly"))?;
    let programs = programs(&targets)?;

    let width = targets.iter().map(String::len).max().unwrap_or(0).max("target".len());
    println!("{:width$}  {:>12}  {:>7}", "target", "executions", "crashes");
    let mut crashed = Vec::new();
    for (target, program) in targets.iter().zip(&programs) {
        let result = Run::of(target, program, seconds).map_err(|why| format!("{target}: {why}"))?;
        println!("{target:width$}  {:>12}  {:>7}", result.executions, result.inputs.len());
        crashed.extend(result.inputs.iter().map(|input| format!("{target} {}", input.display())));
    }
    if crashed.is_empty() {
        return Ok(());
    }
    let again = crashed.iter().map(|what| format!("cargo +nightly fuzz run {what}"));
    Err(format!("crashes, which these commands show again:\n  {}", again.collect::<Vec<_>>().join("\n  ")))
}

/// The names of all targets, as the manifest lists them.
///
/// # Errors
///
/// Fails when a file with a target is not listed: nobody would build it.
fn targets() -> Result<Vec<String>, String> {
    let metadata = MetadataCommand::new().manifest_path(MANIFEST).no_deps().exec();
    let metadata = metadata.map_err(|error| format!("{MANIFEST}: {error}"))?;
    let bins: Vec<_> = metadata.packages.iter().flat_map(|package| &package.targets).filter(|t| t.is_bin()).collect();
    let listed: BTreeSet<PathBuf> = bins.iter().map(|bin| bin.src_path.clone().into()).collect();
    let folder = Path::new(MANIFEST).with_file_name("fuzz_targets");
    let files = fs::read_dir(&folder).and_then(|files| files.map(|file| file?.path().canonicalize()).collect());
    let files: BTreeSet<PathBuf> = files.map_err(|error| format!("{}: {error}", folder.display()))?;
    match files.difference(&listed).next() {
        Some(file) => Err(format!("{} is no [[bin]] of {MANIFEST}: add it there", file.display())),
        None => Ok(bins.iter().map(|bin| bin.name.clone()).collect()),
    }
}

/// Where cargo-fuzz built the targets: it has a folder for each processor.
fn programs(targets: &[String]) -> Result<Vec<PathBuf>, String> {
    let folder = Path::new(TARGET).join(crate::dist::host()?).join("release");
    Ok(targets.iter().map(|target| folder.join(target)).collect())
}

/// What came of running one target.
struct Run {
    executions: u64,
    /// The inputs on which it crashed, took too long, or too much memory.
    inputs: Vec<PathBuf>,
}

impl Run {
    fn of(target: &str, program: &Path, seconds: u32) -> Result<Run, String> {
        let folder = |kind: &str| Path::new(TARGET).join(kind).join(target);
        let (corpus, crashes) = (folder("corpus"), folder("crashes"));
        let log = crashes.with_extension("log");
        // What crashed before is another run's.
        let _ = fs::remove_dir_all(&crashes);
        let io = |error| format!("{}: {error}", crashes.display());
        fs::create_dir_all(&crashes).and_then(|()| fs::create_dir_all(&corpus)).map_err(io)?;

        let mut fuzz = Command::new(program);
        // What it finds goes to the first folder; the others it only reads.
        let seeds = Path::new(MANIFEST).with_file_name("seeds").join(target);
        fuzz.arg(&corpus).args(seeds.is_dir().then_some(&seeds));
        fuzz.arg(format!("-artifact_prefix={}/", crashes.display()));
        fuzz.arg(format!("-max_total_time={seconds}")).args(["-print_final_stats=1", "-report_slow_units=1000000"]);
        fuzz.stdin(Stdio::null()).stdout(Stdio::null()).stderr(File::create(&log).map_err(io)?);
        let status = fuzz.status().map_err(|error| format!("{}: {error}", program.display()))?;

        let text = fs::read(&log).map_err(io)?;
        let text = String::from_utf8_lossy(&text);
        let executions = text.lines().find_map(|line| line.strip_prefix("stat::number_of_executed_units:"));
        let executions = executions.and_then(|count| count.trim().parse().ok()).unwrap_or(0);
        let inputs: Vec<PathBuf> = fs::read_dir(&crashes).map_err(io)?.flatten().map(|file| file.path()).collect();
        if inputs.is_empty() && (!status.success() || executions == 0) {
            return Err(format!("ended with {status} after {executions} executions, see {}", log.display()));
        }
        Ok(Run { executions, inputs })
    }
}
