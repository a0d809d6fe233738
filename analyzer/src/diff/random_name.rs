//! Names with a random part: which part it is, and whether two names differ in nothing else.
//!
//! A number is not random: `db1` and `db2`, or `.s.PGSQL.5432` and `.s.PGSQL.5433`, are two names.
//! Random are the forms of well-known makers (tempfile, multiprocessing, D-Bus, ssh-agent, X ICE,
//! Chromium, systemd's private directories), ids (UUIDs, hashes, Kubernetes' words), and what
//! mkstemp(3) and mktemp(1) put at the end of a part of a path. A random word may look like any
//! other by chance: [`vary`] recognizes it beside another one of its maker.
//!
//! Input is escaped text ([`escape::name`](crate::text::escape::name)).

use super::name_shape::{is_id, push_literal, strip_uuid};
use crate::text::escape::escape_length;

/// Stands for a random part.
const ANY: char = '*';
/// Lengths of the random words of mkstemp(3) (6), Python (8), mktemp(1) and D-Bus (10), ssh-agent (12).
const LENGTHS: [usize; 4] = [6, 8, 10, 12];
/// What Python's tempfile and multiprocessing put before eight random characters.
const PYTHON: [&str; 3] = ["tmp", "pymp-", "listener-"];
const PYTHON_LENGTH: usize = 8;
/// Numbers of so many digits are random, times or counters: Go's temporary names.
const LONG_NUMBER: usize = 9;

/// The name with `*` for each part that is random for certain. A literal `*` or `?` is escaped: the
/// shape serves as a pattern.
pub fn shape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut before = "";
    for (index, part) in text.split('/').enumerate() {
        if index > 0 {
            out.push('/');
        }
        match of_maker(before, part) {
            Some((prefix, rest)) => {
                push_words(&mut out, prefix);
                push_any(&mut out);
                push_words(&mut out, rest);
            }
            None => push_words(&mut out, part),
        }
        before = part;
    }
    out
}

/// What is before and after the random characters of a part of a path that a well-known maker chose.
fn of_maker<'a>(directory: &str, part: &'a str) -> Option<(&'a str, &'a str)> {
    let number = |prefix: &'static str| {
        let digits = part.strip_prefix(prefix)?;
        let end = digits.find(|c: char| !c.is_ascii_digit());
        let (number, rest) = digits.split_at(end.unwrap_or(digits.len()));
        (!number.is_empty()).then(|| (&part[..prefix.len()], rest))
    };
    let random = |prefix: &str, lengths: &[usize]| {
        let word = part.strip_prefix(prefix)?;
        let is_random = lengths.contains(&word.len()) && is_alphanumeric(word);
        is_random.then(|| (&part[..prefix.len()], ""))
    };
    if directory == ".ICE-unix" {
        return number("");
    }
    if directory.starts_with("ssh-") {
        return number("agent.");
    }
    // The kernel's choice where bind(2) was given no name.
    if directory.is_empty()
        && part.len() == 6
        && part.starts_with('@')
        && part[1..]
            .bytes()
            .all(|b| b.is_ascii_hexdigit() && !b.is_ascii_uppercase())
    {
        return Some(("@", ""));
    }
    let python = PYTHON.into_iter().find_map(|prefix| {
        let rest = part.strip_prefix(prefix)?;
        let (word, after) = rest.split_at_checked(PYTHON_LENGTH)?;
        let ends = !after.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
        (word.bytes().all(is_python) && ends).then(|| (&part[..prefix.len()], after))
    });
    let chromium = [".org.chromium.Chromium.", ".com.google.Chrome."];
    let mut chromium = chromium.into_iter();
    python
        .or_else(|| random("ssh-", &[10, 12]))
        .or_else(|| chromium.find_map(|prefix| random(prefix, &[6])))
        .or_else(|| number(".java_pid"))
        .or_else(|| systemd_private(part))
}

