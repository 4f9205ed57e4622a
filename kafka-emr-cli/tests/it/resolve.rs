//! `kafka-emr resolve`.

use expect_test::expect;
use serde_json::json;

use crate::{NEW, OLD, inline, rules, run};

/// Under the cluster's domain and longer than any label of a name may be: no resolver knows it, and no network is asked.
fn impossible() -> String {
    format!("{}.cluster-48742", "a".repeat(64))
}

#[test]
fn long_domains_lead_to_the_rules_address() {
    for (rule, forms) in rules() {
        let (address, port) = match rule {
            "R1" | "R3" => ("10.0.1.24", 9092),
            "R2" => ("203.0.113.24", 9093),
            _ => ("203.0.113.24", 9092),
        };
        forms.each("resolve", &["emr-worker-1.cluster-48742", "EMR-worker-1:1", "--json"], |run| {
            let json = run.json(0);
            let long = &json["names"][0];
            assert_eq!(long["host"], "emr-worker-1.cluster-48742");
            assert_eq!(long["port"], port);
            assert_eq!(long["answer"], "mapped");
            assert_eq!(long["dials"], json!([format!("{address}:{port}")]));
            assert_eq!(long["system_error"], json!(null));
            assert_eq!(long["rule"], rule);
            assert_eq!(long["node"], "emr-worker-1");
            assert!(long["reason"].as_str().unwrap().contains(&format!("rule {rule}")));
            assert_eq!(json["names"][1]["dials"], json!([format!("{address}:1")]));
        });
        forms.each("resolve", &["emr-worker-1.cluster-48742"], |run| {
            assert!(run.quietly(0).contains(&format!("  dials  {address}:{port}\n")));
        });
    }
}

#[test]
fn the_screen() {
    let asked = ["emr-worker-1.cluster-48742,emr-worker-2:9094", "10.0.1.24", "127.0.0.1:80", "[::1]:80"];
    let source = inline(OLD, "public");
    expect![[r#"
        emr-worker-1.cluster-48742:9092
          dials  203.0.113.24:9092
          why    emr-worker-1.cluster-48742 is a name of node emr-worker-1; rule R4 dials its EIP: before EMR-3.11, clients must know every node by its long domain; on the public network it leads to the node's EIP (the document names no public port: 9092 is inferred)
          rule   R4, Cross-cluster access to Kafka: before V3.11.X, public network

        emr-worker-2:9094
          dials  203.0.113.25:9094
          why    emr-worker-2 is a name of node emr-worker-2; rule R4 dials its EIP: before EMR-3.11, clients must know every node by its long domain; on the public network it leads to the node's EIP (the document names no public port: 9092 is inferred)
          rule   R4, Cross-cluster access to Kafka: before V3.11.X, public network

        10.0.1.24:9092
          dials  203.0.113.24:9092
          why    10.0.1.24 is an address of node emr-worker-1; rule R4 dials its EIP: before EMR-3.11, clients must know every node by its long domain; on the public network it leads to the node's EIP (the document names no public port: 9092 is inferred)
          rule   R4, Cross-cluster access to Kafka: before V3.11.X, public network

        127.0.0.1:80
          dials  127.0.0.1:80
          why    127.0.0.1 is an address, and dialled as it is

        [::1]:80
          dials  [::1]:80
          why    ::1 is an address, and dialled as it is
    "#]].assert_eq(&run(["resolve", &source].iter().chain(&asked)).quietly(0));
}

#[test]
fn a_name_that_leads_nowhere_is_a_problem() {
    let source = inline(NEW, "private");
    expect![[r#"
        emr-worker-9.cluster-48742:9092
          dials  refused: fails as a name that does not exist
          why    emr-worker-9.cluster-48742 is under cluster-48742 but is no node of the description; strict refuses it

        emr-worker-1:9092
          dials  10.0.1.24:9092
          why    emr-worker-1 is a name of node emr-worker-1; rule R1 dials its private IP: from EMR-3.11 on, clients on the private network connect to the nodes' private IPs on port 9092; long domains are mapped too, because Kerberos and TLS use them
          rule   R1, Cross-cluster access to Kafka: V3.11.X and later, private network
    "#]]
        .assert_eq(&run(["resolve", &source, "emr-worker-9.cluster-48742", "emr-worker-1", "--strict"]).quietly(1));

    let unknown = run(["resolve", &source, &impossible(), "--json"]).json(1);
    let unknown = &unknown["names"][0];
    assert_eq!(unknown["answer"], "system");
    assert_eq!(unknown["dials"], json!([]));
    assert!(unknown["system_error"].is_string(), "{unknown}");
    assert_eq!(unknown["rule"], json!(null));
    let text = run(["resolve", &source, &impossible()]).quietly(1);
    assert!(text.contains("  dials  system resolver: does not resolve ("), "{text}");
    let strict = run(["resolve", &source, &impossible(), "--json", "--strict"]).json(1);
    assert_eq!(strict["names"][0]["answer"], "refused");
    run(["resolve", &source, "127.0.0.1", "--strict=false"]).quietly(0);
}

#[test]
fn the_default_port_is_that_of_the_names_own_cluster() {
    let source = "emr://1?release=3.11&emr-worker-1=10.0.1.24;emr://2?release=3.11&network=public&emr-worker-2=10.0.2.24/203.0.113.24";
    let json =
        run(["resolve", source, "emr-worker-1.cluster-1", "emr-worker-2.cluster-2.", "10.0.2.24", "::1", "--json"])
            .json(0);
    let ports: Vec<_> = json["names"].as_array().unwrap().iter().map(|name| name["port"].as_u64().unwrap()).collect();
    assert_eq!(ports, [9092, 9093, 9093, 9092]);
}
