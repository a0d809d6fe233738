//! `whotalks list --sockets`: every socket, with its holders.

use std::io::Write;

use anyhow::Result;
use serde::Serialize;
use whotalks::export::{self, Socket, csv};
use whotalks::model::{Map, SocketId};
use whotalks::query::{addressed, matching_sockets, named};
use whotalks::{escape, id, names};

use super::unreadable;
use crate::Outcome;
use crate::cli::{List, TableFormat};
use crate::output;
use crate::table::{self, Align};

#[derive(Serialize)]
struct Document {
    schema: &'static str,
    sockets: Vec<Socket>,
}

pub(super) fn run(map: &Map, options: &List) -> Result<Outcome> {
    let wanted = options.selection.restriction()?.only;
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
        let via = socket.name.as_ref().map(named);
        let via = via.or_else(|| socket.local.map(addressed));
        let via = via.unwrap_or_default();
        let (name_kind, name) = csv::name(&via);
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
            names::family(socket.family),
            names::socket_type(socket.kind),
            socket.protocol.unwrap_or_default(),
            names::socket_state(socket.state),
            name_kind,
            name,
            &hex.unwrap_or_default(),
            &socket.remote.map(escape::address).unwrap_or_default(),
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
    let rows: Vec<Vec<String>> = chosen.iter().map(|id| cells(map, *id)).collect();
    let heading = [
        ("INODE", Align::Right),
        ("FAMILY", Align::Left),
        ("TYPE", Align::Left),
        ("STATE", Align::Left),
        ("HOLDERS", Align::Left),
        ("NAME", Align::Left),
    ];
    table::print(out, &heading, &rows)?;
    if let Some(line) = unreadable(map) {
        writeln!(out, "{line}")?;
    }
    Ok(())
}

fn cells(map: &Map, id: SocketId) -> Vec<String> {
    let socket = map.socket(id);
    let name = socket.name.as_ref().map(|name| escape::name(name.bytes()));
    let remote = socket
        .remote
        .map(|remote| format!(" ⇄ {}", escape::address(remote)));
    let address = || Some(escape::address(socket.local?) + &remote.unwrap_or_default());
    vec![
        socket.inode.to_string(),
        names::family(socket.family).to_owned(),
        socket
            .protocol
            .unwrap_or(names::socket_type(socket.kind))
            .to_owned(),
        names::socket_state(socket.state).to_owned(),
        holders(map, id),
        name.or_else(address).unwrap_or_default(),
    ]
}

/// `nginx [12] fd 5, nginx [13] fd 5 (and 7 more)`.
fn holders(map: &Map, id: SocketId) -> String {
    const NAMED: usize = 3;
    let holders = map.holders(id);
    let named = holders.iter().take(NAMED).map(|holder| {
        let process = map.process(holder.process);
        format!(
            "{} [{}] fd {}",
            escape::display(&process.comm),
            process.pid,
            holder.fd
        )
    });
    let named = named.collect::<Vec<_>>().join(", ");
    match (holders.len(), map.socket(id).holders_complete) {
        (0, true) => "(none)".to_owned(),
        (0, false) => "(unreadable)".to_owned(),
        (all, _) if all > NAMED => format!("{named} (and {} more)", all - NAMED),
        _ => named,
    }
}
