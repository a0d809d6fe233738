//! The page of a pseudo-terminal, queue, shared memory, lock or FIFO as text.

use std::io::Write;

use anyhow::Result;
use whotalks::graph::Conversation;
use whotalks::id;
use whotalks::model::{Holder, Map};
use whotalks::text::escape;

use super::fields::write_table;
use crate::commands::names::label;
use crate::terminal::fit;

/// Writes the title, and a row for each descriptor or process.
pub(super) fn write(out: &mut dyn Write, map: &Map, channel: Conversation) -> Result<()> {
    writeln!(out, "{}", fit(&title(map, channel)))?;
    let rows = ends(map, channel);
    write_table(out, "ends", "ROLE|FD>|NOTE|PROCESS", rows.into_iter())
}

/// `pty h0/y3  pts/3`
pub(super) fn title(map: &Map, channel: Conversation) -> String {
    let (kind, id, name) = match channel {
        Conversation::Channel(channel) => {
            let row = &map.channels[channel.index()];
            (row.kind.as_str(), id::channel(row), Some(&row.name))
        }
        Conversation::Pipe(pipe) => {
            let row = &map.pipes[pipe.index()];
            let kind = if row.path.is_some() { "fifo" } else { "pipe" };
            (kind, id::pipe(map, pipe), row.path.as_ref())
        }
        Conversation::Connection(index) => ("connection", id::connection(map, index), None),
    };
    let name = name.map(|name| format!("  {}", escape::display(name)));
    format!("{kind} {id}{}", name.unwrap_or_default())
}

/// Role, descriptor, note, process.
fn ends(map: &Map, channel: Conversation) -> Vec<Vec<String>> {
    let cells = |role: &str, fd: Option<u32>, keeps: bool, process| {
        let note = if keeps { "keeps" } else { "" };
        vec![
            role.to_owned(),
            fd.map_or_else(String::new, |fd| fd.to_string()),
            note.to_owned(),
            label(map, process),
        ]
    };
    match channel {
        Conversation::Channel(channel) => map.channels[channel.index()]
            .ends
            .iter()
            .map(|end| cells(end.role.as_str(), end.fd, end.keeps, end.process))
            .collect(),
        Conversation::Pipe(pipe) => {
            let pipe = &map.pipes[pipe.index()];
            let row = |role: &'static str| {
                move |h: &Holder| cells(role, Some(h.fd), h.keeps.is_some(), h.process)
            };
            let writers = pipe.writers.iter().map(row("writer"));
            writers
                .chain(pipe.readers.iter().map(row("reader")))
                .collect()
        }
        Conversation::Connection(_) => Vec::new(),
    }
}
