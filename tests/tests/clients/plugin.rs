//! Any librdkafka program, by the plugin: kcat as it is installed, and C programs that know nothing of kafka-emr.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, OnceLock, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use kafka_emr_rs::CreateFor;
use kafka_emr_rs::Resolver;
use kafka_emr_rs::mocking::MockEmrCluster;
use kafka_emr_rs::rdkafka::ClientConfig;
use kafka_emr_rs::rdkafka::client::ClientContext;
use kafka_emr_rs::rdkafka::error::KafkaError;
use kafka_emr_rs::rdkafka::producer::{BaseProducer, Producer, ProducerContext};
use tempfile::TempDir;

use crate::site::{NAMES, Site, TOPIC};
use crate::support::{LIMIT, Output, command, fails, library, root, run, scratch, succeeds};

/// How many messages each way of producing makes: enough for a key in each partition.
const MESSAGES: usize = 60;

/// How C programs are built: with leaks and bad memory as errors.
const CHECKED: [&str; 2] = ["-fsanitize=address", "-fno-omit-frame-pointer"];

// kcat

/// kcat works by configuration alone, however the cluster is named, and does not without the plugin.
pub(crate) fn works_on(site: &Site) {
    let folder = TempDir::new().unwrap();
    let (plugin, source) = (plugin(), site.source());
    let file = write(&folder, "kcat.conf", &format!("{plugin}\nemr.cluster={source}\n"));
    let (plugin, property, source) = (plugin.as_str(), format!("emr.cluster={source}"), format!("emr://{source}"));
    let ways: [(&str, &[&str], bool); 4] = [
        ("emr.cluster", &["-X", plugin, "-X", &property, "-b", ""], false),
        ("bootstrap.servers", &["-X", plugin, "-b", &source], false),
        ("environment", &["-X", plugin, "-b", ""], true),
        ("file", &["-F", &file, "-b", ""], false),
    ];
    for (way, arguments, environment) in ways {
        println!("{}: kcat by {way}", site.name);
        let kcat = || {
            let mut kcat = kcat(arguments);
            if environment {
                kcat.env("KAFKA_EMR_CLUSTER", site.source());
            }
            kcat
        };
        let listed = succeeds(kcat().args(["-L", "-m", "30"]));
        let brokers: BTreeSet<&str> =
            listed.stdout.lines().filter_map(|line| line.strip_prefix("  broker ")?.split(' ').nth(2)).collect();
        assert_eq!(brokers, site.advertised.iter().map(String::as_str).collect(), "{listed}");

        let sent: Vec<String> = (0..MESSAGES).map(|i| format!("kcat-{way}-{i:02}")).collect();
        let messages = write(&folder, "messages", &keyed(&sent));
        succeeds(kcat().args(["-P", "-t", TOPIC, "-K:", "-l", &messages]));
        // Other programs' messages are in the topic as well.
        let check = |got: Output| {
            let start = format!("kcat-{way}-");
            let mut mine: Vec<&str> = got.stdout.lines().filter(|line| line.starts_with(&start)).collect();
            mine.sort_unstable();
            assert_eq!(mine, sent, "{got}");
        };
        check(succeeds(kcat().args(["-C", "-t", TOPIC, "-o", "beginning", "-e", "-q"])));
        let group = format!("kcat-{way}");
        let group = ["-q", "-e", "-X", "auto.offset.reset=earliest", "-G", &group, TOPIC];
        check(succeeds(kcat().args(group)));
    }
    let messages = write(&folder, "messages", &keyed(&["never".to_owned()]));
    let arguments = ["-P", "-b", &site.servers, "-t", TOPIC, "-K:", "-X", "message.timeout.ms=3000", "-l", &messages];
    fails(&mut kcat(&arguments), &["ERROR"]);
}

fn kcat(arguments: &[&str]) -> Command {
    let mut kcat = command("kcat", arguments);
    // The user's own configuration does not count.
    kcat.env_remove("KCAT_CONFIG").env("HOME", "/nonexistent").env("XDG_CONFIG_HOME", "/nonexistent");
    kcat
}

fn keyed(messages: &[String]) -> String {
    messages.iter().enumerate().map(|(i, message)| format!("{i}:{message}\n")).collect()
}

#[test]
fn kcat_works_by_configuration_alone() {
    works_on(&Site::embedded());
}

// What is refused, and when

