//! Files of Debian's packages, of another release of Debian or for another processor, in a folder.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use crate::support::{Output, run, scratch, succeeds};

/// Downloads take their time.
const DOWNLOAD: Duration = Duration::from_secs(600);

/// Unpacks packages, and whatever those depend on. Nothing is installed, and nothing of theirs is run. It is done once.
pub(super) fn unpacked(release: &str, processor: &str, packages: &[&str]) -> PathBuf {
    let folder = scratch("debian").join(format!("{release}-{processor}"));
    let (root, stamp) = (folder.join("root"), folder.join("stamp"));
    let wanted = packages.join(" ");
    if fs::read_to_string(&stamp).ok().as_ref() == Some(&wanted) {
        return root;
    }
    let _ = fs::remove_dir_all(&folder);
    let [state, cache, status, sources] = ["state", "cache", "status", "sources.list"].map(|name| folder.join(name));
    for folder in [&root, &state.join("lists/partial"), &cache.join("archives/partial")] {
        fs::create_dir_all(folder).unwrap();
    }
    // Nothing is installed, as far as apt knows.
    fs::write(&status, "").unwrap();
    fs::write(&sources, format!("deb {} {release} main\n", mirror())).unwrap();
    let apt = |arguments: &[&str]| {
        let mut apt = Command::new("apt-get");
        for (key, value) in [
            ("Dir::State", state.to_str().unwrap()),
            ("Dir::State::status", status.to_str().unwrap()),
            ("Dir::Cache", cache.to_str().unwrap()),
            ("Dir::Etc::sourcelist", sources.to_str().unwrap()),
            ("Dir::Etc::sourceparts", "-"),
            ("APT::Architecture", processor),
            ("APT::Architectures", processor),
            ("APT::Sandbox::User", "root"),
        ] {
            apt.args(["-o", &format!("{key}={value}")]);
        }
        fine(run(apt.arg("-qq").args(arguments), DOWNLOAD));
    };
    apt(&["update"]);
    apt(&[&["install", "-y", "--no-install-recommends", "--download-only"], packages].concat());
    for file in fs::read_dir(cache.join("archives")).unwrap().map(|entry| entry.unwrap().path()) {
        if file.extension().is_some_and(|extension| extension == "deb") {
            succeeds(Command::new("dpkg-deb").arg("-x").arg(file).arg(&root));
        }
    }
    for folder in [&state, &cache] {
        fs::remove_dir_all(folder).unwrap();
    }
    fs::write(&stamp, wanted).unwrap();
    root
}

/// Debian's name for the release that this machine runs.
pub(super) fn this_release() -> String {
    let system = fs::read_to_string("/etc/os-release").unwrap_or_default();
    let name = system.lines().find_map(|line| line.strip_prefix("VERSION_CODENAME="));
    name.expect("/etc/os-release names a release of Debian").to_owned()
}

/// Where this machine has its packages from.
fn mirror() -> String {
    let mut apt = Command::new("apt-get");
    apt.args(["indextargets", "--format", "$(REPO_URI)"]);
    apt.args(["Created-By: Packages", "Label: Debian", "Component: main"]);
    let listed = fine(run(&mut apt, DOWNLOAD)).stdout;
    listed.lines().next().expect("apt-get knows Debian's packages, after `apt-get update`").to_owned()
}

#[track_caller]
fn fine(output: Output) -> Output {
    assert!(output.fine, "{output}\nthese tests take files out of Debian's packages, by apt-get and dpkg-deb");
    output
}
