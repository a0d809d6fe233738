//! Tables: aligned columns under a heading. On a terminal, lines are cut to its width.

use std::io::{IsTerminal, Write};
use std::iter::repeat_n;

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

/// A heading and whether the cells below it are aligned right, as numbers are.
pub(super) type Column<'a> = (&'a str, bool);

/// The columns of a heading such as `PEERS>|CONNS>|PROCESS`: those with `>` are aligned right.
pub(super) fn columns_of<'a>(heading: &'a str) -> Vec<Column<'a>> {
    let names = heading.split('|');
    let column = |name: &'a str| match name.strip_suffix('>') {
        Some(name) => (name, true),
        None => (name, false),
    };
    names.map(column).collect()
}

/// Prints rows under a heading, in which `|` separates columns and `>` marks those of numbers. Cells must be
/// printable already.
pub(crate) fn print(out: &mut dyn Write, heading: &str, rows: &[Vec<String>]) -> Result<()> {
    print_marked(out, heading, rows, |_, _| false)
}

/// Prints rows under a heading. Cells for which `is_marked` (column, text) holds have the colour of a
/// warning.
pub(crate) fn print_marked(
    out: &mut dyn Write,
    heading: &str,
    rows: &[Vec<String>],
    is_marked: impl Fn(usize, &str) -> bool,
) -> Result<()> {
    let heading = columns_of(heading);
    let mut widths: Vec<usize> = heading.iter().map(|(name, _)| name.width()).collect();
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(columns(cell));
        }
    }
    let terminal = terminal_width();
    let mut line = String::new();
    print_heading(out, &heading, &widths, terminal)?;
    for row in rows {
        let mut marks = Vec::new();
        let row = row.iter().map(String::as_str);
        align(&mut line, &heading, &widths, row, |column, start, cell| {
            if is_marked(column, cell) {
                marks.push((start, cell.len()));
            }
        });
        let line = cut(line.trim_end(), terminal);
        writeln!(out, "{}", marked(&line, &marks))?;
    }
    Ok(())
}

pub(super) fn print_heading(
    out: &mut dyn Write,
    heading: &[Column<'_>],
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
    heading: &[Column<'_>],
    widths: &[usize],
    row: impl Iterator<Item = &'a str>,
    mut each: impl FnMut(usize, usize, &str),
) {
    line.clear();
    for (column, ((cell, width), (_, is_right))) in row.zip(widths).zip(heading).enumerate() {
        if column > 0 {
            line.push_str("  ");
        }
        let pad = repeat_n(' ', width - columns(cell));
        if *is_right {
            line.extend(pad.clone());
        }
        each(column, line.len(), cell);
        line.push_str(cell);
        if !is_right {
            line.extend(pad);
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
        let rows = vec![vec!["7".into(), "é".into(), "/run/x".into()]];
        assert!(print(&mut out, "N>|NAME|VIA", &rows).is_ok());
        assert_eq!(
            String::from_utf8_lossy(&out),
            "N  NAME  VIA\n7  é     /run/x\n"
        );
    }
}
