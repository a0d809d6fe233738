//! The graph while it is reduced: nodes with the members they stand for, to be merged and counted.
//!
//! Members refer to processes, sockets and pipes of one map or of two; text is made of them at the
//! end, by `resolve`, for the nodes that are left.

use std::collections::{BTreeMap, BTreeSet};

use crate::check::{Finding, Severity};
use crate::diff::ChangeStatus;
use crate::draw::graph::{self, EdgeEnd, EdgeKind, HubBadge, Kind, NotDrawn, UndrawnSockets};
use crate::graph::program;
use crate::id;
use crate::layout::Point;
use crate::model::{Map, PipeId, Process, ProcessId, Socket, SocketId};
use crate::text::escape;

/// A process; in a comparison also a role, represented by its first process.
#[derive(Debug, Clone)]
pub(crate) struct ProcessRef<'a> {
    pub(crate) map: &'a Map,
    pub(crate) id: ProcessId,
    /// Number of hosts of other maps that come first.
    pub(crate) hosts_before: usize,
    /// Name of the role; `None`: it is a single process.
    pub(crate) role: Option<String>,
}

impl<'a> ProcessRef<'a> {
    /// A single process of the only map.
    pub(crate) fn new(map: &'a Map, id: ProcessId) -> Self {
        Self {
            map,
            id,
            hosts_before: 0,
            role: None,
        }
    }

    /// The process of the map.
    pub(crate) fn process(&self) -> &'a Process {
        self.map.process(self.id)
    }

    /// Number of its host.
    pub(crate) fn host(&self) -> usize {
        self.hosts_before + self.process().host.index()
    }

    /// Its name, printable.
    pub(crate) fn name(&self) -> String {
        match &self.role {
            Some(role) => escape::display(role.as_bytes()),
            None => program(self.process()),
        }
    }
}

/// A socket with a node.
#[derive(Debug, Clone)]
pub(crate) struct SocketRef<'a> {
    pub(crate) map: &'a Map,
    pub(crate) id: SocketId,
    /// Number of hosts of other maps that come first.
    pub(crate) hosts_before: usize,
    /// Indices of the processes that hold it; `None`: those of the map.
    pub(crate) holders: Option<Vec<u32>>,
}

impl<'a> SocketRef<'a> {
    /// The socket of the map.
    pub(crate) fn socket(&self) -> &'a Socket {
        self.map.socket(self.id)
    }

    /// Indices of the processes that hold it.
    pub(crate) fn holders(&self) -> Vec<u32> {
        self.holders.clone().unwrap_or_else(|| {
            let holders = self.map.holding_processes(self.id).into_iter();
            holders.map(|process| process.0).collect()
        })
    }
}

/// What a node stands for. The order is that of the nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Member {
    /// Index into [`Draft::processes`].
    Process(u32),
    /// Index into [`Draft::sockets`].
    Socket(u32),
    /// A pipe of [`Draft::map`].
    Pipe(PipeId),
    /// Index into [`Draft::outside`].
    Outside(u32),
}

/// A node.
#[derive(Debug, Clone)]
pub(crate) struct DraftNode {
    /// What it stands for, in order; never empty.
    pub(crate) members: Vec<Member>,
    pub(crate) kind: Kind,
    /// Its name if it stands for a group that has one.
    pub(crate) group: Option<String>,
    pub(crate) undrawn: UndrawnSockets,
    /// Findings about it: indices into [`Draft::findings`], ascending.
    pub(crate) findings: Vec<u32>,
    /// Findings about something else that concern it, ascending.
    pub(crate) concerns: Vec<u32>,
    /// Change since the first of two maps.
    pub(crate) change: ChangeStatus,
    /// Number of members in the first and in the second of two maps.
    pub(crate) counts: Option<(usize, usize)>,
    /// Position in the picture of the first of two maps.
    pub(crate) previous: Option<Point>,
}

impl DraftNode {
    /// A node that stands for one member.
    pub(crate) fn new(member: Member, kind: Kind) -> Self {
        Self {
            members: vec![member],
            kind,
            group: None,
            undrawn: UndrawnSockets::default(),
            findings: Vec::new(),
            concerns: Vec::new(),
            change: ChangeStatus::default(),
            counts: None,
            previous: None,
        }
    }

