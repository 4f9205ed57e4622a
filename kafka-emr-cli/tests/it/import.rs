//! Descriptions out of what the API answers. The samples have the documented shapes and invented values.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, chown, symlink};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use expect_test::{Expect, expect};

use crate::{Run, file, finish, kafka_emr, path, run};

fn sample(name: &str) -> String {
    format!("{}/tests/it/samples/{name}.json", env!("CARGO_MANIFEST_DIR"))
}

/// Imports samples; the rest are options.
fn import(samples: &[&str], options: &[&str]) -> Run {
    let files = samples.iter().map(|name| sample(name));
    run(["import".to_owned()].into_iter().chain(files).chain(options.iter().map(|&option| option.to_owned())))
}

/// Imports what standard input has.
fn import_text(text: &str, options: &[&str]) -> Run {
    let mut child = kafka_emr(["import", "-"].iter().chain(options))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // What is refused early is not read to its end.
    let _ = child.stdin.take().unwrap().write_all(text.as_bytes());
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Run { status: output.status.code().unwrap(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

const OLD: [&str; 4] = ["--id", "48742", "--release", "EMR-3.10.1"];

#[track_caller]
fn shows(run: Run, expected: Expect) {
    assert_eq!(run.status, 0, "{}", run.stderr);
    expected.assert_eq(&format!("{}{}", run.stderr, run.stdout));
}

#[track_caller]
fn endpoints(description: &str, expected: Expect) {
    let description = file(".toml", description);
    expected.assert_eq(&run(["endpoints", &path(&description)]).quietly(0));
}

#[test]
fn hosts_of_the_old_console() {
    let imported = import(&["list_cluster_host", "describe_cluster_basic_info"], &["--id", "48742"]);
    endpoints(
        &imported.stdout,
        expect![[r#"
        cluster-48742 · EMR-3.10.1 · private network
          rule       R3: before EMR-3.11, clients must know every node by its long domain; on the private network it leads to the node's private IP, port 9092
          document   Cross-cluster access to Kafka: before V3.11.X, private network
          bootstrap  emr-worker-1.cluster-48742:9092,emr-worker-2.cluster-48742:9092

          name          role    broker  long domain                 dials           by
          ─────────────────────────────────────────────────────────────────────────────────────
          emr-header-1  master  no      emr-header-1.cluster-48742  10.0.1.23       private_ip
          emr-worker-1  core    yes     emr-worker-1.cluster-48742  10.0.1.24:9092  private_ip
          emr-worker-2  core    yes     emr-worker-2.cluster-48742  10.0.1.25:9092  private_ip
          emr-worker-3  task    no      emr-worker-3.cluster-48742  10.0.1.26       private_ip
    "#]],
    );
    shows(
        imported,
        expect![[r#"
        kafka-emr: warn: left out, because released or terminated: 1 (emr-worker-4)
        id = "48742"
        release = "EMR-3.10.1"
        network = "private"

        [[nodes]]
        name = "emr-header-1"
        private_ip = "10.0.1.23"

        [[nodes]]
        name = "emr-worker-1"
        private_ip = "10.0.1.24"
        public_ip = "203.0.113.24"

        [[nodes]]
        name = "emr-worker-2"
        private_ip = "10.0.1.25"
        public_ip = "203.0.113.25"

        [[nodes]]
        name = "emr-worker-3"
        private_ip = "10.0.1.26"
        role = "task"
    "#]],
    );
}

#[test]
fn nodes_of_the_new_console_need_no_option() {
    let all = ["list_nodes_1", "list_nodes_2", "list_component_instances", "get_cluster"];
    let imported = import(&all, &[]);
    endpoints(
        &imported.stdout,
        expect![[r#"
        c-0edfee2cccaecc75.cn-shanghai.emr.aliyuncs.com · EMR-5.8.0 · private network
          rule       R1: from EMR-3.11 on, clients on the private network connect to the nodes' private IPs on port 9092; long domains are mapped too, because Kerberos and TLS use them
          document   Cross-cluster access to Kafka: V3.11.X and later, private network
          bootstrap  10.0.1.24:9092,10.0.1.26:9092

          name       role    broker  long domain                                                 dials           by
          ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────
          master1-1  master  no      master-1-1.c-0edfee2cccaecc75.cn-shanghai.emr.aliyuncs.com  10.0.1.23       private_ip
          core1-1    core    yes     core-1-1.c-0edfee2cccaecc75.cn-shanghai.emr.aliyuncs.com    10.0.1.24:9092  private_ip
          core1-2    core    no      core-1-2.c-0edfee2cccaecc75.cn-shanghai.emr.aliyuncs.com    10.0.1.25       private_ip
          task1-1    task    yes     task-1-1.c-0edfee2cccaecc75.cn-shanghai.emr.aliyuncs.com    10.0.1.26:9092  private_ip
    "#]],
    );
    shows(
        imported,
        expect![[r#"
        kafka-emr: warn: left out, because released or terminated: 1 (core1-3)
        id = "c-0edfee2cccaecc75"
        release = "EMR-5.8.0"
        network = "private"
        region = "cn-shanghai"

        [[nodes]]
        name = "master1-1"
        private_ip = "10.0.1.23"
        public_ip = "203.0.113.23"

        [[nodes]]
        name = "core1-1"
        private_ip = "10.0.1.24"
        public_ip = "203.0.113.24"

        [[nodes]]
        name = "core1-2"
        private_ip = "10.0.1.25"
        broker = false

        [[nodes]]
        name = "task1-1"
        private_ip = "10.0.1.26"
        broker = true
    "#]],
    );
}

#[test]
fn instances_are_joined_by_their_ids() {
    let imported =
        import(&["list_cluster_host_camel_case", "describe_cluster_v2"], &["--id", "48742", "--network", "public"]);
    shows(
        imported,
        expect![[r#"
        id = "48742"
        release = "EMR-3.16.0_pre"
        network = "public"

        [[nodes]]
        name = "emr-header-1"
        private_ip = "10.0.1.23"
        public_ip = "203.0.113.23"

        [[nodes]]
        name = "emr-worker-1"
        private_ip = "10.0.1.24"
        public_ip = "203.0.113.24"

        [[nodes]]
        name = "emr-worker-2"
        private_ip = "10.0.1.25"
        public_ip = "203.0.113.25"
    "#]],
    );
}

#[test]
fn pages_in_any_order_on_standard_input_or_in_a_list() {
    let whole = import(&["list_cluster_host"], &OLD).stdout;
    let page = |n: u8| fs::read_to_string(sample(&format!("list_cluster_host_page_{n}"))).unwrap();
    assert_eq!(import_text(&format!("{}{}{}", page(1), page(2), page(3)), &OLD).stdout, whole);
    assert_eq!(import_text(&format!("[{},{},{}]", page(1), page(2), page(3)), &OLD).stdout, whole);
    // Files with marks in front, one after the other. A page that stands twice is one page.
    assert_eq!(
        import_text(&format!("\u{feff}{}\u{feff}{}\n\u{feff}{}{}", page(1), page(2), page(3), page(1)), &OLD).stdout,
        whole
    );
    let backwards = import_text(&format!("{}{}{}", page(3), page(2), page(1)), &OLD);
    assert_eq!(backwards.stdout.matches("[[nodes]]").count(), 4);
}

#[test]
fn long_host_names_have_the_id() {
    let imported = import(&["list_flow_cluster_host"], &["--release", "3.10"]).quietly(0);
    assert!(imported.starts_with("id = \"48742\"\n"), "{imported}");
    assert!(imported.contains("name = \"emr-worker-1\"\n"), "{imported}");
    let hosts = "10.0.1.23 emr-header-1.cluster-48742\n10.0.1.24 emr-worker-1.cluster-48742 kafka-a\n";
    let imported = import_text(hosts, &["--release", "3.10"]).quietly(0);
    assert!(imported.starts_with("id = \"48742\"\n") && imported.contains("aliases = [\"kafka-a\"]"), "{imported}");
    let short = import_text("10.0.1.24 emr-worker-1\n", &OLD).quietly(0);
    endpoints(
        &short,
        expect![[r#"
        cluster-48742 · EMR-3.10.1 · private network
          rule       R3: before EMR-3.11, clients must know every node by its long domain; on the private network it leads to the node's private IP, port 9092
          document   Cross-cluster access to Kafka: before V3.11.X, private network
          bootstrap  emr-worker-1.cluster-48742:9092

          name          role  broker  long domain                 dials           by
          ───────────────────────────────────────────────────────────────────────────────────
          emr-worker-1  core  yes     emr-worker-1.cluster-48742  10.0.1.24:9092  private_ip
    "#]],
    );
}

#[test]
fn what_no_input_has_is_asked_for() {
    refused(&import(&["list_cluster_host"], &["--release", "3.10"]), &["id: ", "--id", "48742"]);
    refused(&import(&["list_cluster_host"], &["--id", "48742"]), &["release: ", "--release", "DescribeClusterV2"]);
    let nodes = ["list_nodes_1", "list_nodes_2"];
    refused(&import(&nodes, &["--id", "c-0edf", "--release", "5.8"]), &["region: ", "--region"]);
    refused(&import(&nodes, &["--id", "C-0EDF", "--release", "5.8"]), &["API's id"]);
    refused(&import(&nodes, &["--release", "5.x8"]), &["--release", "5.x8"]);
    refused(
        &import(&["list_flow_cluster_host"], &["--id", "7", "--release", "3.10"]),
        &["--id 7", "list_flow_cluster_host.json says 48742", "leave --id out"],
    );
    let public = import(&["list_cluster_host_camel_case"], &[&OLD[..], &["--network", "public"]].concat());
    assert_eq!(public.status, 0, "{}", public.stderr);
    let no_eip = import_text(
        r#"[{"HostName": "emr-worker-1", "PrivateIp": "10.0.1.24", "PublicIp": ""}]"#,
        &[&OLD[..], &["--network", "public"]].concat(),
    );
    refused(&no_eip, &["without EIP", "emr-worker-1"]);
}

#[track_caller]
fn refused(run: &Run, says: &[&str]) {
    assert_eq!((run.status, run.stdout.as_str()), (2, ""), "{}", run.stderr);
    let message: Vec<&str> = run.stderr.lines().filter(|line| !line.starts_with("kafka-emr: warn: ")).collect();
    assert_eq!(message.len(), 1, "{}", run.stderr);
    for part in says {
        assert!(format!("{}\n", message[0]).contains(part), "{part:?} is missing: {}", run.stderr);
    }
}

#[test]
fn bad_input() {
    let bad = |text: &str, says: &[&str]| {
        let says: Vec<&str> = ["standard input: "].iter().chain(says).copied().collect();
        refused(&import_text(text, &OLD), &says);
    };
    let refuse = |text: &str, says: &[&str]| refused(&import_text(text, &OLD), says);
    bad(r#"{"Instances": {"Instance": [], "Secret": "hunter2"}}"#, &["none of the replies", "ListClusterHost"]);
    bad("{\"HostList\": {\"Host\": [\n{\"HostName\"", &["line 2", "ends in the middle"]);
    bad("{\"HostList\": hunter2}", &["line 1, column 14", "no JSON"]);
    bad("[]", &["empty list"]);
    bad(" \n", &["is empty"]);
    bad("{\"HostList\": 7}", &["HostList is no list"]);
    bad(r#"{"HostList": {"Host": [7]}}"#, &["no list of machines"]);
    bad(r#"{"HostList": {"Host": [{"HostName": 7}]}}"#, &["HostName is no text"]);
    bad(r#"{"HostList": {"Host": [{"HostName": "a", "PrivateIp": "hunter2"}]}}"#, &["a: PrivateIp is no address"]);
    bad(r#"{"HostList": {"Host": [{"PrivateIp": "10.0.1.24"}]}}"#, &["host without a name"]);
    bad("id = \"1\"\nrelease = \"3.11\"\nnodes = [{name = \"core-1\", private_ip = \"10.0.1.24\"}]", &["--update"]);
    bad(r#"{"release": "3.11", "nodes": [{"name": "core-1"}]}"#, &["--update"]);
    bad("password hunter2", &["line 1", "ADDRESS NAME"]);
    refuse(r#"{"HostList": {"Host": []}}"#, &["list of hosts is empty"]);
    refuse(r#"{"HostList": {"Host": [{"HostName": "a", "Status": "RELEASED"}]}}"#, &["all 1 are released"]);
    refuse(
        r#"{"HostList": {"Host": [{"HostName": "emr-worker-3", "PrivateIp": "", "PublicIp": ""}]}}"#,
        &["emr-worker-3 has no address"],
    );
    refuse(
        "10.0.1.24 emr-worker-1.cluster-1\n10.0.2.24 emr-worker-1.cluster-2\n",
        &["id: 1 in standard input, but 2 in standard input", "give the replies of one\n"],
    );
    // JSON that is no reply is not called hosts text.
    for text in ["null", "\"hunter2\"", "7"] {
        bad(text, &["JSON, but none of the replies"]);
        assert!(!import_text(text, &OLD).stderr.contains("hosts text"));
    }
    bad(&format!("{}{}", "[".repeat(200), "]".repeat(200)), &["line 1, column ", "nested deeper"]);
    bad("{\"HostList\": {\"Host\": []}}\n{} {\"HostList\": hunter2}", &["none of the replies"]);
    bad("{\"HostList\": {\"Host\": []}}\n\u{feff}{\"HostList\": hunter2}", &["line 2, column 14", "no JSON"]);
    bad(r#"{"HostList": {"Host": []}, "hostList": {"Host": []}}"#, &["HostList and hostList are both there"]);
    let no_text = file(".json", "");
    fs::write(no_text.path(), b"{\"a\": \"\xff\xfe\"}").unwrap();
    refused(&run(["import", &path(&no_text)]), &[&path(&no_text), "is not text"]);
    refused(&run(["import", "/nonexistent.json"]), &["/nonexistent.json: there is no such file"]);
    refused(&run(["import", "/tmp"]), &["/tmp: is a directory"]);
    refused(&run(["import"]), &["standard input: is empty"]);
    for text in ["{\"HostList\": hunter2}", r#"{"HostList": {"Host": [{"HostName": "a", "PrivateIp": "hunter2"}]}}"#] {
        assert!(!import_text(text, &OLD).stderr.contains("hunter2"));
    }
}

#[test]
fn bad_replies() {
    refused(
        &import(&["error_reply"], &OLD),
        &[
            "error_reply.json: the API answered with an error",
            "; InvalidClusterId.NotFound: The cluster is not found.\\nCheck",
        ],
    );
    // As the aliyun command shows it, and with less in it.
    let shown = "ERROR: SDK.ServerError\nErrorCode: Throttling.User\nRecommend: \nRequestId: 1\nMessage: Slow down.\n";
    refused(&import_text(shown, &OLD), &["the API answered with an error", "; Throttling.User: Slow down."]);
    refused(&import_text(r#"{"Code": 404, "Message": "nope"}"#, &OLD), &["answered with an error", "; 404: nope"]);
    refused(
        &import_text(r#"{"Code": "Throttling", "Message": ""}"#, &OLD),
        &["answered with an error", "; Throttling"],
    );
    let two = fs::read_to_string(sample("describe_cluster_v2")).unwrap();
    let other = two.replace("203.0.113.24", "203.0.113.99");
    for text in [format!("{two}{other}"), format!("{other}{two}")] {
        refused(&import_text(&text, &["--id", "48742"]), &["instance i-bp1emrworker1 has the addresses 203.0.113."]);
    }
    refused(&import(&["describe_cluster_v2"], &["--id", "48742"]), &["no host names", "ListClusterHost"]);
    refused(&import(&["get_cluster"], &[]), &["no list of hosts", "ListNodes"]);
    refused(
        &import(&["list_cluster_host_page_1", "list_cluster_host_page_3"], &OLD),
        &["ListClusterHost: page 2 is missing: 3 of 5"],
    );
    refused(&import(&["list_nodes_1", "get_cluster"], &[]), &["ListNodes: a page is missing: 3 of 5"]);
    refused(
        &import(&["list_nodes_1", "list_nodes_2", "get_cluster", "describe_cluster_basic_info"], &[]),
        &[
            "basic_info.json: ClusterId: c-0edfee2cccaecc75 in ",
            "get_cluster.json, but C-D7CA98AAA96A0001 in ",
            "two clusters",
        ],
    );
    let other = fs::read_to_string(sample("list_cluster_host")).unwrap();
    refused(
        &import_text(&format!("{other}{}", other.replace("10.0.1.", "10.0.2.")), &OLD),
        &["emr-header-1", "10.0.1.23 and 10.0.2.23"],
    );
}

#[test]
fn fifty_thousand_hosts() {
    let hosts: Vec<String> = (0..50_000)
        .map(|n| {
            format!(
                r#"{{"HostName":"emr-worker-{n}","HostInstanceId":"i-{n}","PrivateIp":"10.1.{}.{}"}}"#,
                n / 250,
                n % 250 + 1
            )
        })
        .collect();
    let hosts = format!("{{\"Total\": 50000, \"HostList\": {{\"Host\": [{}]}}}}", hosts.join(","));
    let imported = import_text(&hosts, &[&OLD[..], &["--json"]].concat()).json(0);
    assert_eq!(imported["brokers"], 50_000);
}

#[test]
fn a_file_is_replaced_only_when_asked_and_as_a_whole() {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("prod.toml");
    let to = target.to_str().unwrap();
    let with = |more: &[&str]| import(&["list_cluster_host_camel_case"], &[&OLD[..], &["-o", to], more].concat());
    assert_eq!(with(&[]).quietly(0), format!("{to}: 3 nodes, 2 of them brokers\n"));
    assert_eq!(fs::metadata(&target).unwrap().permissions().mode() & 0o002, 0);
    let written = fs::read_to_string(&target).unwrap();
    refused(&with(&[]), &[to, "exists already", "--force", "--update"]);
    fs::write(&target, "old").unwrap();
    fs::set_permissions(&target, fs::Permissions::from_mode(0o666)).unwrap();
    refused(&with(&["--force", "--network", "public", "--id", "x y"]), &["--id"]);
    assert_eq!(fs::read_to_string(&target).unwrap(), "old");
    with(&["--force"]).quietly(0);
    assert_eq!(fs::read_to_string(&target).unwrap(), written);
    assert_eq!(fs::metadata(&target).unwrap().permissions().mode() & 0o777, 0o664);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    let nowhere = folder.path().join("none/prod.toml");
    let elsewhere = import(&["list_cluster_host_camel_case"], &[&OLD[..], &["-o", nowhere.to_str().unwrap()]].concat());
    refused(&elsewhere, &["its folder does not exist"]);
    refused(&import(&["list_cluster_host"], &["-o", "/tmp", "--force"]), &["/tmp: is a directory"]);
}

#[test]
fn only_files_are_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let to = |path: &Path, more: &[&str]| {
        let options = [&OLD[..], &["-o", path.to_str().unwrap()], more].concat();
        import(&["list_cluster_host_camel_case"], &options)
    };
    let pipe = at("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    symlink(&pipe, at("link-to-pipe")).unwrap();
    for path in [pipe.clone(), at("link-to-pipe")] {
        refused(&to(&path, &[]), &[path.to_str().unwrap(), "a pipe", "leave --output out"]);
        refused(&to(&path, &["--force"]), &["a pipe"]);
        assert!(fs::metadata(&path).unwrap().file_type().is_fifo());
    }
    symlink("target.toml", at("dangling")).unwrap();
    for more in [&[][..], &["--force"]] {
        refused(&to(&at("dangling"), more), &["a link to target.toml, which does not exist"]);
    }
    assert_eq!(fs::read_link(at("dangling")).unwrap(), Path::new("target.toml"));
    // Now that the target is there, the link stays one.
    fs::write(at("target.toml"), "old").unwrap();
    to(&at("dangling"), &["--force"]).quietly(0);
    assert_eq!(fs::read_link(at("dangling")).unwrap(), Path::new("target.toml"));
    assert!(fs::read_to_string(at("target.toml")).unwrap().starts_with("id = "));
    refused(&to(Path::new("-"), &["--force"]), &["-: no file", "leave --output out"]);
    assert!(!Path::new("-").exists());
    // It is not waited for a writer.
    refused(&import(&["list_cluster_host"], &["--update", pipe.to_str().unwrap()]), &["a pipe"]);
    refused(&import(&["list_cluster_host"], &["--update", "-"]), &["--update: expected a file"]);
    let target = at("target.toml");
    let (both, link) = (target.to_str().unwrap(), at("dangling"));
    for update in [both, link.to_str().unwrap()] {
        let run = import(&["list_cluster_host"], &["--update", update, "-o", both]);
        refused(&run, &[both, "exists already; --update writes it, leave --output out"]);
    }
    let mut names: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["dangling", "link-to-pipe", "pipe", "target.toml"]);
}

#[test]
fn a_file_that_is_replaced_keeps_its_readers() {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("prod.toml");
    let to = target.to_str().unwrap();
    let owned = |user, group, mode| {
        fs::write(&target, BY_HAND).unwrap();
        chown(&target, Some(user), Some(group)).unwrap();
        fs::set_permissions(&target, fs::Permissions::from_mode(mode)).unwrap();
    };
    let owner = || {
        let file = fs::metadata(&target).unwrap();
        (file.uid(), file.gid(), file.mode() & 0o777)
    };
    if fs::metadata(folder.path()).unwrap().uid() != 0 {
        eprintln!("not checked: only root gives files away");
        return;
    }
    const NOBODY: u32 = 65534;
    for options in [&["--update", to][..], &[&OLD[..], &["-o", to, "--force"]].concat()] {
        owned(NOBODY, 1, 0o640);
        assert_eq!(import(&["list_cluster_host"], options).status, 0);
        assert_ne!(fs::read_to_string(&target).unwrap(), BY_HAND);
        assert_eq!(owner(), (NOBODY, 1, 0o640));
    }
    // Who may not give the file to its owner does not take it away.
    owned(0, 0, 0o644);
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).unwrap();
    let binary = folder.path().join("kafka-emr");
    fs::copy(env!("CARGO_BIN_EXE_kafka-emr"), &binary).unwrap();
    let hosts = folder.path().join("hosts.json");
    fs::copy(sample("list_cluster_host"), &hosts).unwrap();
    let other = finish(
        Command::new(&binary)
            .args(["import", hosts.to_str().unwrap(), "--update", to])
            .stdin(Stdio::null())
            .uid(NOBODY)
            .gid(NOBODY),
    );
    refused(&other, &[to, "user 0 and group 0", "--output"]);
    assert_eq!((fs::read_to_string(&target).unwrap().as_str(), owner()), (BY_HAND, (0, 0, 0o644)));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3);
}

const BY_HAND: &str = r#"# Production. Ask ops before changing.
id      = "48742"           # long domains end in .cluster-48742
release = "V3.10.X"
strict  = true

[[nodes]]
name       = "emr-worker-1"   # the big one
private_ip = "10.0.1.99"      # moved in May
connect    = "127.0.0.1:19092"

# The header comes second here.
[[nodes]]
name       = "emr-header-1"
private_ip = "10.0.1.23"
aliases    = ["zk"]

[[nodes]]
name       = "emr-worker-9"
private_ip = "10.0.1.29"
"#;

#[test]
fn an_update_keeps_what_was_written_by_hand() {
    let description = file(".toml", BY_HAND);
    let target = path(&description);
    let updated = import(&["list_cluster_host", "describe_cluster_basic_info"], &["--update", &target]);
    shows(
        Run { stdout: updated.stdout.replace(&target, "prod.toml"), ..updated },
        expect![[r#"
        kafka-emr: warn: left out, because released or terminated: 1 (emr-worker-4)
        ~ emr-worker-1 private_ip 10.0.1.99 → 10.0.1.24
        ~ emr-worker-1 public_ip – → 203.0.113.24
        + emr-worker-2 10.0.1.25 203.0.113.25
        + emr-worker-3 10.0.1.26
        - emr-worker-9
        prod.toml: 4 nodes, 2 of them brokers
    "#]],
    );
    expect![[r##"
        # Production. Ask ops before changing.
        id      = "48742"           # long domains end in .cluster-48742
        release = "V3.10.X"
        strict  = true

        [[nodes]]
        name       = "emr-worker-1"   # the big one
        private_ip = "10.0.1.24"      # moved in May
        connect    = "127.0.0.1:19092"
        public_ip = "203.0.113.24"

        # The header comes second here.
        [[nodes]]
        name       = "emr-header-1"
        private_ip = "10.0.1.23"
        aliases    = ["zk"]

        [[nodes]]
        name = "emr-worker-2"
        private_ip = "10.0.1.25"
        public_ip = "203.0.113.25"

        [[nodes]]
        name = "emr-worker-3"
        private_ip = "10.0.1.26"
        role = "task"
    "##]]
    .assert_eq(&fs::read_to_string(&target).unwrap());
    let again = import(&["list_cluster_host"], &["--update", &target]);
    assert_eq!(again.stdout, format!("{target}: nothing changed, 4 nodes, 2 of them brokers\n"));
}

/// The API can take long to answer, and the description is edited meanwhile.
#[test]
fn an_update_keeps_what_is_written_while_it_waits_for_its_input() {
    let description = file(".toml", BY_HAND);
    let mut child = kafka_emr(["import", "-", "--update", &path(&description)])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    // More than a pipe holds: once it is written, standard input is being read.
    input.write_all(" ".repeat(1 << 20).as_bytes()).unwrap();
    fs::write(description.path(), BY_HAND.replace("strict  = true", "port    = 9192")).unwrap();
    input.write_all(&fs::read(sample("list_cluster_host")).unwrap()).unwrap();
    drop(input);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let written = fs::read_to_string(description.path()).unwrap();
    assert!(written.contains("port    = 9192") && written.contains("203.0.113.25"), "{written}");
}

#[test]
fn an_update_of_json_and_of_a_list_in_one_line() {
    let description = file(
        ".json",
        r#"{"release": "3.10", "id": "48742", "nodes": [{"private_ip": "10.0.1.99", "name": "emr-worker-1"}, {"name": "emr-worker-9", "private_ip": "10.0.1.29"}]}"#,
    );
    let updated = import(&["list_flow_cluster_host"], &["--update", &path(&description), "--json"]).json(0);
    expect![[r#"
        [
          {
            "change": "set",
            "name": "emr-worker-1",
            "key": "private_ip",
            "from": "10.0.1.99",
            "to": "10.0.1.24"
          },
          {
            "change": "set",
            "name": "emr-worker-1",
            "key": "public_ip",
            "from": null,
            "to": "203.0.113.24"
          },
          {
            "change": "added",
            "name": "emr-header-1"
          },
          {
            "change": "removed",
            "name": "emr-worker-9"
          }
        ]"#]]
    .assert_eq(&serde_json::to_string_pretty(&updated["changes"]).unwrap());
    expect![[r#"
        {
          "release": "3.10",
          "id": "48742",
          "nodes": [
            {
              "private_ip": "10.0.1.24",
              "name": "emr-worker-1",
              "public_ip": "203.0.113.24"
            },
            {
              "name": "emr-header-1",
              "private_ip": "10.0.1.23"
            }
          ]
        }
    "#]]
    .assert_eq(&fs::read_to_string(description.path()).unwrap());

    let inline = file(
        ".toml",
        "id = \"48742\"\nrelease = \"3.10\"\nnodes = [\n  {name = \"emr-worker-1\", private_ip = \"10.0.1.99\"}, # one\n  {name = \"emr-worker-9\", private_ip = \"10.0.1.29\"},\n]\n",
    );
    let folder = tempfile::tempdir().unwrap();
    let other = folder.path().join("new.toml");
    let before = fs::read_to_string(inline.path()).unwrap();
    import(&["list_flow_cluster_host"], &["--update", &path(&inline), "-o", other.to_str().unwrap(), "--json"]).json(0);
    assert_eq!(fs::read_to_string(inline.path()).unwrap(), before);
    expect![[r#"
        id = "48742"
        release = "3.10"
        nodes = [
          {name = "emr-worker-1", private_ip = "10.0.1.24", public_ip = "203.0.113.24" }, # one
          { name = "emr-header-1", private_ip = "10.0.1.23" },
        ]
    "#]]
    .assert_eq(&fs::read_to_string(&other).unwrap());
}

#[test]
fn an_update_keeps_comments_between_the_items_of_a_list() {
    for (before, after) in [
        ("[{9}, # nine\n {1}, # one\n {h}] # end\n", "[\n {1}, # one\n {h}] # end\n"),
        ("[ # all\n {1}, # one\n {9}, {h}, # head\n]\n", "[ # all\n {1}, # one\n {h}, # head\n]\n"),
        ("[{h}, {1}, # one\n]\n", "[{h}, {1}, # one\n]\n"),
        (
            "[\n  {h}, # head\n  # old\n  {9}, # nine\n]\n",
            "[\n  {h}, # head\n  { name = \"emr-worker-1\", private_ip = \"10.0.1.24\" },\n]\n",
        ),
    ] {
        let full = |text: &str| {
            let nodes = [
                ("{9}", r#"{name="emr-worker-9", private_ip="10.0.1.29"}"#),
                ("{1}", r#"{name="emr-worker-1", private_ip="10.0.1.24"}"#),
                ("{h}", r#"{name="emr-header-1", private_ip="10.0.1.23"}"#),
            ];
            let text = nodes.iter().fold(text.to_owned(), |text, (mark, node)| text.replace(mark, node));
            format!("id = \"48742\"\nrelease = \"3.10\"\nnodes = {text}")
        };
        let description = file(".toml", &full(before));
        let hosts = "10.0.1.23 emr-header-1.cluster-48742\n10.0.1.24 emr-worker-1.cluster-48742\n";
        let updated = import_text(hosts, &["--update", &path(&description)]);
        assert_eq!(updated.status, 0, "{}", updated.stderr);
        assert_eq!(fs::read_to_string(description.path()).unwrap(), full(after));
    }
}

#[test]
fn an_update_that_cannot_be_changes_nothing() {
    let description = file(".toml", BY_HAND);
    let target = path(&description);
    let other = import_text("10.0.1.24 emr-worker-1.cluster-1\n", &["--update", &target]);
    refused(&other, &["standard input: id: 48742 in ", &target, ", but 1 in standard input", "two clusters"]);
    refused(
        &import(&["list_cluster_host"], &["--update", &target, "--network", "public"]),
        &["--network", "description"],
    );
    let hosts = file("", "10.0.1.24 emr-worker-1.cluster-48742\n");
    let strangers = file(".toml", "release = \"3.11\"\n[[nodes]]\nname = \"core-7\"\nprivate_ip = \"10.9.0.1\"\n");
    refused(&import(&["list_cluster_host"], &["--update", &path(&strangers)]), &["no node in common", "-o"]);
    refused(&import(&["list_cluster_host"], &["--update", &path(&hosts)]), &["hosts text cannot be updated"]);
    refused(&import(&["list_cluster_host"], &["--update", "/nonexistent.toml"]), &["/nonexistent.toml"]);
    refused(
        &import(&["list_nodes_1", "list_nodes_2", "get_cluster"], &["--update", &target]),
        &["get_cluster.json: id: 48742 in ", "but c-0edf"],
    );
    // The core nodes are gone: nothing is left to connect to.
    let header = import_text(r#"[{"HostName": "emr-header-1", "PrivateIp": "10.0.1.23"}]"#, &["--update", &target]);
    refused(&header, &["after the update", "no broker"]);
    assert_eq!(fs::read_to_string(&target).unwrap(), BY_HAND);
    fs::set_permissions(&target, fs::Permissions::from_mode(0o646)).unwrap();
    refused(&import(&["list_cluster_host"], &["--update", &target]), &[&target, "chmod o-w"]);
}

#[test]
fn an_update_warns_of_what_looks_like_another_cluster() {
    let description = file(".toml", &crate::toml("EMR-3.10.1", "private").replace("10.0.1.", "10.0.2."));
    let updated = import(&["list_cluster_host_camel_case"], &["--update", &path(&description)]);
    assert!(updated.stderr.contains("is it the same cluster?"), "{}", updated.stderr);
}

#[test]
fn an_update_warns_of_what_it_does_not_change() {
    let nodes = ["list_nodes_1", "list_nodes_2", "get_cluster"];
    let description = file(".toml", &import(&nodes, &[]).stdout);
    let with = |more: &[&str]| import(&[&nodes[..], more].concat(), &["--update", &path(&description)]).stderr;
    let changed = with(&["list_component_instances"]);
    assert!(changed.contains("~ core1-2 broker – → false\n~ task1-1 broker – → true\n"), "{changed}");
    let by_hand = fs::read_to_string(description.path()).unwrap().replace("broker = true", "broker = false");
    fs::write(description.path(), by_hand).unwrap();
    let kept = with(&["list_component_instances"]);
    assert!(kept.contains("task1-1: broker = false stays, though Kafka runs there"), "{kept}");
}

#[test]
fn a_machine_that_was_replaced_is_the_new_one() {
    let hosts = r#"[{"HostName": "emr-worker-1", "HostInstanceId": "i-1", "PrivateIp": "10.0.1.24", "Status": "RELEASED"},
                    {"HostName": "emr-worker-1", "HostInstanceId": "i-2", "PrivateIp": "10.0.1.34", "Status": "NORMAL"}]"#;
    let imported =
        json_of(import_text(hosts, &[&OLD[..], &["--json"]].concat()), "released or terminated: 1 (emr-worker-1)");
    assert!(imported["description"].as_str().unwrap().contains("10.0.1.34"));
    assert_eq!(imported["left_out"], serde_json::json!(["emr-worker-1"]));
}

/// The JSON of a run that warns.
#[track_caller]
fn json_of(run: Run, warns: &str) -> serde_json::Value {
    assert!(run.status == 0 && run.stderr.contains(warns), "{}", run.stderr);
    serde_json::from_str(&run.stdout).unwrap()
}

#[test]
fn json() {
    let imported = import(&["list_nodes_1", "list_nodes_2", "get_cluster"], &["--json"]);
    let imported = json_of(imported, "released or terminated: 1 (core1-3)");
    assert_eq!(imported["left_out"], serde_json::json!(["core1-3"]));
    assert_eq!(imported["id"], "c-0edfee2cccaecc75");
    assert!(imported["written"].is_null() && imported["changes"].is_null());
    endpoints(
        imported["description"].as_str().unwrap(),
        expect![[r#"
        c-0edfee2cccaecc75.cn-shanghai.emr.aliyuncs.com · EMR-5.8.0 · private network
          rule       R1: from EMR-3.11 on, clients on the private network connect to the nodes' private IPs on port 9092; long domains are mapped too, because Kerberos and TLS use them
          document   Cross-cluster access to Kafka: V3.11.X and later, private network
          bootstrap  10.0.1.24:9092,10.0.1.25:9092

          name       role    broker  long domain                                                 dials           by
          ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────
          master1-1  master  no      master-1-1.c-0edfee2cccaecc75.cn-shanghai.emr.aliyuncs.com  10.0.1.23       private_ip
          core1-1    core    yes     core-1-1.c-0edfee2cccaecc75.cn-shanghai.emr.aliyuncs.com    10.0.1.24:9092  private_ip
          core1-2    core    yes     core-1-2.c-0edfee2cccaecc75.cn-shanghai.emr.aliyuncs.com    10.0.1.25:9092  private_ip
          task1-1    task    no      task-1-1.c-0edfee2cccaecc75.cn-shanghai.emr.aliyuncs.com    10.0.1.26       private_ip
    "#]],
    );
}

#[test]
fn a_terminal_is_not_waited_for() {
    // `script` gives the command a terminal.
    let line = format!("{} import", env!("CARGO_BIN_EXE_kafka-emr"));
    let Ok(run) = std::process::Command::new("script").args(["-qec", &line, "/dev/null"]).output() else { return };
    assert_eq!(run.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&run.stdout).contains("standard input: is a terminal"));
    let help = finish(&mut kafka_emr(["import", "--help"])).quietly(0);
    assert!(help.contains("\nExamples:\n  kafka-emr import ") && help.contains("--id 48742"), "{help}");
}

/// A reply of `ListNodes` of some nodes with their roles, and how it goes on.
fn nodes(nodes: &[(&str, &str)], rest: &str) -> String {
    let node = |(name, role): &(&str, &str)| {
        let last = name.bytes().map(u32::from).sum::<u32>() % 250 + 1;
        format!(
            r#"{{"NodeId": "i-{name}", "NodeName": "{name}", "NodeGroupType": "{role}", "PrivateIp": "10.0.1.{last}"}}"#
        )
    };
    format!(r#"{{"Nodes": [{}]{rest}}}"#, nodes.iter().map(node).collect::<Vec<_>>().join(","))
}

/// A reply of `ListComponentInstances`, of one application.
fn components(application: &str, nodes: &[&str], rest: &str) -> String {
    let component = |name: &&str| {
        format!(
            r#"{{"ApplicationName": "{application}", "ComponentName": "{application}Broker", "NodeId": "i-{name}", "NodeName": "{name}"}}"#
        )
    };
    format!(r#"{{"ComponentInstances": [{}]{rest}}}"#, nodes.iter().map(component).collect::<Vec<_>>().join(","))
}

const NEW: [&str; 6] = ["--id", "c-0edf", "--region", "cn-shanghai", "--release", "5.8"];
const FOUR: [(&str, &str); 4] = [("core1-1", "CORE"), ("core1-2", "CORE"), ("task1-1", "TASK"), ("task1-2", "TASK")];

#[test]
fn a_missing_page_does_not_hide_behind_another_call() {
    let all = nodes(&FOUR, r#", "TotalCount": 4"#);
    let [a, b, c, d] = FOUR.map(|(name, _)| name);
    type Call<'a> = (&'a [&'a str], usize, &'a str);
    let cases: [(Call<'_>, Call<'_>, &str); 4] = [
        // As many in all, one of them whole.
        ((&[a, b], 4, ""), (&[a, b, c, d], 4, ""), "2 of 4 are there"),
        // As many in all, and the first page of both.
        ((&[a, b], 4, r#", "NextToken": "1""#), (&[a, b], 4, r#", "NextToken": "2""#), "the last page is missing"),
        ((&[a, b, c], 4, ""), (&[a, b, c], 4, ""), "6 are there, of calls with 4 each"),
        ((&[a, b], 4, ""), (&[a, b, c], 3, ""), "2 of 4 are there"),
    ];
    for (kafka, other, says) in cases {
        let reply = |application, (nodes, total, rest): Call<'_>| {
            components(application, nodes, &format!(r#", "TotalCount": {total}{rest}"#))
        };
        let texts = [all.clone(), reply("KAFKA", kafka), reply("HDFS", other)];
        for text in [texts.concat(), texts.iter().rev().cloned().collect()] {
            refused(&import_text(&text, &NEW), &["ListComponentInstances: ", says, "fetch every page"]);
        }
    }
    let cores = nodes(&FOUR[..2], r#", "TotalCount": 3"#);
    let tasks = nodes(&FOUR[2..], r#", "TotalCount": 2"#);
    refused(&import_text(&format!("{cores}{tasks}"), &NEW), &["ListNodes: a page is missing: 2 of 3 are there"]);
    // Whole calls of groups with as many, a page that is in another call too, and applications with as many.
    let whole = |text: &str| assert_eq!(import_text(text, &NEW).quietly(0).matches("[[nodes]]").count(), 4, "{text}");
    let two = r#", "TotalCount": 2"#;
    whole(&format!("{}{}", nodes(&FOUR[..2], two), nodes(&FOUR[2..], two)));
    let page = nodes(&FOUR[..2], r#", "TotalCount": 4, "NextToken": "1""#);
    whole(&format!("{page}{all}"));
    whole(&format!("{page}{}", nodes(&FOUR[2..], r#", "TotalCount": 4"#)));
    let on_all = |application| components(application, &[a, b, c, d], r#", "TotalCount": 4"#);
    whole(&format!("{all}{}{}", on_all("KAFKA"), on_all("HDFS")));
    // Machines that are no more need not be in the total.
    let with_gone = all.replace("[{", r#"[{"NodeId": "i-x", "NodeName": "core1-9", "NodeState": "Terminated"}, {"#);
    assert_eq!(import_text(&with_gone, &NEW).status, 0);
    // Without a total, nobody knows what stands between two pages.
    let pages = format!("{}{}", nodes(&FOUR[..2], r#", "NextToken": "1""#), nodes(&FOUR[2..], ""));
    let unsure = import_text(&pages, &NEW);
    assert!(unsure.status == 0 && unsure.stderr.contains("ListNodes: 2 pages do not say"), "{}", unsure.stderr);
    refused(&import_text(&nodes(&FOUR, r#", "NextToken": "1""#), &NEW), &["ListNodes: the last page is missing"]);
}

#[test]
fn machines_of_two_clusters_are_not_joined() {
    let listed = fs::read_to_string(sample("list_cluster_host_camel_case")).unwrap();
    let described = fs::read_to_string(sample("describe_cluster_v2")).unwrap();
    let with = |described: &str| import_text(&format!("{listed}{described}"), &["--id", "48742"]);
    refused(
        &with(&described.replace("i-bp1emr", "i-bp2emr")),
        &["no machine in common", "i-bp2emrheader1", "two clusters"],
    );
    let one_more = with(&described.replace("i-bp1emrheader1", "i-new"));
    assert!(one_more.status == 0 && one_more.stderr.contains("instance i-new: "), "{}", one_more.stderr);
    // Nodes of two clusters have the same names, and can have the same addresses.
    refused(
        &import_text(&format!("{listed}{}", listed.replace("i-bp1emr", "i-bp2emr")), &OLD),
        &["emr-header-1 is the machines i-bp1emrheader1 and i-bp2emrheader1", "two clusters"],
    );
    let all = nodes(&FOUR, "");
    let kafka = components("KAFKA", &["core1-1", "task1-1"], "");
    refused(
        &import_text(&format!("{all}{}", kafka.replace("i-", "i-other-")), &NEW),
        &["no machine in common", "core1-1 (i-other-core1-1)", "two clusters"],
    );
    let by_name = import_text(&format!("{all}{}", kafka.replace(r#""NodeId""#, r#""Other""#)), &NEW).quietly(0);
    assert_eq!(by_name, import_text(&format!("{all}{kafka}"), &NEW).quietly(0));
    assert!(by_name.contains("broker = true") && by_name.contains("broker = false"), "{by_name}");
    // A hosts text has no ids: machines are joined by their addresses.
    let hosts = "10.0.1.23 emr-header-1.cluster-48742\n10.0.1.24 emr-worker-1.cluster-48742\n10.0.1.25 emr-worker-2.cluster-48742\n";
    let text = file("", hosts);
    let imported = run(["import", &path(&text), &sample("describe_cluster_v2")]).quietly(0);
    assert!(imported.contains("public_ip = \"203.0.113.25\""), "{imported}");
    let far = file("", &hosts.replace("10.0.1.", "10.0.2."));
    refused(&run(["import", &path(&far), &sample("describe_cluster_v2")]), &["no machine in common"]);
}

#[test]
fn inputs_and_options_must_agree() {
    let new = ["list_nodes_1", "list_nodes_2", "get_cluster"];
    refused(&import(&new, &["--id", "c-other"]), &["--id c-other: ", "get_cluster.json says c-0edfee2cccaecc75"]);
    refused(
        &import(&new, &["--region", "cn-other"]),
        &["--region cn-other: ", "says cn-shanghai", "leave --region out"],
    );
    refused(&import(&new, &["--release", "3.9"]), &["--release 3.9: ", "says EMR-5.8.0"]);
    let agreeing = ["--id", "c-0edfee2cccaecc75", "--region", "cn-shanghai", "--release", "5.8"];
    assert_eq!(import(&new, &agreeing).stdout, import(&new, &[]).stdout);
    refused(
        &import(&["list_cluster_host"], &[&OLD[..], &["--region", "cn-shanghai"]].concat()),
        &["--region: ", "c-", "leave it out"],
    );
    // Long domains have a region too.
    let hosts = file("", "10.0.1.24 core-1-1.c-0edfee2cccaecc75.cn-beijing.emr.aliyuncs.com\n");
    refused(
        &run(["import", &path(&hosts), &sample("get_cluster")]),
        &["region: cn-beijing in ", "but cn-shanghai in "],
    );
    // A release decides the rule: two of them are named with their key.
    let pre = fs::read_to_string(sample("describe_cluster_v2")).unwrap();
    let other = file(".json", &pre.replace("EMR-3.16.0_pre", "EMR-3.16.0"));
    refused(
        &run(["import", &sample("describe_cluster_v2"), &path(&other)]),
        &[&path(&other), "release: EMR-3.16.0_pre in ", "describe_cluster_v2.json, but EMR-3.16.0 in "],
    );
    // One that is none does not stand in the way of the option.
    let listed = fs::read_to_string(sample("list_cluster_host_camel_case")).unwrap();
    let text = format!("{listed}{}", pre.replace("EMR-3.16.0_pre", "X"));
    refused(&import_text(&text, &["--id", "48742"]), &["release: not in the input"]);
    let imported = import_text(&text, &OLD);
    assert!(imported.status == 0 && imported.stderr.contains("\"X\" is no EMR release"), "{}", imported.stderr);
}

#[test]
fn an_update_writes_an_id_where_there_is_none() {
    let text = nodes(&FOUR, "");
    let whole = import_text(&text, &NEW).quietly(0);
    let without = whole.replace("id = \"c-0edf\"\n", "").replace("region = \"cn-shanghai\"\n", "");
    let description = file(".toml", &without);
    let target = path(&description);
    let with = |more: &[&str]| import_text(&text, &[&["--update", &target], more].concat());
    refused(&with(&["--region", "cn-shanghai"]), &["--region: "]);
    refused(&with(&["--id", "c-0edf"]), &["after the update: region: missing"]);
    assert_eq!(fs::read_to_string(&target).unwrap(), without);
    let set = with(&["--id", "c-0edf", "--region", "cn-shanghai"]);
    assert_eq!(set.stderr, "~ id – → c-0edf\n~ region – → cn-shanghai\n");
    let updated = fs::read_to_string(&target).unwrap();
    let expected = file(".toml", &whole);
    assert_eq!(run(["endpoints", &target]).quietly(0), run(["endpoints", &path(&expected)]).quietly(0));
    // What it has is compared, and stays.
    refused(&with(&["--id", "c-1111"]), &["--id c-1111: ", &target, "says c-0edf"]);
    refused(&with(&["--region", "cn-beijing"]), &["--region cn-beijing: ", "says cn-shanghai"]);
    let cluster = file(".json", r#"{"Cluster": {"ClusterId": "c-0edf", "RegionId": "cn-beijing"}}"#);
    let listed = file(".json", &text);
    refused(
        &run(["import", &path(&listed), &path(&cluster), "--update", &target]),
        &[&path(&cluster), "region: cn-shanghai in ", "but cn-beijing in "],
    );
    assert_eq!(fs::read_to_string(&target).unwrap(), updated);
}

#[test]
fn hosts_text_does_not_decide_which_nodes_are_brokers() {
    // A header alone is a broker in hosts text, because there is nothing else.
    let header = "10.0.1.23 emr-header-1.cluster-48742\n";
    let hosts = file("", header);
    let imported = run(["import", &sample("list_cluster_host_camel_case"), &path(&hosts), "--release", "3.10"]);
    let imported = imported.quietly(0);
    assert!(imported.contains("emr-header-1") && !imported.contains("broker"), "{imported}");
    let alone = import_text(header, &["--release", "3.10"]);
    refused(&alone, &["no broker among the nodes emr-header-1", "ListComponentInstances"]);
    let description = file(".toml", BY_HAND);
    refused(&import_text(header, &["--update", &path(&description)]), &["after the update: no broker"]);
    assert_eq!(fs::read_to_string(description.path()).unwrap(), BY_HAND);
    // The same text twice is one.
    let hosts = "10.0.1.24 emr-worker-1.cluster-48742 kafka-a KAFKA-b\n";
    let twice = [file("", hosts), file("", hosts)];
    let imported = run(["import", &path(&twice[0]), &path(&twice[1]), "--release", "3.10"]).quietly(0);
    assert!(imported.contains("aliases = [\"kafka-a\", \"kafka-b\"]"), "{imported}");
    // Other names are listed, in JSON too.
    let with_others = format!("{hosts}10.0.0.10 coredns\n127.0.0.1 localhost\n");
    let imported = import_text(&with_others, &["--release", "3.10", "--json"]);
    let imported = json_of(imported, "they belong to no node: 2 (coredns, localhost)");
    assert_eq!(imported["plain_hosts"], serde_json::json!(["coredns", "localhost"]));
}

#[test]
fn the_other_address_of_a_node_is_left_out_and_named() {
    let hosts = "10.0.1.25 emr-worker-2.cluster-48742 emr-worker-2 kafka-b\n\
                 fd00::25 emr-worker-2.cluster-48742 emr-worker-2 KAFKA-B v6-only\n";
    let imported = import_text(hosts, &["--release", "3.10", "--json"]);
    let others = "a description has one address for each network, so others are left out: 1 (emr-worker-2 fd00::25)\n";
    assert!(imported.stderr.contains(others), "{}", imported.stderr);
    let imported = json_of(imported, "they belong to no node: 1 (v6-only)\n");
    assert_eq!(imported["plain_hosts"], serde_json::json!(["v6-only"]));
    let expected = serde_json::json!([{"name": "emr-worker-2", "address": "fd00::25"}]);
    assert_eq!(imported["other_addresses"], expected);
    // It is in no description either if a reply has the names.
    let update = file(".toml", BY_HAND);
    let hosts = file("", &hosts.replace("-2", "-1").replace(".25", ".24").replace("::25", "::24"));
    let updated = run(["import", &sample("list_cluster_host"), &path(&hosts), "--update", &path(&update)]);
    assert_eq!(updated.status, 0, "{}", updated.stderr);
    assert!(updated.stderr.contains("left out: 1 (emr-worker-1 fd00::24)\n"), "{}", updated.stderr);
}

#[test]
fn an_update_finds_brokers_by_what_is_written() {
    let hosts = nodes(&[("emr-header-1", "MASTER"), ("emr-worker-1", "CORE"), ("emr-worker-3", "CORE")], "");
    let kafka = components("KAFKA", &["emr-worker-1", "emr-worker-3"], "");
    let with_roles = import_text(&hosts, &OLD)
        .quietly(0)
        .replace("\"emr-header-1\"\n", "\"emr-header-1\"\nrole = \"core\"\n")
        .replace("\"emr-worker-3\"\n", "\"emr-worker-3\"\nrole = \"task\"\n");
    let description = file(".toml", &with_roles);
    let updated = import_text(&format!("{hosts}{kafka}"), &["--update", &path(&description)]);
    expect![[r#"
        kafka-emr: warn: emr-header-1: role = core stays, though the input says master; to follow the input, remove it and update again
        kafka-emr: warn: emr-worker-3: role = task stays, though the input says core; to follow the input, remove it and update again
        ~ emr-header-1 broker – → false
        ~ emr-worker-3 broker – → true
    "#]]
    .assert_eq(&updated.stderr);
    let bootstrap = run(["bootstrap", &path(&description)]).quietly(0);
    assert_eq!(bootstrap, "emr-worker-1.cluster-48742:9092,emr-worker-3.cluster-48742:9092\n");
    // A name without a known role is no warning if the description says whether the node is a broker.
    let named = nodes(&[("kafka-a", ""), ("emr-worker-1", "CORE")], "");
    let first = import_text(&named, &OLD);
    assert!(first.stderr.contains("kafka-a: neither its name nor its role"), "{}", first.stderr);
    let description = file(".toml", &first.stdout.replace("broker = false", "broker = true"));
    let same = import_text(&named, &["--update", &path(&description)]).quietly(0);
    assert!(same.contains("nothing changed"), "{same}");
}

#[test]
fn an_update_keeps_line_ends_and_the_mark_in_front() {
    let crlf = |text: &str| text.split('\n').collect::<Vec<_>>().join("\r\n");
    let update = |text: &str| {
        let description = file("", text);
        let updated = import(&["list_cluster_host"], &["--update", &path(&description)]);
        assert_eq!(updated.status, 0, "{}", updated.stderr);
        fs::read_to_string(description.path()).unwrap()
    };
    let updated = update(BY_HAND);
    assert!(!updated.contains('\r'));
    assert_eq!(update(&crlf(BY_HAND)), crlf(&updated));
    assert_eq!(update(&format!("\u{feff}{BY_HAND}")), format!("\u{feff}{updated}"));
    let json = r#"{"id": "48742", "release": "3.10", "nodes": [{"name": "emr-worker-1", "private_ip": "10.0.1.99"}]}"#;
    let updated = update(json);
    assert!(updated.contains("10.0.1.24"), "{updated}");
    assert_eq!(update(&format!("\u{feff}{}", crlf(&format!("{json}\n")))), format!("\u{feff}{}", crlf(&updated)));
}

#[test]
fn an_update_keeps_the_comments_of_a_key_that_goes() {
    let kept = |before: &str, after: &str| {
        let full = |text: &str| {
            let text =
                text.replace("{ip}", "private_ip = \"10.0.1.24\"").replace("{eip}", "public_ip = \"203.0.113.24\"");
            format!("id = \"48742\"\nrelease = \"3.10\"\n{}", text.replace("{name}", "name = \"emr-worker-1\""))
        };
        let description = file(".toml", &full(before));
        let hosts = r#"[{"HostName": "emr-worker-1", "PrivateIp": "10.0.1.24", "PublicIp": ""},
                        {"HostName": "emr-header-1", "PrivateIp": "10.0.1.23", "PublicIp": ""}]"#;
        let updated = import_text(hosts, &["--update", &path(&description)]);
        assert_eq!(updated.status, 0, "{}", updated.stderr);
        assert_eq!(fs::read_to_string(description.path()).unwrap(), full(after));
    };
    let header = "[[nodes]]\nname = \"emr-header-1\"\nprivate_ip = \"10.0.1.23\"\n";
    let gone = "[[nodes]]\nname = \"emr-worker-9\"\nprivate_ip = \"10.0.1.29\"\n";
    // They go to the next key.
    kept(
        &format!("{header}[[nodes]]\n{{name}} # one\n\n# EIP\n{{eip}} # by ops\n{{ip}} # p\n"),
        &format!("{header}[[nodes]]\n{{name}} # one\n\n# EIP\n# by ops\n{{ip}} # p\n"),
    );
    // At the end of a node they stay there, whatever follows.
    kept(
        &format!("[[nodes]]\n  {{name}}\n  {{ip}}\n  # EIP\n  {{eip}} # by ops\n\n{gone}\n# the head\n{header}# end\n"),
        &format!("[[nodes]]\n  {{name}}\n  {{ip}}\n  # EIP\n  # by ops\n\n# the head\n{header}# end\n"),
    );
    kept(
        &format!("{header}{gone}[[nodes]]\n{{name}}\n{{ip}}\n{{eip}} # by ops\n# end\n"),
        &format!("{header}[[nodes]]\n{{name}}\n{{ip}}\n# by ops\n# end\n"),
    );
    kept("[[nodes]]\n{name}\n{ip}\n{eip} # by ops\n", &format!("[[nodes]]\n{{name}}\n{{ip}}\n# by ops\n\n{header}"));
    // What follows without a blank line is not headed by them.
    kept(
        &format!("[[nodes]]\n{{name}}\n{{ip}} # p\n{{eip}} # by ops\n{header}"),
        &format!("[[nodes]]\n{{name}}\n{{ip}} # p\n# by ops\n\n{header}"),
    );
    kept(
        &format!("[[nodes]]\n{{name}}\n{{ip}}\n{{eip}} # by ops\n# the head\n{header}"),
        &format!("[[nodes]]\n{{name}}\n{{ip}}\n# by ops\n\n# the head\n{header}"),
    );
    // Comments in front of a node that goes can head the next ones too.
    let workers = gone.replace("[[nodes]]", "\n# Workers, in zone b\n[[nodes]]");
    let [node, ip, name] = ["[[nodes]]", "{ip}", "{name}"];
    kept(
        &format!("{header}{workers}\n{node}\n{name}\n{ip}\n"),
        &format!("{header}\n# Workers, in zone b\n{node}\n{name}\n{ip}\n"),
    );
    kept(
        &format!("{header}{workers}\n# the first\n{node}\n{name}\n{ip}\n"),
        &format!("{header}\n# Workers, in zone b\n\n# the first\n{node}\n{name}\n{ip}\n"),
    );
    kept(
        &format!("{node}\n{name}\n{ip}\n\n{header}{workers}# end\n"),
        &format!("{node}\n{name}\n{ip}\n\n{header}\n# Workers, in zone b\n# end\n"),
    );
    kept(&format!("{header}{workers}"), &format!("{header}\n# Workers, in zone b\n{node}\n{name}\n{ip}\n"));
    // Those within it go with it.
    let with_note = workers.replace("emr-worker-9\"\n", "emr-worker-9\" # old\n# moved in May\n");
    kept(
        &format!("{header}{with_note}\n{node}\n{name}\n{ip}\n"),
        &format!("{header}\n# Workers, in zone b\n{node}\n{name}\n{ip}\n"),
    );
    // In a list.
    let header = "{ name = \"emr-header-1\", private_ip = \"10.0.1.23\" }";
    kept(
        &format!("nodes = [{header},\n {{{{name}}, # one\n  {{ip}}, # p\n  # EIP\n  {{eip}}, # by ops\n }},\n]\n"),
        &format!("nodes = [{header},\n {{{{name}}, # one\n  {{ip}}, # p\n  # EIP\n # by ops\n }},\n]\n"),
    );
    kept(
        &format!("nodes = [{header},\n {{{{name}}, # one\n  {{eip}}, # by ops\n  {{ip}}}}]\n"),
        &format!("nodes = [{header},\n {{{{name}}, # one\n # by ops\n  {{ip}}}}]\n"),
    );
}
