//! Linker flags of the shared library, and its `conf_init`.

use std::env;
use std::path::PathBuf;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=conf_init.rs");
    if variable("CARGO_CFG_TARGET_OS") == "linux" {
        // librdkafka closes a plugin when its last configuration is gone, and a thread may be inside the callback then.
        println!("cargo::rustc-cdylib-link-arg=-Wl,-z,nodelete");
        // Miri links nothing, and stands in for rustc.
        if env::var_os("CARGO_CFG_MIRI").is_none() {
            println!("cargo::rustc-cdylib-link-arg={}", conf_init().display());
        }
    }
}

/// Compiles `conf_init` to an object file. It is no part of the crate: a program that links the static library may have a
/// `conf_init` of its own.
fn conf_init() -> PathBuf {
    let object = PathBuf::from(variable("OUT_DIR")).join("conf_init.o");
    let mut rustc = Command::new(variable("RUSTC"));
    rustc.args(["--edition=2024", "--crate-name=conf_init", "--crate-type=lib", "--emit=obj", "-Copt-level=3"]);
    rustc.args(["-Crelocation-model=pic", "-Cpanic=abort", "--target", &variable("TARGET"), "-o"]).arg(&object);
    let status = rustc.arg("conf_init.rs").status().expect("cargo knows its rustc");
    assert!(status.success(), "conf_init.rs cannot be compiled: {status}");
    object
}

fn variable(name: &str) -> String {
    env::var(name).unwrap_or_else(|_| panic!("cargo sets {name} for build scripts"))
}
