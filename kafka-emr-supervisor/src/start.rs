//! Puts this process under a supervisor.

use std::ffi::c_ulong;
use std::io::{IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::sync::Arc;
use std::thread::JoinHandle;

use kafka_emr_core::Resolver;
use libc::{SECCOMP_ADDFD_FLAG_SEND, SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV};
use rustix::io::Errno;
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SendFlags, SocketFlags, SocketType,
};
use rustix::process::{Pid, PidfdFlags, WaitOptions};

use crate::answers::Answers;
use crate::caller::{file_of, read_memory};
use crate::error::Error;
use crate::filter::filter;
use crate::front::{mirror, report};
use crate::serve::{start_answering, wait_for_the_end};
use crate::sys::{self, Listener};

/// How connections are led elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// The supervisor connects the program's own socket.
    Sockets,
    /// The supervisor writes the other address into the program's memory. For containers whose profile forbids
    /// `pidfd_getfd`.
    Memory,
}

/// What the kernel has of what is used.
#[derive(Clone, Copy)]
pub(crate) struct Kernel {
    /// A caller that is being answered waits on, if a signal comes. From Linux 5.19 on.
    waits_for_answers: bool,
    /// A file is an answer. From Linux 5.14 on; until then, its number has to follow.
    pub(crate) sends_files: bool,
}

/// Puts this process, and all programs that it becomes and starts, under a supervisor that answers for the clusters' names and
/// addresses. The supervisor is a process of its own, in a session of its own, and ends with the last of these programs.
///
/// The process gets `no_new_privs`: it and its programs gain no rights by setuid and the like. A process under a supervisor
/// cannot leave it, so the caller is to become the program, by exec(2), or to end.
///
/// If the supervisor may read the memory of its own descendants only (`kernel.yama.ptrace_scope` is 1), this returns as
/// [`start_in_front`] does.
///
/// Lines of the supervisor go to the logger that is installed, until this process ends. It should not wait for standard error,
/// because programs wait for the supervisor.
///
/// # Errors
///
/// Fails if the kernel or something in it does not allow it, or if the process has several threads. Then nothing has changed,
/// unless the error is of the kind [`System`](crate::ErrorKind::System).
pub fn start(resolver: &Resolver) -> Result<Way, Error> {
    check_proc()?;
    let kernel = kernel()?;
    let (here, there) = socket_pair()?;
    let program = rustix::process::getpid();
    let number = here.as_raw_fd();
    // Forked twice, so that the program has no child of which it knows nothing.
    match fork()? {
        Some(between) => {
            drop(there);
            // If SIGCHLD is ignored, nothing is left to wait for.
            let _ = rustix::process::waitpid(Some(between), WaitOptions::empty());
        }
        None => {
            if let Ok(None) = sys::fork() {
                drop(here);
                supervise(resolver, kernel, &there, program, number, None);
            }
            sys::exit(0)
        }
    }
    let entered = enter(&here, kernel);
    // A supervisor that can do nothing ends by that.
    drop(here);
    match entered {
        Err(error) if error.is_for_descendants() => start_in_front_with(resolver, kernel),
        entered => entered,
    }
}

/// Does as [`start`], with the supervisor as the parent of the program. The calling process stays in front and does not return: it
/// passes signals on, stops when the program stops, and ends as it ends. A new process returns, to become the program.
///
/// # Errors
///
/// As [`start`].
pub fn start_in_front(resolver: &Resolver) -> Result<Way, Error> {
    check_proc()?;
    start_in_front_with(resolver, kernel()?)
}

fn start_in_front_with(resolver: &Resolver, kernel: Kernel) -> Result<Way, Error> {
    let (front, reports) = socket_pair()?;
    // None is lost that comes before there is a program to pass it on to.
    let blocked = sys::block_signals();
    if fork()?.is_some() {
        drop(reports);
        mirror(front)
    }
    drop(front);
    let (here, there) = socket_pair()?;
    let number = here.as_raw_fd();
    if let Some(program) = fork()? {
        drop(here);
        supervise(resolver, kernel, &there, program, number, Some(&reports));
        sys::exit(0)
    }
    drop((there, reports));
    blocked.restore();
    enter(&here, kernel)
}

