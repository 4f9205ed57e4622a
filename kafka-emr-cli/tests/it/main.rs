//! Runs the binary as a user does: what it prints, where, and its exit status.

mod bad_input;
mod bootstrap;
mod completions;
mod demo;
mod doctor;
mod endpoints;
#[cfg(target_os = "linux")]
mod exec;
mod exec_print;
mod hosts;
mod import;
mod mounted;
mod output;
mod readme;
mod resolve;

use std::ffi::OsStr;
use std::io::Write;
use std::process::{Command, Stdio};

use tempfile::NamedTempFile;

/// What a run left behind.
struct Run {
    status: i32,
    stdout: String,
    stderr: String,
}

impl Run {
    /// Returns standard output of a run with this status and nothing on standard error.
    #[track_caller]
    fn quietly(self, status: i32) -> String {
        assert_eq!((self.stderr.as_str(), self.status), ("", status), "{}", self.stdout);
        self.stdout
    }

    #[track_caller]
    fn json(self, status: i32) -> serde_json::Value {
        serde_json::from_str(&self.quietly(status)).unwrap()
    }
}

/// The binary without what the environment of the tests would change.
fn kafka_emr<S: AsRef<OsStr>>(args: impl IntoIterator<Item = S>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kafka-emr"));
    for variable in ["KAFKA_EMR_CLUSTER", "KAFKA_EMR_NETWORK", "KAFKA_EMR_LOG", "NO_COLOR", "CLICOLOR_FORCE"] {
        command.env_remove(variable);
    }
    command.args(args).stdin(Stdio::null());
    command
}

fn finish(command: &mut Command) -> Run {
    let output = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Run { status: output.status.code().unwrap(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

fn run<S: AsRef<OsStr>>(args: impl IntoIterator<Item = S>) -> Run {
    finish(&mut kafka_emr(args))
}

fn file(suffix: &str, content: &str) -> NamedTempFile {
    let mut file = tempfile::Builder::new().suffix(suffix).tempfile().unwrap();
    file.write_all(content.as_bytes()).unwrap();
    file
}

/// One cluster in every form that a source has.
struct Forms {
    release: &'static str,
    network: &'static str,
    /// Keeps the files until the test ends.
    _files: Vec<NamedTempFile>,
    /// The arguments that name the source, and a `--network` where the form needs one.
    arguments: Vec<Vec<String>>,
}

const OLD: &str = "EMR-3.10.1";
const NEW: &str = "EMR-3.12.0";

impl Forms {
    fn of(release: &'static str, network: &'static str) -> Self {
        let toml = file(".toml", &toml(release, network));
        let json = file(
            ".json",
            &format!(
                r#"{{"id": "48742", "release": "{release}", "network": "{network}", "nodes": [
                    {{"name": "emr-header-1", "private_ip": "10.0.1.23"}},
                    {{"name": "emr-worker-1", "private_ip": "10.0.1.24", "public_ip": "203.0.113.24"}},
                    {{"name": "emr-worker-2", "private_ip": "10.0.1.25", "public_ip": "203.0.113.25"}}]}}"#
            ),
        );
        let mut arguments = vec![
            vec![path(&toml)],
            vec![path(&json)],
            vec![format!("emr://{}?release={release}&network={network}", path(&toml))],
            vec![inline(release, network)],
        ];
        let mut files = vec![toml, json];
        // Hosts text has no release, and the addresses that it should lead to.
        if release == OLD {
            let [header, one, two] = match network {
                "public" => ["203.0.113.23", "203.0.113.24", "203.0.113.25"],
                _ => ["10.0.1.23", "10.0.1.24", "10.0.1.25"],
            };
            let hosts = file(
                "",
                &format!(
                    "{header} emr-header-1.cluster-48742\n{one} emr-worker-1.cluster-48742\n{two} emr-worker-2.cluster-48742\n"
                ),
            );
            arguments.push(vec![path(&hosts), "--network".to_owned(), network.to_owned()]);
            files.push(hosts);
        }
        Forms { release, network, _files: files, arguments }
    }

    /// Runs a verb on each form; `rest` follows the source.
    fn each(&self, verb: &str, rest: &[&str], mut check: impl FnMut(Run)) {
        for source in &self.arguments {
            let rest = rest.iter().map(|argument| (*argument).to_owned());
            let arguments: Vec<String> = [verb.to_owned()]
                .into_iter()
                .chain(source[..1].to_vec())
                .chain(rest)
                .chain(source[1..].to_vec())
                .collect();
            check(run(arguments));
        }
    }
}

fn toml(release: &str, network: &str) -> String {
    format!(
        r#"
id      = "48742"
release = "{release}"
network = "{network}"

[[nodes]]
name       = "emr-header-1"
private_ip = "10.0.1.23"

[[nodes]]
name       = "emr-worker-1"
private_ip = "10.0.1.24"
public_ip  = "203.0.113.24"

[[nodes]]
name       = "emr-worker-2"
private_ip = "10.0.1.25"
public_ip  = "203.0.113.25"
"#
    )
}

fn inline(release: &str, network: &str) -> String {
    format!(
        "emr://48742?release={release}&network={network}&emr-header-1=10.0.1.23&emr-worker-1=10.0.1.24/203.0.113.24\
         &emr-worker-2=10.0.1.25/203.0.113.25"
    )
}

fn path(file: &NamedTempFile) -> String {
    file.path().to_str().unwrap().to_owned()
}

/// The four rules: name, release and network.
fn rules() -> [(&'static str, Forms); 4] {
    [
        ("R1", Forms::of(NEW, "private")),
        ("R2", Forms::of(NEW, "public")),
        ("R3", Forms::of(OLD, "private")),
        ("R4", Forms::of(OLD, "public")),
    ]
}
