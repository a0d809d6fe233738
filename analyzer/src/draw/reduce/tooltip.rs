//! Tooltips of nodes and edges, as lines of plain text.

use super::draft::{Bundle, Draft, DraftNode, Member, ProcessRef, SocketRef};
use super::label::{container, pipe_path, socket_name, user};
use crate::draw::change;
use crate::draw::graph::{EdgeKind, Kind};
use crate::model::{FdsStatus, Process, SocketState};
use crate::text::escape::display;

/// Members and listeners that are listed.
const MAX_LISTED: usize = 12;
/// Characters of a command line.
const MAX_COMMAND: usize = 200;
/// The same where very many nodes are drawn, and lines show the holders.
const TERSE_LISTED: usize = 1;
const TERSE_COMMAND: usize = 60;

/// How tooltips are written.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Style {
    /// Each process stands for a group, and has no pid.
    pub(crate) grouped: bool,
    /// There are so many nodes that full tooltips would make the file large.
    pub(crate) terse: bool,
}

/// The lines of a node's tooltip.
pub(crate) fn node(draft: &Draft<'_>, node: &DraftNode, style: Style) -> Vec<String> {
    let (listed, command) = match style.terse {
        true => (TERSE_LISTED, TERSE_COMMAND),
        false => (MAX_LISTED, MAX_COMMAND),
    };
    let mut lines = Vec::new();
    let findings: Vec<u32> = [&node.findings[..], &node.concerns].concat();
    let findings = findings.iter().map(|finding| draft.finding(*finding));
    list(findings, " findings", &mut lines);
    if let [member] = node.members[..] {
        match member {
            Member::Process(id) => {
                let process = &draft.processes[id as usize];
                lines.push(member_name(draft, member, style));
                describe_process(process, command, &mut lines);
            }
            Member::Socket(socket) => {
                let socket = &draft.sockets[socket as usize];
                describe_socket(draft, socket, node.kind, listed, &mut lines);
            }
            Member::Pipe(_) | Member::Outside(_) => lines.push(member_name(draft, member, style)),
        }
    } else {
        lines.push(format!("{} {}", node.members.len(), plural(node.kind)));
        let members = node.members.iter();
        let names = members.map(|member| member_name(draft, *member, style));
        list(names, "", &mut lines);
    }
    if let Some((old, new)) = node.counts {
        let word = change::words(node.change).word;
        lines.push(format!("{word} ({old} before, {new} now)"));
    }
    let unknown = "connected to somebody who is not known";
    // The peers of connections that a filter cut off are not looked up.
    let peers = match draft.map.restricted {
        true => "not Unix-domain, peers not known or left out on request",
        false => "not Unix-domain, peers not known",
    };
    for (n, what) in [
        (node.undrawn.foreign, peers),
        (node.undrawn.unknown, unknown),
        (node.undrawn.own, "connected within"),
        (
            node.undrawn.hidden,
            "others that it talks to, left out on request",
        ),
    ] {
        if n > 0 {
            lines.push(format!("{n} {what}"));
        }
    }
    lines
}

/// Adds lines up to a number, and how many more there are.
fn list(all: impl ExactSizeIterator<Item = String>, what: &str, lines: &mut Vec<String>) {
    let hidden = all.len().saturating_sub(MAX_LISTED);
    lines.extend(all.take(MAX_LISTED));
    if hidden > 0 {
        lines.push(format!("and {hidden} more{what}"));
    }
}

/// The lines of an edge's tooltip.
pub(crate) fn edge(
    draft: &Draft<'_>,
    (a, b, kind): (u32, u32, EdgeKind),
    bundle: &Bundle,
    style: Style,
) -> Vec<String> {
    // Clients come first.
    let is_reversed = bundle.a_end.server && !bundle.b_end.server;
    let ends = if is_reversed { [b, a] } else { [a, b] };
    let [a, b] = ends.map(|node| short_name(draft, &draft.nodes[node as usize], style));
    let mut lines = Vec::new();
    let findings = bundle.findings.iter();
    let findings = findings.map(|finding| draft.finding(*finding));
    list(findings, " findings", &mut lines);
    let what = match kind {
        EdgeKind::Accepts => {
            lines.push(format!("{b} serves what {a} accepted"));
            return lines;
        }
        EdgeKind::Holds if bundle.n == 1 => {
            lines.push(format!("{a} holds {b}"));
            return lines;
        }
        EdgeKind::Holds => "held",
        EdgeKind::Unix | EdgeKind::Net => "connection",
        EdgeKind::Pending => "client waiting to be accepted",
        EdgeKind::Pipe => "pipe",
        EdgeKind::Pty => "pseudo-terminal",
        EdgeKind::Channel => "channel",
    };
    let arrow = match kind {
        EdgeKind::Pipe if bundle.a_end.arrow && bundle.b_end.arrow => "↔",
        EdgeKind::Pipe if bundle.a_end.arrow => "←",
        EdgeKind::Pipe => "→",
        _ => match (bundle.a_end.server, bundle.b_end.server) {
            (false, false) => "–",
            (true, true) => "↔",
            _ => "→",
        },
    };
    let plural = if bundle.n == 1 || kind == EdgeKind::Holds {
        ""
    } else {
        "s"
    };
    lines.push(format!("{a} {arrow} {b}"));
    lines.push(format!("{} {what}{plural}", bundle.n));
    list(bundle.names.iter().cloned(), "", &mut lines);
    list(bundle.changes.iter().cloned(), "", &mut lines);
    let mut hidden = 0;
    for (&(is_backwards, listener), n) in &bundle.via {
        if lines.len() < MAX_LISTED {
            let is_from_server = is_backwards != is_reversed;
            let direction = if is_from_server { "from" } else { "to" };
            let name = socket_name(draft.map.socket(listener));
            lines.push(format!("{n} {direction} {name}"));
        } else {
            hidden += n;
        }
    }
    if hidden > 0 {
        lines.push(format!("and {hidden} more"));
    }
    lines
}

