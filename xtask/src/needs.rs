//! The programs that tests need, and how to get them.

use std::process::{Command, Stdio};

/// A program, the Debian package that has it, and what it is for.
struct Need {
    program: &'static str,
    package: &'static str,
    purpose: &'static str,
}

const NEEDS: [Need; 6] = [
    Need { program: "cc", package: "gcc", purpose: "building librdkafka" },
    Need { program: "c++", package: "g++", purpose: "building the fuzz targets" },
    Need { program: "make", package: "make", purpose: "building librdkafka" },
    Need { program: "java", package: "default-jdk-headless", purpose: "real brokers" },
    Need { program: "mvn", package: "maven", purpose: "fetching the jars of real brokers" },
    Need { program: "valgrind", package: "valgrind", purpose: "memory tests" },
];

/// Sees to it that every program is there: installs what is missing where this is Debian and the user may, else says what
/// to install.
pub(crate) fn get() -> Result<(), String> {
    let missing: Vec<&Need> = NEEDS.iter().filter(|need| !runs(need.program)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let packages: Vec<&str> = missing.iter().map(|need| need.package).collect();
    println!("installing {}", packages.join(", "));
    let installed =
        apt(&["update", "-qq"]) && apt(&[&["install", "-y", "-qq", "--no-install-recommends"], &packages[..]].concat());
    let still: Vec<String> = missing
        .iter()
        .filter(|need| !installed || !runs(need.program))
        .map(|need| format!("`{}` for {} (Debian package {})", need.program, need.purpose, need.package))
        .collect();
    if still.is_empty() {
        return Ok(());
    }
    Err(format!(
        "these programs are missing and could not be installed: {}; install them, as root for example with \
         `apt-get install {}`",
        still.join(", "),
        packages.join(" ")
    ))
}

fn apt(arguments: &[&str]) -> bool {
    let mut apt = Command::new("apt-get");
    apt.args(arguments).env("DEBIAN_FRONTEND", "noninteractive").stdin(Stdio::null());
    apt.status().is_ok_and(|status| status.success())
}

/// Whether a program is there: it is asked for its version.
pub(crate) fn runs(program: &str) -> bool {
    let flag = if program == "java" { "-version" } else { "--version" };
    let mut command = Command::new(program);
    command.arg(flag).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}
