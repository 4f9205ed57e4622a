//! What the README shows for C, Python and every other program is run as it stands there.

use std::path::Path;
use std::process::Command;

use crate::python;
use crate::site::{Site, TOPIC};
use crate::support::{library, root, succeeds};

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
