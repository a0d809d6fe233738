//! Text output of `show`: pages, then the list of the other matches.

use std::io::Write;

use anyhow::Result;
use whotalks::model::Map;
use whotalks::text::escape;

use super::fields::{ROWS, write_more};
use super::source::PageSource;
use super::subject::PageSubject;
use super::{channel_page, process_page, socket_page};
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
            PageSubject::Processes(group) => process_page::write(out, source, group)?,
            PageSubject::Channel(channel) => channel_page::write(out, source.map, *channel)?,
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
            PageSubject::Processes(group) => match (group.process(), &group.name) {
                (Some(process), _) => {
                    format!("pid:{} {}", map.process(process).pid, label(map, process))
                }
                (None, name) => {
                    let name = escape::display(name.as_deref().unwrap_or_default().as_bytes());
                    let count = plural(group.processes.len(), "process", "processes");
                    format!("{}:{name} {count}", group.kind)
                }
            },
            PageSubject::Socket(socket) => socket_page::title(map, *socket),
            PageSubject::Channel(channel) => channel_page::title(map, *channel),
        };
        writeln!(out, "{}", fit(&format!("  {line}")))?;
    }
    write_more(out, others.len())
}
