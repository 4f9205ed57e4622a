//! Spark on a cluster of its own, with two workers.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use kafka_emr_tests::fetch_spark_kafka;
use tempfile::TempDir;

use super::{Daemon, JAVA_OPTIONS, readme, shell};
use crate::python::{programs, venv};
use crate::site::{Site, TOPIC};
use crate::support::{fails, scratch, succeeds};

/// The programs of Spark.
fn spark() -> PathBuf {
    venv(&scratch("spark"), "spark.txt").with_file_name("")
}

/// A master and its workers, none of which knows of kafka-emr.
struct Cluster {
    folder: TempDir,
    _daemons: Vec<Daemon>,
}

impl Cluster {
    fn start() -> Self {
        let folder = TempDir::new().unwrap();
        let start = |name: &str, class: &str, arguments: &str| {
            let line =
                format!("spark-class org.apache.spark.deploy.{class} --host 127.0.0.1 --webui-port 0 {arguments}");
            let mut command = shell(&line, &folder, &spark());
            command.env("SPARK_DAEMON_MEMORY", "128m").env("SPARK_DAEMON_JAVA_OPTS", JAVA_OPTIONS);
            command.env("SPARK_LOCAL_IP", "127.0.0.1");
            Daemon::start(&mut command, folder.path().join(format!("{name}.log")))
        };
        let mut master = start("master", "master.Master", "--port 0");
        let url = master.wait_for("master", |log| {
            let (_, rest) = log.split_once("Starting Spark master at ")?;
            Some(rest.split_once('\n')?.0.to_owned())
        });
        let arguments = format!("--cores 1 --memory 512m --work-dir work {url}");
        let workers = ["worker-1", "worker-2"].map(|name| start(name, "worker.Worker", &arguments));
        master.wait_for("two workers", |log| (log.matches("Registering worker").count() == 2).then_some(()));
        let jars = fs::read_dir(fetch_spark_kafka().unwrap()).unwrap().map(|jar| jar.unwrap().path());
        let jars: Vec<String> = jars.map(|jar| jar.to_str().unwrap().to_owned()).collect();
        // What everybody who submits here has.
        let defaults = format!(
            "spark.master {url}\nspark.jars {}\nspark.ui.enabled false\nspark.driver.host 127.0.0.1\n\
             spark.driver.memory 512m\nspark.executor.memory 512m\nspark.executor.cores 1\n\
             spark.driver.extraJavaOptions {JAVA_OPTIONS}\nspark.executor.extraJavaOptions {JAVA_OPTIONS}\n\
             spark.scheduler.minRegisteredResourcesRatio 1\nspark.sql.shuffle.partitions 2\nspark.task.maxFailures 1\n",
            jars.join(",")
        );
        fs::write(folder.path().join("spark-defaults.conf"), defaults).unwrap();
        Cluster { folder, _daemons: workers.into_iter().chain([master]).collect() }
    }

    /// Submits the job by a line for a shell.
    fn submit(&self, line: &str, servers: &str) -> Command {
        let mut sh = shell(line, &self.folder, &spark());
        sh.env("SPARK_CONF_DIR", self.folder.path()).env("SPARK_LOCAL_IP", "127.0.0.1").env("SERVERS", servers);
        sh.env("PYSPARK_PYTHON", spark().join("python"));
        sh
    }
}

#[test]
fn spark_on_a_cluster_with_two_workers() {
    let site = Site::r3();
    println!("Spark by exec, in batches and as a stream, on {}", site.name);
    let cluster = Cluster::start();
    let folder = cluster.folder.path();
    fs::copy(site.description(), folder.join("prod.toml")).unwrap();
    fs::copy(programs().join("with_spark.py"), folder.join("job.py")).unwrap();
    let [line] = &readme("spark-submit")[..] else { panic!("one line") };
    let job = |line: &str| cluster.submit(&format!("{line} {TOPIC}"), &site.servers);
    let done = succeeds(&mut job(line));
    assert!(done.stdout.contains("wrote 1000, read 1000, streamed 1000, by 2 executors\n"), "{done}");

    // The driver has the names, the executors not.
    let printed = " $(kafka-emr exec prod.toml --print spark)";
    assert!(line.contains(printed), "{line}");
    fails(&mut job(&line.replace(printed, "")), &["No resolvable bootstrap urls", "(127.0.0.1 executor "]);
}
