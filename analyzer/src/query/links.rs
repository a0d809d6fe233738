//! Who talks to whom, as rows: client, server, how often, over what.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::{SelectorSet, matching};
use crate::graph::{Conversation, ConversationEnds, Groups, conversations};
use crate::id;
use crate::model::{
    Address, Connection, ConnectionKind, ConnectionState, Holder, HostId, Map, Name, ProcessId,
    SocketId,
};
use crate::text::escape;

/// What a conversation goes over: a listener's name or address, a FIFO's path.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Via {
    /// Printable; an abstract name with its `@`. Empty: nothing has a name.
    pub text: String,
    /// What the text is.
    pub kind: ViaKind,
}

/// What kind of name something goes by; a path may begin with `@` too.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ViaKind {
    /// It has none.
    #[default]
    Unnamed,
    /// A path.
    Path,
    /// An abstract Unix name.
    Abstract,
    /// An internet or vsock address.
    Address,
}

impl ViaKind {
    /// The word for it in JSON, CSV and text output; empty where there is none.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unnamed => "",
            Self::Path => "path",
            Self::Abstract => "abstract",
            Self::Address => "address",
        }
    }
}

/// Why nobody is known at one end of a conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UnknownEnd {
    /// It is not on a captured machine; its address, without the port where that says nothing.
    Outside(String),
    /// A process that could not be read may hold it.
    Unreadable,
    /// There is none.
    None,
}

impl fmt::Display for UnknownEnd {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Outside(address) => write!(out, "(outside) {address}"),
            Self::Unreadable => out.write_str("(unreadable)"),
            Self::None => out.write_str("(none)"),
        }
    }
}

/// What kind of conversation a row counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LinkKind {
    /// Unix sockets.
    Unix,
    /// TCP, UDP and the like.
    Inet,
    /// Netlink between processes.
    Netlink,
    /// vsock.
    Vsock,
    /// Pipes and FIFOs.
    Pipe,
}

impl LinkKind {
    /// The word for it in JSON, CSV and text output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unix => "unix",
            Self::Inet => "inet",
            Self::Netlink => "netlink",
            Self::Vsock => "vsock",
            Self::Pipe => "pipe",
        }
    }
}

/// One row: conversations with the same ends over the same listener.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// The client's label, printable.
    pub client: String,
    /// The server's label, printable.
    pub server: String,
    /// The listener's name or address.
    pub via: Via,
    /// Kind.
    pub kind: LinkKind,
    /// How many conversations, those that wait to be accepted included.
    pub connections: usize,
    /// How many of them wait to be accepted.
    pub pending: usize,
    /// Of a union: in how many captures one of them was, at least.
    pub seen: Option<u32>,
    /// The processes at the client's end.
    pub clients: BTreeSet<ProcessId>,
    /// The processes at the server's end.
    pub servers: BTreeSet<ProcessId>,
}

/// Which rows are wanted, by their ends; empty selections want everything.
#[derive(Debug, Clone, Default)]
pub struct Between {
    /// The client's end.
    pub from: SelectorSet,
    /// The server's end.
    pub to: SelectorSet,
}

/// All rows: most conversations first, then by name.
///
/// A conversation of a process with nobody but itself is no row, and neither is a pipe whose other
/// end is certainly closed. An end that is held by several
/// groups (an inherited socket) makes a row for each.
pub fn links(map: &Map, groups: &Groups, between: &Between) -> Vec<Link> {
    let wanted = Wanted::of(map, between);
    let mut rows: BTreeMap<(String, String, Via, LinkKind), Link> = BTreeMap::new();
    for ends in conversations(map) {
        if is_private(&ends) || is_dead_pipe(map, &ends) || !wanted.has(map, &ends) {
            continue;
        }
        let kind = link_kind(map, ends.talk);
        let via = via(map, ends.talk);
        let pending = is_pending(map, ends.talk);
        for (client, clients) in side(map, groups, &ends, true) {
            for (server, servers) in side(map, groups, &ends, false) {
                let key = (client.clone(), server.clone(), via.clone(), kind);
                let row = rows.entry(key).or_insert_with(|| Link {
                    client: client.clone(),
                    server,
                    via: via.clone(),
                    kind,
                    connections: 0,
                    pending: 0,
                    seen: None,
                    clients: BTreeSet::new(),
                    servers: BTreeSet::new(),
                });
                row.connections += 1;
                row.pending += usize::from(pending);
                row.seen = row.seen.max(seen(map, ends.talk));
                row.clients.extend(&clients);
                row.servers.extend(servers);
            }
        }
    }
    let mut rows: Vec<Link> = rows.into_values().collect();
    rows.sort_by_key(|row| std::cmp::Reverse(row.connections));
    rows
}

