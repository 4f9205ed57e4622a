//! Programs that do without a libc that could be reached, by the kernel: static Go, musl, and trees of programs.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use super::with_names;
use crate::site::file;
use crate::support::{fails, root, scratch, succeeds};

/// A Go program without cgo.
fn go() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let program = scratch("go").join("resolves");
        let mut go = Command::new("go");
        go.env("CGO_ENABLED", "0").env("GOFLAGS", "-mod=mod").args(["build", "-o"]).arg(&program);
        succeeds(go.arg(root().join("tests/tests/clients/programs/resolves.go")));
        program
    })
}

/// A program for musl, linked as the flags have it.
fn musl(name: &str, flags: &[&str]) -> PathBuf {
    let program = scratch("exec").join(name);
    let file = root().join("tests/tests/clients/programs/exec_calls.c");
    succeeds(Command::new("musl-gcc").args(["-std=c11", "-pthread", "-o"]).arg(&program).arg(file).args(flags));
    program
}

fn description(ip: &str, more: &str) -> String {
    format!("id = \"48742\"\nrelease = \"3.10\"\n[[nodes]]\nname = \"emr-worker-1\"\nprivate_ip = \"{ip}\"\n{more}")
}

fn with_tunnel(tunnel: &str) -> tempfile::TempPath {
    file(&description("127.10.1.24", &format!("connect = \"{tunnel}\"\n")))
}

#[test]
fn programs_that_do_without_libc_resolve_and_connect() {
    let tunnel = TcpListener::bind("127.0.0.1:0").unwrap();
    let tunnel = tunnel.local_addr().unwrap().to_string();
    let description = with_tunnel(&tunnel);
    let source = description.to_str();
    let go = go().to_str().unwrap();
    // No other word is typed.
    let hosts = ["emr-worker-1.cluster-48742:9092", "127.10.1.24:9093"];
    let printed = succeeds(with_names(source, go).args(hosts)).stdout;
    assert_eq!(printed, format!("{tunnel}\n{tunnel}\n"));
    fails(with_names(None, go).args(hosts), &[]);

    for (name, flags) in [("musl_dynamic", &[][..]), ("musl_static", &["-static"])] {
        let program = musl(name, flags);
        let program = program.to_str().unwrap();
        for host in ["emr-worker-1.cluster-48742", "127.10.1.24"] {
            let arguments = ["connect", "puts-port-in", host, "9092"];
            let printed = succeeds(with_names(source, program).args(arguments)).stdout;
            assert_eq!(printed.lines().next(), Some(tunnel.as_str()), "{name} {host}");
        }
        fails(with_names(None, program).args(["connect", "tcp", "emr-worker-1.cluster-48742", "9092"]), &[]);
    }
}

#[test]
fn a_tree_of_programs_has_the_names() {
    let tunnel = TcpListener::bind("127.0.0.1:0").unwrap();
    let tunnel = tunnel.local_addr().unwrap();
    let description = with_tunnel(&tunnel.to_string());
    let node = "const s = require('net').connect(9092, 'emr-worker-1.cluster-48742', () => { console.log(s.remotePort); s.destroy(); });\n\
                s.on('error', e => { console.log(e.message); process.exit(1); });";
    let script = "\"$1\" emr-worker-1.cluster-48742:9092 && node -e \"$2\" && getent hosts emr-worker-1.cluster-48742";
    let arguments = ["-c", script, "sh", go().to_str().unwrap(), node];
    let printed = succeeds(with_names(description.to_str(), "sh").args(arguments)).stdout;
    let lines: Vec<&str> = printed.lines().collect();
    assert_eq!(lines[..2], [tunnel.to_string(), tunnel.port().to_string()], "{printed}");
    assert!(lines[2].starts_with("127.10.1.24 ") && lines[2].ends_with(" emr-worker-1.cluster-48742"), "{printed}");
    fails(with_names(None, "sh").args(arguments), &[]);
}

/// Go reads the hosts file again only if its time or its size is another.
#[test]
fn go_follows_the_description() {
    let description = file(&description("127.10.1.24", ""));
    let mut follows = with_names(description.to_str(), go().to_str().unwrap());
    follows.args(["follow", "emr-worker-1.cluster-48742", "127.10.1.24", "127.10.1.25"]);
    let mut follows = follows.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(follows.stdout.take().unwrap()).lines();
    assert_eq!(lines.next().unwrap().unwrap(), "127.10.1.24");
    let new = description.with_extension("new");
    fs::write(&new, self::description("127.10.1.25", "")).unwrap();
    fs::rename(new, &*description).unwrap();
    assert_eq!(lines.next().unwrap().unwrap(), "127.10.1.25");
    assert!(follows.wait().unwrap().success());
}
