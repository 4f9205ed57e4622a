//! C and C++ programs: the examples, and programs that do what must not harm.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use crate::site::{Site, TOPIC};
use crate::support::{LIMIT, Output, command, fails, library, root, run, scratch, succeeds};

/// What a program is built for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Build {
    librdkafka: Linked,
    kafka_emr: Linked,
    address_sanitizer: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Linked {
    Shared,
    Static,
}

const USUAL: Build = Build { librdkafka: Linked::Shared, kafka_emr: Linked::Shared, address_sanitizer: false };
const SANITIZED: Build = Build { address_sanitizer: true, ..USUAL };

const WARNINGS: [&str; 4] = ["-Wall", "-Wextra", "-Wpedantic", "-Werror"];

/// How many messages a producer makes where one run of it is enough.
const MESSAGES: usize = 30;

/// How long brokers wait for a consumer that did not leave its group.
const SESSION: Duration = Duration::from_secs(45);

/// `rustc --print native-static-libs`, for libkafka_emr.a.
pub(crate) const NATIVE_LIBRARIES: [&str; 7] = ["-lgcc_s", "-lutil", "-lrt", "-lpthread", "-lm", "-ldl", "-lc"];

fn include() -> PathBuf {
    root().join("include")
}

pub(crate) fn examples() -> PathBuf {
    root().join("kafka-emr-ffi/examples")
}

fn programs() -> PathBuf {
    root().join("tests/tests/clients/programs")
}

/// The C sources in a folder whose names start so.
fn c_sources(folder: &Path, start: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut sources: Vec<PathBuf> = entries
        .filter(|path| path.extension().is_some_and(|extension| extension == "c"))
        .filter(|path| path.file_name().unwrap().to_str().unwrap().starts_with(start))
        .collect();
    sources.sort();
    sources
}

/// A compiler with the project's warnings; `language` is c or c++, whatever the file's name says.
fn compiler(language: &str, standard: &str) -> Command {
    let mut compiler = Command::new(if language == "c" { "gcc" } else { "g++" });
    compiler.arg(format!("-std={standard}")).args(WARNINGS).args(["-g", "-x", language]);
    compiler
}

/// Builds an example, by its file name, or a program of the tests. Each is built once.
fn program(file: &str, build: Build) -> PathBuf {
    static BUILT: Mutex<BTreeMap<(String, Build), PathBuf>> = Mutex::new(BTreeMap::new());
    let library = library();
    let mut built = BUILT.lock().unwrap_or_else(PoisonError::into_inner);
    let place = (file.to_owned(), build);
    if let Some(program) = built.get(&place) {
        return program.clone();
    }
    let name = format!("{file}-{:?}-{:?}-{}", build.librdkafka, build.kafka_emr, build.address_sanitizer);
    let program = scratch("c").join(name.replace('.', "-"));
    let folder = if file.starts_with("c_") { programs() } else { examples() };
    let cpp = Path::new(file).extension().is_some_and(|extension| extension == "cpp");
    let (language, standard, libraries) =
        if cpp { ("c++", "c++11", &["rdkafka++", "rdkafka"][..]) } else { ("c", "c99", &["rdkafka"][..]) };
    let mut compiler = compiler(language, standard);
    if build.address_sanitizer {
        compiler.args(["-fsanitize=address", "-fno-omit-frame-pointer"]);
    }
    compiler.arg(folder.join(file)).args(["-x", "none", "-o"]).arg(&program).arg("-I").arg(include());
    let folder = library.parent().unwrap();
    match build.kafka_emr {
        Linked::Shared => {
            let mut path = OsString::from("-Wl,-rpath,");
            path.push(folder);
            compiler.arg("-L").arg(folder).arg("-lkafka_emr").arg(path);
        }
        Linked::Static => {
            compiler.arg(folder.join("libkafka_emr.a"));
        }
    }
    compiler.args(librdkafka(libraries, build.librdkafka));
    if build.kafka_emr == Linked::Static {
        compiler.args(NATIVE_LIBRARIES);
    }
    succeeds(&mut compiler);
    built.insert(place, program.clone());
    program
}

