//! Tests that change owners and mount files run as root of a namespace of their own.

use std::process::Command;

/// The variable that names the test to the process in the namespace.
const INSIDE: &str = "KAFKA_EMR_TEST_INSIDE";

/// Returns whether the test of this name runs in its namespace. Outside of one, runs it there in another process, and returns
/// when it has passed.
///
/// # Panics
///
/// Fails the test if it fails in the namespace, and if there is no way to get one.
#[track_caller]
pub(crate) fn is_inside(test: &str) -> bool {
    if std::env::var_os(INSIDE).is_some_and(|inside| inside == test) {
        return true;
    }
    let mut unshare = Command::new("unshare");
    unshare.arg("--mount");
    if !rustix::process::geteuid().is_root() {
        unshare.args(["--user", "--map-root-user", "--map-auto"]);
    }
    unshare.arg(std::env::current_exe().unwrap()).args(["--exact", test]).env(INSIDE, test);
    let output = unshare.output().expect("unshare, of Debian's package util-linux");
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(
        output.status.success() && stdout.contains("1 passed"),
        "{test} changes owners and mounts files. It needs root with CAP_SYS_ADMIN, or a user with ids in /etc/subuid and \
         /etc/subgid and Debian's package uidmap.\n{stdout}{stderr}"
    );
    false
}
