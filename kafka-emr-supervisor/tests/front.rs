//! A program whose supervisor is its parent, and the process in front of it: it does what the program does.
//!
//! Where nothing else is allowed (Yama), `start` does this by itself; here it is asked for. This program starts itself.

#[cfg(not(all(target_os = "linux", target_endian = "little", any(target_arch = "x86_64", target_arch = "aarch64"))))]
fn main() {}

#[cfg(all(target_os = "linux", target_endian = "little", any(target_arch = "x86_64", target_arch = "aarch64")))]
fn main() {
    let arguments: Vec<_> = std::env::args_os().collect();
    match arguments.get(1) {
        Some(first) if first == "start" => linux::start(&arguments[2..]),
        _ => linux::test(),
    }
}

#[cfg(all(target_os = "linux", target_endian = "little", any(target_arch = "x86_64", target_arch = "aarch64")))]
mod linux {
    use std::ffi::OsString;
    use std::fs;
    use std::io::{BufRead, BufReader};
    use std::os::unix::process::{CommandExt, ExitStatusExt};
    use std::path::{Path, PathBuf};
    use std::process::{Child, Command, Stdio};
    use std::thread;
    use std::time::{Duration, Instant};

    use kafka_emr_core::Resolver;

    const SOURCE: &str = "emr://48742?release=3.10&emr-worker-1=127.10.1.24";

    /// Becomes a program, as `kafka-emr exec` does.
    pub(super) fn start(command: &[OsString]) {
        kafka_emr_hook::start_logging(kafka_emr_hook::StandardError::unchanged);
        kafka_emr_supervisor::start_in_front(&Resolver::open(SOURCE).unwrap()).unwrap();
        panic!("{}", Command::new(&command[0]).args(&command[1..]).exec());
    }

    pub(super) fn test() {
        for (name, test) in [
            ("it_ends_as_the_program_does", it_ends_as_the_program_does as fn()),
            ("signals_are_passed_on", signals_are_passed_on),
            ("it_stops_and_goes_on_with_the_program", it_stops_and_goes_on_with_the_program),
            ("a_terminal_is_the_programs", a_terminal_is_the_programs),
            ("the_names_are_in_the_whole_tree", the_names_are_in_the_whole_tree),
            ("it_is_killed_with_the_program", it_is_killed_with_the_program),
            ("a_supervisor_that_is_killed_hangs_nobody", a_supervisor_that_is_killed_hangs_nobody),
        ] {
            test();
            println!("test {name} ... ok");
        }
    }

    fn front(arguments: &[&str]) -> Command {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.arg("start").args(arguments).stdin(Stdio::null()).stdout(Stdio::piped());
        command
    }

    /// A program that has printed its process id, and goes on.
    fn running(script: &str) -> (Child, u32, BufReader<std::process::ChildStdout>) {
        // In a group of its own, whose parent is in this one: SIGTSTP stops nobody in a group that no shell looks after.
        let mut child = front(&["sh", "-c", &format!("echo $$; {script}")]).process_group(0).spawn().unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let program = line(&mut output).parse().unwrap();
        assert_ne!(program, child.id());
        (child, program, output)
    }

