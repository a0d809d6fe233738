//! What a pointer over a node or an edge shows, as lines of plain text.

use super::changes;
use super::content::socket_name;
use super::picture::{Bundle, EdgeKind, Kind, Node, Picture, Thing, Via};
use crate::graph::display_name;
use crate::id;
use crate::model::{FdsStatus, Map, ProcessId, SocketId, SocketState};
use crate::text::escape::display;

/// Members and ways that are listed.
const MOST_LISTED: usize = 12;
/// Characters of a command line.
const MOST_COMMAND: usize = 200;
/// The same where very many nodes are drawn: what else is known, the lines to the holders show.
const FEW_LISTED: usize = 1;
const SHORT_COMMAND: usize = 60;

/// The `data-id` of a node.
pub(super) fn node_id(map: &Map, picture: &Picture, node: &Node) -> String {
    let first = match node.things[0] {
        Thing::Process(process) => id::process(map, process),
        Thing::Socket(socket) => id::socket(map, socket),
        Thing::Pipe(pipe) => id::pipe(map, pipe),
        Thing::Outside(at) => picture.outside[at as usize].clone(),
    };
    match node.things.len() {
        1 => first,
        many => format!("{first}+{}", many - 1),
    }
}

/// The lines of a node's title; `terse` where there are so many that they make the file large.
pub(super) fn node_title(map: &Map, picture: &Picture, node: &Node, terse: bool) -> Vec<String> {
    let (listed, command) = match terse {
        true => (FEW_LISTED, SHORT_COMMAND),
        false => (MOST_LISTED, MOST_COMMAND),
    };
    let mut lines = found(picture, node.findings.iter().chain(&node.concerns));
    if let [thing] = node.things[..] {
        match thing {
            Thing::Process(process) => {
                lines.push(thing_name(map, picture, thing));
                describe(map, process, command, &mut lines);
            }
            Thing::Socket(socket) => describe_socket(map, socket, node.kind, listed, &mut lines),
            Thing::Pipe(_) => lines.push(thing_name(map, picture, thing)),
            Thing::Outside(at) => lines.push(picture.outside[at as usize].clone()),
        }
    } else {
        lines.push(format!("{} {}", node.things.len(), plural(node.kind)));
        let first = node.things.iter().take(MOST_LISTED);
        lines.extend(first.map(|thing| thing_name(map, picture, *thing)));
        if node.things.len() > MOST_LISTED {
            lines.push(format!("and {} more", node.things.len() - MOST_LISTED));
        }
    }
    if let Some((old, new)) = node.counts {
        lines.push(format!(
            "{} ({old} before, {new} now)",
            changes::word(node.change)
        ));
    }
    let marks = node.marks;
    // With whom a cut connection was is not looked up again.
    let peers = match map.restricted {
        true => "not Unix-domain, peers not known or left out on request",
        false => "not Unix-domain, peers not known",
    };
    for (n, what) in [
        (marks.foreign, peers),
        (marks.unknown, "connected to somebody who is not known"),
        (marks.own, "connected within"),
    ] {
        if n > 0 {
            lines.push(format!("{n} {what}"));
        }
    }
    lines
}

/// A line for each finding, up to a number.
fn found<'a>(picture: &Picture, findings: impl Iterator<Item = &'a u32> + Clone) -> Vec<String> {
    let shown = findings.clone().take(MOST_LISTED);
    let mut lines: Vec<String> = shown.map(|at| picture.finding(*at)).collect();
    let hidden = findings.count() - lines.len();
    if hidden > 0 {
        lines.push(format!("and {hidden} more findings"));
    }
    lines
}

/// The lines of an edge's title.
pub(super) fn edge_title(
    map: &Map,
    picture: &Picture,
    names: (&str, &str),
    kind: EdgeKind,
    bundle: &Bundle,
) -> Vec<String> {
    let (a, b) = names;
    let what = match kind {
        EdgeKind::Unix | EdgeKind::Net => "connection",
        EdgeKind::Pending => "client waiting to be accepted",
        EdgeKind::Pipe => "pipe",
        EdgeKind::Holds if bundle.n == 1 => "",
        EdgeKind::Holds => "held",
    };
    let arrow = match kind {
        EdgeKind::Pipe if bundle.a_end.arrow && bundle.b_end.arrow => "↔",
        EdgeKind::Pipe if bundle.a_end.arrow => "←",
        EdgeKind::Pipe => "→",
        _ => "–",
    };
    let plural = if bundle.n == 1 || kind == EdgeKind::Holds {
        ""
    } else {
        "s"
    };
    let mut lines = found(picture, bundle.findings.iter());
    if what.is_empty() {
        lines.push(format!("{a} holds {b}"));
        return lines;
    }
    lines.push(format!("{a} {arrow} {b}"));
    lines.push(format!("{} {what}{plural}", bundle.n));
    lines.extend(bundle.said.iter().take(MOST_LISTED).cloned());
    if bundle.said.len() > MOST_LISTED {
        lines.push(format!("and {} more", bundle.said.len() - MOST_LISTED));
    }
    let mut left = 0;
    for (via, n) in &bundle.via {
        let line = match via {
            Via::Unnamed | Via::Pipe(_) => continue,
            Via::Forwards(socket) => format!("{n} to {}", socket_name(map, *socket)),
            Via::Backwards(socket) => format!("{n} from {}", socket_name(map, *socket)),
        };
        match lines.len() < MOST_LISTED {
            true => lines.push(line),
            false => left += n,
        }
    }
    if left > 0 {
        lines.push(format!("and {left} more"));
    }
    lines
}

