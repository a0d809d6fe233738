//! CSV (RFC 4180): rows and cells, guarded against spreadsheets that would run a cell as a formula.

use std::io::{self, Write};

use crate::query::{Via, ViaKind};

/// The value of a cell.
pub trait Cell {
    /// Appends the cell to a row.
    fn write(&self, row: &mut String);
}

/// Text is guarded if a spreadsheet would take it for a formula.
impl Cell for str {
    fn write(&self, row: &mut String) {
        row.push_str(&quote(self));
    }
}

impl Cell for String {
    fn write(&self, row: &mut String) {
        self.as_str().write(row);
    }
}

impl<T: Cell + ?Sized> Cell for &T {
    fn write(&self, row: &mut String) {
        (**self).write(row);
    }
}

/// Empty without a value.
impl<T: Cell> Cell for Option<T> {
    fn write(&self, row: &mut String) {
        if let Some(value) = self {
            value.write(row);
        }
    }
}

macro_rules! plain_cells {
    ($($kind:ty),*) => {
        $(impl Cell for $kind {
            fn write(&self, row: &mut String) {
                row.push_str(&self.to_string());
            }
        })*
    };
}

// Numbers, negative ones included, are not guarded.
plain_cells!(bool, i64, u32, u64, usize);

/// Writes the first row: names of columns, separated by commas.
///
/// # Errors
/// When writing fails.
pub fn heading(out: &mut dyn Write, columns: &str) -> io::Result<()> {
    write!(out, "{columns}\r\n")
}

/// Writes a row.
///
/// # Errors
/// When writing fails.
pub fn row(out: &mut dyn Write, cells: &[&dyn Cell]) -> io::Result<()> {
    let mut row = String::new();
    for (index, cell) in cells.iter().enumerate() {
        row.push_str(if index > 0 { "," } else { "" });
        cell.write(&mut row);
    }
    write!(out, "{row}\r\n")
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
        assert!(row(&mut out, &[&-5_i64, &"-5", &None::<u32>, &7_u32]).is_ok());
        assert_eq!(out, b"-5,'-5,,7\r\n");
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
