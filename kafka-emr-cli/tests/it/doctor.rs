//! `doctor` on the embedded cluster, and what it refuses. Each fault is made on real brokers, in the package of tests.

use std::io::{BufRead as _, BufReader, Lines, Read as _, Write as _};
use std::net::TcpListener;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use kafka_emr_rs::mocking::MockEmrCluster;

use crate::{NEW, file, inline, kafka_emr, path, run};

#[test]
fn an_embedded_cluster_is_fine() {
    let mock = MockEmrCluster::new().unwrap();
    mock.create_topic("orders", 3, 3).unwrap();
    let description = file(".toml", &mock.cluster().description().to_toml().unwrap());
    let text = run(["doctor", &path(&description), "--timeout", "20", "--probe-topic", "orders"]).quietly(0);
    assert!(text.contains("a message was produced and consumed"), "{text}");
    // librdkafka's mock brokers do not describe their settings.
    let fine = "fine: a client reaches each of the brokers (3); not all of them could be asked which one they are\n";
    assert!(text.ends_with(fine), "{text}");

    let report = run(["doctor", &path(&description), "--timeout", "20", "--json"]).json(0);
    let cluster = &report["clusters"][0];
    assert_eq!((&cluster["verdict"], &cluster["rule"]["name"]), (&"note".into(), &"R3".into()), "{cluster:#}");
    assert!(cluster["findings"].as_array().unwrap().is_empty());
}

#[test]
fn several_clusters_have_a_report_each() {
    let mock = MockEmrCluster::new().unwrap();
    let description = file(".toml", &mock.cluster().description().to_toml().unwrap());
    let two = format!("{};emr://1234?release=EMR-3.10.1&emr-worker-1=127.10.7.24", path(&description));
    let report = run(["doctor", &two, "--timeout", "20", "--json"]).json(1);
    let first_fault = |cluster: usize| report["clusters"][cluster]["findings"][0]["fault"].as_str();
    assert_eq!((first_fault(0), first_fault(1)), (None, Some("nothing-listens")), "{report:#}");
    assert_eq!(report["verdict"], "fault");
}

/// A listener that offers a login by one mechanism, and knows no more than what comes before it.
fn login_listener(mechanism: &'static str) -> TcpListener {
    let listener = TcpListener::bind("127.10.7.25:0").unwrap();
    let incoming = listener.try_clone().unwrap();
    let answer = |mut stream: &std::net::TcpStream| -> std::io::Result<()> {
        loop {
            let mut length = [0; 4];
            stream.read_exact(&mut length)?;
            let mut request = vec![0; u32::from_be_bytes(length) as usize];
            stream.read_exact(&mut request)?;
            let body = match request[..2] {
                // No error, and the versions of one request: SASL handshakes.
                [0, 18] => vec![0, 0, 0, 0, 0, 1, 0, 17, 0, 0, 0, 1],
                // No error, and one mechanism.
                _ => {
                    [&b"\0\0\0\0\0\x01\0"[..], &[u8::try_from(mechanism.len()).unwrap()], mechanism.as_bytes()].concat()
                }
            };
            let length = u32::try_from(4 + body.len()).unwrap().to_be_bytes();
            stream.write_all(&[&length, &request[4..8], &body].concat())?;
        }
    };
    std::thread::spawn(move || incoming.incoming().flatten().for_each(|stream| drop(answer(&stream))));
    listener
}

#[cfg(not(feature = "gssapi"))]
#[test]
fn a_login_that_is_not_built_in_is_unchecked_and_no_fault() {
    let listener = login_listener("GSSAPI");
    let port = listener.local_addr().unwrap().port();
    let source = format!("emr://48742?release={NEW}&port={port}&emr-worker-1=127.10.7.25");
    let doctor =
        ["doctor", &source, "--timeout", "20", "--probe-topic", "orders", "-X", "security.protocol=SASL_PLAINTEXT"];
    let text = run(doctor).quietly(2);
    assert!(text.contains("SASL_PLAINTEXT (GSSAPI)"), "{text}");
    let last = "no fault found so far: this program is built without the SASL mechanism GSSAPI; build it with \
                `--features gssapi` to check the login and what comes after it\n";
    assert!(text.ends_with(last), "{text}");
    let report = run([&doctor[..], &["--json"]].concat()).json(2);
    assert_eq!(report["verdict"], "unchecked", "{report:#}");
    assert_eq!(report["clusters"][0]["findings"], serde_json::json!([]), "{report:#}");
    // A fault that shows before the login is one all the same.
    drop(listener);
    let source = source.replace(&format!("port={port}"), "port=1");
    let report =
        run(["doctor", &source, "--timeout", "20", "--json", "-X", "security.protocol=SASL_PLAINTEXT"]).json(1);
    assert_eq!(report["clusters"][0]["findings"][0]["fault"], "nothing-listens", "{report:#}");
    assert_eq!(report["clusters"][0]["findings"].as_array().unwrap().len(), 1, "{report:#}");
}

