//! Getting jars from Maven Central.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::KafkaVersion;

/// What to do when `mvn` or `java` is not there.
const INSTALL: &str = "install a JDK (17 or later) and Maven; on Debian and Ubuntu: \
                       apt-get install default-jdk-headless maven";

/// Where everything of the harness lives.
pub(crate) fn home() -> PathBuf {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent();
    workspace.expect("the package is a folder of the workspace").join("target/kafka")
}

/// Sees to it that the jars of `version` are on this machine, and returns the folder they are in.
///
/// The first time, Maven downloads them. After that nothing is run and no network is needed,
/// until the pom in `tests/kafka` changes.
///
/// # Errors
///
/// `java` or `mvn` is missing, Maven fails, or the folder cannot be written.
pub fn fetch(version: KafkaVersion) -> Result<PathBuf, String> {
    Jars { of: format!("Kafka {version}"), folder: version.to_string(), pom: version.pom() }.fetch()
}

/// The same with the jars of MirrorMaker 2.
///
/// # Errors
///
/// As [`fetch`].
pub fn fetch_mirror_maker() -> Result<PathBuf, String> {
    let pom = include_str!("../kafka/mirror-maker-2.7.2.pom.xml");
    Jars { of: "MirrorMaker 2".to_owned(), folder: "mirror-maker".to_owned(), pom }.fetch()
}

/// The same with the jars of Kafka Connect.
///
/// # Errors
///
/// As [`fetch`].
pub fn fetch_connect() -> Result<PathBuf, String> {
    let pom = include_str!("../kafka/connect-3.9.1.pom.xml");
    Jars { of: "Kafka Connect".to_owned(), folder: "connect".to_owned(), pom }.fetch()
}

/// The same with the jars that Spark wants for Kafka.
///
/// # Errors
///
/// As [`fetch`].
pub fn fetch_spark_kafka() -> Result<PathBuf, String> {
    let pom = include_str!("../kafka/spark-kafka-3.5.7.pom.xml");
    Jars { of: "Spark for Kafka".to_owned(), folder: "spark-kafka".to_owned(), pom }.fetch()
}

/// The same with the jars that Flink wants for Kafka.
///
/// # Errors
///
/// As [`fetch`].
pub fn fetch_flink_kafka() -> Result<PathBuf, String> {
    let pom = include_str!("../kafka/flink-kafka-3.4.0.pom.xml");
    Jars { of: "Flink for Kafka".to_owned(), folder: "flink-kafka".to_owned(), pom }.fetch()
}

struct Jars {
    of: String,
    /// Where they go, in [`home`].
    folder: String,
    /// The Maven project that names them.
    pom: &'static str,
}

impl Jars {
    fn fetch(self) -> Result<PathBuf, String> {
        require("java", "-version")?;
        let folder = home().join(&self.folder);
        let libs = folder.join("libs");
        if self.are_complete_in(&folder) {
            return Ok(libs);
        }
        require("mvn", "-version")?;
        let fault = |error: io::Error| format!("cannot write {}: {error}", folder.display());

        // All in a folder beside it, renamed when it is complete: there is never a half-filled one,
        // and two processes that fetch at once do not meet.
        fs::create_dir_all(home()).map_err(fault)?;
        let fresh = tempfile::Builder::new().prefix("fetch-").tempdir_in(home()).map_err(fault)?;
        fs::write(fresh.path().join("pom.xml"), self.pom).map_err(fault)?;
        copy_dependencies(fresh.path()).map_err(|why| format!("cannot fetch the jars of {}: {why}", self.of))?;

        if folder.exists() && !self.are_complete_in(&folder) {
            fs::remove_dir_all(&folder).map_err(fault)?;
        }
        match fs::rename(fresh.path(), &folder) {
            Err(error) if !self.are_complete_in(&folder) => Err(fault(error)),
            _ => Ok(libs),
        }
    }

    /// The pom beside the jars is the one they were fetched by.
    fn are_complete_in(&self, folder: &Path) -> bool {
        fs::read_to_string(folder.join("pom.xml")).is_ok_and(|pom| pom == self.pom)
    }
}

fn copy_dependencies(folder: &Path) -> Result<(), String> {
    let maven = Command::new("mvn")
        .args(["-q", "-B", "-Dstyle.color=never", "-f"])
        .arg(folder.join("pom.xml"))
        .arg("dependency:copy-dependencies")
        .arg(format!("-DoutputDirectory={}", folder.join("libs").display()))
        .output()
        .map_err(|error| format!("cannot run mvn: {error}"))?;
    if maven.status.success() {
        return Ok(());
    }
    // Maven reports its errors on standard output.
    Err(format!(
        "mvn ended with {}. Does this machine reach Maven Central? It printed:\n{}{}",
        maven.status,
        String::from_utf8_lossy(&maven.stdout),
        String::from_utf8_lossy(&maven.stderr)
    ))
}

fn require(program: &str, version_flag: &str) -> Result<(), String> {
    match Command::new(program).arg(version_flag).output() {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(format!(
            "`{program} {version_flag}` ended with {}:\n{}{}\nTo have it work, {INSTALL}",
            output.status,
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        )),
        Err(error) => {
            Err(format!("the tests on real brokers need `{program}`, which cannot be run ({error}): {INSTALL}"))
        }
    }
}
