//! Tables: aligned columns under a heading. On a terminal, lines are cut to its width.

use std::io::{IsTerminal, Write};

use anyhow::Result;
use unicode_width::UnicodeWidthStr;

use super::color;
use super::lines::{columns, cut, terminal_width};

/// Rows on a terminal without `--all`.
pub(crate) const ROWS: usize = 40;

/// How many of `count` rows are printed: all with `--all` or in a pipe, the first [`ROWS`] otherwise.
pub(crate) fn visible_rows(count: usize, all: bool) -> usize {
    if all || !std::io::stdout().is_terminal() {
        count
    } else {
        count.min(ROWS)
    }
}

/// Alignment of a column.
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

/// Prints rows under a heading. Cells for which `is_marked` (column, text) holds have the colour of a
/// warning.
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

pub(super) fn print_heading(
    out: &mut dyn Write,
    heading: &[(&str, Align)],
    widths: &[usize],
    terminal: Option<usize>,
) -> Result<()> {
    let names = heading.iter().map(|(name, _)| *name);
    if names.clone().any(|name| !name.is_empty()) {
        let mut line = String::new();
        align(&mut line, heading, widths, names, |_, _, _| {});
        writeln!(out, "{}", color::heading(&cut(line.trim_end(), terminal)))?;
    }
    Ok(())
}

/// Builds a row's `line`. `each` is called with the column, the byte offset in the line and the text of
/// every cell.
pub(super) fn align<'a>(
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

/// Colours parts of a line, each given by its byte offset and length before the line was cut.
fn marked(line: &str, marks: &[(usize, usize)]) -> String {
    let mut out = String::new();
    let mut copied = 0;
    for (start, length) in marks {
        let start = (*start).min(line.len());
        // A cut may have ended the line inside the cell: the ellipsis is the cell's.
        let end = (start + length).min(line.len());
        let end = (end..=line.len()).find(|end| line.is_char_boundary(*end));
        let cell = end.and_then(|end| line.get(start..end));
        let (Some(before), Some(cell)) = (line.get(copied..start), cell) else {
            break;
        };
        out.push_str(before);
        out.push_str(&color::warning(cell));
        copied = start + cell.len();
    }
    out.push_str(line.get(copied..).unwrap_or_default());
    out
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
    }
}
