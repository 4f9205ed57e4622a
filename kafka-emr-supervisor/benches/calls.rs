//! What the supervisor costs a program: files that it opens, connections that it makes, and its start. Each is measured with and
//! without, one after the other, so that a busy machine is one for both. This program starts itself; if there is Go, a client of
//! Go's as well.

#[cfg(not(all(target_os = "linux", target_endian = "little", any(target_arch = "x86_64", target_arch = "aarch64"))))]
fn main() {}

#[cfg(all(target_os = "linux", target_endian = "little", any(target_arch = "x86_64", target_arch = "aarch64")))]
fn main() {
    linux::main();
}

#[cfg(all(target_os = "linux", target_endian = "little", any(target_arch = "x86_64", target_arch = "aarch64")))]
mod linux {
    use std::fs::File;
    use std::io::{Read, Write};
    use std::net::{SocketAddr, TcpListener, TcpStream};
    use std::os::unix::process::CommandExt;
    use std::path::{Path, PathBuf};
    use std::process::{Command, Stdio};
    use std::thread;
    use std::time::{Duration, Instant};

    use kafka_emr_core::Resolver;

    /// How often each is measured.
    const ROUNDS: usize = 15;

    pub(super) fn main() {
        let arguments: Vec<String> = std::env::args().collect();
        let words: Vec<&str> = arguments.iter().skip(1).map(String::as_str).collect();
        match words[..] {
            ["supervised", source, ref program @ ..] => {
                kafka_emr_supervisor::start(&Resolver::open(source).unwrap()).unwrap();
                panic!("{}", Command::new(program[0]).args(&program[1..]).exec());
            }
            ["alone", ref program @ ..] => panic!("{}", Command::new(program[0]).args(&program[1..]).exec()),
            ["run", what, count, to] => run(what, count.parse().unwrap(), to),
            _ => measure_all(),
        }
    }

    /// The program: prints how long it took, in nanoseconds.
    fn run(what: &str, count: usize, to: &str) {
        let start = Instant::now();
        match what {
            "opens" => (0..count).for_each(|_| drop(File::open(to).unwrap())),
            "connects" => (0..count).for_each(|_| receive(to)),
            _ => thread::scope(|threads| {
                for _ in 0..count {
                    thread::Builder::new().stack_size(64 << 10).spawn_scoped(threads, || receive(to)).unwrap();
                }
            }),
        }
        println!("{}", start.elapsed().as_nanos());
    }

    fn receive(to: &str) {
        let mut connection = TcpStream::connect(to.parse::<SocketAddr>().unwrap()).unwrap();
        connection.read_exact(&mut [0]).unwrap();
    }

    fn measure_all() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = listener.local_addr().unwrap().to_string();
        thread::spawn(move || {
            for connection in listener.incoming() {
                let _ = connection.and_then(|mut connection| connection.write_all(b"x"));
            }
        });
        let description = format!("{}/calls.toml", env!("CARGO_TARGET_TMPDIR"));
        std::fs::write(
            &description,
            format!("id = \"48742\"\nrelease = \"3.10\"\n[[nodes]]\nname = \"emr-worker-1\"\nprivate_ip = \"127.10.1.24\"\nconnect = \"{server}\"\n"),
        )
        .unwrap();
        let led = "127.10.1.24:9092";
        println!("{:<48} {:>12} {:>12} {:>6}", "median of each", "alone", "supervised", "ratio");
        for (title, what, count, alone, supervised) in [
            ("10,000 opens of another file", "opens", "10000", "/etc/passwd", "/etc/passwd"),
            ("10,000 opens of /etc/hosts", "opens", "10000", "/etc/hosts", "/etc/hosts"),
            ("1,000 connections, not led elsewhere", "connects", "1000", server.as_str(), server.as_str()),
            ("1,000 connections, led elsewhere", "connects", "1000", &server, led),
            ("500 connections at once, led elsewhere", "at-once", "500", &server, led),
        ] {
            let me = std::env::current_exe().unwrap();
            let program = |to: &str| vec![me.display().to_string(), "run".into(), what.into(), count.into(), to.into()];
            let measured = |mut command: Command| {
                let printed = command.stderr(Stdio::inherit()).output().unwrap().stdout;
                Duration::from_nanos(String::from_utf8(printed).unwrap().trim().parse().unwrap())
            };
            measure(title, &description, &program(alone), &program(supervised), measured);
        }
        let from_start_to_end = |mut command: Command| {
            let start = Instant::now();
            assert!(command.stdout(Stdio::null()).status().unwrap().success());
            start.elapsed()
        };
        let nothing = ["true".to_owned()];
        measure("start and end of `true`", &description, &nothing, &nothing, from_start_to_end);
        match go() {
            Some(go) => {
                let client = [go.display().to_string(), server];
                let title = "start, one connection and end of a Go client";
                measure(title, &description, &client, &client, from_start_to_end);
            }
            None => println!("NOT MEASURED: a Go client's start, which needs Go"),
        }
    }

    /// A client of Go's that is linked statically.
    fn go() -> Option<PathBuf> {
        let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join("resolves");
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/tests/clients/programs/resolves.go");
        let built = Command::new("go").env("CGO_ENABLED", "0").args(["build", "-o"]).arg(&program).arg(source).status();
        built.is_ok_and(|status| status.success()).then_some(program)
    }

    fn measure(
        title: &str,
        description: &str,
        alone: &[String],
        supervised: &[String],
        measured: impl Fn(Command) -> Duration,
    ) {
        let command = |mode: &[&str], program: &[String]| {
            let mut command = Command::new(std::env::current_exe().unwrap());
            command.args(mode).args(program);
            command
        };
        let mut times = [Vec::new(), Vec::new()];
        for _ in 0..ROUNDS {
            times[0].push(measured(command(&["alone"], alone)));
            times[1].push(measured(command(&["supervised", description], supervised)));
        }
        let [alone, supervised] = times.map(|mut times| {
            times.sort_unstable();
            times[ROUNDS / 2]
        });
        let ratio = supervised.as_secs_f64() / alone.as_secs_f64();
        println!("{title:<48} {alone:>12.2?} {supervised:>12.2?} {ratio:>6.2}");
    }
}