#[cfg(not(feature = "gssapi"))]
#[test]
fn a_login_that_is_not_built_in_hides_no_fault() {
    let mock = MockEmrCluster::new().unwrap();
    let description = file(".toml", &mock.cluster().description().to_toml().unwrap());
    // Kerberos is librdkafka's default.
    let report = run(["doctor", &path(&description), "--json", "-X", "security.protocol=SASL_PLAINTEXT"]).json(1);
    assert_eq!(report["clusters"][0]["findings"][0]["fault"], "sasl-not-expected", "{report:#}");
    assert_eq!(report["clusters"][0]["findings"].as_array().unwrap().len(), 1, "{report:#}");
}

#[test]
fn a_login_by_a_token_is_unchecked_and_no_fault() {
    let listener = login_listener("OAUTHBEARER");
    let port = listener.local_addr().unwrap().port();
    let source = format!("emr://48742?release={NEW}&port={port}&emr-worker-1=127.10.7.25");
    let doctor = |properties: &str, more: &[&str]| {
        let properties = file(".properties", &format!("security.protocol=SASL_PLAINTEXT\n{properties}"));
        run([&["doctor", &source, "-F", &path(&properties)], more].concat())
    };
    let of_the_application = "sasl.mechanism=OAUTHBEARER\n";
    let of_an_endpoint = "sasl.mechanism=OAUTHBEARER\nsasl.oauthbearer.method=oidc\n\
                          sasl.oauthbearer.token.endpoint.url=https://127.10.7.25/token\n\
                          sasl.jaas.config=x.OAuthBearerLoginModule required clientId='a' clientSecret='hunter2';\n";
    for properties in [of_the_application, of_an_endpoint] {
        let text = doctor(properties, &["--timeout", "20"]).quietly(2);
        assert!(text.contains("SASL_PLAINTEXT (OAUTHBEARER)"), "{text}");
        let last = "no fault found so far: this program has no token to log in with by OAUTHBEARER, so neither the login nor \
                    what comes after it is checked\n";
        assert!(text.ends_with(last), "{text}");
        let report = doctor(properties, &["--timeout", "20", "--json"]).json(2);
        assert_eq!(report["verdict"], "unchecked", "{report:#}");
        assert_eq!(report["clusters"][0]["findings"], serde_json::json!([]), "{report:#}");
        // What librdkafka refuses, it refuses all the same.
        let mistake = doctor(&format!("{properties}ssl.foo=x\n"), &[]);
        assert_eq!((mistake.status, mistake.stdout.as_str()), (2, ""), "{}", mistake.stderr);
        assert!(mistake.stderr.contains("\"ssl.foo\""), "{}", mistake.stderr);
    }
    // With a token that librdkafka makes itself there is a login.
    let own = doctor("sasl.mechanism=OAUTHBEARER\nenable.sasl.oauthbearer.unsecure.jwt=true\n", &["--json"]).json(1);
    assert_eq!(own["clusters"][0]["findings"][0]["fault"], "login-refused", "{own:#}");
}

#[track_caller]
fn refuse(arguments: &[&str], says: &[&str]) {
    let source = inline(NEW, "private");
    let run = run([&["doctor", &source], arguments].concat());
    assert_eq!((run.status, run.stdout.as_str()), (2, ""), "{}", run.stderr);
    assert_eq!(run.stderr.matches('\n').count(), 1, "one line: {}", run.stderr);
    for part in says {
        assert!(run.stderr.contains(part), "{part:?} is missing: {}", run.stderr);
    }
    assert!(!run.stderr.contains("hunter2"), "{}", run.stderr);
}

