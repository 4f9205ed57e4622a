//! What the README shows for C, Python and every other program is run as it stands there.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use crate::python;
use crate::site::{Site, TOPIC};
use crate::support::{kafka_emr, library, root, succeeds, target};

/// The README's blocks of a language.
fn blocks(language: &str) -> Vec<String> {
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    let fence = format!("\n```{language}\n");
    let blocks = readme.split(fence.as_str()).skip(1);
    blocks.map(|rest| rest[..rest.find("```").unwrap()].to_owned()).collect()
}

/// A folder with the `prod.toml` that they all name.
fn folder(site: &Site) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::copy(site.description(), folder.path().join("prod.toml")).unwrap();
    folder
}

#[test]
fn the_c_of_the_readme() {
    let site = Site::embedded();
    let [program] = &blocks("c")[..] else { panic!("one program") };
    let folder = folder(&site);
    let source = folder.path().join("program.c");
    std::fs::write(&source, program).unwrap();
    let program = folder.path().join("program");
    let libraries = library().parent().unwrap();
    let mut gcc = Command::new("gcc");
    gcc.args(["-std=c99", "-Wall", "-Wextra", "-Werror"]).arg(source).arg("-o").arg(&program);
    gcc.arg("-I").arg(root().join("include")).arg("-L").arg(libraries).args(["-lkafka_emr", "-lrdkafka"]);
    succeeds(gcc.arg(format!("-Wl,-rpath,{}", libraries.display())));
    succeeds(Command::new(program).current_dir(&folder));
}

#[test]
fn the_python_of_the_readme() {
    let site = Site::embedded();
    let folder = folder(&site);
    let blocks = blocks("python");
    let [confluent, sockets] = &blocks[..] else { panic!("two programs: {blocks:?}") };
    let run = |program: String| succeeds(python::interpreter().args(["-c", &program]).current_dir(&folder)).stdout;

    let told = run(format!("{confluent}print(consumer.list_topics(timeout=60).brokers)\n"));
    assert!(told.contains("emr-worker-3.cluster-48742"), "{told}");

    // librdkafka's mock brokers answer the question for their versions in a way that kafka-python does not take.
    let version = "import functools, kafka\nkafka.KafkaConsumer = functools.partial(kafka.KafkaConsumer, api_version=(2, 0, 0))\n";
    // Until the first message: then the loop has what it waits for.
    produce(&site, "hello from the README");
    let from_the_start = version.replace("api_version", "auto_offset_reset=\"earliest\", api_version");
    let told = run(format!("{from_the_start}{sockets}        break\n"));
    assert!(told.contains("hello from the README"), "{told}");
}

fn produce(site: &Site, message: &str) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("message");
    std::fs::write(&file, format!("{message}\n")).unwrap();
    let plugin = format!("plugin.library.paths={}", library().display());
    let source = format!("emr://{}", site.source());
    succeeds(Command::new("kcat").args(["-X", &plugin, "-b", &source, "-P", "-t", TOPIC, "-l"]).arg(file));
}

/// Somebody has installed the command, without the library beside it. `cargo` has nothing to build any more.
#[test]
fn the_exec_of_the_readme() {
    let site = Site::embedded();
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    let (_, section) = readme.split_once("\n## Any other program\n").unwrap();
    let (_, block) = section.split_once("\n```sh\n").unwrap();
    let (block, _) = block.split_once("```").unwrap();
    let folder = folder(&site);
    let at = |name: &str| folder.path().join(name);
    let built = kafka_emr();
    std::fs::create_dir(at("bin")).unwrap();
    std::fs::copy(built.get_program(), at("bin/kafka-emr")).unwrap();
    std::os::unix::fs::symlink(target(), at("target")).unwrap();
    for (program, script) in
        [("bin/cargo", "echo \"$@\" > built"), ("bin/kafka-console-consumer.sh", "getent ahosts \"${2%%:*}\"")]
    {
        std::fs::write(at(program), format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(at(program), std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    let mut shell = Command::new("sh");
    let path = format!("{}:{}", at("bin").display(), std::env::var("PATH").unwrap());
    let found = succeeds(shell.args(["-e", "-c", block]).env("PATH", path).current_dir(&folder)).stdout;
    assert!(found.starts_with("10.0.1.24 "), "{found}");
    let built = std::fs::read_to_string(at("built")).unwrap();
    assert_eq!(built, "build --release -p kafka-emr-cli -p kafka-emr-preload\n");
}

#[test]
fn the_properties_of_the_readme() {
    let site = Site::embedded();
    let [properties] = &blocks("properties")[..] else { panic!("one configuration") };
    let properties = properties
        .replace("/usr/local/lib/libkafka_emr.so", library().to_str().unwrap())
        .replace("/etc/kafka-emr/prod.toml", &site.source());
    let folder = folder(&site);
    let file: &Path = &folder.path().join("kcat.conf");
    std::fs::write(file, &properties).unwrap();
    let listed = succeeds(Command::new("kcat").arg("-F").arg(file).args(["-b", "", "-L"])).stdout;
    assert!(listed.contains("emr-worker-1.cluster-48742:9092"), "{listed}");
}
