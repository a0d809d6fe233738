//! What the rules found, on the picture: which nodes and edges it is about.
//!
//! What a finding is about gets a node, whatever the reduction would do with it; only the worst
//! ones, so that a rule that fires a thousand times does not become the picture. How loud a mark is
//! follows the severity.

use std::collections::{BTreeMap, BTreeSet};

use super::picture::{Node, Picture, Thing};
use crate::check::{Finding, Severity};
use crate::id;
use crate::model::{Connection, Map, PipeId, SocketId};

/// Findings, of the worst, whose subjects have nodes of their own.
const MOST_OWN: usize = 40;

/// Sockets and pipes that findings are about, by the findings' indices.
#[derive(Debug, Default)]
pub(super) struct Flags {
    sockets: BTreeMap<SocketId, Vec<u32>>,
    pipes: BTreeMap<PipeId, u32>,
    /// Sockets that are to have nodes.
    own: BTreeSet<SocketId>,
}

impl Flags {
    /// Looks the findings' ids up in the map.
    pub(super) fn new(map: &Map, findings: &[Finding]) -> Self {
        let mut flags = Self::default();
        if findings.is_empty() {
            return flags;
        }
        let mut ids: BTreeMap<&str, Vec<u32>> = BTreeMap::new();
        let mut subjects: BTreeMap<&str, u32> = BTreeMap::new();
        for (at, finding) in (0u32..).zip(findings) {
            subjects.entry(&finding.subject).or_insert(at);
            for id in finding.sockets.iter().chain([&finding.subject]) {
                let list = ids.entry(id).or_default();
                if list.last() != Some(&at) {
                    list.push(at);
                }
            }
        }
        let own = |id: &str| subjects.get(id).is_some_and(|at| (*at as usize) < MOST_OWN);
        for at in 0..map.sockets.len() {
            let socket = SocketId::new(at);
            let id = id::socket(map, socket);
            if let Some(list) = ids.get(id.as_str()) {
                flags.sockets.insert(socket, list.clone());
                if own(&id) {
                    flags.own.insert(socket);
                }
            }
        }
        for at in 0..map.pipes.len() {
            let pipe = PipeId::new(at);
            if let Some(finding) = subjects.get(id::pipe(map, pipe).as_str()) {
                flags.pipes.insert(pipe, *finding);
            }
        }
        flags
    }

    /// Whether a socket keeps a node of its own because of what was found about it.
    pub(super) fn own_node(&self, socket: SocketId) -> bool {
        self.own.contains(&socket)
    }

    /// Findings about a connection: about the socket at either end.
    pub(super) fn connection(&self, connection: &Connection) -> BTreeSet<u32> {
        if self.sockets.is_empty() {
            return BTreeSet::new();
        }
        let ends = [Some(connection.a), connection.b];
        let of = ends.into_iter().flatten().flat_map(|s| self.socket(s));
        of.collect()
    }

    /// Findings about a socket.
    pub(super) fn socket(&self, socket: SocketId) -> impl Iterator<Item = u32> {
        let found = self.sockets.get(&socket);
        found.into_iter().flatten().copied()
    }

    /// The first finding about a pipe.
    pub(super) fn pipe(&self, pipe: PipeId) -> Option<u32> {
        self.pipes.get(&pipe).copied()
    }
}

/// Notes at the nodes what was found about them, and what concerns them.
pub(super) fn mark(map: &Map, picture: &mut Picture) {
    if picture.findings.is_empty() {
        return;
    }
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    for (at, node) in picture.nodes.iter().enumerate() {
        for thing in &node.things {
            match *thing {
                Thing::Process(process) => places.insert(id::process(map, process), at),
                Thing::Socket(socket) => places.insert(id::socket(map, socket), at),
                Thing::Pipe(pipe) => places.insert(id::pipe(map, pipe), at),
                Thing::Outside(_) => None,
            };
        }
    }
    mark_at(picture, &places);
}

/// The same, where it is known which node stands for which id.
pub(super) fn mark_at(picture: &mut Picture, places: &BTreeMap<String, usize>) {
    for (at, finding) in (0u32..).zip(&picture.findings) {
        if let Some(&node) = places.get(&finding.subject) {
            picture.nodes[node].findings.push(at);
        }
        let others = finding.processes.iter().chain(&finding.sockets);
        for id in others.filter(|id| **id != finding.subject) {
            if let Some(&node) = places.get(id) {
                let concerns = &mut picture.nodes[node].concerns;
                if concerns.last() != Some(&at) {
                    concerns.push(at);
                }
            }
        }
    }
}

impl Picture {
    /// Whether a node is never merged with others.
    pub(super) fn stands_out(&self, node: &Node) -> bool {
        node.findings
            .first()
            .is_some_and(|at| (*at as usize) < MOST_OWN)
    }

    /// `WT101 a socket shared by …`: a finding in one line.
    pub(super) fn finding(&self, at: u32) -> String {
        let finding = self.findings.get(at as usize);
        finding.map_or_else(String::new, |f| format!("{} {}", f.code, f.title))
    }

    /// The worst of some findings.
    pub(super) fn worst<'a>(&self, of: impl IntoIterator<Item = &'a u32>) -> Option<Severity> {
        let severity = |at: &u32| Some(self.findings.get(*at as usize)?.severity);
        of.into_iter().filter_map(severity).max()
    }

    /// How many findings are marked somewhere on the picture.
    pub(super) fn marked(&self) -> usize {
        let nodes = self.nodes.iter().flat_map(|node| &node.findings);
        let edges = self.edges.values().flat_map(|bundle| &bundle.findings);
        nodes.chain(edges).collect::<BTreeSet<_>>().len()
    }
}
