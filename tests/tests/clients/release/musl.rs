//! The preload libraries in programs of musl.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use super::Release;
use crate::support::{root, scratch, succeeds};

const SOURCE: &str = "emr://48742?release=3.10&emr-worker-1=127.10.1.24";
const NAME: &str = "emr-worker-1.cluster-48742";

/// What a program of musl finds of some names, with a library of the release preloaded or without.
fn found(library: Option<&str>) -> String {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    let program = PROGRAM.get_or_init(|| {
        let program = scratch("release").join("musl");
        let source = root().join("tests/tests/clients/programs/exec_calls.c");
        succeeds(Command::new("musl-gcc").arg("-pthread").arg("-o").arg(&program).arg(source));
        program
    });
    let mut resolve = Command::new(program);
    resolve.args(["resolve", "127.0.0.1", NAME]).env("KAFKA_EMR_CLUSTER", SOURCE);
    if let Some(library) = library {
        let library = Release::for_this_machine().path(Path::new("lib").join(library).to_str().unwrap());
        assert!(library.is_file(), "{}", library.display());
        resolve.env("LD_PRELOAD", library);
    }
    let output = succeeds(&mut resolve);
    assert_eq!(output.stderr, "", "{output}");
    output.stdout
}

/// A program of glibc that has the library may start them. They have the system's names, as ever.
#[test]
fn programs_of_musl_start_with_the_library_for_glibc() {
    let with = found(Some("libkafka_emr_preload.so"));
    assert!(with.contains(" 127.0.0.1:9092 ") && !with.contains("127.10.1.24"), "{with}");
    assert_eq!(with, found(None));
}

#[test]
fn programs_of_musl_have_the_names_with_their_own_library() {
    let with = found(Some("libkafka_emr_preload_musl.so"));
    assert!(with.contains(" 127.10.1.24:9092 "), "{with}");
    assert!(!found(None).contains("127.10.1.24"));
}
