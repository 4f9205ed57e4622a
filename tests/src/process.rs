//! One JVM.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use crate::poll;

/// How long a clean shutdown may take.
const SHUTDOWN: Duration = Duration::from_secs(60);

/// How many of the last lines of a log an error shows.
const TAIL: usize = 30;

/// What every JVM runs with: small, and quick to start rather than fast.
const FLAGS: &[&str] = &[
    "-Xms64m",
    "-Xmx256m",
    "-Xss512k",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-XX:-UsePerfData",
    "-Xshare:auto",
    "-Djava.awt.headless=true",
    "-Djava.net.preferIPv4Stack=true",
    // A test needs no data that outlives a power cut.
    "-Dzookeeper.forceSync=no",
    // For the versions that log through slf4j-simple; kafka/log4j.properties is for the others.
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=HH:mm:ss,SSS",
    "-Dorg.slf4j.simpleLogger.log.kafka.server.KafkaConfig=warn",
    "-Dorg.slf4j.simpleLogger.log.state.change.logger=warn",
    "-Dorg.slf4j.simpleLogger.log.org.apache.kafka.common.config=warn",
    "-Dorg.slf4j.simpleLogger.log.org.apache.zookeeper=warn",
];

/// A program of Kafka's, ready to run.
pub(crate) struct Java<'a> {
    /// What it is, for messages and the log: "broker-2".
    pub(crate) name: String,
    /// The folder with the jars.
    pub(crate) libs: &'a Path,
    /// Where `log4j.properties` is found, and where `<name>.log` goes.
    pub(crate) dir: &'a Path,
    pub(crate) main_class: &'a str,
    pub(crate) args: &'a [&'a OsStr],
}

impl Java<'_> {
    /// Starts it. It is killed when the returned handle is dropped, or when this process dies.
    pub(crate) fn spawn(self) -> Result<Process, String> {
        let log = self.dir.join(format!("{}.log", self.name));
        self.spawn_logging_to(&log)
            .map_err(|error| format!("cannot start {}: {error}", self.name))
            .map(|(child, guard)| Process { name: self.name, log, child, _guard: guard })
    }

    fn spawn_logging_to(&self, log: &Path) -> io::Result<(Child, Guard)> {
        let out = File::options().create(true).append(true).open(log)?;
        let mut child = Command::new("java")
            .args(FLAGS)
            .arg("-cp")
            .arg(format!("{}/*:{}", self.libs.display(), self.dir.display()))
            .arg(self.main_class)
            .args(self.args)
            .current_dir(self.dir)
            .stdin(Stdio::null())
            .stdout(out.try_clone()?)
            .stderr(out)
            // Ctrl-C is for the tests: they, or else the guard, end the JVM.
            .process_group(0)
            .spawn()?;
        match Guard::of(&child) {
            Ok(guard) => Ok((child, guard)),
            Err(error) => {
                child.kill()?;
                child.wait()?;
                Err(error)
            }
        }
    }
}

/// Kills a child as soon as this process is no more, however that died. Dropping it lets the child be.
pub struct Guard(Child);

impl Guard {
    /// Starts a shell that does it: it reads from a pipe that only this process holds the other end of.
    ///
    /// # Errors
    ///
    /// The shell cannot be started.
    pub fn of(child: &Child) -> io::Result<Guard> {
        Command::new("sh")
            .args(["-c", r#"read -r _; kill -KILL "$1""#, "guard"])
            .arg(child.id().to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .map(Guard)
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A running JVM.
pub(crate) struct Process {
    name: String,
    log: PathBuf,
    child: Child,
    /// Last: the JVM must not outlive it.
    _guard: Guard,
}

impl Process {
    /// An error about this process, with the end of its log.
    pub(crate) fn fault(&self, what: &str) -> String {
        let log = fs::read(&self.log).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        let lines: Vec<&str> = log.lines().collect();
        let tail = lines[lines.len().saturating_sub(TAIL)..].join("\n");
        format!("{} {what}. The end of {}:\n{tail}", self.name, self.log.display())
    }

    /// Fails if it has ended.
    pub(crate) fn check_runs(&mut self) -> Result<(), String> {
        match self.exit_status() {
            Some(status) => Err(self.fault(&format!("ended with {status}"))),
            None => Ok(()),
        }
    }

    /// Waits for it to end by itself, with success.
    pub(crate) fn finish(mut self, limit: Duration) -> Result<(), String> {
        match poll::until(limit, || self.exit_status()) {
            Some(status) if status.success() => Ok(()),
            Some(status) => Err(self.fault(&format!("ended with {status}"))),
            None => Err(self.fault(&format!("did not end within {limit:?}"))),
        }
    }

    /// Asks it to shut down, and waits until it has.
    pub(crate) fn terminate(mut self) -> Result<(), String> {
        self.check_runs()?;
        self.signal("TERM")?;
        match poll::until(SHUTDOWN, || self.exit_status()) {
            Some(_) => Ok(()),
            None => Err(self.fault(&format!("did not shut down within {SHUTDOWN:?}"))),
        }
    }

    /// Stops it where it is, until it is killed.
    pub(crate) fn pause(&self) -> Result<(), String> {
        self.signal("STOP")
    }

    fn signal(&self, name: &str) -> Result<(), String> {
        let mut kill = Command::new("sh");
        kill.args(["-c", r#"kill -"$1" "$2""#, "signal", name]).arg(self.child.id().to_string());
        match kill.status() {
            Ok(status) if status.success() => Ok(()),
            _ => Err(self.fault(&format!("could not be sent SIG{name}"))),
        }
    }

    /// Sends SIGKILL and does not wait, so that several can die at once.
    pub(crate) fn kill(&mut self) {
        // Fails only if it has ended already.
        let _ = self.child.kill();
    }

    fn exit_status(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("the status of a child can be read")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