/// How a program is linked to librdkafka. Debian has no .pc file for the static library: it is asked for by its file name,
/// and needs what the shared one needs.
fn librdkafka(libraries: &[&str], linked: Linked) -> Vec<String> {
    let mut flags = pkg_config(None, &["--cflags", "--libs"], libraries);
    if linked == Linked::Static {
        for flag in &mut flags {
            if let Some(name) = flag.strip_prefix("-lrdkafka") {
                *flag = format!("-l:librdkafka{name}.a");
            }
        }
        let folder = pkg_config(None, &["--variable=libdir"], &["rdkafka"]).concat();
        flags.extend(needed(&Path::new(&folder).join("librdkafka.so")).iter().map(|name| format!("-l:{name}")));
    }
    flags
}

/// Asks pkg-config, with another folder of .pc files in front.
fn pkg_config(folder: Option<&Path>, questions: &[&str], packages: &[&str]) -> Vec<String> {
    let mut pkg_config = command("pkg-config", questions.iter().chain(packages));
    if let Some(folder) = folder {
        pkg_config.env("PKG_CONFIG_PATH", folder);
    }
    let answer = run(&mut pkg_config, LIMIT);
    assert!(answer.fine, "{answer}\n`cargo xtask test` installs it");
    answer.stdout.split_whitespace().map(ToOwned::to_owned).collect()
}

fn sorted_lines(text: &str) -> Vec<&str> {
    let mut lines: Vec<&str> = text.lines().collect();
    lines.sort_unstable();
    lines
}

/// The messages of a producer, by the language that it names in them.
fn messages(language: &str, count: usize) -> impl Iterator<Item = String> {
    let language = language.to_owned();
    (1..=count).map(move |number| format!("message {number} from {language}"))
}

/// How a program is started: by itself, or by another one.
type Runner = dyn Fn(&Path) -> Command;

fn plainly(program: &Path) -> Command {
    Command::new(program)
}

fn under_valgrind(program: &Path) -> Command {
    let mut valgrind = Command::new("valgrind");
    valgrind.args(["--quiet", "--error-exitcode=99", "--leak-check=full"]);
    valgrind.args(["--show-leak-kinds=definite,indirect", "--errors-for-leak-kinds=definite,indirect"]);
    valgrind.arg(program);
    valgrind
}

/// Looks for leaks, whatever the environment says.
fn looking_for_leaks(program: &Path) -> Command {
    let mut command = Command::new(program);
    command.env("ASAN_OPTIONS", "detect_leaks=1");
    command
}

/// Runs a program that must fail with this status.
#[track_caller]
fn ends_with(status: i32, command: &mut Command, says: &[&str]) -> Output {
    let output = fails(command, says);
    assert!(output.to_string().contains(&format!("\nended with exit status: {status}\n")), "not {status}: {output}");
    output
}

fn start<A: AsRef<std::ffi::OsStr>>(runner: &Runner, program: &Path, arguments: impl IntoIterator<Item = A>) -> Output {
    let mut command = runner(program);
    command.args(arguments);
    succeeds(&mut command)
}

