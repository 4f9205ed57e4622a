//! What a program is, and so which way reaches it.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use object::elf::{DT_SONAME, EM_AARCH64, EM_X86_64, ET_DYN, FileHeader64, NT_GO_BUILD_ID, ProgramHeader64};
use object::read::elf::{Dyn, FileHeader, ProgramHeader};
use object::{Endianness, FileKind, ReadCache};

/// How many interpreters of interpreters are followed, as the kernel does.
const MAX_INTERPRETERS: usize = 4;

/// Where programs are for execvp(3) when there is no `PATH`.
const DEFAULT_PATH: &str = "/bin:/usr/bin";

/// Finds a program as a shell does: by its path, else in `PATH`.
pub(super) fn find(name: &OsStr) -> Result<PathBuf, String> {
    let path = Path::new(name);
    if name.as_bytes().contains(&b'/') {
        return if path.is_file() {
            Ok(path.to_owned())
        } else {
            Err(format!("there is no program {}", path.display()))
        };
    }
    let folders = std::env::var_os("PATH").unwrap_or_else(|| DEFAULT_PATH.into());
    let is_program = |file: &PathBuf| file.metadata().is_ok_and(|data| data.is_file() && data.mode() & 0o111 != 0);
    std::env::split_paths(&folders)
        .map(|folder| if folder.as_os_str().is_empty() { Path::new(".").join(name) } else { folder.join(name) })
        .find(is_program)
        .ok_or_else(|| format!("there is no program {} in PATH", path.display()))
}

