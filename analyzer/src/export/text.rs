//! Kernel text in documents: printable, with the exact bytes beside it where that changed it.

use crate::query::{Via, ViaKind};
use crate::text::escape;

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

/// The exact bytes of a text that is printable already, such as a role, in hexadecimal; `None`:
/// they are those of the text.
pub fn hex_of(text: &str) -> Option<String> {
    let bytes = escape::bytes(text);
    (text.as_bytes() != bytes).then(|| escape::hex(&bytes))
}

/// The same of a name; of an abstract one with its leading zero byte.
pub fn hex_of_name(via: &Via) -> Option<String> {
    let hex = hex_of(&via.text)?;
    Some(match via.kind {
        // In place of the `@`.
        ViaKind::Abstract => format!("00{}", hex.get(2..).unwrap_or_default()),
        _ => hex,
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use crate::model::Name;
    use crate::query::named;

    #[test]
    fn bytes_stand_beside_what_cannot_be_shown() {
        assert_eq!(hex_of("plain"), None);
        assert_eq!(hex_of(&shown(b"a\xff").text), Some("61ff".to_owned()));
        let hex = |name: &[u8]| hex_of_name(&named(&Name::from_diag(name).unwrap()));
        assert_eq!(hex(b"\0a\n"), Some("00610a".to_owned()));
        assert_eq!(hex(b"/a\n\0"), Some("2f610a".to_owned()));
        assert_eq!(hex(b"\0plain"), None);
    }
}