/// Steps of plugin_conf, the environment, and words that the message has.
type Refusal<'a> = (&'a [&'a str], &'a [(&'a str, &'a str)], &'a [&'a str]);

#[test]
fn what_cannot_work_is_refused_when_it_is_set() {
    let folder = TempDir::new().unwrap();
    let plugin = &*plugin();
    let bad_toml = &format!("emr.cluster={}", write(&folder, "bad.toml", "id = \n"));
    let everybodys = write(&folder, "everybodys.toml", "id = \"48742\"\nrelease = \"3.10\"\n");
    fs::set_permissions(&everybodys, fs::Permissions::from_mode(0o666)).unwrap();
    let everybodys = &format!("emr.cluster={everybodys}");
    let missing = &format!("emr.cluster={}", folder.path().join("missing.toml").display());
    let old = "emr.cluster=emr://48742?release=3.10&emr-worker-1=10.0.1.24";
    let no_eips = "emr.cluster=emr://48742?release=3.11&network=public&emr-worker-1=10.0.1.24";
    let both = "emr.cluster=emr://48742?release=3.11&emr-worker-1=10.0.1.24/203.0.113.24";
    let other = "bootstrap.servers=emr://99?release=3.10&emr-worker-1=10.0.1.24";
    let private = "emr.network=private";
    let cases: &[Refusal<'_>] = &[
        (&[plugin, missing], &[], &["refused: emr.cluster: kafka-emr:", "missing.toml", "no such file"]),
        (&[plugin, bad_toml], &[], &["refused: emr.cluster:", "bad.toml"]),
        (&[plugin, everybodys], &[], &["refused: emr.cluster:", "everybodys.toml", "write"]),
        (&[plugin, "emr.network=internet"], &[], &["refused: emr.network:", "internet", "private, public"]),
        (&[plugin, old, "emr.network=internet"], &[], &["refused: emr.network:", "internet", "private, public"]),
        (&[plugin, "emr.bootstrap=ips"], &[], &["refused: emr.bootstrap:", "ips", "addresses, names"]),
        (&[plugin, "emr.strict=maybe"], &[], &["refused: emr.strict:", "maybe", "true"]),
        (&[plugin, "emr.xyz=1"], &[], &["refused: emr.xyz:", "emr.xyz is no property", "emr.cluster, emr.network"]),
        (&[plugin, old, other], &[], &["refused: bootstrap.servers:", "name two sources"]),
        (&[plugin, other, old], &[], &["refused: emr.cluster:", "name two sources"]),
        (&[other, plugin, old], &[], &["refused: emr.cluster:", "name two sources"]),
        (&[plugin, private, no_eips, "emr.network=public"], &[], &["refused: emr.network:", "emr-worker-1"]),
        (&[plugin, "emr.network=public", no_eips], &[], &["refused: emr.cluster:", "emr-worker-1", "public"]),
        (&[plugin, both, "emr.network=internet", ":client"], &[], &["refused: emr.network:"]),
        (&[":callback", plugin], &[], &["refused: plugin.library.paths:", "a resolve callback is set already"]),
        (&[plugin, old, ":callback", plugin], &[], &["refused: plugin.library.paths:", "callback is set already"]),
        (&[plugin, ":callback", old], &[], &["refused: emr.cluster:", "a resolve callback is set already"]),
        (&["bootstrap.servers=emr://1?x=1", plugin], &[], &["refused: plugin.library", "bootstrap.servers"]),
    ];
    for (steps, environment, says) in cases {
        fails(conf(steps).envs(environment.iter().copied()), says);
    }
}