    /// Merges another node into this one.
    pub(crate) fn absorb(&mut self, other: Self) {
        self.change = merged(self.change, other.change);
        self.previous = self.previous.or(other.previous);
        if let (Some(own), Some(more)) = (&mut self.counts, other.counts) {
            *own = (own.0 + more.0, own.1 + more.1);
        }
        self.findings.extend(other.findings);
        self.concerns.extend(other.concerns);
        for findings in [&mut self.findings, &mut self.concerns] {
            findings.sort_unstable();
            findings.dedup();
        }
        self.undrawn.add(other.undrawn);
        self.members.extend(other.members);
    }
}

/// Connections, pipes or held sockets that are one edge.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Bundle {
    /// How many they are.
    pub(crate) n: u32,
    /// At the first node.
    pub(crate) a_end: EdgeEnd,
    /// At the second node.
    pub(crate) b_end: EdgeEnd,
    /// Number of connections through each listener of [`Draft::map`], by whether the client is at the
    /// second node.
    pub(crate) via: BTreeMap<(bool, SocketId), u32>,
    /// Names of channels.
    pub(crate) names: BTreeSet<String>,
    /// Findings about one of them: indices into [`Draft::findings`].
    pub(crate) findings: BTreeSet<u32>,
    /// Change since the first of two maps.
    pub(crate) change: ChangeStatus,
    /// Number in the first and in the second of two maps.
    pub(crate) counts: Option<(usize, usize)>,
    /// Lines of the tooltip about the change.
    pub(crate) changes: Vec<String>,
}

impl Bundle {
    /// One connection, pipe or held socket.
    pub(crate) fn new(a_end: EdgeEnd, b_end: EdgeEnd) -> Self {
        Self {
            n: 1,
            a_end,
            b_end,
            ..Self::default()
        }
    }

    /// The same with its ends exchanged.
    fn reversed(self) -> Self {
        let reverse = |((is_backwards, socket), n): ((bool, _), _)| ((!is_backwards, socket), n);
        Self {
            a_end: self.b_end,
            b_end: self.a_end,
            via: self.via.into_iter().map(reverse).collect(),
            ..self
        }
    }

    fn add(&mut self, other: Self) {
        self.change = match self.n {
            0 => other.change,
            _ => merged(self.change, other.change),
        };
        self.counts = match (self.counts, other.counts) {
            (Some(one), Some(two)) => Some((one.0 + two.0, one.1 + two.1)),
            (one, two) => one.or(two),
        };
        self.changes.extend(other.changes);
        self.names.extend(other.names);
        self.n += other.n;
        add_end(&mut self.a_end, other.a_end);
        add_end(&mut self.b_end, other.b_end);
        for (via, n) in other.via {
            *self.via.entry(via).or_default() += n;
        }
        self.findings.extend(other.findings);
    }
}

fn add_end(end: &mut EdgeEnd, other: EdgeEnd) {
    end.socket |= other.socket;
    end.server |= other.server;
    end.net |= other.net;
    end.arrow |= other.arrow;
}

/// The change of two things that are drawn as one.
fn merged(a: ChangeStatus, b: ChangeStatus) -> ChangeStatus {
    if a == b { a } else { ChangeStatus::Changed }
}

/// Bundles by (first node, second node, kind); the first node has the smaller index.
pub(crate) type Bundles = BTreeMap<(u32, u32, EdgeKind), Bundle>;

/// The graph while it is reduced.
#[derive(Debug, Clone)]
pub(crate) struct Draft<'a> {
    /// The map that is drawn; of two, the second.
    pub(crate) map: &'a Map,
    pub(crate) processes: Vec<ProcessRef<'a>>,
    pub(crate) sockets: Vec<SocketRef<'a>>,
    /// Addresses that were not captured, printable.
    pub(crate) outside: Vec<String>,
    pub(crate) nodes: Vec<DraftNode>,
    pub(crate) edges: Bundles,
    /// Nodes that are drawn as badges on their clients.
    pub(crate) hubs: Vec<u32>,
    /// The badges, by client.
    pub(crate) badges: Vec<HubBadge>,
    /// Findings to mark, the most severe first.
    pub(crate) findings: &'a [Finding],
    pub(crate) not_drawn: NotDrawn,
    /// Caption lines about the comparison; empty: one map is drawn.
    pub(crate) comparison: Vec<String>,
    /// By what processes were merged, if they were.
    pub(crate) merged_by: Option<&'static str>,
}

