//! `kafka-emr exec`: any program, with the clusters' names.

mod environment;
mod kernel;
mod pod;
mod preload;
mod print;
mod program;

use std::error::Error;
use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use clap::ValueEnum;
use environment::Environment;
use kafka_emr_core::{Resolver, Rule};

use program::{Kind, Libc};

use crate::description::Overrides;
use crate::output::Outcome;

/// Run a program that resolves the clusters' names: no root, no change to the machine
#[derive(clap::Args)]
#[command(after_long_help = help())]
pub(crate) struct Args {
    /// Where the cluster description is; see `kafka-emr --help` for its forms
    #[arg(env = "KAFKA_EMR_CLUSTER", hide_env_values = true)]
    source: String,
    #[command(flatten)]
    overrides: Overrides,
    /// How the names get into the program [default: the way that reaches it]
    #[arg(long, value_enum, hide_default_value = true)]
    via: Option<Via>,
    /// Where libkafka_emr_preload.so is, if not beside this program or in the lib folder beside its bin
    #[arg(long, value_name = "FILE")]
    library: Option<PathBuf>,
    /// Run nothing, and print what gives the names to programs that others start
    #[arg(long, value_enum, value_name = "FORMAT", conflicts_with = "via")]
    print: Option<print::Format>,
    /// The program and its arguments
    #[arg(last = true, required_unless_present = "print", value_name = "CMD")]
    command: Vec<OsString>,
}

/// How the names get into a program.
#[derive(Clone, Copy, ValueEnum)]
enum Via {
    /// A library in front of libc: for programs that call it
    Preload,
    /// The kernel asks a supervisor: for all programs, and what they start
    Kernel,
}

fn help() -> String {
    let ports = Rule::ports().iter().map(u16::to_string).collect::<Vec<_>>().join(" or ");
    format!(
        "\
Examples:
  kafka-emr exec prod.toml -- kafka-console-producer.sh --broker-list \"$(kafka-emr bootstrap prod.toml)\" --topic orders
  kafka-emr exec 'a.toml;b.toml' -- connect-mirror-maker.sh mm2.properties
  kafka-emr exec prod.toml --network public -- node app.js
  kafka-emr exec prod.toml -- spark-submit $(kafka-emr exec prod.toml --print spark) job.py
  kafka-emr exec prod.toml --print k8s -- java -jar /app.jar > patch.yaml

For programs that do not use librdkafka: the JVM, Node, Python, Go, whatever looks names up and connects. The program takes the
place of this one: signals, exit status and standard streams are its own. Programs that it starts have the names as well.

The map is no wider than Kafka there. Names are long domains, `host`, `aliases` and what stands in hosts text; short names
(emr-worker-1) are the system's, because another cluster has the same. A node's private IP leads to its EIP on the public
network, and its addresses lead to its `connect`, for TCP to the description's port alone, else to {ports}. Everything else is
resolved and connected to as ever.

There are two ways, and `exec` takes the one that reaches the program (KAFKA_EMR_LOG=debug says which):

--via preload puts a library in front of libc (LD_PRELOAD), whose getaddrinfo and connect know the clusters. It is for programs
that call libc, and is not in programs that yours starts and that are linked statically. gethostbyname, getnameinfo, c-ares and
MSG_FASTOPEN go past it, and so does a chroot without the library's file. ASAN_OPTIONS begins with verify_asan_link_order=0 in the
program: gcc's AddressSanitizer does not start beside a preloaded library without it.

--via kernel has the kernel ask a supervisor (seccomp user notification) when a program opens /etc/hosts or connects. It is for
all programs and those that they start: Go, statically linked ones, musl, shell scripts. It needs Linux 5.9, no root and no
namespace. Whoever reads /etc/hosts gets the clusters' names in front of the machine's own; DNS is asked for none of these, also
not for names that `strict` refuses. The supervisor is a process of its own, which ends with the last of the programs. If it
is killed, they go on, but every file that they open to read and every connection fails with ENOSYS. Programs get no rights by
sudo, setuid or file capabilities, and can have no seccomp supervisor of their own. Each file that is opened to read takes some
microseconds more. An address given with MSG_FASTOPEN is refused as by a kernel without it (EOPNOTSUPP): programs then connect.

No way reaches setuid programs, nor io_uring.

--print is for programs that others start: Spark's workers, Flink's containers, systemd, a pod. It prints the environment that the
program would have from this command, and none of what LD_PRELOAD and ASAN_OPTIONS are here; sh puts it in front of what they are
where the lines are read. The library and the description have to be at the same paths there; a description that is given inline
needs no file. The lines of spark and flink are words for $(…), not quoted.

An ignored SIGPIPE is at its default in the program, and a closed standard stream is /dev/null.

Exit status: that of the program; 2 where it cannot be started"
    )
}

