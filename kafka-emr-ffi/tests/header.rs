//! The committed header is the one that the sources say.

use std::path::Path;

use expect_test::expect_file;

#[test]
fn the_header_is_up_to_date() {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let config = cbindgen::Config::from_file(package.join("cbindgen.toml")).unwrap();
    let mut header = Vec::new();
    cbindgen::Builder::new().with_crate(package).with_config(config).generate().unwrap().write(&mut header);
    expect_file!["../../include/kafka_emr.h"].assert_eq(&String::from_utf8(header).unwrap());
}
