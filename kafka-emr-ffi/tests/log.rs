//! Where lines go, and that nobody waits for them. One test, because a process has one standard error.

use std::ffi::{CStr, CString, c_char, c_void};
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::ptr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Barrier, Mutex};

use kafka_emr::{
    KAFKA_EMR_NOT_MAPPED, LogLevel, kafka_emr_lookup, kafka_emr_resolver_free, kafka_emr_resolver_open,
    kafka_emr_set_log_cb,
};

/// Causes one warning, which names the number: another one each time.
fn warn(number: usize) {
    let name = CString::new(format!("emr-worker-{number}.cluster-48742")).unwrap();
    let source = c"emr://48742?release=3.10&emr-worker-1=127.0.0.1";
    let mut list = ptr::null_mut();
    // SAFETY: strings end in NUL, and the resolver is freed when nobody uses it any more.
    unsafe {
        let emr = kafka_emr_resolver_open(source.as_ptr(), ptr::null_mut(), 0);
        let code = kafka_emr_lookup(emr.as_ref(), name.as_ptr(), c"9092".as_ptr(), ptr::null(), &raw mut list);
        assert_eq!(code, KAFKA_EMR_NOT_MAPPED);
        kafka_emr_resolver_free(emr);
    }
}

#[track_caller]
fn check_line(text: &str, number: usize) {
    let start = format!("kafka-emr: warn: emr-worker-{number}.cluster-48742");
    assert!(text.starts_with(&start) && text.ends_with('\n') && text.lines().count() == 1, "{text:?}");
}

/// Makes it standard error.
fn become_stderr(file: &impl AsRawFd) {
    // SAFETY: both are open.
    assert_eq!(unsafe { libc::dup2(file.as_raw_fd(), libc::STDERR_FILENO) }, libc::STDERR_FILENO);
}

fn pipe() -> (File, File) {
    let mut ends = [0; 2];
    // SAFETY: there is room for two, and each has one owner.
    unsafe {
        assert_eq!(libc::pipe2(ends.as_mut_ptr(), libc::O_CLOEXEC), 0);
        (File::from_raw_fd(ends[0]), File::from_raw_fd(ends[1]))
    }
}

fn is_nonblocking(file: &impl AsRawFd) -> bool {
    // SAFETY: it is open.
    unsafe { libc::fcntl(file.as_raw_fd(), libc::F_GETFL) & libc::O_NONBLOCK != 0 }
}

/// Fills a pipe to the last byte, with zeros.
fn fill(pipe: &File) -> usize {
    let set = |flags: i32| {
        // SAFETY: it is open.
        assert_eq!(unsafe { libc::fcntl(pipe.as_raw_fd(), libc::F_SETFL, flags) }, 0);
    };
    set(libc::O_NONBLOCK);
    let mut filled = 0;
    while (&mut &*pipe).write(&[0]).is_ok() {
        filled += 1;
    }
    set(0);
    filled
}

fn read(from: &mut impl Read) -> String {
    let mut space = [0; 4096];
    let count = from.read(&mut space).unwrap();
    String::from_utf8(space[..count].to_owned()).unwrap()
}

static LINES: Mutex<Vec<(LogLevel, String)>> = Mutex::new(Vec::new());

/// Keeps the line. The opaque is a number, by which the next warning is caused from inside.
unsafe extern "C" fn keep(level: LogLevel, message: *const c_char, opaque: *mut c_void) {
    // SAFETY: the message ends in NUL.
    let message = unsafe { CStr::from_ptr(message) }.to_str().unwrap().to_owned();
    LINES.lock().unwrap().push((level, message));
    if !opaque.is_null() {
        warn(opaque.addr());
    }
}

static INSIDE: AtomicUsize = AtomicUsize::new(0);

/// Stays inside until the barrier of its opaque lets it go.
unsafe extern "C" fn stay(_: LogLevel, _: *const c_char, opaque: *mut c_void) {
    // SAFETY: the opaque is a barrier that lives as long as the callback is set.
    let barrier = unsafe { &*opaque.cast::<Barrier>() };
    barrier.wait();
    INSIDE.fetch_add(1, Ordering::SeqCst);
    barrier.wait();
    INSIDE.fetch_sub(1, Ordering::SeqCst);
}

/// Takes the callback back from inside.
unsafe extern "C" fn take_back(_: LogLevel, _: *const c_char, _: *mut c_void) {
    // SAFETY: null is the default.
    unsafe { kafka_emr_set_log_cb(None, ptr::null_mut()) };
}

#[test]
fn lines_go_where_they_can_be_read_and_wait_for_nobody() {
    // SAFETY: standard error is open; the copy is closed once.
    let harness = unsafe { OwnedFd::from_raw_fd(libc::dup(libc::STDERR_FILENO)) };
    let result = std::panic::catch_unwind(|| {
        standard_error();
        callbacks();
    });
    become_stderr(&harness);
    result.unwrap();
}

