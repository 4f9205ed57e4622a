//! The file that is written.

use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, chown, symlink};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use super::{BY_HAND, OLD, import, refused, sample};
use crate::finish;

#[test]
fn a_file_is_replaced_only_when_asked_and_as_a_whole() {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("prod.toml");
    let to = target.to_str().unwrap();
    let with = |more: &[&str]| import(&["list_cluster_host_camel_case"], &[&OLD[..], &["-o", to], more].concat());
    assert_eq!(with(&[]).quietly(0), format!("{to}: 3 nodes, 2 of them brokers\n"));
    assert_eq!(fs::metadata(&target).unwrap().permissions().mode() & 0o002, 0);
    let written = fs::read_to_string(&target).unwrap();
    refused(&with(&[]), &[to, "exists already", "--force", "--update"]);
    fs::write(&target, "old").unwrap();
    fs::set_permissions(&target, fs::Permissions::from_mode(0o666)).unwrap();
    refused(&with(&["--force", "--network", "public", "--id", "x y"]), &["--id"]);
    assert_eq!(fs::read_to_string(&target).unwrap(), "old");
    with(&["--force"]).quietly(0);
    assert_eq!(fs::read_to_string(&target).unwrap(), written);
    assert_eq!(fs::metadata(&target).unwrap().permissions().mode() & 0o777, 0o664);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    let nowhere = folder.path().join("none/prod.toml");
    let elsewhere = import(&["list_cluster_host_camel_case"], &[&OLD[..], &["-o", nowhere.to_str().unwrap()]].concat());
    refused(&elsewhere, &["its folder does not exist"]);
    refused(&import(&["list_cluster_host"], &["-o", "/tmp", "--force"]), &["/tmp: is a directory"]);
}

#[test]
fn only_files_are_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let to = |path: &Path, more: &[&str]| {
        let options = [&OLD[..], &["-o", path.to_str().unwrap()], more].concat();
        import(&["list_cluster_host_camel_case"], &options)
    };
    let pipe = at("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    symlink(&pipe, at("link-to-pipe")).unwrap();
    for path in [pipe.clone(), at("link-to-pipe")] {
        refused(&to(&path, &[]), &[path.to_str().unwrap(), "a pipe", "leave --output out"]);
        refused(&to(&path, &["--force"]), &["a pipe"]);
        assert!(fs::metadata(&path).unwrap().file_type().is_fifo());
    }
    symlink("target.toml", at("dangling")).unwrap();
    for more in [&[][..], &["--force"]] {
        refused(&to(&at("dangling"), more), &["a link to target.toml, which does not exist"]);
    }
    assert_eq!(fs::read_link(at("dangling")).unwrap(), Path::new("target.toml"));
    // Now that the target is there, the link stays one.
    fs::write(at("target.toml"), "old").unwrap();
    to(&at("dangling"), &["--force"]).quietly(0);
    assert_eq!(fs::read_link(at("dangling")).unwrap(), Path::new("target.toml"));
    assert!(fs::read_to_string(at("target.toml")).unwrap().starts_with("id = "));
    refused(&to(Path::new("-"), &["--force"]), &["-: no file", "leave --output out"]);
    assert!(!Path::new("-").exists());
    // It is not waited for a writer.
    refused(&import(&["list_cluster_host"], &["--update", pipe.to_str().unwrap()]), &["a pipe"]);
    refused(&import(&["list_cluster_host"], &["--update", "-"]), &["--update: expected a file"]);
    let target = at("target.toml");
    let (both, link) = (target.to_str().unwrap(), at("dangling"));
    for update in [both, link.to_str().unwrap()] {
        let run = import(&["list_cluster_host"], &["--update", update, "-o", both]);
        refused(&run, &[both, "exists already; --update writes it, leave --output out"]);
    }
    let mut names: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["dangling", "link-to-pipe", "pipe", "target.toml"]);
}

#[test]
fn a_file_that_is_replaced_keeps_its_readers() {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("prod.toml");
    let to = target.to_str().unwrap();
    let owned = |user, group, mode| {
        fs::write(&target, BY_HAND).unwrap();
        chown(&target, Some(user), Some(group)).unwrap();
        fs::set_permissions(&target, fs::Permissions::from_mode(mode)).unwrap();
    };
    let owner = || {
        let file = fs::metadata(&target).unwrap();
        (file.uid(), file.gid(), file.mode() & 0o777)
    };
    if fs::metadata(folder.path()).unwrap().uid() != 0 {
        eprintln!("not checked: only root gives files away");
        return;
    }
    const NOBODY: u32 = 65534;
    for options in [&["--update", to][..], &[&OLD[..], &["-o", to, "--force"]].concat()] {
        owned(NOBODY, 1, 0o640);
        assert_eq!(import(&["list_cluster_host"], options).status, 0);
        assert_ne!(fs::read_to_string(&target).unwrap(), BY_HAND);
        assert_eq!(owner(), (NOBODY, 1, 0o640));
    }
    // Who may not give the file to its owner does not take it away.
    owned(0, 0, 0o644);
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).unwrap();
    let binary = folder.path().join("kafka-emr");
    fs::copy(env!("CARGO_BIN_EXE_kafka-emr"), &binary).unwrap();
    let hosts = folder.path().join("hosts.json");
    fs::copy(sample("list_cluster_host"), &hosts).unwrap();
    let other = finish(
        Command::new(&binary)
            .args(["import", hosts.to_str().unwrap(), "--update", to])
            .stdin(Stdio::null())
            .uid(NOBODY)
            .gid(NOBODY),
    );
    refused(&other, &[to, "user 0 and group 0", "--output"]);
    assert_eq!((fs::read_to_string(&target).unwrap().as_str(), owner()), (BY_HAND, (0, 0, 0o644)));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3);
}
