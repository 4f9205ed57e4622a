//! Descriptions that are mounted, as containers have them.

use std::os::unix::fs::{PermissionsExt, chown};
use std::process::Command;

/// A file of a user whom the container does not know, mounted into a folder that everybody may write to.
#[test]
fn a_file_that_is_mounted_into_an_open_folder_is_read() {
    let (own, open) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (own, mounted) = (own.path().join("prod.toml"), open.path().join("prod.toml"));
    let text = "id=\"48742\"\nrelease=\"3.10\"\n[[nodes]]\nname=\"emr-worker-1\"\nprivate_ip=\"10.0.1.24\"\n";
    for file in [&own, &mounted] {
        std::fs::write(file, text).unwrap();
        chown(file, Some(54321), None).expect("this test changes owners: run it as root");
    }
    std::fs::set_permissions(open.path(), std::fs::Permissions::from_mode(0o1777)).unwrap();

    // In a mount namespace of its own, which ends with it.
    let read = |prepare: &str| {
        let mut command = Command::new("unshare");
        command.args(["--mount", "sh", "-euc", &format!("{prepare}\nexec \"$0\" bootstrap \"$2\"")]);
        command.arg(env!("CARGO_BIN_EXE_kafka-emr")).args([&own, &mounted]);
        let output = command.output().expect("unshare(1) makes a mount namespace: install util-linux");
        String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
    };
    assert_eq!(read("mount --bind \"$1\" \"$2\""), "emr-worker-1.cluster-48742:9092\n");
    let unmounted = read("");
    assert!(unmounted.contains("the file belongs to another user (uid 54321)"), "{unmounted}");
}
