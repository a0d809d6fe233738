//! Kernel text in documents: printable, with the exact bytes in hexadecimal where escaping changed it.

use crate::query::{Via, ViaKind};
use crate::text::escape;

/// Printable text, and the exact bytes if they differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExactText {
    /// Printable text.
    pub text: String,
    /// The exact bytes in hexadecimal; `None` if they are those of `text`.
    pub hex: Option<String>,
}

impl ExactText {
    /// Escapes bytes.
    pub fn new(bytes: &[u8]) -> Self {
        let text = escape::display(bytes);
        let hex = (text.as_bytes() != bytes).then(|| escape::hex(bytes));
        Self { text, hex }
    }
}

/// The exact bytes in hexadecimal of a text that is escaped already, such as a role; `None` if they
/// are those of the text.
pub fn hex_of(text: &str) -> Option<String> {
    let bytes = escape::unescape(text);
    (text.as_bytes() != bytes).then(|| escape::hex(&bytes))
}

/// The exact bytes in hexadecimal of a name, an abstract one with its leading zero byte; `None` if
/// they are those of the text.
pub fn hex_of_name(via: &Via) -> Option<String> {
    let hex = hex_of(&via.text)?;
    Some(match via.kind {
        // The zero byte in place of the `@`.
        ViaKind::Abstract => format!("00{}", hex.get(2..).unwrap_or_default()),
        _ => hex,
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use crate::model::Name;

    #[test]
    fn exact_bytes_of_escaped_text() {
        assert_eq!(hex_of("plain"), None);
        assert_eq!(
            hex_of(&ExactText::new(b"a\xff").text),
            Some("61ff".to_owned())
        );
        let hex = |name: &[u8]| hex_of_name(&Via::from(&Name::from_diag(name).unwrap()));
        assert_eq!(hex(b"\0a\n"), Some("00610a".to_owned()));
        assert_eq!(hex(b"/a\n\0"), Some("2f610a".to_owned()));
        assert_eq!(hex(b"\0plain"), None);
    }
}