/// What a hub's badge says: the hub's title is its node's.
pub(super) fn tag_title(hub: Kind, title: &[String], n: u32, ways: (bool, bool)) -> String {
    let name = title.first().map_or("", String::as_str);
    let many = match n {
        1 => String::new(),
        n => format!(" ×{n}"),
    };
    match (hub, ways) {
        (Kind::Process, _) if n == 1 => format!("1 connection to {name}"),
        (Kind::Process, _) => format!("{n} connections to {name}"),
        (Kind::Pipe, (true, true)) => format!("reads and writes {name}{many}"),
        (Kind::Pipe, (true, false)) => format!("reads {name}{many}"),
        (Kind::Pipe, _) => format!("writes {name}{many}"),
        _ => format!("holds this{many}: {name}"),
    }
}

/// A node in a few words, for titles of edges.
pub(super) fn short(map: &Map, picture: &Picture, node: &Node) -> String {
    let first = match &node.group {
        Some(group) => group.clone(),
        None => thing_name(map, picture, node.things[0]),
    };
    match node.things.len() {
        1 => first,
        many => format!("{first} and {} more", many - 1),
    }
}

fn thing_name(map: &Map, picture: &Picture, thing: Thing) -> String {
    match thing {
        Thing::Process(id) => {
            let process = map.process(id);
            match picture.grouped {
                true => display_name(process),
                false => format!("{} [{}]", display_name(process), process.pid),
            }
        }
        Thing::Socket(id) => match map.socket(id).name {
            None if map.socket(id).local.is_none() => format!("socket {}", map.socket(id).inode),
            _ => socket_name(map, id),
        },
        Thing::Pipe(id) => match &map.pipes[id.index()].path {
            Some(path) => format!("FIFO {}", display(path)),
            None => "pipe".to_owned(),
        },
        Thing::Outside(at) => picture.outside[at as usize].clone(),
    }
}

fn plural(kind: Kind) -> &'static str {
    match kind {
        Kind::Process => "processes",
        Kind::Listener => "listening sockets",
        Kind::Socket => "sockets, each held by the same processes",
        Kind::Pipe => "pipes between the same processes",
        Kind::Outside => "addresses outside of what was captured",
    }
}

fn describe(map: &Map, id: ProcessId, most: usize, lines: &mut Vec<String>) {
    let process = map.process(id);
    let command: Vec<String> = process
        .arguments()
        .take(most)
        .map(|argument| display(&argument[..argument.len().min(most)]))
        .collect();
    let command = command.join(" ");
    if !command.is_empty() {
        let mut short: String = command.chars().take(most).collect();
        if short.len() < command.len() {
            short.push('…');
        }
        lines.push(short);
    }
    let mut who = Vec::new();
    if let Some(user) = &process.user {
        who.push(format!("user {}", display(user)));
    } else if let Some(uid) = process.uid {
        who.push(format!("uid {uid}"));
    }
    if let Some(unit) = &process.unit {
        who.push(format!("unit {}", display(unit.as_bytes())));
    }
    if let Some(container) = &process.container {
        let name = container.name.as_ref().unwrap_or(&container.id);
        who.push(format!("container {}", display(name.as_bytes())));
    }
    if !who.is_empty() {
        lines.push(who.join(", "));
    }
    let status = match process.fds_status {
        FdsStatus::Read => return,
        FdsStatus::Partial => "its descriptors could be read in part only",
        FdsStatus::Denied => "its descriptors could not be read",
        FdsStatus::Vanished => "it ended during the capture",
    };
    lines.push(status.to_owned());
}

fn describe_socket(map: &Map, id: SocketId, kind: Kind, most: usize, lines: &mut Vec<String>) {
    let socket = map.socket(id);
    let holders = map.holding_processes(id);
    let what = match (kind, socket.state) {
        (_, SocketState::Listening) => "listens at",
        (Kind::Listener, _) => "bound to",
        _ => "socket",
    };
    let name = match (&socket.name, socket.local) {
        (None, None) => socket.inode.to_string(),
        _ => socket_name(map, id),
    };
    lines.push(format!("{what} {name}"));
    let mut held = match (holders.len(), socket.holders_complete) {
        (0, false) => "held by nobody who was read".to_owned(),
        (0, true) => "held by nobody".to_owned(),
        (n, true) => format!("held by {n}"),
        (n, false) => format!("held by {n} or more"),
    };
    for (at, process) in holders.iter().take(most).enumerate() {
        held.push_str(if at == 0 { ": " } else { ", " });
        let process = map.process(*process);
        held.push_str(&format!("{} [{}]", display_name(process), process.pid));
    }
    if holders.len() > most {
        held.push_str(", …");
    }
    lines.push(held);
    if let Some(pending) = socket.pending.filter(|pending| *pending > 0) {
        lines.push(format!("{pending} waiting to be accepted"));
    }
    if socket.accepting == Some(false) {
        lines.push("shut down: accepts no more".to_owned());
    }
}
