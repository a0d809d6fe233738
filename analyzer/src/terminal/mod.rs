//! Text output for people: tables, wrapped lines, colour. Documents for programs do not use it.

pub(crate) mod color;
mod lines;
mod stream;
mod table;

pub(crate) use lines::{fit, print_footer, print_indented, print_wrapped};
pub(crate) use stream::{Cells, print_stream};
pub(crate) use table::{ROWS, print, print_marked, visible_rows};
pub(crate) use whotalks::text::format::{noise, plural, thousands};

/// `1,987`, of a number that is not a length.
pub(crate) fn count(number: u64) -> String {
    thousands(usize::try_from(number).unwrap_or(usize::MAX))
}
