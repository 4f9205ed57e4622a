//! The release for aarch64. Where this machine is of another kind, qemu runs the programs, with libraries of Debian's.

use std::process::Command;

use super::{Release, debian, libraries, machines};
use crate::site::{Site, TOPIC};
use crate::support::{fails, succeeds};

/// A program as it runs on such a machine, with the release in /opt. The description has its own path: proot does not see
/// every call by which a library under qemu looks at a file.
fn there(release: &Release, site: &Site, program: &str, arguments: &[&str]) -> Command {
    let root = debian::unpacked(&debian::this_release(), "arm64", &["kcat", "libc-bin", "musl"]);
    let mut proot = Command::new("proot");
    proot.args(["-q", "qemu-aarch64-static", "-w", "/", "-r"]).arg(root);
    proot.arg("-b").arg(format!("{}:/opt", release.folder().display()));
    proot.arg("-b").arg(site.description()).args(["-b", "/proc", "-b", "/dev", program]).args(arguments);
    proot
}

#[test]
#[ignore = "OpenSSL is built once more, in several minutes: run it with `-- --ignored aarch64` before a release"]
fn a_release_for_aarch64_works() {
    let (release, site) = (Release::of("aarch64"), Site::embedded());
    let source = site.source();
    libraries::check_all(release);
    let there = |program: &str, arguments: &[&str]| there(release, &site, program, arguments);
    machines::works_alone(&site, |arguments| {
        let arguments: Vec<&str> =
            arguments.iter().map(|&argument| if argument == "prod.toml" { &source } else { argument }).collect();
        there("/opt/bin/kafka-emr", &arguments)
    });

    let emr = format!("emr://{source}");
    let plugin = ["-X", "plugin.library.paths=/opt/lib/libkafka_emr.so", "-b", &emr, "-L", "-t", TOPIC];
    let listed = succeeds(&mut there("/usr/bin/kcat", &plugin)).stdout;
    assert!(listed.contains("emr-worker-3.cluster-48742:9092"), "{listed}");

    let getent = ["/usr/bin/getent", "ahostsv4", "emr-worker-1.cluster-48742"];
    let exec = [&["exec", &source, "--"], &getent[..]].concat();
    let found = succeeds(&mut there("/opt/bin/kafka-emr", &exec));
    assert!(found.stdout.starts_with("10.0.1.24 "), "{found}");
    fails(&mut there(getent[0], &getent[1..]), &[]);
}
