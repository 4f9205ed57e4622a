//! The map for other tools. That those tools take it is tested where they are.

use expect_test::{Expect, expect};

use crate::{file, finish, kafka_emr, path, run, toml};

/// A node by its EIP, one by IPv6, and one behind a tunnel.
const PUBLIC: &str =
    "emr://48742?release=3.12&network=public&emr-worker-1=10.0.1.24/203.0.113.24&emr-header-1=/2001:db8::1";

#[track_caller]
fn prints(format: &str, expected: Expect) {
    let printed =
        run(["hosts", "emr://48742?release=3.10&emr-worker-1=10.0.1.24&emr-header-1=fd00::1", "--format", format]);
    assert_eq!(printed.status, 0, "{}", printed.stderr);
    expected.assert_eq(&printed.stdout);
}

#[test]
fn each_format() {
    prints(
        "hosts",
        expect![[r#"
        # BEGIN kafka-emr cluster-48742
        10.0.1.24 emr-worker-1.cluster-48742
        fd00::1 emr-header-1.cluster-48742
        # END kafka-emr cluster-48742
    "#]],
    );
    prints(
        "docker",
        expect![[r#"
        --add-host=emr-worker-1.cluster-48742:10.0.1.24
        --add-host=emr-header-1.cluster-48742:fd00::1
    "#]],
    );
    prints(
        "compose",
        expect![[r#"
        extra_hosts:
          - "emr-worker-1.cluster-48742:10.0.1.24"
          - "emr-header-1.cluster-48742:fd00::1"
    "#]],
    );
    prints(
        "k8s",
        expect![[r#"
        hostAliases:
          - ip: "10.0.1.24"
            hostnames:
              - "emr-worker-1.cluster-48742"
          - ip: "fd00::1"
            hostnames:
              - "emr-header-1.cluster-48742"
    "#]],
    );
    prints(
        "jdk",
        expect![[r#"
        # kafka-emr cluster-48742, for java -Djdk.net.hosts.file: no other name is resolved then
        127.0.0.1 localhost
        10.0.1.24 emr-worker-1.cluster-48742
        fd00::1 emr-header-1.cluster-48742
    "#]],
    );
    prints(
        "curl",
        expect![[r#"
        --resolve emr-worker-1.cluster-48742:9092:10.0.1.24
        --resolve emr-header-1.cluster-48742:9092:[fd00::1]
    "#]],
    );
}

/// Another EMR cluster has an `emr-worker-1` too, so a short name is printed only if the description has it in these words.
#[test]
fn short_names_stand_where_they_are_written() {
    let text = "10.0.1.24 emr-worker-1.cluster-48742 emr-worker-1 kafka-1\n10.0.1.25 emr-worker-2.cluster-48742\n10.0.0.9 db\n";
    expect![[r#"
        # BEGIN kafka-emr cluster-48742
        10.0.1.24 emr-worker-1.cluster-48742 emr-worker-1 kafka-1
        10.0.1.25 emr-worker-2.cluster-48742
        10.0.0.9 db
        # END kafka-emr cluster-48742
    "#]]
    .assert_eq(&run(["hosts", &path(&file("", text))]).quietly(0));
    let short_only =
        file(".toml", "release = \"3.11\"\n[[nodes]]\nname = \"emr-worker-1\"\nprivate_ip = \"10.0.1.24\"\n");
    let hosts = run(["hosts", &path(&short_only), "--format", "docker"]);
    assert_eq!((hosts.status, hosts.stdout.as_str()), (0, ""), "{}", hosts.stderr);
    assert!(hosts.stderr.contains("no names: "), "{}", hosts.stderr);
}

#[test]
fn the_default_is_a_hosts_file_and_the_environment_can_name_the_source() {
    let described = file(".toml", &toml("EMR-3.10.1", "private"));
    let by_argument = run(["hosts", &path(&described)]).quietly(0);
    assert!(by_argument.starts_with("# BEGIN kafka-emr cluster-48742\n10.0.1.23 emr-header-1.cluster-48742\n"));
    let by_environment = finish(kafka_emr(["hosts"]).env("KAFKA_EMR_CLUSTER", path(&described))).quietly(0);
    assert_eq!(by_argument, by_environment);
}

#[test]
fn what_a_format_cannot_say_is_warned_of() {
    let public = run(["hosts", PUBLIC]);
    assert!(public.stdout.contains("203.0.113.24 emr-worker-1.cluster-48742\n"), "{}", public.stdout);
    assert!(public.stderr.contains("private IPs are not reached this way"), "{}", public.stderr);

    let tunnel = toml("EMR-3.10.1", "private") + "connect = \"127.0.0.1:19092\"\n";
    let tunnel = file(".toml", &tunnel);
    let hosts = run(["hosts", &path(&tunnel)]);
    assert!(hosts.stdout.contains("127.0.0.1 emr-worker-2.cluster-48742\n"), "{}", hosts.stdout);
    assert!(
        hosts.stderr.contains("other ports are dialled for emr-worker-2.cluster-48742 (connect"),
        "{}",
        hosts.stderr
    );
    let curl = run(["hosts", &path(&tunnel), "--format", "curl"]).quietly(0);
    assert!(curl.contains("--connect-to emr-worker-2.cluster-48742:9092:127.0.0.1:19092\n"), "{curl}");

    let jdk = run(["hosts", &path(&tunnel), "--format", "jdk"]);
    assert!(jdk.stderr.contains("no others"), "{}", jdk.stderr);
}

#[test]
fn names_that_two_clusters_have_are_left_out() {
    let both = "emr://1?release=3.10&emr-worker-1=10.0.1.24;emr://2?release=3.10&emr-worker-1=10.0.2.24";
    expect![[r#"
        # BEGIN kafka-emr cluster-1, cluster-2
        10.0.1.24 emr-worker-1.cluster-1
        10.0.2.24 emr-worker-1.cluster-2
        # END kafka-emr cluster-1, cluster-2
    "#]]
    .assert_eq(&run(["hosts", both]).quietly(0));
}

#[test]
fn a_name_with_two_addresses() {
    let hosts = file("", "10.0.1.24 emr-worker-1.cluster-48742\nfd00::24 emr-worker-1.cluster-48742\n");
    let curl = run(["hosts", &path(&hosts), "--format", "curl"]).quietly(0);
    assert!(curl.starts_with("--resolve emr-worker-1.cluster-48742:9092:10.0.1.24,[fd00::24]\n"), "{curl}");
    assert_eq!(curl.matches("emr-worker-1.cluster-48742").count(), 1, "{curl}");
}

#[test]
fn a_node_without_an_address_is_left_out_without_a_word() {
    let strict = "emr://48742?release=3.12&network=public&strict=true&emr-worker-1=10.0.1.24/203.0.113.24&emr-header-1=10.0.1.23";
    let hosts = run(["hosts", strict]);
    assert!(!hosts.stdout.contains("emr-header-1") && !hosts.stderr.contains("emr-header-1"), "{}", hosts.stderr);
}

#[test]
fn json() {
    let json = run(["hosts", PUBLIC, "--json"]).json(0);
    assert_eq!(json["hosts"][1]["address"], "2001:db8::1");
    assert_eq!(json["hosts"][0]["names"][0], "emr-worker-1.cluster-48742");
    assert!(json["hosts"][0]["port"].is_null());
}

#[test]
fn an_unknown_format_names_the_known() {
    let error = run(["hosts", PUBLIC, "--format", "windows"]);
    assert_eq!(error.status, 2);
    assert!(error.stderr.contains("hosts, docker, compose, k8s, jdk, curl"), "{}", error.stderr);
}
