//! One run of `kafka-emr doctor`, as text and as JSON.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use expect_test::expect_file;
use serde_json::Value;

use super::described::Described;
use crate::support::{LIMIT, Output, kafka_emr, root, run};

/// The password that logs in.
pub(super) const PASSWORD: &str = "open-sesame";

/// Runs it on a description.
pub(super) fn doctor(description: &Path, arguments: &[&str]) -> Output {
    run(kafka_emr().arg("doctor").arg(description).args(arguments), LIMIT)
}

/// A state of a cluster, and what the doctor is to report.
pub(super) struct Case {
    /// Of the screen that is kept.
    name: &'static str,
    /// The code of the first finding; none if all is well.
    first: Option<&'static str>,
    arguments: Vec<String>,
    /// The machine's own hosts file, if it is another one.
    hosts_file: Option<&'static str>,
    /// How long the doctor may take at most, if that matters.
    at_most: Option<Duration>,
}

impl Case {
    pub(super) fn healthy(name: &'static str) -> Self {
        Case { name, first: None, arguments: Vec::new(), hosts_file: None, at_most: None }
    }

    pub(super) fn of(name: &'static str, first: &'static str) -> Self {
        Case { first: Some(first), ..Case::healthy(name) }
    }

    pub(super) fn with(mut self, arguments: &[&str]) -> Self {
        self.arguments.extend(arguments.iter().map(ToString::to_string));
        self
    }

    pub(super) fn properties(self, properties: &[&str]) -> Self {
        properties.iter().fold(self, |case, property| case.with(&["-X", property]))
    }

    /// On a machine with this hosts file.
    pub(super) fn with_hosts_file(self, content: &'static str) -> Self {
        Case { hosts_file: Some(content), ..self }
    }

    /// Nobody waits longer for a doctor whose steps may take three seconds each.
    pub(super) fn within_ten_seconds(self) -> Self {
        Case { at_most: Some(Duration::from_secs(10)), ..self }
    }

    /// The passwords that the doctor is given. None of them may be a word that it prints anyway.
    fn secrets(&self) -> Vec<&str> {
        let given = self.arguments.iter().filter_map(|argument| argument.split_once('='));
        let given = given.filter(|(key, _)| key.ends_with("password")).map(|(_, value)| value);
        let secrets: Vec<&str> = [PASSWORD].into_iter().chain(given).collect();
        for secret in &secrets {
            assert!(secret.len() >= PASSWORD.len(), "{}: {secret:?} can be mistaken for something else", self.name);
        }
        secrets
    }

    /// Runs the doctor and compares: the exit status, the first cause, the screen, the JSON with its schema.
    #[track_caller]
    pub(super) fn on(mut self, described: &Described) {
        // Longer than users wait: the machine is busy. A case may set its own.
        if !self.arguments.iter().any(|argument| argument == "--timeout") {
            self.arguments.splice(0..0, ["--timeout", "20"].map(str::to_owned));
        }
        let file = described.file();
        let hosts = self.hosts_file.map(|content| {
            let file = tempfile::NamedTempFile::new().unwrap();
            std::fs::write(file.path(), content).unwrap();
            file
        });
        let examine = |more: &[&str]| {
            let mut command = kafka_emr();
            if let Some(hosts) = &hosts {
                // It shows one program another file, and needs no rights for that.
                let program = command.get_program().to_owned();
                command = Command::new("proot");
                command.arg("-b").arg(format!("{}:/etc/hosts", hosts.path().display())).arg(program);
            }
            run(command.arg("doctor").arg(&file).args(&self.arguments).args(more), LIMIT)
        };
        let (text, took, json) = thread::scope(|scope| {
            // At the same time: most of it is waiting.
            let json = scope.spawn(|| examine(&["--json"]));
            let started = Instant::now();
            let text = examine(&[]);
            (text, started.elapsed(), json.join().unwrap())
        });
        let expected = if self.first.is_none() { "exit status: 0" } else { "exit status: 1" };
        assert_eq!(text.status, expected, "{}: {text}", self.name);
        if let Some(at_most) = self.at_most {
            assert!(took < at_most, "{}: {took:?}", self.name);
        }
        expect_file![format!("screens/{}.txt", self.name)].assert_eq(&without_times(&text.stdout));
        assert_eq!(json.status, expected, "{}: {json}", self.name);
        let report: Value = serde_json::from_str(&json.stdout).unwrap_or_else(|error| panic!("{error}: {json}"));
        assert_eq!(report["clusters"][0]["findings"][0]["fault"].as_str(), self.first, "{}: {json}", self.name);
        check_schema(&report);
        for secret in self.secrets().into_iter().chain(["sasl.password"]) {
            for output in [&text, &json] {
                assert!(!output.stdout.contains(secret) && !output.stderr.contains(secret), "{secret:?}: {output}");
            }
        }
    }
}

