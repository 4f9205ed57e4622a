//! The licences of what is built into a release, which ask to be passed on with it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// The packages that a release has programs and libraries of.
const SHIPPED: [&str; 3] = ["kafka-emr-cli", "kafka-emr-ffi", "kafka-emr-preload"];

/// How files with a licence begin, in lower case.
const FILES: [&str; 4] = ["license", "licence", "copying", "notice"];

/// One text with the licences of every crate that is linked in for a target, and of librdkafka, which comes with rdkafka-sys.
pub(crate) fn all(target: &str) -> Result<String, String> {
    let mut text = "What kafka-emr is built with, and the licences that came with it.\n".to_owned();
    for (name, package) in linked_in(&metadata(target)?)? {
        let folder = Path::new(word(&package["manifest_path"])).parent().unwrap_or(Path::new("/"));
        let licence = package["license"].as_str().unwrap_or("see below");
        let _ = write!(text, "\n{}\n{name} ({licence})\n", "=".repeat(80));
        for folder in [folder, &folder.join("librdkafka")] {
            for (file, content) in licences(folder) {
                let _ = write!(text, "\n--- {file}\n\n{}\n", content.trim_end());
            }
        }
    }
    Ok(text)
}

fn metadata(target: &str) -> Result<Value, String> {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    let output = cargo.args(["metadata", "--format-version", "1", "--locked", "--filter-platform", target]).output();
    let output = output.map_err(|error| format!("cargo metadata: {error}"))?;
    if !output.status.success() {
        return Err(format!("cargo metadata: {}", String::from_utf8_lossy(&output.stderr)));
    }
    serde_json::from_slice(&output.stdout).map_err(|error| format!("cargo metadata: {error}"))
}

/// The packages of others that are linked into the shipped ones, by name and version.
fn linked_in(metadata: &Value) -> Result<BTreeMap<String, Value>, String> {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let packages: BTreeMap<String, Value> =
        list(&metadata["packages"]).into_iter().map(|package| (word(&package["id"]).to_owned(), package)).collect();
    let nodes: BTreeMap<String, Value> =
        list(&metadata["resolve"]["nodes"]).into_iter().map(|node| (word(&node["id"]).to_owned(), node)).collect();
    let is_shipped = |package: &Value| SHIPPED.contains(&word(&package["name"]));
    let mut waiting: Vec<String> =
        packages.iter().filter(|(_, package)| is_shipped(package)).map(|(id, _)| id.clone()).collect();
    if waiting.len() != SHIPPED.len() {
        return Err(format!("cargo metadata does not have all of {}", SHIPPED.join(", ")));
    }
    let mut linked = BTreeMap::new();
    let mut seen: Vec<String> = Vec::new();
    while let Some(id) = waiting.pop() {
        if seen.contains(&id) {
            continue;
        }
        seen.push(id.clone());
        let package = &packages[&id];
        // Ours have no source: they are here, under the licences of the archive itself.
        if package["source"].is_string() {
            linked.insert(format!("{} {}", word(&package["name"]), word(&package["version"])), package.clone());
        }
        for dependency in list(&nodes[&id]["deps"]) {
            // Neither build scripts' nor tests' are in what is shipped.
            if list(&dependency["dep_kinds"]).iter().any(|kind| kind["kind"].is_null()) {
                waiting.push(word(&dependency["pkg"]).to_owned());
            }
        }
    }
    Ok(linked)
}

/// The files in a folder that say under which terms it is, by name.
fn licences(folder: &Path) -> BTreeMap<String, String> {
    let files = fs::read_dir(folder).into_iter().flatten().flatten();
    let licence = |file: fs::DirEntry| {
        let name = file.file_name().to_string_lossy().into_owned();
        let is_one = FILES.iter().any(|start| name.to_lowercase().starts_with(start));
        let content = is_one.then(|| fs::read_to_string(file.path()).ok()).flatten()?;
        Some((name, content))
    };
    files.filter_map(licence).collect()
}

fn word(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
