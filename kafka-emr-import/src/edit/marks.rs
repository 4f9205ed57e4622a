//! What an editor leaves in a text that is not part of it: a byte order mark, and the line ends of Windows.

use crate::input::BYTE_ORDER_MARK;

#[derive(Clone, Copy)]
pub(super) struct Marks {
    byte_order: bool,
    /// Lines end as on Windows.
    carriage_returns: bool,
}

impl Marks {
    /// Takes the marks off a text.
    pub(super) fn remove(text: &str) -> (Self, String) {
        let plain = text.trim_start_matches(BYTE_ORDER_MARK);
        let marks = Marks {
            byte_order: plain.len() < text.len(),
            // If lines end in both ways, most of them decide.
            carriage_returns: plain.matches("\r\n").count() * 2 > plain.matches('\n').count(),
        };
        (marks, plain.replace("\r\n", "\n"))
    }

    pub(super) fn restore(self, text: String) -> String {
        let text = if self.carriage_returns { text.replace('\n', "\r\n") } else { text };
        if self.byte_order { format!("{BYTE_ORDER_MARK}{text}") } else { text }
    }
}
