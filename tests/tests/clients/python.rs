//! The wheel: Python's clients, through the plugin and through `kafka_emr.install()`.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use crate::site::Site;
use crate::support::{fails, root, run, scratch, succeeds};

/// Downloads take their time.
const INSTALL: Duration = Duration::from_secs(600);

/// An environment of its own, with the wheel and the clients in it.
struct Environment {
    python: PathBuf,
    wheel: PathBuf,
    plugin: String,
}

/// The environment, with the wheel that the sources make.
fn environment() -> &'static Environment {
    static ENVIRONMENT: OnceLock<Environment> = OnceLock::new();
    ENVIRONMENT.get_or_init(|| {
        let (folder, python) = (scratch("python"), with_clients().to_owned());
        let wheel = wheel(&folder, &python);
        let mut hasher = DefaultHasher::new();
        std::fs::read(&wheel).unwrap().hash(&mut hasher);
        let content = format!("{:016x}", hasher.finish());
        // In the environment itself: it goes with it.
        let stamp = folder.join("venv/wheel");
        if std::fs::read_to_string(&stamp).ok().as_ref() != Some(&content) {
            pip(&python, |pip| pip.args(["install", "--force-reinstall", "--no-index"]).arg(&wheel));
            std::fs::write(&stamp, content).unwrap();
        }
        let plugin = succeeds(Command::new(&python).args(["-I", "-m", "kafka_emr", "--plugin"])).stdout;
        Environment { python, wheel, plugin: plugin.trim_end().to_owned() }
    })
}

/// Python with the clients, whether or not the wheel is there.
pub(crate) fn with_clients() -> &'static Path {
    static PYTHON: OnceLock<PathBuf> = OnceLock::new();
    PYTHON.get_or_init(|| venv(&scratch("python"), "requirements.txt"))
}

/// Python in an environment of its own in this folder, with the packages of a file; made anew where it is of others.
pub(crate) fn venv(folder: &Path, requirements: &str) -> PathBuf {
    let (venv, stamp) = (folder.join("venv"), folder.join("stamp"));
    let python = venv.join("bin/python");
    let requirements = programs().join(requirements);
    let pins = std::fs::read_to_string(&requirements).unwrap();
    if std::fs::read_to_string(&stamp).ok().as_ref() != Some(&pins) {
        let _ = std::fs::remove_file(&stamp);
        let made = run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&venv), INSTALL);
        assert!(made.fine, "{made}\n`cargo xtask test` installs what is missing (Debian package python3-venv)");
        pip(&python, |pip| pip.arg("install").arg("-r").arg(&requirements));
        std::fs::write(&stamp, pins).unwrap();
    }
    python
}

/// Builds the wheel, as `pip install ./python` does.
fn wheel(folder: &Path, python: &Path) -> PathBuf {
    let out = folder.join("wheel");
    let _ = std::fs::remove_dir_all(&out);
    let mut maturin = Command::new(python);
    maturin.args(["-m", "maturin", "build", "--release", "--quiet", "--interpreter"]).arg(python);
    // Apart from the library that other tests use meanwhile: this one is stripped.
    maturin.arg("--out").arg(&out).arg("--target-dir").arg(folder.join("target"));
    maturin.current_dir(root().join("python"));
    let built = run(&mut maturin, INSTALL);
    assert!(built.fine, "{built}");
    let wheels: Vec<PathBuf> = std::fs::read_dir(&out).unwrap().map(|entry| entry.unwrap().path()).collect();
    let [wheel] = &wheels[..] else { panic!("one wheel serves every Python, but these were built: {wheels:?}") };
    wheel.clone()
}

fn pip(python: &Path, arguments: impl FnOnce(&mut Command) -> &mut Command) {
    let mut command = Command::new(python);
    command.args(["-m", "pip", "--quiet", "--disable-pip-version-check"]);
    arguments(&mut command);
    let output = run(&mut command, INSTALL);
    assert!(output.fine, "{output}\n`cargo xtask test` installs pip with the Debian package python3-venv");
}

/// Python with the wheel and the clients.
pub(crate) fn interpreter() -> Command {
    Command::new(&environment().python)
}

/// The librdkafka that confluent_kafka brings along, newer than any other here.
pub(crate) fn newest_librdkafka() -> PathBuf {
    let place = "import confluent_kafka, pathlib; print(pathlib.Path(confluent_kafka.__file__).parents[1])";
    let packages = succeeds(interpreter().args(["-c", place])).stdout;
    let files = std::fs::read_dir(Path::new(packages.trim()).join("confluent_kafka.libs")).unwrap();
    let mut files = files.map(|entry| entry.unwrap().path());
    files.find(|file| file.file_name().unwrap().to_string_lossy().starts_with("librdkafka")).unwrap()
}

pub(crate) fn programs() -> PathBuf {
    root().join("tests/tests/clients/programs")
}

/// A scenario with its arguments.
fn scenario(name: &str, arguments: &[&str]) -> Command {
    let mut command = interpreter();
    command.arg(programs().join(name)).args(arguments).env("PYTHONDONTWRITEBYTECODE", "1");
    command
}

