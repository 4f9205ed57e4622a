//! `kafka-emr exec --via kernel`: what a program gets that makes its system calls by itself, and that it is itself.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::thread;
use std::time::{Duration, Instant};

use super::{file, kafka_emr};

const LIMIT: Duration = Duration::from_secs(60);

/// The program that makes the calls: nothing can be put in front of a libc in it.
fn calls() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join("exec_calls");
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/exec/calls.c");
        let mut compiler = Command::new("cc");
        compiler.args(["-static", "-O2", "-std=c11", "-Wall", "-Wextra", "-Werror", "-pthread", source, "-o"]);
        let built = compiler.arg(&program).output().expect("the C compiler cc; install gcc and libc6-dev");
        assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
        program
    })
}

/// The same program, alone.
fn plain(arguments: &[&str]) -> Command {
    let mut command = Command::new(calls());
    command.args(arguments);
    command
}

/// The same program, by the kernel.
fn by_kernel(source: &str, arguments: &[&str]) -> Command {
    let mut command = kafka_emr(["exec", "--via", "kernel", source, "--"]);
    command.arg(calls()).args(arguments);
    command
}

#[track_caller]
fn succeeds(command: &mut Command) -> String {
    let output = command.stdin(Stdio::null()).output().unwrap();
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{command:?}: {}\n{stdout}\n{stderr}", output.status);
    assert_eq!(stderr, "", "{command:?}");
    stdout.into_owned()
}

/// Waits until something is so.
#[track_caller]
fn until<T>(what: &str, mut is_so: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + LIMIT;
    loop {
        if let Some(value) = is_so() {
            return value;
        }
        assert!(Instant::now() < end, "not within {LIMIT:?}: {what}");
        thread::yield_now();
    }
}

fn listen(address: &str) -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind(address).unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

/// A node whose connections are led to a tunnel.
fn with_tunnel(own: &str, tunnel: SocketAddr) -> tempfile::NamedTempFile {
    file(
        ".toml",
        &format!(
            "id=\"48742\"\nrelease=\"3.10\"\n[[nodes]]\nname=\"emr-worker-1\"\nprivate_ip=\"{own}\"\nconnect=\"{tunnel}\"\n"
        ),
    )
}

const PLAIN: &str = "emr://48742?release=3.10&emr-worker-1=127.10.1.24&emr-worker-2=127.10.1.25";

const LINES: &str = "# BEGIN kafka-emr cluster-48742\n127.10.1.24 emr-worker-1.cluster-48742\n\
                     127.10.1.25 emr-worker-2.cluster-48742\n# END kafka-emr cluster-48742\n";

#[test]
fn whoever_reads_the_hosts_file_gets_the_names_in_front_of_the_machines_own() {
    let own = fs::read_to_string("/etc/hosts").unwrap_or_default();
    let ways = [
        "openat",
        "openat2",
        "spelling",
        "folder",
        "cwd",
        if cfg!(target_arch = "x86_64") { "open" } else { "openat" },
    ];
    for way in ways {
        for (flags, closes) in [(0, 0), (libc_o_cloexec(), 1)] {
            let printed = succeeds(&mut by_kernel(PLAIN, &["hosts", way, &flags.to_string()]));
            assert_eq!(printed, format!("flags {closes} 0\n{LINES}{own}"), "{way}");
        }
        // Who writes gets the machine's own, if he may.
        if fs::File::options().write(true).open("/etc/hosts").is_ok() {
            let printed = succeeds(&mut by_kernel(PLAIN, &["hosts", way, "2"]));
            assert_eq!(printed, format!("flags 0 2\n{own}"), "{way}");
        }
    }
    succeeds(&mut by_kernel(PLAIN, &["state"]));
}

fn libc_o_cloexec() -> i32 {
    0o2_000_000
}

#[test]
fn errors_are_as_ever() {
    succeeds(&mut plain(&["errors"]));
    succeeds(&mut by_kernel(PLAIN, &["errors"]));
    let description = with_tunnel("127.10.1.24", slow_server());
    succeeds(&mut by_kernel(description.path().to_str().unwrap(), &["unmap", "3000", "127.10.1.24"]));
}

