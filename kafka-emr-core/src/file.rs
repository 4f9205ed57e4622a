//! Files with descriptions: the only place that opens any.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::{Error, ErrorKind};

/// The largest description that is read. 100,000 nodes fit.
const MAX_FILE: u64 = 32 << 20;

/// What tells one state of a file from another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    device: u64,
    inode: u64,
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
    mode: u32,
}

impl Stamp {
    /// Looks at a file, following links; `None` where there is none.
    pub(crate) fn of(path: &Path) -> Option<Self> {
        let metadata = std::fs::metadata(path).ok()?;
        Some(Stamp {
            device: metadata.dev(),
            inode: metadata.ino(),
            size: metadata.size(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
            mode: metadata.mode(),
        })
    }
}

/// Reads a whole file, after it is sure that the file may steer traffic.
pub(crate) fn read_file(path: &Path) -> Result<Vec<u8>, Error> {
    let cannot = |e: std::io::Error| {
        let why = match e.kind() {
            std::io::ErrorKind::NotFound => match path.to_str().and_then(|path| path.split_once('?')) {
                Some((file, parameters)) => {
                    format!("there is no such file; to override keys of a file, write emr://{file}?{parameters}")
                }
                None => "there is no such file".to_owned(),
            },
            std::io::ErrorKind::PermissionDenied => "the file is not readable for this user".to_owned(),
            _ => format!("cannot be read: {e}"),
        };
        Error::new(ErrorKind::Io, why).caused_by(e)
    };
    // Asked before it is opened, because opening a pipe would wait for its writer.
    let kind = std::fs::metadata(path).map_err(cannot)?.file_type();
    if kind.is_dir() {
        return Err(Error::new(ErrorKind::Io, "is a directory; expected a file with a cluster description"));
    }
    if !kind.is_file() {
        return Err(Error::new(ErrorKind::Io, "is no regular file; expected a file with a cluster description"));
    }
    let file = File::open(path).map_err(cannot)?;
    let metadata = file.metadata().map_err(cannot)?;
    if metadata.mode() & 0o002 != 0 {
        return Err(Error::new(
            ErrorKind::Insecure,
            "everybody may write to the file, and it decides where connections go; run chmod o-w on it",
        ));
    }
    if metadata.len() > MAX_FILE {
        return Err(Error::new(
            ErrorKind::Io,
            format!("the file has {} bytes; a cluster description has at most {MAX_FILE}", metadata.len()),
        ));
    }
    let mut bytes = Vec::new();
    file.take(MAX_FILE).read_to_end(&mut bytes).map_err(cannot)?;
    Ok(bytes)
}
