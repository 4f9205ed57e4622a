//! What each system call is answered.

use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use kafka_emr_core::{Cluster, OneLine, Resolver};
use kafka_emr_hook::RawAddress;
use rustix::fs::OFlags;
use rustix::io::Errno;
use rustix::net::sockopt::Timeout;

use crate::caller::Caller;
use crate::filter::Call;
use crate::hosts_file::{HostsFile, is_hosts};
use crate::sys;

/// What the caller gets.
pub(crate) enum Answer {
    /// The system call goes on as if nobody had asked.
    GoOn,
    Done,
    Error(Errno),
    /// A descriptor of a file, with the flag that programs it starts do not get it.
    File(OwnedFd, bool),
}

pub(crate) struct Answers {
    resolver: Resolver,
    hosts_file: Mutex<HostsFile>,
    /// Whether a socket of the caller's can be had. Without, the address is changed in the caller's memory.
    has_sockets: bool,
    has_warned: AtomicBool,
}

impl Answers {
    pub(crate) fn new(resolver: Resolver, has_sockets: bool) -> Self {
        Answers {
            hosts_file: Mutex::new(HostsFile::new(resolver.clone())),
            resolver,
            has_sockets,
            has_warned: AtomicBool::new(false),
        }
    }

    /// Answers a call. If something cannot be read or done, it is as without us: the kernel gives the error that is due.
    pub(crate) fn of(&self, call: Call, caller: &Caller<'_>) -> Answer {
        let answer = match call {
            Call::Open { folder, path, flags } => {
                let flags = OFlags::from_bits_retain(caller.arguments[flags] as u32);
                self.open(caller, folder, path, || Ok(flags))
            }
            // The structure begins with the flags.
            Call::Open2 => self.open(caller, Some(0), 1, || {
                Ok(OFlags::from_bits_retain(caller.read_number(caller.arguments[2])? as u32))
            }),
            Call::Stat { folder, path, result } => self.stat(caller, folder, path, result),
            Call::Connect => self.connect(caller),
            Call::SendTo => self.send(caller, || Ok((caller.arguments[4], caller.arguments[5]))),
            // The structure begins with the pointer to the address, and its length.
            Call::SendMessage => self.send(caller, || {
                let message = caller.arguments[1];
                Ok((caller.read_number(message)?, caller.read_number(message + 8)?))
            }),
        };
        answer.unwrap_or_else(|error| {
            self.warn_of(caller, &error);
            Answer::GoOn
        })
    }

    /// A program that its user may not read is nobody's to look into.
    fn warn_of(&self, caller: &Caller<'_>, error: &io::Error) {
        if error.kind() == io::ErrorKind::PermissionDenied && !self.has_warned.swap(true, Ordering::Relaxed) {
            let program = std::fs::read_to_string(caller.proc("comm")).unwrap_or_default();
            log::warn!(
                "{}: {error}: it may not be looked into, and runs without the clusters' names",
                OneLine(program.trim_end())
            );
        }
    }

