//! The supervisor's life: one system call after the other, until there is no program any more.

use std::io;
use std::os::fd::{AsFd, OwnedFd};

use kafka_emr_hook::guard;
use libc::{SECCOMP_ADDFD_FLAG_SEND, SECCOMP_USER_NOTIF_FLAG_CONTINUE, c_long, seccomp_notif, seccomp_notif_resp};
use rustix::event::{PollFd, PollFlags};
use rustix::io::Errno;

use crate::answers::{Answer, Answers};
use crate::caller::Caller;
use crate::filter;
use crate::start::Kernel;
use crate::sys::Listener;

pub(crate) fn serve(listener: &Listener, kernel: Kernel, program: OwnedFd, mut answers: Answers) {
    let mut program = Some(program);
    loop {
        // The number of an event is that of what is polled.
        let events = {
            let mut polled = vec![PollFd::new(listener, PollFlags::IN)];
            polled.extend(program.as_ref().map(|program| PollFd::new(program, PollFlags::IN)));
            match rustix::event::poll(&mut polled, None) {
                Ok(_) => [polled[0].revents(), polled.get(1).map_or(PollFlags::empty(), PollFd::revents)],
                Err(Errno::INTR) => continue,
                Err(_) => return,
            }
        };
        if events[1].contains(PollFlags::IN) {
            // Others may wait for the end of its standard error.
            program = None;
            let null = std::fs::File::options().write(true).open("/dev/null");
            drop(null.map(rustix::stdio::dup2_stderr));
        }
        if events[0].contains(PollFlags::IN) {
            match listener.receive() {
                Ok(call) => answer(listener, kernel, &mut answers, &call),
                // The caller was interrupted or killed meanwhile.
                Err(error) if [Errno::NOENT, Errno::INTR].map(Some).contains(&Errno::from_io_error(&error)) => {}
                Err(_) => return,
            }
        } else if events[0].intersects(PollFlags::HUP | PollFlags::ERR) {
            return;
        }
    }
}

fn answer(listener: &Listener, kernel: Kernel, answers: &mut Answers, call: &seccomp_notif) {
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
