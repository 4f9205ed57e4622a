//! Strings in, messages out.

use std::ffi::{CStr, c_char};
use std::fmt::Display;
use std::marker::PhantomData;
use std::ptr;

use kafka_emr_hook::guard;

use crate::error::{Error, ErrorCode, set_last};

/// A caller's buffer for a message: `char *errstr, size_t errstr_size`.
///
/// A message that does not fit is cut between two characters and ends in `...`; whatever is written ends in NUL.
pub(crate) struct ErrStr<'a> {
    /// Null where no message is wanted.
    space: *mut u8,
    /// How many bytes there are beside the NUL.
    room: usize,
    _caller: PhantomData<&'a mut [u8]>,
}

const CUT: &str = "...";

impl ErrStr<'_> {
    /// Takes the caller's pointer; null, or a size of 0, is for callers that want no message.
    ///
    /// # Safety
    ///
    /// `errstr` is null or points to `size` bytes that may be written as long as the result lives.
    pub(crate) unsafe fn new(errstr: *mut c_char, size: usize) -> Self {
        let space = if size == 0 { ptr::null_mut() } else { errstr.cast() };
        ErrStr { space, room: size.saturating_sub(1), _caller: PhantomData }
    }

    /// Runs `body` as [`guard`] does, and writes its error. A panic leaves a message too: callers read it without asking whether
    /// there is one.
    pub(crate) fn guard<T: Copy, E: Display>(
        mut self,
        what: &str,
        otherwise: T,
        body: impl FnOnce() -> Result<T, E>,
    ) -> T {
        let mut message = Some("kafka-emr: it panicked, which is a defect; the place is in the log".to_owned());
        let result = guard(what, otherwise, || {
            let result = body();
            message = result.as_ref().err().map(ToString::to_string);
            result.unwrap_or(otherwise)
        });
        if let Some(message) = message {
            guard(what, (), || self.write(&message));
        }
        result
    }

    /// As [`ErrStr::guard`], for a function of the program's, which can ask for the code of its error then.
    pub(crate) fn call<T: Copy>(self, what: &str, otherwise: T, body: impl FnOnce() -> Result<T, Error>) -> T {
        let mut code = ErrorCode::Internal;
        let result = self.guard(what, otherwise, || {
            let result = body();
            code = result.as_ref().map_or_else(|error| error.code, |_| ErrorCode::Ok);
            result
        });
        set_last(code);
        result
    }

    fn write(&mut self, message: &str) {
        if self.space.is_null() {
            return;
        }
        // A NUL inside would hide the rest.
        let message = message.replace('\0', "\u{FFFD}");
        let (text, cut) = if message.len() <= self.room {
            (message.as_str(), "")
        } else {
            let cut = if self.room > CUT.len() { CUT } else { "" };
            let mut end = self.room - cut.len();
            while !message.is_char_boundary(end) {
                end -= 1;
            }
            (&message[..end], cut)
        };
        // SAFETY: not null, so there are `room + 1` bytes, and text and cut together are no longer than `room`.
        unsafe {
            self.space.copy_from_nonoverlapping(text.as_ptr(), text.len());
            self.space.add(text.len()).copy_from_nonoverlapping(cut.as_ptr(), cut.len());
            self.space.add(text.len() + cut.len()).write(0);
        }
    }
}

/// Reads a caller's string.
///
/// # Safety
///
/// `text` is null or a NUL-terminated string that lives as long as the result is used.
pub(crate) unsafe fn string<'a>(what: &str, text: *const c_char) -> Result<&'a str, Error> {
    if text.is_null() {
        return Err(Error::argument(format!("{what} is NULL")));
    }
    // SAFETY: not null, and the caller vouches for the rest.
    let text = unsafe { CStr::from_ptr(text) };
    text.to_str().map_err(|error| {
        let shown: String = text.to_string_lossy().chars().take(200).collect();
        Error::argument(format!("{what} is not UTF-8 from byte {} on: {shown:?}", error.valid_up_to()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::kafka_emr_last_error;

    #[track_caller]
    fn check(size: usize, message: &str, expected: &str) {
        let mut space = vec![0x55_u8; 32];
        // SAFETY: the bytes are this vector's.
        unsafe { ErrStr::new(space.as_mut_ptr().cast(), size) }.write(message);
        assert_eq!(CStr::from_bytes_until_nul(&space).unwrap().to_str().unwrap(), expected);
        assert!(space[size..].iter().all(|byte| *byte == 0x55), "written past the end");
    }

    #[test]
    fn cuts_between_characters_and_ends_in_nul() {
        check(32, "all of it", "all of it");
        check(10, "all of it", "all of it");
        check(9, "all of it", "all o...");
        check(8, "äöü!!", "äö...");
        check(7, "äöü!", "ä...");
        check(4, "äöü", "ä");
        check(2, "äöü", "");
        check(1, "anything", "");
        check(20, "a\0b", "a\u{FFFD}b");
    }

    #[test]
    fn a_panic_leaves_a_message() {
        let mut space = [0x55_u8; 100];
        // SAFETY: the bytes are this array's.
        let errstr = unsafe { ErrStr::new(space.as_mut_ptr().cast(), space.len()) };
        assert_eq!(errstr.call("test", 7, || panic!("expected by this test")), 7);
        assert_eq!(kafka_emr_last_error(), ErrorCode::Internal);
        assert!(CStr::from_bytes_until_nul(&space).unwrap().to_str().unwrap().contains("panicked"));
    }

    #[test]
    fn an_error_leaves_its_message_and_its_code_until_the_next_call() {
        let mut space = [0x55_u8; 100];
        let mut call = |result: Result<i32, Error>| {
            // SAFETY: the bytes are this array's.
            let errstr = unsafe { ErrStr::new(space.as_mut_ptr().cast(), space.len()) };
            (errstr.call("test", 7, || result), kafka_emr_last_error(), space[0])
        };
        assert_eq!(call(Ok(0)), (0, ErrorCode::Ok, 0x55));
        assert_eq!(call(Err(Error::argument("no"))), (7, ErrorCode::Argument, b'n'));
        // Of another thread.
        assert_eq!(std::thread::spawn(|| kafka_emr_last_error()).join().unwrap(), ErrorCode::Ok);
        assert_eq!(kafka_emr_last_error(), ErrorCode::Argument);
        assert_eq!(call(Ok(1)), (1, ErrorCode::Ok, b'n'));
    }

    #[test]
    fn no_buffer_is_fine() {
        // SAFETY: null, and no bytes.
        unsafe {
            ErrStr::new(std::ptr::null_mut(), 10).write("x");
            ErrStr::new(std::ptr::dangling_mut(), 0).write("x");
        }
    }

    #[test]
    fn strings_are_checked() {
        // SAFETY: null, or strings that end in NUL.
        unsafe {
            assert_eq!(string("source", std::ptr::null()).unwrap_err().to_string(), "source is NULL");
            assert_eq!(string("source", c"ü".as_ptr()).unwrap(), "ü");
            assert!(string("source", c"ab\xff".as_ptr()).unwrap_err().to_string().contains("from byte 2"));
        }
    }
}
