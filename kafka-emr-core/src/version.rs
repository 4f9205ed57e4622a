//! EMR releases and their spellings.

use std::fmt;
use std::str::FromStr;

use crate::{Error, ErrorKind};

/// An EMR release, such as `EMR-3.10.1`.
///
/// The connection rules compare releases by [`EmrVersion::number`]: `3.9` is earlier than `3.11`, and what follows the minor
/// number does not count. Two releases are equal when they are written the same.
///
/// Accepted spellings, in any case: `EMR-3.10.1`, `EMR-3.16.0_pre`, `V3.11.X`, `EMR V3.44.0`,
/// `E-MapReduce-3.12.0`, `3.11`, `3.11.x`.
///
/// # Examples
///
/// ```
/// use kafka_emr_core::EmrVersion;
///
/// let release: EmrVersion = "EMR V3.9.2".parse()?;
/// assert!(release.number() < (3, 11));
/// assert_eq!(release.to_string(), "EMR V3.9.2");
/// # Ok::<(), kafka_emr_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct EmrVersion {
    major: u32,
    minor: u32,
    /// As the user wrote it, so that messages show what he knows.
    text: Box<str>,
}

impl EmrVersion {
    /// Makes the release `EMR-major.minor`.
    #[must_use]
    pub fn new(major: u32, minor: u32) -> Self {
        EmrVersion { major, minor, text: format!("EMR-{major}.{minor}").into() }
    }

    /// Returns the major number: 3 of `EMR-3.10.1`.
    #[must_use]
    pub fn major(&self) -> u32 {
        self.major
    }

    /// Returns the minor number: 10 of `EMR-3.10.1`.
    #[must_use]
    pub fn minor(&self) -> u32 {
        self.minor
    }

    /// Returns major and minor number, which is what the rules compare.
    #[must_use]
    pub fn number(&self) -> (u32, u32) {
        (self.major, self.minor)
    }
}

/// Walks over the text and knows where it is, for the error's caret-like "at character N".
struct Cursor<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Cursor<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn eat(&mut self, word: &str) -> bool {
        let found = self.rest().get(..word.len()).is_some_and(|head| head.eq_ignore_ascii_case(word));
        if found {
            self.at += word.len();
        }
        found
    }

    fn eat_while(&mut self, keep: fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let taken = &rest[..rest.find(|c| !keep(c)).unwrap_or(rest.len())];
        self.at += taken.len();
        taken
    }

    fn number(&mut self, what: &str) -> Result<u32, Error> {
        let before = self.at;
        let digits = self.eat_while(|c| c.is_ascii_digit());
        digits.parse().map_err(|_| {
            self.at = before;
            self.expected(what)
        })
    }

    fn expected(&self, what: &str) -> Error {
        let found = match self.rest().chars().next() {
            Some(c) => format!("found {c:?}"),
            None => "the text ends".to_owned(),
        };
        let place = self.text[..self.at].chars().count() + 1;
        Error::new(
            ErrorKind::Release,
            format!(
                "{:?} is no EMR release: at character {place} {found} where {what} was expected; \
                 write it like EMR-3.10.1, V3.11.X or 3.11",
                self.text
            ),
        )
    }
}

impl FromStr for EmrVersion {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let mut cursor = Cursor { text: text.trim(), at: 0 };
        if (cursor.eat("E-MapReduce") || cursor.eat("EMR"))
            && !cursor.eat("-")
            && cursor.eat_while(|c| c == ' ').is_empty()
        {
            return Err(cursor.expected("'-' or a space after the product's name"));
        }
        cursor.eat("V");
        let major = cursor.number("the major number")?;
        if !cursor.eat(".") {
            return Err(cursor.expected("'.' and the minor number"));
        }
        let minor = cursor.number("the minor number")?;
        if cursor.eat(".") && !cursor.eat("X") {
            cursor.number("the patch number or X")?;
            if cursor.eat("_") && cursor.eat_while(|c| c.is_ascii_alphanumeric()).is_empty() {
                return Err(cursor.expected("a suffix such as pre"));
            }
        }
        if !cursor.rest().is_empty() {
            return Err(cursor.expected("the end"));
        }
        Ok(EmrVersion { major, minor, text: cursor.text.into() })
    }
}

impl fmt::Display for EmrVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl serde::Serialize for EmrVersion {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: (u32, u32)) {
        let release: EmrVersion = text.parse().unwrap();
        assert_eq!((release.major, release.minor), expected);
        assert_eq!(release.to_string(), text.trim());
    }

    #[test]
    fn accepts_every_spelling() {
        check("EMR-3.10.1", (3, 10));
        check("EMR-3.16.0_pre", (3, 16));
        check("V3.11.X", (3, 11));
        check("EMR V3.44.0", (3, 44));
        check("E-MapReduce-3.12.0", (3, 12));
        check("3.11", (3, 11));
        check("3.11.x", (3, 11));
        check("emr-5.8.0", (5, 8));
        check("e-mapreduce v4.1", (4, 1));
        check("  EMR-2.7.3 ", (2, 7));
    }

    #[test]
    fn orders_by_number() {
        let in_order = ["2.99.0", "3.9.9", "EMR-3.10.1", "3.11", "V3.12.X", "EMR-4.1.0", "5.0"];
        let numbers: Vec<(u32, u32)> =
            in_order.iter().map(|text| text.parse::<EmrVersion>().unwrap().number()).collect();
        assert!(numbers.is_sorted_by(|a, b| a < b));
    }

    #[test]
    fn releases_that_differ_behind_the_minor_number_are_not_equal() {
        let [first, second] = ["3.11.0", "3.11.2"].map(|text| text.parse::<EmrVersion>().unwrap());
        assert_eq!(first.number(), second.number());
        assert_ne!(first, second);
    }

    #[track_caller]
    fn refuse(text: &str, says: &str) {
        let error = text.parse::<EmrVersion>().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Release);
        let message = error.to_string();
        assert!(message.contains(&format!("{:?}", text.trim())), "{message}");
        assert!(message.contains(says), "{message}");
        assert!(message.contains("EMR-3.10.1"), "{message}");
    }

    #[test]
    fn refuses_anything_else() {
        refuse("3.1O", "at character 4 found 'O'");
        refuse("EMR-", "at character 5 the text ends");
        refuse("three", "at character 1 found 't'");
        refuse("", "at character 1 the text ends");
        refuse("3", "at character 2 the text ends where '.'");
        refuse("3.", "the minor number");
        refuse("EMR3.11", "'-' or a space");
        refuse("3.11.x.2", "the end");
        refuse("3.11.0_", "a suffix");
        refuse("3.11.0 beta", "the end");
        refuse("99999999999.1", "at character 1");
        refuse("\u{FF13}.11", "at character 1 found '\u{FF13}'");
        refuse("-3.11", "at character 1");
    }
}
