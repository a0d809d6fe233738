//! From the map to a graph: sockets become circles on the ends of edges between their holders.
//!
//! A socket keeps a node of its own where it says more than an edge can: a listener, a socket that
//! three processes or more hold, one that a rule marked, and one with several connections of its
//! own (datagrams) that two processes hold. Nothing is dropped without being counted.

use std::collections::{BTreeMap, BTreeSet};

use super::found::{self, Flags};
use super::gather::{Gathered, gather};
use super::picture::{Bundle, EdgeKind, End, Kind, Node, Picture, Thing, Via};
use crate::check::Finding;
use crate::model::{
    Address, Connection, ConnectionKind, ConnectionState, Family, Holder, Map, Pipe, PipeId,
    ProcessId, SocketId, SocketState,
};

/// From so many holders on, a socket or pipe stands out as a star.
const STAR: usize = 3;
/// Up to so many pairs of writer and reader, a pipe is drawn as edges.
const PIPE_PAIRS: usize = 2;

/// The map as a graph. With `all` nothing is grouped; without, only what else would be edges by the
/// million.
pub(super) fn reduce(map: &Map, findings: &[Finding], all: bool) -> Picture {
    let mut reducer = Reducer::new(map, findings, all);
    reducer.held();
    for connection in &map.connections {
        reducer.connection(connection);
    }
    for (at, pipe) in map.pipes.iter().enumerate() {
        reducer.pipe(PipeId::new(at), pipe);
    }
    let mut picture = reducer.picture;
    picture.findings = findings.to_vec();
    found::mark(map, &mut picture);
    picture
}

struct Reducer<'a> {
    map: &'a Map,
    picture: Picture,
    /// The node of each process.
    process_nodes: Vec<u32>,
    /// The node of each socket that has one.
    socket_nodes: BTreeMap<SocketId, u32>,
    pipe_nodes: BTreeMap<PipeId, u32>,
    outside_nodes: BTreeMap<String, u32>,
    /// Who is drawn as one from the beginning.
    gathered: Gathered,
    /// What the findings are about.
    flags: Flags,
    /// How many connections each socket is part of.
    connections: Vec<u32>,
}

impl<'a> Reducer<'a> {
    fn new(map: &'a Map, findings: &[Finding], all: bool) -> Self {
        let mut connections = vec![0; map.sockets.len()];
        // Listeners that nobody readable holds stand in for the server that is not known.
        let mut called = vec![false; map.sockets.len()];
        for connection in &map.connections {
            for end in [Some(connection.a), connection.b].into_iter().flatten() {
                connections[end.index()] += 1;
            }
            if let Some(listener) = connection.listener {
                called[listener.index()] = true;
            }
        }
        let flags = Flags::new(map, findings);
        let mut stars: Vec<(SocketId, Kind)> = Vec::new();
        for (at, socket) in map.sockets.iter().enumerate() {
            let id = SocketId::new(at);
            let holders = map.holding_processes(id).len();
            let listens = socket.state == SocketState::Listening && (holders > 0 || called[at]);
            let inbox = holders >= 2 && connections[at] >= 2;
            if listens || inbox || holders >= STAR || flags.own_node(id) {
                let named = socket.name.is_some() && (listens || inbox);
                let kind = match named || (listens && socket.local.is_some()) {
                    true => Kind::Listener,
                    false => Kind::Socket,
                };
                stars.push((id, kind));
            }
        }
        let pipes: Vec<PipeId> = (0..map.pipes.len())
            .map(PipeId::new)
            .filter(|id| is_star(&map.pipes[id.index()]) || flags.pipe(*id).is_some())
            .collect();
        let gathered = match all {
            true => Gathered::default(),
            false => {
                let may = |(id, kind): &(SocketId, Kind)| {
                    (*id, *kind == Kind::Socket && !flags.own_node(*id))
                };
                let stars: Vec<(SocketId, bool)> = stars.iter().map(may).collect();
                let pipes: Vec<&Pipe> = pipes.iter().map(|id| &map.pipes[id.index()]).collect();
                gather(map, &stars, &pipes)
            }
        };
        let mut nodes: Vec<Node> = Vec::new();
        let mut process_nodes: Vec<u32> = Vec::with_capacity(map.processes.len());
        for at in 0..map.processes.len() {
            let id = ProcessId::new(at);
            // The first of its kind comes first.
            let node = process_nodes.get(gathered.process(id).index()).copied();
            add(&mut nodes, Thing::Process(id), Kind::Process, node);
            process_nodes.push(node.unwrap_or(index(nodes.len() - 1)));
        }
        if let Some(step) = gathered.step {
            for node in &mut nodes {
                step.label(map, node);
            }
        }
        let mut socket_nodes = BTreeMap::new();
        for (id, kind) in stars {
            let node = socket_nodes.get(&gathered.socket(id)).copied();
            add(&mut nodes, Thing::Socket(id), kind, node);
            socket_nodes.insert(id, node.unwrap_or(index(nodes.len() - 1)));
        }
        let mut pipe_nodes = BTreeMap::new();
        for id in pipes {
            pipe_nodes.insert(id, index(nodes.len()));
            nodes.push(Node::of(Thing::Pipe(id), Kind::Pipe));
        }
        let outside: BTreeSet<String> = map
            .connections
            .iter()
            .filter_map(|connection| outside(map, connection))
            .collect();
        let mut outside_nodes = BTreeMap::new();
        for (at, address) in outside.iter().enumerate() {
            outside_nodes.insert(address.clone(), index(nodes.len()));
            nodes.push(Node::of(Thing::Outside(index(at)), Kind::Outside));
        }
        let picture = Picture {
            nodes,
            outside: outside.into_iter().collect(),
            aggregated: gathered.step.map(|step| step.word),
            ..Picture::default()
        };
        Self {
            map,
            picture,
            process_nodes,
            socket_nodes,
            pipe_nodes,
            outside_nodes,
            connections,
            gathered,
            flags,
        }
    }

