//! Flink as a session cluster: one JobManager, one TaskManager.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use kafka_emr_rs::rdkafka::ClientConfig;
use kafka_emr_rs::rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use kafka_emr_tests::{Broker, KafkaCluster, KafkaVersion, fetch_flink_kafka};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{Daemon, JAVA_OPTIONS, readme, shell, without_names};
use crate::mirror::first_record;
use crate::python::{programs, venv};
use crate::server::Server;
use crate::site::{TOPIC, create_topic, file};
use crate::support::{LIMIT, fails, scratch, succeeds};

/// The version of what `programs/flink.txt` has.
const VERSION: &str = "1.20.3";

/// How its programs log.
const LOGGING: [&str; 3] = ["log4j-cli.properties", "log4j-console.properties", "log4j-session.properties"];

/// Flink as it is distributed: its programs, and its jars with those for Kafka.
fn flink() -> &'static Path {
    static FLINK: OnceLock<PathBuf> = OnceLock::new();
    FLINK.get_or_init(|| {
        let folder = scratch("flink");
        let python = venv(&folder, "flink.txt");
        let (wheels, programs) = (folder.join("wheels"), folder.join(VERSION));
        if !programs.is_dir() {
            // Of the wheel the programs only, which every Python could start: it is for some, and depends on a hundred others.
            let mut pip = Command::new(&python);
            pip.args(["-m", "pip", "--quiet", "--disable-pip-version-check", "download", "--no-deps", "--dest"]);
            pip.arg(&wheels).args(["--python-version", "3.11", "--only-binary=:all:"]);
            succeeds(pip.arg(format!("apache-flink=={VERSION}")));
            let wheel = fs::read_dir(&wheels).unwrap().map(|wheel| wheel.unwrap().path());
            let wheel = wheel.max().unwrap();
            succeeds(Command::new(&python).args(["-m", "zipfile", "--extract"]).arg(wheel).arg(&programs));
        }
        let home = folder.join("home");
        let _ = fs::remove_dir_all(&home);
        for name in ["bin", "conf", "lib", "opt", "plugins"] {
            fs::create_dir_all(home.join(name)).unwrap();
        }
        for program in fs::read_dir(programs.join("pyflink/bin")).unwrap().map(|program| program.unwrap()) {
            let copy = home.join("bin").join(program.file_name());
            fs::copy(program.path(), &copy).unwrap();
            fs::set_permissions(copy, fs::Permissions::from_mode(0o755)).unwrap();
        }
        for name in LOGGING {
            fs::copy(programs.join("pyflink/conf").join(name), home.join("conf").join(name)).unwrap();
        }
        let place = "import pyflink, pathlib; print(*pyflink.__path__)";
        let jars = succeeds(Command::new(&python).args(["-c", place])).stdout;
        let link = |from: &Path, name: &str| {
            for jar in fs::read_dir(from).unwrap().map(|jar| jar.unwrap()) {
                if jar.path().extension().is_some_and(|extension| extension == "jar") {
                    symlink(jar.path(), home.join(name).join(jar.file_name())).unwrap();
                }
            }
        };
        for name in ["bin", "lib", "opt"] {
            link(&Path::new(jars.trim()).join(name), name);
        }
        link(&fetch_flink_kafka().unwrap(), "lib");
        home
    })
}

/// Everything listens on localhost, for Flink names it so in places of its own.
fn configuration(home: &Path) -> String {
    // Both at once, so that they differ.
    let free = [0; 2].map(|port| TcpListener::bind(("127.0.0.1", port)).unwrap());
    let [manager, rest] = free.map(|listener| listener.local_addr().unwrap().port());
    format!(
        "jobmanager.rpc.address: 127.0.0.1\njobmanager.rpc.port: {manager}\njobmanager.bind-host: 127.0.0.1\n\
         rest.address: 127.0.0.1\nrest.port: {rest}\nrest.bind-address: 127.0.0.1\n\
         taskmanager.host: 127.0.0.1\ntaskmanager.bind-host: 127.0.0.1\n\
         jobmanager.memory.process.size: 800m\ntaskmanager.memory.process.size: 1000m\n\
         taskmanager.memory.managed.size: 64m\ntaskmanager.memory.network.max: 64m\n\
         env.java.opts.all: {JAVA_OPTIONS}\nenv.java.opts.client: -Duser.home={}\n",
        home.display()
    )
}

/// Where a user of Flink is.
fn folder() -> TempDir {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("config.yaml"), configuration(folder.path())).unwrap();
    for name in LOGGING {
        fs::copy(flink().join("conf").join(name), folder.path().join(name)).unwrap();
    }
    folder
}

/// What the user types there.
fn typed(line: &str, folder: &TempDir) -> Command {
    let mut sh = shell(line, folder, &flink().join("bin"));
    sh.env("FLINK_CONF_DIR", folder.path()).env("FLINK_LOG_DIR", folder.path());
    sh
}

/// Brokers that advertise a long domain, by rule R3.
fn orders() -> (KafkaCluster, tempfile::TempPath) {
    let broker = Broker {
        id: 1,
        listen: ([127, 10, 1, 24], 9092).into(),
        advertised: "emr-worker-1.cluster-48742:9092".to_owned(),
    };
    let description = file(
        "id = \"48742\"\nrelease = \"EMR-3.10.1\"\n[[nodes]]\nname = \"emr-worker-1\"\nprivate_ip = \"127.10.1.24\"\n",
    );
    (KafkaCluster::start(KafkaVersion::V2_4_1, &[broker]), description)
}