/// `systemd-private-BOOT-UNIT-XXXXXX`: the hash is masked as any other.
fn systemd_private(part: &str) -> Option<(&str, &str)> {
    let (rest, word) = part.rsplit_once('-')?;
    let is_private = rest.starts_with("systemd-private-") && word.len() == 6;
    (is_private && is_alphanumeric(word)).then(|| (&part[..rest.len() + 1], ""))
}

/// Appends a part of a path with its random words masked.
fn push_words(out: &mut String, part: &str) {
    let mut rest = part;
    while let Some(first) = rest.chars().next() {
        if let Some(after) = strip_uuid(rest) {
            push_any(out);
            rest = after;
        } else if first.is_ascii_alphanumeric() {
            let (word, after) = split_word(rest);
            let is_last = !after.contains(|c: char| c.is_ascii_alphanumeric());
            // Kubernetes: `web-7d4b9c6f5-x2x8k`.
            let follows_id = out.ends_with("*-") && is_kubernetes(word);
            let has_prefix = !part.starts_with(word);
            let has_letter = word.bytes().any(|byte| byte.is_ascii_alphabetic());
            if has_letter && is_id(word)
                || follows_id
                || has_prefix && is_last && is_temporary(word)
            {
                push_any(out);
            } else {
                push_word(out, word, word.len() < part.trim_start_matches('@').len());
            }
            rest = after;
        } else if let Some(length) = (first == '\\').then(|| escape_length(&rest[1..])).flatten() {
            out.push_str(&rest[..=length]);
            rest = &rest[length + 1..];
        } else {
            push_literal(out, first);
            rest = &rest[first.len_utf8()..];
        }
    }
}

/// Appends a word. A long number at its end is masked unless the name consists of it.
fn push_word(out: &mut String, word: &str, has_more: bool) {
    let name = word.trim_end_matches(|c: char| c.is_ascii_digit());
    if word.len() - name.len() >= LONG_NUMBER && (has_more || !name.is_empty()) {
        out.push_str(name);
        push_any(out);
    } else {
        out.push_str(word);
    }
}

fn push_any(out: &mut String) {
    if !out.ends_with(ANY) {
        out.push(ANY);
    }
}

/// The leading letters and digits.
fn split_word(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !c.is_ascii_alphanumeric());
    text.split_at(end.unwrap_or(text.len()))
}

/// Whether a last word is one of mkstemp(3), mktemp(1), D-Bus or ssh-agent by its length and letters:
/// `x7Ab3Q`. Words begin with their only capital, and end with their only digits.
fn is_temporary(word: &str) -> bool {
    LENGTHS.contains(&word.len()) && looks_random(word)
}

/// Whether a capital or a digit stands where words have none.
fn looks_random(word: &str) -> bool {
    let bytes = word.as_bytes();
    let is_lower = |byte: &u8| byte.is_ascii_lowercase();
    let inner = bytes.iter().skip(1);
    let inner_capital = bytes.iter().any(is_lower) && inner.clone().any(u8::is_ascii_uppercase);
    let letters = word.trim_end_matches(|c: char| c.is_ascii_digit());
    let turns = letters.as_bytes().windows(2);
    let turns = turns.filter(|two| two[0].is_ascii_digit() != two[1].is_ascii_digit());
    // `v2beta` turns once, `web2py` twice.
    inner_capital || turns.count() >= 3
}

/// Whether a random word may be this one: a capital, a digit or an underscore inside.
fn may_be_random(word: &str) -> bool {
    let letters = word.trim_end_matches(|c: char| c.is_ascii_digit());
    let inner = letters.bytes().skip(1);
    letters
        .bytes()
        .any(|byte| byte.is_ascii_digit() || byte == b'_')
        || inner.clone().any(|byte| byte.is_ascii_uppercase())
            && letters.bytes().any(|byte| byte.is_ascii_lowercase())
}