#[test]
fn what_only_the_whole_configuration_tells_is_reported_when_the_client_is_made() {
    let mock = MockEmrCluster::new().unwrap();
    let plugin = &*plugin();
    let real = mock.cluster().nodes()[1].connect().unwrap();
    let servers = &format!("bootstrap.servers={real}");
    let two = "emr.cluster=emr://48742?release=3.10&emr-worker-1=10.0.1.24;emr://9?release=3.10&core-1-1=10.0.1.25";
    let no_eips = "emr.cluster=emr://48742?release=3.11&network=public&emr-worker-1=10.0.1.24";
    let one = &format!("emr.cluster=emr://48742?release=3.10&emr-worker-1={}", real.ip());
    let cases: &[(&[&str], &[&str])] = &[
        (&[plugin, ":dies"], &["no cluster is named: set emr.cluster"]),
        // Brokers that would be found without the plugin: nothing resolves.
        (&[plugin, servers, ":dies"], &["no cluster is named: set emr.cluster", "no name is resolved"]),
        (&[plugin, servers, one, "emr.cluster=", ":dies"], &["no cluster is named: set emr.cluster"]),
        (&[plugin, two, ":dies"], &["bootstrap.servers", "several clusters"]),
        (&[plugin, no_eips, ":dies"], &["emr.cluster: ", "emr-worker-1", "public"]),
        (&[plugin, one, ":callback", ":dies"], &["a resolve callback is set already"]),
        // A plugin that did not load does not work the second time either.
        (&["bootstrap.servers=emr://1?x=1", ":despite", plugin, plugin, ":dies"], &["bootstrap.servers: emr://1"]),
        (&[plugin, one, ":callback", ":dup", ":dup", ":dies"], &["a resolve callback is set already"]),
    ];
    // What is wrong with the environment is no fault where a property says better.
    for (variable, value, better) in
        [("KAFKA_EMR_NETWORK", "internet", "emr.network=private"), ("KAFKA_EMR_CLUSTER", "/missing.toml", one)]
    {
        let output = succeeds(conf(&[plugin, ":dies"]).env(variable, value));
        let warning = output.stderr.lines().find(|line| line.contains("ICFAIL")).unwrap_or_default();
        assert!(variable != "KAFKA_EMR_CLUSTER" || warning.contains("KAFKA_EMR_CLUSTER: /missing.toml"), "{output}");
        let output = succeeds(conf(&[plugin, one, ":dies"]).env(variable, value));
        let says = if variable == "KAFKA_EMR_NETWORK" { "correct or unset it, or set emr.network" } else { "" };
        assert!(output.stderr.contains(says), "{output}");
        let output = succeeds(conf(&[plugin, better, one, ":servers"]).env(variable, value));
        assert!(output.stdout.contains("emr-worker-1.cluster-48742") && !output.stderr.contains(value), "{output}");
    }
    for (steps, says) in cases {
        let output = succeeds(&mut conf(steps));
        let warning = output.stderr.lines().find(|line| line.contains("ICFAIL")).unwrap_or_default();
        for words in *says {
            let found = warning.contains(words) || (*words == "no name is resolved" && output.stderr.contains(words));
            assert!(found, "no {words:?} in: {output}");
        }
    }
}

#[test]
fn properties_come_in_any_order() {
    let plugin = &*plugin();
    let addresses = "emr.cluster=emr://48742?release=3.11&emr-worker-1=10.0.1.24/203.0.113.24";
    let (names, public_names) = ("emr-worker-1.cluster-48742:9092", "emr-worker-1.cluster-48742:9093");
    let (private, public) = ("10.0.1.24:9092", "203.0.113.24:9093");
    let no_private = "emr.cluster=emr://48742?release=3.11&emr-worker-1=/203.0.113.24";
    let no_id = "emr.cluster=emr://?release=3.11&core-1=10.0.1.24/203.0.113.24";
    let own = "bootstrap.servers=10.9.9.9:1";
    let inline = "bootstrap.servers=emr://48742?release=3.11&emr-worker-1=10.0.1.24/203.0.113.24";
    let by_address = "emr.bootstrap=addresses";
    let plain = ["sasl.mechanism=PLAIN", "security.protocol=SASL_PLAINTEXT"];
    let cases: &[(&[&str], &str)] = &[
        (&[addresses], names),
        (&[addresses, "emr.network=public"], public_names),
        (&[no_private, "emr.network=public"], public_names),
        (&[addresses, by_address], private),
        (&[addresses, by_address, "emr.network=public"], public),
        (&[no_private, by_address, "emr.network=public"], public),
        (&[addresses, by_address, "security.protocol=ssl"], private),
        (&[addresses, "security.protocol=ssl"], names),
        (&[addresses, plain[0], plain[1]], names),
        (&[no_id], private),
        (&[no_id, "emr.network=public"], public),
        (&[no_id, plain[0], plain[1]], private),
        (&[addresses, "emr.bootstrap=names"], names),
        (&[addresses, own], "10.9.9.9:1"),
        (&[inline], names),
        (&[inline, by_address, "emr.network=public"], public),
        (&[addresses, "bootstrap.servers="], names),
        (&[inline, "emr.cluster="], names),
    ];
    for (properties, servers) in cases {
        for mut order in orders(properties) {
            for at in 0..=order.len() {
                // The plugin's own properties are known from then on.
                if order[..at].iter().any(|property| property.starts_with("emr.")) {
                    continue;
                }
                order.insert(at, plugin);
                let mut steps = order.clone();
                steps.extend([":servers", ":dup", ":servers"]);
                let output = succeeds(&mut conf(&steps));
                assert_eq!(output.stdout, format!("servers {servers}\n").repeat(2), "{output}");
                order.remove(at);
            }
        }
    }
}

