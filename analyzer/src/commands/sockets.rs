//! `whotalks list --sockets`: every socket, with its holders.

use std::fmt::Write as _;
use std::io::Write;

use anyhow::Result;
use serde::Serialize;
use whotalks::export::{self, SocketDocument, csv};
use whotalks::id;
use whotalks::model::{Map, SocketId};
use whotalks::query::{Via, matching_sockets};
use whotalks::text::escape;

use super::incomplete;
use crate::Outcome;
use crate::cli::{List, TableFormat};
use crate::output;
use crate::table::{self, Align, Cells};

#[derive(Serialize)]
struct Document {
    schema: &'static str,
    sockets: Vec<SocketDocument>,
}

pub(super) fn run(map: &Map, options: &List) -> Result<Outcome> {
    let wanted = options.selection.filter()?.only;
    let meant = matching_sockets(map, &wanted);
    let chosen: Vec<SocketId> = (0..map.sockets.len())
        .filter(|at| meant[*at])
        .map(SocketId::new)
        .collect();
    output::stdout(|out| match options.format {
        TableFormat::Text => text(out, map, &chosen),
        TableFormat::Json => json(out, map, &chosen),
        TableFormat::Csv => csv(out, map, &chosen),
    })?;
    Ok(Outcome::Done)
}

fn json(out: &mut dyn Write, map: &Map, chosen: &[SocketId]) -> Result<()> {
    let sockets = chosen.iter().map(|id| export::socket(map, *id)).collect();
    serde_json::to_writer(
        &mut *out,
        &Document {
            schema: "whotalks-sockets/1",
            sockets,
        },
    )?;
    Ok(writeln!(out)?)
}

const COLUMNS: [&str; 17] = [
    "id",
    "inode",
    "netns",
    "family",
    "type",
    "protocol",
    "state",
    "name_kind",
    "name",
    "name_hex",
    "remote",
    "recv_queue_bytes",
    "send_queue_bytes",
    "pending",
    "backlog",
    "holders",
    "holders_complete",
];

/// One row for each socket; its holders as process:descriptor.
fn csv(out: &mut dyn Write, map: &Map, chosen: &[SocketId]) -> Result<()> {
    csv::row(out, &COLUMNS)?;
    for id in chosen.iter().copied() {
        let socket = map.socket(id);
        let via = socket.name.as_ref().map(Via::from);
        let via = via.or_else(|| socket.local.map(Via::from));
        let via = via.unwrap_or_default();
        let (name_kind, name) = csv::name_cells(&via);
        let number = |number: Option<u32>| number.map(|n| n.to_string()).unwrap_or_default();
        let hex = socket.name.as_ref().map(|name| escape::hex(name.bytes()));
        let holders: Vec<String> = map
            .holders(id)
            .iter()
            .map(|holder| format!("{}:{}", id::process(map, holder.process), holder.fd))
            .collect();
        let cells = [
            &id::socket(map, id),
            &socket.inode.to_string(),
            &socket.netns.map(|n| n.to_string()).unwrap_or_default(),
            socket.family.as_str(),
            socket.kind.as_str(),
            socket.protocol.unwrap_or_default(),
            socket.state.as_str(),
            name_kind,
            name,
            &hex.unwrap_or_default(),
            &socket
                .remote
                .map(|address| address.to_string())
                .unwrap_or_default(),
            &socket.recv_queue_bytes.to_string(),
            &socket.send_queue_bytes.to_string(),
            &number(socket.pending),
            &number(socket.backlog),
            &holders.join(" "),
            &socket.holders_complete.to_string(),
        ];
        csv::row(out, &cells)?;
    }
    Ok(())
}

fn text(out: &mut dyn Write, map: &Map, chosen: &[SocketId]) -> Result<()> {
    let heading = [
        ("INODE", Align::Right),
        ("FAMILY", Align::Left),
        ("TYPE", Align::Left),
        ("STATE", Align::Left),
        ("HOLDERS", Align::Left),
        ("NAME", Align::Left),
    ];
    let fill = |row: usize, cells: &mut Cells| fill(cells, map, chosen[row]);
    table::print_many(out, &heading, chosen.len(), &fill)?;
    if let Some(line) = incomplete(map) {
        writeln!(out, "{line}")?;
    }
    Ok(())
}

/// One socket's row; there may be hundreds of thousands.
fn fill(cells: &mut Cells, map: &Map, id: SocketId) {
    let socket = map.socket(id);
    let kind = socket.protocol.unwrap_or(socket.kind.as_str());
    let _ = write!(cells.text(), "{}", socket.inode);
    cells.end();
    for word in [socket.family.as_str(), kind, socket.state.as_str()] {
        cells.text().push_str(word);
        cells.end();
    }
    holders(cells.text(), map, id);
    cells.end();
    let text = cells.text();
    if let Some(name) = &socket.name {
        text.push_str(&escape::name(name.bytes()));
    } else if let Some(local) = socket.local {
        text.push_str(&local.to_string());
        if let Some(remote) = socket.remote {
            text.extend([" ⇄ ", &remote.to_string()]);
        }
    }
    cells.end();
}

/// `nginx [12] fd 5, nginx [13] fd 5 (and 7 more)`.
fn holders(text: &mut String, map: &Map, id: SocketId) {
    const NAMED: usize = 3;
    let holders = map.holders(id);
    for (at, holder) in holders.iter().take(NAMED).enumerate() {
        let process = map.process(holder.process);
        text.push_str(if at > 0 { ", " } else { "" });
        escape::push_display(text, &process.comm);
        let _ = write!(text, " [{}] fd {}", process.pid, holder.fd);
    }
    match (holders.len(), map.socket(id).holders_complete) {
        (0, true) => text.push_str("(none)"),
        (0, false) => text.push_str("(unreadable)"),
        (all, _) if all > NAMED => {
            let _ = write!(text, " (and {} more)", all - NAMED);
        }
        _ => {}
    }
}
