//! Programs that only the tests use. They are put into a folder of their own.

use std::ffi::OsString;
use std::path::Path;
use std::process::Command;

use crate::needs;
use crate::steps::{cargo, run};

/// The folder, as `cargo install` fills it.
const TOOLS: &str = "target/tools";

/// A program from crates.io, pinned.
pub(crate) struct Tool {
    name: &'static str,
    version: &'static str,
}

/// The version that builds with the oldest Rust that the workspace does.
pub(crate) const CARGO_C: Tool = Tool { name: "cargo-c", version: "0.10.14" };

pub(crate) const CARGO_FUZZ: Tool = Tool { name: "cargo-fuzz", version: "0.13.2" };

impl Tool {
    /// Installs the program, unless it is there. Without optimisation and debug information: making them takes longer than
    /// all that the program does here.
    pub(crate) fn install(&self) -> Result<(), String> {
        let fast = ["--debug", "--config", "profile.dev.debug=false"];
        let tools = ["--root", TOOLS, "--target-dir", "target/tools/build"];
        let what = ["install", "--quiet", "--locked", "--version", self.version, self.name];
        run(cargo(what.into_iter().chain(fast).chain(tools)))
    }
}

/// Gets the `docker` program, unless it is there. It is taken out of its package, because that brings the daemon along, and
/// starts it.
pub(crate) fn docker() -> Result<(), String> {
    let (bin, folder) = (Path::new(TOOLS).join("bin"), Path::new(TOOLS).join("docker"));
    if needs::succeeds(&["docker", "--version"]) || bin.join("docker").is_file() {
        return Ok(());
    }
    for folder in [&bin, &folder] {
        std::fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    }
    needs::apt(&["update", "-qq"]);
    // Debian 12 has it in docker.io.
    let script = "rm -f *.deb && { apt-get download -qq docker-cli 2>/dev/null || apt-get download -qq docker.io; } && \
                  dpkg-deb --fsys-tarfile *.deb | tar -x -C ../bin --strip-components=3 ./usr/bin/docker";
    let mut sh = Command::new("sh");
    sh.args(["-c", script]).current_dir(folder);
    run(sh)
        .map_err(|why| format!("{why}; install Docker's command line, on Debian the package docker-cli or docker.io"))
}

/// PATH with those programs in front.
pub(crate) fn path() -> Result<OsString, String> {
    let tools = std::env::current_dir().map_err(|error| error.to_string())?.join(TOOLS).join("bin");
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::join_paths(std::iter::once(tools).chain(std::env::split_paths(&path))).map_err(|error| error.to_string())
}
