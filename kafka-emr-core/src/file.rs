//! Files with descriptions: the only place that reads any.

use std::io;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{Duration, SystemTime};

use crate::open::{NotOpened, open};
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
    owner: u32,
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
            owner: metadata.uid(),
        })
    }

    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    /// When the file's content was changed last, as the file system has it.
    pub(crate) fn modified(&self) -> Option<SystemTime> {
        let (seconds, nanoseconds) = self.modified;
        let since = Duration::new(u64::try_from(seconds).ok()?, u32::try_from(nanoseconds).ok()?);
        SystemTime::UNIX_EPOCH.checked_add(since)
    }
}

/// Reads the text of a description, after it is sure that the file may decide where connections go.
///
/// # Errors
///
/// Fails if the file cannot be read, is not text in UTF-8 or too large, and if somebody could have written it who is neither
/// root nor the user of this process: a file that everybody may write to, or another user's in a folder that everybody may
/// write to. The message does not name the file.
pub fn read_description(path: &Path) -> Result<String, Error> {
    let bytes = read_file(path)?;
    String::from_utf8(bytes).map_err(|e| {
        let valid = &e.as_bytes()[..e.utf8_error().valid_up_to()];
        let line = valid.iter().filter(|&&b| b == b'\n').count() + 1;
        Error::new(ErrorKind::Syntax, "not text in UTF-8; expected TOML, JSON or hosts text").at_line(line, None)
    })
}

fn read_file(path: &Path) -> Result<Vec<u8>, Error> {
    // The way to the file is walked from the root.
    let path =
        &std::path::absolute(path).map_err(|e| Error::new(ErrorKind::Io, "the path cannot be used").caused_by(e))?;
    let cannot = |e: std::io::Error| match e.kind() {
        io::ErrorKind::NotFound => match path.to_str().and_then(|path| path.split_once('?')) {
            Some((file, parameters)) => Error::new(
                ErrorKind::Io,
                format!("there is no such file; to override keys of a file, write emr://{file}?{parameters}"),
            ),
            None => Error::new(ErrorKind::Io, "there is no such file"),
        },
        io::ErrorKind::PermissionDenied => Error::new(ErrorKind::Io, "the file is not readable for this user"),
        _ => Error::new(ErrorKind::Io, "cannot be read").caused_by(e),
    };
    let kind = std::fs::metadata(path).map_err(cannot)?.file_type();
    if kind.is_dir() {
        return Err(Error::new(ErrorKind::Io, "is a directory; expected a file with a cluster description"));
    }
    if !kind.is_file() {
        return Err(Error::new(ErrorKind::Io, "is no regular file; expected a file with a cluster description"));
    }
    let file = open(path).map_err(|why| match why {
        NotOpened::System(error) => cannot(error.into()),
        NotOpened::Refused(error) => error,
    })?;
    let metadata = file.metadata().map_err(cannot)?;
    if metadata.mode() & WRITABLE_BY_ALL != 0 {
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

pub(crate) const WRITABLE_BY_ALL: u32 = 0o002;

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, chown, symlink};

    use super::*;
    use crate::namespace::is_inside;

    /// A user who is neither root nor the one that runs the tests.
    const STRANGER: u32 = 54321;

    #[track_caller]
    fn refused(path: &Path) {
        let error = read_file(path).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Insecure, "{error}");
        assert!(error.to_string().contains("uid 54321"), "{error}");
    }

    fn folder(mode: u32) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(mode)).unwrap();
        folder
    }

    fn file_of(owner: u32, path: &Path) {
        std::fs::write(path, "x").unwrap();
        chown(path, Some(owner), None).unwrap();
    }

    #[test]
    fn what_a_stranger_put_into_an_open_folder_is_refused() {
        if !is_inside("file::tests::what_a_stranger_put_into_an_open_folder_is_refused") {
            return;
        }
        for mode in [0o1777, 0o777] {
            let open = folder(mode);
            let file = open.path().join("prod.toml");
            file_of(STRANGER, &file);
            refused(&file);
            // Whoever reads the message knows the file already.
            let error = read_file(&file).unwrap_err().to_string();
            assert!(error.starts_with("the file belongs to another user"), "{error}");
            // Through a link of his, to a file that only he can write to.
            let (closed, link) = (folder(0o755), open.path().join("link.toml"));
            file_of(0, &closed.path().join("prod.toml"));
            symlink(closed.path().join("prod.toml"), &link).unwrap();
            std::os::unix::fs::lchown(&link, Some(STRANGER), None).unwrap();
            refused(&link);
            // And in a folder of his there.
            let nested = open.path().join("nested");
            std::fs::create_dir(&nested).unwrap();
            file_of(STRANGER, &nested.join("prod.toml"));
            chown(&nested, Some(STRANGER), None).unwrap();
            refused(&nested.join("prod.toml"));
        }
    }

    #[test]
    fn a_relative_path_is_one_of_the_current_folder() {
        // Tests run in the package's folder, and nothing of this name is in the root.
        assert!(read_description(Path::new("Cargo.toml")).is_ok());
        assert!(read_description(Path::new("./src/../Cargo.toml")).is_ok());
    }

    #[test]
    fn what_mounts_look_like_is_read() {
        if !is_inside("file::tests::what_mounts_look_like_is_read") {
            return;
        }
        // A bind mount in a container: a file of an unknown user, in a folder of root's.
        let closed = folder(0o755);
        let mounted = closed.path().join("prod.toml");
        file_of(STRANGER, &mounted);
        assert!(read_file(&mounted).is_ok());
        // A ConfigMap: root's links and files, in a folder that everybody may write to.
        let open = folder(0o1777);
        std::fs::create_dir(open.path().join("..1")).unwrap();
        file_of(0, &open.path().join("..1/prod.toml"));
        symlink("..1", open.path().join("..data")).unwrap();
        symlink("..data/prod.toml", open.path().join("prod.toml")).unwrap();
        assert!(read_file(&open.path().join("prod.toml")).is_ok());
    }
}