/// The processes that `--from` and `--to` mean.
struct Wanted<'a> {
    between: &'a Between,
    from: Vec<bool>,
    to: Vec<bool>,
}

impl<'a> Wanted<'a> {
    fn of(map: &Map, between: &'a Between) -> Self {
        let of = |selection: &SelectorSet| match selection.is_empty() {
            true => vec![true; map.processes.len()],
            false => matching(map, selection),
        };
        Self {
            between,
            from: of(&between.from),
            to: of(&between.to),
        }
    }

    fn has(&self, map: &Map, ends: &ConversationEnds) -> bool {
        self.side(map, ends, true) && self.side(map, ends, false)
    }

    fn side(&self, map: &Map, ends: &ConversationEnds, client: bool) -> bool {
        let (processes, wanted, selection) = match client {
            true => (&ends.from, &self.from, &self.between.from),
            false => (&ends.to, &self.to, &self.between.to),
        };
        // Of sockets the one at this end is meant, not any that its process holds.
        let socket = || {
            let connection = connection(map, ends.talk)?;
            let other = connection.b.or(connection.listener).unwrap_or(connection.a);
            Some(if client || ends.from_outside {
                connection.a
            } else {
                other
            })
        };
        let fits =
            || !selection.has_socket_kinds() || socket().is_some_and(|s| selection.socket(map, s));
        // Where nobody is known, only the address can be meant.
        let outside = || socket().is_some_and(|socket| selection.unheld(map, socket));
        selection.is_empty()
            || processes.iter().any(|process| wanted[process.index()]) && fits()
            || processes.is_empty() && outside()
    }
}

/// Both ends in one process, and in no other: a self-pipe, a thread's wake-up socket.
pub fn is_private(ends: &ConversationEnds) -> bool {
    matches!((&ends.from[..], &ends.to[..]), ([one], [two]) if one == two)
}

/// How many conversations a process has with nobody but itself.
pub fn within_one(map: &Map) -> usize {
    // None of the lists of processes is made: a map has very many of these.
    let sole = |holders: &[Holder]| {
        let first = holders.first()?.process;
        holders.iter().all(|h| h.process == first).then_some(first)
    };
    let both = |one: &[Holder], two: &[Holder]| {
        let one = sole(one);
        one.is_some() && one == sole(two)
    };
    let connections = map.connections.iter().filter(|connection| {
        let other = connection.b.or(connection.listener);
        other.is_some_and(|other| both(map.holders(connection.a), map.holders(other)))
    });
    let pipes = map.pipes.iter();
    let pipes = pipes.filter(|pipe| both(&pipe.readers, &pipe.writers));
    connections.count() + pipes.count()
}

/// A pipe with nobody left at one end, where everybody was read.
pub fn is_dead_pipe(map: &Map, ends: &ConversationEnds) -> bool {
    let Conversation::Pipe(id) = ends.talk else {
        return false;
    };
    (ends.from.is_empty() || ends.to.is_empty()) && all_read(map, map.pipes[id.index()].host)
}

/// Whether nobody at a pipe's end can have been missed.
fn all_read(map: &Map, host: HostId) -> bool {
    map.hosts[host.index()].coverage.all_holders_known()
}

fn connection(map: &Map, talk: Conversation) -> Option<&Connection> {
    match talk {
        Conversation::Connection(at) => Some(&map.connections[at]),
        Conversation::Pipe(_) => None,
    }
}

/// Of a union: in how many captures it was.
fn seen(map: &Map, talk: Conversation) -> Option<u32> {
    let seen = map.seen.as_ref()?;
    Some(match talk {
        Conversation::Connection(at) => seen.connections[at],
        Conversation::Pipe(pipe) => seen.pipes[pipe.index()],
    })
}

/// What kind of conversation it is.
pub fn link_kind(map: &Map, talk: Conversation) -> LinkKind {
    match connection(map, talk).map(|connection| connection.kind) {
        Some(ConnectionKind::Unix) => LinkKind::Unix,
        Some(ConnectionKind::Inet) => LinkKind::Inet,
        Some(ConnectionKind::Netlink) => LinkKind::Netlink,
        Some(ConnectionKind::Vsock) => LinkKind::Vsock,
        None => LinkKind::Pipe,
    }
}

/// Whether it waits to be accepted.
pub fn is_pending(map: &Map, talk: Conversation) -> bool {
    connection(map, talk).is_some_and(|c| c.state == ConnectionState::Pending)
}

/// An end that more groups share than this is one row's end for all of them: a pipe that 2,000
/// processes hold would otherwise make four million rows.
const GROUPS_AT_ONE_END: usize = 16;