fn standard_error() {
    let mut file = tempfile::tempfile().unwrap();
    // Closed at first.
    // SAFETY: standard error is put back by the test.
    unsafe { libc::close(libc::STDERR_FILENO) };
    warn(10);

    // Another file later, as daemons have it.
    become_stderr(&file);
    warn(11);
    let mut text = String::new();
    std::io::Seek::rewind(&mut file).unwrap();
    file.read_to_string(&mut text).unwrap();
    let (lost, line) = text.split_once('\n').unwrap();
    assert_eq!(lost, "kafka-emr: warn: 1 line is lost, which standard error could not take at once");
    check_line(line, 11);

    // A pipe that is full, and read later.
    let (mut reader, writer) = pipe();
    become_stderr(&writer);
    warn(12);
    check_line(&read(&mut reader), 12);
    let filled = fill(&writer);
    warn(13);
    warn(14);
    reader.read_exact(&mut vec![0; filled]).unwrap();
    assert!(!is_nonblocking(&writer), "other processes write to it as well");
    warn(15);
    let text = read(&mut reader);
    let (lost, line) = text.split_once('\n').unwrap();
    assert_eq!(lost, "kafka-emr: warn: 2 lines are lost, which standard error could not take at once");
    check_line(line, 15);

    // A pipe, and a socket, that nobody reads any more: no SIGPIPE.
    drop(reader);
    warn(16);
    let (mut near, far) = UnixStream::pair().unwrap();
    become_stderr(&far);
    warn(17);
    let text = read(&mut near);
    check_line(text.split_once('\n').unwrap().1, 17);
    drop(near);
    warn(18);

    // A socket that is full.
    let (near, far) = UnixStream::pair().unwrap();
    far.set_nonblocking(true).unwrap();
    while (&far).write(&[0; 4096]).is_ok() {}
    while (&far).write(&[0]).is_ok() {}
    far.set_nonblocking(false).unwrap();
    become_stderr(&far);
    warn(19);
    assert!(!is_nonblocking(&far));
    drop(near);

    // A terminal that has stopped.
    let (mut master, mut terminal) = (0, 0);
    // SAFETY: there is room for both, and null is fine for the rest; each has one owner.
    let (mut master, terminal) = unsafe {
        let opened = libc::openpty(&raw mut master, &raw mut terminal, ptr::null_mut(), ptr::null(), ptr::null());
        assert_eq!(opened, 0);
        (File::from_raw_fd(master), File::from_raw_fd(terminal))
    };
    become_stderr(&terminal);
    warn(20);
    assert!(read(&mut master).contains("emr-worker-20.cluster-48742"));
    // SAFETY: it is open.
    assert_eq!(unsafe { libc::tcflow(terminal.as_raw_fd(), libc::TCOOFF) }, 0);
    warn(21);
    // SAFETY: it is open.
    assert_eq!(unsafe { libc::tcflow(terminal.as_raw_fd(), libc::TCOON) }, 0);
    assert!(!is_nonblocking(&terminal));
    warn(22);
    assert!(read(&mut master).contains("1 line is lost"));
}

fn callbacks() {
    let (mut reader, writer) = pipe();
    become_stderr(&writer);
    let set = |callback, opaque| {
        // SAFETY: the callbacks take these opaques, from any thread.
        unsafe { kafka_emr_set_log_cb(callback, opaque) };
    };
    set(Some(keep), ptr::null_mut());
    warn(30);
    // The line that it causes from inside does not come back to it.
    set(Some(keep), ptr::without_provenance_mut(32));
    warn(31);
    let lines = std::mem::take(&mut *LINES.lock().unwrap());
    let [(LogLevel::Warn, first), (LogLevel::Warn, second)] = &lines[..] else { panic!("{lines:?}") };
    assert!(first.starts_with("emr-worker-30.cluster-48742") && !first.contains('\n'), "{first:?}");
    assert!(second.starts_with("emr-worker-31.cluster-48742"), "{second:?}");
    check_line(&read(&mut reader), 32);

    set(None, ptr::null_mut());
    warn(33);
    check_line(&read(&mut reader), 33);
    assert!(LINES.lock().unwrap().is_empty());

    // One that is replaced is not called any more, by no thread, when its replacement returns.
    let barrier = Barrier::new(2);
    set(Some(stay), (&raw const barrier).cast_mut().cast());
    std::thread::scope(|scope| {
        scope.spawn(|| warn(34));
        barrier.wait();
        let replace = scope.spawn(|| {
            // SAFETY: null is the default.
            unsafe { kafka_emr_set_log_cb(None, ptr::null_mut()) };
            INSIDE.load(Ordering::SeqCst)
        });
        barrier.wait();
        assert_eq!(replace.join().unwrap(), 0);
    });
    set(Some(take_back), ptr::null_mut());
    warn(35);
    warn(36);
    check_line(&read(&mut reader), 36);
}
