//! libc's calls, one by one, with the preload library of `exec` and without: what a program gets, and what becomes of it.

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use tempfile::TempDir;

use crate::site::file;
use crate::support::{LIMIT, fails, kafka_emr, root, run, scratch, succeeds};

/// A program with the names of a source, by the library, which is what is tested here; without one, the program as it is.
fn with_names(source: Option<&str>, program: &str) -> Command {
    let Some(source) = source else { return Command::new(program) };
    let mut command = kafka_emr();
    command.args(["exec", "--via", "preload", source, "--", program]);
    command
}

/// The program that makes the calls, with its arguments.
fn calls(source: Option<&str>, arguments: &[&str]) -> Command {
    calls_of(program().to_str().unwrap(), source, arguments)
}

fn calls_of(program: &str, source: Option<&str>, arguments: &[&str]) -> Command {
    let mut command = with_names(source, program);
    command.args(arguments);
    command
}

fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| built("exec_calls", &["-O2", "-pthread", "-lrt"]))
}

/// A program of one of the files, made by gcc with these flags.
fn built(name: &str, flags: &[&str]) -> PathBuf {
    let program = scratch("exec").join(name);
    compile(&mut Command::new("gcc"), name, &program, flags);
    program
}

/// A library of one of the files, to be put behind that of `exec`.
fn library(name: &str) -> PathBuf {
    let library = scratch("exec").join(name).with_extension("so");
    compile(&mut Command::new("gcc"), name, &library, &["-shared", "-fPIC"]);
    library
}

fn compile(compiler: &mut Command, name: &str, to: &Path, flags: &[&str]) {
    let file = root().join("tests/tests/clients/programs").join(name).with_extension("c");
    succeeds(compiler.args(["-std=c11", "-Wall", "-Wextra", "-Werror", "-o"]).arg(to).arg(file).args(flags));
}

/// What a case prints, without the line that says it is done.
#[track_caller]
fn printed(command: &mut Command) -> String {
    let output = succeeds(command);
    let (printed, _) = output.stdout.rsplit_once(": done\n").unwrap_or_else(|| panic!("{output}"));
    printed.rsplit_once('\n').map_or("", |(printed, _)| printed).to_owned()
}

const DESCRIPTION: &str = "id = \"48742\"\nrelease = \"3.10\"\nstrict = true\n";

fn node(name: &str, keys: &[(&str, &str)]) -> String {
    let keys = keys.iter().map(|(key, value)| format!("{key} = \"{value}\"\n")).collect::<String>();
    format!("[[nodes]]\nname = \"{name}\"\n{keys}")
}

/// A hosts file says the same: libc itself shows what is right.
#[test]
fn a_program_gets_what_libc_gives_with_a_hosts_file() {
    let description = file(&format!(
        "{DESCRIPTION}{}{}",
        node("emr-worker-1", &[("private_ip", "10.0.1.24")]),
        node("emr-worker-2", &[("private_ip", "fd00::25")])
    ));
    let source = description.to_str().unwrap();
    let folder = TempDir::new().unwrap();
    let [hosts, other_hosts, switch] = ["hosts", "other_hosts", "nsswitch.conf"].map(|name| folder.path().join(name));
    // DNS has no such name, but a hosts file may.
    let long = "a".repeat(300);
    let others = format!("127.0.0.1 localhost\n127.0.0.77 {long}\n");
    let exported = succeeds(kafka_emr().args(["hosts", source, "--format", "hosts"])).stdout;
    fs::write(&hosts, exported + &others).unwrap();
    fs::write(&other_hosts, others).unwrap();
    fs::write(&switch, "hosts: files\nservices: files\n").unwrap();
    let with_hosts = |hosts: &Path| {
        let mut proot = Command::new("proot");
        for (file, path) in [(hosts, "/etc/hosts"), (&switch, "/etc/nsswitch.conf")] {
            proot.arg("-b").arg(format!("{}:{path}", file.display()));
        }
        proot
    };
    let names = ["emr-worker-1", "emr-worker-2", "EMR-Worker-1"].map(|name| format!("{name}.cluster-48742"));
    let names = [&names[..], &["127.0.0.1", "localhost", &long, ""].map(String::from)].concat();
    let libc = printed(with_hosts(&hosts).arg(program()).arg("resolve").args(&names));
    let exec = printed(
        with_hosts(&other_hosts)
            .arg(kafka_emr().get_program())
            .args(["exec", "--via", "preload", source, "--"])
            .arg(program())
            .arg("resolve")
            .args(&names),
    );
    assert!(libc.matches("\n  family").count() > 2000, "{}", libc.matches("\n  family").count());
    for part in [" emr-worker-1.cluster-48742\n", " 127.0.0.77:9092 ", ": Bad value for ai_flags\n"] {
        assert!(libc.contains(part), "{part}");
    }
    for (n, (exec, libc)) in exec.lines().zip(libc.lines()).enumerate() {
        assert_eq!(exec, libc, "line {}", n + 1);
    }
    assert_eq!(exec.len(), libc.len());
}

