//! The formats of a description, and how they are told apart.

use std::path::Path;

/// The format of a description.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// TOML.
    Toml,
    /// JSON, with the same keys as TOML.
    Json,
    /// Lines of a hosts file.
    HostsText,
}

impl Format {
    /// Returns the format of a file: by its extension, else by its content.
    #[must_use]
    pub fn of(path: &Path, text: &str) -> Self {
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("toml") => Format::Toml,
            Some("json") => Format::Json,
            _ => Format::of_content(text),
        }
    }

    /// Returns the format of a text without a file name.
    #[must_use]
    pub fn of_content(text: &str) -> Self {
        let text = text.strip_prefix('\u{FEFF}').unwrap_or(text);
        let lines = text.lines().map(|line| line.split('#').next().unwrap_or_default().trim());
        match { lines }.find(|line| !line.is_empty()) {
            Some(line) if line.starts_with('{') => Format::Json,
            Some(line) if line.starts_with('[') || line.contains('=') => Format::Toml,
            _ => Format::HostsText,
        }
    }
}