/// Produces with the C example and with the C++ one, consumes all with the C consumer, and looks names up.
fn examples_work(site: &Site, build: Build, runner: &Runner) {
    let source = &site.source();
    let count = &MESSAGES.to_string();
    let delivered = format!("delivered {MESSAGES} of {MESSAGES} messages to {TOPIC}\n");
    for producer in ["producer.c", "producer.cpp"] {
        let output = start(runner, &program(producer, build), [source, TOPIC, count]);
        assert_eq!(output.stdout, delivered, "{output}");
    }

    // In two runs, of which the second one gets what the first one left, and nothing twice. It gets it soon, because the
    // first one has left the group; a mock cluster waits for its session to end nevertheless.
    let consumer = program("consumer.c", build);
    let group = &format!("c-{}-{build:?}", std::process::id());
    let runs = if site.real { vec![10, 2 * MESSAGES - 10] } else { vec![2 * MESSAGES] };
    let mut consumed = String::new();
    for count in runs {
        let begin = Instant::now();
        consumed += &start(runner, &consumer, [source, TOPIC, group, &count.to_string()]).stdout;
        assert!(begin.elapsed() < SESSION, "{count} messages took {:?}", begin.elapsed());
    }
    let mut produced: Vec<String> = messages("C", MESSAGES).chain(messages("C++", MESSAGES)).collect();
    produced.sort_unstable();
    assert_eq!(sorted_lines(&consumed), produced, "{}", site.name);

    let lookup = program("lookup.c", build);
    let output = start(runner, &lookup, [source].into_iter().chain(&site.advertised));
    assert_eq!(output.stdout.lines().count(), site.advertised.len(), "{output}");
    for (line, advertised) in output.stdout.lines().zip(&site.advertised) {
        assert!(line.starts_with(&format!("{advertised} -> 127.")), "{output}");
    }
    // The system resolver is asked for others.
    let output = start(runner, &lookup, [source, "127.0.0.9:80", "[::1]:9092"]);
    assert_eq!(output.stdout, "127.0.0.9:80 -> 127.0.0.9:80\n[::1]:9092 -> [::1]:9092\n", "{output}");
}

/// Called first on each site, whose topic is empty then.
pub(crate) fn works_on(site: &Site) {
    println!("C and C++ on {}", site.name);
    examples_work(site, USUAL, &plainly);
    let plain = program("c_plain.c", USUAL);
    ends_with(1, &mut command(plain, [site.servers.as_str(), TOPIC]), &["delivered 0 of 6 messages"]);
}

/// A producer of what it reads from its standard input; see `following.rs`.
pub(crate) fn follows(source: &str, topic: &str) -> Command {
    command(program("c_follows.c", USUAL), [source, topic])
}

#[test]
fn headers_and_examples_compile_without_a_warning() {
    let folder = scratch("c");
    let object = folder.join("compiled.o");
    let check = |language: &str, standard: &str, source: &Path| {
        let mut compiler = compiler(language, standard);
        compiler.arg("-c").arg(source).arg("-o").arg(&object).arg("-I").arg(include());
        succeeds(&mut compiler);
    };
    let sources = c_sources(&examples(), "");
    assert_eq!(sources.len(), 3, "{sources:?}");
    for source in &sources {
        check("c", "c99", source);
        check("c", "c17", source);
        check("c++", "c++11", source);
    }
    for source in c_sources(&programs(), "c_") {
        check("c", "c99", &source);
    }
    check("c++", "c++11", &examples().join("producer.cpp"));
    check("c++", "c++20", &examples().join("producer.cpp"));
    // Each header alone, and twice. A file without any declaration would be a warning of its own.
    for header in ["kafka_emr.h", "kafka_emr_rdkafka.h"] {
        let source = folder.join(format!("only_{header}.c"));
        let content = format!("#include <{header}>\n#include \"{header}\"\n\nextern int nothing;\n");
        std::fs::write(&source, content).unwrap();
        for standard in ["c99", "gnu99", "c11", "c17"] {
            check("c", standard, &source);
        }
        for standard in ["c++11", "c++17", "c++20"] {
            check("c++", standard, &source);
        }
    }
}

#[test]
fn examples_work_on_the_embedded_cluster() {
    works_on(&Site::embedded());
}

#[test]
fn examples_work_however_they_are_linked() {
    for librdkafka in [Linked::Shared, Linked::Static] {
        for kafka_emr in [Linked::Shared, Linked::Static] {
            let build = Build { librdkafka, kafka_emr, ..USUAL };
            examples_work(&Site::embedded(), build, &plainly);
            // They are linked as they were meant to be.
            for file in ["producer.c", "producer.cpp", "consumer.c"] {
                let needed = needed(&program(file, build));
                let has = |name: &str| needed.iter().any(|library| library.contains(name));
                assert_eq!(has("librdkafka"), librdkafka == Linked::Shared, "{file} {build:?}: {needed:?}");
                assert_eq!(has("libkafka_emr"), kafka_emr == Linked::Shared, "{file} {build:?}: {needed:?}");
            }
        }
    }
}

