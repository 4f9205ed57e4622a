//! Programs that load no hook, by `kafka-emr exec`: the JVM, Node, Python, Go, whatever calls libc or the kernel.

mod calls;
mod kernel;

use std::fs;
use std::path::Path;
use std::process::Command;

use kafka_emr_tests::{KafkaVersion, fetch};
use tempfile::TempDir;

use crate::python;
use crate::site::{NAMES, Site, TOPIC};
use crate::support::{fails, kafka_emr, root, run, scratch, succeeds};

/// A program with the names of a source; without one, the program as it is.
pub(crate) fn with_names(source: Option<&str>, program: &str) -> Command {
    let Some(source) = source else { return Command::new(program) };
    let mut command = kafka_emr();
    command.args(["exec", source, "--", program]);
    command
}

/// Kafka's own tools, of the release that is told by its jars.
fn kafka_tool(source: Option<&str>, version: KafkaVersion, tool: &str, arguments: &[&str], input: &Path) -> Command {
    let jars = fetch(version).unwrap().join("*");
    let mut command = with_names(source, "sh");
    // The tools read standard input.
    command.args(["-c", r#"input=$1; shift; exec java -Xmx256m -Dlog4j2.disable.jmx=true "$@" < "$input""#, "sh"]);
    command.arg(input).arg("-cp").arg(jars).arg(tool).args(arguments);
    command
}

/// Clients of Java and Node reach a real cluster.
pub(crate) fn works_on(site: &Site, version: KafkaVersion) {
    println!("Java and Node by exec on {}", site.name);
    console_tools_work(site, version);
    the_admin_client_works(site, version);
    kafkajs_works(site);
}

/// kafkajs, which is its own client from the protocol up.
fn kafkajs_works(site: &Site) {
    let works = succeeds(&mut with_kafkajs(with_names(Some(&site.source()), "node"), site));
    assert!(works.stdout.contains("kafkajs works"), "{works}");
    fails(&mut with_kafkajs(with_names(None, "node"), site), &["onnect"]);
}

/// Node with a program that sends messages and gets them back.
pub(crate) fn with_kafkajs(mut node: Command, site: &Site) -> Command {
    let modules = scratch("node");
    let installed = modules.join("node_modules/kafkajs/package.json");
    if !fs::read_to_string(&installed).is_ok_and(|package| package.contains(KAFKAJS)) {
        let package = format!("kafkajs@{KAFKAJS}");
        let mut npm = Command::new("npm");
        npm.args(["install", "--silent", "--no-audit", "--no-fund", "--prefix"]).arg(&modules).arg(package);
        succeeds(&mut npm);
    }
    node.arg(root().join("tests/tests/clients/programs/with_kafkajs.js")).arg(&modules).arg(&site.servers);
    node
}

const KAFKAJS: &str = "2.2.4";

fn the_admin_client_works(site: &Site, version: KafkaVersion) {
    lists_topics(with_names(Some(&site.source()), "java"), site, version, &site.servers);
    fails(&mut admin_client(with_names(None, "java"), version, &site.servers, "3000"), &["Exception"]);
}

/// Kafka's Java AdminClient, in a JVM that has its options already, finds the site's topic and brokers.
pub(crate) fn lists_topics(java: Command, site: &Site, version: KafkaVersion, servers: &str) {
    let listed = succeeds(&mut admin_client(java, version, servers, "30000"));
    assert!(listed.stdout.lines().any(|line| line.starts_with("topics ") && line.contains(TOPIC)), "{listed}");
    for advertised in &site.advertised {
        assert!(listed.stdout.contains(&format!("broker {advertised}\n")), "{listed}");
    }
}

pub(crate) fn admin_client(mut java: Command, version: KafkaVersion, servers: &str, timeout_ms: &str) -> Command {
    let jars = fetch(version).unwrap().join("*");
    let program = root().join("tests/tests/clients/programs/ListsTopics.java");
    java.args(["-Xmx256m", "-cp"]).arg(&jars).arg(&program).args([servers, timeout_ms]);
    java
}

/// Kafka's console producer and consumer.
fn console_tools_work(site: &Site, version: KafkaVersion) {
    let folder = TempDir::new().unwrap();
    let (messages, nothing) = (folder.path().join("messages"), folder.path().join("nothing"));
    let sent: Vec<String> = (0..30).map(|n| format!("java {n:02}")).collect();
    fs::write(&messages, sent.join("\n") + "\n").unwrap();
    fs::write(&nothing, "").unwrap();
    let source = site.source();
    let producer = |source, servers: &str, limits: &[&str]| {
        let arguments = [&["--broker-list", servers, "--topic", TOPIC, "--sync"], limits].concat();
        kafka_tool(source, version, "kafka.tools.ConsoleProducer", &arguments, &messages)
    };
    let produced = succeeds(&mut producer(Some(&source), &site.servers, &[]));
    assert!(!produced.stderr.contains("ERROR") && !produced.stdout.contains("ERROR"), "{produced}");

    let group = format!("group.id=java-{}", std::process::id());
    let arguments =
        ["--bootstrap-server", &site.servers, "--topic", TOPIC, "--from-beginning", "--timeout-ms", "15000"];
    let arguments = [&arguments[..], &["--consumer-property", &group]].concat();
    // It ends when nothing has come for the time that is given, by which it fails.
    let consumer = kafka_tool(Some(&source), version, "kafka.tools.ConsoleConsumer", &arguments, &nothing);
    let consumed = run(&mut { consumer }, crate::support::LIMIT);
    let mut mine: Vec<&str> = consumed.stdout.lines().filter(|line| line.starts_with("java ")).collect();
    mine.sort_unstable();
    assert_eq!(mine, sent, "{consumed}");

    // Without: nothing is delivered, in the time that it is given.
    let limits = ["--producer-property", "max.block.ms=5000", "--producer-property", "request.timeout.ms=4000"];
    let limits =
        [&limits[..], &["--producer-property", "delivery.timeout.ms=5000", "--message-send-max-retries", "0"]].concat();
    let without = run(&mut producer(None, &site.servers, &limits), crate::support::LIMIT);
    let output = without.to_string();
    assert!(!without.fine || output.contains("Exception") || output.contains("ERROR"), "it works without: {output}");
}

#[test]
fn python_and_node_and_java_on_the_embedded_cluster() {
    let site = Site::embedded();
    let folder = TempDir::new().unwrap();
    let python = python::interpreter();
    let python = python.get_program().to_str().unwrap();
    let script = format!(
        "from kafka import KafkaProducer\n\
         producer = KafkaProducer(bootstrap_servers={NAMES:?}.split(','), api_version=(2, 0, 0), max_block_ms=8000)\n\
         print(producer.send({TOPIC:?}, b'from python').get(8).partition)\n"
    );
    succeeds(with_names(Some(&site.source()), python).args(["-c", &script]));
    fails(with_names(None, python).args(["-c", &script]), &["KafkaTimeoutError"]);

    kafkajs_works(&site);

    // These put the port in by themselves: it is connect that leads elsewhere.
    let node = "const s = require('net').connect(9092, 'emr-worker-1.cluster-48742', () => { s.destroy(); });\n\
                s.on('error', e => { console.log(e.message); process.exit(1); });";
    succeeds(with_names(Some(&site.source()), "node").args(["-e", node]));
    fails(with_names(None, "node").args(["-e", node]), &["ENOTFOUND", "emr-worker-1.cluster-48742"]);

    let java = folder.path().join("Connects.java");
    fs::write(
        &java,
        "public class Connects { public static void main(String[] a) throws Exception {\n\
         var to = new java.net.InetSocketAddress(\"emr-worker-2.cluster-48742\", 9092);\n\
         java.nio.channels.SocketChannel.open(to).close();\n\
         new java.net.Socket(to.getHostName(), 9092).close();\n\
         java.net.InetAddress.getByName(\"localhost\"); } }\n",
    )
    .unwrap();
    succeeds(with_names(Some(&site.source()), "java").arg(&java));
    fails(with_names(None, "java").arg(&java), &["UnresolvedAddressException"]);
}

#[test]
fn the_program_is_itself() {
    let site = Site::embedded();
    let source = site.source();
    let exec = |arguments: &[&str]| {
        let mut command = kafka_emr();
        command.args(["exec", "--via", "preload", &source, "--"]).args(arguments);
        command
    };
    // Its exit status, its arguments, its name, and its children's environment.
    let output = run(&mut exec(&["sh", "-c", "echo $0 $1; exit 7", "me", "one argument"]), crate::support::LIMIT);
    assert!(output.to_string().contains("exit status: 7") && output.stdout == "me one argument\n", "{output}");
    let output =
        succeeds(exec(&["sh", "-c", "sh -c 'echo $LD_PRELOAD; echo $KAFKA_EMR_CLUSTER'"]).env("LD_PRELOAD", ""));
    let lines: Vec<&str> = output.stdout.lines().collect();
    assert!(
        matches!(lines[..], [preload, cluster]
        if preload.ends_with("/libkafka_emr_preload.so") && cluster == format!("emr://{source}")),
        "{output}"
    );
    // A signal ends it, and not only what started it.
    let output = run(&mut exec(&["sh", "-c", "kill -TERM $$; sleep 60"]), crate::support::LIMIT);
    assert!(output.to_string().contains("signal: 15"), "{output}");
    // Others' names and a library that was there before are as ever.
    let other = "/lib/x86_64-linux-gnu/libm.so.6";
    if Path::new(other).exists() {
        let output =
            succeeds(exec(&["sh", "-c", "echo $LD_PRELOAD; getent ahostsv4 127.0.0.9"]).env("LD_PRELOAD", other));
        assert!(output.stdout.contains(&format!("libkafka_emr_preload.so:{other}\n127.0.0.9")), "{output}");
    }
}

#[test]
fn what_cannot_have_the_names_is_refused() {
    let folder = TempDir::new().unwrap();
    let build = |name: &str, flags: &[&str]| {
        let (source, program) = (folder.path().join("main.c"), folder.path().join(name));
        fs::write(&source, "int main(void) { return 0; }\n").unwrap();
        succeeds(Command::new("gcc").args(flags).arg(source).arg("-o").arg(&program));
        program.into_os_string().into_string().unwrap()
    };
    let usual = build("usual", &[]);
    let fixed = build("fixed", &["-static"]);
    let script = folder.path().join("script");
    fs::write(&script, format!("#!{fixed}\n")).unwrap();
    let text = folder.path().join("text");
    fs::write(&text, "hello\n").unwrap();
    let (nameless, orphan) = (folder.path().join("nameless"), folder.path().join("orphan"));
    fs::write(&nameless, "#!  \n").unwrap();
    fs::write(&orphan, "#! /nowhere/interpreter -x\n").unwrap();
    for file in [&script, &text, &nameless, &orphan] {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(file, fs::Permissions::from_mode(0o755)).unwrap();
    }
    let source = "emr://48742?release=3.10&emr-worker-1=10.0.1.24";
    let exec = |arguments: &[&str]| {
        let mut command = kafka_emr();
        command.arg("exec").args(arguments);
        command
    };
    succeeds(&mut exec(&[source, "--", &usual]));
    // Found where execvp(3) looks, and by the loader that it names.
    succeeds(exec(&[source, "--", "true"]).env_remove("PATH"));
    if let Ok(loader) = fs::canonicalize("/lib64/ld-linux-x86-64.so.2") {
        succeeds(&mut exec(&[source, "--", loader.to_str().unwrap(), &usual]));
    }
    for (arguments, says) in [
        (&["--via", "preload", source, "--", &fixed][..], "linked statically"),
        (&["--via", "preload", source, "--", script.to_str().unwrap()], "linked statically"),
        (&[source, "--", text.to_str().unwrap()], "neither a script nor a program"),
        (&[source, "--", "/nowhere/program"], "there is no program /nowhere/program"),
        (&[source, "--", "no-such-program"], "there is no program no-such-program in PATH"),
        (&["/nowhere/prod.toml", "--", &usual], "/nowhere/prod.toml: there is no such file"),
        (&[source, "--library", "/nowhere/x.so", "--", &usual], "there is no file /nowhere/x.so"),
        (&[source, "--library", text.to_str().unwrap(), "--", &usual], "is no shared library for this machine"),
        (&[source, "--", nameless.to_str().unwrap()], "names no interpreter"),
        (&[source, "--", orphan.to_str().unwrap()], "orphan: there is no interpreter /nowhere/interpreter"),
        (&[source], "CMD"),
    ] {
        let output = fails(&mut exec(arguments), &[says]);
        assert!(output.to_string().contains("exit status: 2") && output.stderr.lines().count() == 1, "{output}");
    }
}

#[test]
fn a_setuid_program_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    use std::os::unix::process::CommandExt;
    let folder = TempDir::new().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let program = folder.path().join("setuid");
    fs::copy("/bin/true", &program).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o4755)).unwrap();
    // To somebody else than the owner: a copy of the command that anybody may run.
    let command = folder.path().join("kafka-emr");
    fs::copy(kafka_emr().get_program(), &command).unwrap();
    let library = Path::new(kafka_emr().get_program()).with_file_name("libkafka_emr_preload.so");
    fs::copy(library, folder.path().join("libkafka_emr_preload.so")).unwrap();
    let mut exec = Command::new(command);
    exec.args(["exec", "emr://48742?release=3.10&emr-worker-1=10.0.1.24", "--"]).arg(&program).current_dir("/");
    let root = fs::metadata(&program).unwrap();
    if std::os::unix::fs::MetadataExt::uid(&root) == 0 {
        fails(exec.uid(65534), &["rights of its owner", "LD_PRELOAD"]);
    } else {
        println!("NOT RUN as another user: that needs root. The file's owner may run it");
        succeeds(&mut exec);
    }
}
