//! Builds the draft of one map: nodes for processes, edges for the connections of their sockets.
//!
//! A socket has a node of its own where an edge is not enough: a listener, a socket that
//! three processes or more hold, one that a finding is about, and one with several connections
//! (datagrams) that two processes hold. Everything without a node or edge is counted.

use std::collections::{BTreeMap, BTreeSet};

use super::coalesce::{Coalesced, coalesce, processes};
use super::draft::{Bundle, Draft, DraftNode, Member, ProcessRef, SocketRef, index};
use super::findings::{self, FindingIndex};
use super::pool;
use crate::check::Finding;
use crate::draw::graph::{EdgeEnd, EdgeKind, Kind};
use crate::graph::{channel_ends, connection_ends};
use crate::model::{
    Channel, ChannelId, ChannelKind, Connection, ConnectionKind, ConnectionState, Family, Map,
    Pipe, PipeId, ProcessId, SocketId, SocketState,
};
use crate::query::{UnknownEnd, unknown_end};
use crate::text::escape::display;

/// A socket or pipe that at least this many processes hold has a node.
const STAR_HOLDERS: usize = 3;
/// A pipe with at most this many pairs of writer and reader is drawn as edges.
const MAX_PIPE_PAIRS: usize = 2;

/// More pairs of a channel's client and server are drawn as a star.
const MAX_CHANNEL_PAIRS: usize = 64;

/// Builds the draft of a map. With `all`, nothing is coalesced; without, only what would be edges by
/// the million.
pub(crate) fn build<'a>(map: &'a Map, findings: &'a [Finding], all: bool) -> Draft<'a> {
    let mut builder = Builder::new(map, findings, all);
    builder.holders();
    for (index, connection) in map.connections.iter().enumerate() {
        if !connection.hidden {
            builder.connection(index, connection);
            builder.accepted(index);
        }
    }
    for (pipe, row) in map.pipes.iter().enumerate() {
        if !row.hidden {
            builder.pipe(PipeId::new(pipe), row);
        }
    }
    for (index, channel) in map.channels.iter().enumerate() {
        if !channel.hidden {
            builder.channel(ChannelId::new(index), channel);
        }
    }
    builder.draft.not_drawn.logs = map.hidden_logs.conversations;
    let mut draft = builder.draft;
    findings::mark(&mut draft);
    draft
}

struct Builder<'a> {
    map: &'a Map,
    draft: Draft<'a>,
    /// The node of each process.
    process_nodes: Vec<u32>,
    /// The node of each socket that has one.
    socket_nodes: BTreeMap<SocketId, u32>,
    pipe_nodes: BTreeMap<PipeId, u32>,
    outside_nodes: BTreeMap<String, u32>,
    coalesced: Coalesced,
    finding_index: FindingIndex,
    /// Number of connections of each socket.
    connections: Vec<u32>,
}

impl<'a> Builder<'a> {
    fn new(map: &'a Map, findings: &'a [Finding], all: bool) -> Self {
        let mut connections = vec![0; map.sockets.len()];
        for connection in &map.connections {
            for end in [Some(connection.a), connection.b].into_iter().flatten() {
                connections[end.index()] += 1;
            }
        }
        let finding_index = FindingIndex::new(map, findings);
        let stars = star_sockets(map, &finding_index, &connections);
        let pipe = |id: &PipeId| &map.pipes[id.index()];
        let mut pipes: Vec<PipeId> = (0..map.pipes.len()).map(PipeId::new).collect();
        pipes.retain(|id| finding_index.has_pipe(*id) || !pipe(id).hidden && is_star(pipe(id)));
        let mut coalesced = Coalesced::default();
        if !all {
            let mergeable = |(id, kind): &(SocketId, Kind)| {
                (*id, *kind == Kind::Socket && !finding_index.has_node(*id))
            };
            let stars: Vec<(SocketId, bool)> = stars.iter().map(mergeable).collect();
            coalesced = coalesce(map, &stars, &pipes.iter().map(pipe).collect::<Vec<_>>());
        }
        let mut builder = Self {
            map,
            draft: Draft::new(map, findings),
            process_nodes: Vec::with_capacity(map.processes.len()),
            socket_nodes: BTreeMap::new(),
            pipe_nodes: BTreeMap::new(),
            outside_nodes: BTreeMap::new(),
            coalesced,
            finding_index,
            connections,
        };
        builder.process_nodes();
        builder.socket_nodes(stars);
        for id in pipes {
            let node = DraftNode::new(Member::Pipe(id), Kind::Pipe);
            builder.pipe_nodes.insert(id, builder.draft.add(node));
        }
        builder.outside_nodes();
        builder
    }

