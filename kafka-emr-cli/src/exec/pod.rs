//! A Deployment of Kubernetes whose container runs by `kafka-emr exec`.

use std::ffi::OsString;

use kafka_emr_core::Source;
use serde_json::json;

/// Where the description is in the container.
const DESCRIPTIONS: &str = "/etc/emr";

/// The strategic merge patch. `command` is what the container runs.
pub(super) fn patch(source: &Source, command: &[OsString]) -> Result<String, String> {
    let mut files = Vec::new();
    for file in source.files() {
        let key = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if !key.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte)) {
            return Err(format!(
                "{}: only letters, digits, '-', '_' and '.' can be in the name of a ConfigMap's file; rename the file",
                file.display()
            ));
        }
        if files.iter().any(|(other, _)| *other == key) {
            return Err(format!("two files are called {key}, and a ConfigMap has one of each name; rename one"));
        }
        files.push((key, file));
    }
    let words: Vec<&str> = command.iter().map(|word| word.to_str()).collect::<Option<_>>().ok_or_else(|| {
        let shown: Vec<_> = command.iter().map(|word| word.to_string_lossy()).collect();
        format!("{}: what a container runs is UTF-8", shown.join(" "))
    })?;
    let words = if words.is_empty() { vec!["COMMAND"] } else { words };
    let source = in_the_container(source);
    let exec = ["/emr/kafka-emr", "exec", &source, "--"].into_iter().chain(words);
    let exec: String = exec.map(|word| format!("            - {}\n", json!(word))).collect();

    let mut head = String::from(
        "# kubectl patch deployment NAME --patch \"$(cat FILE)\"\n\
         # IMAGE has cp, and in /kafka-emr what is in bin and lib of kafka-emr's archive. CONTAINER is the container's name.\n",
    );
    if command.is_empty() {
        head += "# COMMAND is what the container runs: its `command`, or else the entry point of its image. `args` follow it.\n";
    }
    let (mut mount, mut volume) = (String::new(), String::new());
    if !files.is_empty() {
        head += "# The description, as it is now; the program follows what the ConfigMap becomes:\n#   kubectl create configmap kafka-emr";
        files.iter().for_each(|(_, file)| head += &format!(" --from-file={file:?}"));
        head.push('\n');
        // The folder, for subPath would not follow.
        mount = format!("            - name: emr-cluster\n              mountPath: {DESCRIPTIONS}\n");
        volume = "        - name: emr-cluster\n          configMap:\n            name: kafka-emr\n".to_owned();
    }
    Ok(format!(
        "{head}\
apiVersion: apps/v1
kind: Deployment
spec:
  template:
    spec:
      initContainers:
        - name: kafka-emr
          image: IMAGE
          command: [\"cp\", \"-R\", \"/kafka-emr/.\", \"/emr\"]
          volumeMounts:
            - name: emr
              mountPath: /emr
      containers:
        - name: CONTAINER
          command:
{exec}\
\x20         volumeMounts:
            - name: emr
              mountPath: /emr
{mount}\
\x20     volumes:
        - name: emr
          emptyDir: {{}}
{volume}"
    ))
}

/// The source with its files where the ConfigMap has them.
fn in_the_container(source: &Source) -> String {
    let text = source.to_text();
    let parts = text.split(';').map(|part| match part.strip_prefix("emr:///") {
        None => part.to_owned(),
        Some(path) => {
            let (path, parameters) = path.split_once('?').map_or((path, None), |(path, rest)| (path, Some(rest)));
            let path = format!("{DESCRIPTIONS}/{}", path.rsplit('/').next().unwrap_or_default());
            parameters.map_or_else(|| path.clone(), |parameters| format!("emr://{path}?{parameters}"))
        }
    });
    parts.collect::<Vec<_>>().join(";")
}
