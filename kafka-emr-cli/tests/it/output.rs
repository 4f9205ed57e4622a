//! Help, escape codes, and readers that go away.

use std::fs::File;
use std::io::Read;
use std::process::Stdio;

use crate::{NEW, finish, inline, kafka_emr, run};

const VERBS: [&str; 5] = ["demo", "bootstrap", "endpoints", "resolve", "hosts"];

#[test]
fn every_verb_has_help_with_examples() {
    for verb in VERBS {
        let help = run([verb, "--help"]).quietly(0);
        assert!(help.contains(&format!("\nExamples:\n  kafka-emr {verb}")), "{help}");
        assert!(help.contains("\nJSON, one object"), "{help}");
        assert!(run([verb, "-h"]).quietly(0).contains("Usage: "));
        assert!(run(["--help"]).quietly(0).contains(&format!("\n  {verb} ")));
    }
}

#[test]
fn a_pipe_gets_no_escape_codes() {
    let source = inline(NEW, "public");
    let calls: [&[&str]; 5] = [
        &["endpoints", &source],
        &["resolve", &source, "emr-worker-1"],
        &["--help"],
        &["endpoints", "--help"],
        &["bogus"],
    ];
    for call in calls {
        // What some tools take as a wish for colours in pipes too.
        let run = finish(kafka_emr(call).env("CLICOLOR_FORCE", "1").env("NO_COLOR", ""));
        assert!(!(run.stdout + &run.stderr).contains('\u{1b}'), "{call:?}");
    }
}

#[test]
fn nothing_is_cut_in_a_pipe() {
    let source =
        format!("emr://c-0edfee2cccaecc75?region={}&release=5.8.0&core1-1=fd00:1:2:3:4:5:6:7", "r".repeat(200));
    let text = run(["endpoints", &source]).quietly(0);
    assert!(text.contains(&format!("core-1-1.c-0edfee2cccaecc75.{}.emr.aliyuncs.com", "r".repeat(200))));
    assert!(text.contains("[fd00:1:2:3:4:5:6:7]:9092"));
}

#[test]
fn a_closed_pipe_is_no_error() {
    // More than a pipe holds, so that writing has to meet its end.
    let nodes: String = (1..3000).map(|n| format!("&emr-worker-{n}=10.{}.{}.1", n / 250, n % 250)).collect();
    let source = format!("emr://48742?release=3.11{nodes}");
    let mut child = kafka_emr(["endpoints", &source]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdout = child.stdout.take().unwrap();
    stdout.read_exact(&mut [0; 1]).unwrap();
    drop(stdout);
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), String::from_utf8(output.stderr).unwrap().as_str()), (Some(0), ""));
}

#[test]
fn a_full_disk_is_an_error() {
    let Ok(full) = File::options().write(true).open("/dev/full") else { return };
    let run = finish(kafka_emr(["bootstrap", &inline(NEW, "private")]).stdout(full));
    assert_eq!(run.status, 2);
    assert!(run.stderr.starts_with("kafka-emr: standard output cannot be written: "), "{}", run.stderr);
}
