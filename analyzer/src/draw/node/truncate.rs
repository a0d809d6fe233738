//! Cuts and wraps text to a width.

use super::text_width::{has_width, width};

/// Cuts text to a width, with an ellipsis at its end.
pub(crate) fn end(text: &str, font_size: f64, max_width: f64) -> String {
    let text = clean(text);
    if width(&text, font_size, false) <= max_width {
        return text;
    }
    let mut out = "…".to_owned();
    for character in text.chars() {
        let longer = format!("{}{character}…", &out[..out.len() - '…'.len_utf8()]);
        if width(&longer, font_size, false) > max_width {
            break;
        }
        out = longer;
    }
    out
}

/// Cuts text to a width, with an ellipsis inside: names of sockets begin with a directory and end with
/// what distinguishes them.
pub(crate) fn middle(text: &str, font_size: f64, max_width: f64) -> String {
    let text = clean(text);
    if width(&text, font_size, false) <= max_width {
        return text;
    }
    // Nothing longer can fit, however narrow its characters are.
    let fits = ((max_width / (0.2 * font_size)) as usize).max(2);
    let front: Vec<char> = text.chars().take(fits).collect();
    let mut back: Vec<char> = text.chars().rev().take(fits).collect();
    back.reverse();
    let is_short = |length: &usize| {
        let text = shortened(&front, &back, *length);
        width(&text, font_size, false) <= max_width
    };
    let length = (1..fits).take_while(is_short).last().unwrap_or(0);
    shortened(&front, &back, length)
}

/// `length` characters, two thirds of them from the end.
fn shortened(front: &[char], back: &[char], length: usize) -> String {
    let first = length / 3;
    let last = (length - first).min(back.len());
    let first = first.min(front.len());
    front[..first]
        .iter()
        .chain(std::iter::once(&'…'))
        .chain(&back[back.len() - last..])
        .collect()
}

/// Removes characters that pile up on others.
fn clean(text: &str) -> String {
    text.chars().filter(|c| has_width(*c)).collect()
}

/// Breaks text into lines of a width, at blanks; a word that is too long is cut.
pub(crate) fn wrap(text: &str, font_size: f64, max_width: f64) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        let longer = match lines.last() {
            Some(line) => format!("{line} {word}"),
            None => word.to_owned(),
        };
        match lines.last_mut() {
            Some(line) if width(&longer, font_size, false) <= max_width => *line = longer,
            _ => lines.push(end(word, font_size, max_width)),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_fit_and_keep_what_distinguishes_them() {
        assert_eq!(end("short", 10.0, 100.0), "short");
        let cut = end("a-rather-long-name", 10.0, 60.0);
        assert!(
            cut.ends_with('…') && width(&cut, 10.0, false) <= 60.0,
            "{cut}"
        );
        let name = "/run/user/1000/systemd/inaccessible/private";
        let cut = middle(name, 10.0, 120.0);
        assert!(
            cut.starts_with("/run") && cut.ends_with("/private"),
            "{cut}"
        );
        assert!(width(&cut, 10.0, false) <= 120.0);
        assert_eq!(middle("/run/x", 10.0, 120.0), "/run/x");
        assert_eq!(end("a\u{301}\u{301}b", 10.0, 100.0), "ab");
        assert_eq!(middle(&"i".repeat(1 << 20), 10.0, 3.0), "…");
    }

    #[test]
    fn text_is_wrapped_at_blanks() {
        let lines = wrap("one two three four", 10.0, 50.0);
        assert!(lines.len() > 1 && lines.join(" ") == "one two three four");
        assert!(lines.iter().all(|line| width(line, 10.0, false) <= 50.0));
    }
}
