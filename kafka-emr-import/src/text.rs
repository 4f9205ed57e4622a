//! Texts as messages show them.

use std::fmt;

use kafka_emr_core::OneLine;

/// Shows the first few of a list, in one line, and how many more there are.
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
