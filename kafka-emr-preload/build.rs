//! What the library is linked with: libc alone, because it is loaded into whatever program there is.

use std::path::Path;

fn main() -> std::io::Result<()> {
    println!("cargo::rerun-if-changed=build.rs");
    let target = |key: &str| std::env::var(format!("CARGO_CFG_TARGET_{key}")).unwrap_or_default();
    if target("OS") != "linux" || target("ENV") != "gnu" {
        return Ok(());
    }
    let folder = std::env::var("OUT_DIR").expect("cargo sets OUT_DIR");
    // The linker finds these files before the libraries of the same name. Each names what is linked instead.
    for (library, instead) in [
        // The standard library asks for libgcc_s, which small containers do not have. The archive has the same unwinder.
        ("libgcc_s.so", "INPUT(-lgcc_eh -lgcc)"),
        // libc's own file adds the loader, which is in every program of glibc anyway, and in none of musl.
        ("libc.so", "INPUT(-l:libc.so.6 -l:libc_nonshared.a)"),
    ] {
        std::fs::write(Path::new(&folder).join(library), format!("{instead}\n"))?;
    }
    println!("cargo::rustc-link-search=native={folder}");
    Ok(())
}