    /// The nodes of processes, each once.
    fn nodes_of(&self, processes: Vec<ProcessId>) -> Vec<u32> {
        let processes = self.gathered.all(processes).into_iter();
        let node = |process: ProcessId| self.process_nodes[process.index()];
        processes.map(node).collect()
    }

    /// Edges from sockets with nodes to their holders, badges for those on no edge at all.
    fn held(&mut self) {
        for (at, socket) in self.map.sockets.iter().enumerate() {
            let id = SocketId::new(at);
            let holders = self.map.holding_processes(id);
            if let Some(&node) = self.socket_nodes.get(&id) {
                // Those that have the same holders have their edges already.
                if self.gathered.socket(id) != id {
                    continue;
                }
                for holder in self.nodes_of(holders) {
                    let mut bundle = Bundle::one(End::default(), End::default(), Via::Unnamed);
                    if self.flags.own_node(id) {
                        bundle.findings.extend(self.flags.socket(id));
                    }
                    self.picture.join(holder, node, EdgeKind::Holds, bundle);
                }
            } else if self.connections[at] == 0 {
                match socket.family {
                    Family::Unix => self.picture.left_out.idle += 1,
                    _ if holders.is_empty() => self.picture.left_out.idle += 1,
                    _ => {
                        for node in self.nodes_of(holders) {
                            self.picture.nodes[node as usize].marks.foreign += 1;
                        }
                    }
                }
            }
        }
    }

    fn connection(&mut self, connection: &Connection) {
        if connection.state == ConnectionState::Closing && connection.b.is_none() {
            self.picture.left_out.closed += 1;
            return;
        }
        let kind = match (connection.state, connection.kind) {
            (ConnectionState::Pending, _) => EdgeKind::Pending,
            (_, ConnectionKind::Unix) => EdgeKind::Unix,
            _ => EdgeKind::Net,
        };
        let from = self.end(connection.a);
        let to = self.far_end(connection);
        if from.is_empty() || to.is_empty() {
            let known = if from.is_empty() { &to } else { &from };
            if known.is_empty() {
                self.picture.left_out.unheld += 1;
            }
            for &node in known {
                self.picture.nodes[node as usize].marks.unknown += 1;
            }
            return;
        }
        let named = |socket: SocketId| self.map.socket(socket).name.is_some();
        let via = match (connection.listener, connection.b) {
            (Some(listener), _) => Some(listener),
            (None, Some(b)) if connection.state == ConnectionState::OneWay && named(b) => Some(b),
            _ => None,
        };
        let socket = End {
            socket: true,
            net: connection.kind != ConnectionKind::Unix,
            ..End::default()
        };
        let server = End {
            server: via.is_some(),
            ..socket
        };
        let mut pairs: Vec<(u32, u32)> = from
            .iter()
            .flat_map(|&a| to.iter().map(move |&b| (a, b)))
            .collect();
        // Where both hold both ends, one edge says it, and no mark on either is needed.
        if pairs.iter().any(|(a, b)| a != b) {
            pairs.retain(|(a, b)| a != b);
        }
        let mut drawn = BTreeSet::new();
        pairs.retain(|&(a, b)| drawn.insert((a.min(b), a.max(b))));
        let findings = self.flags.connection(connection);
        for (a, b) in pairs {
            let via = via.map_or(Via::Unnamed, Via::Forwards);
            let mut bundle = Bundle::one(socket, server, via);
            bundle.findings.clone_from(&findings);
            self.picture.join(a, b, kind, bundle);
        }
    }

