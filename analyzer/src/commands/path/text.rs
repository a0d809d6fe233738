//! Text output of `path`: a line for each hop.

use std::io::Write;

use anyhow::Result;
use whotalks::graph::Conversation;
use whotalks::id;
use whotalks::model::{Map, ProcessId};
use whotalks::query::{Direction, Hop, is_pending, via};
use whotalks::text::escape;

use crate::commands::coverage::unreadable;
use crate::commands::names::label;
use crate::terminal::{color, plural};

pub(super) fn write(out: &mut dyn Write, map: &Map, hops: &[Hop]) -> Result<()> {
    for pair in hops.windows(2) {
        let [from, to] = pair else { continue };
        let Some((conversation, direction)) = from.next else {
            continue;
        };
        let arrow = match direction {
            Direction::Along => "→",
            Direction::Against => "←",
            Direction::Unknown => "↔",
        };
        let pending = if is_pending(map, conversation) {
            format!("  {}", color::warning("(waits to be accepted)"))
        } else {
            String::new()
        };
        let label = |hop: &Hop| label_with_host(map, hop.process);
        let (from, over, to) = (label(from), over(map, conversation), label(to));
        writeln!(out, "{from} {arrow} {over} {arrow} {to}{pending}")?;
    }
    if let [only] = hops {
        writeln!(out, "{}", label_with_host(map, only.process))?;
    }
    let count = plural(hops.len().saturating_sub(1), "hop", "hops");
    let unread = unreadable(map).map_or_else(String::new, |unread| {
        format!(" {} A shorter way may be hidden.", color::warning(&unread))
    });
    writeln!(out, "{count}.{unread}")?;
    Ok(())
}

/// `app.py [34]`, with the host if there are several.
fn label_with_host(map: &Map, process: ProcessId) -> String {
    let label = label(map, process);
    if map.hosts.len() == 1 {
        return label;
    }
    let host = &map.hosts[map.process(process).host.index()];
    format!("{}:{label}", escape::display(&host.hostname))
}

/// What a conversation goes over: its name, or else an id.
fn over(map: &Map, conversation: Conversation) -> String {
    let name = via(map, conversation).text;
    match conversation {
        _ if !name.is_empty() => name,
        Conversation::Connection(index) => {
            format!("socket pair {}", id::socket(map, map.connections[index].a))
        }
        Conversation::Channel(channel) => map.channels[channel.index()].kind.as_str().to_owned(),
        Conversation::Pipe(pipe) => format!("pipe {}", id::pipe(map, pipe)),
    }
}
