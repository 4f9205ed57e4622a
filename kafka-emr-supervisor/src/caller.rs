//! The thread that made a system call and waits for the answer.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

use libc::seccomp_notif;
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, PidfdGetfdFlags};

use crate::sys::{self, Listener};

/// `PIDFD_THREAD`, from Linux 6.9 on: a thread that does not lead its process.
const OF_THREAD: PidfdFlags = PidfdFlags::from_bits_retain(0o200);

pub(crate) struct Caller<'a> {
    listener: &'a Listener,
    id: u64,
    /// Of the thread.
    pid: Pid,
    pub(crate) arguments: [u64; 6],
}

impl<'a> Caller<'a> {
    /// `None` if the caller has no process id here: it is in no PID namespace of ours.
    pub(crate) fn new(listener: &'a Listener, call: &seccomp_notif) -> Option<Self> {
        let pid = Pid::from_raw(call.pid.cast_signed())?;
        Some(Caller { listener, id: call.id, pid, arguments: call.data.args })
    }

    /// Returns whether it still waits. What was found by its process id before this is its own.
    pub(crate) fn is_waiting(&self) -> bool {
        self.listener.is_waiting(self.id)
    }

    /// Reads its memory.
    pub(crate) fn read(&self, address: u64, into: &mut [u8]) -> io::Result<()> {
        match read_memory(self.pid, address, into)? == into.len() {
            true => Ok(()),
            false => Err(Errno::FAULT.into()),
        }
    }

    pub(crate) fn read_number(&self, address: u64) -> io::Result<u64> {
        let mut number = [0; 8];
        self.read(address, &mut number)?;
        Ok(u64::from_ne_bytes(number))
    }

    /// Reads a path. `None` for one that is longer than any of the hosts file.
    pub(crate) fn read_path(&self, address: u64) -> io::Result<Option<Vec<u8>>> {
        let mut text = [0; 256];
        let length = read_memory(self.pid, address, &mut text)?;
        let end = text[..length].iter().position(|byte| *byte == 0);
        Ok(end.map(|end| text[..end].to_vec()))
    }

    /// Writes its memory, if it still waits. Returns whether it does.
    pub(crate) fn write(&self, address: u64, bytes: &[u8]) -> io::Result<bool> {
        let memory = File::options().write(true).open(self.proc("mem"))?;
        // From here on the memory is known to be its own.
        let is_waiting = self.is_waiting();
        if is_waiting {
            memory.write_all_at(bytes, address)?;
        }
        Ok(is_waiting)
    }

    /// Returns the path of something of its own in /proc.
    pub(crate) fn proc(&self, what: &str) -> PathBuf {
        proc(self.pid, what)
    }

    /// Returns a descriptor of the same file as one of its own.
    pub(crate) fn file(&self, number: i32) -> io::Result<OwnedFd> {
        file_of(self.pid, number)
    }
}

fn proc(pid: Pid, what: &str) -> PathBuf {
    format!("/proc/{}/{what}", pid.as_raw_nonzero()).into()
}

pub(crate) fn file_of(pid: Pid, number: i32) -> io::Result<OwnedFd> {
    let of_thread = rustix::process::pidfd_open(pid, OF_THREAD);
    let pidfd = of_thread.or_else(|_| rustix::process::pidfd_open(leader(pid)?, PidfdFlags::empty()))?;
    Ok(rustix::process::pidfd_getfd(pidfd, number, PidfdGetfdFlags::empty())?)
}

/// Returns the process that a thread belongs to.
fn leader(pid: Pid) -> rustix::io::Result<Pid> {
    let status = std::fs::read_to_string(proc(pid, "status")).map_err(|_| Errno::SRCH)?;
    let leader = status.lines().find_map(|line| line.strip_prefix("Tgid:"));
    leader.and_then(|leader| Pid::from_raw(leader.trim().parse().ok()?)).ok_or(Errno::SRCH)
}

/// Reads memory of a process, as much of it as is there.
pub(crate) fn read_memory(pid: Pid, address: u64, into: &mut [u8]) -> io::Result<usize> {
    match sys::read_memory(pid, address, into) {
        // A container's profile forbids the call, but no file.
        Err(error) if matches!(Errno::from_io_error(&error), Some(Errno::PERM | Errno::NOSYS)) => {
            File::open(proc(pid, "mem"))?.read_at(into, address)
        }
        read => read,
    }
}