#[test]
fn a_connection_leads_where_the_description_says() {
    let (_tunnel, tunnel) = listen("127.0.0.1:0");
    let (_other, other) = listen("127.10.1.24:0");
    let (_eip, eip) = listen("127.20.1.24:0");
    let (_in_ipv6, in_ipv6) = listen("[::1]:0");
    let to_tunnel = with_tunnel("127.10.1.24", tunnel);
    let to_ipv6 = with_tunnel("fd00::24", in_ipv6);
    let port = eip.port();
    let public = format!(
        "emr://48742?release=3.11&network=public&port={port}&emr-worker-1=127.10.1.25/127.20.1.24&emr-worker-2=127.10.1.26/127.20.1.26"
    );
    let (to_tunnel, to_ipv6) = (to_tunnel.path().to_str().unwrap(), to_ipv6.path().to_str().unwrap());
    let mapped = |address: SocketAddr| format!("[::ffff:{}]:{}", address.ip(), address.port());
    for (source, how, host, port, leads_to) in [
        (to_tunnel, "blocking", "127.10.1.24", 9092, tunnel.to_string()),
        (to_tunnel, "nonblocking", "127.10.1.24", 9092, tunnel.to_string()),
        (to_tunnel, "blocking", "127.10.1.24", 9093, tunnel.to_string()),
        (to_tunnel, "blocking", "::ffff:127.10.1.24", 9092, mapped(tunnel)),
        (to_tunnel, "nonblocking", "::ffff:127.10.1.24", 9092, mapped(tunnel)),
        (to_tunnel, "longest", "127.10.1.24", 9092, tunnel.to_string()),
        (to_tunnel, "longest", "::ffff:127.10.1.24", 9092, mapped(tunnel)),
        (to_tunnel, "too-short", "127.10.1.24", 9092, "Invalid argument".to_owned()),
        (to_ipv6, "blocking", "fd00::24", 9092, in_ipv6.to_string()),
        (to_ipv6, "nonblocking", "fd00::24", 9092, in_ipv6.to_string()),
        (&public, "blocking", "127.10.1.25", port, eip.to_string()),
        (&public, "nonblocking", "127.10.1.25", port, eip.to_string()),
        // Refused, and not there either.
        (&public, "blocking", "127.10.1.26", port, "Connection refused".to_owned()),
        (&public, "nonblocking", "127.10.1.26", port, "Connection refused".to_owned()),
        // Another port, another protocol, an address of nobody's.
        (to_tunnel, "blocking", "127.10.1.24", other.port(), other.to_string()),
        (to_tunnel, "nonblocking", "127.10.1.24", other.port(), other.to_string()),
        (to_tunnel, "udp", "127.10.1.24", 9092, "127.10.1.24:9092".to_owned()),
        (to_tunnel, "blocking", "127.0.0.1", tunnel.port(), tunnel.to_string()),
    ] {
        let arguments = ["connect", how, host, &port.to_string()];
        let mut connect = by_kernel(source, &arguments);
        assert_eq!(succeeds(connect.env("KEEPS_ADDRESS", "")), format!("{leads_to}\n"), "{arguments:?}");
    }
    if succeeds(&mut plain(&["connect", "mptcp", "127.0.0.1", &tunnel.port().to_string()])) == format!("{tunnel}\n") {
        let connect = &mut by_kernel(to_tunnel, &["connect", "mptcp", "127.10.1.24", "9092"]);
        assert_eq!(succeeds(connect), format!("{tunnel}\n"));
    }
    let connect = &mut by_kernel(to_tunnel, &["constant", "127.10.1.24", "9092"]);
    assert_eq!(succeeds(connect), format!("{tunnel}\n"));
    // The answer of a kernel that sends no data along: the program connects then.
    let sends =
        |source: &str, host: &str, port: u16| succeeds(&mut by_kernel(source, &["fast-open", host, &port.to_string()]));
    assert_eq!(sends(to_tunnel, "127.10.1.24", 9092), "Operation not supported\n".repeat(3));
    assert_eq!(sends(to_tunnel, "127.10.1.24", other.port()), "sent\n".repeat(3));
}

#[test]
fn a_connection_waits_and_is_interrupted_as_ever() {
    let alone = succeeds(&mut plain(&["interrupt", "127.30.7.1", "127.30.7.1"]));
    assert!(alone.starts_with("-1 Interrupted system call, 1 signals\n"), "{alone}");
    let description = with_tunnel("127.10.1.24", "127.30.7.2:9092".parse().unwrap());
    let source = description.path().to_str().unwrap();
    assert_eq!(succeeds(&mut by_kernel(source, &["interrupt", "127.30.7.2", "127.10.1.24"])), alone);
    succeeds(&mut by_kernel(source, &["signals"]));
    // It holds up nothing else.
    let (_other, other) = listen("127.0.0.1:0");
    let port = other.port().to_string();
    let description = with_tunnel("127.10.1.24", "127.30.7.3:9092".parse().unwrap());
    let source = description.path().to_str().unwrap();
    succeeds(&mut by_kernel(source, &["hold", "127.30.7.3", "127.10.1.24", "127.0.0.1", &port]));
}