    fn process_nodes(&mut self) {
        for id in (0..self.map.processes.len()).map(ProcessId::new) {
            self.draft.processes.push(ProcessRef::new(self.map, id));
            // The first of several that are one node comes before the others.
            let first = self.coalesced.process(id).index();
            let node = self.process_nodes.get(first).copied();
            let node = self.add(Member::Process(id.0), Kind::Process, node);
            let undrawn = &mut self.draft.nodes[node as usize].undrawn;
            undrawn.hidden += self.map.left_out.partners(id);
            self.process_nodes.push(node);
        }
        if let Some(step) = self.coalesced.step {
            self.draft.merged_by = Some(step.word);
            for node in 0..self.draft.nodes.len() {
                step.label(&mut self.draft, node);
            }
        }
    }

    fn socket_nodes(&mut self, stars: Vec<(SocketId, Kind)>) {
        for (id, kind) in stars {
            let member = Member::Socket(index(self.draft.sockets.len()));
            self.draft.sockets.push(SocketRef {
                map: self.map,
                id,
                hosts_before: 0,
                holders: None,
            });
            let node = self.socket_nodes.get(&self.coalesced.socket(id)).copied();
            let node = self.add(member, kind, node);
            self.socket_nodes.insert(id, node);
        }
    }

    fn outside_nodes(&mut self) {
        let connections = self.map.connections.iter().enumerate();
        let outside: BTreeSet<String> = connections
            .filter(|(_, connection)| !connection.hidden)
            .filter_map(|(index, connection)| outside(self.map, index, connection))
            .collect();
        for (number, address) in (0u32..).zip(outside) {
            let node = DraftNode::new(Member::Outside(number), Kind::Outside);
            let node = self.draft.add(node);
            self.outside_nodes.insert(address.clone(), node);
            self.draft.outside.push(address);
        }
    }

    /// Adds a member to a node, or to a new node, and returns the node's index.
    fn add(&mut self, member: Member, kind: Kind, node: Option<u32>) -> u32 {
        match node {
            Some(node) => {
                self.draft.nodes[node as usize].members.push(member);
                node
            }
            None => self.draft.add(DraftNode::new(member, kind)),
        }
    }

    /// The distinct nodes of processes.
    fn nodes_of(&self, processes: Vec<ProcessId>) -> Vec<u32> {
        let processes = self.coalesced.processes(processes).into_iter();
        let node = |process: ProcessId| self.process_nodes[process.index()];
        processes.map(node).collect()
    }

    /// Joins sockets with nodes to their holders, and counts those without connections.
    fn holders(&mut self) {
        for (number, socket) in self.map.sockets.iter().enumerate() {
            let id = SocketId::new(number);
            let holders = holders(self.map, &self.finding_index, id);
            if let Some(&node) = self.socket_nodes.get(&id) {
                // The first socket with the same holders has the edges.
                if self.coalesced.socket(id) != id {
                    continue;
                }
                for holder in self.nodes_of(holders) {
                    let mut bundle = Bundle::new(EdgeEnd::default(), EdgeEnd::default());
                    if self.finding_index.has_node(id) {
                        bundle.findings.extend(self.finding_index.socket(id));
                    }
                    self.draft.join(holder, node, EdgeKind::Holds, bundle);
                }
            } else if self.connections[number] == 0 && !self.map.left_out.sockets.contains(&id) {
                match socket.family {
                    Family::Unix => self.draft.not_drawn.idle += 1,
                    _ if holders.is_empty() => self.draft.not_drawn.idle += 1,
                    _ => {
                        for node in self.nodes_of(holders) {
                            self.draft.nodes[node as usize].undrawn.foreign += 1;
                        }
                    }
                }
            }
        }
    }