/// A program whose sandbox lets hardly any system call through resolves names and connects as ever.
#[test]
fn a_name_of_nobody_needs_no_system_call() {
    let library = library("knows_nothing");
    let description = file(&format!(
        "{DESCRIPTION}network = \"public\"\n{}{}",
        node("emr-worker-1", &[("private_ip", "127.10.1.24"), ("public_ip", "127.20.1.24")]),
        node("emr-worker-2", &[("private_ip", "127.10.1.25"), ("connect", "127.0.0.1:19092")]),
    ));
    let program = built("exec_sandbox", &[]);
    // EAI_AGAIN, which the library says. Short names are somebody else's as well, and addresses are for connect.
    let names = ["-3", "localhost", "db.example.com", "127.0.0.9", "::1", "", "emr-worker-1", "127.10.1.24"];
    let folder = TempDir::new().unwrap();
    let hosts = folder.path().join("hosts");
    fs::write(&hosts, "127.0.0.1 localhost\n127.0.1.1 db.example.com\n127.10.1.24 emr-worker-1.cluster-48742\n")
        .unwrap();
    for source in [None, description.to_str(), hosts.to_str()] {
        let mut sandboxed = calls_of(program.to_str().unwrap(), source, &names);
        succeeds(sandboxed.env("LD_PRELOAD", &library).env("KAFKA_EMR_LOG", "info"));
    }
    // Nor while the description cannot be read: these names are no reason to try it again.
    let mut sandboxed = with_names(description.to_str(), "sh");
    sandboxed.args(["-c", "rm \"$0\" && exec \"$@\""]).arg(&*description).arg(&program).args(names);
    succeeds(sandboxed.env("LD_PRELOAD", &library).env("KAFKA_EMR_LOG", "info"));
}

