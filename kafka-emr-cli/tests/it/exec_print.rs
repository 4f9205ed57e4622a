//! What `kafka-emr exec --print` prints. That those who read it take it is tested where they are.

use std::os::unix::fs::symlink;
use std::process::Command;

use expect_test::{Expect, expect};
use tempfile::TempDir;

use crate::{finish, kafka_emr, toml};

/// A name with what quoting is for.
const LIBRARY: &str = r#"it's_100%_"$HOME"_\n.so"#;

/// A folder with a description, and with something that could go in front of libc. Its path is `FOLDER` in what is expected.
struct Folder(TempDir);

impl Folder {
    fn new(library: &str) -> Self {
        let folder = TempDir::new().unwrap();
        // These tests are as good a library as any: nothing is started with it.
        symlink(std::env::current_exe().unwrap(), folder.path().join(library)).unwrap();
        std::fs::write(folder.path().join("prod.toml"), toml("EMR-3.10.1", "private")).unwrap();
        Folder(folder)
    }

    fn exec(&self, arguments: &[&str]) -> Command {
        let mut command = kafka_emr(["exec"]);
        command.args(arguments).current_dir(&self.0).env_remove("LD_PRELOAD").env_remove("ASAN_OPTIONS");
        command
    }

    #[track_caller]
    fn prints(&self, arguments: &[&str], expected: Expect) {
        let printed = finish(&mut self.exec(arguments)).quietly(0);
        expected.assert_eq(&printed.replace(self.0.path().to_str().unwrap(), "FOLDER"));
    }
}

