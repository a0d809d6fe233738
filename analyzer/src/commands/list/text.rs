//! Text output of `list`.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;

use anyhow::Result;
use whotalks::model::{Address, ChannelKind, Map, ProcessId, SocketState};
use whotalks::query::{Link, LinkKind, count_self_conversations};

use crate::commands::coverage::{hidden_logs, incomplete};
use crate::terminal::{self, count, plural, visible_rows};

/// Writes the table. `is_everything`: no option restricts the clients or servers.
pub(super) fn write(
    out: &mut dyn Write,
    map: &Map,
    links: &[Link],
    all: bool,
    is_everything: bool,
) -> Result<()> {
    let visible = visible_rows(links.len(), all);
    let cells: Vec<Vec<String>> = links[..visible]
        .iter()
        .map(|link| link_cells(map, link))
        .collect();
    let heading = "CLIENT|SERVER|CONNS>|NOTE|VIA";
    terminal::print_marked(out, heading, &cells, |column, cell| match column {
        0 | 1 => cell.ends_with("(unknown)"),
        3 => ["pending", "connecting", "stopped"]
            .iter()
            .any(|word| cell.contains(word)),
        _ => false,
    })?;
    let hidden = links.len() - visible;
    let more =
        (hidden > 0).then(|| format!("{} (--all).", plural(hidden, "more link", "more links")));
    let union = map.seen.as_ref().map(|seen| {
        let captures = plural(seen.captures(), "capture", "captures");
        format!("Of {captures}.")
    });
    // Only if all other conversations are listed.
    let within = count_self_conversations(map);
    let within = (within > 0 && !map.restricted && is_everything).then(|| {
        let conversations = plural(within, "conversation", "conversations");
        format!("{conversations} of a process with itself not shown.")
    });
    let hidden: Vec<String> = more
        .into_iter()
        .chain(is_everything.then(|| departed(map)).flatten())
        .chain(hidden_logs(&map.hidden_logs))
        .chain(within)
        .chain(union)
        .collect();
    let unknown: Vec<String> = incomplete(map).into_iter().collect();
    terminal::print_footer(out, &hidden, &unknown)
}

/// Cells of a link: client, server, connections, note, name.
pub(crate) fn link_cells(map: &Map, link: &Link) -> Vec<String> {
    let group = |label: &str, processes: &BTreeSet<ProcessId>| match processes.len() {
        0 | 1 => label.to_owned(),
        count => format!("{label} ×{count}"),
    };
    let pending = (link.pending > 0).then(|| format!("{} pending", link.pending));
    let connecting = (link.connecting > 0).then(|| format!("{} connecting", link.connecting));
    let seen = link.seen.as_ref();
    let seen = seen.map(|seen| format!("seen {} of {}", seen.count(), seen.of));
    let ends = [("server", &link.servers), ("client", &link.clients)];
    let stopped = ends.map(|(end, processes)| stopped(map, end, processes));
    let stopped = stopped.into_iter().flatten();
    let notes = pending.into_iter().chain(connecting).chain(stopped);
    let notes: Vec<String> = notes.chain(seen).collect();
    let server = group(&link.server, &link.servers);
    vec![
        group(&link.client, &link.clients),
        match link.is_directed {
            true => server,
            false => format!("↔ {server}"),
        },
        link.connections.to_string(),
        notes.join(", "),
        via_cell(link),
    ]
}

/// `server stopped`, `2 of 3 servers stopped`; `None` if none is.
fn stopped(map: &Map, end: &str, processes: &BTreeSet<ProcessId>) -> Option<String> {
    let is_stopped = |process: &&ProcessId| map.process(**process).is_stopped();
    match processes.iter().filter(is_stopped).count() {
        0 => None,
        all if all == processes.len() => Some(format!("{end} stopped")),
        some => Some(format!("{some} of {} {end}s stopped", processes.len())),
    }
}

/// `/run/app.sock`, `fifo /run/app.fifo`, `pipe`, `socketpair`, `pts/3`, `lock /run/app.pid`, `eventfd`.
fn via_cell(link: &Link) -> String {
    let name = &link.via.text;
    match (link.kind, name.is_empty()) {
        (LinkKind::Pipe, true) => "pipe".to_owned(),
        (LinkKind::Pipe, false) => format!("fifo {name}"),
        (LinkKind::Channel(kind), true) => kind.as_str().to_owned(),
        (
            LinkKind::Channel(kind @ (ChannelKind::Mqueue | ChannelKind::Shm | ChannelKind::Lock)),
            false,
        ) => {
            format!("{} {name}", kind.as_str())
        }
        (LinkKind::Unix, true) if link.is_pair => "socketpair".to_owned(),
        _ => name.clone(),
    }
}

/// Addresses of servers that the footer names.
const NAMED_SERVERS: usize = 3;

/// `52 closed connections remain: 50 to 127.0.0.1:22060 (time-wait), 2 to 10.0.0.9:443 (last-ack).`
fn departed(map: &Map) -> Option<String> {
    let mut counts: BTreeMap<(Address, SocketState), usize> = BTreeMap::new();
    for row in &map.departed {
        *counts.entry((row.server, row.state)).or_default() += row.count;
    }
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by_key(|(_, count)| Reverse(*count));
    let named = counts.iter().take(NAMED_SERVERS);
    let named = named.map(|((server, state), rows)| {
        format!("{} to {server} ({})", count(*rows as u64), state.as_str())
    });
    let more = counts.len().saturating_sub(NAMED_SERVERS);
    let more = (more > 0).then(|| format!("{more} more"));
    let texts: Vec<String> = named.chain(more).collect();
    let all: usize = counts.iter().map(|(_, count)| count).sum();
    let connections = plural(
        all,
        "closed connection remains",
        "closed connections remain",
    );
    (all > 0).then(|| format!("{connections}: {}.", texts.join(", ")))
}
