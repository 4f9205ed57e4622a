//! The README's console lines are run, and print what it shows.

use std::process::Command;

const README: &str = include_str!("../../../README.md");

/// The content of the README's first block of a language.
fn block(language: &str) -> &'static str {
    let (_, rest) = README.split_once(&format!("\n```{language}\n")).unwrap();
    &rest[..rest.find("```").unwrap()]
}

#[test]
fn the_readmes_console_is_true() {
    let directory = tempfile::tempdir().unwrap();
    for (file, language) in [("prod.toml", "toml"), ("prod.json", "json"), ("hosts.txt", "text")] {
        std::fs::write(directory.path().join(file), block(language)).unwrap();
    }
    let binary = std::path::Path::new(env!("CARGO_BIN_EXE_kafka-emr")).parent().unwrap();
    let path = format!("{}:{}", binary.display(), std::env::var("PATH").unwrap());
    let mut commands = 0;
    for session in block("console").split("$ ").skip(1) {
        let (command, shown) = session.split_once('\n').unwrap();
        let mut shell = Command::new("sh");
        for variable in ["KAFKA_EMR_CLUSTER", "KAFKA_EMR_NETWORK", "KAFKA_EMR_LOG"] {
            shell.env_remove(variable);
        }
        let output = shell.args(["-c", command]).env("PATH", &path).current_dir(directory.path()).output().unwrap();
        assert_eq!(String::from_utf8(output.stderr).unwrap(), "", "{command}");
        assert_eq!(String::from_utf8(output.stdout).unwrap(), shown, "{command}");
        commands += 1;
    }
    assert_eq!(commands, README.matches("\n$ kafka-emr ").count());
}
