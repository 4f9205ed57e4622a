//! Input that is refused, alone or together.

use std::fs;

use super::{FOUR, NEW, OLD, components, import, import_text, nodes, refused, sample};
use crate::{file, finish, kafka_emr, path, run};

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
fn a_terminal_is_not_waited_for() {
    // `script` gives the command a terminal.
    let line = format!("{} import", env!("CARGO_BIN_EXE_kafka-emr"));
    let Ok(run) = std::process::Command::new("script").args(["-qec", &line, "/dev/null"]).output() else { return };
    assert_eq!(run.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&run.stdout).contains("standard input: is a terminal"));
    let help = finish(&mut kafka_emr(["import", "--help"])).quietly(0);
    assert!(help.contains("\nExamples:\n  kafka-emr import ") && help.contains("--id 48742"), "{help}");
}

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