    fn connection(&mut self, index: usize, connection: &Connection) {
        if connection.state == ConnectionState::Closing && connection.b.is_none() {
            self.draft.not_drawn.closed += 1;
            return;
        }
        let kind = match (connection.state, connection.kind) {
            (ConnectionState::Pending, _) => EdgeKind::Pending,
            (_, ConnectionKind::Unix) => EdgeKind::Unix,
            _ => EdgeKind::Net,
        };
        let from = self.end(connection.a);
        let to = self.far_end(index, connection);
        if from.is_empty() || to.is_empty() {
            let known = if from.is_empty() { &to } else { &from };
            if known.is_empty() {
                self.draft.not_drawn.unheld += 1;
            }
            for &node in known {
                self.draft.nodes[node as usize].undrawn.unknown += 1;
            }
            return;
        }
        let is_named = |socket: SocketId| self.map.socket(socket).name.is_some();
        let via = match (connection.listener, connection.b) {
            (Some(listener), _) => Some(listener),
            (None, Some(b)) if connection.state == ConnectionState::OneWay && is_named(b) => {
                Some(b)
            }
            _ => None,
        };
        let client = EdgeEnd {
            socket: true,
            net: connection.kind != ConnectionKind::Unix,
            ..EdgeEnd::default()
        };
        let ends = connection_ends(self.map, index);
        let server = EdgeEnd {
            server: ends.is_directed(self.map),
            ..client
        };
        let (from_end, to_end) = match ends.client_is_outside {
            true => (server, client),
            false => (client, server),
        };
        let mut pairs: Vec<(u32, u32)> = from
            .iter()
            .flat_map(|&a| to.iter().map(move |&b| (a, b)))
            .collect();
        // Where both nodes hold both ends, one edge is enough, and neither counts it as its own.
        if pairs.iter().any(|(a, b)| a != b) {
            pairs.retain(|(a, b)| a != b);
        }
        let mut drawn = BTreeSet::new();
        pairs.retain(|&(a, b)| drawn.insert((a.min(b), a.max(b))));
        let findings = self.finding_index.connection(connection);
        for (a, b) in pairs {
            let bundle = Bundle {
                via: via
                    .map(|via| ((ends.client_is_outside, via), 1))
                    .into_iter()
                    .collect(),
                findings: findings.clone(),
                ..Bundle::new(from_end, to_end)
            };
            self.draft.join(a, b, kind, bundle);
        }
    }

    /// Joins who listens to who serves, where those are not the same.
    fn accepted(&mut self, index: usize) {
        let (nodes, coalesced) = (&self.process_nodes, &self.coalesced);
        let node = |process| nodes.get(coalesced.process(process).index()).copied();
        pool::join(&mut self.draft, (self.map, index), node);
    }

    /// The nodes of an end of a connection: the socket's own, else those of its holders.
    fn end(&self, socket: SocketId) -> Vec<u32> {
        match self.socket_nodes.get(&socket) {
            Some(&node) => vec![node],
            None => self.nodes_of(self.map.using_processes(socket)),
        }
    }

    /// The nodes of the other end: its holders, else the listener, else an outside address.
    fn far_end(&self, index: usize, connection: &Connection) -> Vec<u32> {
        let nodes = connection.b.map_or_else(Vec::new, |b| self.end(b));
        if !nodes.is_empty() {
            return nodes;
        }
        // A server's own end without a peer is not a client of the listener.
        let is_client = connection.b.is_some() || is_waiting(connection);
        let mut listeners = connection.listener.iter().chain(&connection.listener_group);
        let listener = listeners
            .next()
            .filter(|_| is_client)
            .and_then(|listener| self.socket_nodes.get(listener));
        let elsewhere = || {
            self.outside_nodes
                .get(&outside(self.map, index, connection)?)
        };
        listener.or_else(elsewhere).copied().into_iter().collect()
    }

    fn pipe(&mut self, id: PipeId, pipe: &Pipe) {
        let readers = self.nodes_of(processes(&pipe.readers));
        let writers = self.nodes_of(processes(&pipe.writers));
        let arrow = EdgeEnd {
            arrow: true,
            ..EdgeEnd::default()
        };
        let bundle = || Bundle::new(EdgeEnd::default(), arrow);
        if let Some(&node) = self.pipe_nodes.get(&id) {
            for reader in readers {
                self.draft.join(node, reader, EdgeKind::Pipe, bundle());
            }
            for writer in writers {
                self.draft.join(writer, node, EdgeKind::Pipe, bundle());
            }
            return;
        }
        let mut drawn = false;
        for &writer in &writers {
            for &reader in readers.iter().filter(|reader| **reader != writer) {
                self.draft.join(writer, reader, EdgeKind::Pipe, bundle());
                drawn = true;
            }
        }
        if !drawn {
            self.draft.not_drawn.pipes += 1;
        }
    }
}

