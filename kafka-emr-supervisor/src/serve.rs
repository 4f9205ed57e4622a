//! The supervisor's life: one system call after the other, until there is no program any more.

use std::fs::File;
use std::io;
use std::num::NonZero;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::thread;

use kafka_emr_hook::guard;
use libc::{SECCOMP_ADDFD_FLAG_SEND, SECCOMP_USER_NOTIF_FLAG_CONTINUE, c_long, seccomp_notif, seccomp_notif_resp};
use rustix::event::{PollFd, PollFlags};
use rustix::io::Errno;

use crate::answers::{Answer, Answers};
use crate::caller::Caller;
use crate::filter;
use crate::start::Kernel;
use crate::sys::Listener;

/// How many system calls are answered at once, at most. An answer takes microseconds, and no longer if the hosts file is slow:
/// that holds up one of them.
const MOST: usize = 4;

/// Starts the threads that answer. Returns whether there is one at least.
pub(crate) fn start_answering(listener: &Arc<Listener>, kernel: Kernel, answers: Answers) -> bool {
    let answers = Arc::new(answers);
    let processors = thread::available_parallelism().map_or(2, NonZero::get);
    let started = (0..processors.clamp(2, MOST)).filter(|_| {
        let (listener, answers) = (Arc::clone(listener), Arc::clone(&answers));
        let thread = thread::Builder::new().stack_size(STACK);
        thread.spawn(move || answer_all(&listener, kernel, &answers)).is_ok()
    });
    started.count() > 0
}

const STACK: usize = 256 << 10;

/// Waits until there is no program any more.
pub(crate) fn wait_for_the_end(listener: &Listener, program: OwnedFd) {
    let mut program = Some(program);
    loop {
        let mut polled = vec![PollFd::new(listener, PollFlags::empty())];
        polled.extend(program.as_ref().map(|program| PollFd::new(program, PollFlags::IN)));
        match rustix::event::poll(&mut polled, None) {
            Err(Errno::INTR) => continue,
            Err(_) => return,
            Ok(_) => {}
        }
        if !polled[0].revents().is_empty() {
            return;
        }
        if polled.get(1).is_some_and(|program| !program.revents().is_empty()) {
            program = None;
            // Others may wait for the end of its standard error.
            let null = File::options().write(true).open("/dev/null");
            drop(null.map(rustix::stdio::dup2_stderr));
        }
    }
}

fn answer_all(listener: &Listener, kernel: Kernel, answers: &Answers) {
    loop {
        match listener.receive() {
            Ok(call) => answer(listener, kernel, answers, &call),
            // The caller was interrupted or killed meanwhile; or there are none any more, by which the process ends.
            Err(error) if Errno::from_io_error(&error) == Some(Errno::INTR) => {}
            Err(error) if Errno::from_io_error(&error) == Some(Errno::NOENT) => thread::yield_now(),
            Err(_) => return,
        }
    }
}

fn answer(listener: &Listener, kernel: Kernel, answers: &Answers, call: &seccomp_notif) {
    let answer = guard("the supervisor", Answer::GoOn, || {
        let caller = Caller::new(listener, call);
        let known = filter::call(c_long::from(call.data.nr));
        caller.zip(known).map_or(Answer::GoOn, |(caller, known)| answers.of(known, &caller))
    });
    let mut response = seccomp_notif_resp { id: call.id, val: 0, error: 0, flags: 0 };
    match answer {
        Answer::GoOn => response.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE as u32,
        Answer::Done => {}
        Answer::Error(code) => response.error = -code.raw_os_error(),
        Answer::File(file, closes) => match give(listener, kernel, call.id, &file, closes) {
            Ok(None) => return,
            Ok(Some(number)) => response.val = number,
            // As open(2) has it, when the caller has as many files as it may.
            Err(error) => response.error = -error.raw_os_error().unwrap_or(libc::EIO),
        },
    }
    // A caller that is gone needs no answer.
    let _ = listener.send(response);
}

/// Gives the caller a file. Returns the number that it has there, if that is still to be told.
fn give(listener: &Listener, kernel: Kernel, id: u64, file: &OwnedFd, closes: bool) -> io::Result<Option<i64>> {
    let file_flags = if closes { libc::O_CLOEXEC as u32 } else { 0 };
    let flags = if kernel.sends_files { SECCOMP_ADDFD_FLAG_SEND as u32 } else { 0 };
    let number = listener.add_file(id, file.as_fd(), flags, file_flags)?;
    Ok((!kernel.sends_files).then_some(number))
}
