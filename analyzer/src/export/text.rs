//! Kernel text in documents: printable, with the exact bytes beside it where that changed it.

use crate::escape;

/// Printable text, and its bytes where they cannot be told from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// For display.
    pub text: String,
    /// The exact bytes in hexadecimal; `None`: they are those of `text`.
    pub hex: Option<String>,
}

/// Makes bytes printable.
pub fn shown(bytes: &[u8]) -> Shown {
    let text = escape::display(bytes);
    let hex = (text.as_bytes() != bytes).then(|| escape::hex(bytes));
    Shown { text, hex }
}