/// Processes are looked at by their ids in /proc.
fn check_proc() -> Result<(), Error> {
    let own = rustix::process::getpid().as_raw_nonzero().to_string();
    match std::fs::read_link("/proc/self") {
        Ok(process) if process.as_os_str() == own.as_str() => Ok(()),
        _ => Err(Error::proc()),
    }
}

fn fork() -> Result<Option<Pid>, Error> {
    sys::fork().map_err(|error| Error::system("fork", &error))
}

/// Puts this process under the supervisor at the other end of a socket.
fn enter(supervisor: &OwnedFd, kernel: Kernel) -> Result<Way, Error> {
    let way = match receive(supervisor)? {
        [SOCKETS, _] => Way::Sockets,
        [MEMORY, _] => Way::Memory,
        [NOTHING, code] => return Err(Error::memory(&std::io::Error::from_raw_os_error(code.into()))),
        _ => return Err(lost()),
    };
    let listener = install(kernel).map_err(Error::of_install)?;
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    let descriptors = [listener.as_fd()];
    control.push(SendAncillaryMessage::ScmRights(&descriptors));
    rustix::net::sendmsg(supervisor, &[IoSlice::new(&[0])], &mut control, SendFlags::NOSIGNAL)
        .map_err(|error| Error::system("sendmsg", &error.into()))?;
    // From here on this process waits for the supervisor with every file that it opens.
    receive(supervisor).map(|_| way)
}

// What the supervisor may do to the program.
const SOCKETS: u8 = b's';
const MEMORY: u8 = b'm';
const NOTHING: u8 = b'n';

/// The life of the supervisor of a program, one of whose descriptors has this number. `front` leads to a process in front.
fn supervise(
    resolver: &Resolver,
    kernel: Kernel,
    socket: &OwnedFd,
    program: Pid,
    number: i32,
    front: Option<&OwnedFd>,
) {
    let kept: Vec<&OwnedFd> = front.into_iter().chain([socket]).collect();
    let Ok(()) = leave(&kept) else { return };
    let reports = front.and_then(|front| report(program, front));
    answer_for(resolver, kernel, socket, program, number);
    // The last report comes after the end of the program.
    let _ = reports.map(JoinHandle::join);
}

fn answer_for(resolver: &Resolver, kernel: Kernel, socket: &OwnedFd, program: Pid, number: i32) {
    // What it may do to this process, it may do to those that it starts. A byte that is known to be there.
    static KNOWN: u8 = 0x5A;
    let mut byte = [0];
    let can = match read_memory(program, (&raw const KNOWN).addr() as u64, &mut byte) {
        Err(error) => [NOTHING, error.raw_os_error().and_then(|code| code.try_into().ok()).unwrap_or_default()],
        Ok(_) if file_of(program, number).is_ok() => [SOCKETS, 0],
        Ok(_) => [MEMORY, 0],
    };
    let Ok(_) = rustix::net::send(socket, &can, SendFlags::NOSIGNAL) else { return };
    let Some(listener) = receive_listener(socket) else { return };
    let Ok(program) = rustix::process::pidfd_open(program, PidfdFlags::empty()) else { return };
    let listener = Arc::new(Listener::new(listener));
    let answers = Answers::new(resolver.clone(), can[0] == SOCKETS);
    if start_answering(&listener, kernel, answers) && rustix::net::send(socket, &[0, 0], SendFlags::NOSIGNAL).is_ok() {
        wait_for_the_end(&listener, program);
    }
}