/// A command in a container whose profile forbids a system call.
fn forbidden(call: i64, error: i32, command: &Command) -> Command {
    let mut forbids = plain(&["forbid", &call.to_string(), &error.to_string()]);
    forbids.arg(command.get_program()).args(command.get_args());
    forbids
}

/// By the numbers that both processors have.
const PIDFD_GETFD: i64 = 438;
const SECCOMP: i64 = if cfg!(target_arch = "x86_64") { 317 } else { 277 };
const EPERM: i32 = 1;
const ENOSYS: i32 = 38;

#[test]
fn a_container_that_gives_no_sockets_has_addresses_in_memory() {
    let server = slow_server();
    let (_other, other) = listen("127.10.1.24:0");
    let description = with_tunnel("127.10.1.24", server);
    let source = description.path().to_str().unwrap();
    for (how, host, port, leads_to) in [
        ("blocking", "127.10.1.24", 9092, server.to_string()),
        ("nonblocking", "127.10.1.24", 9092, server.to_string()),
        ("longest", "::ffff:127.10.1.24", 9092, format!("[::ffff:127.0.0.1]:{}", server.port())),
        ("udp", "127.10.1.24", 9092, "127.10.1.24:9092".to_owned()),
        ("blocking", "127.10.1.24", other.port(), other.to_string()),
    ] {
        let connect = by_kernel(source, &["connect", how, host, &port.to_string()]);
        assert_eq!(succeeds(&mut forbidden(PIDFD_GETFD, EPERM, &connect)), format!("{leads_to}\n"), "{how} {host}");
    }
    let constant = by_kernel(source, &["constant", "127.10.1.24", "9092"]);
    assert_eq!(succeeds(&mut forbidden(PIDFD_GETFD, EPERM, &constant)), format!("{server}\n"));
    let debug = forbidden(PIDFD_GETFD, EPERM, &constant).env("KAFKA_EMR_LOG", "debug").output().unwrap();
    let debug = String::from_utf8_lossy(&debug.stderr);
    assert!(debug.contains("in the program's memory, because pidfd_getfd is forbidden"), "{debug}");
}

/// The hosts file of a program is that of its chroot.
#[test]
fn a_program_in_a_chroot_has_its_own_lines() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    fs::create_dir(root.join("etc")).unwrap();
    fs::copy(calls(), root.join("calls")).unwrap();
    let changes_root: &[&str] = if is_root() { &["chroot"] } else { &["unshare", "-rR"] };
    let hosts = || {
        let mut command = kafka_emr(["exec", "--via", "kernel", PLAIN, "--"]);
        succeeds(command.args(changes_root).arg(root).args(["/calls", "hosts", "openat", "0"]))
    };
    assert_eq!(hosts(), format!("flags 0 0\n{LINES}"), "it has none");
    // A link is one inside of it.
    fs::write(root.join("etc/other"), "10.7.7.7 inside\n").unwrap();
    std::os::unix::fs::symlink("/etc/other", root.join("etc/hosts")).unwrap();
    assert_eq!(hosts(), format!("flags 0 0\n{LINES}10.7.7.7 inside\n"));
}

fn is_root() -> bool {
    fs::metadata("/proc/self").unwrap().uid() == 0
}