#[test]
fn examples_say_what_is_wrong() {
    let site = Site::embedded();
    let source = &site.source();
    let producers = [program("producer.c", USUAL), program("producer.cpp", USUAL)];
    let (consumer, lookup) = (program("consumer.c", USUAL), program("lookup.c", USUAL));
    for program in producers.iter().chain([&consumer, &lookup]) {
        ends_with(2, &mut Command::new(program), &["usage: "]);
    }
    for producer in &producers {
        ends_with(2, &mut command(producer, ["/nowhere/prod.toml", TOPIC]), &["/nowhere/prod.toml"]);
        ends_with(2, &mut command(producer, [source, TOPIC, "0"]), &["usage: "]);
        ends_with(2, &mut command(producer, [source, TOPIC, "7x"]), &["usage: "]);
        ends_with(
            1,
            &mut command(producer, [source, &"x".repeat(600), "3"]),
            &["cannot produce to", "delivered 0 of 3"],
        );
        let several = format!("{source};emr://48743?release=3.10&emr-worker-1=10.0.2.24");
        ends_with(2, &mut command(producer, [several.as_str(), TOPIC]), &["bootstrap.servers"]);
    }
    ends_with(2, &mut command(&consumer, [source, TOPIC, "group", "many"]), &["usage: "]);
    ends_with(2, &mut command(&consumer, ["/nowhere/prod.toml", TOPIC, "group", "1"]), &["/nowhere/"]);
    ends_with(2, &mut command(&lookup, ["/nowhere/prod.toml", "localhost"]), &["/nowhere/prod.toml"]);
    let output =
        ends_with(1, &mut command(&lookup, [source, "a.invalid", "emr-worker-1.cluster-48742"]), &["a.invalid: "]);
    assert!(output.stdout.starts_with("emr-worker-1.cluster-48742 -> 127.0.0.1:"), "{output}");
}

/// Runs the program of bad input. It writes into files of its own, by the name `place`.
fn bad_input(place: &str, build: Build, runner: &Runner) -> Output {
    let site = Site::embedded();
    let folder = scratch("c");
    let (description, file) = (folder.join(format!("{place}.toml")), folder.join(format!("{place}.hosts")));
    std::fs::copy(site.description(), &description).unwrap();
    let _ = std::fs::remove_file(&file);
    let output = start(runner, &program("c_bad_input.c", build), [&description, &file]);
    println!("{}", output.stdout);
    assert!(output.stdout.ends_with("all as expected\n"), "{output}");
    for words in [
        "there is no such file; ",
        "; the last good description stays in use",
        "was called after its resolver was freed",
        "emr-worker-8.cluster-48742",
    ] {
        assert!(output.stderr.contains(words), "no {words:?}: {output}");
    }
    assert!(!output.stderr.contains("emr-worker-9.cluster-48742"), "the callback has that: {output}");
    output
}

/// The 12 of `librdkafka 2.12.1`, which the program prints first.
fn minor(output: &Output) -> Option<u32> {
    output.stdout.strip_prefix("librdkafka 2.")?.split('.').next()?.parse().ok()
}

#[test]
fn bad_input_is_an_error_and_no_crash() {
    bad_input("bad-input", USUAL, &plainly);
    bad_input("bad-input-static", Build { librdkafka: Linked::Static, kafka_emr: Linked::Static, ..USUAL }, &plainly);
}

