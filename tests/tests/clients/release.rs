//! The archive that `cargo xtask dist` makes, as a user has it who unpacks it somewhere.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;

use crate::c::{NATIVE_LIBRARIES, examples};
use crate::exec::with_kafkajs;
use crate::site::{Site, TOPIC};
use crate::support::{command, root, run, succeeds, target};

fn archive() -> PathBuf {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["xtask", "dist"]).env("CARGO_TARGET_DIR", target()).current_dir(root());
    let made = run(&mut cargo, Duration::from_secs(900));
    assert!(made.fine, "{made}");
    made.stdout.trim_end().into()
}

#[test]
fn an_unpacked_release_is_all_that_is_needed() {
    let archive = archive();
    let name = format!("kafka-emr-{}-", env!("CARGO_PKG_VERSION"));
    assert!(archive.file_name().unwrap().to_str().unwrap().starts_with(&name), "{}", archive.display());
    let place = TempDir::new().unwrap();
    succeeds(Command::new("tar").arg("-xzf").arg(&archive).args(["--strip-components=1", "-C"]).arg(place.path()));
    let place = place.path().canonicalize().unwrap();
    let kafka_emr = |arguments: &[&str]| command(place.join("bin/kafka-emr"), arguments);

    let version = succeeds(&mut kafka_emr(&["--version"])).stdout;
    assert!(version.starts_with(concat!("kafka-emr ", env!("CARGO_PKG_VERSION"))), "{version}");
    for file in [
        "README.md",
        "docs/troubleshooting.md",
        "LICENSES-OF-DEPENDENCIES",
        "LICENSE-APACHE",
        "LICENSE-MIT",
        "share/man/man1/kafka-emr.1",
        "share/man/man1/kafka-emr-exec.1",
        "share/zsh/site-functions/_kafka-emr",
        "share/fish/vendor_completions.d/kafka-emr.fish",
    ] {
        assert!(fs::metadata(place.join(file)).is_ok_and(|file| file.len() > 0), "{file}");
    }
    let licences = fs::read_to_string(place.join("LICENSES-OF-DEPENDENCIES")).unwrap();
    assert!(licences.contains("\nrdkafka-sys ") && licences.contains("librdkafka - Apache Kafka C driver library"));
    let crates: Vec<&str> = licences.split(&"=".repeat(80)).skip(1).collect();
    assert!(crates.iter().any(|licences| licences.starts_with("\nopenssl ")), "{licences}");
    assert!(crates.iter().all(|licences| licences.contains("\n--- ")), "{licences}");
    let completions = place.join("share/bash-completion/completions/kafka-emr");
    succeeds(Command::new("bash").args(["-c", ". \"$0\" && complete -p kafka-emr"]).arg(completions));

    let site = Site::embedded();
    let source = site.source();
    // The preload library is its own, and does its work.
    let preload =
        succeeds(&mut kafka_emr(&["exec", "--via", "preload", &source, "--", "sh", "-c", "echo $LD_PRELOAD"])).stdout;
    assert_eq!(preload.trim_end(), place.join("lib/libkafka_emr_preload.so").to_str().unwrap());
    succeeds(&mut with_kafkajs(kafka_emr(&["exec", &source, "--", "node"]), &site));

    // As a plugin, and for C with the headers, shared and static.
    let library = place.join("lib/libkafka_emr.so");
    let plugin = format!("plugin.library.paths={}", library.display());
    let listed =
        succeeds(&mut command("kcat", ["-X", &plugin, "-b", &format!("emr://{source}"), "-L", "-t", TOPIC])).stdout;
    assert!(listed.contains("emr-worker-3.cluster-48742:9092"), "{listed}");
    for (name, library) in [("shared", library), ("static", place.join("lib/libkafka_emr.a"))] {
        let program = place.join(name);
        let mut gcc = Command::new("gcc");
        gcc.arg(examples().join("lookup.c")).arg("-I").arg(place.join("include")).arg(library).args(NATIVE_LIBRARIES);
        succeeds(gcc.arg("-o").arg(&program));
        let found = succeeds(&mut command(&program, [&source, &site.advertised[0]]));
        assert!(found.stdout.contains(" -> 127."), "{found}");
    }
}

/// From the same build, byte by byte.
#[test]
fn a_release_is_the_same_when_it_is_made_again() {
    let first = fs::read(archive()).unwrap();
    assert!(first == fs::read(archive()).unwrap(), "the two archives differ");
}