/// Nobody may look into a program that its user may run, but not read.
#[test]
fn another_users_program_runs_without_the_names_and_one_line_says_so() {
    if !is_root() {
        println!("NOT RUN as another user: that needs root");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let copy = |from: &Path, name: &str, mode: u32| {
        let to = folder.path().join(name);
        fs::copy(from, &to).unwrap();
        fs::set_permissions(&to, fs::Permissions::from_mode(mode)).unwrap();
        to
    };
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let unreadable = copy(calls(), "unreadable", 0o711);
    let mut command = Command::new(copy(env!("CARGO_BIN_EXE_kafka-emr").as_ref(), "kafka-emr", 0o755));
    let script = format!("{0} hosts openat 0; {0} hosts openat 0; cat /etc/hosts", unreadable.display());
    command.args(["exec", "--via", "kernel", PLAIN, "--", "sh", "-c", &script]).uid(65534).current_dir("/");
    let output = command.stdin(Stdio::null()).output().unwrap();
    let own = fs::read_to_string("/etc/hosts").unwrap();
    let expected = format!("{}{LINES}{own}", format!("flags 0 0\n{own}").repeat(2));
    assert_eq!(String::from_utf8_lossy(&output.stdout), expected);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(stderr.contains("unreadable: ") && stderr.contains("runs without the clusters' names"), "{stderr}");
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
}

#[test]
fn the_way_that_reaches_the_program_is_taken() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, content: &str| {
        let path = folder.path().join(name);
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path
    };
    let source = file("main.c", "int main(void) { return 0; }\n");
    let [dynamic, library] = ["dynamic", "library.so"].map(|name| folder.path().join(name));
    for (to, flags) in [(&dynamic, &[][..]), (&library, &["-shared", "-fPIC"])] {
        assert!(Command::new("cc").args(flags).arg(&source).arg("-o").arg(to).status().unwrap().success());
    }
    let path = |path: &Path| path.to_str().unwrap().to_owned();
    let by_env = file("by-env", &format!("#!/usr/bin/env {}\n", path(&dynamic)));
    let script = file("script", "#!/bin/sh\n");
    let shell = file("shell-by-env", "#!/usr/bin/env -S sh -e\n");
    for (program, via) in [
        (path(&dynamic), "calls libc: by the preload library"),
        (path(&by_env), "calls libc: by the preload library"),
        (path(calls()), "is linked statically: by the kernel"),
        (path(&script), "starts programs, which may do without libc: by the kernel"),
        (path(&shell), "starts programs, which may do without libc: by the kernel"),
        ("sh".to_owned(), "starts programs, which may do without libc: by the kernel"),
    ] {
        let described = |command: Command| {
            let mut command = command;
            let output = command.env("KAFKA_EMR_LOG", "debug").stdin(Stdio::null()).output().unwrap();
            String::from_utf8_lossy(&output.stderr).into_owned()
        };
        let exec = || kafka_emr(["exec", PLAIN, "--library", &path(&library), "--", &program]);
        let debug = described(exec());
        assert!(debug.lines().any(|line| line.contains("debug") && line.ends_with(via)), "{program}: {debug}");
        // If the kernel cannot, a shell at least is reached by the library.
        if program == "sh" {
            let debug = described(forbidden(SECCOMP, EPERM, &exec()));
            assert!(
                debug.contains("by the preload library, because not by the kernel: seccomp(2) is forbidden"),
                "{debug}"
            );
        }
    }
}

/// A server that takes one connection after the other, and sends a byte to each.
fn slow_server() -> SocketAddr {
    let (listener, address) = listen("127.0.0.1:0");
    thread::spawn(move || {
        for connection in listener.incoming() {
            let _ = connection.and_then(|mut connection| connection.write_all(b"x"));
        }
    });
    address
}

#[test]
fn five_hundred_connections_at_once() {
    let server = slow_server();
    let description = with_tunnel("127.10.1.24", server);
    succeeds(&mut by_kernel(description.path().to_str().unwrap(), &["many", "500", "127.10.1.24", "9092"]));
}

/// What runs as `kafka-emr exec` and is not the program: supervisors of one source.
fn supervisors(source: &str) -> Vec<u32> {
    let commands = fs::read_dir("/proc").unwrap().filter_map(|entry| {
        let entry = entry.ok()?;
        let process = entry.file_name().to_str()?.parse().ok()?;
        let command = fs::read(entry.path().join("cmdline")).ok()?;
        let words: Vec<&[u8]> = command.split(|byte| *byte == 0).collect();
        (words.get(1) == Some(&&b"exec"[..]) && words.contains(&source.as_bytes())).then_some(process)
    });
    commands.collect()
}

/// A program that runs on, and its one supervisor.
fn running(source: &str, arguments: &[&str]) -> (Child, u32) {
    let mut command = by_kernel(source, arguments);
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let supervisor = until("one supervisor", || match supervisors(source)[..] {
        [supervisor] if supervisor != child.id() => Some(supervisor),
        _ => None,
    });
    (child, supervisor)
}

fn files_of(process: u32) -> usize {
    fs::read_dir(format!("/proc/{process}/fd")).map_or(0, Iterator::count)
}

