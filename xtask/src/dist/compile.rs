//! Compiling for one processor, whatever this machine has, and for machines that are older than this one.
//!
//! zig is the C compiler and the linker: it brings musl, and knows each symbol of glibc and since when it is there.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::steps::{output, run};
use crate::tools;

/// The oldest glibc that the libraries load into: CentOS 7 has it, and Alibaba Cloud Linux 2.
const GLIBC: &str = "2.17";

/// How cargo compiles a release.
pub(super) const PROFILE: &str = "dist";

/// What make is to know of OpenSSL, whose paths are those of a usual installation and not of the folder where it is built, and
/// of librdkafka, of which neither the library in C++ nor the list of exported symbols is used.
const MAKE: &str =
    "ENGINESDIR=/usr/local/lib/engines-3 MODULESDIR=/usr/local/lib/ossl-modules LIBSUBDIRS=src WITH_LDS=n";

/// How something is linked. Cargo builds each in a folder of its own: where flags differ, it does not keep what it has built.
#[derive(Clone, Copy)]
pub(super) enum Linked {
    /// The command. This is what Rust does for musl.
    Statically,
    /// Libraries, for musl as for glibc.
    Dynamically,
}

impl Linked {
    /// What rustc is told.
    pub(super) fn flags(self) -> &'static [&'static str] {
        match self {
            Linked::Statically => &[],
            Linked::Dynamically => &["-C", "target-feature=-crt-static"],
        }
    }
}

/// Compiles for one processor.
pub(super) struct Compiler {
    pub(super) arch: String,
    /// The environment of `tools::for_releases`.
    pub(super) python: PathBuf,
    target: PathBuf,
    /// zig itself, so that no Python starts for each file.
    zig: PathBuf,
}

impl Compiler {
    /// Gets what it needs.
    pub(super) fn new(arch: &str, target: &Path) -> Result<Self, String> {
        let python = tools::for_releases()?;
        let mut where_is_zig = Command::new(python.join("bin/python"));
        where_is_zig.args(["-c", "import ziglang; print(ziglang.__path__[0])"]);
        let zig = Path::new(output(where_is_zig)?.trim()).join("zig");
        let this = Compiler { arch: arch.to_owned(), python, target: target.to_owned(), zig };
        for libc in ["gnu", "musl"] {
            let target = this.triple(libc);
            if rustc(&["--print", "target-libdir", "--target", &target]).is_ok_and(|folder| Path::new(&folder).is_dir())
            {
                continue;
            }
            let mut rustup = Command::new("rustup");
            rustup.args(["target", "add", &target]);
            run(rustup).map_err(|why| format!("Rust for {target} is not here: {why}"))?;
        }
        Ok(this)
    }

    /// The target, as Rust names it.
    pub(super) fn triple(&self, libc: &str) -> String {
        format!("{}-unknown-linux-{libc}", self.arch)
    }

    /// Where cargo builds.
    pub(super) fn folder(&self, linked: Linked) -> PathBuf {
        self.target.join("zig").join(match linked {
            Linked::Statically => "static",
            Linked::Dynamically => "shared",
        })
    }

