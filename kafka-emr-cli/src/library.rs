//! Where this project's shared libraries are.

use std::path::{Path, PathBuf};

/// Finds a library by its file name: beside this program, as a build has it, or in the `lib` beside its `bin`, as an archive and
/// an installation have it.
pub(crate) fn find(name: &str) -> Option<PathBuf> {
    // A chroot may have no /proc, which the first asks.
    let program = std::env::current_exe().ok().or_else(by_argument)?;
    let bin = program.parent()?;
    let lib = bin.parent()?.join("lib");
    [bin.join(name), lib.join(name), lib.join(format!("{}-linux-gnu", std::env::consts::ARCH)).join(name)]
        .into_iter()
        .find(|path| path.is_file())
}

/// The file of this program by what it was called with, as shells do: a path, or a name to be found in `PATH`.
fn by_argument() -> Option<PathBuf> {
    let name = std::env::args_os().next()?;
    let folders = std::env::var_os("PATH").filter(|_| Path::new(&name).components().count() == 1).unwrap_or_default();
    let files = std::env::split_paths(&folders).map(|folder| folder.join(&name));
    files.chain([PathBuf::from(&name)]).find(|file| file.is_file())?.canonicalize().ok()
}
