//! What `kafka-emr hosts` prints, given to those who read it, or to what checks it in their place.

use std::fs;
use std::net::IpAddr;
use std::process::Command;

use kafka_emr_tests::KafkaVersion;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::exec::{admin_client, lists_topics};
use crate::python;
use crate::server::Server;
use crate::site::Site;
use crate::support::{fails, kafka_emr, scratch, succeeds};

/// A node by IPv4, and one by IPv6.
const SOURCE: &str = "emr://48742?release=3.10&emr-worker-1=10.0.1.24&emr-header-1=fd00::1";

/// All of its names, and where they lead.
const NAMES: [(&str, &str); 2] =
    [("emr-worker-1.cluster-48742", "10.0.1.24"), ("emr-header-1.cluster-48742", "fd00::1")];

/// The map of a source.
fn hosts(source: &str, format: &str) -> String {
    succeeds(kafka_emr().args(["hosts", source, "--format", format])).stdout
}

/// `/etc/hosts` is what libc reads, and nothing else. proot has it read another file there, without root and in containers.
#[test]
fn libc_takes_the_hosts_file() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("hosts");
    fs::write(&file, "127.0.0.9 there.before\n".to_owned() + &hosts(SOURCE, "hosts")).unwrap();
    let getent = |name: &str| {
        let mut getent = Command::new("proot");
        getent.arg("-b").arg(format!("{}:/etc/hosts", file.display())).args(["getent", "hosts", name]);
        getent
    };
    for (name, address) in NAMES.into_iter().chain([("there.before", "127.0.0.9")]) {
        let found = succeeds(&mut getent(name));
        assert_eq!(found.stdout.split_whitespace().next(), Some(address), "{found}");
    }
    for other in ["emr-worker-9.cluster-48742", "emr-worker-1"] {
        fails(&mut getent(other), &[]);
    }
    fails(Command::new("getent").args(["hosts", NAMES[0].0]), &[]);
}

#[test]
fn a_jvm_takes_its_hosts_file() {
    let folder = TempDir::new().unwrap();
    let (program, file) = (folder.path().join("Resolves.java"), folder.path().join("hosts"));
    fs::write(
        &program,
        "public class Resolves { public static void main(String[] names) throws Exception {\n\
         for (var name : names) System.out.println(java.net.InetAddress.getByName(name).getHostAddress()); } }\n",
    )
    .unwrap();
    fs::write(&file, hosts(SOURCE, "jdk")).unwrap();
    let java = |option: Option<&str>, names: &[&str]| {
        let mut java = Command::new("java");
        java.args(option).arg(&program).args(names);
        java
    };
    let option = format!("-Djdk.net.hosts.file={}", file.display());
    let found = succeeds(&mut java(Some(&option), &NAMES.map(|(name, _)| name)));
    let addresses: Vec<IpAddr> = found.stdout.lines().map(|line| line.parse().unwrap()).collect();
    assert_eq!(addresses, NAMES.map(|(_, address)| address.parse::<IpAddr>().unwrap()), "{found}");
    // The file is all that it knows: that is why there is a line for itself.
    assert_eq!(succeeds(&mut java(Some(&option), &["localhost"])).stdout, "127.0.0.1\n");
    fails(&mut java(Some(&option), &["emr-worker-9.cluster-48742"]), &["UnknownHostException"]);
    fails(&mut java(None, &[NAMES[0].0]), &["UnknownHostException"]);
}

/// Kafka's Java AdminClient on a real cluster, with the JVM's own hosts file in the place of the hook.
pub(crate) fn works_on(site: &Site, version: KafkaVersion) {
    println!("Java by jdk.net.hosts.file on {}", site.name);
    let folder = TempDir::new().unwrap();
    let with = |source: &str| {
        let file = folder.path().join("hosts");
        fs::write(&file, hosts(source, "jdk")).unwrap();
        let mut java = Command::new("java");
        java.arg(format!("-Djdk.net.hosts.file={}", file.display()));
        java
    };
    lists_topics(with(&site.source()), site, version, &site.servers);
    let of_another = "emr://48743?release=3.10&emr-worker-1=127.10.1.24";
    fails(&mut admin_client(with(of_another), version, &site.servers, "3000"), &["Exception"]);
}