#[test]
fn each_reader() {
    let folder = Folder::new("libkafka_emr_preload.so");
    let prints = |format: &str, expected: Expect| {
        // Both paths are relative.
        let arguments = ["prod.toml", "--network", "public", "--library", "libkafka_emr_preload.so", "--print", format];
        folder.prints(&arguments, expected);
    };
    prints(
        "sh",
        expect![[r#"
        LD_PRELOAD='FOLDER/libkafka_emr_preload.so'${LD_PRELOAD:+:$LD_PRELOAD}; export LD_PRELOAD
        KAFKA_EMR_CLUSTER='emr://FOLDER/prod.toml?network=public'; export KAFKA_EMR_CLUSTER
        ASAN_OPTIONS='verify_asan_link_order=0'${ASAN_OPTIONS:+:$ASAN_OPTIONS}; export ASAN_OPTIONS
        unset KAFKA_EMR_NETWORK
    "#]],
    );
    prints(
        "systemd",
        expect![[r#"
        Environment="LD_PRELOAD=FOLDER/libkafka_emr_preload.so"
        Environment="KAFKA_EMR_CLUSTER=emr://FOLDER/prod.toml?network=public"
        Environment="ASAN_OPTIONS=verify_asan_link_order=0"
    "#]],
    );
    prints(
        "spark",
        expect![[r#"
        --conf spark.executorEnv.LD_PRELOAD=FOLDER/libkafka_emr_preload.so
        --conf spark.executorEnv.KAFKA_EMR_CLUSTER=emr://FOLDER/prod.toml?network=public
        --conf spark.executorEnv.ASAN_OPTIONS=verify_asan_link_order=0
    "#]],
    );
    prints(
        "flink",
        expect![[r#"
        -Dcontainerized.master.env.LD_PRELOAD=FOLDER/libkafka_emr_preload.so
        -Dcontainerized.master.env.KAFKA_EMR_CLUSTER=emr://FOLDER/prod.toml?network=public
        -Dcontainerized.master.env.ASAN_OPTIONS=verify_asan_link_order=0
        -Dcontainerized.taskmanager.env.LD_PRELOAD=FOLDER/libkafka_emr_preload.so
        -Dcontainerized.taskmanager.env.KAFKA_EMR_CLUSTER=emr://FOLDER/prod.toml?network=public
        -Dcontainerized.taskmanager.env.ASAN_OPTIONS=verify_asan_link_order=0
    "#]],
    );
    prints(
        "json",
        expect![[r#"
        {
          "LD_PRELOAD": "FOLDER/libkafka_emr_preload.so",
          "KAFKA_EMR_CLUSTER": "emr://FOLDER/prod.toml?network=public",
          "ASAN_OPTIONS": "verify_asan_link_order=0"
        }
    "#]],
    );
}

#[test]
fn quotes_dollars_and_percent_signs_stand_for_themselves() {
    let folder = Folder::new(LIBRARY);
    let prints = |format: &str, expected: Expect| {
        folder.prints(&["prod.toml", "--library", LIBRARY, "--print", format], expected);
    };
    prints(
        "systemd",
        expect![[r#"
        Environment="LD_PRELOAD=FOLDER/it's_100%%_\"$HOME\"_\\n.so"
        Environment="KAFKA_EMR_CLUSTER=emr://FOLDER/prod.toml"
        Environment="ASAN_OPTIONS=verify_asan_link_order=0"
    "#]],
    );
    prints(
        "sh",
        expect![[r#"
        LD_PRELOAD='FOLDER/it'\''s_100%_"$HOME"_\n.so'${LD_PRELOAD:+:$LD_PRELOAD}; export LD_PRELOAD
        KAFKA_EMR_CLUSTER='emr://FOLDER/prod.toml'; export KAFKA_EMR_CLUSTER
        ASAN_OPTIONS='verify_asan_link_order=0'${ASAN_OPTIONS:+:$ASAN_OPTIONS}; export ASAN_OPTIONS
        unset KAFKA_EMR_NETWORK
    "#]],
    );
    prints(
        "json",
        expect![[r#"
        {
          "LD_PRELOAD": "FOLDER/it's_100%_\"$HOME\"_\\n.so",
          "KAFKA_EMR_CLUSTER": "emr://FOLDER/prod.toml",
          "ASAN_OPTIONS": "verify_asan_link_order=0"
        }
    "#]],
    );
}

/// A shell has what was printed, in front of what it had.
#[test]
fn a_shell_takes_the_lines() {
    let folder = Folder::new(LIBRARY);
    let lines = finish(&mut folder.exec(&["prod.toml", "--library", LIBRARY, "--print", "sh"])).quietly(0);
    let library = folder.0.path().join(LIBRARY);
    for shell in ["sh", "bash"] {
        let evaluated = |own: &[(&str, &str)]| {
            // It starts nothing: what it would start would load the library.
            let script = r#"eval "$1"; printf '%s\n' "$LD_PRELOAD" "$KAFKA_EMR_CLUSTER" "$ASAN_OPTIONS" "${KAFKA_EMR_NETWORK-unset}""#;
            let mut command = Command::new(shell);
            command.env_remove("ASAN_OPTIONS").env("KAFKA_EMR_NETWORK", "public").args(["-c", script, shell, &lines]);
            finish(command.envs(own.iter().copied())).quietly(0)
        };
        let cluster = format!("emr://{}/prod.toml", folder.0.path().display());
        let library = library.display();
        let own = evaluated(&[]);
        assert_eq!(own, format!("{library}\n{cluster}\nverify_asan_link_order=0\nunset\n"), "{shell}");
        let own = evaluated(&[("LD_PRELOAD", ""), ("ASAN_OPTIONS", "detect_leaks=0")]);
        assert_eq!(own, format!("{library}\n{cluster}\nverify_asan_link_order=0:detect_leaks=0\nunset\n"), "{shell}");
    }
}

#[test]
fn what_the_caller_has_in_its_own_environment_is_not_printed() {
    let folder = Folder::new("lib.so");
    for format in ["systemd", "spark", "flink", "json", "sh"] {
        let exec = || folder.exec(&["prod.toml", "--library", "lib.so", "--print", format]);
        let usual = finish(&mut exec()).quietly(0);
        // The loader goes on without a library that does not exist, but not silently.
        let with_own = finish(exec().env("LD_PRELOAD", "/nowhere/own.so").env("ASAN_OPTIONS", "detect_leaks=0"));
        assert_eq!((with_own.status, with_own.stdout), (0, usual), "{}", with_own.stderr);
    }
}

#[test]
fn a_deployment_runs_the_command_by_exec() {
    let folder = Folder::new("lib.so");
    folder.prints(&["prod.toml", "--print", "k8s", "--", "java", "-Dname=\"a b\"", "-jar", "/app.jar"], expect![[r##"
        # kubectl patch deployment NAME --patch "$(cat FILE)"
        # IMAGE has cp, and in /kafka-emr what is in bin and lib of kafka-emr's archive. CONTAINER is the container's name.
        # The description, as it is now; the program follows what the ConfigMap becomes:
        #   kubectl create configmap kafka-emr --from-file="FOLDER/prod.toml"
        apiVersion: apps/v1
        kind: Deployment
        spec:
          template:
            spec:
              initContainers:
                - name: kafka-emr
                  image: IMAGE
                  command: ["cp", "-R", "/kafka-emr/.", "/emr"]
                  volumeMounts:
                    - name: emr
                      mountPath: /emr
              containers:
                - name: CONTAINER
                  command:
                    - "/emr/kafka-emr"
                    - "exec"
                    - "/etc/emr/prod.toml"
                    - "--"
                    - "java"
                    - "-Dname=\"a b\""
                    - "-jar"
                    - "/app.jar"
                  volumeMounts:
                    - name: emr
                      mountPath: /emr
                    - name: emr-cluster
                      mountPath: /etc/emr
              volumes:
                - name: emr
                  emptyDir: {}
                - name: emr-cluster
                  configMap:
                    name: kafka-emr
    "##]]);
    folder.prints(&["emr://48742?release=3.10&emr-worker-1=10.0.1.24", "--print", "k8s"], expect![[r##"
        # kubectl patch deployment NAME --patch "$(cat FILE)"
        # IMAGE has cp, and in /kafka-emr what is in bin and lib of kafka-emr's archive. CONTAINER is the container's name.
        # COMMAND is what the container runs: its `command`, or else the entry point of its image. `args` follow it.
        apiVersion: apps/v1
        kind: Deployment
        spec:
          template:
            spec:
              initContainers:
                - name: kafka-emr
                  image: IMAGE
                  command: ["cp", "-R", "/kafka-emr/.", "/emr"]
                  volumeMounts:
                    - name: emr
                      mountPath: /emr
              containers:
                - name: CONTAINER
                  command:
                    - "/emr/kafka-emr"
                    - "exec"
                    - "emr://48742?release=3.10&emr-worker-1=10.0.1.24%2F"
                    - "--"
                    - "COMMAND"
                  volumeMounts:
                    - name: emr
                      mountPath: /emr
              volumes:
                - name: emr
                  emptyDir: {}
    "##]]);
    std::fs::write(folder.0.path().join("other.toml"), toml("EMR-3.12.0", "private").replace("48742", "1")).unwrap();
    let exec = finish(&mut folder.exec(&["prod.toml;other.toml", "--network", "public", "--print", "k8s"])).quietly(0);
    assert!(
        exec.contains("- \"emr:///etc/emr/prod.toml?network=public;emr:///etc/emr/other.toml?network=public\"\n"),
        "{exec}"
    );
    assert!(exec.contains(&format!(" --from-file=\"{}/other.toml\"\n", folder.0.path().display())), "{exec}");
}

#[test]
fn bad_input_is_refused_in_one_line() {
    let folder = Folder::new("lib.so");
    let refuses = |arguments: &[&str], says: &str| {
        let run = finish(&mut folder.exec(arguments));
        assert_eq!((run.status, run.stdout.as_str()), (2, ""), "{}", run.stderr);
        assert!(run.stderr.contains(says) && run.stderr.lines().count() == 1, "{}", run.stderr);
    };
    refuses(&["prod.toml", "--print", "csh"], "sh, systemd, spark, flink, k8s, json");
    refuses(&["prod.toml", "--library", "lib.so", "--print", "sh", "--", "true"], "leave out `--`");
    refuses(&["missing.toml", "--print", "sh"], "missing.toml: there is no such file");
    refuses(&["prod.toml", "--library", "missing.so", "--print", "spark"], "there is no file");
    refuses(&["prod.toml"], "CMD");
    std::fs::copy(folder.0.path().join("prod.toml"), folder.0.path().join("prod 1.toml")).unwrap();
    refuses(&["prod 1.toml", "--print", "k8s"], "prod 1.toml: only letters, digits, '-', '_' and '.'");
    std::fs::create_dir(folder.0.path().join("other")).unwrap();
    let other = toml("EMR-3.12.0", "private").replace("48742", "1");
    std::fs::write(folder.0.path().join("other/prod.toml"), other).unwrap();
    refuses(&["prod.toml;other/prod.toml", "--print", "k8s"], "two files are called prod.toml");
}
