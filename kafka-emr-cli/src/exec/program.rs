//! Whether a library can be put in front of libc in a program.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use object::read::elf::{FileHeader, ProgramHeader};
use object::{Architecture, BinaryFormat, Object, ReadCache, ReadRef};

/// How many interpreters of interpreters are followed, as the kernel does.
const MAX_INTERPRETERS: usize = 4;

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
    let folders = std::env::var_os("PATH").unwrap_or_default();
    let is_program = |file: &PathBuf| file.metadata().is_ok_and(|data| data.is_file() && data.mode() & 0o111 != 0);
    std::env::split_paths(&folders)
        .map(|folder| folder.join(name))
        .find(is_program)
        .ok_or_else(|| format!("there is no program {} in PATH", path.display()))
}

/// Says why a program would not have the names, if so.
pub(super) fn check(file: &Path) -> Result<(), String> {
    let mut file = file.to_owned();
    for _ in 0..=MAX_INTERPRETERS {
        check_rights(&file)?;
        match interpreter(&file)? {
            Some(interpreter) => file = interpreter,
            None => return check_elf(&file),
        }
    }
    Err(format!("{}: too many interpreters", file.display()))
}

/// The system's loader ignores LD_PRELOAD where a program has more rights than its caller.
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
        "{} {why}, and the system's loader then ignores LD_PRELOAD; run what it starts, or a copy without them",
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
    let path = rest.trim_ascii().split(|byte| byte.is_ascii_whitespace()).next().unwrap_or_default();
    Ok(Some(PathBuf::from(OsStr::from_bytes(path))))
}

fn check_elf(file: &Path) -> Result<(), String> {
    let shown = file.display();
    let opened = File::open(file).map_err(|error| format!("{shown}: {error}"))?;
    let cache = ReadCache::new(opened);
    let elf = object::File::parse(&cache).ok().filter(|elf| elf.format() == BinaryFormat::Elf);
    let Some(elf) = elf else { return Err(format!("{shown} is neither a script nor a program of this system")) };
    let this = match std::env::consts::ARCH {
        "x86_64" => Architecture::X86_64,
        "aarch64" => Architecture::Aarch64,
        other => return Err(format!("exec does not know the programs of {other}")),
    };
    if elf.architecture() != this || !elf.is_64() {
        return Err(format!(
            "{shown} is a program for {:?}, and libkafka_emr_preload.so is for {this:?}: use one for the same processor",
            elf.architecture()
        ));
    }
    let loader = loader(&cache).ok_or_else(|| {
        format!(
            "{shown} is linked statically, so nothing can be put in front of libc in it; `kafka-emr hosts` prints the map in \
             other forms"
        )
    })?;
    if loader.contains("ld-musl") {
        return Err(format!(
            "{shown} is built for musl, and libkafka_emr_preload.so for glibc; `kafka-emr hosts` prints the map in other forms"
        ));
    }
    if elf.section_by_name(".note.go.buildid").is_some() {
        log::warn!("{shown} is a Go program, which resolves names by itself unless it is told GODEBUG=netdns=cgo");
    }
    Ok(())
}

/// The loader that a dynamically linked program names.
fn loader<'data, R: ReadRef<'data>>(data: R) -> Option<String> {
    let header = object::elf::FileHeader64::<object::Endianness>::parse(data).ok()?;
    let endian = header.endian().ok()?;
    let mut headers = header.program_headers(endian, data).ok()?.iter();
    let loader = headers.find_map(|header| header.interpreter(endian, data).ok().flatten())?;
    Some(String::from_utf8_lossy(loader).into_owned())
}