/// The groups at one end, each with its processes; where nobody is known, why.
fn side(
    map: &Map,
    groups: &Groups,
    ends: &ConversationEnds,
    client: bool,
) -> BTreeMap<String, Vec<ProcessId>> {
    let processes = if client { &ends.from } else { &ends.to };
    let mut sides: BTreeMap<String, Vec<ProcessId>> = BTreeMap::new();
    for process in processes {
        let label = groups.label(groups.of_process(*process)).to_owned();
        sides.entry(label).or_default().push(*process);
    }
    if sides.is_empty() {
        sides.insert(unknown_end(map, ends, client).to_string(), Vec::new());
    }
    if groups.by_socket() && !processes.is_empty() {
        let label = format!("{} {}", end_id(map, ends, client), first_of(&sides));
        sides = BTreeMap::from([(label, processes.clone())]);
    }
    if sides.len() > GROUPS_AT_ONE_END {
        let first = sides.keys().next().cloned().unwrap_or_default();
        let label = format!("{first} and {} more", sides.len() - 1);
        sides = BTreeMap::from([(label, processes.clone())]);
    }
    sides
}

/// `nginx [12] and 3 more`
fn first_of(sides: &BTreeMap<String, Vec<ProcessId>>) -> String {
    let first = sides.keys().next().cloned().unwrap_or_default();
    match sides.len() - 1 {
        0 => first,
        more => format!("{first} and {more} more"),
    }
}

/// Id of the socket at an end, or of the pipe: of a client that waits to be accepted the server's
/// end is the listener.
fn end_id(map: &Map, ends: &ConversationEnds, client: bool) -> String {
    match ends.talk {
        Conversation::Pipe(pipe) => id::pipe(map, pipe),
        Conversation::Connection(at) => {
            let connection = &map.connections[at];
            let socket = match (client, connection.b, connection.listener) {
                (true, ..) => connection.a,
                (false, Some(b), _) => b,
                (false, None, Some(listener)) if !ends.from_outside => listener,
                (false, None, _) => connection.a,
            };
            id::socket(map, socket)
        }
    }
}

/// What stands where no process is known: at the client's end, or at the server's.
pub fn unknown_end(map: &Map, ends: &ConversationEnds, client: bool) -> UnknownEnd {
    let Some(connection) = connection(map, ends.talk) else {
        // A pipe's other end is in a process that was not read.
        return unheld(false);
    };
    let end = map.socket(connection.a);
    // The end in question is not the captured one.
    let missing = connection.b.is_none() && client == ends.from_outside;
    match end.remote {
        // A client's port says nothing; a server's says what it serves.
        Some(Address::Ip(ip, _)) if missing && client => UnknownEnd::Outside(ip.to_string()),
        Some(remote) if missing => UnknownEnd::Outside(remote.to_string()),
        None if missing && connection.state == ConnectionState::Closing => UnknownEnd::None,
        None if missing && connection.state != ConnectionState::Pending => UnknownEnd::Unreadable,
        _ => {
            let socket = match (client, connection.b, connection.listener) {
                (true, ..) => connection.a,
                (false, Some(b), _) => b,
                (false, None, Some(listener)) => listener,
                (false, None, None) => connection.a,
            };
            unheld(map.socket(socket).holders_complete)
        }
    }
}

fn unheld(complete: bool) -> UnknownEnd {
    if complete {
        UnknownEnd::None
    } else {
        UnknownEnd::Unreadable
    }
}

/// The listener's name or address; else the named end's, or the address outside; else a FIFO's path.
pub fn via(map: &Map, talk: Conversation) -> Via {
    let Some(connection) = connection(map, talk) else {
        let Conversation::Pipe(id) = talk else {
            return Via::default();
        };
        let path = map.pipes[id.index()].path.as_deref();
        return path.map_or_else(Via::default, |path| Via {
            text: escape::display(path),
            kind: ViaKind::Path,
        });
    };
    let of = |socket: SocketId| {
        let socket = map.socket(socket);
        let name = socket.name.as_ref().map(named);
        name.or_else(|| socket.local.map(addressed))
    };
    let listener = connection.listener.and_then(of);
    let other = || connection.b.and_then(of);
    let own = || {
        let end = map.socket(connection.a);
        let name = end.name.as_ref().map(named);
        name.or_else(|| end.remote.map(addressed))
    };
    listener.or_else(other).or_else(own).unwrap_or_default()
}

/// A Unix name as a [`Via`].
pub fn named(name: &Name) -> Via {
    Via {
        text: escape::name(name.bytes()),
        kind: if name.is_abstract() {
            ViaKind::Abstract
        } else {
            ViaKind::Path
        },
    }
}

/// An address as a [`Via`].
pub fn addressed(address: Address) -> Via {
    Via {
        text: address.to_string(),
        kind: ViaKind::Address,
    }
}
