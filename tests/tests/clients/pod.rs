//! A Deployment that runs by `kafka-emr exec`: kubectl applies the patch, Kubernetes' schema takes the result, and what the
//! containers run works, with each volume where it is instead of where the pod has it.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::engines::{readme, shell};
use crate::hosts::validator;
use crate::python::programs;
use crate::support::{fails, kafka_emr, succeeds};

const DESCRIPTION: &str =
    "id = \"48742\"\nrelease = \"EMR-3.10.1\"\n[[nodes]]\nname = \"emr-worker-1\"\nprivate_ip = \"10.0.1.24\"\n";

/// What a user's editor does.
fn filled_in(patch: &str) -> String {
    patch.replace("CONTAINER\n", "billing\n").replace("IMAGE\n", "example.com/kafka-emr:1\n")
}

#[test]
fn a_deployment_takes_the_patch_and_has_the_names() {
    let folder = TempDir::new().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::write(at("prod.toml"), DESCRIPTION).unwrap();
    // What the user types, with a program that needs no image, and without a cluster.
    let lines = readme("--print k8s");
    let [print, create, patch] = &lines[..] else { panic!("{lines:?}") };
    succeeds(&mut shell(&print.replace("java -jar /app.jar", "getent"), &folder, folder.path()));
    let created =
        succeeds(&mut shell(&format!("{create} --dry-run=client --output json"), &folder, folder.path())).stdout;
    let created: Value = serde_json::from_str(&created).unwrap();
    let deployment = format!("--local --output json --filename '{}'", programs().join("deployment.yaml").display());
    let here = patch.replace("deployment billing", &deployment);
    assert_ne!(&here, patch);
    let apply = |patch: &str| {
        fs::write(at("patch.yaml"), patch).unwrap();
        shell(&here, &folder, folder.path())
    };
    let patch = fs::read_to_string(at("patch.yaml")).unwrap();

    let validate = |deployment: &str| {
        fs::write(at("deployment.json"), deployment).unwrap();
        let mut validate = validator("kubernetes-validate");
        validate.arg("--strict").arg(at("deployment.json"));
        validate
    };
    let deployment = succeeds(&mut apply(&filled_in(&patch))).stdout;
    succeeds(&mut validate(&deployment));
    fails(
        &mut apply(&filled_in(&patch.replace("mountPath", "path"))),
        &["does not contain declared merge key: mountPath"],
    );
    for (right, wrong) in
        [("configMap:", "configmap:"), ("command:\n", "commands:\n"), ("emptyDir: {}", "emptyDir: []")]
    {
        let broken = patch.replace(right, wrong);
        assert_ne!(broken, patch);
        fails(&mut validate(&succeeds(&mut apply(&filled_in(&broken))).stdout), &["spec.template.spec"]);
    }

    // What was there is there, and the arguments follow the command.
    let deployment: Value = serde_json::from_str(&deployment).unwrap();
    let pod = &deployment["spec"]["template"]["spec"];
    let container = |list: &str, name: &str| {
        let found = pod[list].as_array().unwrap().iter().find(|container| container["name"] == name);
        found.unwrap_or_else(|| panic!("{pod:#}")).clone()
    };
    let (copies, runs) = (container("initContainers", "kafka-emr"), container("containers", "billing"));
    container("initContainers", "migrations");
    assert_eq!(container("containers", "proxy"), json!({"name": "proxy", "image": "example.com/proxy:1"}));
    assert_eq!(runs["env"], json!([{"name": "TOPIC", "value": "orders"}]));
    assert!(
        runs["volumeMounts"].as_array().unwrap().contains(&json!({"name": "data", "mountPath": "/data"})),
        "{runs:#}"
    );

    // The ConfigMap as the kubelet mounts it.
    assert_eq!(created["metadata"]["name"], "kafka-emr");
    let config_map = at("config-map");
    fs::create_dir_all(config_map.join("..2026")).unwrap();
    fs::write(config_map.join("..2026/prod.toml"), created["data"]["prod.toml"].as_str().unwrap()).unwrap();
    symlink("..2026", config_map.join("..data")).unwrap();
    symlink("..data/prod.toml", config_map.join("prod.toml")).unwrap();
    // The image of the init container.
    let program = kafka_emr();
    let built = Path::new(program.get_program());
    fs::create_dir_all(at("image")).unwrap();
    for file in [built.to_owned(), built.with_file_name("libkafka_emr_preload.so")] {
        fs::copy(&file, at("image").join(file.file_name().unwrap())).unwrap();
    }
    let empty_dir = at("emr");
    fs::create_dir(&empty_dir).unwrap();
    let run = |container: &Value| {
        let volumes = pod["volumes"].as_array().unwrap();
        let mut mounts = vec![("/kafka-emr".to_owned(), at("image"))];
        for mount in container["volumeMounts"].as_array().unwrap() {
            let volume = volumes.iter().find(|volume| volume["name"] == mount["name"]).unwrap();
            let content = if volume["configMap"]["name"] == "kafka-emr" { &config_map } else { &empty_dir };
            mounts.push((mount["mountPath"].as_str().unwrap().to_owned(), content.clone()));
        }
        let words = ["command", "args"].into_iter().filter_map(|key| container[key].as_array()).flatten();
        let mut words = words.map(|word| {
            let word = word.as_str().unwrap();
            let below = |(mount, content): &(String, PathBuf)| {
                let rest = word.strip_prefix(mount.as_str()).filter(|rest| rest.is_empty() || rest.starts_with('/'))?;
                Some(format!("{}{rest}", content.display()))
            };
            mounts.iter().find_map(below).unwrap_or_else(|| word.to_owned())
        });
        let mut command = Command::new(words.next().unwrap());
        command.args(words);
        command
    };
    succeeds(&mut run(&copies));
    let found = succeeds(&mut run(&runs));
    assert!(found.stdout.starts_with("10.0.1.24 "), "{found}");
}