/// The kernel reads as many bytes as the length says.
#[test]
fn an_address_is_as_long_as_its_family() {
    let library = library("connect_lengths");
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let tunnel = listener.local_addr().unwrap().to_string();
    let description =
        file(&format!("{DESCRIPTION}{}", node("emr-worker-1", &[("private_ip", "127.10.1.24"), ("connect", &tunnel)])));
    for (how, host, length, result) in [
        ("tcp", "127.10.1.24", "family 2 length 16", tunnel.as_str()),
        ("long", "127.10.1.24", "family 2 length 16", &tunnel),
        (
            "long",
            "::ffff:127.10.1.24",
            "family 10 length 28",
            &format!("[::ffff:127.0.0.1]:{}", listener.local_addr().unwrap().port()),
        ),
        (
            "short",
            "::ffff:127.10.1.24",
            "family 10 length 28",
            &format!("[::ffff:127.0.0.1]:{}", listener.local_addr().unwrap().port()),
        ),
        // What the kernel refuses, it goes on to refuse.
        ("too-short", "127.10.1.24", "family 2 length 11", "Invalid argument"),
        ("too-short", "::ffff:127.10.1.24", "family 10 length 23", "Invalid argument"),
        ("too-long", "127.10.1.24", "family 2 length 129", "Invalid argument"),
        // An address of nobody's is passed on as it is.
        ("long", "127.0.0.1", "family 2 length 128", &tunnel),
    ] {
        let port =
            if host == "127.0.0.1" { listener.local_addr().unwrap().port().to_string() } else { "9092".to_owned() };
        let mut connect = calls(description.to_str(), &["connect", how, host, &port]);
        let output = succeeds(connect.env("LD_PRELOAD", &library));
        // libc connects as well, by UDP, to see which of several addresses is near.
        assert!(output.stderr.lines().any(|line| line == format!("connect: {length}")), "{how} {host}: {output}");
        assert_eq!(output.stdout.lines().next(), Some(result), "{how} {host}: {output}");
    }
}

/// gcc's AddressSanitizer is a library that wants to be the first, of a program and of those that it starts.
#[test]
fn an_address_sanitizer_goes_on() {
    let sanitized = scratch("exec").join("exec_calls_asan");
    let flags = ["-g", "-O1", "-fsanitize=address", "-pthread", "-lrt"];
    compile(&mut Command::new("gcc"), "exec_calls", &sanitized, &flags);
    let sanitized = sanitized.to_str().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let tunnel = listener.local_addr().unwrap().to_string();
    let description =
        file(&format!("{DESCRIPTION}{}", node("emr-worker-1", &[("private_ip", "127.10.1.24"), ("connect", &tunnel)])));
    let source = description.to_str().unwrap();
    let (name, missing) = ("emr-worker-1.cluster-48742", "emr-worker-9.cluster-48742");
    for arguments in [
        &["resolve", name, missing, "127.0.0.1"][..],
        &["connect", "tcp", name, "9092"],
        &["connect", "long", "127.10.1.24", "9092"],
        &["cancel", name, missing, "localhost"],
        &["signal", name, "127.10.1.24"],
    ] {
        let mut script = with_names(Some(source), "sh");
        let exec = with_names(Some(source), sanitized);
        for mut command in [exec, {
            script.args(["-c", "\"$@\"; exit $?", "sh", sanitized]);
            script
        }] {
            let output = succeeds(command.args(arguments));
            assert!(!output.stderr.contains("Sanitizer"), "{arguments:?}: {output}");
            if arguments[0] == "connect" {
                assert_eq!(output.stdout.lines().next(), Some(tunnel.as_str()), "{arguments:?}: {output}");
            }
        }
    }
    // It sees what it is there for, and the user's own options count.
    let wrong = calls_of(sanitized, Some(source), &["overflow", "8"]);
    fails(&mut { wrong }, &["AddressSanitizer: heap-buffer-overflow"]);
    let mut own = calls_of(sanitized, Some(source), &["overflow", "8"]);
    let output = run(own.env("ASAN_OPTIONS", "exitcode=77:verify_asan_link_order=1"), LIMIT);
    assert!(output.stderr.contains("ASan runtime does not come first"), "{output}");
}

