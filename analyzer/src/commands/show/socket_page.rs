//! The page of a socket as text.

use std::collections::BTreeSet;
use std::io::Write;

use anyhow::Result;
use whotalks::graph::connection_ends;
use whotalks::id;
use whotalks::load::tcp_info::TcpInfo;
use whotalks::model::{ConnectionState, Holder, KeepReason, Map, SocketId};
use whotalks::query::{UnknownEnd, unheld, unknown_end};

use super::fields::{ROWS, socket_name, write_field, write_findings, write_table, write_waits};
use super::source::PageSource;
use crate::commands::names::label;
use crate::terminal::{count, fit, thousands};

pub(super) fn write(out: &mut dyn Write, source: &PageSource<'_>, id: SocketId) -> Result<()> {
    let map = source.map;
    let socket = map.socket(id);
    writeln!(out, "{}", fit(&title(map, id)))?;
    let known = |number: Option<u64>| number.map_or("(unknown)".to_owned(), |n| n.to_string());
    let ids = format!("inode {}, cookie {}", socket.inode, known(socket.cookie));
    write_field(out, "known as", &ids)?;
    write_field(out, "netns", &known(socket.netns))?;
    if let (Some(pending), Some(backlog)) = (socket.pending, socket.backlog) {
        let accepting = match socket.accepting {
            Some(false) => "shut down: refuses, what is pending can still be accepted",
            _ => "accepting",
        };
        let text = format!("{pending} of {backlog} pending, {accepting}");
        write_field(out, "backlog", &text)?;
    } else {
        let received = count(socket.recv_queue_bytes);
        let sent = count(socket.send_queue_bytes);
        let text = format!("{received} bytes to read, {sent} bytes sent and not read");
        write_field(out, "queues", &text)?;
    }
    let shut = match socket.shutdown {
        1 => "receiving",
        2 => "sending",
        3 => "receiving and sending",
        _ => "",
    };
    write_field(out, "shut down", shut)?;
    write_field(out, "holders", &holders(map, id))?;
    if let Some(tcp) = source.tcp_info(id) {
        write_field(out, "tcp", &tcp_line(&tcp))?;
    }
    write_connections(out, source, id)?;
    write_waits(out, source, "waited on", &source.waits_on(id))?;
    write_findings(out, source, &BTreeSet::from([id::socket(map, id)]))
}

/// `socket h0/s1452  unix stream listening  /run/docker.sock`
pub(super) fn title(map: &Map, id: SocketId) -> String {
    let socket = map.socket(id);
    format!(
        "socket {}  {} {} {}  {}",
        id::socket(map, id),
        socket.family.as_str(),
        socket.protocol.unwrap_or(socket.kind.as_str()),
        socket.state.as_str(),
        socket_name(map, id)
    )
}

fn holders(map: &Map, id: SocketId) -> String {
    let all = map.holders(id);
    let complete = map.socket(id).holders_complete;
    let text = |holder: &Holder| {
        let thread = holder.tid.map(|tid| format!(" thread {tid}"));
        let thread = thread.unwrap_or_default();
        let on_exec = match holder.cloexec {
            Some(true) => " (close-on-exec)",
            Some(false) => " (kept on exec)",
            None => "",
        };
        let process = label(map, holder.process);
        let descriptor = match holder.through_io_uring {
            true => "through io_uring".to_owned(),
            false => format!("fd {}", holder.fd),
        };
        let keeps = holder.keeps.map(KeepReason::as_str);
        let keeps = keeps.map(|reason| format!(" (only keeps it: {reason})"));
        format!(
            "{process}{thread} {descriptor}{on_exec}{}",
            keeps.unwrap_or_default()
        )
    };
    let mut texts: Vec<String> = all.iter().take(ROWS).map(text).collect();
    if all.len() > ROWS {
        texts.push(format!("{} more", thousands(all.len() - ROWS)));
    }
    match (all.is_empty(), complete) {
        (true, _) => no_holder(map, id),
        (false, true) => texts.join(", "),
        (false, false) => texts.join(", ") + ", perhaps others that could not be read",
    }
}

/// Writes the connections of a socket, or those accepted from a listener.
fn write_connections(out: &mut dyn Write, source: &PageSource<'_>, socket: SocketId) -> Result<()> {
    let map = source.map;
    let indices = source.connections(socket);
    let row = |index: &usize| {
        let connection = &map.connections[*index];
        let end = |end: Option<SocketId>| match end {
            Some(end) if end == socket => "this".to_owned(),
            Some(end) => format!("{} {}", id::socket(map, end), first_holder(map, end)),
            None => unknown_end(map, &connection_ends(map, *index), false).to_string(),
        };
        let other = match connection.state {
            ConnectionState::Pending => "(not accepted yet)".to_owned(),
            _ => end(connection.b),
        };
        vec![
            connection.state.as_str().to_owned(),
            connection.evidence.as_str().to_owned(),
            end(Some(connection.a)),
            other,
        ]
    };
    let heading = "STATE|EVIDENCE|CLIENT|SERVER";
    write_table(out, "connections", heading, indices.iter().map(row))
}

/// `(none)`, `(unknown)`, `(in the queue of broker)`.
fn no_holder(map: &Map, socket: SocketId) -> String {
    match unheld(map, socket) {
        UnknownEnd::Unheld | UnknownEnd::NoProcess => "(none)".to_owned(),
        end => end.to_string(),
    }
}

fn first_holder(map: &Map, socket: SocketId) -> String {
    match map.using_processes(socket)[..] {
        [] => no_holder(map, socket),
        [only] => label(map, only),
        [first, ref rest @ ..] => format!("{} and {} more", label(map, first), rest.len()),
    }
}

/// `rtt 0.05 ± 0.02 ms, rto 204 ms, 0 segments sent again, …`
fn tcp_line(tcp: &TcpInfo) -> String {
    let ms = |us: u32| format!("{}.{:02}", us / 1_000, us % 1_000 / 10);
    format!(
        "rtt {} ± {} ms, rto {} ms, {} segments sent again, {} not acknowledged, window {}, last \
         sent {} ms ago, received {} ms ago",
        ms(tcp.rtt_us),
        ms(tcp.rtt_variation_us),
        tcp.rto_us / 1_000,
        tcp.total_retransmits,
        tcp.unacknowledged,
        tcp.congestion_window,
        tcp.last_sent_ms,
        tcp.last_received_ms
    )
}
