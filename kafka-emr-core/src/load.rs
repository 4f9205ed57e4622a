//! From a source to its clusters: reads what it names.

use std::path::Path;

use crate::file::read_description;
use crate::source::{Location, Part};
use crate::{Cluster, Description, Error, ErrorKind, Format, Source, hosts_text};

impl Source {
    /// Reads the clusters, one or more.
    ///
    /// # Errors
    ///
    /// Fails if a file cannot be read or could be somebody else's, and if a description is wrong.
    pub fn load(&self) -> Result<Vec<Cluster>, Error> {
        let mut clusters = Vec::new();
        for part in &self.parts {
            clusters.extend(part.load().map_err(|e| e.in_source(part))?);
        }
        Ok(clusters)
    }
}

impl Part {
    fn load(&self) -> Result<Vec<Cluster>, Error> {
        let descriptions = match &self.location {
            Location::File(path) => self.read(path)?,
            Location::Inline { nodes, .. } => {
                vec![Description { nodes: nodes.clone(), ..Description::default() }]
            }
        };
        // Overrides come before the check, so that they can supply what the file lacks.
        let cluster = |mut description: Description| {
            self.overrides.apply(&mut description);
            Cluster::new(description)
        };
        descriptions.into_iter().map(cluster).collect()
    }

    fn read(&self, path: &Path) -> Result<Vec<Description>, Error> {
        let text = read_description(path)?;
        let text = text.strip_prefix('\u{FEFF}').unwrap_or(&text);
        if text.trim().is_empty() {
            return Err(Error::new(ErrorKind::Syntax, "the file is empty; expected a cluster description"));
        }
        Ok(match Format::of(path, text) {
            Format::Toml => vec![Description::from_toml(text)?],
            Format::Json => vec![Description::from_json(text)?],
            Format::HostsText => {
                // These decide how the lines are read, not only what comes of them.
                let settings = self.overrides.settings();
                let read = hosts_text::read(text, settings.network.unwrap_or_default(), settings.id.as_deref())?;
                self.check_identity(&read)?;
                read
            }
        })
    }

