//! Writes a file as a whole, or not at all.

use std::fs::Permissions;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use kafka_emr_core::OneLine;

/// Writes a description. Another program sees the old file or the new one, never a part.
pub(super) fn write(path: &Path, text: &str, replace: bool) -> Result<(), String> {
    let shown = path.display().to_string();
    let at = |why: String| format!("{}: {why}", OneLine(&shown));
    // A link stays a link: what it leads to is replaced.
    let target = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let old = target.metadata().ok().map(|file| file.permissions().mode() & 0o777 & !WRITABLE_BY_ALL);
    let cannot = |e: std::io::Error| match e.kind() {
        ErrorKind::NotFound => at("its folder does not exist; make it first".to_owned()),
        ErrorKind::AlreadyExists => at(exists()),
        _ => at(format!("cannot be written: {e}")),
    };
    let mut file = tempfile::Builder::new()
        .prefix(".kafka-emr-")
        .permissions(Permissions::from_mode(NEW_FILE))
        .tempfile_in(folder)
        .map_err(cannot)?;
    let mut fill = || {
        if let Some(mode) = old {
            // Whoever could read the old file can read the new one.
            file.as_file().set_permissions(Permissions::from_mode(mode))?;
        }
        file.write_all(text.as_bytes())?;
        file.as_file().sync_all()
    };
    fill().map_err(cannot)?;
    match replace {
        true => file.persist(&target),
        false => file.persist_noclobber(&target),
    }
    .map_err(|e| cannot(e.error))?;
    Ok(())
}

/// Fails where a file is that must not be replaced, before any work is done.
pub(super) fn check(path: &Path, replace: bool) -> Result<(), String> {
    let shown = path.display().to_string();
    let why = match path.symlink_metadata() {
        Ok(_) if path.is_dir() => "is a directory; expected a file to write".to_owned(),
        Ok(_) if !replace => exists(),
        _ => return Ok(()),
    };
    Err(format!("{}: {why}", OneLine(&shown)))
}

fn exists() -> String {
    "exists already; --force replaces it, --update merges into it".to_owned()
}

/// Everybody may read a new description, where the user's mask lets them; it holds no secrets.
const NEW_FILE: u32 = 0o644;
/// A file that everybody may write to is refused by every reader.
pub(super) const WRITABLE_BY_ALL: u32 = 0o002;
