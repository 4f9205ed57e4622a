//! The hosts file that programs get: the clusters' names, and the machine's own lines after them.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use kafka_emr_core::{Hosts, Resolver};
use rustix::fs::{MemfdFlags, Mode, OFlags, ResolveFlags, SealFlags};

use crate::caller::Caller;
use crate::names::Lines;

/// Where every resolver looks for it.
const PATH: &str = "/etc/hosts";
const NAME: &[u8] = b"hosts";

/// More than this is no hosts file.
const LARGEST: u64 = 64 << 20;

pub(crate) struct HostsFile {
    resolver: Resolver,
    last: Option<Content>,
    has_warned_of_own: bool,
    warned_of_ports: Vec<String>,
}

/// A hosts file as it was made last. It counts until the map or the machine's own file changes.
struct Content {
    hosts: Hosts,
    own: Option<Stamp>,
    file: Arc<File>,
}

/// What tells one state of a file from another.
#[derive(PartialEq, Eq)]
struct Stamp([i64; 7]);

/// The machine's own hosts file, as a program has it.
enum Own {
    File(File, Stamp),
    Missing,
    /// A pipe, or something else that is read in another way.
    NoFile,
}

impl HostsFile {
    pub(crate) fn new(resolver: Resolver) -> Self {
        HostsFile { resolver, last: None, has_warned_of_own: false, warned_of_ports: Vec::new() }
    }

    /// Returns the file as it is now. `None` if the program's own is to be taken.
    pub(crate) fn of(&mut self, caller: &Caller<'_>) -> io::Result<Option<Arc<File>>> {
        let own = match own(caller) {
            Ok(own) => own,
            Err(error) => {
                if !std::mem::replace(&mut self.has_warned_of_own, true) {
                    log::warn!("{PATH}: {error}; programs get the clusters' names alone");
                }
                Own::Missing
            }
        };
        let hosts = self.resolver.hosts();
        let stamp = match &own {
            Own::File(_, stamp) => Some(stamp),
            Own::Missing => None,
            Own::NoFile => return Ok(None),
        };
        if !self.last.as_ref().is_some_and(|last| last.hosts.same(&hosts) && last.own.as_ref() == stamp) {
            let lines = Lines::of(&hosts);
            self.warn(&lines);
            let (own, text) = match own {
                Own::File(file, stamp) => {
                    let mut text = Vec::new();
                    file.take(LARGEST).read_to_end(&mut text)?;
                    (Some(stamp), text)
                }
                Own::Missing | Own::NoFile => (None, Vec::new()),
            };
            self.last = Some(Content { hosts, own, file: Arc::new(in_memory(&lines.in_front_of(&text))?) });
        }
        Ok(self.last.as_ref().map(|last| Arc::clone(&last.file)))
    }

    fn warn(&mut self, lines: &Lines) {
        for name in &lines.without_port {
            if !self.warned_of_ports.contains(name) {
                log::warn!(
                    "{name}: a program by the kernel does not get the port of connect, because the node has no address of \
                     its own that leads there: add its private_ip"
                );
                self.warned_of_ports.push(name.clone());
            }
        }
    }
}

/// Returns whether a path is the hosts file, by its text: a path of another spelling, behind a link, is not.
pub(crate) fn is_hosts(caller: &Caller<'_>, folder: Option<i32>, path: &[u8]) -> bool {
    // Most paths are another file's by their end. One that ends in a slash is a folder's.
    if !path.ends_with(NAME) {
        return false;
    }
    let path = Path::new(OsStr::from_bytes(path));
    let plain: PathBuf = path.components().filter(|part| *part != Component::CurDir).collect();
    if plain.is_absolute() {
        return plain == Path::new(PATH);
    }
    let folder = match folder {
        None | Some(libc::AT_FDCWD) => "cwd".to_owned(),
        Some(number) => format!("fd/{number}"),
    };
    let folder = std::fs::read_link(caller.proc(&folder));
    folder.is_ok_and(|folder| folder.join(plain) == Path::new(PATH))
}

/// Opens the program's own hosts file: it may be in a chroot, or in a mount namespace of its own.
fn own(caller: &Caller<'_>) -> io::Result<Own> {
    let root = File::options().read(true).open(caller.proc("root"))?;
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    let relative = PATH.trim_start_matches('/');
    let file = match rustix::fs::openat2(root, relative, flags, Mode::empty(), ResolveFlags::IN_ROOT) {
        Ok(file) => File::from(file),
        Err(rustix::io::Errno::NOENT) => return Ok(Own::Missing),
        Err(error) => return Err(error.into()),
    };
    let data = file.metadata()?;
    if !data.is_file() {
        return Ok(Own::NoFile);
    }
    if data.size() > LARGEST {
        return Err(io::Error::other(format!("larger than {} MiB", LARGEST >> 20)));
    }
    let state = [
        data.dev().cast_signed(),
        data.ino().cast_signed(),
        data.size().cast_signed(),
        data.mtime(),
        data.mtime_nsec(),
        data.ctime(),
        data.ctime_nsec(),
    ];
    Ok(Own::File(file, Stamp(state)))
}

/// Makes a file that is in no folder, and that nobody can change.
fn in_memory(content: &[u8]) -> io::Result<File> {
    let mut file = File::from(rustix::fs::memfd_create("hosts", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?);
    file.write_all(content)?;
    file.set_permissions(std::fs::Permissions::from_mode(0o644))?;
    let seals = SealFlags::SEAL | SealFlags::SHRINK | SealFlags::GROW | SealFlags::WRITE;
    rustix::fs::fcntl_add_seals(&file, seals)?;
    Ok(file)
}
