//! Opens a file if nobody but root and the user of this process could have put it there.

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, Stat, StatxAttributes, StatxFlags};
use rustix::fs::{fstat, openat, readlinkat, statx};
use rustix::io::Errno;

use crate::file::WRITABLE_BY_ALL;
use crate::{Error, ErrorKind};

/// How many symbolic links lead to a file at most, as in Linux.
const MAX_LINKS: usize = 40;

/// Why a file was not opened.
pub(crate) enum NotOpened {
    /// By the system.
    System(Errno),
    Refused(Error),
}

impl From<Errno> for NotOpened {
    fn from(error: Errno) -> Self {
        NotOpened::System(error)
    }
}

/// Opens a regular file for reading. `path` is absolute.
///
/// Refuses what somebody could have put in the way who is neither root nor the user of this process: a file, a folder or a
/// link of another user's, in a folder that everybody may write to. Elsewhere whoever owns the folder let the owner in. A
/// mount is root's doing, whoever owns what is mounted: a bind mount in a container, say.
///
/// The way is walked by descriptors, so that what was checked is what is opened.
pub(crate) fn open(path: &Path) -> Result<File, NotOpened> {
    let looked_at = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    // It was a regular file a moment ago. If it is a pipe or a terminal now, it must not be waited for, nor taken over.
    let read = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let root = openat(CWD, "/", OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
    let mut way = Way { root, folders: Vec::new() };
    let mut rest = steps(path);
    let mut links = 0;
    while let Some(step) = rest.pop_front() {
        if step == ".." {
            way.folders.pop();
            continue;
        }
        let folder = way.last();
        let entry = openat(folder, &step, looked_at, Mode::empty())?;
        let about = fstat(&entry)?;
        if is_open_to_all(&fstat(folder)?) && is_strangers(&about) && !is_mount(&entry, folder)? {
            return Err(NotOpened::Refused(stranger(&way.path(&step), path, about.st_uid)));
        }
        match FileType::from_raw_mode(about.st_mode) {
            FileType::Symlink => {
                links += 1;
                if links > MAX_LINKS {
                    return Err(Errno::LOOP.into());
                }
                let target = readlinkat(&entry, "", Vec::new())?;
                let target = Path::new(OsStr::from_bytes(target.as_bytes()));
                if target.is_absolute() {
                    way.folders.clear();
                }
                steps(target).into_iter().rev().for_each(|step| rest.push_front(step));
            }
            FileType::RegularFile if rest.is_empty() => {
                let opened = openat(folder, &step, read, Mode::empty())?;
                let now = fstat(&opened)?;
                if (now.st_dev, now.st_ino) != (about.st_dev, about.st_ino) {
                    return Err(NotOpened::Refused(Error::new(
                        ErrorKind::Io,
                        "the file was replaced while it was opened; it is read again",
                    )));
                }
                return Ok(opened.into());
            }
            _ => way.folders.push((step, entry)),
        }
    }
    Err(NotOpened::Refused(Error::new(ErrorKind::Io, "is no regular file; expected a file with a cluster description")))
}

/// The folders on the way, as descriptors.
struct Way {
    root: OwnedFd,
    folders: Vec<(OsString, OwnedFd)>,
}

impl Way {
    fn last(&self) -> &OwnedFd {
        self.folders.last().map_or(&self.root, |(_, folder)| folder)
    }

    /// The path of an entry of the last folder.
    fn path(&self, entry: &OsStr) -> PathBuf {
        let root = Path::new("/").as_os_str();
        [root].into_iter().chain(self.folders.iter().map(|(name, _)| name.as_os_str())).chain([entry]).collect()
    }
}

fn is_open_to_all(folder: &Stat) -> bool {
    folder.st_mode & WRITABLE_BY_ALL != 0
}

fn is_strangers(entry: &Stat) -> bool {
    entry.st_uid != 0 && entry.st_uid != rustix::process::geteuid().as_raw()
}

/// Returns whether something is mounted there. A kernel before 5.8 does not know it of a bind mount from the same file system.
fn is_mount(entry: &OwnedFd, folder: &OwnedFd) -> Result<bool, Errno> {
    let asked = statx(entry, "", AtFlags::EMPTY_PATH, StatxFlags::empty());
    match asked.map(|about| (about.stx_attributes_mask, about.stx_attributes)) {
        Ok((known, attributes)) if known.contains(StatxAttributes::MOUNT_ROOT) => {
            Ok(attributes.contains(StatxAttributes::MOUNT_ROOT))
        }
        _ => Ok(fstat(entry)?.st_dev != fstat(folder)?.st_dev),
    }
}

fn stranger(entry: &Path, path: &Path, owner: u32) -> Error {
    // The message is about the file anyway.
    let what = if entry == path { "the file".to_owned() } else { entry.display().to_string() };
    Error::new(
        ErrorKind::Insecure,
        format!(
            "{what} belongs to another user (uid {owner}), and everybody may write to its folder: anybody could have put it \
             there, and it decides where connections go; move it to a folder of your own, or change its owner to root or the \
             user that reads it"
        ),
    )
}

fn steps(path: &Path) -> VecDeque<OsString> {
    let step = |component: Component<'_>| match component {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some("..".into()),
        Component::CurDir | Component::RootDir | Component::Prefix(_) => None,
    };
    path.components().filter_map(step).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pipe_is_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("prod.toml");
        rustix::fs::mkfifoat(CWD, &pipe, Mode::RUSR | Mode::WUSR).unwrap();
        assert!(matches!(open(&pipe), Err(NotOpened::Refused(error)) if error.to_string().contains("no regular file")));
    }
}
