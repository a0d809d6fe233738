//! `whotalks list --sockets`: lists sockets and their holders.

use std::fmt::Write as _;
use std::io::Write;

use anyhow::Result;
use whotalks::export::{self, csv, object};
use whotalks::graph::program;
use whotalks::id;
use whotalks::model::{Holder, Map, SocketId};
use whotalks::query::{UnknownEnd, socket_via, unheld};
use whotalks::text::escape;

use crate::cli::TableFormat;
use crate::commands::coverage::incomplete;
use crate::output;
use crate::terminal::{self, Cells};

/// Holders that a cell names.
const NAMED_HOLDERS: usize = 3;

pub(super) fn write(map: &Map, sockets: &[SocketId], format: TableFormat) -> Result<()> {
    output::stdout(|out| match format {
        TableFormat::Text => write_text(out, map, sockets),
        TableFormat::Json => write_json(out, map, sockets),
        TableFormat::Csv => write_csv(out, map, sockets),
    })
}

fn write_json(out: &mut dyn Write, map: &Map, sockets: &[SocketId]) -> Result<()> {
    let sockets = sockets.iter().map(|id| export::socket(map, *id));
    let document = object()
        .field("schema", "whotalks-sockets/1")
        .list("sockets", sockets);
    serde_json::to_writer(&mut *out, &document)?;
    Ok(writeln!(out)?)
}

const COLUMNS: &str = "\
    id,inode,netns,family,type,protocol,state,name_kind,name,name_hex,remote,\
    recv_queue_bytes,send_queue_bytes,pending,backlog,holders,holders_complete";

/// Writes a row for each socket, with its holders as process:descriptor.
fn write_csv(out: &mut dyn Write, map: &Map, sockets: &[SocketId]) -> Result<()> {
    csv::heading(out, COLUMNS)?;
    for id in sockets.iter().copied() {
        let socket = map.socket(id);
        let via = socket_via(map, id).unwrap_or_default();
        let (name_kind, name) = csv::name_cells(&via);
        let name_hex = socket.name.as_ref().map(|name| escape::hex(name.bytes()));
        let holder =
            |holder: &Holder| format!("{}:{}", id::process(map, holder.process), holder.fd);
        let holders: Vec<String> = map.holders(id).iter().map(holder).collect();
        csv::row(
            out,
            &[
                &id::socket(map, id),
                &socket.inode,
                &socket.netns,
                &socket.family.as_str(),
                &socket.kind.as_str(),
                &socket.protocol,
                &socket.state.as_str(),
                &name_kind,
                &name,
                &name_hex,
                &socket.remote.map(|address| address.to_string()),
                &socket.recv_queue_bytes,
                &socket.send_queue_bytes,
                &socket.pending,
                &socket.backlog,
                &holders.join(" "),
                &socket.holders_complete,
            ],
        )?;
    }
    Ok(())
}

fn write_text(out: &mut dyn Write, map: &Map, sockets: &[SocketId]) -> Result<()> {
    let heading = "INODE>|FAMILY|TYPE|STATE|HOLDERS|NAME";
    let programs: Vec<String> = map.processes.iter().map(program).collect();
    let fill = |row: usize, cells: &mut Cells| write_cells(cells, map, &programs, sockets[row]);
    terminal::print_stream(out, heading, sockets.len(), &fill)?;
    if let Some(line) = incomplete(map) {
        writeln!(out, "{line}")?;
    }
    Ok(())
}

/// Writes the cells of a socket without temporary strings: there may be hundreds of thousands of rows.
fn write_cells(cells: &mut Cells, map: &Map, programs: &[String], id: SocketId) {
    let socket = map.socket(id);
    let kind = socket.protocol.unwrap_or(socket.kind.as_str());
    let _ = write!(cells.text(), "{}", socket.inode);
    cells.end();
    for word in [socket.family.as_str(), kind, socket.state.as_str()] {
        cells.text().push_str(word);
        cells.end();
    }
    write_holders(cells.text(), map, programs, id);
    cells.end();
    let text = cells.text();
    if let Some(name) = socket.current_name() {
        text.push_str(&escape::name(name.bytes()));
    } else if let Some(local) = socket.local {
        text.push_str(&local.to_string());
        if let Some(remote) = socket.remote {
            text.extend([" ⇄ ", &remote.to_string()]);
        }
    }
    cells.end();
}

/// `nginx [12] fd 5, systemd [1] fd 40 keeps (and 7 more)`.
fn write_holders(text: &mut String, map: &Map, programs: &[String], id: SocketId) {
    let holders = map.holders(id);
    for (index, holder) in holders.iter().take(NAMED_HOLDERS).enumerate() {
        let process = map.process(holder.process);
        text.push_str(if index > 0 { ", " } else { "" });
        text.push_str(&programs[holder.process.index()]);
        let _ = match holder.through_io_uring {
            true => write!(text, " [{}] through io_uring", process.pid),
            false => write!(text, " [{}] fd {}", process.pid, holder.fd),
        };
        text.push_str(holder.keeps.map_or("", |_| " keeps"));
    }
    let _ = match holders.len() {
        0 => match unheld(map, id) {
            UnknownEnd::Unheld | UnknownEnd::NoProcess => write!(text, "(none)"),
            end => write!(text, "{end}"),
        },
        all if all > NAMED_HOLDERS => write!(text, " (and {} more)", all - NAMED_HOLDERS),
        _ => Ok(()),
    };
}