/// The librdkafka that rdkafka-sys builds is shared too, and cargo has tests find it.
#[test]
fn bad_input_is_an_error_with_a_newer_librdkafka_too() {
    let path = std::env::var_os("LD_LIBRARY_PATH").expect("cargo sets it");
    // Not the other folders: one of them can have an older libkafka_emr.
    let folder = std::env::split_paths(&path).find(|folder| folder.join("librdkafka.so.1").exists());
    let folder = folder.expect("rdkafka-sys has built librdkafka");
    let newer = move |program: &Path| {
        let mut command = looking_for_leaks(program);
        command.env("LD_LIBRARY_PATH", &folder);
        command
    };
    let output = bad_input("bad-input-newer", SANITIZED, &newer);
    // It knows client.dns.lookup, which came with 2.2.
    assert!(minor(&output) >= Some(2) && !output.stdout.contains("unknown"), "{output}");
}

/// The folders in which programs find the newest librdkafka.
fn newest_librdkafka() -> &'static OsString {
    static PATH: OnceLock<OsString> = OnceLock::new();
    PATH.get_or_init(|| {
        let newest = crate::python::newest_librdkafka();
        let folder = scratch("c").join("newest");
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir(&folder).unwrap();
        std::os::unix::fs::symlink(&newest, folder.join("librdkafka.so.1")).unwrap();
        std::env::join_paths([&*folder, newest.parent().unwrap()]).unwrap()
    })
}

/// From 2.13.0 on, configurations and clients own what they were given. Programs find this librdkafka by its folder.
#[test]
fn no_leak_and_no_error_with_the_newest_librdkafka() {
    let path = newest_librdkafka();
    let with_newest = move |program: &Path| {
        let mut command = looking_for_leaks(program);
        command.env("LD_LIBRARY_PATH", path);
        command
    };
    let output = bad_input("bad-input-newest", SANITIZED, &with_newest);
    assert!(minor(&output) >= Some(13), "{output}");
    examples_work(&Site::embedded(), SANITIZED, &with_newest);
    let site = Site::embedded();
    let output = start(&with_newest, &program("c_thousand.c", SANITIZED), [&site.source(), "1000"]);
    assert_eq!(output.stdout, "1000 clients\n", "{output}");
    let output = start(&with_newest, &program("c_old_table.c", SANITIZED), [&site.source()]);
    assert_eq!(output.stdout, "works\n", "{output}");
}

#[test]
fn no_leak_and_no_error_under_address_sanitizer() {
    // Where leaks are not found, the rest would say nothing.
    let leak = program("c_leak.c", SANITIZED);
    fails(&mut looking_for_leaks(&leak), &["LeakSanitizer: detected memory leaks", "77 byte(s)"]);
    examples_work(&Site::embedded(), SANITIZED, &looking_for_leaks);
    bad_input("bad-input-asan", SANITIZED, &looking_for_leaks);
}

#[test]
fn no_leak_and_no_error_under_valgrind() {
    let leak = program("c_leak.c", USUAL);
    ends_with(99, &mut under_valgrind(&leak), &["77 bytes in 1 blocks are definitely lost"]);
    examples_work(&Site::embedded(), USUAL, &under_valgrind);
    bad_input("bad-input-valgrind", USUAL, &under_valgrind);
}

/// A forced unwinding must not meet Rust's frames.
#[test]
fn a_thread_that_is_cancelled_inside_ends_alone() {
    let site = Site::embedded();
    let (source, plainly) = (site.source(), |program: &Path| Command::new(program));
    for (build, runner) in [(USUAL, &plainly as &Runner), (SANITIZED, &looking_for_leaks)] {
        let output = start(runner, &program("c_cancelled.c", build), [&source]);
        assert_eq!(output.stdout, "all have ended\n", "{output}");
    }
}

#[test]
fn a_thousand_clients_one_after_the_other_leak_nothing() {
    let site = Site::embedded();
    let output = start(&looking_for_leaks, &program("c_thousand.c", SANITIZED), [&site.source(), "1000"]);
    assert_eq!(output.stdout, "1000 clients\n", "{output}");
}

/// Debian's librdkafka, for which the library keeps one hook for each source, and the newest.
#[test]
fn threads_that_apply_one_source_at_once_all_resolve() {
    let program = program("c_race.c", SANITIZED);
    for newest in [false, true] {
        let mut race = looking_for_leaks(&program);
        if newest {
            race.env("LD_LIBRARY_PATH", newest_librdkafka());
        }
        let output = succeeds(race.arg("200"));
        assert_eq!(output.stdout, "200 rounds\n", "{output}");
    }
}

