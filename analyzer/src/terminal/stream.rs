//! Tables of hundreds of thousands of rows.
//!
//! Rows are formatted in chunks on all cores, once to measure the columns and again to print them:
//! formatting twice costs less than keeping all cells in memory.

use std::io::Write;
use std::ops::Range;
use std::panic::resume_unwind;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::available_parallelism;

use anyhow::Result;
use unicode_width::UnicodeWidthStr;

use super::lines::{columns, cut, terminal_width};
use super::table::{Column, align, columns_of, print_heading};

/// Rows of a chunk.
const CHUNK_ROWS: usize = 1 << 10;
/// More threads would only wait for the thread that writes.
const MAX_THREADS: usize = 8;
/// Formatted chunks of a thread that may wait to be written.
const QUEUED_CHUNKS: usize = 2;

/// The cells of a row, one after the other.
#[derive(Debug, Default)]
pub(crate) struct Cells {
    text: String,
    /// End of each cell in the text.
    ends: Vec<usize>,
}

impl Cells {
    /// Text of the current cell, to be appended to.
    pub(crate) fn text(&mut self) -> &mut String {
        &mut self.text
    }

    /// Ends the current cell.
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

/// Prints `count` rows under a heading. `fill` writes the cells of a row, which must be printable and the
/// same in each call.
pub(crate) fn print_stream(
    out: &mut dyn Write,
    heading: &str,
    count: usize,
    fill: &(impl Fn(usize, &mut Cells) + Sync),
) -> Result<()> {
    let heading = &columns_of(heading);
    let chunks = count.div_ceil(CHUNK_ROWS);
    let threads = available_parallelism().map_or(1, usize::from);
    let threads = threads.min(MAX_THREADS).min(chunks).max(1);
    let widths = measure(heading, count, threads, fill);
    let terminal = terminal_width();
    print_heading(out, heading, &widths, terminal)?;
    let make = |chunk: usize, cells: &mut Cells, lines: &mut String| {
        let mut line = String::new();
        for row in rows(chunk, count) {
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
                let (sender, receiver) = sync_channel(QUEUED_CHUNKS);
                let make = &make;
                scope.spawn(move || {
                    let mut cells = Cells::default();
                    for chunk in (first..chunks).step_by(threads) {
                        let mut lines = String::new();
                        make(chunk, &mut cells, &mut lines);
                        // The receiver is gone: writing has failed.
                        if sender.send(lines).is_err() {
                            break;
                        }
                    }
                });
                receiver
            })
            .collect();
        for chunk in 0..chunks {
            // A thread that ends early has panicked; the scope resumes the panic.
            let Ok(lines) = from[chunk % threads].recv() else {
                break;
            };
            out.write_all(lines.as_bytes())?;
        }
        Ok(())
    })
}

fn rows(chunk: usize, count: usize) -> Range<usize> {
    chunk * CHUNK_ROWS..((chunk + 1) * CHUNK_ROWS).min(count)
}

/// Widths of the columns.
fn measure(
    heading: &[Column<'_>],
    count: usize,
    threads: usize,
    fill: &(impl Fn(usize, &mut Cells) + Sync),
) -> Vec<usize> {
    let measure_every = |first: usize| {
        let mut widths: Vec<usize> = heading.iter().map(|(name, _)| name.width()).collect();
        let mut cells = Cells::default();
        for chunk in (first..count.div_ceil(CHUNK_ROWS)).step_by(threads) {
            for row in rows(chunk, count) {
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
            .map(|first| scope.spawn(move || measure_every(first)))
            .collect();
        let mut widths = measure_every(0);
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
    use crate::terminal::print;

    #[test]
    fn a_stream_prints_the_same_as_a_table() {
        let heading = "N>|NAME";
        for count in [0, 1, CHUNK_ROWS, 5 * CHUNK_ROWS + 7] {
            let name = |row: usize| "é".repeat(row % 13 + row / 5_000);
            let cells: Vec<Vec<String>> = (0..count)
                .map(|row| vec![row.to_string(), name(row)])
                .collect();
            let fill = |row: usize, cells: &mut Cells| {
                cells.text().push_str(&row.to_string());
                cells.end();
                cells.text().push_str(&name(row));
                cells.end();
            };
            let (mut table, mut stream) = (Vec::new(), Vec::new());
            assert!(print(&mut table, heading, &cells).is_ok());
            assert!(print_stream(&mut stream, heading, count, &fill).is_ok());
            assert!(table == stream, "{count} rows");
        }
    }

    #[test]
    fn a_closed_pipe_ends_the_stream() {
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
        let written = print_stream(&mut Closed, "", 100 * CHUNK_ROWS, &fill);
        assert!(written.is_err());
    }
}
