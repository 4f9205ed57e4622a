//! What the libraries of a release ask for of the system that they are loaded on.

use std::collections::BTreeSet;
use std::path::Path;

use object::Endianness;
use object::elf::{DT_NEEDED, FileHeader64};
use object::read::elf::{Dyn, FileHeader};

use super::Release;

/// glibc of CentOS 7 and Alibaba Cloud Linux 2.
const OLDEST_GLIBC: (u32, u32) = (2, 17);

/// glibc, and the loader, which is part of it.
pub(super) const OF_GLIBC: [&str; 5] =
    ["libc.so.6", "libdl.so.2", "libpthread.so.0", "ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1"];

/// What a shared library or program asks for.
struct Needs {
    libraries: BTreeSet<String>,
    /// The newest version of glibc that a symbol is of.
    glibc: Option<(u32, u32)>,
}

#[test]
fn libraries_need_an_old_glibc_and_nothing_else() {
    let release = Release::for_this_machine();
    check_all(release);
}

/// Checks every library of a release, and the command.
pub(super) fn check_all(release: &Release) {
    check(&release.path("lib/libkafka_emr.so"), &OF_GLIBC);
    // A program of musl, started by one of glibc, has no such loader.
    check(&release.path("lib/libkafka_emr_preload.so"), &OF_GLIBC[..3]);
    check(&release.path("lib/libkafka_emr_preload_musl.so"), &["libc.so"]);
    // Linked statically.
    check(&release.path("bin/kafka-emr"), &[]);
}

/// Fails where a file asks for a library that is not listed, or for a newer glibc.
#[track_caller]
pub(super) fn check(file: &Path, libraries: &[&str]) {
    let needs = Needs::of(file);
    let more: Vec<&String> = needs.libraries.iter().filter(|library| !libraries.contains(&library.as_str())).collect();
    assert!(more.is_empty(), "{} needs {more:?}", file.display());
    assert!(needs.libraries.is_empty() == libraries.is_empty(), "{} needs no library", file.display());
    assert!(needs.glibc <= Some(OLDEST_GLIBC), "{} needs glibc {:?}", file.display(), needs.glibc);
    println!("{}: needs {:?}, glibc {:?}", file.display(), needs.libraries, needs.glibc);
}

impl Needs {
    /// Reads what a file asks for, for whatever processor it is.
    fn of(file: &Path) -> Self {
        let data = std::fs::read(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let data = &*data;
        let elf = FileHeader64::<Endianness>::parse(data).unwrap();
        let endian = elf.endian().unwrap();
        let sections = elf.sections(endian, data).unwrap();
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_owned()).unwrap();
        let (mut libraries, mut glibc) = (BTreeSet::new(), None);
        if let Some((entries, strings)) = sections.dynamic(endian, data).unwrap() {
            let strings = sections.strings(endian, data, strings).unwrap();
            let needed = entries.iter().filter(|entry| entry.d_tag(endian) == DT_NEEDED);
            libraries.extend(needed.map(|entry| text(entry.string(endian, strings).unwrap())));
        }
        if let Some((mut files, strings)) = sections.gnu_verneed(endian, data).unwrap() {
            let strings = sections.strings(endian, data, strings).unwrap();
            while let Some((_, mut symbols)) = files.next().unwrap() {
                while let Some(symbol) = symbols.next().unwrap() {
                    let version = text(symbol.name(endian, strings).unwrap());
                    glibc = glibc.max(Some(glibc_version(&version).unwrap_or_else(|| panic!("{file:?}: {version}"))));
                }
            }
        }
        Needs { libraries, glibc }
    }
}

/// Reads `GLIBC_2.17`, or `GLIBC_2.2.5`.
fn glibc_version(text: &str) -> Option<(u32, u32)> {
    let mut numbers = text.strip_prefix("GLIBC_")?.split('.').map(str::parse);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
}