    /// The lines of a hosts text say which cluster they are of: an override may agree, and add what they leave out.
    fn check_identity(&self, descriptions: &[Description]) -> Result<(), Error> {
        let asked = self.overrides.settings();
        for written in descriptions.iter().map(|description| &description.settings) {
            for (key, asked, written) in [("id", &asked.id, &written.id), ("region", &asked.region, &written.region)] {
                if let (Some(asked), Some(written)) = (asked, written)
                    && asked != written
                {
                    return Err(Error::new(
                        ErrorKind::Value,
                        format!(
                            "{key}: {asked:?} is asked for, but the hosts text has names of {written:?}; leave {key} out"
                        ),
                    ));
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::{BootstrapStyle, Overrides};

    const TOML: &str = "id=\"48742\"\nrelease=\"EMR-3.10.1\"\n[[nodes]]\nname=\"emr-worker-1\"\nprivate_ip=\"10.0.1.24\"\npublic_ip=\"203.0.113.24\"\n";

    fn file(suffix: &str, content: &[u8]) -> tempfile::NamedTempFile {
        let mut file = tempfile::Builder::new().suffix(suffix).tempfile().unwrap();
        file.write_all(content).unwrap();
        file
    }

    fn load(text: &str) -> Result<Vec<Cluster>, Error> {
        text.parse::<Source>()?.load()
    }

    #[track_caller]
    fn refuse(text: &str, kind: ErrorKind, says: &[&str]) {
        let error = load(text).unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        for part in says {
            assert!(error.to_string().contains(part), "{error}");
        }
    }

    #[test]
    fn reads_every_form() {
        let toml = file(".toml", TOML.as_bytes());
        let path = toml.path().display();
        assert_eq!(load(&path.to_string()).unwrap()[0].rule().name, "R3");
        assert_eq!(load(&format!("file://{path}")).unwrap()[0].rule().name, "R3");
        let overridden =
            &load(&format!("emr://{path}?network=public&release=V3.11.X&bootstrap=names&strict=true&port=19093"))
                .unwrap()[0];
        assert_eq!(overridden.rule().name, "R2");
        assert_eq!(overridden.bootstrap(), Some(BootstrapStyle::Names));
        assert!(overridden.is_strict());
        assert_eq!(overridden.broker_port(), 19093);

        let inline = &load("emr://48742?release=EMR+V3.9.0&network=public&emr-worker-1=10.0.1.24/203.0.113.24&emr-header-1=/203.0.113.23&emr-worker-2=fd00::1/2001:db8::1").unwrap()[0];
        assert_eq!(inline.id(), Some("48742"));
        assert_eq!(inline.rule().name, "R4");
        assert_eq!(inline.nodes()[1].private_ip(), None);
        assert_eq!(inline.nodes()[2].public_ip(), Some("2001:db8::1".parse().unwrap()));
        assert_eq!(
            load("emr://c-0edfee2cccaecc75?region=cn-shanghai&release=5.8.0&core1-1=10.0.1.24").unwrap()[0].rule().name,
            "R1"
        );
        assert_eq!(load("emr://?release=3.11&core-1=10.0.1.24").unwrap()[0].id(), None);

        let both = load(&format!("{path}; emr://48743?release=3.11&emr-worker-1=10.0.2.24")).unwrap();
        assert_eq!(both.len(), 2);
    }

    #[test]
    fn tells_formats_by_extension_and_content() {
        let json = Description::from_toml(TOML).unwrap().to_json().unwrap();
        for suffix in [".toml", "", ".conf"] {
            assert_eq!(load(&file(suffix, TOML.as_bytes()).path().display().to_string()).unwrap().len(), 1);
        }
        for suffix in [".json", "", ".conf"] {
            assert_eq!(load(&file(suffix, json.as_bytes()).path().display().to_string()).unwrap().len(), 1);
        }
        let marked = file("", format!("\u{FEFF}# nodes\n{TOML}").as_bytes());
        assert_eq!(load(&marked.path().display().to_string()).unwrap()[0].rule().name, "R3");
        let hosts = file("", b"10.0.1.24 emr-worker-1.cluster-48742 # a=b\n");
        assert_eq!(load(&hosts.path().display().to_string()).unwrap()[0].rule().name, "R3");
        let public = &load(&format!("emr://{}?network=public", hosts.path().display())).unwrap()[0];
        assert_eq!(public.nodes()[0].public_ip(), Some("10.0.1.24".parse().unwrap()));
        assert_eq!(public.rule().name, "R4");
    }

    #[test]
    fn overrides_supply_what_a_file_lacks() {
        let at = |file: &tempfile::NamedTempFile, parameters: &str| {
            load(&format!("emr://{}?{parameters}", file.path().display()))
        };
        let without_release = file(".toml", TOML.replace("release=\"EMR-3.10.1\"\n", "").as_bytes());
        assert_eq!(at(&without_release, "release=3.11").unwrap()[0].rule().name, "R1");
        assert!(at(&without_release, "strict=true").unwrap_err().to_string().contains("release: missing"));
        let without_id = file(".toml", TOML.replace("id=\"48742\"\n", "").as_bytes());
        assert_eq!(at(&without_id, "id=48743").unwrap()[0].domain().unwrap(), "cluster-48743");
        let new_console = file(".toml", TOML.replace("48742", "c-0edf").replace("3.10.1", "5.8.0").as_bytes());
        assert!(at(&new_console, "region=cn-shanghai").is_ok());
        let short = file("", b"10.0.1.24 emr-worker-1\n");
        let cluster = &at(&short, "id=48742").unwrap()[0];
        assert_eq!(cluster.bootstrap_servers(), "emr-worker-1.cluster-48742:9092");
        let long = file("", b"10.0.1.24 emr-worker-1.cluster-48742\n");
        assert!(at(&long, "id=48742").is_ok());
        assert!(at(&long, "id=99999").unwrap_err().to_string().contains("names of \"48742\""));
    }

    #[test]
    fn a_file_that_is_something_else_is_not_repeated() {
        let toml = [
            "nodes = \"hunter2\"",
            "nodes = [\"hunter2\"]",
            "[[nodes]]\nname = \"a\"\naliases = [[\"hunter2\"], 4711]",
        ];
        let json =
            ["\"hunter2\"", "4711", "[\"hunter2\"]", "{\"nodes\": \"hunter2\"}", "{\"nodes\": [\"hunter2\", 4711]}"];
        let any = ["password=hunter2\nsasl.jaas.config=x required p=\"hunter2\";\n", "a = hunter2\n", "hunter2\n"];
        let all = [(".toml", &toml[..]), (".json", &json[..]), ("", &any[..])];
        for (suffix, content) in all.iter().flat_map(|(suffix, all)| all.iter().map(move |content| (suffix, content))) {
            let error = load(&file(suffix, content.as_bytes()).path().display().to_string()).unwrap_err().to_string();
            assert!(!error.contains("hunter2") && !error.contains("4711"), "{error}");
        }
    }

    #[test]
    fn overrides_hold_for_every_part() {
        let source: Source = "emr://1?release=3.11&emr-worker-1=10.0.1.24/203.0.113.24;emr://2?release=3.9&network=private&emr-worker-1=10.0.2.24/203.0.113.25".parse().unwrap();
        let mut overrides = Overrides::default();
        overrides.set("network", "public").unwrap();
        let source = source.with(&overrides);
        assert_eq!(source.load().unwrap().iter().map(|c| c.rule().name).collect::<Vec<_>>(), ["R2", "R4"]);
        assert!(overrides.set("netwrk", "public").unwrap_err().to_string().contains("network"));
        assert!(overrides.set("network", "internet").unwrap_err().to_string().contains("private, public"));
    }

    #[test]
    fn refuses_files_it_must_not_read() {
        refuse("/nonexistent/prod.toml", ErrorKind::Io, &["/nonexistent/prod.toml", "no such file"]);
        refuse("/", ErrorKind::Io, &["is a directory"]);
        refuse("/dev/null", ErrorKind::Io, &["no regular file"]);
        let open = file(".toml", TOML.as_bytes());
        std::fs::set_permissions(open.path(), std::fs::Permissions::from_mode(0o666)).unwrap();
        refuse(&open.path().display().to_string(), ErrorKind::Insecure, &["chmod o-w"]);
        refuse(&file(".toml", b"").path().display().to_string(), ErrorKind::Syntax, &["empty"]);
        refuse(
            &file("", b"10.0.1.24 a\n\xff\xfe").path().display().to_string(),
            ErrorKind::Syntax,
            &["line 2", "UTF-8"],
        );
        let wrong = file(".toml", b"release = 3\n");
        refuse(
            &wrong.path().display().to_string(),
            ErrorKind::Syntax,
            &[&wrong.path().display().to_string(), "line 1, column 11"],
        );
    }
}