pub(crate) fn works_on(site: &Site) {
    let (source, servers) = (site.source(), site.servers.as_str());
    let kind = if site.real { "real" } else { "embedded" };
    // What cannot be reached without kafka-emr is what the brokers advertise, each as the others up to here.
    let [first, .., last] = &site.advertised[..] else { panic!("a site has several brokers") };
    let advertised: String = first.chars().zip(last.chars()).take_while(|(a, b)| a == b).map(|(a, _)| a).collect();
    let advertised = advertised.as_str();

    let plugin = environment().plugin.as_str();
    let with = format!(r#"{{"plugin.library.paths": {plugin:?}, "emr.cluster": {source:?}}}"#);
    let without = format!(r#"{{"bootstrap.servers": {servers:?}}}"#);
    succeeds(&mut scenario("five_lines.py", &[&with, "60"]));
    fails(&mut scenario("five_lines.py", &[&without, "5"]), &[advertised]);

    for (program, why, ways) in [
        ("with_confluent.py", &[advertised, "not delivered"][..], &[][..]),
        ("with_kafka_python.py", &[advertised], &["gevent", "gevent later", "forked"]),
        ("with_aiokafka.py", &[advertised], &["uvloop", "uvloop later"]),
    ] {
        let mut runs = vec![scenario(program, &[&source, servers, kind])];
        runs.extend(ways.iter().map(|way| scenario(program, &[&source, servers, kind, way])));
        for mut run in runs {
            println!("  {}", succeeds(&mut run).stdout.trim_end());
        }
        fails(&mut scenario(program, &["-", servers, kind]), why);
    }
}

#[test]
fn clients_work_on_the_embedded_cluster() {
    works_on(&Site::embedded());
}

#[test]
fn the_package_does_what_it_says() {
    let package = root().join("python");
    let python = || {
        let mut python = interpreter();
        python.env("PYTHONDONTWRITEBYTECODE", "1").current_dir(&package);
        python
    };
    let tests = succeeds(python().args(["-m", "pytest", "--quiet"]));
    println!("{}", tests.stdout.lines().last().unwrap_or_default());
    succeeds(python().args(["-m", "mypy", "--cache-dir"]).arg(scratch("python").join("mypy")).args(["src", "tests"]));
}

#[test]
fn the_wheel_is_one_library_for_every_python() {
    let Environment { python, wheel, plugin, .. } = environment();
    let name = wheel.file_name().unwrap().to_str().unwrap();
    assert!(name.starts_with(concat!("kafka_emr-", env!("CARGO_PKG_VERSION"), "-py3-none-")), "{name}");
    assert!(!name.ends_with("-any.whl"), "{name}");
    println!("{name}: {} bytes", std::fs::metadata(wheel).unwrap().len());

    let files = succeeds(Command::new(python).args(["-m", "zipfile", "--list"]).arg(wheel)).stdout;
    let libraries: Vec<&str> = files.lines().filter(|line| line.contains(".so")).collect();
    assert!(matches!(libraries[..], [one] if one.contains("libkafka_emr.so")), "{files}");
    assert!(files.contains("kafka_emr/py.typed"), "{files}");

    let linked = succeeds(Command::new("ldd").arg(plugin)).stdout;
    assert!(!linked.contains("python") && !linked.contains("rdkafka"), "{linked}");
    pip(python, |pip| pip.arg("check"));
    let needs = "import importlib.metadata as m; print(*[r for r in m.requires('kafka-emr') if 'extra ==' not in r])";
    assert_eq!(succeeds(Command::new(python).args(["-c", needs])).stdout.trim(), "", "it depends on no package");
    let raw = "from kafka_emr.kafka_emr import ffi, lib; print(ffi.string(lib.kafka_emr_version()).decode())";
    assert_eq!(succeeds(Command::new(python).args(["-c", raw])).stdout.trim(), env!("CARGO_PKG_VERSION"));
}

/// As the README says it, in an environment with nothing else in it.
#[test]
fn pip_installs_it_from_the_sources_and_five_lines_do() {
    let venv = scratch("python").join("clean");
    succeeds(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&venv));
    let python = venv.join("bin/python");
    // Apart from the folder that cargo is in for the tests.
    let target = scratch("python").join("target");
    pip(&python, |pip| pip.arg("install").arg(root().join("python")).env("CARGO_TARGET_DIR", &target));
    let requirements = std::fs::read_to_string(programs().join("requirements.txt")).unwrap();
    let confluent = requirements.lines().find(|line| line.starts_with("confluent-kafka")).unwrap();
    pip(&python, |pip| pip.args(["install", confluent]));

    let site = Site::embedded();
    let plugin = succeeds(Command::new(&python).args(["-m", "kafka_emr", "--plugin"])).stdout;
    let with = format!(r#"{{"plugin.library.paths": {:?}, "emr.cluster": {:?}}}"#, plugin.trim_end(), site.source());
    succeeds(Command::new(&python).arg(programs().join("five_lines.py")).args([&*with, "60"]));
}
