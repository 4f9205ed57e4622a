//! The settings of a configuration's cluster, and the hook that follows from them. Knows no librdkafka.

use std::collections::BTreeMap;

use kafka_emr_core::{Overrides, Source};
use kafka_emr_hook::{Hook, variable};

use crate::error::{Error, ErrorCode};
use crate::shared;

/// The plugin's own properties beside `emr.cluster`, each with the key of a description that it overrides.
pub(crate) const OVERRIDES: [(&str, &str); 3] =
    [("emr.network", "network"), ("emr.bootstrap", "bootstrap"), ("emr.strict", "strict")];

/// The variable that names a source where no property does.
const ENVIRONMENT: &str = "KAFKA_EMR_CLUSTER";

/// What to do when no cluster is named.
pub(crate) const NO_SOURCE: &str = "no cluster is named: set emr.cluster to a description (a path, or emr://…), or \
                                    bootstrap.servers to emr://…, or KAFKA_EMR_CLUSTER in the environment";

/// The source that the environment names.
fn of_environment() -> Option<(&'static str, String)> {
    variable(c"KAFKA_EMR_CLUSTER").map(|source| (ENVIRONMENT, source))
}

/// What is known so far. Properties come in any order, so nothing is final before a client is made.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// The source, and the property that gave it.
    source: Option<(&'static str, String)>,
    /// Keys of the description with their values.
    overrides: BTreeMap<&'static str, String>,
    /// The network that the environment names.
    environments_network: Option<String>,
    /// Whether the program has its own `bootstrap.servers`.
    pub(crate) own_servers: bool,
    pub(crate) security_protocol: Option<String>,
    pub(crate) sasl_mechanism: Option<String>,
    /// The cluster by all this; `Err` is what is missing still.
    pub(crate) cluster: Result<Hook, String>,
}

impl Settings {
    /// Nothing is known yet.
    pub(crate) fn new() -> Self {
        Settings {
            source: None,
            overrides: BTreeMap::new(),
            environments_network: None,
            own_servers: false,
            security_protocol: None,
            sasl_mechanism: None,
            cluster: Err(NO_SOURCE.to_owned()),
        }
    }

    /// Takes the environment's settings, which properties may override yet: a mistake in them is no error before a client
    /// is made.
    pub(crate) fn set_environment(&mut self) {
        self.environments_network = variable(c"KAFKA_EMR_NETWORK");
        self.source = of_environment();
        if let Err(why) = self.resolve() {
            self.fail(&why);
        }
    }

    /// Drops the cluster: clients made of this configuration have none.
    pub(crate) fn fail(&mut self, why: &str) {
        self.cluster = Err(why.to_owned());
    }

    /// Names the source, by `emr.cluster` or `bootstrap.servers`; `None` takes it back.
    pub(crate) fn set_source(&mut self, property: &'static str, source: Option<&str>) -> Result<(), String> {
        if let (Some((other, known)), Some(new)) = (&self.source, source)
            && *other != property
            && *other != ENVIRONMENT
            && known != new
        {
            return Err(format!("{property} and {other} name two sources; set one of them"));
        }
        match source {
            Some(source) => self.source = Some((property, source.to_owned())),
            // Its own only: then the environment's counts again.
            None if self.source.as_ref().is_some_and(|(known, _)| *known == property) => self.source = of_environment(),
            None => {}
        }
        self.resolve()
    }

    /// Overrides a key of the description; `None` takes it back.
    pub(crate) fn set_override(&mut self, key: &'static str, value: Option<&str>) -> Result<(), String> {
        match value {
            Some(value) => self.overrides.insert(key, value.to_owned()),
            None => self.overrides.remove(key),
        };
        self.resolve()
    }

    /// Opens the cluster anew. Fails on mistakes that no later property can correct.
    fn resolve(&mut self) -> Result<(), String> {
        let own = overrides(&self.overrides)?;
        let Some((property, text)) = &self.source else {
            self.fail(NO_SOURCE);
            return Ok(());
        };
        let mut environment = Overrides::default();
        if let (Some(network), None) = (&self.environments_network, self.overrides.get("network"))
            && let Err(why) = environment.set("network", network)
        {
            let why = format!("KAFKA_EMR_NETWORK: {why:#}; correct or unset it, or set emr.network");
            self.fail(&why);
            return Ok(());
        }
        match open(text, &environment, &own) {
            Ok(hook) => self.cluster = Ok(hook),
            Err(why) if *property == ENVIRONMENT => {
                let why = format!("{ENVIRONMENT}: {why}; correct or unset it, or set emr.cluster");
                self.fail(&why);
            }
            Err(why) => {
                let message = format!("{property}: {why}");
                // Nodes may have their addresses on another network, and emr.network may come yet.
                if why.code != ErrorCode::Address || self.overrides.contains_key("network") {
                    return Err(message);
                }
                self.fail(&message);
            }
        }
        Ok(())
    }

    /// The servers to fill in where the program has none of its own.
    pub(crate) fn servers(&self) -> Result<String, String> {
        let resolver = self.cluster.as_ref().map_err(Clone::clone)?.resolver();
        let (protocol, mechanism) = (self.security_protocol.as_deref(), self.sasl_mechanism.as_deref());
        resolver.client_bootstrap_servers(protocol, mechanism).map_err(|error| format!("{error:#}"))
    }
}

