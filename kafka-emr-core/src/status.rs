//! What a resolver can say of itself.

use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Serialize, Serializer};

use crate::LookupCounts;

/// The state of a resolver. Serializes to JSON, with times in seconds since 1970.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Status {
    /// The source, as messages show it; `None` for clusters that were made in code.
    pub source: Option<String>,
    /// When the descriptions in use were read.
    #[serde(serialize_with = "unix_time")]
    pub read_at: SystemTime,
    /// The files behind them, as they were then. Inline sources have none.
    pub files: Vec<FileState>,
    /// Why newer states of the files are not in use; `None` if the map is up to date as far as was looked.
    pub stale: Option<String>,
    /// The lookups so far.
    pub lookups: LookupCounts,
}

/// The state of a file when it was read.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct FileState {
    /// Its path.
    pub path: PathBuf,
    /// How many bytes it had; `None` if it was not there.
    pub size: Option<u64>,
    /// When its content was changed last.
    #[serde(serialize_with = "optional_unix_time")]
    pub modified: Option<SystemTime>,
}

fn unix_time<S: Serializer>(time: &SystemTime, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs())
}

fn optional_unix_time<S: Serializer>(time: &Option<SystemTime>, serializer: S) -> Result<S::Ok, S::Error> {
    match time {
        Some(time) => unix_time(time, serializer),
        None => serializer.serialize_none(),
    }
}