#[test]
fn a_property_that_librdkafka_refuses_changes_nothing() {
    let cluster = "emr.cluster=emr://48742?release=3.11&emr-worker-1=10.0.1.24";
    let names = "servers emr-worker-1.cluster-48742:9092\n";
    for (property, refused) in
        [("security.protocol=ssl", "security.protocol=slx"), ("sasl.mechanism=GSSAPI", "sasl.mechanism=GSSAPI,PLAIN")]
    {
        let output =
            succeeds(&mut conf(&[&*plugin(), cluster, property, ":despite", refused, ":servers", ":dup", ":servers"]));
        assert!(output.stdout.ends_with(&names.repeat(2)), "{output}");
    }
}

/// All orders of a few.
fn orders<'a>(properties: &[&'a str]) -> Vec<Vec<&'a str>> {
    let [rest @ .., last] = properties else { return vec![Vec::new()] };
    let mut all = Vec::new();
    for shorter in orders(rest) {
        for at in 0..=shorter.len() {
            let mut order = shorter.clone();
            order.insert(at, *last);
            all.push(order);
        }
    }
    all
}

#[test]
fn copies_have_what_the_original_has() {
    let (one, other) = (Mock::new("one"), Mock::new("other"));
    let (plugin, a, b) = (&*plugin(), &*one.property(), &*other.property());
    let own = one.mock.cluster().nodes()[1].connect().unwrap().to_string();
    let own_servers = &format!("bootstrap.servers={own}");
    let inline = &format!("bootstrap.servers=emr://{}", one.file);
    let (at_one, at_other) = ("topic one\n", "topic other\n");
    let cases: &[(&[&str], &[&str])] = &[
        (&[plugin, ":dup", a, ":client"], &[at_one]),
        (&[plugin, a, ":dup", ":dup", ":dup", ":client"], &[at_one]),
        // The original last, and both make clients.
        (&[plugin, a, ":keep", ":client", ":back", ":client"], &[at_one, at_one]),
        (&[plugin, a, ":keep", b, ":client", ":back", ":client"], &[at_other, at_one]),
        (
            &[plugin, a, ":keep", ":keep", b, ":keep", a, ":client", ":back", ":client", ":back", ":back", ":client"],
            &[at_one, at_other, at_one],
        ),
        // A client keeps its cluster, whatever becomes of the configuration.
        (&[plugin, a, ":open", b, ":open", ":dup", ":until=other", ":client"], &[at_other]),
        (&[plugin, a, ":open", "emr.cluster=", ":until=one", b, ":client"], &[at_other]),
        // The plugin more than once, and taken back, which librdkafka does not let it notice.
        (&[plugin, plugin, a, plugin, ":client"], &[at_one]),
        (&[plugin, a, "plugin.library.paths=", ":dup", ":client"], &[at_one]),
        // The program's own brokers, after others.
        (&[plugin, inline, own_servers, ":dup", ":servers", ":client"], &[&own, at_one]),
        (&[inline, plugin, "bootstrap.servers=", own_servers, ":dup", ":servers", ":client"], &[&own, at_one]),
        (&[own_servers, plugin, inline, ":dup", ":servers", ":client"], &[NAMES, at_one]),
        // No client at all.
        (&[plugin, a], &[]),
        (&[plugin, a, ":keep", ":keep", b, ":dup"], &[]),
    ];
    for (steps, says) in cases {
        let output = succeeds(&mut conf(steps));
        let mut rest = output.stdout.as_str();
        for words in *says {
            rest = rest.split_once(words).unwrap_or_else(|| panic!("no {words:?} here: {output}")).1;
        }
    }

    // Filters are the starts of names: without servers of its own, a copy has the rule's.
    let rules =
        "servers emr-worker-1.cluster-48742:9092,emr-worker-2.cluster-48742:9092,emr-worker-3.cluster-48742:9092\n";
    for (filter, servers) in [
        (":without=bootstrap,metadata.broker", rules.to_owned()),
        (":without=bootstrap,client.id", format!("servers {own}\n")),
        (":without=metadata.broker,client.id", format!("servers {own}\n")),
    ] {
        let output = succeeds(&mut conf(&[plugin, a, own_servers, filter, ":servers"]));
        assert_eq!(output.stdout, servers, "{output}");
    }
}

