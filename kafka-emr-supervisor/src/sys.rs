//! The system calls that no safe library has.

use std::ffi::{c_int, c_long, c_ulong};
use std::fs::File;
use std::io;
use std::mem::{size_of, zeroed};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::slice;

use libc::{seccomp_notif, seccomp_notif_addfd, seccomp_notif_resp, sigset_t, sock_filter, sock_fprog};
use rustix::process::{Pid, Signal};

/// Forks this process; `None` in the child.
///
/// # Errors
///
/// Also fails if the process has several threads: the child would have one of them, and the locks that the others hold.
pub(crate) fn fork() -> io::Result<Option<Pid>> {
    if std::fs::read_dir("/proc/self/task")?.count() != 1 {
        return Err(io::Error::other("this process has several threads"));
    }
    // SAFETY: there is no other thread, so the child may do what this process may.
    match unsafe { libc::fork() } {
        -1 => Err(io::Error::last_os_error()),
        child => Ok(Pid::from_raw(child)),
    }
}

/// Ends this process at once, without what it does at its end: that is for the process that it was forked from.
pub(crate) fn exit(status: c_int) -> ! {
    // SAFETY: it takes a number and does not return.
    unsafe { libc::_exit(status) }
}

/// The signals that a thread has blocked.
pub(crate) struct Blocked(sigset_t);

/// Blocks every signal that can be blocked, and returns which ones were.
pub(crate) fn block_signals() -> Blocked {
    // SAFETY: there is room for both sets.
    unsafe {
        let (mut all, mut before) = (zeroed(), zeroed());
        libc::sigfillset(&raw mut all);
        libc::pthread_sigmask(libc::SIG_SETMASK, &raw const all, &raw mut before);
        Blocked(before)
    }
}

impl Blocked {
    pub(crate) fn restore(&self) {
        // SAFETY: the set is whole, and none is asked for.
        unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &raw const self.0, std::ptr::null_mut()) };
    }
}

pub(crate) fn unblock_signals() {
    // SAFETY: there is room for the set, and none is asked for.
    unsafe {
        let mut none = zeroed();
        libc::sigemptyset(&raw mut none);
        Blocked(none).restore();
    }
}

/// Gives a signal the effect that it has by itself.
pub(crate) fn default_signal(signal: Signal) {
    // SAFETY: no function of ours is installed.
    unsafe { libc::signal(signal.as_raw(), libc::SIG_DFL) };
}

/// Sends a signal to this thread.
pub(crate) fn raise(signal: Signal) {
    // SAFETY: it takes a number.
    unsafe { libc::raise(signal.as_raw()) };
}

/// Waits for the next signal, all of which are blocked. Returns it with whether the kernel has sent it, for a terminal say.
pub(crate) fn next_signal() -> Option<(Signal, bool)> {
    // SAFETY: there is room for the set and for the answer.
    let (signal, code) = unsafe {
        let (mut all, mut info): (sigset_t, libc::siginfo_t) = (zeroed(), zeroed());
        libc::sigfillset(&raw mut all);
        (libc::sigwaitinfo(&raw const all, &raw mut info), info.si_code)
    };
    Signal::from_named_raw(signal).map(|signal| (signal, code == libc::SI_KERNEL))
}

/// Closes all descriptors from 3 on but these.
///
/// # Safety
///
/// Nothing else in this process has one of them.
pub(crate) unsafe fn close_all_but(kept: &[&OwnedFd]) -> io::Result<()> {
    let mut kept: Vec<u32> = kept.iter().map(|kept| kept.as_raw_fd() as u32).collect();
    kept.sort_unstable();
    let mut first = 3;
    for last in kept.into_iter().map(Some).chain([None]) {
        let end = last.map_or(u32::MAX, |kept| kept - 1);
        if first <= end {
            // SAFETY: the caller vouches for these descriptors.
            done(unsafe { libc::syscall(libc::SYS_close_range, first, end, 0) })?;
        }
        first = end.saturating_add(2);
    }
    Ok(())
}

/// Asks whether the kernel can ask a supervisor at all. It changes nothing.
pub(crate) fn check_notifications() -> io::Result<()> {
    // SAFETY: there is room for the answer.
    unsafe {
        let mut sizes: libc::seccomp_notif_sizes = zeroed();
        done(libc::syscall(libc::SYS_seccomp, libc::SECCOMP_GET_NOTIF_SIZES, 0, &raw mut sizes)).map(drop)
    }
}

