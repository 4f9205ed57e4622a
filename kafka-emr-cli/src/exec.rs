//! `kafka-emr exec`: any program, with the clusters' names.

mod environment;
mod pod;
mod print;
mod program;

use std::error::Error;
use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Command;

use environment::Environment;
use kafka_emr_core::{Resolver, Rule};

use crate::description::Overrides;
use crate::library;
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
    /// Where libkafka_emr_preload.so is, if not beside this program or in the lib folder beside its bin
    #[arg(long, value_name = "FILE")]
    library: Option<PathBuf>,
    /// Run nothing, and print what gives the names to programs that others start
    #[arg(long, value_enum, value_name = "FORMAT")]
    print: Option<print::Format>,
    /// The program and its arguments
    #[arg(last = true, required_unless_present = "print", value_name = "CMD")]
    command: Vec<OsString>,
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

For programs that do not use librdkafka: the JVM, Node, Python, whatever calls libc's getaddrinfo and connect. The program takes
the place of this one: signals, exit status and standard streams are its own. Programs that it starts have the names as well.

The map is no wider than Kafka there. Names are long domains, `host`, `aliases` and what stands in hosts text; short names
(emr-worker-1) are the system's, because another cluster has the same. A node's private IP leads to its EIP on the public
network, and its addresses lead to its `connect`, for TCP to the description's port alone, else to {ports}. Everything else is
resolved and connected to as ever.

It works by LD_PRELOAD, so not for programs that are linked statically (Go without cgo), built for musl, or setuid; such programs
that yours starts run without the names. So do those in a chroot without libkafka_emr_preload.so. Go with GODEBUG=netdns=cgo has
the names, but connects by itself: addresses are not mapped. gethostbyname, getnameinfo, c-ares and MSG_FASTOPEN go past it.

ASAN_OPTIONS begins with verify_asan_link_order=0 in the program: gcc's AddressSanitizer does not start beside a preloaded
library without it. A program with a sanitizer that gets another environment does not start.

--print is for programs that others start: Spark's workers, Flink's containers, systemd, a pod. It prints the environment that the
program would have from this command, and none of what LD_PRELOAD and ASAN_OPTIONS are here; sh puts it in front of what they are
where the lines are read. The library and the description have to be at the same paths there; a description that is given inline
needs no file. The lines of spark and flink are words for $(…), not quoted.

An ignored SIGPIPE is at its default in the program, and a closed standard stream is /dev/null.

Exit status: that of the program; 2 where it cannot be started"
    )
}

const LIBRARY: &str = "libkafka_emr_preload.so";

pub(crate) fn run(args: &Args) -> Result<Outcome, Box<dyn Error>> {
    let source = args.overrides.source(&args.source)?;
    // A mistake is an error here, and not in every program that is started.
    Resolver::from_source(source.clone())?;
    let environment = || Ok(Environment::new(preload_library(args)?, &source));
    if let Some(format) = args.print {
        return print::print(format, &source, &args.command, environment);
    }
    let environment = environment()?;
    let (name, arguments) = args.command.split_first().ok_or("no program is named")?;
    let file = program::find(name)?;
    program::check(&file)?;

    let mut command = Command::new(&file);
    command.arg0(name).args(arguments).envs(environment.over_own());
    // It is in the source.
    command.env_remove("KAFKA_EMR_NETWORK");
    let error = command.exec();
    Err(format!("{}: {error}", file.display()).into())
}

/// The library that goes in front of libc, by an absolute path that LD_PRELOAD can name.
fn preload_library(args: &Args) -> Result<PathBuf, Box<dyn Error>> {
    let library = match &args.library {
        Some(library) => std::path::absolute(library)?,
        None => library::find(LIBRARY).ok_or_else(|| {
            format!(
                "{LIBRARY} is neither beside this program nor in the lib folder beside its bin; build it with `cargo build --release -p kafka-emr-preload`, or give \
                 its path with --library"
            )
        })?,
    };
    if !library.is_file() {
        return Err(format!("--library: there is no file {}", library.display()).into());
    }
    program::check_library(&library)?;
    if library.as_os_str().as_bytes().iter().any(|byte| b": \t\n".contains(byte)) {
        return Err(format!(
            "{}: LD_PRELOAD cannot name a file with a space or colon in its path; put it elsewhere, and use --library",
            library.display()
        )
        .into());
    }
    Ok(library)
}
