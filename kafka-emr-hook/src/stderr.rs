//! Lines on standard error, for a library that must not make its program wait for their reader.

use std::ffi::{c_int, c_long};
use std::io;
use std::mem::zeroed;
use std::ptr;
use std::sync::atomic::{AtomicUsize, Ordering};

use libc::{STDERR_FILENO, dev_t, ino_t, sigset_t, ssize_t};
use log::{Log, Metadata, Record};

/// Writes log lines to standard error, each in one write and none that would have to wait: a line that standard error cannot
/// take at once is lost, and the next one comes with the number of lost lines.
pub struct StandardError {
    /// The only file to write to; `None` for whichever is standard error.
    only: Option<FileId>,
    lost: AtomicUsize,
}

impl StandardError {
    /// Writes to what standard error is at each line, so that `dup2` is followed: for a library that the program loads.
    #[must_use]
    pub const fn current() -> Self {
        StandardError { only: None, lost: AtomicUsize::new(0) }
    }

    /// Writes only while standard error is the file that it is now: for a program that does not know of the library, and may
    /// close standard error and open a file of its own in its place. `None` if it is closed already.
    #[must_use]
    pub fn unchanged() -> Option<Self> {
        let (file, _) = stat()?;
        Some(StandardError { only: Some(file), lost: AtomicUsize::new(0) })
    }

    /// Returns whether all of `text` is written.
    fn write(&self, text: &[u8]) -> bool {
        let Some((file, kind)) = stat() else { return false };
        self.only.is_none_or(|only| only == file)
            && without_sigpipe(|| write(STDERR_FILENO, kind, text))
                == ssize_t::try_from(text.len()).unwrap_or(ssize_t::MAX)
    }
}

impl Log for StandardError {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.level() <= log::max_level()
    }

    fn log(&self, record: &Record<'_>) {
        if !self.enabled(record.metadata()) {
            return;
        }
        let level = record.level().as_str().to_ascii_lowercase();
        let lost = self.lost.swap(0, Ordering::Relaxed);
        let mut text = match lost {
            0 => String::new(),
            1 => "kafka-emr: warn: 1 line is lost, which standard error could not take at once\n".to_owned(),
            _ => format!("kafka-emr: warn: {lost} lines are lost, which standard error could not take at once\n"),
        };
        text += &format!("kafka-emr: {level}: {}", record.args());
        cut(&mut text, libc::PIPE_BUF - 1);
        text.push('\n');
        // In one write, so that lines of several threads stay whole.
        if !self.write(text.as_bytes()) {
            self.lost.fetch_add(lost + 1, Ordering::Relaxed);
        }
    }

    fn flush(&self) {}
}

/// Cuts a text that is too long for a pipe to take as a whole.
fn cut(text: &mut String, longest: usize) {
    const CUT: &str = "…";
    if text.len() > longest {
        let mut end = longest - CUT.len();
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.truncate(end);
        text.push_str(CUT);
    }
}

type FileId = (dev_t, ino_t);

/// Returns which file standard error is, and of what kind (`S_IFIFO` and so on); `None` if it is closed.
fn stat() -> Option<(FileId, libc::mode_t)> {
    // SAFETY: all-zero bytes are a stat, and fstat has room for its answer.
    let (code, data) = unsafe {
        let mut data: libc::stat = zeroed();
        (libc::fstat(STDERR_FILENO, &raw mut data), data)
    };
    (code == 0).then_some(((data.st_dev, data.st_ino), data.st_mode & libc::S_IFMT))
}

/// Writes as write(2) does, but fails with `EAGAIN` instead of waiting. The file's own flags stay as they are, since other
/// processes have the file too.
fn write(file: c_int, kind: libc::mode_t, text: &[u8]) -> ssize_t {
    match kind {
        // SAFETY: the pointer is to `text`, which is as long as said.
        libc::S_IFSOCK => unsafe {
            libc::send(file, text.as_ptr().cast(), text.len(), libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL)
        },
        // Pipes and terminals.
        libc::S_IFIFO | libc::S_IFCHR => write_at_once(file, text)
            .or_else(|| write_reopened(file, text))
            .unwrap_or_else(|| write_if_ready(file, text)),
        _ => write_waiting(file, text),
    }
}

fn write_waiting(file: c_int, text: &[u8]) -> ssize_t {
    // SAFETY: the pointer is to `text`, which is as long as said.
    unsafe { libc::write(file, text.as_ptr().cast(), text.len()) }
}

/// Asks the kernel not to wait; `None` if it cannot do that with such a file, which depends on its version.
#[cfg(target_os = "linux")]
fn write_at_once(file: c_int, text: &[u8]) -> Option<ssize_t> {
    let part = libc::iovec { iov_base: text.as_ptr().cast_mut().cast(), iov_len: text.len() };
    // The call itself: not every libc has a function for it, and the preload library is loaded beside any. Its arguments are
    // registers, which the kernel reads whole.
    let [file, parts, current, flags] = [c_long::from(file), 1, -1, c_long::from(libc::RWF_NOWAIT)];
    // SAFETY: one part, which is only read. The offset, in two halves, is where the file is.
    let written =
        unsafe { libc::syscall(libc::SYS_pwritev2, file, &raw const part, parts, current, current, flags) as ssize_t };
    let cannot = [Some(libc::EOPNOTSUPP), Some(libc::ENOSYS), Some(libc::EINVAL)];
    (written >= 0 || !cannot.contains(&io::Error::last_os_error().raw_os_error())).then_some(written)
}

