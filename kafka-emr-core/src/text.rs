//! Texts as messages show them.

use std::fmt;

/// Shows a text with its control characters escaped, so that it cannot forge a line of a log.
///
/// ```
/// assert_eq!(kafka_emr_core::OneLine("a\nb").to_string(), r"a\nb");
/// ```
#[derive(Clone, Copy, Debug)]
pub struct OneLine<'a>(pub &'a str);

impl fmt::Display for OneLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in self.0.split_inclusive(char::is_control) {
            match part.char_indices().next_back() {
                Some((end, c)) if c.is_control() => write!(f, "{}{}", &part[..end], c.escape_default())?,
                _ => f.write_str(part)?,
            }
        }
        Ok(())
    }
}

/// Shows the first few of a list, in one line, and how many more there are.
///
/// ```
/// use kafka_emr_core::FirstOf;
///
/// assert_eq!(FirstOf(2, &["a", "b", "c"]).to_string(), "a, b and 1 more");
/// assert_eq!(FirstOf(3, &["a", "b", "c"]).to_string(), "a, b, c");
/// ```
#[derive(Clone, Copy, Debug)]
pub struct FirstOf<'a, T>(pub usize, pub &'a [T]);

impl<T: fmt::Display> fmt::Display for FirstOf<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let FirstOf(most, list) = *self;
        for (i, item) in list.iter().take(most).enumerate() {
            write!(f, "{}{}", if i > 0 { ", " } else { "" }, OneLine(&item.to_string()))?;
        }
        match list.len().saturating_sub(most) {
            0 => Ok(()),
            more => write!(f, " and {more} more"),
        }
    }
}