/// Brokers that advertise a private IP to everybody, by rule R2.
fn reports(beside: &KafkaCluster) -> (KafkaCluster, tempfile::TempPath) {
    let broker = Broker { id: 1, listen: ([127, 21, 1, 24], 9093).into(), advertised: "127.11.1.24:9093".to_owned() };
    let description = file(
        "id = \"1234\"\nrelease = \"EMR-3.12.0\"\nnetwork = \"public\"\n\
         [[nodes]]\nname = \"emr-worker-1\"\nprivate_ip = \"127.11.1.24\"\npublic_ip = \"127.21.1.24\"\n",
    );
    (beside.start_beside(KafkaVersion::V2_4_1, &[broker]), description)
}

#[test]
fn flink_reads_one_cluster_and_writes_another() {
    println!("Flink by exec, from R3 to R2 on Kafka {}", KafkaVersion::V2_4_1);
    let (source, orders) = orders();
    let (target, reports) = reports(&source);
    create_topic(&source.internal_bootstrap(), 1);
    create_topic(&target.internal_bootstrap(), 1);
    let producer: BaseProducer =
        ClientConfig::new().set("bootstrap.servers", source.internal_bootstrap()).create().unwrap();
    producer.send(BaseRecord::<(), _>::to(TOPIC).partition(0).payload("an order")).map_err(|(error, _)| error).unwrap();
    producer.flush(LIMIT).unwrap();

    let folder = folder();
    let at = |name: &str| folder.path().join(name);
    fs::copy(orders, at("prod.toml")).unwrap();
    fs::copy(reports, at("reports.toml")).unwrap();
    fs::copy(programs().join("with_flink.sql"), at("job.sql")).unwrap();
    let typed = |line: &str| typed(line, &folder);
    let lines = readme("jobmanager.sh");
    let [job_manager, task_manager, job, _] = &lines[..] else { panic!("{lines:?}") };
    let _job_manager = Daemon::start(&mut typed(job_manager), at("job-manager.log"));
    let start = |line: &str| {
        let mut started = Daemon::start(&mut typed(line), at("task-manager.log"));
        started
            .wait_for("registration", |log| log.contains("Successful registration at resource manager").then_some(()));
        started
    };

    // Its client ends with 0 whatever becomes of the job.
    let submit = || succeeds(&mut typed(job)).stdout;

    // The JobManager has the names, the TaskManager not.
    let without = start(&without_names(task_manager));
    let failed = submit();
    assert!(failed.contains("[ERROR]") && failed.contains("No resolvable bootstrap urls"), "{failed}");
    drop(without);
    let _task_manager = start(task_manager);
    let done = submit();
    assert!(done.contains("Complete execution") && !done.contains("[ERROR]"), "{done}");
    let report = first_record(&target.internal_bootstrap(), TOPIC, || ());
    assert_eq!(report.as_deref(), Some(&b"a report of an order"[..]));
}

/// Flink has Kubernetes start its containers. Kubernetes is too big to be here: what Flink asks of it is enough.
#[test]
fn flink_has_containers_started_with_the_names() {
    let kubernetes = Server::start([127, 0, 0, 1]);
    let folder = folder();
    let at = |name: &str| folder.path().join(name);
    fs::write(
        at("kubernetes.yaml"),
        format!(
            "apiVersion: v1\nkind: Config\nclusters: [{{name: c, cluster: {{server: \"http://{}\"}}}}]\n\
             contexts: [{{name: c, context: {{cluster: c, user: u}}}}]\nusers: [{{name: u, user: {{}}}}]\ncurrent-context: c\n",
            kubernetes.address
        ),
    )
    .unwrap();
    let description =
        "id = \"48742\"\nrelease = \"EMR-3.10.1\"\n[[nodes]]\nname = \"emr-worker-1\"\nprivate_ip = \"10.0.1.24\"\n";
    fs::write(at("prod.toml"), description).unwrap();
    fs::write(at("reports.toml"), description.replace("48742", "1234")).unwrap();
    let lines = readme("jobmanager.sh");
    let [.., line] = &lines[..] else { panic!("{lines:?}") };
    // In the end it finds no service that runs.
    fails(typed(line, &folder).env("KUBECONFIG", at("kubernetes.yaml")), &["Could not get the rest endpoint"]);

    let deployment: Value = serde_json::from_str(&kubernetes.asked_for("/deployments").body).unwrap();
    let cluster = format!("emr://{};emr://{}", at("prod.toml").display(), at("reports.toml").display());
    let environment = deployment["spec"]["template"]["spec"]["containers"][0]["env"].as_array().unwrap();
    assert!(environment.contains(&json!({"name": "KAFKA_EMR_CLUSTER", "value": cluster})), "{environment:?}");
    let preload = environment.iter().find(|variable| variable["name"] == "LD_PRELOAD").unwrap();
    assert!(preload["value"].as_str().unwrap().ends_with("/libkafka_emr_preload.so"), "{preload}");
    // The JobManager will start the TaskManagers, by this.
    let configuration: Value = serde_json::from_str(&kubernetes.asked_for("/configmaps").body).unwrap();
    let configuration = configuration["data"]["config.yaml"].as_str().unwrap().to_owned();
    let expected =
        format!("    env:\n      ASAN_OPTIONS: verify_asan_link_order=0\n      KAFKA_EMR_CLUSTER: {cluster}\n");
    assert!(configuration.contains(&format!("  taskmanager:\n{expected}")), "{configuration}");
}
