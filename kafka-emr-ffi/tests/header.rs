//! The committed header is the one that the sources make.

use std::path::Path;

use expect_test::expect_file;

/// The version as librdkafka writes its own: a byte each for major, minor and patch, and one more.
fn version() -> String {
    let number = |text: &str| text.parse::<u8>().unwrap();
    let (major, minor, patch) = (
        number(env!("CARGO_PKG_VERSION_MAJOR")),
        number(env!("CARGO_PKG_VERSION_MINOR")),
        number(env!("CARGO_PKG_VERSION_PATCH")),
    );
    // librdkafka counts release candidates in the last byte.
    assert_eq!(env!("CARGO_PKG_VERSION_PRE"), "", "the header has no number for a pre-release yet");
    format!("0x{major:02x}{minor:02x}{patch:02x}ff")
}

#[test]
fn the_header_is_up_to_date() {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut config = cbindgen::Config::from_file(package.join("cbindgen.toml")).unwrap();
    config.after_includes.as_mut().unwrap().push_str(&format!(
        "\n
// The version of this header, as 0xMMmmppff: major, minor, patch, and ff for a release. A program can compare it when it is
// compiled; kafka_emr_version() is that of the library it runs with.
#define KAFKA_EMR_VERSION {}",
        version()
    ));
    let mut header = Vec::new();
    cbindgen::Builder::new().with_crate(package).with_config(config).generate().unwrap().write(&mut header);
    // Constants are named after their type, but without its _t.
    let header = String::from_utf8(header).unwrap().replace("KAFKA_EMR_ERR_T_", "KAFKA_EMR_ERR_");
    let header = header.replace("KAFKA_EMR_LOG_LEVEL_T_", "KAFKA_EMR_LOG_");
    expect_file!["../../include/kafka_emr.h"].assert_eq(&header);
}