fn is_alphanumeric(word: &str) -> bool {
    word.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

fn is_python(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_'
}

/// Five letters of those that Kubernetes draws, which cannot spell a word.
fn is_kubernetes(word: &str) -> bool {
    word.len() == 5
        && word
            .bytes()
            .all(|byte| b"bcdfghjklmnpqrstvwxz2456789".contains(&byte))
}

/// A pattern that fits two names, if they differ in random words only.
pub(super) fn vary(a: &str, b: &str) -> Option<String> {
    let (shape_a, shape_b) = (shape(a), shape(b));
    if shape_a == shape_b {
        return (shape_a.contains(ANY) || a == b).then_some(shape_a);
    }
    let (parts_a, parts_b) = (a.split('/'), b.split('/'));
    if parts_a.clone().count() != parts_b.clone().count() {
        return None;
    }
    let mut out = String::with_capacity(a.len());
    let mut before = ("", "");
    for (index, (a, b)) in parts_a.zip(parts_b).enumerate() {
        if index > 0 {
            out.push('/');
        }
        let of = |directory: &str, part: &str| shape(&format!("{directory}/{part}"));
        let (shape_a, shape_b) = (of(before.0, a), of(before.1, b));
        let (own_a, own_b) = (last(&shape_a), last(&shape_b));
        match own_a == own_b {
            true => out.push_str(own_a),
            false => out.push_str(&vary_part(a, b)?),
        }
        before = (a, b);
    }
    Some(out)
}

fn last(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or_default()
}

/// The pattern of two parts of paths that differ in one random word, `_` counted as a letter of it.
fn vary_part(a: &str, b: &str) -> Option<String> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let common = |reverse: bool| {
        let equal = |(a, b): &(char, char)| a == b;
        let pairs = a.chars().zip(b.chars()).take_while(equal).count();
        let from_end = a.chars().rev().zip(b.chars().rev()).take_while(equal);
        let text: Vec<char> = match reverse {
            false => a.chars().take(pairs).collect(),
            true => from_end.map(|(a, _)| a).collect(),
        };
        // Random words may have their first or last characters in common by chance.
        let kept = text
            .iter()
            .rposition(|c| !is_word(*c))
            .map_or(0, |at| at + 1);
        text[..kept].iter().map(|c| c.len_utf8()).sum::<usize>()
    };
    let (start, end) = (common(false), common(true));
    let middle = |text: &str| {
        text.get(start..text.len().checked_sub(end)?)
            .map(str::to_owned)
    };
    let (word_a, word_b) = (middle(a)?, middle(b)?);
    // Without a separator before it: `/tmp/fooXXXXXX`.
    let shared = word_a
        .bytes()
        .zip(word_b.bytes())
        .take_while(|(a, b)| a == b)
        .count();
    let is_random = word_a.len() == word_b.len()
        && word_a.chars().chain(word_b.chars()).all(is_word)
        && LENGTHS.into_iter().any(|length| {
            let Some(from) = word_a
                .len()
                .checked_sub(length)
                .filter(|from| *from <= shared)
            else {
                return false;
            };
            let (a, b) = (&word_a[from..], &word_b[from..]);
            let differing = a.bytes().zip(b.bytes()).filter(|(a, b)| a != b).count();
            2 * differing > length && (may_be_random(a) || may_be_random(b))
        });
    let prefix = start
        + if shared < word_a.len() {
            prefix_of(&word_a, shared)
        } else {
            0
        };
    let (mut out, rest) = (String::new(), &a[a.len() - end..]);
    is_random.then(|| {
        push_words(&mut out, &a[..prefix]);
        push_any(&mut out);
        push_words(&mut out, rest);
        out
    })
}

