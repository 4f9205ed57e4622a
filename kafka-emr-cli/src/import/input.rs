//! Files and standard input.

use std::fs::File;
use std::io::{ErrorKind, IsTerminal, Read};
use std::path::Path;

/// The largest input that is read, in bytes. The replies of 100,000 hosts fit.
const MAX_INPUT: u64 = 512 << 20;

/// Returns the name of an input in messages.
pub(super) fn name(path: &Path) -> String {
    match is_stdin(path) {
        true => "standard input".to_owned(),
        false => path.display().to_string(),
    }
}

/// Reads a whole input as text, `-` for standard input.
pub(super) fn read(path: &Path) -> Result<String, String> {
    let cannot = |e: std::io::Error| match e.kind() {
        ErrorKind::NotFound => "there is no such file".to_owned(),
        ErrorKind::PermissionDenied => "the file is not readable for this user".to_owned(),
        ErrorKind::IsADirectory => "is a directory; expected a file".to_owned(),
        _ => format!("cannot be read: {e}"),
    };
    let mut bytes = Vec::new();
    let read = if is_stdin(path) {
        let stdin = std::io::stdin().lock();
        if stdin.is_terminal() {
            return Err("is a terminal; pipe the API's reply into it, or name a file".to_owned());
        }
        stdin.take(MAX_INPUT + 1).read_to_end(&mut bytes)
    } else {
        File::open(path).and_then(|file| file.take(MAX_INPUT + 1).read_to_end(&mut bytes))
    };
    if read.map_err(cannot)? as u64 > MAX_INPUT {
        return Err(format!("more than {MAX_INPUT} bytes; expected the API's replies for one cluster"));
    }
    let text = String::from_utf8(bytes).ok().filter(|text| !text.contains('\0'));
    text.ok_or_else(|| "is not text; expected a reply of the API as JSON in UTF-8, or hosts text".to_owned())
}

fn is_stdin(path: &Path) -> bool {
    path == Path::new("-")
}