/// A thread that is inside the library at a fork is not in the child.
#[test]
fn workers_that_are_forked_meanwhile_do_the_same() {
    let program = program("c_fork.c", USUAL);
    for newest in [false, true] {
        let mut fork = Command::new(&program);
        if newest {
            fork.env("LD_LIBRARY_PATH", newest_librdkafka());
        }
        let output = succeeds(fork.arg("200"));
        assert_eq!(output.stdout, "200 workers\n", "{output}");
    }
}

/// The shared libraries that a program or library names.
fn needed(file: &Path) -> Vec<String> {
    let dynamic = dynamic_section(file);
    let lines = dynamic.lines().filter(|line| line.contains("(NEEDED)"));
    lines.filter_map(|line| Some(line.split_once('[')?.1.trim_end_matches(']').to_owned())).collect()
}

fn dynamic_section(file: &Path) -> String {
    let mut readelf = Command::new("readelf");
    succeeds(readelf.args(["--dynamic", "--wide"]).arg(file).env("LC_ALL", "C")).stdout
}

fn symbols(file: &Path, which: &str) -> Vec<String> {
    let output = succeeds(Command::new("nm").args(["--dynamic", which]).arg(file).env("LC_ALL", "C"));
    let names = output.stdout.lines().filter_map(|line| line.split_whitespace().last());
    // Without the version of glibc.
    let mut names: Vec<String> = names.map(|name| name.split('@').next().unwrap().to_owned()).collect();
    names.sort_unstable();
    names
}

/// What may be said of the shared library, wherever it was built.
fn check_library(library: &Path) {
    let expected = std::fs::read_to_string(root().join("kafka-emr-ffi/exports.txt")).unwrap();
    let exported = symbols(library, "--defined-only");
    println!("{} exports {}", library.display(), exported.join(" "));
    assert_eq!(exported, expected.lines().collect::<Vec<_>>(), "as kafka-emr-ffi/exports.txt says");

    let foreign: Vec<String> = symbols(library, "--undefined-only");
    assert!(!foreign.iter().any(|name| name.contains("rd_kafka")), "{foreign:?}");
    let needed = needed(library);
    println!("it needs {}", needed.join(" "));
    assert!(!needed.iter().any(|name| name.contains("rdkafka")), "{needed:?}");
    let dynamic = dynamic_section(library);
    assert!(dynamic.lines().any(|line| line.contains("(FLAGS_1)") && line.contains("NODELETE")), "{dynamic}");

    let stripped = scratch("c").join("stripped.so");
    succeeds(Command::new("strip").arg("-o").arg(&stripped).arg(library));
    let size = std::fs::metadata(&stripped).unwrap().len();
    println!("stripped it has {} KiB", size / 1024);
    assert!(size < 2 * 1024 * 1024, "{size} bytes");
}

#[test]
fn the_library_is_small_and_exports_what_it_should() {
    check_library(library());
}

/// A program may have a `conf_init` of its own. A plugin has to have one.
#[test]
fn a_program_with_a_conf_init_of_its_own_links_with_the_static_library() {
    let source = "emr://48742?release=EMR-3.10.1&emr-worker-1=10.0.1.24";
    for kafka_emr in [Linked::Static, Linked::Shared] {
        let output = start(&plainly, &program("c_conf_init.c", Build { kafka_emr, ..USUAL }), [source]);
        assert_eq!(output.stdout, "42 emr-worker-1.cluster-48742:9092\n", "{output}");
    }
    check_static_library(&library().with_extension("a"));
}

fn check_static_library(library: &Path) {
    let output = succeeds(Command::new("nm").args(["--extern-only", "--defined-only"]).arg(library).env("LC_ALL", "C"));
    let defines = |name: &str| output.stdout.lines().any(|line| line.split_whitespace().last() == Some(name));
    assert!(defines("kafka_emr_conf_init") && !defines("conf_init"), "{}", library.display());
}

