//! What `cargo xtask dist` makes, as a user has it who unpacks it somewhere.

mod aarch64;
mod debian;
mod libraries;
mod machines;
mod musl;
mod wheels;

use std::collections::BTreeMap;
use std::env::consts::ARCH;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tempfile::TempDir;

use crate::c::{NATIVE_LIBRARIES, examples};
use crate::exec::with_kafkajs;
use crate::site::{Site, TOPIC};
use crate::support::{command, root, run, scratch, succeeds, target};

/// OpenSSL takes its time.
const BUILD: Duration = Duration::from_secs(1800);

/// A release for one processor, with the archive unpacked.
pub(crate) struct Release {
    processor: &'static str,
    archive: PathBuf,
    wheels: Vec<PathBuf>,
    folder: PathBuf,
}

impl Release {
    fn for_this_machine() -> &'static Self {
        Self::of(ARCH)
    }

    /// The release for a processor, which is made once.
    fn of(processor: &'static str) -> &'static Self {
        static MADE: Mutex<BTreeMap<&str, &Release>> = Mutex::new(BTreeMap::new());
        let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
        made.entry(processor).or_insert_with(|| Box::leak(Box::new(Self::make(processor))))
    }

    fn make(processor: &'static str) -> Self {
        let mut files = files(processor);
        let archive = files.remove(0);
        let folder = scratch("release").join(processor);
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        succeeds(Command::new("tar").arg("-xzf").arg(&archive).args(["--strip-components=1", "-C"]).arg(&folder));
        Release { processor, archive, wheels: files, folder }
    }

    /// Where the archive is unpacked.
    fn folder(&self) -> &Path {
        &self.folder
    }

    /// A file of the archive.
    fn path(&self, file: &str) -> PathBuf {
        self.folder.join(file)
    }

    /// The wheel for one kind of machines.
    fn wheel(&self, platform: &str) -> &Path {
        let name = |wheel: &&PathBuf| wheel.file_name().unwrap().to_str().unwrap().contains(platform);
        self.wheels.iter().find(name).unwrap_or_else(|| panic!("{platform}: {:?}", self.wheels))
    }
}

/// Makes a release, and returns the archive and the wheels.
fn files(processor: &str) -> Vec<PathBuf> {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["xtask", "dist", "--target", processor]).env("CARGO_TARGET_DIR", target()).current_dir(root());
    let made = run(&mut cargo, BUILD);
    assert!(made.fine, "{made}");
    made.stdout.lines().map(PathBuf::from).collect()
}
#[test]
fn an_unpacked_release_is_all_that_is_needed() {
    let release = Release::for_this_machine();
    let name = format!("kafka-emr-{}-linux-{ARCH}.tar.gz", env!("CARGO_PKG_VERSION"));
    assert_eq!(release.archive.file_name().unwrap().to_str(), Some(name.as_str()));
    let place = release.folder.canonicalize().unwrap();
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
    for linked in ["musl", "openssl ", "openssl-src ", "libz-sys ", "zstd-sys "] {
        assert!(crates.iter().any(|licences| licences.starts_with(&format!("\n{linked}"))), "{linked}: {licences}");
    }
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
    let built = TempDir::new().unwrap();
    for (name, library) in [("shared", library), ("static", place.join("lib/libkafka_emr.a"))] {
        let program = built.path().join(name);
        let mut gcc = Command::new("gcc");
        gcc.arg(examples().join("lookup.c")).arg("-I").arg(place.join("include")).arg(library).args(NATIVE_LIBRARIES);
        succeeds(gcc.arg("-o").arg(&program));
        let found = succeeds(&mut command(&program, [&source, &site.advertised[0]]));
        assert!(found.stdout.contains(" -> 127."), "{found}");
    }
}

/// From the same build, byte by byte. `cargo xtask dist --twice` builds twice.
#[test]
fn a_release_is_the_same_when_it_is_made_again() {
    let read = |file: &PathBuf| (file.clone(), fs::read(file).unwrap());
    let made = |files: &[PathBuf]| files.iter().map(read).collect::<Vec<_>>();
    let first = made(&files(ARCH));
    assert_eq!(first.len(), 3);
    for ((file, first), (_, second)) in first.iter().zip(made(&files(ARCH))) {
        assert!(*first == second, "{} is another one", file.display());
    }
}

/// Or else it would be another one where somebody else builds it.
#[test]
fn a_release_does_not_know_where_it_was_built() {
    let release = Release::for_this_machine();
    let home = std::env::home_dir().unwrap();
    let cargo_home = std::env::var_os("CARGO_HOME").map_or_else(|| home.join(".cargo"), PathBuf::from);
    let folders = [root().to_owned(), target(), cargo_home, home.join(".rustup")];
    for file in ["bin/kafka-emr", "lib/libkafka_emr.so", "lib/libkafka_emr.a", "lib/libkafka_emr_preload.so"] {
        let content = fs::read(release.path(file)).unwrap();
        for folder in folders.iter().map(|folder| folder.as_os_str().as_encoded_bytes()) {
            let found = content.windows(folder.len()).position(|part| part == folder);
            let text =
                found.map(|at| String::from_utf8_lossy(&content[at..(at + 200).min(content.len())]).into_owned());
            assert_eq!(text, None, "{file}");
        }
    }
}