    /// Where the end of a connection is drawn: at the socket's node, else at its holders.
    fn end(&self, socket: SocketId) -> Vec<u32> {
        match self.socket_nodes.get(&socket) {
            Some(&node) => vec![node],
            None => self.nodes_of(self.map.holding_processes(socket)),
        }
    }

    /// The other end: its holders, else the listener it came through, else an address elsewhere.
    fn far_end(&self, connection: &Connection) -> Vec<u32> {
        let nodes = connection.b.map_or_else(Vec::new, |b| self.end(b));
        if !nodes.is_empty() {
            return nodes;
        }
        // A server's own end without a peer is not the listener's client but its neighbour.
        let listener = connection
            .listener
            .filter(|_| connection.b.is_some() || connection.state == ConnectionState::Pending)
            .and_then(|listener| self.socket_nodes.get(&listener));
        let elsewhere = || self.outside_nodes.get(&outside(self.map, connection)?);
        listener.or_else(elsewhere).copied().into_iter().collect()
    }

    fn pipe(&mut self, id: PipeId, pipe: &Pipe) {
        let readers = self.nodes_of(processes(&pipe.readers));
        let writers = self.nodes_of(processes(&pipe.writers));
        let arrow = End {
            arrow: true,
            ..End::default()
        };
        if let Some(&node) = self.pipe_nodes.get(&id) {
            for reader in readers {
                let bundle = Bundle::one(End::default(), arrow, Via::Pipe(id));
                self.picture.join(node, reader, EdgeKind::Pipe, bundle);
            }
            for writer in writers {
                let bundle = Bundle::one(End::default(), arrow, Via::Pipe(id));
                self.picture.join(writer, node, EdgeKind::Pipe, bundle);
            }
            return;
        }
        let mut drawn = false;
        for &writer in &writers {
            for &reader in readers.iter().filter(|reader| **reader != writer) {
                let bundle = Bundle::one(End::default(), arrow, Via::Pipe(id));
                self.picture.join(writer, reader, EdgeKind::Pipe, bundle);
                drawn = true;
            }
        }
        if !drawn {
            self.picture.left_out.pipes += 1;
        }
    }
}

/// Adds a thing to a node, or as one of its own.
fn add(nodes: &mut Vec<Node>, thing: Thing, kind: Kind, node: Option<u32>) {
    match node {
        Some(node) => nodes[node as usize].things.push(thing),
        None => nodes.push(Node::of(thing, kind)),
    }
}

/// Whether a pipe is better drawn as a node: edges from each writer to each reader would be more.
fn is_star(pipe: &Pipe) -> bool {
    let (readers, writers) = (processes(&pipe.readers), processes(&pipe.writers));
    let all: BTreeSet<_> = readers.iter().chain(&writers).collect();
    let pairs = readers.len() * writers.len();
    all.len() >= STAR && pairs > PIPE_PAIRS
}

/// The distinct processes among holders.
pub(super) fn processes(holders: &[Holder]) -> Vec<ProcessId> {
    let distinct: BTreeSet<_> = holders.iter().map(|holder| holder.process).collect();
    distinct.into_iter().collect()
}

/// The name of whoever is at the far end of a connection that leaves the capture.
///
/// A client's port is taken anew for each connection, so clients elsewhere are told apart by their
/// address alone.
fn outside(map: &Map, connection: &Connection) -> Option<String> {
    if connection.b.is_some() || connection.state == ConnectionState::Pending {
        return None;
    }
    let remote = map.socket(connection.a).remote?;
    Some(match (remote, connection.listener) {
        (Address::Ip(ip, _), Some(_)) => format!("(outside) {ip}"),
        (Address::Vsock(cid, _), Some(_)) => format!("(outside) vsock {cid}"),
        (remote, None) => format!("(outside) {}", address(remote)),
    })
}

/// `1.2.3.4:5`, `[::1]:5`, `vsock 2:1024`.
pub(super) fn address(address: Address) -> String {
    match address {
        Address::Ip(ip, port) => std::net::SocketAddr::new(ip, port).to_string(),
        Address::Vsock(cid, port) => format!("vsock {cid}:{port}"),
    }
}

/// A map has fewer than 2^32 of anything, by the reader's limits.
fn index(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}