/// Properties count most, then what the source itself has, then the environment, then its files.
fn open(source: &str, environment: &Overrides, properties: &Overrides) -> Result<Hook, Error> {
    let source: Source = source.parse()?;
    shared::hook(&source.with_defaults(environment).with(properties))
}

/// Reads the values at once, also before the source is known.
fn overrides(texts: &BTreeMap<&'static str, String>) -> Result<Overrides, Error> {
    let mut overrides = Overrides::default();
    for (key, value) in texts {
        overrides.set(key, value)?;
    }
    Ok(overrides)
}

#[cfg(test)]
mod tests {
    use std::ffi::CString;
    use std::fs;
    use std::os::unix::ffi::OsStrExt;
    use std::path::Path;

    use super::*;

    /// Counts how often a file is opened.
    struct Opens(i32);

    impl Opens {
        fn of(path: &Path) -> Self {
            let path = CString::new(path.as_os_str().as_bytes()).unwrap();
            // SAFETY: the path ends in NUL.
            let inotify = unsafe {
                let inotify = libc::inotify_init1(libc::IN_NONBLOCK | libc::IN_CLOEXEC);
                // Two equal events in a row would be merged: with the ends in between, there are none.
                assert!(libc::inotify_add_watch(inotify, path.as_ptr(), libc::IN_OPEN | libc::IN_CLOSE) >= 0);
                inotify
            };
            Opens(inotify)
        }

        /// Returns how often since the last call.
        fn count(&self) -> usize {
            // Events of a file have no name.
            const EVENT: usize = size_of::<libc::inotify_event>();
            let mut events = [0_u32; 256 * EVENT / 4];
            // SAFETY: the buffer is as long as the size.
            let bytes = unsafe { libc::read(self.0, events.as_mut_ptr().cast(), size_of_val(&events)) };
            let events = &events[..usize::try_from(bytes).unwrap_or(0) / 4];
            events.chunks(EVENT / 4).filter(|event| event[1] & libc::IN_OPEN != 0).count()
        }
    }

    impl Drop for Opens {
        fn drop(&mut self) {
            // SAFETY: it is open, and closed once.
            unsafe { libc::close(self.0) };
        }
    }

    #[test]
    fn properties_then_the_source_then_the_environment() {
        let servers = |source: &str, property: Option<&str>| {
            let mut settings = Settings::new();
            settings.environments_network = Some("public".to_owned());
            settings.set_source("emr.cluster", Some(source)).unwrap();
            settings.set_override("bootstrap", Some("addresses")).unwrap();
            if let Some(network) = property {
                settings.set_override("network", Some(network)).unwrap();
            }
            settings.servers().unwrap()
        };
        let source = "emr://48742?release=3.11&emr-worker-1=10.0.1.24/203.0.113.24";
        assert_eq!(servers(source, None), "203.0.113.24:9093");
        assert_eq!(servers(&format!("{source}&network=private"), None), "10.0.1.24:9092");
        assert_eq!(servers(&format!("{source}&network=private"), Some("public")), "203.0.113.24:9093");
        assert_eq!(servers(source, Some("private")), "10.0.1.24:9092");
    }

    #[test]
    #[cfg_attr(miri, ignore = "it has no inotify")]
    fn a_file_is_read_once_for_each_set_of_settings() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("prod.toml");
        // Without an EIP, for a client outside.
        let content = "id = '48742'\nrelease = '3.11'\nnetwork = 'public'\n\
                       [[nodes]]\nname = 'emr-worker-1'\nprivate_ip = '10.0.1.24'\n";
        fs::write(&path, content).unwrap();
        let (source, opens) = (path.to_str().unwrap(), Opens::of(&path));
        let mut settings = Settings::new();

        settings.set_source("emr.cluster", Some(source)).unwrap();
        assert!(settings.cluster.as_ref().unwrap_err().contains("emr-worker-1"));
        assert_eq!(opens.count(), 1);
        settings.set_override("network", Some("private")).unwrap();
        assert_eq!((settings.servers().unwrap().as_str(), opens.count()), ("emr-worker-1.cluster-48742:9092", 1));
        settings.set_override("bootstrap", Some("addresses")).unwrap();
        assert_eq!((settings.servers().unwrap().as_str(), opens.count()), ("10.0.1.24:9092", 1));
        // The same again, by another client as well.
        settings.set_override("bootstrap", Some("addresses")).unwrap();
        let copy = settings.clone();
        settings.set_source("emr.cluster", Some(source)).unwrap();
        assert_eq!((copy.servers().unwrap().as_str(), opens.count()), ("10.0.1.24:9092", 0));
        // A mistake that is one with any file needs none.
        assert!(settings.set_override("network", Some("internet")).unwrap_err().contains("private, public"));
        assert_eq!(opens.count(), 0);
    }

    #[test]
    fn overrides_are_read_without_a_source() {
        let mut settings = Settings::new();
        settings.set_override("network", Some("public")).unwrap();
        assert!(settings.set_override("strict", Some("maybe")).unwrap_err().contains("maybe"));
        // No release, no id, and no node of an invented cluster stand in the way.
        settings.set_override("strict", None).unwrap();
        settings.set_override("bootstrap", Some("names")).unwrap();
        assert_eq!(settings.cluster.as_ref().unwrap_err(), NO_SOURCE);
    }
}