#[test]
fn bad_properties_are_refused_without_their_values() {
    refuse(&["-X", "hunter2"], &["-X: expected KEY=VALUE"]);
    refuse(&["-X", "sasl.pasword=hunter2"], &["sasl.pasword"]);
    refuse(&["-X", "security.protocol=hunter2"], &["security.protocol"]);
    refuse(&["-X", "bootstrap.servers=a:1,b:x"], &["-X bootstrap.servers", "b:x"]);
    refuse(&["-X", "bootstrap.servers=,"], &["-X bootstrap.servers: no server", "HOST:PORT"]);
    let tls = "security.protocol=SSL";
    refuse(&["-X", tls, "-X", "ssl.truststore.location=/t.jks"], &["ssl.ca.location", "keytool"]);
    refuse(&["-X", "ssl.protocol=hunter2"], &["-X ssl.protocol", "Java"]);
    let login = "security.protocol=SASL_SSL";
    refuse(&["-X", login, "-X", "sasl.mechanism=SCRAM-SHA512"], &["-X sasl.mechanism", "SCRAM-SHA-512"]);
    let open = "sasl.jaas.config=x.PlainLoginModule required username='a' password='hunter2;";
    refuse(&["-X", open], &["-X sasl.jaas.config", "quote"]);
    refuse(&["-X", "ssl.key.location=-----BEGIN hunter2"], &["-X ssl.key.location", "expected a file"]);
    refuse(&["-X", "security.protocol=SSL", "-X", "ssl.ca.location=/nowhere/ca.pem"], &["/nowhere/ca.pem"]);
    refuse(&["-X", tls, "-X", "ssl.key.pem=hunter2"], &["-X ssl.key.pem: expected a private key in PEM"]);
    refuse(&["-F", "/nowhere/client.properties"], &["-F /nowhere/client.properties"]);
    let properties = file(".properties", "security.protocol=SSL\nhunter2\n");
    refuse(&["-F", &path(&properties)], &[&format!("{}:2", path(&properties))]);
    // What librdkafka refuses only when the client is made.
    let properties = file(".properties", "security.protocol=SSL\nssl.cipher.suites=hunter3\n");
    refuse(&["-F", &path(&properties)], &[&format!("{}:2: ", path(&properties)), "ssl.cipher.suites failed"]);
    let properties = file(".properties", "\nsecurity.protocol: \\\n  hunter2\n");
    refuse(&["-F", &path(&properties)], &[&format!("{}:2: security.protocol", path(&properties))]);
}

#[test]
fn what_only_java_has_is_left_out_with_one_line() {
    let mock = MockEmrCluster::new().unwrap();
    let description = file(".toml", &mock.cluster().description().to_toml().unwrap());
    let properties = "ssl.protocol=TLSv1.2\nsecurity.providers=hunter2\nssl.truststore.location=/t.jks\nacks=all\n";
    let properties = file(".properties", properties);
    let run = run(["doctor", &path(&description), "--timeout", "20", "-F", &path(&properties)]);
    assert_eq!(run.status, 0, "{}{}", run.stdout, run.stderr);
    let skipped = "skipped, because only the Java client has them: security.providers, ssl.protocol\n";
    assert!(run.stderr.ends_with(skipped) && run.stderr.matches('\n').count() == 1, "{}", run.stderr);
}

const LIMIT: Duration = Duration::from_secs(60);

/// A watch whose first examination is done.
struct Watch {
    child: Child,
    lines: Option<Lines<BufReader<ChildStdout>>>,
}

