//! From what the EMR API answers to a client that works: `import`, `endpoints` and `exec`, one after the other.

use std::fs;

use kafka_emr_tests::KafkaVersion;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::exec::{lists_topics, with_names};
use crate::site::Site;
use crate::support::{kafka_emr, succeeds};

/// The old console's calls: one has names and private IPs, the other the release and EIPs, by machine.
pub(crate) fn old_console_works_on(site: &Site, version: KafkaVersion) {
    let nodes = [
        ("emr-header-1", "MASTER", 23),
        ("emr-worker-1", "CORE", 24),
        ("emr-worker-2", "CORE", 25),
        ("emr-worker-3", "CORE", 26),
    ];
    let host = |(name, role, host): (&str, &str, u8)| {
        json!({
            "HostName": name, "HostInstanceId": format!("i-{host}"), "Role": role, "Status": "NORMAL",
            "PrivateIp": format!("127.10.1.{host}"), "PublicIp": "",
        })
    };
    let list_cluster_host = json!({
        "PageNumber": 1, "PageSize": 100, "Total": nodes.len(), "HostList": { "Host": nodes.map(host) },
    });
    let instance = |(_, role, host): (&str, &str, u8)| {
        json!({
            "HostGroupType": role,
            "Nodes": { "Node": [{
                "InstanceId": format!("i-{host}"), "Status": "NORMAL",
                "InnerIp": format!("127.10.1.{host}"), "PubIp": format!("127.20.1.{host}"),
            }] },
        })
    };
    let describe_cluster_v2 = json!({ "data": { "ClusterInfo": {
        "SoftwareInfo": { "EmrVer": "EMR-3.10.1" },
        "HostGroupList": { "HostGroup": nodes.map(instance) },
    } } });
    let leads_to = nodes.map(|(name, _, host)| (name, format!("127.10.1.{host}")));
    let replies = [list_cluster_host, describe_cluster_v2];
    works_on(site, version, &replies, &["--id", "48742"], "R3", &leads_to);
}

/// The new console's calls: the machines in two pages, the release, and where Kafka runs.
pub(crate) fn new_console_works_on(site: &Site, version: KafkaVersion) {
    let nodes = [
        ("master1-1", "MASTER", 23),
        ("core1-1", "CORE", 24),
        ("core1-2", "CORE", 25),
        ("core1-3", "CORE", 26),
        ("core1-4", "CORE", 27),
    ];
    let node = |&(name, role, host): &(&str, &str, u8)| {
        json!({
            "NodeId": format!("i-{host}"), "NodeName": name, "NodeState": "Running", "NodeGroupType": role,
            "PrivateIp": format!("127.10.1.{host}"), "PublicIp": format!("127.20.1.{host}"),
        })
    };
    let page = |nodes: &[_], next: Value| {
        json!({
            "MaxResults": 3, "TotalCount": 5, "NextToken": next, "Nodes": nodes.iter().map(node).collect::<Value>(),
        })
    };
    let component = |name: &str, host: u8| json!({ "ApplicationName": "KAFKA", "ComponentName": name, "NodeId": format!("i-{host}") });
    let get_cluster = json!({ "Cluster": {
        "ClusterId": "c-0edfee2cccaecc75", "RegionId": "cn-shanghai", "ReleaseVersion": "EMR-5.8.0",
    } });
    // None on core1-4, which is therefore no broker.
    let brokers = [24, 25, 26].map(|host| component("KafkaBroker", host));
    let components: Value = brokers.into_iter().chain([component("KafkaManager", 23)]).collect();
    let list_component_instances = json!({ "TotalCount": 4, "ComponentInstances": components });
    let leads_to = nodes.map(|(name, _, host)| (name, format!("127.20.1.{host}")));
    let replies =
        [page(&nodes[..3], json!("AAAA1")), page(&nodes[3..], Value::Null), get_cluster, list_component_instances];
    works_on(site, version, &replies, &["--network", "public"], "R2", &leads_to);
}

fn works_on(
    site: &Site,
    version: KafkaVersion,
    replies: &[Value],
    options: &[&str],
    rule: &str,
    leads_to: &[(&str, String)],
) {
    println!("import, endpoints, exec on {}", site.name);
    let folder = TempDir::new().unwrap();
    let mut import = kafka_emr();
    import.arg("import").args(options).args(["-o", "prod.toml"]).current_dir(&folder);
    for (n, reply) in replies.iter().enumerate() {
        let file = format!("reply-{n}.json");
        fs::write(folder.path().join(&file), reply.to_string()).unwrap();
        import.arg(file);
    }
    succeeds(&mut import);

    let described = folder.path().join("prod.toml");
    let described = described.to_str().unwrap();
    let endpoints = succeeds(kafka_emr().args(["endpoints", described, "--json"])).stdout;
    let endpoints: Value = serde_json::from_str(&endpoints).unwrap();
    let cluster = &endpoints["clusters"][0];
    assert_eq!(cluster["rule"]["name"], rule, "{endpoints:#}");
    let nodes = cluster["nodes"].as_array().unwrap().iter();
    let addresses: Vec<_> = nodes.map(|node| (node["name"].clone(), node["addresses"].clone())).collect();
    let expected: Vec<_> = leads_to.iter().map(|(name, address)| (json!(name), json!([address]))).collect();
    assert_eq!(addresses, expected, "{endpoints:#}");
    // What a user would have found out by hand.
    assert_eq!(cluster["bootstrap_servers"], site.servers, "{endpoints:#}");

    let servers = cluster["bootstrap_servers"].as_str().unwrap();
    lists_topics(with_names(Some(described), "java"), site, version, servers);
}