/// A container or a chroot that has libc and nothing else; and programs of another libc.
#[test]
fn the_library_needs_libc_alone() {
    let folder = TempDir::new().unwrap();
    let library = Path::new(kafka_emr().get_program()).with_file_name("libkafka_emr_preload.so");
    let mut chroot = Command::new("proot");
    chroot.arg("-r").arg(folder.path()).args(["-w", "/"]);
    let libc = succeeds(Command::new("ldd").arg(program())).stdout;
    let files = libc.split_whitespace().filter(|word| word.starts_with('/'));
    for file in files.chain([program().to_str().unwrap(), library.to_str().unwrap()]) {
        chroot.arg("-b").arg(file);
    }
    chroot.env("LD_PRELOAD", &library).env("KAFKA_EMR_CLUSTER", "emr://48742?release=3.10&emr-worker-1=127.10.1.24");
    let found = printed(chroot.arg(program()).args(["clearenv", "emr-worker-1.cluster-48742"]));
    assert!(found.contains(" 127.10.1.24:0"), "{found}");

    // musl's programs have other names than the clusters', as ever.
    let musl = folder.path().join("musl");
    compile(&mut Command::new("musl-gcc"), "exec_calls", &musl, &["-pthread"]);
    let source = "emr://48742?release=3.10&emr-worker-1=127.10.1.24";
    let mut script = with_names(Some(source), "sh");
    script.args(["-c", "\"$@\"; exit $?", "sh"]).arg(&musl);
    let with = printed(script.args(["resolve", "127.0.0.1", "emr-worker-1.cluster-48742"]));
    let without = printed(Command::new(&musl).args(["resolve", "127.0.0.1", "emr-worker-1.cluster-48742"]));
    assert!(with.contains(" 127.0.0.1:9092 "), "{with}");
    assert_eq!(with, without);
}

/// Another EMR cluster has nodes of these names as well.
#[test]
fn short_names_are_the_systems() {
    let nodes = [("emr-header-1", "127.10.1.23"), ("emr-worker-1", "127.10.1.24")];
    let nodes = nodes.map(|(name, ip)| node(name, &[("private_ip", ip)])).concat();
    let description = file(&format!("{DESCRIPTION}{nodes}"));
    let folder = TempDir::new().unwrap();
    let hosts = folder.path().join("hosts");
    fs::write(&hosts, "127.99.1.23 emr-header-1.cluster-51234 emr-header-1\n").unwrap();
    let listener = TcpListener::bind("127.99.1.23:0").unwrap();
    let other = listener.local_addr().unwrap();
    let mut proot = Command::new("proot");
    proot.arg("-b").arg(format!("{}:/etc/hosts", hosts.display())).arg(kafka_emr().get_program());
    proot.args(["exec", "--via", "preload"]).arg(&*description).arg("--").arg(program());
    let connected = printed(proot.args(["connect", "tcp", "emr-header-1", &other.port().to_string()]));
    assert_eq!(connected, other.to_string());
}

