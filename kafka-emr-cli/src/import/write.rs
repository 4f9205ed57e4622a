//! Writes a file as a whole, or not at all.

use std::fs::{File, Metadata, Permissions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};

use kafka_emr_core::OneLine;
use tempfile::NamedTempFile;

/// Returns whether two paths lead to one file.
pub(super) fn is_same(one: &Path, other: &Path) -> bool {
    let canonical = [one, other].map(|path| path.canonicalize().ok());
    canonical[0].is_some() && canonical[0] == canonical[1]
}

/// The file to write, as it is now.
pub(super) struct Target {
    /// As it was given.
    name: PathBuf,
    path: PathBuf,
    /// The file that is replaced.
    old: Option<Metadata>,
}

impl Target {
    /// Looks at a file. Fails if none can be written, or if it must not be replaced.
    pub(super) fn of(path: &Path, replace: bool) -> Result<Self, String> {
        Target::look(path, replace).map_err(|why| at(path, &why))
    }

    /// Writes a description. Another program sees the old file or the new one, never a part. Fails if the file has changed
    /// since it was looked at.
    pub(super) fn write(&self, text: &str) -> Result<(), String> {
        self.replace(text).map_err(|why| at(&self.name, &why))
    }

    fn look(path: &Path, replace: bool) -> Result<Self, String> {
        if path == Path::new("-") {
            return Err("no file; leave --output out for standard output".to_owned());
        }
        let old = match path.metadata() {
            Ok(old) => old,
            Err(e) if e.kind() == ErrorKind::NotFound => {
                return match path.read_link() {
                    Ok(to) => Err(format!(
                        "a link to {}, which does not exist; name that file, or remove the link",
                        OneLine(&to.display().to_string())
                    )),
                    Err(_) => Ok(Target { name: path.to_owned(), path: path.to_owned(), old: None }),
                };
            }
            Err(e) => return Err(cannot(&e)),
        };
        if old.is_dir() {
            return Err("is a directory; expected a file to write".to_owned());
        }
        if !old.is_file() {
            return Err("a pipe, a device or a socket, which a file must not replace; for standard output leave \
                        --output out"
                .to_owned());
        }
        if !replace {
            return Err(exists());
        }
        // A link stays a link: what it leads to is replaced.
        Ok(Target { name: path.to_owned(), path: path.canonicalize().map_err(|e| cannot(&e))?, old: Some(old) })
    }

    fn replace(&self, text: &str) -> Result<(), String> {
        let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let mut file = tempfile::Builder::new()
            .prefix(".kafka-emr-")
            .permissions(Permissions::from_mode(NEW_FILE))
            .tempfile_in(folder)
            .map_err(|e| cannot(&e))?;
        if let Some(old) = &self.old {
            hand_over(&file, old)?;
        }
        file.write_all(text.as_bytes()).and_then(|()| file.as_file().sync_all()).map_err(|e| cannot(&e))?;
        match &self.old {
            Some(old) if !self.name.metadata().is_ok_and(|now| stamp(&now) == stamp(old)) => {
                return Err("changed meanwhile; run it again".to_owned());
            }
            Some(_) => file.persist(&self.path),
            None => file.persist_noclobber(&self.path),
        }
        .map_err(|e| cannot(&e.error))?;
        // The file is there. Whether its name outlives a power failure changes nothing in what is reported.
        _ = File::open(folder).and_then(|folder| folder.sync_all());
        Ok(())
    }
}

fn at(path: &Path, why: &str) -> String {
    format!("{}: {why}", OneLine(&path.display().to_string()))
}

/// Returns what tells one state of a file from another.
fn stamp(file: &Metadata) -> [i64; 5] {
    [file.dev().cast_signed(), file.ino().cast_signed(), file.size().cast_signed(), file.mtime(), file.mtime_nsec()]
}

/// Gives the file the owner, group and mode of the old one, so that its readers can read it.
fn hand_over(file: &NamedTempFile, old: &Metadata) -> Result<(), String> {
    let new = file.as_file().metadata().map_err(|e| cannot(&e))?;
    if (new.uid(), new.gid()) != (old.uid(), old.gid()) {
        fchown(file.as_file(), Some(old.uid()), Some(old.gid())).map_err(|e| {
            format!(
                "cannot be replaced by a file that belongs to user {} and group {} as well, so that its readers keep it: \
                 {e}; run this as that user, or write another file with --output",
                old.uid(),
                old.gid()
            )
        })?;
    }
    let mode = old.permissions().mode() & 0o777 & !WRITABLE_BY_ALL;
    file.as_file().set_permissions(Permissions::from_mode(mode)).map_err(|e| cannot(&e))
}

fn cannot(e: &std::io::Error) -> String {
    match e.kind() {
        ErrorKind::NotFound => "its folder does not exist; make it first".to_owned(),
        ErrorKind::AlreadyExists => exists(),
        _ => format!("cannot be written: {e}"),
    }
}

fn exists() -> String {
    "exists already; --force replaces it, --update merges into it".to_owned()
}

/// Everybody may read a new description, as far as the user's mask allows; it holds no secrets.
const NEW_FILE: u32 = 0o644;
/// A file that everybody may write to is refused by every reader.
pub(super) const WRITABLE_BY_ALL: u32 = 0o002;

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_file_that_changes_meanwhile_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("old"), "old").unwrap();
        fs::write(at("edited"), "edited").unwrap();
        std::os::unix::fs::symlink("old", at("link")).unwrap();
        let targets = ["old", "link"].map(|name| Target::of(&at(name), true).unwrap());
        // In place, and as editors do it; and a link that leads elsewhere.
        let in_place = || fs::write(at("old"), "edited").unwrap();
        let as_a_whole = || {
            fs::write(at("new"), "edited").unwrap();
            fs::rename(at("new"), at("old")).unwrap();
        };
        let leads_elsewhere = || {
            fs::remove_file(at("link")).unwrap();
            std::os::unix::fs::symlink("edited", at("link")).unwrap();
        };
        let edits: [(&dyn Fn(), &Target); 3] =
            [(&in_place, &targets[0]), (&as_a_whole, &targets[0]), (&leads_elsewhere, &targets[1])];
        for (edit, target) in edits {
            edit();
            let why = target.write("ours").unwrap_err();
            assert!(why.ends_with(": changed meanwhile; run it again"), "{why}");
            assert_eq!(fs::read_to_string(&target.name).unwrap(), "edited");
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3, "nothing is left behind");
        Target::of(&at("old"), true).unwrap().write("ours").unwrap();
        assert_eq!(fs::read_to_string(at("old")).unwrap(), "ours");
    }
}