/// Installs a filter for this thread and all that it starts, and returns its listener.
pub(crate) fn install(filter: &[sock_filter], flags: c_ulong) -> io::Result<OwnedFd> {
    let program = sock_fprog { len: filter.len() as u16, filter: filter.as_ptr().cast_mut() };
    // SAFETY: the kernel reads as many instructions as there are.
    let listener = done(unsafe {
        libc::syscall(
            libc::SYS_seccomp,
            libc::SECCOMP_SET_MODE_FILTER,
            flags | libc::SECCOMP_FILTER_FLAG_NEW_LISTENER,
            &raw const program,
        )
    })?;
    // SAFETY: the kernel has just opened it for us.
    Ok(unsafe { OwnedFd::from_raw_fd(listener as RawFd) })
}

/// The end of a filter where the kernel asks about system calls.
pub(crate) struct Listener(OwnedFd);

impl Listener {
    pub(crate) fn new(listener: OwnedFd) -> Self {
        Listener(listener)
    }

    /// Takes the next system call that is asked about.
    pub(crate) fn receive(&self) -> io::Result<seccomp_notif> {
        // SAFETY: zeroes are one, and the kernel wants them; there is room for its answer.
        unsafe {
            let mut notification: seccomp_notif = zeroed();
            let code = libc::ioctl(self.0.as_raw_fd(), libc::SECCOMP_IOCTL_NOTIF_RECV, &raw mut notification);
            done(code.into()).map(|_| notification)
        }
    }

    /// Answers a system call; the caller goes on.
    pub(crate) fn send(&self, mut response: seccomp_notif_resp) -> io::Result<()> {
        // SAFETY: the structure is whole.
        let code = unsafe { libc::ioctl(self.0.as_raw_fd(), libc::SECCOMP_IOCTL_NOTIF_SEND, &raw mut response) };
        done(code.into()).map(drop)
    }

    /// Returns whether the caller still waits for its answer: then its process id is its own.
    pub(crate) fn is_waiting(&self, id: u64) -> bool {
        // SAFETY: the kernel reads a number.
        unsafe { libc::ioctl(self.0.as_raw_fd(), libc::SECCOMP_IOCTL_NOTIF_ID_VALID, &raw const id) == 0 }
    }

    /// Gives the caller a descriptor of a file, and returns its number there. With `SECCOMP_ADDFD_FLAG_SEND` that is the answer.
    pub(crate) fn add_file(&self, id: u64, file: BorrowedFd<'_>, flags: u32, file_flags: u32) -> io::Result<c_long> {
        let added =
            seccomp_notif_addfd { id, flags, srcfd: file.as_raw_fd() as u32, newfd: 0, newfd_flags: file_flags };
        // SAFETY: the structure is whole.
        let code = unsafe { libc::ioctl(self.0.as_raw_fd(), libc::SECCOMP_IOCTL_NOTIF_ADDFD, &raw const added) };
        done(code.into())
    }
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// Reads memory of another process, as much of it as is there.
pub(crate) fn read_memory(process: Pid, address: u64, into: &mut [u8]) -> io::Result<usize> {
    let here = libc::iovec { iov_base: into.as_mut_ptr().cast(), iov_len: into.len() };
    let there = libc::iovec { iov_base: std::ptr::without_provenance_mut(address as usize), iov_len: into.len() };
    // SAFETY: there is room for as much, and what is over there is the kernel's to check.
    let read =
        unsafe { libc::process_vm_readv(process.as_raw_nonzero().get(), &raw const here, 1, &raw const there, 1, 0) };
    done(read as c_long).map(|read| read as usize)
}

/// Returns the state of a file in the form that stat(2) has it. On processors of 64 bits libc's is the kernel's.
pub(crate) fn state(file: &File) -> io::Result<[u8; size_of::<libc::stat>()]> {
    // SAFETY: zeroes are a state, and there is room for the answer. It is read as bytes, of which each was written.
    unsafe {
        let mut state: libc::stat = zeroed();
        done(libc::fstat(file.as_raw_fd(), &raw mut state).into())?;
        let mut bytes = [0; size_of::<libc::stat>()];
        bytes.copy_from_slice(slice::from_raw_parts((&raw const state).cast(), size_of::<libc::stat>()));
        Ok(bytes)
    }
}

fn done(code: c_long) -> io::Result<c_long> {
    if code < 0 { Err(io::Error::last_os_error()) } else { Ok(code) }
}
