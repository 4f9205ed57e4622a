//! The release on machines that have nothing, little, or old versions of it.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::{Release, debian};
use crate::site::Site;
use crate::support::{fails, root, succeeds};

/// Copies the command and the description into an otherwise empty folder.
fn with_command_alone(release: &Release, site: &Site) -> TempDir {
    let folder = TempDir::new().unwrap();
    fs::copy(release.path("bin/kafka-emr"), folder.path().join("kafka-emr")).unwrap();
    fs::copy(site.description(), folder.path().join("prod.toml")).unwrap();
    folder
}

/// A program in a folder that is all it sees of the file system.
fn in_folder(folder: &Path, program: &str) -> Command {
    let mut command = Command::new("unshare");
    command.args(["--map-root-user", "--root"]).arg(folder).arg(program).env_clear();
    command
}

/// What the command does without anything of the machine's. `command` starts it beside `prod.toml`.
pub(super) fn works_alone(site: &Site, command: impl Fn(&[&str]) -> Command) {
    let servers = succeeds(&mut command(&["bootstrap", "prod.toml"])).stdout;
    assert_eq!(servers.trim_end(), site.servers);
    let demo = succeeds(&mut command(&["demo"])).stdout;
    assert!(demo.contains("emr-worker-1.cluster-48742"), "{demo}");
    let doctor = succeeds(&mut command(&["doctor", "prod.toml", "--probe-topic", crate::site::TOPIC])).stdout;
    assert!(doctor.contains("emr-worker-3.cluster-48742"), "{doctor}");
    // It is the cluster that is examined, and not nothing.
    let elsewhere = "emr://48742?release=EMR-3.10.1&emr-worker-1=127.10.1.24";
    fails(&mut command(&["doctor", elsewhere]), &["127.10.1.24:9092"]);
}

#[test]
fn the_command_works_in_an_empty_folder() {
    let (release, site) = (Release::for_this_machine(), Site::embedded());
    let folder = with_command_alone(release, &site);
    works_alone(&site, |arguments| {
        let mut command = in_folder(folder.path(), "/kafka-emr");
        command.args(arguments);
        command
    });
}

/// A container has the file, and the system calls that Docker lets through by default, as published.
#[test]
fn the_command_works_in_a_container() {
    let (release, site) = (Release::for_this_machine(), Site::embedded());
    let folder = with_command_alone(release, &site);
    let bundle = TempDir::new().unwrap();
    fs::create_dir(folder.path().join("proc")).unwrap();
    let mut go = Command::new("go");
    go.args(["run", "."]).current_dir(root().join("tests/tests/clients/programs/docker_seccomp"));
    let profile: Value = serde_json::from_str(&succeeds(&mut go).stdout).unwrap();
    let container = |arguments: &[&str]| {
        let arguments: Vec<&str> = [&["/kafka-emr"], arguments].concat();
        let config = json!({
            "ociVersion": "1.0.2",
            "root": { "path": folder.path(), "readonly": true },
            "process": {
                "args": arguments, "cwd": "/", "user": { "uid": 0, "gid": 0 },
                "noNewPrivileges": true, "capabilities": {},
            },
            "mounts": [{ "destination": "/proc", "type": "proc", "source": "proc" }],
            // The network is the machine's, where the cluster is.
            "linux": { "namespaces": [{ "type": "mount" }, { "type": "ipc" }], "seccomp": profile },
        });
        fs::write(bundle.path().join("config.json"), config.to_string()).unwrap();
        let mut runc = Command::new("runc");
        runc.arg("--root").arg(bundle.path().join("state")).arg("run").arg("--bundle").arg(bundle.path());
        runc.arg(format!("kafka-emr-{}", std::process::id()));
        runc
    };
    works_alone(&site, container);
}

/// Debian 11 has glibc 2.31, and OpenSSL 1.1.
#[test]
fn an_unpacked_release_works_on_an_old_debian() {
    let (release, site) = (Release::for_this_machine(), Site::embedded());
    let processor = if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" };
    let debian = debian::unpacked("bullseye", processor, &["libc-bin", "python3"]);
    let opt = debian.join("opt");
    let _ = fs::remove_dir_all(&opt);
    succeeds(Command::new("cp").arg("-r").arg(release.folder()).arg(&opt));
    fs::copy(site.description(), opt.join("prod.toml")).unwrap();
    let command = |program: &str, arguments: &[&str]| {
        let mut command = in_folder(&debian, program);
        command.args(arguments);
        command
    };
    let libc = succeeds(&mut command("/usr/bin/getconf", &["GNU_LIBC_VERSION"])).stdout;
    assert_eq!(libc.trim_end(), "glibc 2.31");

    let servers = succeeds(&mut command("/opt/bin/kafka-emr", &["bootstrap", "/opt/prod.toml"])).stdout;
    assert_eq!(servers.trim_end(), site.servers);
    succeeds(&mut command("/opt/bin/kafka-emr", &["doctor", "/opt/prod.toml"]));

    let name = "emr-worker-1.cluster-48742";
    let getent = ["/usr/bin/getent", "ahostsv4", name];
    let found =
        succeeds(&mut command("/opt/bin/kafka-emr", &[&["exec", "/opt/prod.toml", "--"], &getent[..]].concat()));
    assert!(found.stdout.starts_with("10.0.1.24 "), "{found}");
    fails(&mut command(getent[0], &getent[1..]), &[]);

    let lookup = "import ctypes, sys\n\
        emr = ctypes.CDLL('/opt/lib/libkafka_emr.so')\n\
        emr.kafka_emr_resolver_open.restype = ctypes.c_void_p\n\
        error = ctypes.create_string_buffer(512)\n\
        assert emr.kafka_emr_resolver_open(b'/opt/prod.toml', error, 512), error.value\n";
    succeeds(&mut command("/usr/bin/python3", &["-c", lookup]));
    let nothing = lookup.replace("/opt/prod.toml", "/opt/missing.toml");
    fails(&mut command("/usr/bin/python3", &["-c", &nothing]), &["missing.toml"]);
}
