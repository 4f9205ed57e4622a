//! What is made from the command's own definition: completions, manual pages, the version.

use std::process::Command;

use crate::{file, path, run};

const VERBS: [&str; 10] =
    ["bootstrap", "completions", "demo", "doctor", "endpoints", "exec", "hosts", "import", "man", "resolve"];

#[test]
fn completions_know_every_verb() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = run(["completions", shell]).quietly(0);
        for verb in VERBS {
            assert!(script.contains(verb), "{shell}: {verb}");
        }
    }
    let script = file("", &run(["completions", "bash"]).quietly(0));
    assert!(Command::new("bash").arg("-n").arg(path(&script)).status().unwrap().success());
    assert!(run(["completions", "cmd"]).stderr.contains("bash, elvish, fish, powershell, zsh"));
}

#[test]
fn bash_completes_the_options_of_a_verb() {
    let script = run(["completions", "bash"]).quietly(0);
    let program = r#"eval "$1"
        function=$(complete -p kafka-emr | sed 's/.*-F \([^ ]*\) .*/\1/')
        COMP_WORDS=(kafka-emr doctor --pro) COMP_CWORD=2
        "$function" kafka-emr --pro doctor
        echo "${COMPREPLY[@]}""#;
    let output = std::process::Command::new("bash").args(["-c", program, "bash", &script]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "--probe-topic\n", "{output:?}");
}

#[test]
fn there_is_a_manual_page_for_every_verb() {
    let folder = tempfile::tempdir().unwrap();
    run(["man", folder.path().to_str().unwrap()]).quietly(0);
    let mut pages: Vec<String> =
        folder.path().read_dir().unwrap().map(|page| page.unwrap().file_name().into_string().unwrap()).collect();
    pages.sort();
    let expected: Vec<String> =
        VERBS.iter().map(|verb| format!("kafka-emr-{verb}.1")).chain(["kafka-emr.1".to_owned()]).collect();
    assert_eq!(pages, expected);
    let page = std::fs::read_to_string(folder.path().join("kafka-emr-resolve.1")).unwrap();
    assert!(page.starts_with(".ie \\n(.g") || page.contains(".TH"), "{page}");
    let nowhere = run(["man", "/nowhere"]);
    assert!(
        nowhere.status == 2 && nowhere.stderr.contains("/nowhere is no folder; make it first"),
        "{}",
        nowhere.stderr
    );
}

#[test]
fn the_version_names_librdkafkas() {
    let version = run(["--version"]).quietly(0);
    let short = run(["-V"]).quietly(0);
    let (own, librdkafka) = short.trim_end().split_once(" (librdkafka ").unwrap();
    assert_eq!(own, concat!("kafka-emr ", env!("CARGO_PKG_VERSION")));
    assert!(librdkafka.starts_with("2.") && librdkafka.ends_with(')'), "{short}");
    // What librdkafka is built with, and whether a mechanism is among it that needs more of the machine.
    let [first, kerberos, features] = version.lines().collect::<Vec<_>>()[..] else { panic!("{version}") };
    assert_eq!(first, short.trim_end());
    assert!(features.starts_with("librdkafka has ") && features.contains(" ssl "), "{version}");
    let has = features.split(' ').any(|feature| feature == "sasl_gssapi");
    assert_eq!(kerberos, if has { "with Kerberos" } else { "without Kerberos" });
}