/// Opens the file anew, with flags of its own; `None` if that is not allowed, as for a pipe of another user.
#[cfg(target_os = "linux")]
fn write_reopened(file: c_int, text: &[u8]) -> Option<ssize_t> {
    let path = format!("/proc/self/fd/{file}\0");
    let flags = libc::O_WRONLY | libc::O_NONBLOCK | libc::O_NOCTTY | libc::O_CLOEXEC;
    // SAFETY: the path ends in NUL.
    let reopened = unsafe { libc::open(path.as_ptr().cast(), flags) };
    if reopened < 0 {
        return None;
    }
    let written = write_waiting(reopened, text);
    let error = io::Error::last_os_error().raw_os_error();
    // SAFETY: it was opened above, and is closed once. The error is that of the write.
    unsafe {
        libc::close(reopened);
        *libc::__errno_location() = error.unwrap_or_default();
    }
    Some(written)
}

#[cfg(not(target_os = "linux"))]
fn write_at_once(_: c_int, _: &[u8]) -> Option<ssize_t> {
    None
}

#[cfg(not(target_os = "linux"))]
fn write_reopened(_: c_int, _: &[u8]) -> Option<ssize_t> {
    None
}

/// Writes if there is room now. It waits only if another process takes that room between the question and the write.
fn write_if_ready(file: c_int, text: &[u8]) -> ssize_t {
    let mut asked = libc::pollfd { fd: file, events: libc::POLLOUT, revents: 0 };
    // SAFETY: one file, and no time to wait.
    let ready = unsafe { libc::poll(&raw mut asked, 1, 0) };
    if ready == 1 && asked.revents & (libc::POLLOUT | libc::POLLERR) != 0 { write_waiting(file, text) } else { -1 }
}

/// Runs a write without the signal that would end the program if nobody reads.
fn without_sigpipe(write: impl FnOnce() -> ssize_t) -> ssize_t {
    // SAFETY: all-zero bytes are a set of signals, every pointer is to one of these sets, and where sigwait is called, the
    // signal is pending.
    unsafe {
        let mut pipe: sigset_t = zeroed();
        libc::sigemptyset(&raw mut pipe);
        libc::sigaddset(&raw mut pipe, libc::SIGPIPE);
        let is_pending = || {
            let mut pending: sigset_t = zeroed();
            libc::sigpending(&raw mut pending) == 0 && libc::sigismember(&raw const pending, libc::SIGPIPE) == 1
        };
        let (mut mask, mut signal) = (zeroed(), 0);
        let was_pending = is_pending();
        libc::pthread_sigmask(libc::SIG_BLOCK, &raw const pipe, &raw mut mask);
        let written = write();
        let nobody_reads = written < 0 && io::Error::last_os_error().kind() == io::ErrorKind::BrokenPipe;
        if nobody_reads && !was_pending && is_pending() {
            libc::sigwait(&raw const pipe, &raw mut signal);
        }
        libc::pthread_sigmask(libc::SIG_SETMASK, &raw const mask, ptr::null_mut());
        written
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::os::fd::AsRawFd;

    use super::*;

    #[track_caller]
    fn check(text: &str, longest: usize, expected: &str) {
        let mut text = text.to_owned();
        cut(&mut text, longest);
        assert_eq!(text, expected);
    }

    /// Which way is taken depends on the kernel and the file's owner, so each is tried, and the one that is taken here.
    #[test]
    #[cfg_attr(miri, ignore = "it knows few of these calls")]
    fn no_way_waits_for_a_pipe_that_is_full() {
        let mut ways: Vec<fn(c_int, &[u8]) -> ssize_t> = vec![
            |file, text| write(file, libc::S_IFIFO, text),
            |file, text| write_reopened(file, text).unwrap(),
            write_if_ready,
        ];
        if kernel_can() {
            ways.push(|file, text| write_at_once(file, text).unwrap());
        }
        for way in ways {
            let (mut reader, writer) = io::pipe().unwrap();
            let file = writer.as_raw_fd();
            let mut written = 0;
            while way(file, &[b'x'; 1000]) == 1000 {
                written += 1000;
            }
            // SAFETY: it is open.
            assert_eq!(unsafe { libc::fcntl(file, libc::F_GETFL) } & libc::O_NONBLOCK, 0);
            assert!(written >= 32_000, "{written}");
            reader.read_exact(&mut [0; 8192]).unwrap();
            assert_eq!(way(file, b"hello"), 5);
        }
    }

    /// Returns whether the kernel writes to a pipe without waiting. If not, it must have said so, and written nothing.
    fn kernel_can() -> bool {
        let (mut reader, writer) = io::pipe().unwrap();
        // SAFETY: errno is this thread's own.
        unsafe { *libc::__errno_location() = 0 };
        if write_at_once(writer.as_raw_fd(), b"x") == Some(1) {
            return true;
        }
        let error = io::Error::last_os_error();
        let cannot = [libc::EOPNOTSUPP, libc::ENOSYS, libc::EINVAL];
        assert!(error.raw_os_error().is_some_and(|code| cannot.contains(&code)), "{error}");
        drop(writer);
        assert_eq!(reader.read(&mut [0]).unwrap(), 0);
        false
    }

    #[test]
    fn long_lines_are_cut_between_characters() {
        check("abcdef", 6, "abcdef");
        check("abcdefg", 6, "abc…");
        check("abüdefg", 6, "ab…");
    }
}
