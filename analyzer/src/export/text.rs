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

/// The exact bytes, in hexadecimal, of text that [`escape::display`] made; `None`: the text is exact.
///
/// For text that was put together of several such pieces, a role's name for one.
pub fn hex_of(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        bytes.extend_from_slice(&rest.as_bytes()[..at]);
        let mut escape = rest[at + 1..].chars();
        match escape.next() {
            Some('n') => bytes.push(b'\n'),
            Some('t') => bytes.push(b'\t'),
            Some('r') => bytes.push(b'\r'),
            Some('x') => {
                let digits = escape.as_str().get(..2)?;
                bytes.push(u8::from_str_radix(digits, 16).ok()?);
                escape = escape.as_str()[2..].chars();
            }
            Some('u') => {
                let (digits, after) = escape.as_str().strip_prefix('{')?.split_once('}')?;
                let character = char::from_u32(u32::from_str_radix(digits, 16).ok()?)?;
                bytes.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                escape = after.chars();
            }
            Some(itself) => bytes.extend_from_slice(itself.encode_utf8(&mut [0; 4]).as_bytes()),
            None => return None,
        }
        rest = escape.as_str();
    }
    if bytes.is_empty() && rest.len() == text.len() {
        return None;
    }
    bytes.extend_from_slice(rest.as_bytes());
    Some(escape::hex(&bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_escaped_can_be_had_back() {
        let all: Vec<u8> = (0..=255).collect();
        let names: [&[u8]; 6] = [
            b"plain",
            b"\\",
            b"a\x1b[31mb",
            b"\xc3\xa9 \xff\n",
            "\u{202e}x\u{85}".as_bytes(),
            &all,
        ];
        for name in names {
            let shown = shown(name);
            assert_eq!(hex_of(&shown.text), shown.hex, "{}", shown.text);
        }
        assert_eq!(hex_of("cut \\x1"), None);
    }
}
