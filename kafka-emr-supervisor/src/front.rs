//! A process that stays in front of the program, where the supervisor has to be the program's parent.
//!
//! Yama, which Ubuntu has, lets a process read the memory of its descendants only. The supervisor cannot be an ancestor of the
//! process that was started, so that one stays, starts the supervisor, and does what the program does, which is the
//! supervisor's child: it passes signals on, stops when the program stops, and ends as it ends.

use std::ffi::c_int;
use std::os::fd::{AsFd, OwnedFd};
use std::thread::{self, JoinHandle};

use rustix::event::{PollFd, PollFlags};
use rustix::net::{RecvFlags, SendFlags};
use rustix::process::{Pid, PidfdFlags, Resource, Rlimit, Signal, WaitOptions};

use crate::sys;

/// What the program did, in a message from the supervisor to the process in front.
type Event = [u8; 5];

const STARTED: u8 = b'p';
const STOPPED: u8 = b's';
const EXITED: u8 = b'e';
const KILLED: u8 = b'k';

fn event(kind: u8, number: i32) -> Event {
    let [a, b, c, d] = number.to_ne_bytes();
    [kind, a, b, c, d]
}

/// The supervisor's part: tells the process in front what becomes of the program, until there is no descendant any more.
pub(crate) fn report(program: Pid, front: &OwnedFd) -> Option<JoinHandle<()>> {
    // Programs whose parents have ended stay descendants, so that their memory can be read.
    let _ = rustix::process::set_child_subreaper(Some(rustix::process::getpid()));
    sys::default_signal(Signal::CHILD);
    let killed = rustix::process::pidfd_open(program, PidfdFlags::empty()).ok()?;
    let (in_front, reports) = (front.try_clone().ok()?, front.try_clone().ok()?);
    // Whoever kills the process in front means the program.
    thread::spawn(move || {
        if let Ok((0, _)) = rustix::net::recv(&in_front, &mut [0], RecvFlags::empty()) {
            let _ = rustix::process::pidfd_send_signal(&killed, Signal::KILL);
        }
    });
    Some(thread::spawn(move || {
        let send = |kind, number| rustix::net::send(&reports, &event(kind, number), SendFlags::NOSIGNAL);
        let _ = send(STARTED, program.as_raw_nonzero().get());
        while let Ok(Some((child, status))) = rustix::process::wait(WaitOptions::UNTRACED) {
            if child == program {
                let _ = match (status.exit_status(), status.terminating_signal(), status.stopping_signal()) {
                    (Some(code), ..) => send(EXITED, code),
                    (_, Some(signal), _) => send(KILLED, signal),
                    (.., Some(signal)) => send(STOPPED, signal),
                    _ => continue,
                };
            }
        }
    }))
}

/// The part of the process in front. It ends as the program does.
pub(crate) fn mirror(supervisor: OwnedFd) -> ! {
    let Some((STARTED, program)) = receive(&supervisor) else { sys::exit(LOST) };
    let Some(program) = Pid::from_raw(program) else { sys::exit(LOST) };
    let pidfd = rustix::process::pidfd_open(program, PidfdFlags::empty());
    thread::spawn(move || {
        loop {
            match receive(&supervisor) {
                Some((EXITED, code)) => sys::exit(code),
                Some((KILLED, signal)) => end_by(signal),
                Some((STOPPED, _)) => drop(rustix::process::kill_process(rustix::process::getpid(), Signal::STOP)),
                _ => {
                    log::error!("the supervisor was killed: the program has no names, and opens no file, from now on");
                    if let Ok(pidfd) = &pidfd {
                        let _ = rustix::event::poll(&mut [PollFd::new(pidfd, PollFlags::IN)], None);
                    }
                    sys::exit(LOST)
                }
            }
        }
    });
    loop {
        let Some((signal, from_terminal)) = sys::next_signal() else { continue };
        // The terminal has sent it to the program as well.
        if !from_terminal && signal != Signal::CHILD {
            let _ = rustix::process::kill_process(program, signal);
        }
    }
}

/// The exit status when it is not known how the program ended.
const LOST: c_int = 2;

fn receive(socket: &OwnedFd) -> Option<(u8, i32)> {
    let mut message = [0; 5];
    match rustix::io::retry_on_intr(|| rustix::net::recv(socket.as_fd(), &mut message, RecvFlags::empty())) {
        Ok((5, _)) => {
            let [kind, number @ ..] = message;
            Some((kind, i32::from_ne_bytes(number)))
        }
        _ => None,
    }
}

/// Ends by a signal, without a core of its own.
fn end_by(signal: i32) -> ! {
    let _ = rustix::process::setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
    if let Some(signal) = Signal::from_named_raw(signal) {
        sys::default_signal(signal);
        sys::unblock_signals();
        // To this thread: the other one takes those of the process.
        sys::raise(signal);
    }
    // One that ends nobody here, or has no name: as shells have it.
    sys::exit(128 + signal)
}
