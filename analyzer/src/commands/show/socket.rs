//! The page of a socket, as people read it.

use std::collections::BTreeSet;
use std::io::Write;

use anyhow::Result;
use whotalks::id;
use whotalks::load::tcp_info::TcpInfo;
use whotalks::model::{Connection, FdTarget, Holder, Map, SocketId};
use whotalks::query::UnknownEnd;

use super::Source;
use super::people::{field, findings, label, name, waiting};
use crate::commands::waits;
use crate::table::{self, Align, fit, thousands};

/// Rows of a section.
const ROWS: usize = 20;

pub(super) fn write(out: &mut dyn Write, source: &Source<'_>, at: SocketId) -> Result<()> {
    let map = source.map;
    let socket = map.socket(at);
    writeln!(out, "{}", fit(&title(map, at)))?;
    let known = |number: Option<u64>| number.map_or("(unknown)".to_owned(), |n| n.to_string());
    let ids = format!("inode {}, cookie {}", socket.inode, known(socket.cookie));
    field(out, "known as", &ids)?;
    field(out, "netns", &known(socket.netns))?;
    if let (Some(pending), Some(backlog)) = (socket.pending, socket.backlog) {
        let accepting = match socket.accepting {
            Some(false) => "shut down: refuses, what is pending can still be accepted",
            _ => "accepting",
        };
        field(
            out,
            "backlog",
            &format!("{pending} of {backlog} pending, {accepting}"),
        )?;
    } else {
        let bytes = |count: u64| thousands(usize::try_from(count).unwrap_or(usize::MAX));
        let (read, sent) = (
            bytes(socket.recv_queue_bytes),
            bytes(socket.send_queue_bytes),
        );
        field(
            out,
            "queues",
            &format!("{read} bytes to read, {sent} bytes sent and not read"),
        )?;
    }
    let shut = match socket.shutdown {
        1 => "receiving",
        2 => "sending",
        3 => "receiving and sending",
        _ => "",
    };
    field(out, "shut down", shut)?;
    field(out, "holders", &holders(map, at))?;
    if let Some(tcp) = source.tcp(at) {
        field(out, "tcp", &tcp_line(&tcp))?;
    }
    peers(out, map, at)?;
    waiting(out, source, "waited on", &waits_on(source, at))?;
    findings(out, source, &BTreeSet::from([id::socket(map, at)]))
}

/// `socket h0/s1452  unix stream listening  /run/docker.sock`
pub(super) fn title(map: &Map, at: SocketId) -> String {
    let socket = map.socket(at);
    format!(
        "socket {}  {} {} {}  {}",
        id::socket(map, at),
        socket.family.as_str(),
        socket.protocol.unwrap_or(socket.kind.as_str()),
        socket.state.as_str(),
        name(map, at)
    )
}

/// Waits on this very socket: their places.
pub(super) fn waits_on(source: &Source<'_>, at: SocketId) -> Vec<usize> {
    let all = source.waits.waits.iter().enumerate();
    let on = |wait: usize| waits::call(source.map, wait).map(|call| &call.target);
    all.filter(|(_, waiting)| on(waiting.wait) == Some(&FdTarget::Socket(at)))
        .map(|(place, _)| place)
        .collect()
}

/// The connections that a socket is an end or the listener of: their places.
pub(super) fn connections(map: &Map, at: SocketId) -> Vec<usize> {
    let all = map.connections.iter().enumerate();
    let of = |connection: &Connection| {
        [Some(connection.a), connection.b, connection.listener].contains(&Some(at))
    };
    all.filter(|(_, connection)| of(connection))
        .map(|(place, _)| place)
        .collect()
}

fn holders(map: &Map, at: SocketId) -> String {
    let all = map.holders(at);
    let complete = map.socket(at).holders_complete;
    let text = |holder: &Holder| {
        let thread = holder
            .tid
            .map_or(String::new(), |tid| format!(" thread {tid}"));
        let kept = match holder.cloexec {
            Some(true) => " (close-on-exec)",
            Some(false) => " (kept on exec)",
            None => "",
        };
        format!(
            "{}{thread} fd {}{kept}",
            label(map, holder.process),
            holder.fd
        )
    };
    let mut texts: Vec<String> = all.iter().take(ROWS).map(text).collect();
    if all.len() > ROWS {
        texts.push(format!("{} more", thousands(all.len() - ROWS)));
    }
    match (all.is_empty(), complete) {
        (true, true) => UnknownEnd::None.to_string(),
        (true, false) => UnknownEnd::Unreadable.to_string(),
        (false, true) => texts.join(", "),
        (false, false) => texts.join(", ") + ", perhaps others that could not be read",
    }
}

/// Who is at the other end, or has come through this listener.
fn peers(out: &mut dyn Write, map: &Map, at: SocketId) -> Result<()> {
    let places = connections(map, at);
    if places.is_empty() {
        return Ok(());
    }
    writeln!(out, "connections")?;
    let row = |place: &usize| {
        let connection = &map.connections[*place];
        let end = |end: Option<SocketId>| match end {
            Some(end) if end == at => "this".to_owned(),
            Some(end) => format!("{} {}", id::socket(map, end), first_holder(map, end)),
            None => match map.socket(connection.a).remote {
                Some(remote) => UnknownEnd::Outside(remote.to_string()).to_string(),
                None => UnknownEnd::None.to_string(),
            },
        };
        let other = match connection.state {
            whotalks::model::ConnectionState::Pending => "(not accepted yet)".to_owned(),
            _ => end(connection.b),
        };
        vec![
            format!("  {}", connection.state.as_str()),
            connection.evidence.as_str().to_owned(),
            end(Some(connection.a)),
            other,
        ]
    };
    let rows: Vec<Vec<String>> = places.iter().take(ROWS).map(row).collect();
    let heading = [
        ("  STATE", Align::Left),
        ("EVIDENCE", Align::Left),
        ("CLIENT", Align::Left),
        ("SERVER", Align::Left),
    ];
    table::print(out, &heading, &rows)?;
    if places.len() > ROWS {
        writeln!(out, "  (and {} more)", thousands(places.len() - ROWS))?;
    }
    Ok(())
}

fn first_holder(map: &Map, end: SocketId) -> String {
    match map.holding_processes(end)[..] {
        [] if map.socket(end).holders_complete => UnknownEnd::None.to_string(),
        [] => UnknownEnd::Unreadable.to_string(),
        [only] => label(map, only),
        [first, ref rest @ ..] => format!("{} and {} more", label(map, first), rest.len()),
    }
}

/// `rtt 0.05 ± 0.02 ms, rto 204 ms, 0 segments sent again (0 now), …`
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