/// A node in a few words, for tooltips of edges.
fn short_name(draft: &Draft<'_>, node: &DraftNode, style: Style) -> String {
    let first = match &node.group {
        Some(group) => group.clone(),
        None => member_name(draft, node.members[0], style),
    };
    match node.members.len() {
        1 => first,
        many => format!("{first} and {} more", many - 1),
    }
}

fn member_name(draft: &Draft<'_>, member: Member, style: Style) -> String {
    match member {
        Member::Process(process) => {
            let process = &draft.processes[process as usize];
            if style.grouped {
                process.name()
            } else {
                name_and_pid(process)
            }
        }
        Member::Socket(socket) => {
            let socket = draft.sockets[socket as usize].socket();
            match socket.name {
                None if socket.local.is_none() => format!("socket {}", socket.inode),
                _ => socket_name(socket),
            }
        }
        Member::Pipe(pipe) => match pipe_path(draft, pipe) {
            Some(path) => format!("FIFO {path}"),
            None => "pipe".to_owned(),
        },
        Member::Outside(address) => draft.outside[address as usize].clone(),
    }
}

fn name_and_pid(process: &ProcessRef<'_>) -> String {
    format!("{} [{}]", process.name(), process.process().pid)
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

fn describe_process(process: &ProcessRef<'_>, max_command: usize, lines: &mut Vec<String>) {
    // The processes of a role have several command lines.
    if process.role.is_none() {
        lines.extend(command_line(process.process(), max_command));
    }
    let process = process.process();
    let unit = process.unit.as_ref();
    let unit = unit.map(|unit| format!("unit {}", display(unit.as_bytes())));
    let owner = [user(process), unit, container(process)];
    let owner: Vec<String> = owner.into_iter().flatten().collect();
    if !owner.is_empty() {
        lines.push(owner.join(", "));
    }
    let status = match process.fds_status {
        FdsStatus::Read => return,
        FdsStatus::Partial => "its descriptors could be read in part only",
        FdsStatus::Denied => "its descriptors could not be read",
        FdsStatus::Vanished => "it ended during the capture",
    };
    lines.push(status.to_owned());
}

/// The command line, cut to a number of characters; `None`: it is empty.
fn command_line(process: &Process, max: usize) -> Option<String> {
    let arguments: Vec<String> = process
        .arguments()
        .take(max)
        .map(|argument| display(&argument[..argument.len().min(max)]))
        .collect();
    let whole = arguments.join(" ");
    let mut cut: String = whole.chars().take(max).collect();
    if cut.len() < whole.len() {
        cut.push('…');
    }
    (!cut.is_empty()).then_some(cut)
}

fn describe_socket(
    draft: &Draft<'_>,
    socket: &SocketRef<'_>,
    kind: Kind,
    max_holders: usize,
    lines: &mut Vec<String>,
) {
    let holders = socket.holders();
    let socket = socket.socket();
    let what = match (kind, socket.state) {
        (_, SocketState::Listening) => "listens at",
        (Kind::Listener, _) => "bound to",
        _ => "socket",
    };
    let name = match (&socket.name, socket.local) {
        (None, None) => socket.inode.to_string(),
        _ => socket_name(socket),
    };
    lines.push(format!("{what} {name}"));
    let held = match (holders.len(), socket.holders_complete) {
        (0, false) => "held by no process that was read".to_owned(),
        (0, true) => "held by no process".to_owned(),
        (n, true) => format!("held by {n}"),
        (n, false) => format!("held by {n} or more"),
    };
    let names = holders.iter().take(max_holders);
    let mut names: Vec<String> = names
        .map(|process| name_and_pid(&draft.processes[*process as usize]))
        .collect();
    if holders.len() > max_holders {
        names.push("…".to_owned());
    }
    lines.push(match names.is_empty() {
        true => held,
        false => format!("{held}: {}", names.join(", ")),
    });
    if let Some(pending) = socket.pending.filter(|pending| *pending > 0) {
        lines.push(format!("{pending} waiting to be accepted"));
    }
    if socket.accepting == Some(false) {
        lines.push("shut down: accepts no more".to_owned());
    }
}