#[test]
fn a_connection_leads_where_the_description_says() {
    let listen = |address: &str, port: u16| {
        let listener = TcpListener::bind((address, port)).unwrap();
        let address = listener.local_addr().unwrap();
        (listener, address)
    };
    let (_tunnel, tunnel) = listen("127.0.0.1", 0);
    let (_tunnel_in_ipv6, tunnel_in_ipv6) = listen("::1", 0);
    let (_ssh, ssh) = listen("127.10.1.25", 0);
    let (_zookeeper, zookeeper) = listen("127.10.1.23", 0);
    let (_database, database) = listen("127.10.1.24", 0);
    let (_eip, eip) = listen("127.20.1.24", 0);
    let (_odd_tunnel, odd_tunnel) = listen("127.10.1.28", eip.port());
    let private = file(&format!(
        "{DESCRIPTION}{}{}{}{}",
        node("emr-header-1", &[("private_ip", "127.10.1.23"), ("connect", &tunnel.to_string())]),
        node("emr-worker-1", &[("private_ip", "127.10.1.24")]),
        node("emr-worker-2", &[("private_ip", "127.10.1.25"), ("connect", &tunnel.to_string())]),
        node("emr-worker-3", &[("private_ip", "127.10.1.26"), ("connect", &tunnel_in_ipv6.to_string())]),
    ));
    // Kafka listens at this port, and at no other.
    let port = eip.port();
    let public = file(&format!(
        "{DESCRIPTION}network = \"public\"\nport = {port}\n{}{}{}{}",
        node("emr-worker-1", &[("private_ip", "127.10.1.24"), ("public_ip", "127.20.1.24")]),
        node("emr-worker-4", &[("connect", &odd_tunnel.to_string())]),
        node("emr-worker-5", &[("private_ip", "127.10.1.28"), ("public_ip", "127.20.1.28")]),
        node("emr-worker-6", &[("private_ip", "fd00::27"), ("public_ip", "127.20.1.24")]),
    ));
    let (private, public) = (private.to_str().unwrap(), public.to_str().unwrap());
    let in_ipv6 = |address: SocketAddr| format!("[::ffff:{}]:{}", address.ip(), address.port());
    let [ssh_port, zookeeper_port, database_port, eip_port] =
        [ssh, zookeeper, database, eip].map(|address| address.port().to_string());
    let [header_1, worker_2, worker_3, worker_4, worker_6] =
        ["header-1", "worker-2", "worker-3", "worker-4", "worker-6"].map(|node| format!("emr-{node}.cluster-48742"));
    for (source, how, host, port, leads_to) in [
        // Kafka's ports of a node with `connect`, however they are asked for, and no others.
        (private, "tcp", worker_2.as_str(), "9092", tunnel.to_string()),
        (private, "puts-port-in", &worker_2, "9092", tunnel.to_string()),
        (private, "zero", &worker_2, "9092", tunnel.to_string()),
        (private, "tcp", "127.10.1.25", "9093", tunnel.to_string()),
        (private, "tcp", "::ffff:127.10.1.25", "9092", in_ipv6(tunnel)),
        (private, "tcp", &worker_2, &ssh_port, ssh.to_string()),
        (private, "tcp", &header_1, &zookeeper_port, zookeeper.to_string()),
        (private, "udp", &worker_2, "9092", "127.10.1.25:9092".to_owned()),
        (private, "udp", "127.10.1.25", "53", "127.10.1.25:53".to_owned()),
        // To IPv6, by a socket that takes it.
        (private, "puts-port-in", &worker_3, "9092", tunnel_in_ipv6.to_string()),
        (private, "short", "::ffff:127.10.1.26", "9092", tunnel_in_ipv6.to_string()),
        (private, "tcp", &tunnel.ip().to_string(), &tunnel.port().to_string(), tunnel.to_string()),
        // On the public network, private IPs are EIPs for Kafka's port. A machine of this network may have the same address.
        (public, "tcp", "127.10.1.24", &eip_port, eip.to_string()),
        (public, "tcp", "127.10.1.24", &database_port, database.to_string()),
        (public, "udp", "127.10.1.24", &eip_port, format!("127.10.1.24:{eip_port}")),
        (public, "udp", "127.10.1.24", "53", "127.10.1.24:53".to_owned()),
        (public, "tcp", &worker_6, &eip_port, eip.to_string()),
        (public, "tcp", "fd00::27", &eip_port, in_ipv6(eip)),
        // What a name leads to is led no further.
        (public, "tcp", &worker_4, &eip_port, odd_tunnel.to_string()),
    ] {
        let connected = printed(&mut calls(Some(source), &["connect", how, host, port]));
        assert_eq!(connected, leads_to, "{how} {host} {port}");
    }
    // What cannot be led there is said.
    let lost = succeeds(&mut calls(Some(public), &["connect", "puts-port-in", &worker_4, &eip_port]));
    assert!(lost.stderr.contains("emr-worker-4") && lost.stderr.contains("add its private_ip"), "{lost}");
    // For other ports and UDP such a node has no address here.
    for (how, port) in [("tcp", &database_port), ("udp", &eip_port)] {
        fails(&mut calls(Some(public), &["connect", how, &worker_4, port]), &[]);
    }
    // A server's own address is its own.
    assert_eq!(printed(&mut calls(Some(public), &["bind", "127.10.1.24"])), "127.10.1.24");
}

