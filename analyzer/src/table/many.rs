//! Tables of hundreds of thousands of rows: made piece by piece on all cores, once to measure the
//! columns and once more to print them, since keeping them costs more than making them again.

use std::io::Write;
use std::ops::Range;
use std::panic::resume_unwind;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::available_parallelism;

use anyhow::Result;
use unicode_width::UnicodeWidthStr;

use super::{Align, align, columns, cut, print_heading, terminal_width};

/// Rows that are made at a time.
const PIECE: usize = 1 << 10;
/// More threads than that wait for the one that writes.
const MOST_THREADS: usize = 8;
/// Pieces of a thread that may wait to be written.
const AHEAD: usize = 2;

/// The cells of some rows, one after the other.
#[derive(Debug, Default)]
pub(crate) struct Cells {
    text: String,
    /// Where each cell ends in the text.
    ends: Vec<usize>,
}

impl Cells {
    /// Where the present cell is written; only to be added to.
    pub(crate) fn text(&mut self) -> &mut String {
        &mut self.text
    }

    /// Ends the present cell.
    pub(crate) fn end(&mut self) {
        self.ends.push(self.text.len());
    }

    fn clear(&mut self) {
        self.text.clear();
        self.ends.clear();
    }

    fn iter(&self) -> impl Iterator<Item = &str> {
        let starts = std::iter::once(&0).chain(&self.ends);
        starts
            .zip(&self.ends)
            .map(|(from, to)| &self.text[*from..*to])
    }
}

/// Prints `count` rows under a heading; `fill` makes one row's cells, which must be printable, and the
/// same ones each time.
pub(crate) fn print_many(
    out: &mut dyn Write,
    heading: &[(&str, Align)],
    count: usize,
    fill: &(impl Fn(usize, &mut Cells) + Sync),
) -> Result<()> {
    let pieces = count.div_ceil(PIECE);
    let threads = available_parallelism().map_or(1, usize::from);
    let threads = threads.min(MOST_THREADS).min(pieces).max(1);
    let widths = measure(heading, count, threads, fill);
    let terminal = terminal_width();
    print_heading(out, heading, &widths, terminal)?;
    let make = |piece: usize, cells: &mut Cells, lines: &mut String| {
        let mut line = String::new();
        for row in rows(piece, count) {
            cells.clear();
            fill(row, cells);
            align(&mut line, heading, &widths, cells.iter(), |_, _, _| {});
            lines.push_str(&cut(line.trim_end(), terminal));
            lines.push('\n');
        }
    };
    std::thread::scope(|scope| {
        let from: Vec<Receiver<String>> = (0..threads)
            .map(|first| {
                let (sender, receiver) = sync_channel(AHEAD);
                let make = &make;
                scope.spawn(move || {
                    let mut cells = Cells::default();
                    for piece in (first..pieces).step_by(threads) {
                        let mut lines = String::new();
                        make(piece, &mut cells, &mut lines);
                        // Nobody takes them any more: writing has failed.
                        if sender.send(lines).is_err() {
                            break;
                        }
                    }
                });
                receiver
            })
            .collect();
        for piece in 0..pieces {
            // A thread that ends early has panicked, and the scope passes that on.
            let Ok(lines) = from[piece % threads].recv() else {
                break;
            };
            out.write_all(lines.as_bytes())?;
        }
        Ok(())
    })
}

fn rows(piece: usize, count: usize) -> Range<usize> {
    piece * PIECE..((piece + 1) * PIECE).min(count)
}

/// The columns' widths.
fn measure(
    heading: &[(&str, Align)],
    count: usize,
    threads: usize,
    fill: &(impl Fn(usize, &mut Cells) + Sync),
) -> Vec<usize> {
    let of_some = |first: usize| {
        let mut widths: Vec<usize> = heading.iter().map(|(name, _)| name.width()).collect();
        let mut cells = Cells::default();
        for piece in (first..count.div_ceil(PIECE)).step_by(threads) {
            for row in rows(piece, count) {
                cells.clear();
                fill(row, &mut cells);
                for (width, cell) in widths.iter_mut().zip(cells.iter()) {
                    *width = (*width).max(columns(cell));
                }
            }
        }
        widths
    };
    std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads)
            .map(|first| scope.spawn(move || of_some(first)))
            .collect();
        let mut widths = of_some(0);
        for other in others {
            let other = other.join().unwrap_or_else(|panic| resume_unwind(panic));
            for (width, other) in widths.iter_mut().zip(other) {
                *width = (*width).max(other);
            }
        }
        widths
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::print;

    #[test]
    fn many_rows_are_printed_as_few_are() {
        let heading = [("N", Align::Right), ("NAME", Align::Left)];
        for count in [0, 1, PIECE, 5 * PIECE + 7] {
            let name = |row: usize| "é".repeat(row % 13 + row / 5_000);
            let few: Vec<Vec<String>> = (0..count)
                .map(|row| vec![row.to_string(), name(row)])
                .collect();
            let fill = |row: usize, cells: &mut Cells| {
                cells.text().push_str(&row.to_string());
                cells.end();
                cells.text().push_str(&name(row));
                cells.end();
            };
            let (mut one, mut other) = (Vec::new(), Vec::new());
            assert!(print(&mut one, &heading, &few).is_ok());
            assert!(print_many(&mut other, &heading, count, &fill).is_ok());
            assert!(one == other, "{count} rows");
        }
    }

    #[test]
    fn a_reader_that_closes_the_pipe_ends_it() {
        struct Closed;
        impl Write for Closed {
            fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
                Err(std::io::ErrorKind::BrokenPipe.into())
            }
            fn flush(&mut self) -> std::io::Result<()> {
                Ok(())
            }
        }
        let fill = |_: usize, cells: &mut Cells| cells.end();
        let written = print_many(&mut Closed, &[("", Align::Left)], 100 * PIECE, &fill);
        assert!(written.is_err());
    }
}
