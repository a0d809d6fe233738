//! Escapes text for output: control and bidi characters, and XML.
//!
//! Names, arguments and paths are bytes that an attacker may have chosen. All of them pass through
//! [`display`] on their way out; each output language then has one function that quotes text: [`xml`]
//! here, those of `export::csv` and `export::dot`, and serde_json's.

use std::fmt::Write as _;

/// Printable text of bytes: printable characters unchanged, everything else as `\xNN` or `\u{NN}`.
///
/// Control characters, bytes that are not UTF-8, and the characters that reorder or hide text
/// (bidirectional controls, zero-width characters, line separators) are escaped. So is the backslash,
/// which makes the result unambiguous: see [`unescape`].
pub fn display(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    push_display(&mut out, bytes);
    out
}

/// Appends what [`display`] returns.
pub fn push_display(out: &mut String, bytes: &[u8]) {
    // Fast path: nearly all names are printable ASCII.
    let is_plain = |byte: &u8| matches!(byte, b' '..=b'~') && *byte != b'\\';
    if let Ok(text) = std::str::from_utf8(bytes)
        && bytes.iter().all(is_plain)
    {
        return out.push_str(text);
    }
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            match character {
                '\\' => out.push_str("\\\\"),
                '\n' => out.push_str("\\n"),
                '\t' => out.push_str("\\t"),
                '\r' => out.push_str("\\r"),
                c if !is_escaped(c) => out.push(c),
                c if u32::from(c) < 0x80 => {
                    let _ = write!(out, "\\x{:02x}", u32::from(c));
                }
                c => {
                    let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
                }
            }
        }
        for byte in chunk.invalid() {
            let _ = write!(out, "\\x{byte:02x}");
        }
    }
}

/// The bytes of text that [`display`] returned, or that is composed of such text.
pub fn unescape(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, escape)) = rest.split_once('\\') {
        out.extend_from_slice(before.as_bytes());
        let length = escape_length(escape);
        let (code, after) = escape.split_at(length.unwrap_or(0));
        let number = |digits: &str| u32::from_str_radix(digits, 16).unwrap_or_default();
        match code.as_bytes() {
            b"n" => out.push(b'\n'),
            b"t" => out.push(b'\t'),
            b"r" => out.push(b'\r'),
            [b'x', ..] => out.extend(u8::try_from(number(&code[1..]))),
            [b'u', ..] => {
                let character = char::from_u32(number(code[1..].trim_matches(['{', '}'])));
                let mut buffer = [0; 4];
                let text = character.map_or("", |c| c.encode_utf8(&mut buffer));
                out.extend_from_slice(text.as_bytes());
            }
            _ => out.push(b'\\'),
        }
        rest = after;
    }
    out.extend_from_slice(rest.as_bytes());
    out
}

/// Length of an escape of [`display`] without the backslash; `None` if it is not an escape.
pub fn escape_length(after_backslash: &str) -> Option<usize> {
    let hex = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_hexdigit());
    match after_backslash.as_bytes() {
        [b'\\' | b'n' | b't' | b'r', ..] => Some(1),
        [b'x', ..] => after_backslash.get(1..3).filter(|d| hex(d)).map(|_| 3),
        [b'u', b'{', ..] => {
            let (digits, _) = after_backslash.get(2..)?.split_once('}')?;
            (hex(digits) && digits.len() <= 6).then_some(digits.len() + 3)
        }
        _ => None,
    }
}

/// A Unix socket's name, printable: a path, or `@` and the abstract name.
pub fn name(bytes: &[u8]) -> String {
    match bytes {
        [0, rest @ ..] => format!("@{}", display(rest)),
        path => display(path),
    }
}

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        let _ = write!(out, "{byte:02x}");
    }
    out
}

/// XML character data and attribute values: markup is escaped, and characters that XML 1.0 forbids are
/// replaced with U+FFFD.
pub fn xml(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\t' | '\n' | '\r' => out.push(' '),
            c if is_xml(c) => out.push(c),
            _ => out.push('\u{fffd}'),
        }
    }
    out
}

/// Whether [`display`] escapes a character, other than the backslash: it is not visible, or reorders or
/// hides other text.
pub fn is_escaped(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff0}'..='\u{fffb}' | '\u{fffe}' | '\u{ffff}'
            | '\u{e0000}'..='\u{e0fff}')
}

/// The `Char` production of XML 1.0, without control characters.
fn is_xml(character: char) -> bool {
    matches!(character, ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..='\u{10ffff}')
        && !matches!(character, '\u{7f}'..='\u{9f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_escaped() {
        assert_eq!(display(b"plain /run/x-\xc3\xa9"), "plain /run/x-é");
        assert_eq!(
            display(b"a\x1b[31m\nb\\\xff\0"),
            "a\\x1b[31m\\nb\\\\\\xff\\x00"
        );
        assert_eq!(display("\u{202e}\u{9b}".as_bytes()), "\\u{202e}\\u{9b}");
        assert_eq!(name(b"\0/tmp/.X11-unix/X7"), "@/tmp/.X11-unix/X7");
        assert_eq!(name(b"\0a\0"), "@a\\x00");
        assert_eq!(hex(b"\0\xff"), "00ff");
    }

    #[test]
    fn unescape_inverts_display() {
        for text in [
            &b"plain"[..],
            b"a\x1b[31m\nb\\\xff\0",
            b"\\x41 \\\\ \\u{41}",
            "\u{202e}é\u{9b}".as_bytes(),
            b"\t\r\\",
        ] {
            assert_eq!(unescape(&display(text)), text);
        }
        // Backslashes that do not begin an escape are unchanged.
        assert_eq!(unescape("\\q \\x4 \\u{} \\"), b"\\q \\x4 \\u{} \\");
    }

    #[test]
    fn xml_is_well_formed() {
        assert_eq!(
            xml("<a b='\"'>&\u{1}\u{ffff}\n"),
            "&lt;a b=&#39;&quot;&#39;&gt;&amp;\u{fffd}\u{fffd} "
        );
    }
}