/// A description that is read again, inside whatever lookup, is that of `connect` too.
#[test]
fn a_connection_follows_a_lookup_that_finds_nothing() {
    let before = TcpListener::bind("127.20.1.24:0").unwrap();
    let port = before.local_addr().unwrap().port();
    let _after = TcpListener::bind(("127.20.1.25", port)).unwrap();
    let folder = TempDir::new().unwrap();
    let [path, next] = ["cluster.toml", "next.toml"].map(|name| folder.path().join(name).display().to_string());
    for (strict, missing) in [(true, "emr-worker-9.cluster-48742"), (false, "emr-worker-9.cluster-1")] {
        let describe = |eip: &str| {
            let node = node("emr-worker-1", &[("private_ip", "127.10.1.24"), ("public_ip", eip)]);
            let strict = DESCRIPTION.replace("true", &strict.to_string());
            format!("{strict}network = \"public\"\nport = {port}\n{node}")
        };
        fs::write(&path, describe("127.20.1.24")).unwrap();
        fs::write(&next, describe("127.20.1.25")).unwrap();
        let port = port.to_string();
        let arguments = ["reread", missing, &next, &path, "127.10.1.24", &port, "127.20.1.24", "127.20.1.25"];
        succeeds(&mut calls(Some(&path), &arguments));
    }
}

#[test]
fn a_program_does_with_exec_what_it_does_without() {
    let description = file(&format!(
        "{DESCRIPTION}{}",
        node("emr-worker-1", &[("private_ip", "127.10.1.24"), ("connect", "127.0.0.1:19092")])
    ));
    let source = description.to_str().unwrap();
    let folder = TempDir::new().unwrap();
    let data = folder.path().join("data");
    let data = data.to_str().unwrap();
    let (name, missing) = ("emr-worker-1.cluster-48742", "emr-worker-9.cluster-48742");
    // Large, so that children come while it is read, if it were not before the program begins.
    let nodes =
        |n: usize| node(&format!("emr-worker-{n}"), &[("private_ip", &format!("10.{}.{}.1", n / 256, n % 256))]);
    let large = file(&format!("{DESCRIPTION}{}", (1..5000).map(nodes).collect::<String>()));
    assert_eq!(printed(&mut calls(large.to_str(), &["fork", "emr-worker-1.cluster-48742", "cluster-48742"])), "");
    // Without exec another name is as good: these do not mind what they find.
    for (name, missing, source) in [("localhost", "localhost", None), (name, missing, Some(source))] {
        for case in [
            &["fork"][..],
            &["cancel", name, missing, "localhost"],
            &["signal", name, "127.10.1.24"],
            &["closed-stderr", missing, data],
            &["broken-stderr", missing],
            &["no-memory", "127.10.1.24"],
        ] {
            assert_eq!(printed(&mut calls(source, case)), "", "{case:?}");
        }
    }
    let found = printed(&mut calls(Some(source), &["clearenv", name]));
    assert!(found.contains(" 127.10.1.24:0"), "{found}");
}

#[test]
fn a_description_that_comes_late_is_found() {
    let folder = TempDir::new().unwrap();
    let [path, away] = ["cluster.toml", "away.toml"].map(|name| folder.path().join(name).display().to_string());
    fs::write(&path, format!("{DESCRIPTION}{}", node("emr-worker-1", &[("private_ip", "127.10.1.24")]))).unwrap();
    let mut exec = with_names(Some(&path), "sh");
    exec.args([
        "-c",
        "mv \"$1\" \"$2\" && exec \"$3\" late emr-worker-1.cluster-48742 \"$2\" \"$1\"",
        "sh",
        &path,
        &away,
    ]);
    let output = succeeds(exec.arg(program()));
    assert!(output.stderr.contains("no name is mapped until it can be read"), "{output}");
    assert_eq!(output.stderr.lines().count(), 1, "{output}");
}
