//! Linker flags of the shared library.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if std::env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("linux") {
        // librdkafka closes a plugin when its last configuration is gone, and a thread may be inside the callback then.
        println!("cargo::rustc-cdylib-link-arg=-Wl,-z,nodelete");
        // What librdkafka looks up in a plugin. Only the shared library has it: see src/plugin/mod.rs.
        println!("cargo::rustc-cdylib-link-arg=-Wl,--defsym=conf_init=kafka_emr_conf_init");
    }
}