/// A program of this processor, as far as it matters for how it looks names up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// It calls a libc, in front of which a library can be put.
    Dynamic(Libc),
    /// It is linked statically.
    Static,
    /// Go calls no libc to connect, nor for names, however it is linked.
    Go(Option<Libc>),
    /// A shell, or a script of one: it starts programs, of which nothing is known.
    Shell(Option<Libc>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Libc {
    Glibc,
    Musl,
}

/// Programs that start others, and do nothing else here.
const SHELLS: [&str; 10] = ["ash", "bash", "busybox", "dash", "env", "fish", "ksh", "mksh", "sh", "zsh"];

/// Returns what a program is. A script is what its interpreter is.
pub(super) fn kind(file: &Path) -> Result<Kind, String> {
    let mut file = file.to_owned();
    for _ in 0..=MAX_INTERPRETERS {
        check_rights(&file)?;
        match interpreter(&file)? {
            Some(interpreter) if interpreter.is_file() => file = interpreter,
            Some(interpreter) => {
                return Err(format!("{}: there is no interpreter {}", file.display(), interpreter.display()));
            }
            None => return kind_of_elf(&file),
        }
    }
    Err(format!("{}: too many interpreters", file.display()))
}

/// Refuses a file that cannot be put in front of libc: the loader would go on without it.
pub(super) fn check_library(file: &Path) -> Result<(), String> {
    match Elf::read(file)? {
        Some(Elf { is_for_this: true, is_shared: true, .. }) => Ok(()),
        _ => Err(format!("{} is no shared library for this machine", file.display())),
    }
}

/// The system's loader ignores LD_PRELOAD where a program has more rights than its caller, and under a supervisor it gets none.
fn check_rights(file: &Path) -> Result<(), String> {
    let data = file.metadata().map_err(|error| format!("{}: {error}", file.display()))?;
    let (user, group) = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
    let setuid = data.mode() & 0o4000 != 0 && data.uid() != user;
    let setgid = data.mode() & 0o2000 != 0 && data.gid() != group;
    let has_capabilities = rustix::fs::getxattr(file, "security.capability", &mut [0_u8; 64]).is_ok();
    let why = match (setuid || setgid, has_capabilities) {
        (true, _) => "runs with the rights of its owner (setuid, setgid)",
        (false, true) if user != 0 => "has capabilities of its own",
        _ => return Ok(()),
    };
    Err(format!(
        "{} {why}, and the system then ignores LD_PRELOAD, and gives no rights under a supervisor; run what it starts, or a copy without them",
        file.display()
    ))
}

/// The interpreter of a script.
fn interpreter(file: &Path) -> Result<Option<PathBuf>, String> {
    let open = |error: std::io::Error| format!("{}: {error}", file.display());
    let mut reader = BufReader::new(File::open(file).map_err(open)?.take(256));
    let mut line = Vec::new();
    reader.read_until(b'\n', &mut line).map_err(open)?;
    let Some(rest) = line.strip_prefix(b"#!") else { return Ok(None) };
    let mut words =
        rest.split(|byte| byte.is_ascii_whitespace()).filter(|word| !word.is_empty()).map(OsStr::from_bytes);
    let Some(path) = words.next() else {
        return Err(format!("{}: its first line, #!, names no interpreter", file.display()));
    };
    // env finds the interpreter, which decides.
    let named = words.find(|word| *word != "-S");
    match named.filter(|_| Path::new(path).file_name() == Some(OsStr::new("env"))).map(find) {
        Some(Ok(interpreter)) => Ok(Some(interpreter)),
        _ => Ok(Some(PathBuf::from(path))),
    }
}

fn kind_of_elf(file: &Path) -> Result<Kind, String> {
    let shown = file.display();
    let Some(elf) = Elf::read(file)? else {
        return Err(format!("{shown} is neither a script nor a program of this system"));
    };
    if !elf.is_for_this {
        return Err(format!(
            "{shown} is a program for another processor than this command, which is for {}: use one for the same",
            std::env::consts::ARCH
        ));
    }
    let libc = elf.loader.map(|loader| if loader.contains("ld-musl") { Libc::Musl } else { Libc::Glibc });
    // busybox is what its name says.
    let is_shell = |file: &Path| file.file_name().is_some_and(|name| SHELLS.iter().any(|shell| name == *shell));
    Ok(match libc {
        libc if elf.is_go => Kind::Go(libc),
        libc if is_shell(file) => Kind::Shell(libc),
        Some(libc) => Kind::Dynamic(libc),
        None => Kind::Static,
    })
}

/// What the kernel and the loader look at in a program or library. They do not look at sections.
struct Elf {
    is_for_this: bool,
    is_shared: bool,
    /// The loader that it names, or it is one itself.
    loader: Option<String>,
    is_go: bool,
}

impl Elf {
    /// Reads a file; `None` where it is something else.
    fn read(file: &Path) -> Result<Option<Self>, String> {
        let data = ReadCache::new(File::open(file).map_err(|error| format!("{}: {error}", file.display()))?);
        let nothing = Elf { is_for_this: false, is_shared: false, loader: None, is_go: false };
        Ok(match FileKind::parse(&data) {
            Ok(FileKind::Elf64) => nothing.read_headers(file, &data).ok(),
            Ok(FileKind::Elf32) => Some(nothing),
            _ => None,
        })
    }

    fn read_headers(mut self, file: &Path, data: &ReadCache<File>) -> object::Result<Self> {
        let elf = FileHeader64::<Endianness>::parse(data)?;
        let endian = elf.endian()?;
        self.is_for_this = match std::env::consts::ARCH {
            "x86_64" => elf.e_machine(endian) == EM_X86_64,
            "aarch64" => elf.e_machine(endian) == EM_AARCH64,
            _ => false,
        };
        self.is_shared = elf.e_type(endian) == ET_DYN;
        let headers = elf.program_headers(endian, data)?;
        let named = headers.iter().find_map(|header| header.interpreter(endian, data).ok().flatten());
        // A loader is a library, with a name for others to ask for, and needs none. What is linked statically has no name.
        let has_name = |header: &ProgramHeader64<Endianness>| {
            let entries = header.dynamic(endian, data).ok().flatten().unwrap_or_default();
            entries.iter().any(|entry| entry.d_tag(endian) == DT_SONAME)
        };
        self.loader = match named {
            Some(path) => Some(String::from_utf8_lossy(path).into_owned()),
            None => headers.iter().any(has_name).then(|| file.display().to_string()),
        };
        self.is_go = headers.iter().any(|header| {
            let mut notes = header.notes(endian, data).ok().flatten();
            std::iter::from_fn(|| notes.as_mut()?.next().ok().flatten())
                .any(|note| note.name() == b"Go" && note.n_type(endian) == NT_GO_BUILD_ID)
        });
        Ok(self)
    }
}
