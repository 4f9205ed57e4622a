//! Engines, whose work is done by programs that others start: they have the names by the environment that `kafka-emr exec
//! --print` prints. What the README shows of them is run as it stands there.

mod connect;
mod flink;
mod spark;

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use kafka_emr_tests::Guard;
use tempfile::TempDir;

use crate::support::{LIMIT, kafka_emr, root, without_ours};

/// What makes a JVM small, and quick to start rather than fast.
const JAVA_OPTIONS: &str =
    "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Xshare:auto -XX:-UsePerfData -Djava.net.preferIPv4Stack=true";

/// A program that runs until the test ends, or dies.
pub(crate) struct Daemon {
    child: Child,
    log: PathBuf,
    /// Last: the program must not outlive it.
    _guard: Guard,
}

impl Daemon {
    #[track_caller]
    pub(crate) fn start(command: &mut Command, log: PathBuf) -> Self {
        without_ours(command);
        let out = File::create(&log).unwrap();
        command.stdin(Stdio::null()).stdout(out.try_clone().unwrap()).stderr(out);
        let child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let guard = Guard::of(&child).unwrap();
        Daemon { child, log, _guard: guard }
    }

    fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.log).unwrap()).into_owned()
    }

    /// Waits until `probe` finds something in the log.
    #[track_caller]
    pub(crate) fn wait_for<T>(&mut self, what: &str, probe: impl Fn(&str) -> Option<T>) -> T {
        let end = Instant::now() + LIMIT;
        loop {
            let log = self.log();
            if let Some(found) = probe(&log) {
                return found;
            }
            let ended = self.child.try_wait().unwrap();
            assert!(ended.is_none() && Instant::now() < end, "no {what}; {ended:?}; {}:\n{log}", self.log.display());
            thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if thread::panicking() {
            eprintln!("── the end of {}\n{}", self.log.display(), tail(&self.log()));
        }
    }
}

fn tail(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(60)..].join("\n")
}

/// The README's lines for a shell in which these words stand.
#[track_caller]
pub(crate) fn readme(words: &str) -> Vec<String> {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let mut blocks = readme.split("\n```sh\n").skip(1).map(|rest| &rest[..rest.find("```").unwrap()]);
    let block = blocks.find(|block| block.contains(words)).unwrap_or_else(|| panic!("README.md shows no {words}"));
    block.replace("\\\n", "").lines().map(str::to_owned).collect()
}

/// A line for a shell, in a folder, with the command and more programs in its path.
pub(crate) fn shell(line: &str, folder: &TempDir, programs: &Path) -> Command {
    let command = kafka_emr();
    let mut path = vec![Path::new(command.get_program()).parent().unwrap().to_owned(), programs.to_owned()];
    path.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap()));
    let mut sh = Command::new("sh");
    // It makes room for the program, which is then what a signal reaches.
    sh.arg("-c").arg(format!("exec {line}")).current_dir(folder).env("PATH", std::env::join_paths(path).unwrap());
    sh
}

/// The line as somebody types it who has no kafka-emr.
fn without_names(line: &str) -> String {
    let (exec, rest) = line.split_once(" -- ").unwrap();
    assert!(exec.starts_with("kafka-emr exec "), "{line}");
    rest.to_owned()
}