    fn open(
        &self,
        caller: &Caller<'_>,
        folder: Option<usize>,
        path: usize,
        flags: impl FnOnce() -> io::Result<OFlags>,
    ) -> io::Result<Answer> {
        let Some(path) = caller.read_path(caller.arguments[path])? else { return Ok(Answer::GoOn) };
        if !is_hosts(caller, folder.map(|folder| caller.arguments[folder] as i32), &path) {
            return Ok(Answer::GoOn);
        }
        let flags = flags()?;
        if flags.intersects(OFlags::ACCMODE | OFlags::CREATE | OFlags::TRUNC | OFlags::DIRECTORY | OFlags::PATH) {
            return Ok(Answer::GoOn);
        }
        let Some(file) = self.hosts_file(caller)? else { return Ok(Answer::GoOn) };
        // Opened anew, so that each reader has a position of its own.
        let file = File::open(PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd())))?;
        Ok(Answer::File(file.into(), flags.contains(OFlags::CLOEXEC)))
    }

    /// Go reads the hosts file again only if its state is another.
    fn stat(&self, caller: &Caller<'_>, folder: Option<usize>, path: usize, result: usize) -> io::Result<Answer> {
        let Some(path) = caller.read_path(caller.arguments[path])? else { return Ok(Answer::GoOn) };
        if !is_hosts(caller, folder.map(|folder| caller.arguments[folder] as i32), &path) {
            return Ok(Answer::GoOn);
        }
        let Some(file) = self.hosts_file(caller)? else { return Ok(Answer::GoOn) };
        let state = sys::state(&file)?;
        Ok(if caller.write(caller.arguments[result], &state)? { Answer::Done } else { Answer::GoOn })
    }

    fn hosts_file(&self, caller: &Caller<'_>) -> io::Result<Option<Arc<File>>> {
        // What a panic left behind is as good as before.
        self.hosts_file.lock().unwrap_or_else(PoisonError::into_inner).of(caller)
    }

    fn connect(&self, caller: &Caller<'_>) -> io::Result<Answer> {
        let [socket, address, length, ..] = caller.arguments;
        let Some(to) = self.leads_to(caller, socket as i32, address, length)? else {
            return Ok(Answer::GoOn);
        };
        if !self.has_sockets {
            rewrite(caller, address, length, &to)?;
            return Ok(Answer::GoOn);
        }
        match caller.file(socket as i32) {
            Ok(socket) if !caller.is_waiting() => drop(socket),
            Ok(socket) => {
                if let Some(answer) = connect(&socket, &to)? {
                    return Ok(answer);
                }
                rewrite(caller, address, length, &to)?;
            }
            Err(_) => rewrite(caller, address, length, &to)?,
        }
        Ok(Answer::GoOn)
    }

    /// As a kernel that does not send data along: the program connects then.
    fn send(&self, caller: &Caller<'_>, address: impl FnOnce() -> io::Result<(u64, u64)>) -> io::Result<Answer> {
        let (address, length) = address()?;
        // The kernel takes an int.
        let length = u64::from(length as u32);
        match self.leads_to(caller, caller.arguments[0] as i32, address, length)? {
            Some(_) if caller.is_waiting() => Ok(Answer::Error(Errno::OPNOTSUPP)),
            _ => Ok(Answer::GoOn),
        }
    }

    /// Returns the address that a TCP socket is connected to instead.
    fn leads_to(&self, caller: &Caller<'_>, socket: i32, address: u64, length: u64) -> io::Result<Option<RawAddress>> {
        let mut bytes = [0; RawAddress::LONGEST];
        let read = bytes.len().min(length as usize);
        caller.read(address, &mut bytes[..read])?;
        let Some(asked) = RawAddress::from_bytes(&bytes[..read], length as usize) else { return Ok(None) };
        // Another port is no reason to look at files.
        let could_be_kafkas = |cluster: &Cluster| cluster.kafka_ports().contains(&asked.port());
        if !self.resolver.last_hosts().clusters().iter().any(could_be_kafkas) {
            return Ok(None);
        }
        let Some(to) = asked.redirected(self.resolver.hosts().connections()) else { return Ok(None) };
        Ok(is_tcp(caller, socket)?.then_some(to))
    }
}

/// Returns whether a descriptor of the caller's is a socket of TCP, or of TCP on several paths.
fn is_tcp(caller: &Caller<'_>, socket: i32) -> io::Result<bool> {
    let mut protocol = [0; 32];
    let length = rustix::fs::getxattr(caller.proc(&format!("fd/{socket}")), c"system.sockprotoname", &mut protocol)?;
    Ok(matches!(
        protocol[..length].trim_ascii_end().strip_suffix(b"\0"),
        Some(b"TCP" | b"TCPv6" | b"MPTCP" | b"MPTCPv6")
    ))
}

/// Connects a socket of the caller's. It waits for no connection itself: the caller does, in its own system call, which finds
/// the connection begun. So it is interrupted as ever. `None` if the caller waits for a limited time: the kernel has another
/// error for the end of that, if it has begun the connection itself.
fn connect(socket: &OwnedFd, to: &RawAddress) -> io::Result<Option<Answer>> {
    let flags = rustix::fs::fcntl_getfl(socket)?;
    let waits = !flags.contains(OFlags::NONBLOCK);
    if waits && rustix::net::sockopt::socket_timeout(socket, Timeout::Send)?.is_some() {
        return Ok(None);
    }
    // For the moment of this call. Nobody uses a socket while it is being connected.
    if waits {
        rustix::fs::fcntl_setfl(socket, flags | OFlags::NONBLOCK)?;
    }
    let connected = rustix::net::connect(socket, &to.socket_address());
    if waits {
        rustix::fs::fcntl_setfl(socket, flags)?;
    }
    Ok(Some(match connected {
        Ok(()) => Answer::Done,
        Err(Errno::INPROGRESS | Errno::ALREADY) if waits => Answer::GoOn,
        Err(error) => Answer::Error(error),
    }))
}

/// Changes the address in the caller's memory. The kernel then goes on with it.
fn rewrite(caller: &Caller<'_>, address: u64, length: u64, to: &RawAddress) -> io::Result<()> {
    let bytes = to.as_bytes();
    caller.write(address, &bytes[..bytes.len().min(length as usize)]).map(drop)
}
