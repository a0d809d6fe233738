//! Lines as wide as the terminal: cut with an ellipsis, or wrapped between words. In a pipe a line is
//! written as it is.

use std::borrow::Cow;
use std::io::{IsTerminal, Write};

use anyhow::Result;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::color;

/// Columns of the terminal that standard output is; `None` if it is no terminal.
pub(super) fn terminal_width() -> Option<usize> {
    let tty = std::io::stdout().is_terminal();
    tty.then(terminal_size::terminal_size)
        .flatten()
        .map(|(width, _)| usize::from(width.0))
}

/// Columns that a printable text takes on a terminal.
pub(super) fn columns(text: &str) -> usize {
    // No control characters: one column for each ASCII character.
    if text.is_ascii() {
        text.len()
    } else {
        text.width()
    }
}

/// Cuts a line to the width of the terminal.
pub(crate) fn fit(line: &str) -> String {
    cut(line, terminal_width()).into_owned()
}

/// Prints a text that is wrapped between words on a terminal. `style` adds colour to each line.
pub(crate) fn print_wrapped(
    out: &mut dyn Write,
    text: &str,
    style: impl Fn(&str) -> String,
) -> Result<()> {
    for line in wrap(text, terminal_width()) {
        writeln!(out, "{}", style(&line))?;
    }
    Ok(())
}

/// Prints a line that is wrapped between words on a terminal, the second and later lines indented. Words
/// wider than a line are divided: nothing is left out. `style` adds colour to each line.
pub(crate) fn print_indented(
    out: &mut dyn Write,
    line: &str,
    indent: usize,
    style: impl Fn(&str) -> String,
) -> Result<()> {
    for line in wrap_indented(line, terminal_width(), indent) {
        writeln!(out, "{}", style(&line))?;
    }
    Ok(())
}

/// The lines of a text, of at most `width` columns unless that is hardly more than the indent.
fn wrap_indented(text: &str, width: Option<usize>, indent: usize) -> Vec<String> {
    let Some(width) = width.filter(|width| *width > 2 * indent && *width > 1) else {
        return vec![text.to_owned()];
    };
    let mut lines = Vec::new();
    let mut rest = text;
    let mut margin = 0;
    while columns(rest) + margin > width {
        let (mut used, mut end, mut space) = (margin, rest.len(), None);
        let mut begun = false;
        for (at, c) in rest.char_indices() {
            // Spaces before the first word are not where a line ends.
            space = if c == ' ' && begun { Some(at) } else { space };
            begun |= c != ' ';
            used += c.width().unwrap_or(0);
            if used > width {
                end = at;
                break;
            }
        }
        let end = space.filter(|space| *space > 0).unwrap_or(end);
        // At least one character, however wide.
        let first = rest.chars().next().map_or(0, char::len_utf8);
        let (line, after) = rest.split_at(end.max(first));
        lines.push(format!("{:margin$}{}", "", line.trim_end()));
        rest = after.trim_start();
        margin = indent;
    }
    lines.push(format!("{:margin$}{rest}", ""));
    lines
}

/// Prints the sentences below a table: what is hidden, then what is unknown, in the colour of a warning.
/// They are one line, or wrapped separately if they do not fit.
pub(crate) fn print_footer(
    out: &mut dyn Write,
    hidden: &[String],
    unknown: &[String],
) -> Result<()> {
    let (hidden, unknown) = (hidden.join(" "), unknown.join(" "));
    let both = columns(&hidden) + 1 + columns(&unknown);
    let fits = terminal_width().is_none_or(|width| both <= width);
    if fits && !hidden.is_empty() && !unknown.is_empty() {
        return Ok(writeln!(out, "{hidden} {}", color::warning(&unknown))?);
    }
    if !hidden.is_empty() {
        print_wrapped(out, &hidden, str::to_owned)?;
    }
    if !unknown.is_empty() {
        print_wrapped(out, &unknown, color::warning)?;
    }
    Ok(())
}

/// Lines of a text whose words are separated by single spaces.
fn wrap(text: &str, width: Option<usize>) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        let fits =
            |line: &String| width.is_none_or(|width| columns(line) + 1 + columns(word) <= width);
        match lines.last_mut().filter(|line| fits(line)) {
            Some(line) => {
                line.push(' ');
                line.push_str(word);
            }
            None => lines.push(cut(word, width).into_owned()),
        }
    }
    lines
}

/// A line of at most `width` columns, the last of which is an ellipsis if something was cut.
pub(super) fn cut(line: &str, width: Option<usize>) -> Cow<'_, str> {
    let Some(width) = width.filter(|width| columns(line) > *width) else {
        return line.into();
    };
    let mut used = 1; // the ellipsis
    let fits = |c: &char| {
        used += c.width().unwrap_or(0);
        used <= width
    };
    line.chars().take_while(fits).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_are_cut_or_wrapped() {
        assert_eq!(cut("abcdef", Some(4)), "abc…");
        assert_eq!(wrap("ab cd efghij", Some(5)), ["ab cd", "efgh…"]);
        assert_eq!(wrap("ab cd efghij", None), ["ab cd efghij"]);
    }

    #[test]
    fn long_lines_are_indented_and_whole() {
        let check = |text: &str, width, expected: &[&str]| {
            assert_eq!(wrap_indented(text, width, 2), expected);
        };
        check("  fix: ab cd", Some(9), &["  fix: ab", "  cd"]);
        check("  fix: ab cd", None, &["  fix: ab cd"]);
        check("abcdefgh ij", Some(6), &["abcdef", "  gh", "  ij"]);
        check("ééé ééé", Some(5), &["ééé", "  ééé"]);
    }
}
