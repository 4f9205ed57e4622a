//! Programs that the tests use, or that make a release. They are put into a folder of their own.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
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

/// What a release is built with, from PyPI, where all of it is already compiled.
const FOR_RELEASES: &str = "xtask/src/dist/requirements.txt";

/// Installs what a release is built with, unless it is there, and returns the folder of the Python environment.
pub(crate) fn for_releases() -> Result<PathBuf, String> {
    let venv = std::env::current_dir().map_err(|error| error.to_string())?.join(TOOLS).join("python");
    let pins = fs::read_to_string(FOR_RELEASES).map_err(|error| format!("{FOR_RELEASES}: {error}"))?;
    // In the environment itself: it goes with it.
    let stamp = venv.join("requirements.txt");
    if fs::read_to_string(&stamp).ok().as_ref() == Some(&pins) {
        return Ok(venv);
    }
    let mut python = Command::new("python3");
    python.args(["-m", "venv", "--clear"]).arg(&venv);
    run(python)?;
    let mut pip = Command::new(venv.join("bin/python"));
    pip.args(["-m", "pip", "--quiet", "--disable-pip-version-check", "install", "-r", FOR_RELEASES]);
    run(pip)?;
    fs::write(&stamp, pins).map_err(|error| format!("{}: {error}", stamp.display()))?;
    Ok(venv)
}

/// Gets the `docker` program, unless it is there. It is taken out of its package, because that brings the daemon along, and
/// starts it.
pub(crate) fn docker() -> Result<(), String> {
    let (bin, folder) = (Path::new(TOOLS).join("bin"), Path::new(TOOLS).join("docker"));
    if needs::succeeds(&["docker", "--version"]) || bin.join("docker").is_file() {
        return Ok(());
    }
    for folder in [&bin, &folder] {
        fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
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
