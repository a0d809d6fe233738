//! Text output of `show`: pages, then the list of the other matches.

use std::io::Write;

use anyhow::Result;
use whotalks::model::Map;
use whotalks::text::escape;

use super::fields::{ROWS, write_more};
use super::source::PageSource;
use super::subject::PageSubject;
use super::{process_page, socket_page};
use crate::commands::coverage::incomplete;
use crate::commands::names::label;
use crate::terminal::{color, fit, plural, thousands};

pub(super) fn write(
    out: &mut dyn Write,
    source: &PageSource<'_>,
    pages: &[PageSubject],
    others: &[PageSubject],
) -> Result<()> {
    for (index, subject) in pages.iter().enumerate() {
        if index > 0 {
            writeln!(out)?;
        }
        match subject {
            PageSubject::Socket(socket) => socket_page::write(out, source, *socket)?,
            _ => process_page::write(out, source, subject)?,
        }
    }
    write_others(out, source.map, others)?;
    match incomplete(source.map) {
        Some(missing) => Ok(writeln!(out, "\n{}", color::warning(&missing))?),
        None => Ok(()),
    }
}

/// Lists the matches without a page.
fn write_others(out: &mut dyn Write, map: &Map, others: &[PageSubject]) -> Result<()> {
    if others.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n{} more:", thousands(others.len()))?;
    for other in others.iter().take(ROWS) {
        let line = match other {
            PageSubject::Process(process) => {
                format!("pid:{} {}", map.process(*process).pid, label(map, *process))
            }
            PageSubject::Group(kind, name, processes) => {
                let count = plural(processes.len(), "process", "processes");
                format!("{kind}:{} {count}", escape::display(name.as_bytes()))
            }
            PageSubject::Socket(socket) => socket_page::title(map, *socket),
        };
        writeln!(out, "{}", fit(&format!("  {line}")))?;
    }
    write_more(out, others.len())
}
