//! Text tables: aligned, the widest column last, cut to a terminal's width there.

use std::io::{IsTerminal, Write};

use anyhow::Result;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::style;

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
    let mut widths: Vec<usize> = heading.iter().map(|(name, _)| name.width()).collect();
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.width());
        }
    }
    let terminal = terminal_width();
    let names: Vec<String> = heading.iter().map(|(name, _)| (*name).to_owned()).collect();
    for (number, row) in std::iter::once(&names).chain(rows).enumerate() {
        let mut line = String::new();
        let mut marks = Vec::new();
        for (at, ((cell, width), (_, align))) in row.iter().zip(&widths).zip(heading).enumerate() {
            if at > 0 {
                line.push_str("  ");
            }
            let pad = " ".repeat(width - cell.width());
            match align {
                Align::Right => line.extend([pad.as_str(), cell]),
                Align::Left => line.extend([cell.as_str(), &pad]),
            }
            if number > 0 && is_marked(at, cell) {
                marks.push((
                    line.len() - cell.len() - usize::from(*align == Align::Left) * pad.len(),
                    cell.len(),
                ));
            }
        }
        let line = cut(line.trim_end(), terminal);
        if number == 0 {
            writeln!(out, "{}", style::heading(&line))?;
        } else {
            writeln!(out, "{}", marked(&line, &marks))?;
        }
    }
    Ok(())
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
    cut(line, terminal_width())
}

fn cut(line: &str, width: Option<usize>) -> String {
    let Some(width) = width.filter(|width| line.width() > *width) else {
        return line.to_owned();
    };
    let mut used = 1; // the ellipsis
    let fits = |c: &char| {
        used += c.width().unwrap_or(0);
        used <= width
    };
    line.chars().take_while(fits).chain(['…']).collect()
}

/// `1,987`.
pub(crate) fn thousands(number: usize) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `412 kB`: decimal units, as disks and networks count.
pub(crate) fn bytes(count: usize) -> String {
    match count {
        0..10_000 => format!("{count} B"),
        10_000..10_000_000 => format!("{} kB", count / 1_000),
        _ => format!("{} MB", count / 1_000_000),
    }
}

/// `1 process`, `2 processes`.
pub(crate) fn plural(count: usize, one: &str, many: &str) -> String {
    format!(
        "{} {}",
        thousands(count),
        if count == 1 { one } else { many }
    )
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
        assert_eq!(
            (thousands(1_987), thousands(12)),
            ("1,987".into(), "12".into())
        );
    }
}
