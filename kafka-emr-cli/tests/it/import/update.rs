//! `--update`: what changes in a description, and what stays.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;

use expect_test::expect;

use super::{BY_HAND, FOUR, NEW, OLD, components, import, import_text, json_of, nodes, refused, sample, shows};
use crate::{Run, file, kafka_emr, path, run};

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
