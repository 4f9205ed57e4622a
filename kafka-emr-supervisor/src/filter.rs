//! Which system calls the kernel asks the supervisor about: one table, and the filter that is made of it.

use libc::{
    BPF_ABS, BPF_JEQ, BPF_JMP, BPF_JSET, BPF_K, BPF_LD, BPF_RET, BPF_W, SECCOMP_RET_ALLOW, SECCOMP_RET_USER_NOTIF,
    c_long, seccomp_data, sock_filter,
};

/// A system call that may be answered, and where its arguments are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Call {
    /// A file is opened: the arguments with the folder, if there is one, with the path, and with the flags.
    Open {
        folder: Option<usize>,
        path: usize,
        flags: usize,
    },
    /// openat2, whose flags are in memory.
    Open2,
    /// The state of a file is asked for: the arguments with the folder, if there is one, with the path, and with the result.
    Stat {
        folder: Option<usize>,
        path: usize,
        result: usize,
    },
    Connect,
    /// Data is sent along with the first packet of a connection: sendto.
    SendTo,
    /// The same by sendmsg and sendmmsg, whose first structure begins alike.
    SendMessage,
}

/// When a system call is asked about. The filter sees its arguments, but no memory.
#[derive(Clone, Copy)]
enum When {
    Always,
    /// None of these bits is set in the argument.
    Without(usize, u32),
    /// One of them is.
    With(usize, u32),
}

/// Flags with which an open is not one for reading what is there: those that write, create, or want no content.
const NO_READING: u32 = (libc::O_ACCMODE | libc::O_CREAT | libc::O_TRUNC | libc::O_DIRECTORY | libc::O_PATH) as u32;

/// Flags with which a state is not that of the file that a path leads to, by its content. Those who walk over trees of
/// files set `AT_SYMLINK_NOFOLLOW`; fstat sets `AT_EMPTY_PATH`.
const NO_CONTENT: u32 = !(libc::AT_NO_AUTOMOUNT as u32);

const FAST_OPEN: u32 = libc::MSG_FASTOPEN as u32;

#[cfg(target_arch = "x86_64")]
const CALLS: [(c_long, When, Call); 9] = [
    (libc::SYS_open, When::Without(1, NO_READING), Call::Open { folder: None, path: 0, flags: 1 }),
    OPENAT,
    (libc::SYS_openat2, When::Always, Call::Open2),
    (libc::SYS_stat, When::Always, Call::Stat { folder: None, path: 0, result: 1 }),
    NEWFSTATAT,
    CONNECT,
    SENDTO,
    SENDMSG,
    SENDMMSG,
];

#[cfg(target_arch = "aarch64")]
const CALLS: [(c_long, When, Call); 7] =
    [OPENAT, (libc::SYS_openat2, When::Always, Call::Open2), NEWFSTATAT, CONNECT, SENDTO, SENDMSG, SENDMMSG];

const OPENAT: (c_long, When, Call) =
    (libc::SYS_openat, When::Without(2, NO_READING), Call::Open { folder: Some(0), path: 1, flags: 2 });
const NEWFSTATAT: (c_long, When, Call) =
    (libc::SYS_newfstatat, When::Without(3, NO_CONTENT), Call::Stat { folder: Some(0), path: 1, result: 2 });
const CONNECT: (c_long, When, Call) = (libc::SYS_connect, When::Always, Call::Connect);
const SENDTO: (c_long, When, Call) = (libc::SYS_sendto, When::With(3, FAST_OPEN), Call::SendTo);
const SENDMSG: (c_long, When, Call) = (libc::SYS_sendmsg, When::With(2, FAST_OPEN), Call::SendMessage);
const SENDMMSG: (c_long, When, Call) = (libc::SYS_sendmmsg, When::With(3, FAST_OPEN), Call::SendMessage);

/// `AUDIT_ARCH_…` of this processor: system calls of another, as a 32-bit program makes them, have other numbers.
const ARCHITECTURE: u32 = if cfg!(target_arch = "x86_64") { 0xC000_003E } else { 0xC000_00B7 };

/// Returns what a system call of the table is.
pub(crate) fn call(number: c_long) -> Option<Call> {
    CALLS.iter().find(|(known, ..)| *known == number).map(|(_, _, call)| *call)
}

/// Makes the filter. Calls that are not in the table go on, and the kernel remembers which they are: they cost nothing.
pub(crate) fn filter() -> Vec<sock_filter> {
    let architecture = std::mem::offset_of!(seccomp_data, arch) as u32;
    let mut filter = vec![
        load(architecture),
        jump(BPF_JEQ, ARCHITECTURE, 1, 0),
        answer(SECCOMP_RET_ALLOW),
        load(std::mem::offset_of!(seccomp_data, nr) as u32),
    ];
    for (number, when, _) in CALLS {
        let block = match when {
            When::Always => vec![answer(SECCOMP_RET_USER_NOTIF)],
            When::With(argument, bits) => when_set(argument, bits, SECCOMP_RET_USER_NOTIF, SECCOMP_RET_ALLOW),
            When::Without(argument, bits) => when_set(argument, bits, SECCOMP_RET_ALLOW, SECCOMP_RET_USER_NOTIF),
        };
        filter.push(jump(BPF_JEQ, number as u32, 0, block.len() as u8));
        filter.extend(block);
    }
    filter.push(answer(SECCOMP_RET_ALLOW));
    filter
}

fn when_set(argument: usize, bits: u32, then: u32, otherwise: u32) -> Vec<sock_filter> {
    // The lower half of the argument: the kernel takes flags from there.
    let offset = std::mem::offset_of!(seccomp_data, args) + argument * size_of::<u64>();
    vec![load(offset as u32), jump(BPF_JSET, bits, 0, 1), answer(then), answer(otherwise)]
}

fn load(offset: u32) -> sock_filter {
    instruction(BPF_LD | BPF_W | BPF_ABS, 0, 0, offset)
}

fn jump(condition: u32, value: u32, when_true: u8, when_false: u8) -> sock_filter {
    instruction(BPF_JMP | condition | BPF_K, when_true, when_false, value)
}

fn answer(action: u32) -> sock_filter {
    instruction(BPF_RET | BPF_K, 0, 0, action)
}

fn instruction(code: u32, jt: u8, jf: u8, k: u32) -> sock_filter {
    sock_filter { code: code as u16, jt, jf, k }
}
