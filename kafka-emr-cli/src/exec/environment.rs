//! The environment that gives a program the clusters' names.

use std::ffi::OsString;
use std::path::PathBuf;

use kafka_emr_core::Source;

/// The variables, without what the caller has in its own.
pub(super) struct Environment([Variable; 3]);

pub(super) struct Variable {
    pub(super) name: &'static str,
    pub(super) value: OsString,
    /// Whether the value goes in front of what a program has in this variable already, after which stands a colon.
    pub(super) is_list: bool,
}

impl Environment {
    pub(super) fn new(library: PathBuf, source: &Source) -> Self {
        Environment([
            // Others' libraries come after: they may want to see what this one passes on.
            Variable { name: "LD_PRELOAD", value: library.into_os_string(), is_list: true },
            Variable { name: "KAFKA_EMR_CLUSTER", value: source.to_text().into(), is_list: false },
            // gcc's AddressSanitizer ends a program in which it is not the first library, unless this option is set: it is meant
            // for libraries that are preloaded. Any program that is started may need it, and of two settings the last one counts.
            Variable { name: "ASAN_OPTIONS", value: "verify_asan_link_order=0".into(), is_list: true },
        ])
    }

    pub(super) fn variables(&self) -> &[Variable] {
        &self.0
    }

    /// The variables for a program that has the rest of this command's own environment.
    pub(super) fn over_own(self) -> impl Iterator<Item = (&'static str, OsString)> {
        self.0.into_iter().map(|Variable { name, mut value, is_list }| {
            if let Some(own) = std::env::var_os(name).filter(|own| is_list && !own.is_empty()) {
                value.push(":");
                value.push(own);
            }
            (name, value)
        })
    }
}