// Which librdkafka

#[test]
fn a_librdkafka_that_is_too_old_is_refused_with_its_version() {
    let folder = scratch("plugin");
    let fake = folder.join("libfake_old.so");
    build("plugin_fake_old", &fake, &["-DLIBRARY", "-shared", "-fPIC"], &[]);
    let program = folder.join("fake_old");
    build("plugin_fake_old", &program, &[], &[fake.display().to_string()]);
    fails(&mut command(program, [library()]), &["librdkafka 1.9.2", "update it to 2.0.0"]);
}

#[test]
fn a_static_librdkafka_has_to_be_exported() {
    let folder = scratch("plugin");
    let libraries = static_librdkafka();
    let program = folder.join("static_hidden");
    build("plugin_conf", &program, &[], &libraries);
    let says =
        ["refused: plugin.library.paths", "link librdkafka as a shared library", "-rdynamic", "statically linked"];
    fails(&mut command(&program, [plugin()]), &says);
    // Another one is there with global symbols: it is not the one that calls.
    fails(command(&program, [plugin()]).env("LD_PRELOAD", shared_librdkafka()), &says);

    let one = Mock::new("one");
    let program = folder.join("static_exported");
    build("plugin_conf", &program, &["-rdynamic"], &libraries);
    let output = succeeds(&mut command(program, [&*plugin(), &one.property(), ":client"]));
    assert!(output.stdout.contains("topic one"), "{output}");
}

/// Debian's own, with what it needs: the same as the shared one.
fn static_librdkafka() -> Vec<String> {
    let needs = succeeds(&mut command("ldd", [shared_librdkafka()])).stdout;
    let needs = needs.lines().filter_map(|line| line.split_once("=> /")?.1.split(' ').next());
    let needs = needs.map(|path| format!("/{path}"));
    ["-l:librdkafka.a".to_owned()].into_iter().chain(needs).collect()
}

fn shared_librdkafka() -> PathBuf {
    let folder = succeeds(&mut command("pkg-config", ["--variable=libdir", "rdkafka"])).stdout;
    PathBuf::from(folder.trim()).join("librdkafka.so")
}

/// The one that is in this program, which knows client.dns.lookup: since 2.2.0.
#[test]
fn a_newer_librdkafka_and_its_dns_lookup() {
    let one = Mock::new("one");
    let program = scratch("plugin").join("newer");
    let libraries = [newer_librdkafka().as_str(), "-lssl", "-lcrypto", "-lz", "-lm", "-lpthread", "-ldl", "-lrt"]
        .map(str::to_owned);
    build("plugin_conf", &program, &["-rdynamic"], &libraries);
    let (plugin, cluster) = (&*plugin(), &*one.property());
    let canonical = "client.dns.lookup=resolve_canonical_bootstrap_servers_only";
    let says = ["refused: ", "resolve_canonical_bootstrap_servers_only replaces long domains", "use_all_dns_ips"];
    for steps in [[plugin, cluster, canonical], [plugin, canonical, cluster], [canonical, plugin, cluster]] {
        fails(&mut command(&program, steps), &says);
    }
    let steps = [plugin, cluster, "client.dns.lookup=use_all_dns_ips", ":dup", ":client", ":servers"];
    let output = succeeds(&mut command(&program, steps));
    assert!(output.stdout.contains("topic one") && output.stdout.contains(NAMES), "{output}");
}

fn newer_librdkafka() -> String {
    // Cargo has tests find what rdkafka-sys has built for them.
    let path = std::env::var_os("LD_LIBRARY_PATH").expect("cargo sets it");
    let found = std::env::split_paths(&path).map(|folder| folder.join("librdkafka.a")).find(|file| file.exists());
    found.expect("rdkafka-sys has built librdkafka").into_os_string().into_string().unwrap()
}