/// The real curl reaches a node by its address, and one behind a tunnel at another port.
#[test]
fn curl_takes_its_arguments() {
    let (node, tunnel) = (Server::start([127, 10, 2, 24]), Server::start([127, 0, 0, 1]));
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("prod.toml");
    let port = node.address.port();
    let description = format!(
        "id = \"48742\"\nrelease = \"EMR-3.10.1\"\nport = {port}\n\
         [[nodes]]\nname = \"emr-worker-1\"\nprivate_ip = \"127.10.2.24\"\n\
         [[nodes]]\nname = \"emr-worker-2\"\nprivate_ip = \"fd00::2\"\n\
         [[nodes]]\nname = \"emr-worker-3\"\nprivate_ip = \"10.0.1.26\"\nconnect = \"{}\"\n",
        tunnel.address
    );
    fs::write(&file, description).unwrap();
    let arguments = hosts(file.to_str().unwrap(), "curl");
    let curl = |arguments: &str, name: &str| {
        let mut curl = Command::new("curl");
        curl.args(["--silent", "--show-error", "--max-time", "20", "--noproxy", "*"]);
        curl.args(arguments.split_whitespace()).arg(format!("http://{name}:{port}/{name}"));
        curl
    };
    for (name, server) in [("emr-worker-1", &node), ("emr-worker-3", &tunnel)] {
        let name = format!("{name}.cluster-48742");
        succeeds(&mut curl(&arguments, &name));
        let request = server.asked_for(&name);
        assert!(request.head.contains(&format!("Host: {name}:{port}\r\n")), "{}", request.head);
    }
    // It reads all of its arguments, that of the node by IPv6 as well, which nobody need have here.
    assert!(arguments.contains(":[fd00::2]\n"), "{arguments}");
    fails(&mut curl(&arguments.replace("[fd00::2]", "[fd00::x]"), "emr-worker-1.cluster-48742"), &["CURLOPT_RESOLVE"]);
    for (arguments, name) in [("", "emr-worker-1.cluster-48742"), (arguments.as_str(), "emr-worker-1")] {
        fails(&mut curl(arguments, name), &["Could not resolve host"]);
    }
}

/// Docker's own command line hands on what it has read. Its daemon is not needed for that: one that only listens will do.
#[test]
fn docker_takes_its_arguments() {
    let daemon = Server::start([127, 0, 0, 1]);
    let nobodys_settings = TempDir::new().unwrap();
    let create = |arguments: &str| {
        let mut docker = Command::new("docker");
        docker.env("DOCKER_HOST", format!("tcp://{}", daemon.address)).env("DOCKER_CONFIG", nobodys_settings.path());
        docker.env_remove("DOCKER_CONTEXT").env_remove("DOCKER_TLS_VERIFY").env_remove("DOCKER_API_VERSION");
        docker.arg("create").args(arguments.split_whitespace()).arg("image");
        docker
    };
    let arguments = hosts(SOURCE, "docker");
    succeeds(&mut create(&arguments));
    let request: Value = serde_json::from_str(&daemon.asked_for("/containers/create").body).unwrap();
    let expected = NAMES.map(|(name, address)| format!("{name}:{address}"));
    assert_eq!(request["HostConfig"]["ExtraHosts"], json!(expected), "{request}");
    fails(&mut create(&arguments.replace("10.0.1.24", "10.0.1.300")), &["invalid IP address in add-host"]);
}

/// What checks the formats of those who are too big to be here.
pub(crate) fn validator(program: &str) -> Command {
    Command::new(python::venv(&scratch("validators"), "validators.txt").with_file_name(program))
}

/// The lines under a key of this depth.
fn indented(text: &str, depth: usize) -> String {
    text.lines().map(|line| format!("{}{line}\n", "  ".repeat(depth))).collect()
}

/// By Kubernetes' own schema of a Pod, in which unknown keys are errors.
#[test]
fn kubernetes_takes_the_host_aliases() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("pod.yaml");
    let validate = |host_aliases: &str| {
        let pod =
            "apiVersion: v1\nkind: Pod\nmetadata:\n  name: app\nspec:\n  containers:\n  - name: app\n    image: app\n";
        fs::write(&file, pod.to_owned() + &indented(host_aliases, 1)).unwrap();
        let mut validate = validator("kubernetes-validate");
        validate.arg("--strict").arg(&file);
        validate
    };
    let host_aliases = hosts(SOURCE, "k8s");
    succeeds(&mut validate(&host_aliases));
    for (right, wrong) in [("hostnames:", "hostname:"), ("ip: \"fd00::1\"", "ip: 1"), ("- ip:", "- address:")] {
        let broken = host_aliases.replace(right, wrong);
        assert_ne!(broken, host_aliases);
        fails(&mut validate(&broken), &["spec.hostAliases"]);
    }
}

/// By a reader of the Compose specification, which is lighter than Compose, and looks at the addresses as well.
#[test]
fn compose_takes_the_extra_hosts() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("compose.yaml");
    let read = |extra_hosts: &str| {
        fs::write(&file, "services:\n  app:\n    image: app\n".to_owned() + &indented(extra_hosts, 2)).unwrap();
        let script =
            "import compose_spec, sys; print(compose_spec.PyCompose.from_yaml(open(sys.argv[1]).read()).to_json())";
        let mut python = validator("python");
        python.args(["-c", script]).arg(&file);
        python
    };
    let extra_hosts = hosts(SOURCE, "compose");
    let compose: Value = serde_json::from_str(&succeeds(&mut read(&extra_hosts)).stdout).unwrap();
    let expected: Value = NAMES.into_iter().map(|(name, address)| (name.to_owned(), json!(address))).collect();
    assert_eq!(compose["services"]["app"]["extra_hosts"], expected, "{compose}");
    for (right, wrong) in [("extra_hosts", "extra_host"), (":10.0.1.24", ""), ("10.0.1.24", "10.0.1.300")] {
        fails(&mut read(&extra_hosts.replace(right, wrong)), &["services.app"]);
    }
}
