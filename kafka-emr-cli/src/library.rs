//! Where this project's shared libraries are.

use std::path::PathBuf;

/// Finds a library by its file name: beside this program, as a build and an archive have it, or in the `lib` beside its
/// `bin`, as an installation has it.
pub(crate) fn find(name: &str) -> Option<PathBuf> {
    let program = std::env::current_exe().ok()?;
    let bin = program.parent()?;
    let lib = bin.parent()?.join("lib");
    [bin.join(name), lib.join(name), lib.join(format!("{}-linux-gnu", std::env::consts::ARCH)).join(name)]
        .into_iter()
        .find(|path| path.is_file())
}