pub(crate) fn run(args: &Args) -> Result<Outcome, Box<dyn Error>> {
    let source = args.overrides.source(&args.source)?;
    // A mistake is an error here, and not in every program that is started.
    let resolver = Resolver::from_source(source.clone())?;
    if let Some(format) = args.print {
        let environment = || Ok(Environment::new(preload::find(args.library.as_deref(), Libc::Glibc)?, &source));
        return print::print(format, &source, &args.command, environment);
    }
    let (name, arguments) = args.command.split_first().ok_or("no program is named")?;
    let file = program::find(name)?;
    let kind = program::kind(&file)?;
    let mut command = Command::new(&file);
    command.arg0(name).args(arguments);
    match way(args, &resolver, &file, kind)? {
        Way::Preload(library) => {
            command.envs(Environment::new(library, &source).over_own());
            // It is in the source.
            command.env_remove("KAFKA_EMR_NETWORK");
        }
        Way::Kernel => {}
    }
    let error = command.exec();
    Err(format!("{}: {error}", file.display()).into())
}

/// How the map gets into the program.
enum Way {
    /// By this library.
    Preload(PathBuf),
    /// By a supervisor, under which this process is by now.
    Kernel,
}

/// Chooses the way that reaches the program, unless the user has, and goes as far along it as this process can.
fn way(args: &Args, resolver: &Resolver, file: &Path, kind: Kind) -> Result<Way, String> {
    let shown = file.display();
    let preload = |libc| {
        if let Kind::Go(_) = kind {
            log::warn!(
                "{shown} is a Go program, which resolves names by itself unless GODEBUG=netdns=cgo is set, and connects by \
                 itself: addresses are not mapped"
            );
        }
        preload::find(args.library.as_deref(), libc).map(Way::Preload)
    };
    let by_kernel = || kernel::start(resolver).map(|()| Way::Kernel);
    let (libc, is_enough, why) = match kind {
        Kind::Dynamic(libc) => (Some(libc), true, "calls libc"),
        Kind::Static => (None, false, "is linked statically"),
        Kind::Go(libc) => (libc, false, "is a Go program, which does without libc"),
        Kind::Shell(libc) => (libc, false, "starts programs, which may do without libc"),
    };
    match (args.via, libc) {
        (Some(Via::Preload), Some(libc)) => preload(libc),
        (Some(Via::Preload), None) => {
            Err(format!("{shown} {why}, so nothing can be put in front of libc in it; use --via kernel"))
        }
        (Some(Via::Kernel), _) => by_kernel().map_err(|error| format!("--via kernel: {error}")),
        // A library that is given and cannot be used is a mistake.
        (None, Some(libc)) if is_enough => match preload(libc) {
            Ok(way) => {
                log::debug!("{shown} {why}: by the preload library");
                Ok(way)
            }
            Err(error) if args.library.is_some() => Err(error),
            Err(missing) => {
                let way = by_kernel().map_err(|error| format!("{missing}; or --via kernel, but {error}"))?;
                log::debug!("{shown} {why}, but {missing}: by the kernel");
                Ok(way)
            }
        },
        (None, libc) => match by_kernel() {
            Ok(way) => {
                log::debug!("{shown} {why}: by the kernel");
                Ok(way)
            }
            Err(error) => match libc.map(preload) {
                Some(Ok(way)) => {
                    log::debug!("{shown} {why}: by the preload library, because not by the kernel: {error}");
                    Ok(way)
                }
                _ => Err(format!(
                    "{shown} {why}, so it is reached by the kernel alone, but {error}; `kafka-emr hosts` prints the map in other forms"
                )),
            },
        },
    }
}
