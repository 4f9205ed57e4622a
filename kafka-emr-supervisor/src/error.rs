//! Why a program cannot be supervised.

use std::fmt;
use std::io;

use rustix::io::Errno;

/// Reports why a program cannot be supervised. Shown as one line: what is missing, and what to do.
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    message: String,
}

/// The kind of fault that an [`Error`] reports.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// The kernel, or what stands in its place, cannot do it.
    Kernel,
    /// Something forbids it: the profile of a container, or a setting of the system.
    Forbidden,
    /// The process is under the supervisor of something else already.
    Supervised,
    /// Anything else that went wrong.
    System,
}

impl Error {
    /// Returns what kind of fault it is.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    pub(crate) fn system(what: &str, error: &io::Error) -> Self {
        Error { kind: ErrorKind::System, message: format!("{what}: {error}") }
    }

    /// A filter with a listener could not be installed.
    pub(crate) fn of_install(code: Errno) -> Self {
        match code {
            Errno::BUSY => Error {
                kind: ErrorKind::Supervised,
                message: "this process is supervised already (by another `kafka-emr exec --via kernel`, a container's \
                          runtime or a sandbox), and Linux allows one supervisor; give the outer `kafka-emr exec` both sources, as in \
                          'a.toml;b.toml'"
                    .to_owned(),
            },
            Errno::NOSYS | Errno::INVAL => Error::kernel(),
            code => Error {
                kind: ErrorKind::Forbidden,
                message: format!(
                    "seccomp(2) is forbidden here ({code}), as by the profile of a container; allow seccomp in the profile"
                ),
            },
        }
    }

    /// A call that Linux has since 5.9 is missing.
    pub(crate) fn kernel() -> Self {
        let system = rustix::system::uname();
        let release = system.release().to_string_lossy().into_owned();
        let message = match is_older(&release) {
            true => format!("Linux 5.9 or later is needed, and this is {release}"),
            false => format!(
                "seccomp user notification is missing in this Linux {release}, as under an emulator (qemu-user), in gVisor, or in a \
                 kernel built without CONFIG_SECCOMP_FILTER"
            ),
        };
        Error { kind: ErrorKind::Kernel, message }
    }

    /// The ids of processes in /proc are not those that they have here.
    pub(crate) fn proc() -> Self {
        let message =
            "/proc is missing here or is that of another PID namespace; mount it, as with `mount -t proc proc /proc`";
        Error { kind: ErrorKind::System, message: message.to_owned() }
    }

    /// The memory of the program cannot be read.
    pub(crate) fn memory(error: &io::Error) -> Self {
        let cure = match ptrace_scope().as_deref() {
            None | Some("0" | "1") => {
                "that takes what a debugger of one's own processes may do, which a container's profile or /proc can forbid".to_owned()
            }
            Some("3") => "kernel.yama.ptrace_scope is 3, which forbids it to everybody until the next start".to_owned(),
            Some(scope) => format!(
                "kernel.yama.ptrace_scope is {scope}: set it to 1 (sysctl kernel.yama.ptrace_scope=1), or run with the capability CAP_SYS_PTRACE"
            ),
        };
        Error { kind: ErrorKind::Forbidden, message: format!("the program's memory cannot be read ({error}): {cure}") }
    }

    /// Returns whether the memory could not be read because that is for ancestors.
    pub(crate) fn is_for_descendants(&self) -> bool {
        self.kind == ErrorKind::Forbidden && ptrace_scope().as_deref() == Some("1")
    }
}

/// Returns what Yama lets a process do to others of its user, if there is Yama.
fn ptrace_scope() -> Option<String> {
    std::fs::read_to_string("/proc/sys/kernel/yama/ptrace_scope").ok().map(|scope| scope.trim().to_owned())
}

/// Returns whether a release of Linux is older than 5.9. One of another form is not.
fn is_older(release: &str) -> bool {
    let mut numbers = release.split(|c: char| !c.is_ascii_digit()).map(str::parse::<u32>);
    match (numbers.next(), numbers.next()) {
        (Some(Ok(major)), Some(Ok(minor))) => (major, minor) < (5, 9),
        _ => false,
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_of_linux() {
        for old in ["3.10.0-1160.el7.x86_64", "4.18.0", "5.8.18-generic"] {
            assert!(is_older(old), "{old}");
        }
        for new in ["5.9.0", "5.10.134-16.al8", "6.18.44-fc", "10.0", "odd"] {
            assert!(!is_older(new), "{new}");
        }
    }
}