#[test]
fn nothing_is_left_behind() {
    let server = slow_server();
    let description = with_tunnel("127.10.1.24", server);
    let source = description.path().to_str().unwrap();
    // A shell that waits for a line between the programs that it starts.
    let script = format!(
        "read x; {0} sequence 1000 127.10.1.24 9092 && {0} opens 1000 /etc/hosts && {0} opens 1000 /etc/passwd && {0} fork 1000 127.10.1.24 9092 && echo done; read x",
        calls().display()
    );
    let mut command = kafka_emr(["exec", "--via", "kernel", source, "--", "sh", "-c", &script]);
    let mut shell = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let supervisor = until("one supervisor", || match supervisors(source)[..] {
        [supervisor] if supervisor != shell.id() => Some(supervisor),
        _ => None,
    });
    // A file of the last hosts file is kept.
    let before = files_of(supervisor) + 1;
    let mut input = shell.stdin.take().unwrap();
    input.write_all(b"\n").unwrap();
    let mut line = String::new();
    BufReader::new(shell.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line, "done\n");
    let after = files_of(supervisor);
    assert!(after <= before, "{after} files after {before}");
    drop(input);
    shell.wait().unwrap();
    until("its end", || supervisors(source).is_empty().then_some(()));
}

#[test]
fn the_program_is_itself() {
    let exec = |source: &str| kafka_emr(["exec", "--via", "kernel", source, "--"]);
    // In the same process, so that all of this is the same: it is by the command, and by the program alone.
    let folder = tempfile::tempdir().unwrap();
    let itself = |mut command: Command| {
        command.env_clear().env("A", "b").current_dir(folder.path());
        let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
        let process = child.id();
        let output = String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap();
        assert!(output.starts_with(&format!("pid {process} of ")), "{output}");
        output.replace(&format!("pid {process} "), "pid ")
    };
    assert_eq!(itself(by_kernel(PLAIN, &["itself"])), itself(plain(&["itself"])));
    let (_listener, tunnel) = listen("127.0.0.1:0");
    let description = with_tunnel("127.10.1.24", tunnel);
    let source = description.path().to_str().unwrap();
    assert_eq!(succeeds(&mut by_kernel(source, &["closes", "127.10.1.24", "9092"])), format!("{tunnel}\n"));
    // Its exit status; a signal ends it, whichever comes; and it is waited for as ever.
    let status = exec(source).args(["sh", "-c", "exit 7"]).status().unwrap();
    assert_eq!(status.code(), Some(7));
    for signal in ["TERM", "INT", "HUP", "USR1", "KILL"] {
        let (mut child, _) = running(source, &["waits"]);
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let number = Command::new("kill").args(["-l", signal]).output().unwrap().stdout;
        let number: i32 = String::from_utf8(number).unwrap().trim().parse().unwrap();
        assert!(Command::new("kill").args(["-s", signal, &child.id().to_string()]).status().unwrap().success());
        assert_eq!(child.wait().unwrap().signal(), Some(number));
        until("its end", || supervisors(source).is_empty().then_some(()));
    }
    // A terminal stops it and interrupts it.
    let program = env!("CARGO_BIN_EXE_kafka-emr");
    let waits = [program, "exec", "--via", "kernel", source, "--", calls().to_str().unwrap(), "waits"];
    let mut terminal = plain(&["terminal"]);
    let output = terminal.args(waits).stdin(Stdio::null()).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "stopped by 20\nkilled by 2\n");
}

/// What waits for the end of the program's streams does not wait for those that it leaves running.
#[test]
fn a_program_left_running_keeps_no_stream_open() {
    let description = with_tunnel("127.10.1.24", "127.0.0.1:9".parse().unwrap());
    let source = description.path().to_str().unwrap();
    let script = format!("{} waits < /dev/null > /dev/null 2>&1 & echo $!", calls().display());
    let output = kafka_emr(["exec", "--via", "kernel", source, "--", "sh", "-c", &script]).output().unwrap();
    let left = String::from_utf8(output.stdout).unwrap();
    assert_eq!(supervisors(source).len(), 1, "it answers for the program that is left");
    assert!(Command::new("kill").arg(left.trim()).status().unwrap().success());
    until("its end", || supervisors(source).is_empty().then_some(()));
}

