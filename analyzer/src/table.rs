//! Text tables: aligned, the widest column last, cut to a terminal's width there.

use std::borrow::Cow;
use std::io::{IsTerminal, Write};

use anyhow::Result;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::style;
pub(crate) use whotalks::text::format::{noise, plural, thousands};

mod many;

pub(crate) use many::{Cells, print_many};

/// How a column stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Align {
    /// Words.
    Left,
    /// Numbers.
    Right,
}

/// Prints rows under a heading. Cells must be printable already.
pub(crate) fn print(
    out: &mut dyn Write,
    heading: &[(&str, Align)],
    rows: &[Vec<String>],
) -> Result<()> {
    print_marked(out, heading, rows, |_, _| false)
}

/// The same, with the cells (column, text) that are to catch the eye.
pub(crate) fn print_marked(
    out: &mut dyn Write,
    heading: &[(&str, Align)],
    rows: &[Vec<String>],
    is_marked: impl Fn(usize, &str) -> bool,
) -> Result<()> {
    let rows = rows.iter().map(|row| row.iter().map(String::as_str));
    print_rows(out, heading, rows, is_marked)
}

/// Prints rows without a heading.
pub(crate) fn print_bare(
    out: &mut dyn Write,
    aligns: &[Align],
    rows: &[Vec<String>],
    is_marked: impl Fn(usize, &str) -> bool,
) -> Result<()> {
    let heading: Vec<_> = aligns.iter().map(|align| ("", *align)).collect();
    print_marked(out, &heading, rows, is_marked)
}

fn print_rows<'a, Row: Iterator<Item = &'a str>>(
    out: &mut dyn Write,
    heading: &[(&str, Align)],
    rows: impl Iterator<Item = Row> + Clone,
    is_marked: impl Fn(usize, &str) -> bool,
) -> Result<()> {
    let mut widths: Vec<usize> = heading.iter().map(|(name, _)| name.width()).collect();
    for row in rows.clone() {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(columns(cell));
        }
    }
    let terminal = terminal_width();
    let mut line = String::new();
    print_heading(out, heading, &widths, terminal)?;
    for row in rows {
        let mut marks = Vec::new();
        align(&mut line, heading, &widths, row, |column, start, cell| {
            if is_marked(column, cell) {
                marks.push((start, cell.len()));
            }
        });
        let line = cut(line.trim_end(), terminal);
        if marks.is_empty() {
            writeln!(out, "{line}")?;
        } else {
            writeln!(out, "{}", marked(&line, &marks))?;
        }
    }
    Ok(())
}

fn print_heading(
    out: &mut dyn Write,
    heading: &[(&str, Align)],
    widths: &[usize],
    terminal: Option<usize>,
) -> Result<()> {
    let names = heading.iter().map(|(name, _)| *name);
    if names.clone().any(|name| !name.is_empty()) {
        let mut line = String::new();
        align(&mut line, heading, widths, names, |_, _, _| {});
        writeln!(out, "{}", style::heading(&cut(line.trim_end(), terminal)))?;
    }
    Ok(())
}

/// Makes `line` of a row's cells; `each` is told every cell's column and where it begins.
fn align<'a>(
    line: &mut String,
    heading: &[(&str, Align)],
    widths: &[usize],
    row: impl Iterator<Item = &'a str>,
    mut each: impl FnMut(usize, usize, &str),
) {
    line.clear();
    for (column, ((cell, width), (_, align))) in row.zip(widths).zip(heading).enumerate() {
        if column > 0 {
            line.push_str("  ");
        }
        let pad = width - columns(cell);
        if *align == Align::Right {
            line.extend(std::iter::repeat_n(' ', pad));
        }
        each(column, line.len(), cell);
        line.push_str(cell);
        if *align == Align::Left {
            line.extend(std::iter::repeat_n(' ', pad));
        }
    }
}

/// Columns that a cell takes on a terminal.
fn columns(cell: &str) -> usize {
    // Cells hold no control characters: one column for each ASCII character.
    if cell.is_ascii() {
        cell.len()
    } else {
        cell.width()
    }
}

/// The line with its marks (byte offset and length before it was cut) in colour.
fn marked(line: &str, marks: &[(usize, usize)]) -> String {
    let mut out = String::new();
    let mut at = 0;
    for (start, length) in marks {
        let start = (*start).min(line.len());
        // A cut may have ended the line inside the cell: the ellipsis is the cell's.
        let end = (start + length).min(line.len());
        let end = (end..=line.len()).find(|end| line.is_char_boundary(*end));
        let cell = end.and_then(|end| line.get(start..end));
        let (Some(before), Some(cell)) = (line.get(at..start), cell) else {
            break;
        };
        out.push_str(before);
        out.push_str(&style::note(cell));
        at = start + cell.len();
    }
    out.push_str(line.get(at..).unwrap_or_default());
    out
}

/// Columns of the terminal that standard output is; `None` in a pipe, where nothing is cut.
fn terminal_width() -> Option<usize> {
    let tty = std::io::stdout().is_terminal();
    tty.then(terminal_size::terminal_size)
        .flatten()
        .map(|(width, _)| usize::from(width.0))
}

/// A line of its own, cut to a terminal's width.
pub(crate) fn fit(line: &str) -> String {
    cut(line, terminal_width()).into_owned()
}

/// Sentences of a line of its own: cut between words, and on a terminal only; each piece goes through
/// `style`.
pub(crate) fn say(out: &mut dyn Write, text: &str, style: impl Fn(&str) -> String) -> Result<()> {
    for line in wrap(text, terminal_width()) {
        writeln!(out, "{}", style(&line))?;
    }
    Ok(())
}

/// The last line: what is hidden, then what is unknown, which is to catch the eye. On a terminal it
/// becomes several where it is too long.
pub(crate) fn last(out: &mut dyn Write, hidden: &[String], unknown: &[String]) -> Result<()> {
    let (hidden, unknown) = (hidden.join(" "), unknown.join(" "));
    let both = columns(&hidden) + 1 + columns(&unknown);
    let fits = terminal_width().is_none_or(|width| both <= width);
    if fits && !hidden.is_empty() && !unknown.is_empty() {
        return Ok(writeln!(out, "{hidden} {}", style::note(&unknown))?);
    }
    if !hidden.is_empty() {
        say(out, &hidden, str::to_owned)?;
    }
    if !unknown.is_empty() {
        say(out, &unknown, style::note)?;
    }
    Ok(())
}

/// Lines of a text, between whose words there are single blanks.
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

fn cut(line: &str, width: Option<usize>) -> Cow<'_, str> {
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

/// `412 kB`: decimal units, as disks and networks count.
pub(crate) fn bytes(count: usize) -> String {
    match count {
        0..10_000 => format!("{count} B"),
        10_000..10_000_000 => format!("{} kB", count / 1_000),
        _ => format!("{} MB", count / 1_000_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_line_up() {
        let mut out = Vec::new();
        let heading = [
            ("N", Align::Right),
            ("NAME", Align::Left),
            ("VIA", Align::Left),
        ];
        let rows = vec![vec!["7".into(), "é".into(), "/run/x".into()]];
        assert!(print(&mut out, &heading, &rows).is_ok());
        assert_eq!(
            String::from_utf8_lossy(&out),
            "N  NAME  VIA\n7  é     /run/x\n"
        );
        assert_eq!(cut("abcdef", Some(4)), "abc…");
        assert_eq!(wrap("ab cd efghij", Some(5)), ["ab cd", "efgh…"]);
        assert_eq!(wrap("ab cd efghij", None), ["ab cd efghij"]);
    }
}