#[test]
fn two_librdkafkas_in_one_process_do_not_mix() {
    let folder = scratch("plugin");
    let program = folder.join("two");
    build("plugin_two", &program, &[], &["-ldl".to_owned()]);
    let first = shared_librdkafka();
    // Under another name it is another library to the loader.
    let second = folder.join("librdkafka-second.so");
    fs::copy(&first, &second).unwrap();
    let (one, other) = (Mock::new("one"), Mock::new("other"));
    let mut two = command(program, [library(), &first]);
    succeeds(two.args([&one.file, "one"]).arg(second).args([&other.file, "other"]));
}

// Many clients, and what becomes of them

#[test]
fn clients_of_two_clusters_do_not_mix_and_a_thousand_leave_nothing() {
    let program = scratch("plugin").join("many");
    build("plugin_many", &program, &CHECKED, &["-lrdkafka".to_owned()]);
    let (one, other) = (Mock::new("one"), Mock::new("other"));
    let output = succeeds(command(program, [library()]).args([&*one.file, "one", &other.file, "other"]));
    assert_eq!(output.stdout, "each at its own\n", "{output}");
}

#[test]
fn a_description_is_followed_and_the_last_good_one_stays() {
    let (one, other) = (Mock::new("one"), Mock::new("other"));
    let folder = TempDir::new().unwrap();
    let toml = one.mock.cluster().description().to_toml().unwrap();
    let file = write(&folder, "cluster.toml", &toml);
    let replace = |content: &str| {
        let next = write(&folder, "next.toml", content);
        fs::rename(next, &file).unwrap();
    };
    let cluster = format!("emr.cluster={file}");
    let mut follow = conf(&[&*plugin(), &cluster, ":open", ":until=one", ":again=other", ":until=other"]);
    for variable in ["KAFKA_EMR_NETWORK", "KAFKA_EMR_LOG", "LD_LIBRARY_PATH"] {
        follow.env_remove(variable);
    }
    let child = follow.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut child = Killed(child);
    let (stdout, stderr) = (child.0.stdout.take().unwrap(), child.0.stderr.take().unwrap());
    let (sender, lines) = mpsc::channel();
    let stdout_sender = sender.clone();
    thread::spawn(move || BufReader::new(stdout).lines().try_for_each(|line| stdout_sender.send(line.unwrap())));
    thread::spawn(move || BufReader::new(stderr).lines().try_for_each(|line| sender.send(line.unwrap())));
    let end = Instant::now() + LIMIT;
    let wait = |words: &str| {
        let mut seen = String::new();
        while !seen.contains(words) {
            let left = end.saturating_duration_since(Instant::now());
            let line = lines.recv_timeout(left).unwrap_or_else(|_| panic!("no {words:?} in:\n{seen}"));
            seen += &(line + "\n");
        }
    };
    wait("until one");
    // From now on new clients come without end, and each has to find brokers.
    replace("id = ");
    wait("the last good description stays in use");
    replace(&other.mock.cluster().description().to_toml().unwrap());
    wait("again other");
    // The first client is where it was: live connections are not moved.
    drop(one);
    wait("until other");
    assert!(child.0.wait().unwrap().success());
}

