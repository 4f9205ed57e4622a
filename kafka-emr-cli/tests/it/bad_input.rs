//! What cannot be understood ends with status 2, nothing on standard output, and one line that says why.

use crate::{NEW, file, finish, inline, kafka_emr, path, run};

#[track_caller]
fn refuse(arguments: &[&str], says: &[&str]) {
    let run = run(arguments);
    assert_eq!((run.status, run.stdout.as_str()), (2, ""), "{}", run.stderr);
    check_message(&run.stderr, says);
}

#[track_caller]
fn check_message(stderr: &str, says: &[&str]) {
    assert!(stderr.starts_with("kafka-emr: "), "{stderr}");
    assert_eq!(stderr.matches('\n').count(), 1, "one line: {stderr}");
    for part in says {
        assert!(stderr.contains(part), "{part:?} is missing: {stderr}");
    }
}

#[test]
fn bad_descriptions() {
    for verb in ["bootstrap", "endpoints"] {
        refuse(&[verb, "/nonexistent/prod.toml"], &["/nonexistent/prod.toml", "no such file"]);
        refuse(&[verb, "emr://48742?release=3.1O&emr-worker-1=10.0.1.24"], &["3.1O", "EMR-3.10.1"]);
        refuse(
            &[verb, "emr://48742?release=3.11&emr-worker-1=10.0.1.24&emr-worker-2=10.0.1.25", "--network", "public"],
            &["without EIP", "emr-worker-1, emr-worker-2"],
        );
        refuse(&[verb, ""], &["the source is empty"]);
        refuse(&[verb, "https://example.com/"], &["\"https\""]);
    }
    let unknown_key = file(".toml", "id = \"1\"\nrelease = \"3.11\"\nnetwrk = \"public\"\n");
    refuse(&["endpoints", &path(&unknown_key)], &[&path(&unknown_key), "line 3", "netwrk"]);
    refuse(&["resolve", "/nonexistent/prod.toml", "a"], &["/nonexistent/prod.toml"]);
}

#[test]
fn bad_arguments() {
    let source = inline(NEW, "private");
    refuse(&["resolve", &source, "emr-worker-1:99999"], &["'emr-worker-1:99999'", "\"99999\" is no port"]);
    refuse(&["resolve", &source, "emr-worker-1", "[::1:9092"], &["'[::1:9092'", "bracket"]);
    refuse(&["resolve", &source, "a,b:0"], &["'b:0'"]);
    refuse(&["resolve", &source], &["required", "NAME[:PORT]"]);
    for verb in ["bootstrap", "endpoints", "doctor", "hosts"] {
        refuse(&[verb], &["required", "SOURCE", "or set KAFKA_EMR_CLUSTER"]);
    }
    refuse(&["endpoint", &source], &["'endpoint'", "'endpoints'"]);
    refuse(&["endpoints", &source, "--network", "internet"], &["'internet'", "private, public"]);
    refuse(&["endpoints", &source, "--bootstrap", "ips"], &["'ips'", "addresses, names"]);
    refuse(&["endpoints", &source, "--jsno"], &["--jsno", "--json"]);
}

#[test]
fn bad_environment() {
    let source = inline(NEW, "private");
    let with = |variable, value| finish(kafka_emr(["bootstrap", &source]).env(variable, value));
    let run = with("KAFKA_EMR_NETWORK", "internet");
    assert_eq!(run.status, 2);
    check_message(&run.stderr, &["KAFKA_EMR_NETWORK", "\"internet\"", "private, public"]);
    let run = with("KAFKA_EMR_LOG", "loud");
    assert_eq!(run.status, 2);
    check_message(&run.stderr, &["KAFKA_EMR_LOG", "\"loud\"", "off, error, warn, info, debug"]);
    for level in ["off", "error", "warn", ""] {
        with("KAFKA_EMR_LOG", level).quietly(0);
    }
    for level in ["info", "debug", "INFO"] {
        let told = with("KAFKA_EMR_LOG", level);
        assert_eq!(told.status, 0);
        assert!(told.stderr.starts_with("kafka-emr: info: emr://48742?…: read: cluster-48742"), "{}", told.stderr);
    }
}

#[test]
fn no_verb_shows_the_help() {
    let run = run::<&str>([]);
    assert_eq!((run.status, run.stdout.as_str()), (2, ""));
    assert!(run.stderr.contains("Usage: kafka-emr <COMMAND>"), "{}", run.stderr);
}
