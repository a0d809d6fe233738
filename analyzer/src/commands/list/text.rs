//! Text output of `list`.

use std::collections::BTreeSet;
use std::io::Write;

use anyhow::Result;
use whotalks::model::{Map, ProcessId};
use whotalks::query::{Link, LinkKind, count_self_conversations};

use crate::commands::coverage::incomplete;
use crate::terminal::{self, color, plural, visible_rows};

/// Writes the table. `is_everything`: no option restricts the clients or servers.
pub(super) fn write(
    out: &mut dyn Write,
    map: &Map,
    links: &[Link],
    all: bool,
    is_everything: bool,
) -> Result<()> {
    let visible = visible_rows(links.len(), all);
    let cells: Vec<Vec<String>> = links[..visible].iter().map(link_cells).collect();
    let heading = "CLIENT|SERVER|CONNS>|NOTE|VIA";
    terminal::print_marked(out, heading, &cells, |column, cell| match column {
        0 | 1 => cell == "(unreadable)",
        3 => cell.contains("pending"),
        _ => false,
    })?;
    let hidden = links.len() - visible;
    let more =
        (hidden > 0).then(|| format!("{} (--all).", plural(hidden, "more link", "more links")));
    let union = map.seen.as_ref().map(|seen| {
        let captures = plural(seen.captures as usize, "capture", "captures");
        format!("Of {captures}.")
    });
    // Only if all other conversations are listed.
    let within = count_self_conversations(map);
    let within = (within > 0 && !map.restricted && is_everything).then(|| {
        let conversations = plural(within, "conversation", "conversations");
        format!("{conversations} of a process with itself not shown.")
    });
    let footer: Vec<String> = more
        .into_iter()
        .chain(within)
        .chain(union)
        .chain(incomplete(map).map(|text| color::warning(&text)))
        .collect();
    if !footer.is_empty() {
        writeln!(out, "{}", footer.join(" "))?;
    }
    Ok(())
}

/// Cells of a link: client, server, connections, note, name.
pub(crate) fn link_cells(link: &Link) -> Vec<String> {
    let group = |label: &str, processes: &BTreeSet<ProcessId>| match processes.len() {
        0 | 1 => label.to_owned(),
        count => format!("{label} ×{count}"),
    };
    let pending = (link.pending > 0).then(|| format!("{} pending", link.pending));
    let pipe = (link.kind == LinkKind::Pipe).then(|| "pipe".to_owned());
    let seen = link.seen.map(|seen| format!("seen {seen}×"));
    let notes: Vec<String> = pipe.into_iter().chain(pending).chain(seen).collect();
    vec![
        group(&link.client, &link.clients),
        group(&link.server, &link.servers),
        link.connections.to_string(),
        notes.join(", "),
        link.via.text.clone(),
    ]
}
