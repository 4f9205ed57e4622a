//! Programs that libc is not in: Go's, and those of musl. `kafka-emr exec` reaches them by the kernel, and nobody says so.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::thread;
use std::time::Duration;

use tempfile::TempDir;

use crate::engines::Daemon;
use crate::exec::with_names;
use crate::python::{programs, venv};
use crate::site::{Site, TOPIC};
use crate::support::{fails, root, run, scratch, succeeds};

/// Downloads and the first build take their time.
const BUILD: Duration = Duration::from_secs(900);

/// Sarama's own tools, by which `tests/go/tools.go` has them.
const TOOLS: [&str; 2] =
    ["github.com/IBM/sarama/tools/kafka-console-producer", "github.com/IBM/sarama/tools/kafka-console-consumer"];

/// Go's programs, with and without cgo, each kind in a folder.
fn go() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let folder = scratch("go");
        let go = venv(&folder, "go.txt").with_file_name("go");
        let build = |kind: &str, cgo: &str, programs: &[&str]| {
            let mut build = Command::new(&go);
            build
                .args(["build", "-o"])
                .arg(folder.join(kind).join(""))
                .args(programs)
                .current_dir(root().join("tests/go"));
            // What is pinned, and nothing else.
            build.env("CGO_ENABLED", cgo).env("GOTOOLCHAIN", "local").env("GOFLAGS", "-mod=readonly");
            let built = run(&mut build, BUILD);
            assert!(built.fine, "{built}");
        };
        build("static", "0", &[&["./franz", "./sarama", "./segmentio"][..], &TOOLS].concat());
        build("cgo", "1", &["./franz", "./sarama", "./segmentio", "./confluent"]);
        folder
    })
}

/// A program in C that calls libc and nothing else, by musl-gcc.
fn musl(name: &str, options: &[&str]) -> PathBuf {
    let program = scratch("musl").join(name);
    let mut gcc = Command::new("musl-gcc");
    gcc.args(["-std=c11", "-Wall", "-Wextra", "-Werror"]).args(options).arg(programs().join("asks_versions.c"));
    succeeds(gcc.arg("-o").arg(&program));
    program
}

/// A program in Rust that knows rdkafka and nothing of kafka-emr, for musl.
fn rust() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let folder = scratch("rdkafka-musl");
        let target = format!("{}-unknown-linux-musl", std::env::consts::ARCH);
        let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo.args(["build", "--quiet", "--locked", "--target", &target, "--target-dir"]).arg(&folder);
        // librdkafka is C, and takes long to optimise.
        let variable = target.replace('-', "_");
        cargo.env(format!("CC_{variable}"), "musl-gcc").env(format!("CFLAGS_{variable}"), "-O0");
        let built = run(cargo.current_dir(root().join("tests/rdkafka-musl")), BUILD);
        assert!(built.fine, "{built}\n`cargo xtask test` gets what is missing; by hand: rustup target add {target}");
        folder.join(target).join("debug/rdkafka-musl")
    })
}

pub(crate) fn work_on(site: &Site) {
    println!("Go and musl by exec on {}", site.name);
    let of_go = ["static/franz", "static/sarama", "static/segmentio", "cgo/franz", "cgo/sarama", "cgo/segmentio"];
    let clients = of_go.into_iter().chain(["cgo/confluent"]).map(|program| go().join(program));
    let clients = clients.chain([rust().to_owned()]);
    let of_musl = [musl("dynamic", &[]), musl("static", &["-static"])];
    // A client's arguments are more than the others look at.
    let command = |source: Option<&str>, program: &Path, seconds: &str| {
        let mut command = with_names(source, program.to_str().unwrap());
        command.args([&site.servers, TOPIC, seconds]);
        command
    };
    let source = site.source();
    let all: Vec<PathBuf> = clients.chain(of_musl.clone()).collect();
    for program in &all {
        println!("  {}", succeeds(&mut command(Some(&source), program, "60")).stdout.trim_end());
    }
    // Without names they wait as long as they are let. musl's programs look at the EIPs alone, which need no names.
    let need_names = all.iter().filter(|program| site.servers.contains("cluster-") || !of_musl.contains(program));
    thread::scope(|scope| {
        for program in need_names {
            let mut without = command(None, program, "5");
            scope.spawn(move || fails(&mut without, &[]));
        }
    });
    tools_work_on(site);
}

/// Sarama's console producer and consumer, as somebody uses them.
fn tools_work_on(site: &Site) {
    let folder = TempDir::new().unwrap();
    let [producer, consumer] = TOOLS.map(|tool| go().join("static").join(tool.rsplit('/').next().unwrap()));
    let tool = |source: Option<&str>, program: &Path| {
        let mut command = with_names(source, program.to_str().unwrap());
        command.arg(format!("-brokers={}", site.servers)).arg(format!("-topic={TOPIC}"));
        command
    };
    let source = site.source();
    let message = format!("by a tool of others {}", std::process::id());
    succeeds(tool(Some(&source), &producer).arg(format!("-value={message}")));
    let mut consumer = tool(Some(&source), &consumer);
    consumer.arg("-offset=oldest");
    let mut consumer = Daemon::start(&mut consumer, folder.path().join("consumer.log"));
    consumer.wait_for("message", |log| log.contains(&message).then_some(()));
    fails(tool(None, &producer).arg("-value=nothing"), &["Failed to"]);
}
