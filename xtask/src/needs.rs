//! What the tests need, and how to get it.

use std::process::{Command, Stdio};

/// Something that tests need, the Debian package that has it, and what it is for.
struct Need {
    what: &'static str,
    /// A command that succeeds when it is there.
    check: &'static [&'static str],
    package: &'static str,
    purpose: &'static str,
}

const NEEDS: [Need; 18] = [
    need("gcc", &["gcc", "--version"], "gcc", "building librdkafka and the C examples"),
    need("g++", &["g++", "--version"], "g++", "building the C++ example and the fuzz targets"),
    need("make", &["make", "--version"], "make", "building librdkafka"),
    need("pkg-config", &["pkg-config", "--version"], "pkg-config", "building the C examples"),
    need("java", &["java", "-version"], "default-jdk-headless", "real brokers"),
    need("mvn", &["mvn", "--version"], "maven", "fetching the jars of real brokers"),
    need("valgrind", &["valgrind", "--version"], "valgrind", "memory tests"),
    need("kcat", &["kcat", "-V"], "kcat", "the plugin in a program as it is"),
    need("librdkafka", &["pkg-config", "--atleast-version=2.0.0", "rdkafka"], "librdkafka-dev", "the C examples"),
    need("OpenSSL", &["pkg-config", "--exists", "openssl"], "libssl-dev", "building cargo-c, and librdkafka with TLS"),
    need("node", &["node", "--version"], "nodejs", "`kafka-emr exec` with Node"),
    need("npm", &["npm", "--version"], "npm", "kafkajs"),
    need("python3 with venv", &["python3", "-c", "import ensurepip, venv"], "python3-venv", "the Python wheel"),
    need("curl", &["curl", "--version"], "curl", "`kafka-emr hosts` for curl"),
    need("musl-gcc", &["musl-gcc", "--version"], "musl-tools", "programs of another libc by `kafka-emr exec`"),
    need("go", &["go", "version"], "golang-go", "programs without a libc by `kafka-emr exec`"),
    need("kubectl", &["kubectl", "version", "--client"], "kubernetes-client", "`kafka-emr exec --print k8s`"),
    need("proot", &["proot", "--version"], "proot", "`kafka-emr hosts` for libc"),
];

const fn need(
    what: &'static str,
    check: &'static [&'static str],
    package: &'static str,
    purpose: &'static str,
) -> Need {
    Need { what, check, package, purpose }
}

/// Sees to it that everything is there: installs what is missing where this is Debian and the user may, else says what to
/// install.
pub(crate) fn get() -> Result<(), String> {
    let missing: Vec<&Need> = NEEDS.iter().filter(|need| !succeeds(need.check)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let packages: Vec<&str> = missing.iter().map(|need| need.package).collect();
    println!("installing {}", packages.join(", "));
    let installed =
        apt(&["update", "-qq"]) && apt(&[&["install", "-y", "-qq", "--no-install-recommends"], &packages[..]].concat());
    let still: Vec<String> = missing
        .iter()
        .filter(|need| !installed || !succeeds(need.check))
        .map(|need| format!("{} for {} (Debian package {})", need.what, need.purpose, need.package))
        .collect();
    if still.is_empty() {
        return Ok(());
    }
    Err(format!(
        "these are missing and could not be installed: {}; install them, as root for example with \
         `apt-get install {}`",
        still.join(", "),
        packages.join(" ")
    ))
}

pub(crate) fn apt(arguments: &[&str]) -> bool {
    let mut apt = Command::new("apt-get");
    apt.args(arguments).env("DEBIAN_FRONTEND", "noninteractive").stdin(Stdio::null());
    apt.status().is_ok_and(|status| status.success())
}

pub(crate) fn succeeds(command: &[&str]) -> bool {
    let mut run = Command::new(command[0]);
    run.args(&command[1..]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    run.status().is_ok_and(|status| status.success())
}
