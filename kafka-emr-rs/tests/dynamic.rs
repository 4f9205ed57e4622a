//! The feature `dynamic-linking`: the tests run with the librdkafka that pkg-config has, and no other.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::Command;

use kafka_emr_rs::rdkafka::util::get_rdkafka_version;

fn pkg_config(question: &str) -> String {
    let answer = Command::new("pkg-config").args([question, "rdkafka"]).output().unwrap();
    assert!(answer.status.success(), "{answer:?}");
    String::from_utf8(answer.stdout).unwrap().trim().to_owned()
}

#[test]
fn librdkafka_is_the_one_that_pkg_config_has() {
    assert_eq!(get_rdkafka_version().1, pkg_config("--modversion"));
    let maps = fs::read_to_string("/proc/self/maps").unwrap();
    let mapped: BTreeSet<&Path> = maps.lines().filter_map(|line| Some(Path::new(&line[line.find('/')?..]))).collect();
    let is_librdkafka = |file: &&&Path| file.file_name().is_some_and(|name| name.as_bytes().starts_with(b"librdkafka"));
    let folders: Vec<_> = mapped.iter().filter(is_librdkafka).map(|file| file.parent().unwrap()).collect();
    assert_eq!(folders, [fs::canonicalize(pkg_config("--variable=libdir")).unwrap()], "{maps}");
}