/// A program that does not outlive its test.
struct Killed(std::process::Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn another_cluster_than_the_pinned_one_is_warned_of() {
    let one = Mock::new("one");
    let client: BaseProducer = ClientConfig::new().create_for(&one.mock.resolver().unwrap()).unwrap();
    let right = client.client().fetch_cluster_id(Duration::from_secs(60)).expect("the mock's cluster id");
    let folder = TempDir::new().unwrap();
    let message = write(&folder, "message", "hello\n");
    let kcat = |cluster_id: &str, arguments: &[&str]| {
        let mut description = one.mock.cluster().description().clone();
        description.settings.cluster_id = Some(cluster_id.to_owned());
        let file = write(&folder, "pinned.toml", &description.to_toml().unwrap());
        let (plugin, source) = (plugin(), format!("emr://{file}"));
        succeeds(kcat(&["-X", &plugin, "-b", &source]).args(arguments))
    };
    let consume = ["-C", "-t", "one", "-e", "-q"];
    let wrong = "Xn3bL9sPQ0yVbVwB3n1p2g";
    let output = kcat(wrong, &["-P", "-t", "one", "-l", &message]);
    assert!(output.stderr.contains("cluster_id is not checked for producers"), "{output}");
    let output = kcat(wrong, &consume);
    let warnings: Vec<&str> = output.stderr.lines().filter(|line| line.contains("another cluster answers")).collect();
    assert!(matches!(warnings[..], [line] if line.contains(&right) && line.contains(wrong)), "{output}");
    let output = kcat(&right, &consume);
    assert_eq!(output.stdout, "hello\n", "{output}");
    assert!(!output.stderr.contains("kafka-emr"), "{output}");
}

// Lines for the program's log

/// Debian's librdkafka, the oldest one, and the newest: what the plugin warns of is in the program's own log, where the program
/// has one that may be called.
#[test]
fn warnings_are_in_the_log_of_the_client_that_they_are_about() {
    let program = scratch("plugin").join("log");
    build("plugin_log", &program, &CHECKED, &["-lrdkafka".to_owned(), "-lpthread".to_owned()]);
    let newest = crate::python::newest_librdkafka();
    let folder = scratch("plugin").join("newest");
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir(&folder).unwrap();
    std::os::unix::fs::symlink(&newest, folder.join("librdkafka.so.1")).unwrap();
    let path = std::env::join_paths([&*folder, newest.parent().unwrap()]).unwrap();
    let library = library().display().to_string();
    let run = |newest: bool, log: &str, more: &[&str]| {
        // One warning comes of the new client, and one of a name that it looks up.
        let source = "emr://48742?release=3.10&strict=true&cluster_id=Xn3bL9sPQ0yVbVwB3n1p2g&emr-worker-1=127.0.0.1";
        let warnings = ["cluster_id is not checked for producers", "emr-worker-7.cluster-48742"];
        let arguments = [&library, source, "emr-worker-7.cluster-48742:9092", log];
        let mut program = command(&program, arguments.iter().chain(more));
        if newest {
            program.env("LD_LIBRARY_PATH", &path);
        }
        let output = succeeds(&mut program);
        assert!(output.stdout.ends_with("ended\n"), "{output}");
        let ours = |text: &str, start: &str, warning: &str| {
            text.lines().filter(|line| line.starts_with(start) && line.contains(warning)).count()
        };
        let [first, second] = warnings.map(|warning| {
            (ours(&output.stdout, "log 4 ", warning), ours(&output.stderr, "kafka-emr: warn: ", warning))
        });
        assert_eq!(first, second, "{output}");
        first
    };
    for newest in [false, true] {
        assert_eq!(run(newest, "own", &[]), (1, 0), "newest: {newest}");
        assert_eq!(run(newest, "own", &["log_level=4"]), (1, 0), "newest: {newest}");
        // The client does not want it.
        assert_eq!(run(newest, "own", &["log_level=3"]), (0, 0), "newest: {newest}");
        // Only the program's own threads may call it.
        assert_eq!(run(newest, "own", &["log.queue=true"]), (0, 1), "newest: {newest}");
        // librdkafka's own writes to standard error, and would wait for it.
        assert_eq!(run(newest, "default", &[]), (0, 1), "newest: {newest}");
        assert_eq!(run(newest, "null", &[]), (0, 1), "newest: {newest}");
    }
}

// Whom to trust, and what must not get out

#[test]
fn a_setuid_program_does_not_believe_the_environment() {
    let bytes = fs::read(library()).unwrap();
    assert!(
        bytes.windows(15).any(|bytes| bytes == b"\0secure_getenv\0"),
        "the environment is read by another function"
    );
    let one = Mock::new("one");
    let folder = TempDir::new().unwrap();
    if fs::metadata(folder.path()).unwrap().uid() != 0 {
        println!("only root can make a setuid program: the function that is called is all that was looked at");
        return;
    }
    let place = |from: &Path, name: &str| {
        let to = folder.path().join(name);
        fs::copy(from, &to).unwrap();
        to
    };
    let program = scratch("plugin").join("conf_plain");
    build("plugin_conf", &program, &[], &["-lrdkafka".to_owned()]);
    let program = place(&program, "plugin_conf");
    let plugin = format!("plugin.library.paths={}", place(library(), "libkafka_emr.so").display());
    let source = place(Path::new(&one.file), "cluster.toml");
    for path in [folder.path(), &program] {
        chown(path, Some(0), Some(0)).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    fs::set_permissions(&source, fs::Permissions::from_mode(0o644)).unwrap();
    let nobody = |steps: &[&str]| {
        let mut program = command(&program, [&*plugin].iter().chain(steps));
        program.uid(65534).gid(65534).env("KAFKA_EMR_CLUSTER", &source);
        program
    };
    // The same program without the bit believes it.
    let output = succeeds(&mut nobody(&[":client"]));
    assert!(output.stdout.contains("topic one"), "{output}");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o4755)).unwrap();
    let output = succeeds(&mut nobody(&[":secure", ":dies"]));
    assert!(output.stderr.contains("no cluster is named"), "{output}");
}