#[test]
fn a_supervisor_that_is_killed_hangs_nobody() {
    let description = with_tunnel("127.10.1.24", "127.0.0.1:9".parse().unwrap());
    let source = description.path().to_str().unwrap();
    let (child, supervisor) = running(source, &["lives"]);
    assert!(Command::new("kill").args(["-9", &supervisor.to_string()]).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    let printed = String::from_utf8(output.stdout).unwrap();
    assert!(printed.ends_with("Function not implemented\n"), "{printed}");
}

/// A service manager that stops a service signals all of its processes: the program has the names until its own end.
#[test]
fn a_supervisor_goes_on_when_all_processes_are_signalled() {
    let description = with_tunnel("127.10.1.24", "127.0.0.1:9".parse().unwrap());
    let (mut child, supervisor) = running(description.path().to_str().unwrap(), &["lives"]);
    let stat = fs::read_to_string(format!("/proc/{supervisor}/stat")).unwrap();
    let (_, fields) = stat.rsplit_once(") ").unwrap();
    assert_eq!(fields.split(' ').nth(3), Some(supervisor.to_string().as_str()), "a session of its own: {stat}");
    for signal in ["HUP", "INT", "QUIT", "TERM", "TSTP", "USR1"] {
        assert!(Command::new("kill").args(["-s", signal, &supervisor.to_string()]).status().unwrap().success());
    }
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    for _ in 0..10 {
        until("the name", || (lines.next()?.ok()? == "127.10.1.24 emr-worker-1.cluster-48742").then_some(()));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    until("its end", || fs::metadata(format!("/proc/{supervisor}")).is_err().then_some(()));
}

#[test]
fn a_description_is_followed_and_a_bad_one_changes_nothing() {
    let describe = |ip: &str| format!("10.0.1.1 emr-header-1.cluster-48742\n{ip} emr-worker-1.cluster-48742\n");
    let description = file("", &describe("127.10.1.24"));
    let source = description.path().to_str().unwrap();
    let (mut child, _) = running(source, &["lives"]);
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut seen = |entry: &str| until(entry, || (lines.next().unwrap().unwrap() == entry).then_some(()));
    let replace = |content: &str| {
        let new = description.path().with_extension("new");
        fs::write(&new, content).unwrap();
        fs::rename(new, description.path()).unwrap();
    };
    seen("127.10.1.24 emr-worker-1.cluster-48742");
    replace(&describe("127.10.1.25"));
    seen("127.10.1.25 emr-worker-1.cluster-48742");
    replace("release = ");
    // Seen as bad by now, and again by then.
    let mut warning = String::new();
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    stderr.read_line(&mut warning).unwrap();
    assert!(warning.contains("the last good description stays in use"), "{warning}");
    seen("127.10.1.25 emr-worker-1.cluster-48742");
    replace(&describe("127.10.1.26"));
    seen("127.10.1.26 emr-worker-1.cluster-48742");
    child.kill().unwrap();
    child.wait().unwrap();
    let mut rest = String::new();
    stderr.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "", "one warning");
}

#[test]
fn what_cannot_be_supervised_is_refused() {
    let program = env!("CARGO_BIN_EXE_kafka-emr");
    let inside = &[program, "exec", "--via", "kernel", PLAIN, "--", "true"];
    for (mut command, says) in [
        (forbidden(SECCOMP, EPERM, &by_kernel(PLAIN, &["state"])), "seccomp(2) is forbidden here"),
        (forbidden(SECCOMP, ENOSYS, &by_kernel(PLAIN, &["state"])), "is missing in this Linux"),
        (kafka_emr([&["exec", "--via", "kernel", PLAIN, "--"], &inside[..]].concat()), "supervised already"),
        (
            kafka_emr(["exec", "--via", "preload", PLAIN, "--", calls().to_str().unwrap()]),
            "linked statically, so nothing can be put in front of libc in it; use --via kernel",
        ),
        (
            kafka_emr(["exec", "--via", "kernel", PLAIN, "--", "/nowhere/program"]),
            "there is no program /nowhere/program",
        ),
    ] {
        let output = command.output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!((output.status.code(), stderr.lines().count()), (Some(2), 1), "{stderr}");
        assert!(stderr.contains(says), "{stderr}");
    }
    // A script's programs are reached by the kernel, else by the library; a static one inside by nothing else.
    let described = |arguments: &[&str]| {
        let mut command = kafka_emr(["exec", "--via", "kernel", PLAIN, "--", program, "exec", PLAIN, "--"]);
        let output = command.args(arguments).env("KAFKA_EMR_LOG", "debug").output().unwrap();
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    let stderr = described(&[calls().to_str().unwrap(), "state"]);
    assert!(stderr.contains("reached by the kernel alone, but this process is supervised already"), "{stderr}");
}