/// Leaves everything that the program has: its terminal, its signals, its folder and its files, but for standard error.
fn leave(kept: &[&OwnedFd]) -> std::io::Result<()> {
    sys::block_signals();
    let _ = rustix::process::setsid();
    rustix::process::chdir("/")?;
    // SAFETY: nothing in this process has a file but the logger, which has standard error.
    unsafe { sys::close_all_but(kept) }?;
    let null = std::fs::File::options().read(true).write(true).open("/dev/null")?;
    rustix::stdio::dup2_stdin(&null)?;
    rustix::stdio::dup2_stdout(&null)?;
    Ok(())
}

fn socket_pair() -> Result<(OwnedFd, OwnedFd), Error> {
    rustix::net::socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)
        .map_err(|error| Error::system("socketpair", &error.into()))
}

fn receive(socket: &OwnedFd) -> Result<[u8; 2], Error> {
    let mut message = [0; 2];
    match rustix::io::retry_on_intr(|| rustix::net::recv(socket, &mut message, RecvFlags::empty())) {
        Ok((2, _)) => Ok(message),
        _ => Err(lost()),
    }
}

fn receive_listener(socket: &OwnedFd) -> Option<OwnedFd> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    rustix::net::recvmsg(socket, &mut [IoSliceMut::new(&mut [0])], &mut control, RecvFlags::CMSG_CLOEXEC).ok()?;
    control.drain().find_map(|message| match message {
        RecvAncillaryMessage::ScmRights(mut descriptors) => descriptors.next(),
        _ => None,
    })
}

fn lost() -> Error {
    Error::system(
        "the supervisor",
        &std::io::Error::other("ended before it began; is memory or the number of processes limited?"),
    )
}

fn install(kernel: Kernel) -> Result<OwnedFd, Errno> {
    rustix::thread::set_no_new_privs(true)?;
    let flags: c_ulong = if kernel.waits_for_answers { SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV } else { 0 };
    sys::install(&filter(), flags).map_err(|error| code(&error))
}

fn code(error: &std::io::Error) -> Errno {
    Errno::from_io_error(error).unwrap_or(Errno::INVAL)
}

/// Asks the kernel what it has, in a process that ends at once: a filter cannot be taken back.
fn kernel() -> Result<Kernel, Error> {
    // Before anything else: under an emulator, this is what tells it.
    sys::check_notifications().map_err(|error| Error::of_install(code(&error)))?;
    let (here, there) = socket_pair()?;
    match fork()? {
        None => {
            let answer = match probe() {
                Ok(kernel) => [0, u8::from(kernel.waits_for_answers) | u8::from(kernel.sends_files) << 1],
                Err(code) => [1, code.raw_os_error() as u8],
            };
            let _ = rustix::net::send(&there, &answer, SendFlags::NOSIGNAL);
            sys::exit(0)
        }
        Some(child) => {
            drop(there);
            let answer = receive(&here);
            let _ = rustix::process::waitpid(Some(child), WaitOptions::empty());
            match answer? {
                [0, has] => Ok(Kernel { waits_for_answers: has & 1 != 0, sends_files: has & 2 != 0 }),
                [_, code] => Err(Error::of_install(Errno::from_raw_os_error(code.into()))),
            }
        }
    }
}

fn probe() -> Result<Kernel, Errno> {
    let with = |waits_for_answers| install(Kernel { waits_for_answers, sends_files: false });
    let (listener, waits_for_answers) = match with(true) {
        Err(Errno::INVAL) => (with(false)?, false),
        other => (other?, true),
    };
    let listener = Listener::new(listener);
    // There is no caller 0, which is what a kernel says that knows the question.
    let is_known = |flags| {
        let code =
            listener.add_file(0, listener.as_fd(), flags, 0).err().and_then(|error| Errno::from_io_error(&error));
        code == Some(Errno::NOENT)
    };
    match (is_known(SECCOMP_ADDFD_FLAG_SEND as u32), is_known(0)) {
        (sends_files, true) => Ok(Kernel { waits_for_answers, sends_files }),
        (_, false) => Err(Errno::NOSYS),
    }
}
