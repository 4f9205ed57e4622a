//! The README's commands are run as they stand there, and print what it shows.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

const README: &str = include_str!("../../../README.md");

/// The content of a text's first block of a language.
fn block<'a>(text: &'a str, language: &str) -> &'a str {
    let (_, rest) = text.split_once(&format!("\n```{language}\n")).unwrap();
    &rest[..rest.find("```").unwrap()]
}

/// A shell in a folder with the README's descriptions. The command and what else is in the folder is on its path.
fn shell(folder: &Path, script: &str) -> Command {
    for (file, language) in [("prod.toml", "toml"), ("prod.json", "json"), ("hosts.txt", "text")] {
        fs::write(folder.join(file), block(README, language)).unwrap();
    }
    let binary = Path::new(env!("CARGO_BIN_EXE_kafka-emr")).parent().unwrap();
    let path = format!("{}:{}:{}", folder.display(), binary.display(), std::env::var("PATH").unwrap());
    let mut shell = Command::new("sh");
    for variable in ["KAFKA_EMR_CLUSTER", "KAFKA_EMR_NETWORK", "KAFKA_EMR_LOG"] {
        shell.env_remove(variable);
    }
    shell.args(["-c", script]).env("PATH", &path).current_dir(folder);
    shell
}

#[test]
fn the_readmes_console_is_true() {
    let folder = tempfile::tempdir().unwrap();
    let mut commands = 0;
    for session in block(README, "console").split("$ ").skip(1) {
        let (command, shown) = session.split_once('\n').unwrap();
        let output = shell(folder.path(), command).output().unwrap();
        assert_eq!(String::from_utf8(output.stderr).unwrap(), "", "{command}");
        assert_eq!(String::from_utf8(output.stdout).unwrap(), shown, "{command}");
        commands += 1;
    }
    assert_eq!(commands, README.matches("\n$ kafka-emr ").count());
}

/// With the API's answer in the place of `aliyun`.
#[test]
fn the_readmes_import_works() {
    let folder = tempfile::tempdir().unwrap();
    let (_, section) = README.split_once("\n## Describe the cluster\n").unwrap();
    let aliyun = folder.path().join("aliyun");
    let reply = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/samples/list_cluster_host_camel_case.json");
    fs::write(&aliyun, format!("#!/bin/sh\ncat {reply}\n")).unwrap();
    fs::set_permissions(&aliyun, fs::Permissions::from_mode(0o755)).unwrap();
    let output = shell(folder.path(), &format!("set -e\n{}", block(section, "sh"))).output().unwrap();
    let [stdout, stderr] = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
    assert!(output.status.success(), "{stderr}");
    let expected = "new.toml: 3 nodes, 2 of them brokers\nnew.toml: nothing changed, 3 nodes, 2 of them brokers\n";
    assert_eq!((stdout.as_str(), stderr.as_str()), (expected, ""));
}
