//! CSV (RFC 4180): rows and cells, guarded against spreadsheets that would run a cell as a formula.

use std::io::{self, Write};

use crate::query::{Via, ViaKind};

/// The value of a cell.
#[derive(Debug, Clone, Copy)]
pub enum Cell<'a> {
    /// Text; guarded if a spreadsheet would take it for a formula.
    Text(&'a str),
    /// A number, negative ones included, which is not guarded.
    Number(i64),
}

/// Writes a row of text.
///
/// # Errors
/// When writing fails.
pub fn row(out: &mut dyn Write, cells: &[&str]) -> io::Result<()> {
    let cells: Vec<Cell<'_>> = cells.iter().map(|cell| Cell::Text(cell)).collect();
    self::cells(out, &cells)
}

/// Writes a row of text and numbers.
///
/// # Errors
/// When writing fails.
pub fn cells(out: &mut dyn Write, cells: &[Cell<'_>]) -> io::Result<()> {
    let text = |cell: &Cell<'_>| match cell {
        Cell::Text(text) => quote(text),
        Cell::Number(number) => number.to_string(),
    };
    let cells: Vec<String> = cells.iter().map(text).collect();
    write!(out, "{}\r\n", cells.join(","))
}

/// The two cells of a name: its kind, and its text, an abstract one's without the `@`.
pub fn name_cells(via: &Via) -> (&'static str, &str) {
    let text = match via.kind {
        ViaKind::Abstract => via.text.strip_prefix('@').unwrap_or(&via.text),
        _ => &via.text,
    };
    (via.kind.as_str(), text)
}

/// Quotes a cell where RFC 4180 requires it, and puts an apostrophe in front of text that a spreadsheet
/// would run as a formula.
fn quote(cell: &str) -> String {
    // The last four are full-width forms, which some spreadsheets accept too.
    let is_formula = cell.starts_with(['=', '+', '-', '@', '\t', '\r', '＝', '＋', '－', '＠']);
    let guard = if is_formula { "'" } else { "" };
    if cell.contains(['"', ',', '\n', '\r']) {
        format!("\"{guard}{}\"", cell.replace('"', "\"\""))
    } else {
        format!("{guard}{cell}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_not_guarded() {
        let mut out = Vec::new();
        let row = [Cell::Number(-5), Cell::Text("-5"), Cell::Number(7)];
        assert!(cells(&mut out, &row).is_ok());
        assert_eq!(out, b"-5,'-5,7\r\n");
    }

    #[test]
    fn cells_are_quoted_and_guarded() {
        for (cell, expected) in [
            ("plain", "plain"),
            ("", ""),
            ("a,b", "\"a,b\""),
            ("a\"b", "\"a\"\"b\""),
            ("=1+1", "'=1+1"),
            ("@SUM(A1,A2)", "\"'@SUM(A1,A2)\""),
            ("-1", "'-1"),
            ("＝1", "'＝1"),
            ("1=2", "1=2"),
        ] {
            assert_eq!(quote(cell), expected);
        }
    }
}