/// A program that was compiled with an older header gives the library fewer functions than the library knows.
#[test]
fn a_program_with_the_first_table_of_functions_works_with_this_library() {
    let (site, program) = (Site::embedded(), program("c_old_table.c", SANITIZED));
    let output = start(&looking_for_leaks, &program, [&site.source()]);
    assert_eq!(output.stdout, "works\n", "{output}");
    let output = start(&looking_for_leaks, &program, [site.source().as_str(), "rd_kafka_conf_get"]);
    assert!(output.stdout.starts_with("rd_kafka_conf_get is missing"), "{output}");
}

#[test]
fn an_installed_library_is_all_that_a_compiler_needs() {
    let cargo = || Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    let version = run(cargo().args(["cinstall", "--version"]), LIMIT);
    assert!(version.fine, "{version}\n`cargo xtask test` installs it");

    let prefix = scratch("c").join("installed");
    if prefix.exists() {
        std::fs::remove_dir_all(&prefix).unwrap();
    }
    let mut install = cargo();
    install.args(["cinstall", "--locked", "--release", "-p", "kafka-emr-ffi", "--prefix"]).arg(&prefix);
    install.args(["--libdir", "lib", "--target-dir"]).arg(scratch("c").join("cargo-c")).current_dir(root());
    let installed = run(&mut install, Duration::from_secs(900));
    assert!(installed.fine, "{installed}");

    let version = env!("CARGO_PKG_VERSION");
    let lib = prefix.join("lib");
    let real = lib.join(format!("libkafka_emr.so.{version}"));
    assert!(real.symlink_metadata().unwrap().is_file(), "{}", real.display());
    // Before 1.0.0 every minor version may break the ABI, so it is part of the soname.
    let (soname, _) = version.rsplit_once('.').unwrap();
    let soname = format!("libkafka_emr.so.{soname}");
    assert!(dynamic_section(&real).contains(&format!("soname: [{soname}]")), "{}", dynamic_section(&real));
    for link in ["libkafka_emr.so", &soname] {
        assert!(lib.join(link).symlink_metadata().unwrap().is_symlink(), "{link}");
        assert_eq!(lib.join(link).canonicalize().unwrap(), real.canonicalize().unwrap(), "{link}");
    }
    for file in
        ["include/kafka_emr.h", "include/kafka_emr_rdkafka.h", "lib/libkafka_emr.a", "lib/pkgconfig/kafka_emr.pc"]
    {
        assert!(prefix.join(file).is_file(), "{file}");
    }
    check_library(&real);
    check_static_library(&lib.join("libkafka_emr.a"));
    let packaged = pkg_config(Some(&lib.join("pkgconfig")), &["--modversion"], &["kafka_emr"]);
    assert_eq!(packaged, [version]);

    // By nothing but pkg-config and gcc.
    let site = Site::embedded();
    for (name, questions, packages) in [
        ("shared", &["--cflags", "--libs"][..], &["kafka_emr", "rdkafka"][..]),
        ("without-librdkafka", &["--cflags", "--libs"], &["kafka_emr"]),
    ] {
        let flags = pkg_config(Some(&lib.join("pkgconfig")), questions, packages);
        let program = scratch("c").join(format!("installed-{name}"));
        let example = examples().join(if packages.len() == 1 { "lookup.c" } else { "producer.c" });
        succeeds(Command::new("gcc").arg(example).arg("-o").arg(&program).args(&flags));
        assert!(needed(&program).contains(&soname), "{:?}", needed(&program));
        let argument = if packages.len() == 1 { site.advertised[0].as_str() } else { TOPIC };
        let source = site.source();
        let output = succeeds(command(&program, [source.as_str(), argument]).env("LD_LIBRARY_PATH", &lib));
        assert!(output.stdout.contains(" -> 127.") || output.stdout.starts_with("delivered 10 of 10"), "{output}");
    }
}