/// How much of what two words share is before their random part.
fn prefix_of(word: &str, shared: usize) -> usize {
    let lengths = LENGTHS.into_iter();
    let mut prefixes = lengths.filter_map(|length| word.len().checked_sub(length));
    prefixes.find(|prefix| *prefix <= shared).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_of_makers() {
        for (text, expected) in [
            ("/tmp/tmpk3j9_2xa/app.sock", "/tmp/tmp*/app.sock"),
            ("/tmp/tmpabcdefgh", "/tmp/tmp*"),
            ("/tmp/tmpabcdefgh.sock", "/tmp/tmp*.sock"),
            (
                "/tmp/pymp-abcdefgh/listener-_9abcdef",
                "/tmp/pymp-*/listener-*",
            ),
            ("/tmp/foo.x7Ab3Q", "/tmp/foo.*"),
            ("/tmp/dbus-x7Ab3Q9kLm", "/tmp/dbus-*"),
            ("@/tmp/dbus-x7Ab3Q9kLm", "@/tmp/dbus-*"),
            ("/tmp/ssh-abcdefghijkl/agent.812", "/tmp/ssh-*/agent.*"),
            ("@/tmp/.ICE-unix/1234", "@/tmp/.ICE-unix/*"),
            (
                "/tmp/.org.chromium.Chromium.abcdef/SingletonSocket",
                "/tmp/.org.chromium.Chromium.*/SingletonSocket",
            ),
            (
                "/tmp/systemd-private-0f3a22c19e0f3a22c19e0f3a22c19e00-a.service-abcdef/tmp/x",
                "/tmp/systemd-private-*-a.service-*/tmp/x",
            ),
            ("@00a3f", "@*"),
            ("/tmp/go-build123456789/x", "/tmp/go-build*/x"),
            ("snap.f81d4fae-7dec-11d0-a765-00a0c91e6bf6.x", "snap.*.x"),
            ("web-7d4b9c6f5-x2x8k", "web-*-*"),
            ("@*?\\x2a", "@\\x2a\\x3f\\x2a"),
        ] {
            assert_eq!(shape(text), expected, "{text}");
        }
    }

    #[test]
    fn digits_are_no_noise() {
        for text in [
            "/run/postgresql/.s.PGSQL.5432",
            "/run/user/1000/bus",
            "@db-812",
            "/run/db1.sock",
            "/run/v2/api.sock",
            "@1234567890123",
            "/run/worker-12.sock",
            "/run/foo.socket",
            "/run/foo.server1",
            "/tmp/.X11-unix/X99",
            "deadbeefcafe",
            "XMLHttpRequest",
            "/run/tmpfiles",
            "/run/dbus/system_bus_socket",
        ] {
            assert_eq!(shape(text), text);
        }
        for (a, b) in [
            ("/run/db1", "/run/db2.sock"),
            ("/run/v1/api.sock", "/run/v2/api.sock"),
            ("/run/user/1000/bus", "/run/user/1001/bus"),
            ("/run/.s.PGSQL.5432", "/run/.s.PGSQL.5433"),
            ("/run/worker01", "/run/worker02"),
            ("/run/primary.sock", "/run/replica.sock"),
            ("/run/app-green1.sock", "/run/app-blue99.sock"),
            ("/tmp/a/x", "/tmp/b/y"),
            ("/run/x", "/run/x/y"),
        ] {
            assert_eq!(vary(a, b), None, "{a} {b}");
        }
    }

    #[test]
    fn names_that_vary() {
        for (a, b, expected) in [
            ("/tmp/foo.abcdef", "/tmp/foo.x7Ab3Q", Some("/tmp/foo.*")),
            ("/tmp/fooAbcdef", "/tmp/foox7Ab3Q", Some("/tmp/foo*")),
            (
                "/tmp/app-abcdefg1/s",
                "/tmp/app-k3_9d2xa/s",
                Some("/tmp/app-*/s"),
            ),
            (
                "/tmp/app-a_cdefg1.s",
                "/tmp/app-akj9d2x1.s",
                Some("/tmp/app-*.s"),
            ),
            (
                "/tmp/tmpabcdefgh/x",
                "/tmp/tmpk3j9_2xa/x",
                Some("/tmp/tmp*/x"),
            ),
            ("/tmp/tmpabcdefgh/x1", "/tmp/tmpk3j9_2xa/x2", None),
            ("/run/same", "/run/same", Some("/run/same")),
        ] {
            assert_eq!(vary(a, b).as_deref(), expected, "{a} {b}");
            assert_eq!(vary(b, a).as_deref(), expected, "{b} {a}");
        }
    }
}