    fn line(output: &mut impl BufRead) -> String {
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    fn kill(signal: &str, process: u32) {
        assert!(Command::new("kill").args(["-s", signal, &process.to_string()]).status().unwrap().success());
    }

    #[track_caller]
    fn until(what: &str, mut is_so: impl FnMut() -> bool) {
        let end = Instant::now() + Duration::from_secs(60);
        while !is_so() {
            assert!(Instant::now() < end, "not in time: {what}");
            thread::yield_now();
        }
    }

    /// The field behind the name in /proc/PID/stat, by its number there.
    fn stat(process: u32, field: usize) -> Option<String> {
        let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
        let (_, rest) = stat.rsplit_once(") ")?;
        rest.split(' ').nth(field - 3).map(str::to_owned)
    }

    fn is_stopped(process: u32) -> bool {
        stat(process, 3).as_deref() == Some("T")
    }

    fn is_gone(process: u32) -> bool {
        stat(process, 3).is_none_or(|state| state == "Z")
    }

    fn parent(process: u32) -> u32 {
        stat(process, 4).unwrap().parse().unwrap()
    }

    fn it_ends_as_the_program_does() {
        assert_eq!(front(&["sh", "-c", "exit 7"]).status().unwrap().code(), Some(7));
        for (signal, number) in [("TERM", 15), ("KILL", 9), ("SEGV", 11), ("HUP", 1)] {
            let status = front(&["sh", "-c", &format!("kill -s {signal} $$; exit 1")]).status().unwrap();
            assert_eq!((status.signal(), status.core_dumped()), (Some(number), false), "{signal}");
        }
    }

    fn signals_are_passed_on() {
        for signal in ["TERM", "INT", "HUP", "USR1", "QUIT"] {
            let (mut child, _, mut output) =
                running(&format!("trap 'echo {signal}; exit 3' {signal}; echo ready; while :; do sleep 0.05; done"));
            assert_eq!(line(&mut output), "ready");
            kill(signal, child.id());
            assert_eq!(line(&mut output), signal);
            assert_eq!(child.wait().unwrap().code(), Some(3), "{signal}");
        }
    }

    fn it_stops_and_goes_on_with_the_program() {
        let (mut child, program, _output) = running("while :; do sleep 0.05; done");
        for signal in ["STOP", "TSTP"] {
            kill(signal, program);
            until("stopped", || is_stopped(child.id()) && is_stopped(program));
            kill("CONT", child.id());
            until("going on", || !is_stopped(child.id()) && !is_stopped(program));
        }
        kill("TERM", child.id());
        assert_eq!(child.wait().unwrap().signal(), Some(15));
    }

    fn a_terminal_is_the_programs() {
        let calls = calls();
        let me = std::env::current_exe().unwrap();
        let mut terminal = Command::new(&calls);
        terminal.arg("terminal").arg(me).arg("start").arg(&calls).arg("waits").stdin(Stdio::null());
        let output = terminal.output().unwrap();
        // The signal by which it is seen as stopped is its own.
        assert_eq!(String::from_utf8_lossy(&output.stderr), "stopped by 19\nkilled by 2\n");
    }

    fn the_names_are_in_the_whole_tree() {
        // A program whose parent has ended is reached as well, and the supervisor stays for it.
        let script = "(sh -c 'sleep 0.2; cat /etc/hosts' &); exit 0";
        let output = front(&["sh", "-c", script]).output().unwrap();
        let hosts = String::from_utf8(output.stdout).unwrap();
        assert!(hosts.contains("127.10.1.24 emr-worker-1.cluster-48742\n"), "{hosts}");
    }

    fn it_is_killed_with_the_program() {
        let (mut child, program, _output) = running("while :; do sleep 0.05; done");
        let supervisor = parent(program);
        assert_eq!(parent(supervisor), child.id());
        kill("KILL", child.id());
        child.wait().unwrap();
        until("all of it gone", || is_gone(program) && is_gone(supervisor));
    }

    fn a_supervisor_that_is_killed_hangs_nobody() {
        let (mut child, program, _output) =
            running("while cat /etc/hosts > /dev/null 2>&1; do :; done; kill -s TERM $$");
        kill("KILL", parent(program));
        assert_eq!(child.wait().unwrap().code(), Some(2));
        until("the program's end", || is_gone(program));
    }

    /// The program of the command's own tests.
    fn calls() -> PathBuf {
        let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join("front_calls");
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/../kafka-emr-cli/tests/it/exec/calls.c");
        let built = Command::new("cc").args(["-static", "-O2", "-pthread", source, "-o"]).arg(&program).output();
        let built = built.expect("the C compiler cc; install gcc and libc6-dev");
        assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
        program
    }
}
