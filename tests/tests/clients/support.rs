//! Programs: what they are built of, and how they are run.

use std::ffi::OsStr;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::thread;
use std::time::{Duration, Instant};

/// How long a program may take on a busy machine.
pub(crate) const LIMIT: Duration = Duration::from_secs(120);

/// The root of the project.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// A folder for what tests build, kept between runs.
pub(crate) fn scratch(name: &str) -> PathBuf {
    let folder = target().join("clients").join(name);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// Where cargo builds.
pub(crate) fn target() -> PathBuf {
    // This program is in target/debug/deps.
    std::env::current_exe().unwrap().ancestors().nth(3).unwrap().to_owned()
}

/// libkafka_emr.so as users get it, built for release. libkafka_emr.a is beside it.
pub(crate) fn library() -> &'static Path {
    static LIBRARY: OnceLock<PathBuf> = OnceLock::new();
    LIBRARY.get_or_init(|| {
        build(&["kafka-emr-ffi"]);
        target().join("release/libkafka_emr.so")
    })
}

/// The command, built for release, with libkafka_emr_preload.so beside it.
pub(crate) fn kafka_emr() -> Command {
    static COMMAND: OnceLock<PathBuf> = OnceLock::new();
    Command::new(COMMAND.get_or_init(|| {
        build(&["kafka-emr-cli", "kafka-emr-preload"]);
        target().join("release/kafka-emr")
    }))
}

fn build(packages: &[&str]) {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["build", "--quiet", "--release", "--target-dir"]).arg(target()).current_dir(root());
    cargo.args(packages.iter().flat_map(|package| ["-p", *package]));
    let built = run(&mut cargo, Duration::from_secs(900));
    assert!(built.fine, "{built}");
}

/// What a program printed and how it ended.
pub(crate) struct Output {
    command: String,
    pub(crate) fine: bool,
    pub(crate) status: String,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl std::fmt::Display for Output {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Output { command, status, stdout, stderr, .. } = self;
        write!(f, "{command}\nended with {status}\n── stdout\n{stdout}\n── stderr\n{stderr}")
    }
}

/// Runs a program to its end, with nothing on standard input, and without the environment's own KAFKA_EMR variables unless
/// the test set them. One that takes longer than `limit` is killed, and has failed.
#[track_caller]
pub(crate) fn run(command: &mut Command, limit: Duration) -> Output {
    without_ours(command);
    let shown = format!("{command:?}");
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = child.unwrap_or_else(|error| {
        let program = command.get_program().display();
        panic!("{program} cannot be started: {error}; `cargo xtask test` installs what the tests need")
    });
    let (stdout, stderr) = (collect(child.stdout.take().unwrap()), collect(child.stderr.take().unwrap()));
    let end = Instant::now() + limit;
    let status = loop {
        match child.try_wait().unwrap() {
            Some(status) => break Ok(status),
            None if Instant::now() >= end => {
                child.kill().unwrap();
                child.wait().unwrap();
                break Err(format!("nothing after {limit:?}; it was killed"));
            }
            None => thread::sleep(Duration::from_millis(20)),
        }
    };
    Output {
        command: shown,
        fine: status.as_ref().is_ok_and(std::process::ExitStatus::success),
        status: status.map_or_else(|why| why, |status| status.to_string()),
        stdout: stdout.join().unwrap(),
        stderr: stderr.join().unwrap(),
    }
}

/// Takes from a program's environment what only the tests' own is to have, unless the test set it.
pub(crate) fn without_ours(command: &mut Command) {
    // Cargo's LD_LIBRARY_PATH leads to the librdkafka of rdkafka-sys, in place of the machine's.
    for variable in ["KAFKA_EMR_CLUSTER", "KAFKA_EMR_NETWORK", "KAFKA_EMR_LOG", "LD_LIBRARY_PATH"] {
        if !command.get_envs().any(|(name, _)| name == variable) {
            command.env_remove(variable);
        }
    }
}

/// Runs a program that must succeed.
#[track_caller]
pub(crate) fn succeeds(command: &mut Command) -> Output {
    let output = run(command, LIMIT);
    assert!(output.fine, "{output}");
    output
}

/// Runs a program that must fail by itself, with all of these words in what it prints.
#[track_caller]
pub(crate) fn fails(command: &mut Command, says: &[&str]) -> Output {
    let output = run(command, LIMIT);
    assert!(!output.fine && !output.status.contains("killed"), "{output}");
    for words in says {
        assert!(output.stdout.contains(words) || output.stderr.contains(words), "no {words:?} in: {output}");
    }
    output
}

fn collect(mut stream: impl Read + Send + 'static) -> thread::JoinHandle<String> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = stream.read_to_end(&mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

/// A command with arguments of several kinds.
pub(crate) fn command<A: AsRef<OsStr>>(program: impl AsRef<OsStr>, arguments: impl IntoIterator<Item = A>) -> Command {
    let mut command = Command::new(program);
    command.args(arguments);
    command
}
