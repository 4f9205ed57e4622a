//! `kafka-emr endpoints`.

use expect_test::expect;
use serde_json::json;

use crate::{NEW, OLD, file, inline, path, rules, run};

#[track_caller]
fn screen(arguments: &[&str]) -> String {
    run(["endpoints"].iter().chain(arguments)).quietly(0)
}

#[test]
fn the_screen_of_each_rule() {
    expect![[r#"
        cluster-48742 · EMR-3.12.0 · private network
          rule       R1: from EMR-3.11 on, clients on the private network connect to the nodes' private IPs on port 9092; long domains are mapped too, because Kerberos and TLS use them
          document   Cross-cluster access to Kafka: V3.11.X and later, private network
          bootstrap  10.0.1.24:9092,10.0.1.25:9092

          name          role    broker  long domain                 dials           by
          ─────────────────────────────────────────────────────────────────────────────────────
          emr-header-1  master  no      emr-header-1.cluster-48742  10.0.1.23       private_ip
          emr-worker-1  core    yes     emr-worker-1.cluster-48742  10.0.1.24:9092  private_ip
          emr-worker-2  core    yes     emr-worker-2.cluster-48742  10.0.1.25:9092  private_ip
    "#]].assert_eq(&screen(&[&inline(NEW, "private")]));
    expect![[r#"
        cluster-48742 · EMR-3.12.0 · public network
          rule       R2: from EMR-3.11 on, clients on the public network connect to the core nodes' EIPs on port 9093
          document   Cross-cluster access to Kafka: V3.11.X and later, public network
          brokers    need kafka.public-access.enable=true
          bootstrap  203.0.113.24:9093,203.0.113.25:9093

          name          role    broker  long domain                 dials              by
          ───────────────────────────────────────────────────────────────────────────────────────
          emr-header-1  master  no      emr-header-1.cluster-48742  – no EIP           –
          emr-worker-1  core    yes     emr-worker-1.cluster-48742  203.0.113.24:9093  public_ip
          emr-worker-2  core    yes     emr-worker-2.cluster-48742  203.0.113.25:9093  public_ip
    "#]]
    .assert_eq(&screen(&[&inline(NEW, "public")]));
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
    "#]].assert_eq(&screen(&[&inline(OLD, "private")]));
    expect![[r#"
        cluster-48742 · EMR-3.10.1 · public network
          rule       R4: before EMR-3.11, clients must know every node by its long domain; on the public network it leads to the node's EIP (the document names no public port: 9092 is inferred)
          document   Cross-cluster access to Kafka: before V3.11.X, public network
          brokers    need listeners.address.principal=HOST
          strict     names under cluster-48742 that no node has fail at once
          bootstrap  emr-worker-1.cluster-48742:9092,emr-worker-2.cluster-48742:9092

          name          role    broker  long domain                 dials              by
          ───────────────────────────────────────────────────────────────────────────────────────
          emr-header-1  master  no      emr-header-1.cluster-48742  – no EIP           –
          emr-worker-1  core    yes     emr-worker-1.cluster-48742  203.0.113.24:9092  public_ip
          emr-worker-2  core    yes     emr-worker-2.cluster-48742  203.0.113.25:9092  public_ip
    "#]].assert_eq(&screen(&[&inline(OLD, "public"), "--strict"]));
}

#[test]
fn several_clusters_with_connect_and_without_id() {
    let tunnels = file(
        ".toml",
        r#"
id      = "c-0edfee2cccaecc75"
region  = "cn-shanghai"
release = "5.8.0"
port    = 19092

[[nodes]]
name    = "core1-1"
connect = "127.0.0.1:19092"

[[nodes]]
name       = "kafka-connect"
broker     = false
public_ip  = "203.0.113.9"

[[nodes]]
name       = "emr-worker-3"
role       = "task"
private_ip = "fd00::3"
broker     = true
"#,
    );
    let source = format!("{};emr://?release=V3.11.X&emr-worker-1=10.0.2.24", path(&tunnels));
    expect![[r#"
        c-0edfee2cccaecc75.cn-shanghai.emr.aliyuncs.com · 5.8.0 · private network
          rule       R1: from EMR-3.11 on, clients on the private network connect to the nodes' private IPs on port 9092; long domains are mapped too, because Kerberos and TLS use them
          document   Cross-cluster access to Kafka: V3.11.X and later, private network
          bootstrap  127.0.0.1:19092,[fd00::3]:19092

          name           role  broker  long domain                                                    dials            by
          ────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────
          core1-1        core  yes     core-1-1.c-0edfee2cccaecc75.cn-shanghai.emr.aliyuncs.com       127.0.0.1:19092  connect
          kafka-connect  –     no      kafka-connect.c-0edfee2cccaecc75.cn-shanghai.emr.aliyuncs.com  – no private IP  –
          emr-worker-3   task  yes     emr-worker-3.c-0edfee2cccaecc75.cn-shanghai.emr.aliyuncs.com   [fd00::3]:19092  private_ip

        the cluster · V3.11.X · private network
          rule       R1: from EMR-3.11 on, clients on the private network connect to the nodes' private IPs on port 9092; long domains are mapped too, because Kerberos and TLS use them
          document   Cross-cluster access to Kafka: V3.11.X and later, private network
          bootstrap  10.0.2.24:9092

          name          role  broker  long domain  dials           by
          ────────────────────────────────────────────────────────────────────
          emr-worker-1  core  yes     –            10.0.2.24:9092  private_ip
    "#]].assert_eq(&screen(&[&source]));
}

#[test]
fn hosts_text_with_a_second_family_and_plain_hosts() {
    let hosts = file(
        "",
        "10.0.1.24 emr-worker-1.cluster-48742\nfd00::24 emr-worker-1.cluster-48742\n127.0.0.1 localhost\n10.0.0.9 registry db\n",
    );
    expect![[r#"
        cluster-48742 · release not known (hosts text) · private network
          rule       R3: before EMR-3.11, clients must know every node by its long domain; on the private network it leads to the node's private IP, port 9092
          document   Cross-cluster access to Kafka: before V3.11.X, private network
          bootstrap  emr-worker-1.cluster-48742:9092
          plain      registry = 10.0.0.9, db = 10.0.0.9

          name          role  broker  long domain                 dials                            by
          ────────────────────────────────────────────────────────────────────────────────────────────────────
          emr-worker-1  core  yes     emr-worker-1.cluster-48742  10.0.1.24:9092, [fd00::24]:9092  private_ip
    "#]].assert_eq(&screen(&[&path(&hosts)]));
}

#[test]
fn json_has_every_rule_and_form() {
    for (rule, forms) in rules() {
        let (port, by, octets, setting) = match rule {
            "R1" => (9092, "private_ip", "10.0.1", json!(null)),
            "R2" => (9093, "public_ip", "203.0.113", json!("kafka.public-access.enable=true")),
            "R3" => (9092, "private_ip", "10.0.1", json!(null)),
            _ => (9092, "public_ip", "203.0.113", json!("listeners.address.principal=HOST")),
        };
        forms.each("endpoints", &["--json"], |run| {
            let json = run.json(0);
            assert_eq!(json["clusters"].as_array().unwrap().len(), 1);
            let cluster = &json["clusters"][0];
            assert_eq!(cluster["domain"], "cluster-48742");
            assert_eq!(cluster["network"], forms.network);
            assert_eq!(cluster["rule"]["name"], rule);
            assert!(cluster["rule"]["section"].as_str().unwrap().starts_with("Cross-cluster access to Kafka: "));
            assert_eq!(cluster["broker_setting"], setting);
            assert_eq!(cluster["strict"], false);
            assert_eq!(cluster["plain_hosts"], json!([]));
            assert_eq!(cluster["nodes"].as_array().unwrap().len(), 3);
            assert_eq!(
                cluster["nodes"][1],
                json!({
                    "name": "emr-worker-1", "role": "core", "broker": true, "long_domain": "emr-worker-1.cluster-48742",
                    "addresses": [format!("{octets}.24")], "port": port, "by": by,
                })
            );
            assert_eq!(cluster["nodes"][0]["port"], json!(null), "a header is no broker");
            assert!(cluster["bootstrap_servers"].as_str().unwrap().ends_with(&port.to_string()));
        });
    }
}
