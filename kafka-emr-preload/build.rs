//! Linker flags of the library.

use std::path::Path;

fn main() -> std::io::Result<()> {
    println!("cargo::rerun-if-changed=build.rs");
    if std::env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("linux") {
        // The standard library asks for libgcc_s, which programs built for musl and small containers do not have, and which the
        // loader then ends them for. The linker finds this file first, and with it the unwinder as an archive.
        let folder = std::env::var("OUT_DIR").expect("cargo sets OUT_DIR");
        std::fs::write(Path::new(&folder).join("libgcc_s.so"), "INPUT(-lgcc_eh -lgcc)\n")?;
        println!("cargo::rustc-link-search=native={folder}");
    }
    Ok(())
}
