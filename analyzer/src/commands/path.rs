//! `whotalks path`: how one process reaches another, hop by hop.

use std::io::Write;

use anyhow::Result;
use serde::Serialize;
use whotalks::graph::{Conversation, program};
use whotalks::id;
use whotalks::model::{Map, ProcessId, build_at};
use whotalks::query::{self, Direction, Hop, is_pending, via};
use whotalks::text::escape;

use super::{pick, unreadable, unrestricted};
use crate::Outcome;
use crate::cli::{Format, Path};
use crate::style;
use crate::table::plural;
use crate::{input, output};

#[derive(Serialize)]
struct Document {
    schema: &'static str,
    found: bool,
    hops: Vec<Row>,
}

#[derive(Serialize)]
struct Row {
    process: String,
    /// What leads on to the next process: a connection's id or a pipe's; null in the last.
    connection: Option<String>,
}

pub(super) fn run(options: &Path) -> Result<Outcome> {
    let mut snapshots = input::open_at(&options.snapshots.files, options.snapshots.at)?;
    let Some(map) = unrestricted(&mut snapshots, options.snapshots.at, build_at) else {
        return Ok(Outcome::Found);
    };
    let from = picked(&map, &options.from)?;
    let to = picked(&map, &options.to)?;
    let known = !from.is_empty() && !to.is_empty();
    let hops = query::path(&map, &from, &to);
    output::stdout(|out| match (options.format, &hops) {
        (Format::Json, _) => json(out, &map, hops.as_deref().unwrap_or_default()),
        (Format::Text, Some(hops)) => text(out, &map, hops),
        (Format::Text, None) => Ok(()),
    })?;
    if hops.is_some() {
        return Ok(Outcome::Done);
    }
    if known {
        let (from, to) = (shown(&options.from), shown(&options.to));
        let unread = unreadable(&map).map_or_else(String::new, |unread| format!("; {unread}"));
        eprintln!(
            "whotalks: no path from {from} to {to}{}",
            unread.trim_end_matches('.')
        );
    }
    Ok(Outcome::Found)
}

/// The processes of a selector; where there are none, that and what is near, on standard error.
fn picked(map: &Map, selector: &str) -> Result<Vec<ProcessId>> {
    let found = pick::processes(map, selector)?;
    if found.is_empty() {
        pick::say_unmatched(map, selector)?;
    }
    Ok(found)
}

fn shown(text: &str) -> String {
    escape::display(text.as_bytes())
}

fn json(out: &mut dyn Write, map: &Map, hops: &[Hop]) -> Result<()> {
    let talk = |talk: Conversation| match talk {
        Conversation::Connection(at) => id::connection(map, at),
        Conversation::Pipe(pipe) => id::pipe(map, pipe),
    };
    let row = |hop: &Hop| Row {
        process: id::process(map, hop.process),
        connection: hop.next.map(|(next, _)| talk(next)),
    };
    let document = Document {
        schema: "whotalks-path/1",
        found: !hops.is_empty(),
        hops: hops.iter().map(row).collect(),
    };
    serde_json::to_writer_pretty(&mut *out, &document)?;
    Ok(writeln!(out)?)
}

fn text(out: &mut dyn Write, map: &Map, hops: &[Hop]) -> Result<()> {
    for pair in hops.windows(2) {
        let [one, two] = pair else { continue };
        let Some((talk, direction)) = one.next else {
            continue;
        };
        let arrow = match direction {
            Direction::Along => "→",
            Direction::Against => "←",
            Direction::Unknown => "↔",
        };
        let pending = if is_pending(map, talk) {
            format!("  {}", style::note("(waits to be accepted)"))
        } else {
            String::new()
        };
        let (one, two) = (process(map, one.process), process(map, two.process));
        writeln!(
            out,
            "{one} {arrow} {} {arrow} {two}{pending}",
            over(map, talk)
        )?;
    }
    if let [only] = hops {
        writeln!(out, "{}", process(map, only.process))?;
    }
    let count = plural(hops.len().saturating_sub(1), "hop", "hops");
    let unread = unreadable(map).map_or_else(String::new, |unread| {
        format!(" {} A shorter way may be hidden.", style::note(&unread))
    });
    writeln!(out, "{count}.{unread}")?;
    Ok(())
}

/// `app.py [34]`, with its host where there are several.
fn process(map: &Map, id: ProcessId) -> String {
    let process = map.process(id);
    let host = match map.hosts.len() {
        1 => String::new(),
        _ => format!(
            "{}:",
            escape::display(&map.hosts[process.host.index()].hostname)
        ),
    };
    format!("{host}{} [{}]", program(process), process.pid)
}

/// What the conversation goes over: a name where it has one.
fn over(map: &Map, talk: Conversation) -> String {
    let name = via(map, talk).text;
    match talk {
        _ if !name.is_empty() => name,
        Conversation::Connection(at) => {
            format!("socket pair {}", id::socket(map, map.connections[at].a))
        }
        Conversation::Pipe(pipe) => format!("pipe {}", id::pipe(map, pipe)),
    }
}
