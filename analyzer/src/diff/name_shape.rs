//! Masks the parts of names that differ from run to run: numbers, hashes, UUIDs, mkstemp(3) suffixes.
//!
//! Input is escaped text ([`escape::display`]); escape sequences are copied unchanged.

use crate::text::escape;

/// Replaces a masked part.
const MASK: char = '*';

/// Minimum length of a hexadecimal id; it must also contain a decimal digit.
const HEX_DIGITS: usize = 8;
/// Minimum length of a random word of letters and digits: mkstemp(3) uses six.
const RANDOM_LETTERS: usize = 6;

/// The shape of a name or command line: the same for `/tmp/dbus-x7Ab3Q` and `/tmp/dbus-k2Zp9L`.
pub fn mask(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while !rest.is_empty() {
        if let Some(after) = strip_uuid(rest) {
            push_mask(&mut out);
            rest = after;
            continue;
        }
        let end = rest
            .find(|c: char| !c.is_ascii_alphanumeric())
            .unwrap_or(rest.len());
        if end == 0 {
            let mut characters = rest.chars();
            let first = characters.next();
            rest = characters.as_str();
            if first == Some('\\')
                && let Some(length) = escape::escape_length(rest)
            {
                out.push('\\');
                out.push_str(&rest[..length]);
                rest = &rest[length..];
            } else if let Some(character) = first {
                push_literal(&mut out, character);
            }
            continue;
        }
        let (word, after) = rest.split_at(end);
        let follows_hash = out.ends_with(MASK_DASH) && is_pod_letters(word, 5);
        if is_id(word) || follows_hash {
            push_mask(&mut out);
        } else {
            push_without_numbers(&mut out, word);
        }
        rest = after;
    }
    out
}

/// Appends a character of a name. `*` and `?` are escaped: left as they are they would be read as a
/// mask or a pattern, and a policy learned from a hostile name would allow everything.
pub(super) fn push_literal(out: &mut String, character: char) {
    match character {
        MASK => out.push_str("\\x2a"),
        '?' => out.push_str("\\x3f"),
        other => out.push(other),
    }
}

/// What precedes the second random part of a Kubernetes name: `web-7d4b9c6f5-x2x8k`.
const MASK_DASH: &str = "*-";

fn push_mask(out: &mut String) {
    if !out.ends_with(MASK) {
        out.push(MASK);
    }
}

/// Appends a word with its digits masked: `worker12` as `worker*`.
fn push_without_numbers(out: &mut String, word: &str) {
    for character in word.chars() {
        if character.is_ascii_digit() {
            push_mask(out);
        } else {
            out.push(character);
        }
    }
}

/// The text after a UUID in the usual notation, `8-4-4-4-12` digits.
pub(super) fn strip_uuid(text: &str) -> Option<&str> {
    const LENGTH: usize = 36;
    let start = text.as_bytes().get(..LENGTH)?;
    let is_uuid = |(index, byte): (usize, &u8)| match index {
        8 | 13 | 18 | 23 => matches!(byte, b'-' | b'_'),
        _ => byte.is_ascii_hexdigit(),
    };
    let uuid = start.iter().enumerate().all(is_uuid);
    let ends = !matches!(text.as_bytes().get(LENGTH), Some(byte) if byte.is_ascii_alphanumeric());
    (uuid && ends).then(|| text.get(LENGTH..)).flatten()
}

/// Whether a word of letters and digits is an id or random.
pub(super) fn is_id(word: &str) -> bool {
    let bytes = word.as_bytes();
    let any = |of: fn(&u8) -> bool| bytes.iter().any(of);
    let digits = bytes.iter().filter(|byte| byte.is_ascii_digit()).count();
    let hex = bytes.len() >= HEX_DIGITS && bytes.iter().all(u8::is_ascii_hexdigit);
    // Words and type names have capitals only where a part begins, and digits only at the end.
    let mixed = any(u8::is_ascii_lowercase) && any(u8::is_ascii_uppercase);
    let inner_digit = bytes
        .iter()
        .rev()
        .skip_while(|b| b.is_ascii_digit())
        .any(u8::is_ascii_digit);
    let random = bytes.len() >= RANDOM_LETTERS && mixed && inner_digit;
    let hash = digits > 0 && is_pod_letters(word, 8) && bytes.len() <= 10;
    hex && digits > 0 || random || hash
}

/// Whether a word consists of the characters of random Kubernetes names, which cannot spell a word.
fn is_pod_letters(word: &str, min_length: usize) -> bool {
    let is_random = |byte: u8| b"bcdfghjklmnpqrstvwxz2456789".contains(&byte);
    word.len() >= min_length && word.bytes().all(is_random)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_from_run_to_run() {
        for (text, expected) in [
            ("worker-12", "worker-*"),
            ("/tmp/dbus-x7Ab3Q", "/tmp/dbus-*"),
            ("/run/user/1000/bus", "/run/user/*/bus"),
            ("snap.f81d4fae-7dec-11d0-a765-00a0c91e6bf6.x", "snap.*.x"),
            ("web-7d4b9c6f5-x2x8k", "web-*-*"),
            ("run-r8f3a22c19e", "run-r*f*a*c*e"),
            ("run-8f3a22c19e.scope", "run-*.scope"),
            ("systemd", "systemd"),
            ("deadbeefcafe", "deadbeefcafe"),
            ("--listen=0.0.0.0:8080", "--listen=*.*.*.*:*"),
            ("XMLHttpRequest", "XMLHttpRequest"),
            ("é7", "é*"),
            ("@*?", "@\\x2a\\x3f"),
            ("a\\x1b9\\\\x41\\u{202e}1", "a\\x1b*\\\\x*\\u{202e}*"),
            ("\\x2a", "\\x2a"),
            ("", ""),
        ] {
            assert_eq!(mask(text), expected, "{text}");
        }
    }
}