impl<'a> Draft<'a> {
    /// A draft without nodes.
    pub(crate) fn new(map: &'a Map, findings: &'a [Finding]) -> Self {
        Self {
            map,
            processes: Vec::new(),
            sockets: Vec::new(),
            outside: Vec::new(),
            nodes: Vec::new(),
            edges: Bundles::new(),
            hubs: Vec::new(),
            badges: Vec::new(),
            findings,
            not_drawn: NotDrawn::default(),
            comparison: Vec::new(),
            merged_by: None,
        }
    }

    /// Adds a node and returns its index.
    pub(crate) fn add(&mut self, node: DraftNode) -> u32 {
        self.nodes.push(node);
        index(self.nodes.len() - 1)
    }

    /// Adds to the edge between two nodes; `a_end` is at `a`. A connection within one node is counted
    /// at the node.
    pub(crate) fn join(&mut self, a: u32, b: u32, kind: EdgeKind, bundle: Bundle) {
        if a == b {
            if !matches!(kind, EdgeKind::Holds | EdgeKind::Accepts) {
                self.nodes[a as usize].undrawn.own += bundle.n;
            }
            return;
        }
        let bundle = if a < b { bundle } else { bundle.reversed() };
        self.edges
            .entry((a.min(b), a.max(b), kind))
            .or_default()
            .add(bundle);
    }

    /// The process that a node stands for, or the first of them.
    pub(crate) fn first_process(&self, node: &DraftNode) -> Option<&ProcessRef<'a>> {
        self.process(node.members[0])
    }

    /// The process that a member is.
    pub(crate) fn process(&self, member: Member) -> Option<&ProcessRef<'a>> {
        match member {
            Member::Process(process) => Some(&self.processes[process as usize]),
            _ => None,
        }
    }

    /// The socket that a member is.
    pub(crate) fn socket(&self, member: Member) -> Option<&SocketRef<'a>> {
        match member {
            Member::Socket(socket) => Some(&self.sockets[socket as usize]),
            _ => None,
        }
    }

    /// A member's id in documents; an address is its own.
    pub(crate) fn document_id(&self, member: Member) -> String {
        match member {
            Member::Process(process) => {
                let process = &self.processes[process as usize];
                id::process_beside(process.map, process.id, process.hosts_before)
            }
            Member::Socket(socket) => {
                let socket = &self.sockets[socket as usize];
                id::socket_beside(socket.map, socket.id, socket.hosts_before)
            }
            Member::Pipe(pipe) => id::pipe(self.map, pipe),
            Member::Outside(address) => self.outside[address as usize].clone(),
        }
    }

    /// Whether all members of a node are processes of one name.
    pub(crate) fn is_one_program(&self, node: &DraftNode) -> bool {
        let Some(name) = self.first_process(node).map(ProcessRef::name) else {
            return false;
        };
        let mut others = node.members[1..].iter();
        others.all(|member| self.process(*member).is_some_and(|p| p.name() == name))
    }

    /// The distinct neighbours of every node, ascending.
    pub(crate) fn neighbours(&self) -> Vec<Vec<u32>> {
        graph::neighbours(self.nodes.len(), self.edges.keys().map(|&(a, b, _)| (a, b)))
    }

    /// For every node the first node of its component.
    pub(crate) fn components(&self) -> Vec<u32> {
        let neighbours = self.neighbours();
        let mut first = vec![u32::MAX; self.nodes.len()];
        for root in (0u32..).take(self.nodes.len()) {
            let mut open = vec![root];
            while let Some(node) = open.pop() {
                if first[node as usize] == u32::MAX {
                    first[node as usize] = root;
                    open.extend(&neighbours[node as usize]);
                }
            }
        }
        first
    }

    /// A finding in one line: `WT101 a socket shared by …`.
    pub(crate) fn finding(&self, finding: u32) -> String {
        let finding = &self.findings[finding as usize];
        format!("{} {}", finding.code, finding.title)
    }

    /// The highest severity of some findings.
    pub(crate) fn severity<'f>(
        &self,
        findings: impl IntoIterator<Item = &'f u32>,
    ) -> Option<Severity> {
        let severity = |finding: &u32| self.findings[*finding as usize].severity;
        findings.into_iter().map(severity).max()
    }

    /// The number of findings that are marked in the picture.
    pub(crate) fn marked(&self) -> usize {
        let nodes = self.nodes.iter().flat_map(|node| &node.findings);
        let edges = self.edges.values().flat_map(|bundle| &bundle.findings);
        nodes.chain(edges).collect::<BTreeSet<_>>().len()
    }
}

/// An index as it is stored: by the reader's limits a map has fewer than 2^32 of anything.
pub(crate) fn index(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}