/// Compares a report with the schema that the documents give. Readers must bear keys that they do not know; here each must
/// be known.
fn check_schema(report: &Value) {
    const NAME: &str = "http://kafka-emr.test/doctor.schema.json";
    let text = std::fs::read_to_string(root().join("docs/doctor.schema.json")).unwrap();
    let mut published: Value = serde_json::from_str(&text).unwrap();
    forbid_more(&mut published);
    let mut schemas = boon::Schemas::new();
    let mut compiler = boon::Compiler::new();
    compiler.add_resource(NAME, published).unwrap();
    let schema = compiler.compile(NAME, &mut schemas).unwrap();
    if let Err(error) = schemas.validate(report, schema) {
        panic!("{error}\n{report:#}");
    }
}

/// Lets objects have no keys but those that the schema has.
fn forbid_more(schema: &mut Value) {
    if schema["type"] == "object" {
        schema["additionalProperties"] = false.into();
    }
    match schema {
        Value::Object(fields) => fields.values_mut().for_each(forbid_more),
        Value::Array(items) => items.iter_mut().for_each(forbid_more),
        _ => {}
    }
}

/// The screen without what differs in every run: times, the file, how often clients look names up, and the ids that clusters
/// give themselves.
fn without_times(screen: &str) -> String {
    let mut column = None;
    let mut text = String::new();
    for line in screen.lines() {
        let characters: Vec<char> = line.chars().collect();
        if line.contains(" ms ") && line.contains(" dials ") {
            let place = line.find(" ms ").unwrap() + " ms".len();
            column = Some(line[..place].chars().count());
        } else if line.is_empty() {
            column = None;
        }
        let line = match column {
            Some(end) if characters.len() > end && characters[end - 1].is_ascii_digit() => {
                let before: String = characters[..end - 7].iter().collect();
                let after: String = characters[end..].iter().collect();
                format!("{before}    #.#{after}")
            }
            _ => line.to_owned(),
        };
        let line = match line.split_whitespace().next() {
            _ if line.contains(" · read ") => "FILE · read … ago".to_owned(),
            Some("file") => "  file     FILE, … bytes, changed … ago".to_owned(),
            Some("lookups") => {
                let parts = line.split(|character: char| character.is_ascii_digit()).filter(|part| !part.is_empty());
                parts.collect::<Vec<_>>().join("…")
            }
            _ => line,
        };
        let line = match line.split_once("cluster id ") {
            Some((before, rest)) => {
                let after = rest.find([',', ' ']).map_or("", |end| &rest[end..]);
                format!("{before}cluster id …{after}")
            }
            None => line,
        };
        text += line.trim_end();
        text.push('\n');
    }
    text
}

/// `kafka-emr doctor --watch`, running.
pub(super) struct Watching {
    child: Child,
    lines: Receiver<String>,
    _description: tempfile::TempPath,
}

impl Watching {
    pub(super) fn start(described: &Described) -> Self {
        let description = described.file();
        let mut command = kafka_emr();
        command.arg("doctor").arg(&description).args(["--watch=1", "--timeout", "20"]);
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = channel();
        thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        Watching { child, lines, _description: description }
    }

    /// Waits for a line with these words.
    #[track_caller]
    pub(super) fn until(&mut self, words: &str) {
        let mut seen = Vec::new();
        let end = Instant::now() + LIMIT;
        while let Ok(line) = self.lines.recv_timeout(end.saturating_duration_since(Instant::now())) {
            if line.contains(words) {
                return;
            }
            seen.push(line);
        }
        panic!("no line with {words:?} in:\n{}", seen.join("\n"));
    }

    /// As Ctrl-C does.
    pub(super) fn interrupt(&mut self) -> ExitStatus {
        let id = self.child.id().to_string();
        let sent = std::process::Command::new("sh").args(["-c", r#"kill -INT "$1""#, "interrupt", &id]).status();
        assert!(sent.unwrap().success());
        let end = Instant::now() + LIMIT;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < end, "it does not end");
            thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