/// Panics at the library's own warning for one name.
struct Panics;

const UNKNOWN: &str = "emr-worker-77.cluster-48742";

impl log::Log for Panics {
    fn enabled(&self, metadata: &log::Metadata<'_>) -> bool {
        metadata.target().starts_with("kafka_emr_core")
    }

    fn log(&self, record: &log::Record<'_>) {
        let expected = self.enabled(record.metadata()) && record.args().to_string().contains(UNKNOWN);
        assert!(!expected, "expected by this test");
    }

    fn flush(&self) {}
}

/// Keeps what librdkafka reports.
#[derive(Default)]
struct Reasons(Mutex<Vec<String>>);

impl ClientContext for Reasons {
    fn error(&self, _error: KafkaError, reason: &str) {
        self.0.lock().unwrap().push(reason.to_owned());
    }
}

impl ProducerContext for Reasons {
    type DeliveryOpaque = ();

    fn delivery(&self, _: &kafka_emr_rs::rdkafka::producer::DeliveryResult<'_>, (): ()) {}
}

#[test]
fn a_panic_is_a_failed_resolve_to_librdkafka() {
    log::set_logger(&Panics).unwrap();
    log::set_max_level(log::LevelFilter::Warn);
    let resolver = Resolver::open("emr://48742?release=3.10&strict=true&emr-worker-1=127.0.0.1").unwrap();
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", format!("{UNKNOWN}:9092"));
    let producer: BaseProducer<Reasons> = config.create_with_context_for(&resolver, Reasons::default()).unwrap();
    let end = Instant::now() + LIMIT;
    loop {
        producer.poll(Duration::from_millis(100));
        let reasons = producer.context().0.lock().unwrap();
        if reasons.iter().any(|line| line.contains("Non-recoverable failure in name resolution")) {
            break;
        }
        assert!(Instant::now() < end, "librdkafka reports: {reasons:?}");
    }
}

// What the tests have in common

/// An embedded cluster that has one topic of this name, and the file that describes it. All have the same long domains.
struct Mock {
    mock: MockEmrCluster,
    file: String,
    _folder: TempDir,
}

impl Mock {
    fn new(topic: &str) -> Self {
        let mock = MockEmrCluster::new().unwrap();
        mock.create_topic(topic, 1, 1).unwrap();
        let folder = TempDir::new().unwrap();
        let file = write(&folder, "cluster.toml", &mock.cluster().description().to_toml().unwrap());
        Mock { mock, file, _folder: folder }
    }

    fn property(&self) -> String {
        format!("emr.cluster={}", self.file)
    }
}

fn write(folder: &TempDir, name: &str, content: &str) -> String {
    let path = folder.path().join(name);
    fs::write(&path, content).unwrap();
    path.into_os_string().into_string().unwrap()
}

/// The property that loads the plugin.
fn plugin() -> String {
    format!("plugin.library.paths={}", library().display())
}

/// plugin_conf with Debian's librdkafka, and with memory checked.
fn conf(steps: &[&str]) -> Command {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    let program = PROGRAM.get_or_init(|| {
        let program = scratch("plugin").join("conf");
        build("plugin_conf", &program, &CHECKED, &["-lrdkafka".to_owned()]);
        program
    });
    command(program, steps)
}

fn build(source: &str, program: &Path, flags: &[&str], libraries: &[String]) {
    let source = root().join("tests/tests/clients/programs").join(source).with_extension("c");
    let mut compiler = command("gcc", ["-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-g"]);
    let built = run(compiler.args(flags).arg(source).arg("-o").arg(program).args(libraries), LIMIT);
    assert!(built.fine, "{built}\n`cargo xtask test` installs what the tests need");
}