    /// The licence of musl, which is in what is linked statically.
    pub(super) fn musl_licence(&self) -> Result<String, String> {
        let file = self.zig.with_file_name("lib/libc/musl/COPYRIGHT");
        fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))
    }

    /// The command: one static file, with all in it.
    pub(super) fn command(&self) -> Result<PathBuf, String> {
        self.build("musl", Linked::Statically, &["-p", "kafka-emr-cli", "--features", "vendored"])?;
        Ok(self.built("musl", Linked::Statically, "kafka-emr"))
    }

    /// libkafka_emr, shared and static, and the library that `exec` preloads.
    pub(super) fn libraries(&self) -> Result<[PathBuf; 3], String> {
        let what = ["-p", "kafka-emr-ffi", "-p", "kafka-emr-preload"];
        self.build("gnu", Linked::Dynamically, &what)?;
        let files = ["libkafka_emr.so", "libkafka_emr.a", "libkafka_emr_preload.so"];
        Ok(files.map(|file| self.built("gnu", Linked::Dynamically, file)))
    }

    /// The library that `exec` preloads, for programs of musl.
    pub(super) fn preload_for_musl(&self) -> Result<PathBuf, String> {
        self.build("musl", Linked::Dynamically, &["-p", "kafka-emr-preload"])?;
        Ok(self.built("musl", Linked::Dynamically, "libkafka_emr_preload.so"))
    }

    fn build(&self, libc: &str, linked: Linked, what: &[&str]) -> Result<(), String> {
        let target = if libc == "gnu" { format!("{}.{GLIBC}", self.triple(libc)) } else { self.triple(libc) };
        let mut cargo = Command::new(self.python.join("bin/cargo-zigbuild"));
        cargo.args(["zigbuild", "--quiet", "--locked", "--profile", PROFILE, "--target", &target]).args(what);
        cargo.arg("--target-dir").arg(self.folder(linked));
        self.prepare(&mut cargo, libc, linked.flags())?;
        run(cargo)
    }

    /// Where cargo puts a file.
    fn built(&self, libc: &str, linked: Linked, file: &str) -> PathBuf {
        self.folder(linked).join(self.triple(libc)).join(PROFILE).join(file)
    }

    /// The environment of a build. What is built depends on the sources alone: not on where they are, or when it is.
    pub(super) fn prepare(&self, command: &mut Command, libc: &str, flags: &[&str]) -> Result<(), String> {
        let bin = self.target.join("zig/bin");
        let path = std::env::var_os("PATH").unwrap_or_default();
        let path = std::env::join_paths(std::iter::once(bin.clone()).chain(std::env::split_paths(&path)));
        command.env("PATH", path.map_err(|error| error.to_string())?);
        let cc = self.c_compiler(&bin, libc)?;
        let triple = self.triple(libc).replace('-', "_");
        // Of this target alone: the other one's may be this machine itself.
        command.env(format!("CARGO_TARGET_{}_LINKER", triple.to_uppercase()), bin.join(&cc));
        // librdkafka's configure asks for CC, which counts for what runs here as well.
        command.env(format!("CC_{triple}"), &cc).env("CC", &cc).env("HOST_CC", "cc");
        command.env("GNUMAKEFLAGS", MAKE);
        let mut version = Command::new(&self.zig);
        version.arg("version");
        command.env("CARGO_ZIGBUILD_ZIG_COMMAND", &self.zig).env("CARGO_ZIGBUILD_ZIG_VERSION", output(version)?.trim());
        command.env("CARGO_ZIGBUILD_CACHE_DIR", self.target.join("zig"));
        // OpenSSL knows when it was built. Cargo keeps it for later commits.
        command.env("SOURCE_DATE_EPOCH", "0");

        let root = std::env::current_dir().map_err(|error| error.to_string())?;
        let cargo_home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
        let cargo_home = cargo_home.or_else(|| Some(std::env::home_dir()?.join(".cargo"))).ok_or("there is no home")?;
        let rust = rustc(&["--print", "sysroot"])?;
        let folders =
            [(root, "/kafka-emr"), (self.target.clone(), "/target"), (cargo_home, "/cargo"), (rust.into(), "/rust")];
        let remapped = folders.iter().map(|(from, to)| format!("--remap-path-prefix={}={to}", from.display()));
        let flags: Vec<String> = remapped.chain(flags.iter().map(|&flag| flag.to_owned())).collect();
        command.env_remove("RUSTFLAGS").env("CARGO_ENCODED_RUSTFLAGS", flags.join("\x1f"));
        Ok(())
    }

    /// Writes a script that is zig as a C compiler and linker for a libc, and returns its name. OpenSSL has the name in it: this
    /// one is the same everywhere, and found by PATH.
    fn c_compiler(&self, bin: &Path, libc: &str) -> Result<String, String> {
        let version = if libc == "gnu" { format!(".{GLIBC}") } else { String::new() };
        let name = format!("{}-linux-{libc}-cc", self.arch);
        let file = bin.join(&name);
        let cargo_zigbuild = self.python.join("bin/cargo-zigbuild");
        // Debugging information is stripped, and takes its time.
        let script = format!(
            "#!/bin/sh\nexec '{}' zig cc -- -g0 -fno-sanitize=all -target {}-linux-{libc}{version} \"$@\"\n",
            cargo_zigbuild.display(),
            self.arch
        );
        let written = fs::create_dir_all(bin)
            .and_then(|()| fs::write(&file, script))
            .and_then(|()| fs::set_permissions(&file, fs::Permissions::from_mode(0o755)));
        written.map_err(|error| format!("{}: {error}", file.display()))?;
        Ok(name)
    }
}

/// What rustc prints.
fn rustc(arguments: &[&str]) -> Result<String, String> {
    let mut rustc = Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
    rustc.args(arguments);
    output(rustc).map(|printed| printed.trim().to_owned())
}