impl Builder<'_> {
    /// Joins each client of a channel to each server, or to the first of very many.
    fn channel(&mut self, id: ChannelId, channel: &Channel) {
        let ends = channel_ends(self.map, id);
        let mut from = self.nodes_of(ends.from);
        let to = self.nodes_of(ends.to);
        if from.len() * to.len() > MAX_CHANNEL_PAIRS {
            from.truncate(1);
        }
        let kind = match channel.kind {
            ChannelKind::Pty => EdgeKind::Pty,
            _ => EdgeKind::Channel,
        };
        let server = EdgeEnd {
            server: channel.kind == ChannelKind::Pty,
            ..EdgeEnd::default()
        };
        let name = match channel.kind {
            ChannelKind::Lock | ChannelKind::Mqueue | ChannelKind::Shm => {
                format!("{} {}", channel.kind.as_str(), display(&channel.name))
            }
            _ => display(&channel.name),
        };
        for &a in &from {
            for &b in to.iter().filter(|b| **b != a) {
                let bundle = Bundle {
                    names: BTreeSet::from([name.clone()]),
                    ..Bundle::new(EdgeEnd::default(), server)
                };
                self.draft.join(a, b, kind, bundle);
            }
        }
    }
}

/// The sockets that have nodes, with the kind of each.
fn star_sockets(
    map: &Map,
    finding_index: &FindingIndex,
    connections: &[u32],
) -> Vec<(SocketId, Kind)> {
    // A listener without a readable holder stands for the unknown server.
    let mut is_used = vec![false; map.sockets.len()];
    for listener in map.connections.iter().filter_map(|c| c.listener) {
        is_used[listener.index()] = true;
    }
    let mut visible = vec![0_u32; map.sockets.len()];
    for connection in map.connections.iter().filter(|row| !row.hidden) {
        for end in [Some(connection.a), connection.b].into_iter().flatten() {
            visible[end.index()] += 1;
        }
    }
    let mut stars: Vec<(SocketId, Kind)> = Vec::new();
    for (number, socket) in map.sockets.iter().enumerate() {
        let id = SocketId::new(number);
        let holders = holders(map, finding_index, id).len();
        let listens = socket.state == SocketState::Listening && (holders > 0 || is_used[number]);
        let is_inbox = holders >= 2 && visible[number] >= 2;
        // All of its conversations are hidden or left out.
        let is_cut = connections[number] > 0 || map.left_out.sockets.contains(&id);
        let is_plumbing = is_cut && visible[number] == 0;
        let is_star = is_inbox || holders >= STAR_HOLDERS && !is_plumbing;
        if listens || is_star || finding_index.has_node(id) {
            let is_named = socket.name.is_some() && (listens || is_inbox);
            let kind = match is_named || (listens && socket.local.is_some()) {
                true => Kind::Listener,
                false => Kind::Socket,
            };
            stars.push((id, kind));
        }
    }
    stars
}

/// Whether a pipe has a node: edges from each writer to each reader would be more.
fn is_star(pipe: &Pipe) -> bool {
    let (readers, writers) = (processes(&pipe.readers), processes(&pipe.writers));
    let all: BTreeSet<_> = readers.iter().chain(&writers).collect();
    let pairs = readers.len() * writers.len();
    all.len() >= STAR_HOLDERS && pairs > MAX_PIPE_PAIRS
}

/// The processes that a socket is drawn with: those that use it; all holders where a finding is about
/// them.
fn holders(map: &Map, finding_index: &FindingIndex, id: SocketId) -> Vec<ProcessId> {
    match finding_index.has_node(id) {
        true => map.holding_processes(id),
        false => map.using_processes(id),
    }
}

/// Whether the server has not accepted the client yet.
fn is_waiting(connection: &Connection) -> bool {
    use ConnectionState::{Connecting, Pending};
    matches!(connection.state, Connecting | Pending)
}

/// The address at the far end of a connection that leaves the capture, or is translated.
fn outside(map: &Map, index: usize, connection: &Connection) -> Option<String> {
    let known = connection.listener.is_some() || !connection.listener_group.is_empty();
    if connection.b.is_some() || is_waiting(connection) && known {
        return None;
    }
    let ends = connection_ends(map, index);
    let end = unknown_end(map, &ends, ends.client_is_outside);
    matches!(end, UnknownEnd::Outside(_) | UnknownEnd::Translated(_)).then(|| end.to_string())
}