impl Watch {
    fn start(description: &str) -> Self {
        let mut command = kafka_emr(["doctor", description, "--watch=1", "--timeout", "30"]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut watch = Watch { child, lines: Some(lines) };
        watch.until("fine: ");
        watch
    }

    fn until(&mut self, words: &str) {
        let lines = self.lines.as_mut().unwrap().by_ref().map(Result::unwrap);
        let seen: Vec<String> = lines.take_while(|line| !line.contains(words)).collect();
        assert!(self.child.try_wait().unwrap().is_none(), "no line with {words:?}: {seen:?}");
    }

    fn interrupt(&self) {
        let id = self.child.id().to_string();
        let sent = Command::new("sh").args(["-c", r#"kill -INT "$1""#, "interrupt", &id]).status();
        assert!(sent.unwrap().success());
    }

    fn ends(&mut self) -> Option<i32> {
        let end = Instant::now() + LIMIT;
        while Instant::now() < end {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("it does not end");
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_watch_ends_when_nobody_reads_it() {
    let mock = MockEmrCluster::new().unwrap();
    let description = file(".toml", &mock.cluster().description().to_toml().unwrap());
    let mut watch = Watch::start(&path(&description));
    // There is nothing more to write: nothing changes.
    watch.lines = None;
    assert_eq!(watch.ends(), Some(0));
}

#[test]
fn ctrl_c_ends_a_watch_in_the_middle_of_an_examination() {
    let mock = MockEmrCluster::new().unwrap();
    let description = file(".toml", &mock.cluster().description().to_toml().unwrap());
    let mut watch = Watch::start(&path(&description));
    // It takes connections, and never answers.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    let other = format!("id = '1'\nrelease = '{NEW}'\nnetwork = 'private'\nport = {port}\n");
    let node = "[[nodes]]\nname = 'emr-worker-1'\nprivate_ip = '127.0.0.1'\n";
    std::fs::write(description.path(), other + node).unwrap();
    let _connection = silent.accept().unwrap();
    let started = Instant::now();
    watch.interrupt();
    assert_eq!(watch.ends(), Some(0), "the last check was fine");
    assert!(started.elapsed() < Duration::from_secs(15), "{:?}", started.elapsed());
}

/// Replaces a file as a whole: what is written into it is seen empty and in parts.
fn replace(file: &std::path::Path, text: &str) {
    let new = file.with_extension("new");
    std::fs::write(&new, text).unwrap();
    std::fs::rename(new, file).unwrap();
}

/// Waits until a file was opened so many times.
fn wait_until_opened(file: &std::path::Path, times: usize) {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    use rustix::fs::inotify::{self, CreateFlags, Reader, WatchFlags};
    let events = inotify::init(CreateFlags::CLOEXEC).unwrap();
    inotify::add_watch(&events, file, WatchFlags::OPEN).unwrap();
    let mut buffer = [std::mem::MaybeUninit::uninit(); 4096];
    let mut reader = Reader::new(&events, &mut buffer);
    for opened in 0..times {
        let limit = Timespec { tv_sec: LIMIT.as_secs().cast_signed(), tv_nsec: 0 };
        let is_next =
            !reader.is_buffer_empty() || poll(&mut [PollFd::new(&events, PollFlags::IN)], Some(&limit)) == Ok(1);
        assert!(is_next, "opened {opened} times");
        reader.next().unwrap();
    }
}

#[test]
fn a_watch_warns_once_that_the_description_is_broken() {
    let mock = MockEmrCluster::new().unwrap();
    let toml = mock.cluster().description().to_toml().unwrap();
    let description = file(".toml", &toml);
    let mut watch = Watch::start(&path(&description));
    replace(description.path(), "nonsense");
    let mut errors = BufReader::new(watch.child.stderr.take().unwrap());
    let mut first = String::new();
    errors.read_line(&mut first).unwrap();
    assert!(first.contains("not checked: "), "{first}");
    // Some rounds more.
    wait_until_opened(description.path(), 3);
    replace(description.path(), &toml);
    watch.until("checked again");
    watch.interrupt();
    assert_eq!(watch.ends(), Some(0));
    let mut more = String::new();
    errors.read_to_string(&mut more).unwrap();
    assert_eq!(more, "");
}

#[test]
fn bad_arguments_are_refused() {
    refuse(&["--timeout", "0"], &["--timeout", "1..=300"]);
    refuse(&["--watch=0"], &["--watch"]);
    let missing = run(["doctor", "/nonexistent/prod.toml"]);
    assert_eq!((missing.status, missing.stdout.as_str()), (2, ""));
    assert!(missing.stderr.contains("/nonexistent/prod.toml"), "{}", missing.stderr);
    let watching = crate::finish(&mut kafka_emr(["doctor", "/nonexistent/prod.toml", "--watch"]));
    assert_eq!(watching.status, 2, "{}", watching.stderr);
}
