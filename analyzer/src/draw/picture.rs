//! The graph that is drawn: far smaller than the map, every node with what it stands for.
//!
//! Nodes and edges are in a fixed order that follows the map's. Knows nothing of text or places.

use std::collections::{BTreeMap, BTreeSet};

use super::kept::Frame;
use crate::check::Finding;
use crate::diff::ChangeStatus;
use crate::layout::Point;
use crate::model::{PipeId, ProcessId, SocketId};

/// What a node stands for. The order is that of nodes on the picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Thing {
    /// A process.
    Process(ProcessId),
    /// A socket with a node of its own.
    Socket(SocketId),
    /// A pipe with a node of its own.
    Pipe(PipeId),
    /// An address elsewhere: index into `Picture::outside`.
    Outside(u32),
}

/// What a node looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// A box: a process.
    Process,
    /// Text: a socket that others connect to by its name.
    Listener,
    /// A circle: another socket that several processes hold.
    Socket,
    /// A pipe that several processes hold.
    Pipe,
    /// Somebody who was not captured.
    Outside,
}

/// Sockets of a process that are on no edge, or not wholly.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Marks {
    /// Not Unix-domain, of whose conversation nothing is known.
    pub(super) foreign: u32,
    /// Connected to somebody who is not known.
    pub(super) unknown: u32,
    /// Connected within the node.
    pub(super) own: u32,
}

/// A node.
#[derive(Debug, Clone)]
pub(super) struct Node {
    /// What it stands for, in order; never empty.
    pub(super) things: Vec<Thing>,
    /// What it looks like.
    pub(super) kind: Kind,
    /// Its name when it stands for many.
    pub(super) group: Option<String>,
    /// Badges.
    pub(super) marks: Marks,
    /// Findings about it: indices into `Picture::findings`, ascending.
    pub(super) findings: Vec<u32>,
    /// Findings about something else that concern it, ascending.
    pub(super) concerns: Vec<u32>,
    /// What became of it, where two maps are compared.
    pub(super) change: ChangeStatus,
    /// How many it was and is, where two maps are compared.
    pub(super) counts: Option<(usize, usize)>,
    /// Its place on the picture of the first of them.
    pub(super) spot: Option<Point>,
}

/// What an edge is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum EdgeKind {
    /// Unix-domain connections.
    Unix,
    /// Connections of other families.
    Net,
    /// Clients that wait to be accepted.
    Pending,
    /// Pipes and FIFOs.
    Pipe,
    /// The process holds the socket.
    Holds,
}

/// What stands at an end of an edge.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct End {
    /// A connected socket.
    pub(super) socket: bool,
    /// The server's end of a connection to a named socket.
    pub(super) server: bool,
    /// It is not Unix-domain.
    pub(super) net: bool,
    /// Data arrive here (pipes).
    pub(super) arrow: bool,
}

/// By what way a connection came to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Via {
    /// Between the two, without a name.
    Unnamed,
    /// Through this socket's name; the client is at the edge's first node.
    Forwards(SocketId),
    /// Through this socket's name; the client is at the edge's second node.
    Backwards(SocketId),
    /// A pipe.
    Pipe(PipeId),
}

/// An edge.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Bundle {
    /// How many connections (pipes, held sockets) it stands for.
    pub(super) n: u32,
    /// At the first node.
    pub(super) a_end: End,
    /// At the second node.
    pub(super) b_end: End,
    /// How often each way was taken.
    pub(super) via: BTreeMap<Via, u32>,
    /// Findings about one of them: indices into `Picture::findings`.
    pub(super) findings: BTreeSet<u32>,
    /// What became of it, where two maps are compared.
    pub(super) change: ChangeStatus,
    /// How many it was and is, where two maps are compared.
    pub(super) counts: Option<(usize, usize)>,
    /// Lines for its title about that.
    pub(super) said: Vec<String>,
}

/// Edges by (first node, second node, kind), the first node's index being the smaller.
pub(super) type Edges = BTreeMap<(u32, u32, EdgeKind), Bundle>;

/// What is in the map and not on the picture, each counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct LeftOut {
    /// Unix sockets that are connected to nothing and held by at most two processes.
    pub(super) idle: usize,
    /// Connections whose other end has closed.
    pub(super) closed: usize,
    /// Connections of which no end is held by a process that was read.
    pub(super) unheld: usize,
    /// Pipes within one process, or with one kind of end only.
    pub(super) pipes: usize,
    /// Conversations that very many share at both ends.
    pub(super) crowded: usize,
}

/// Where a node goes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stand {
    /// The layout places it.
    #[default]
    Main,
    /// On the shelf of the hubs.
    Hub,
    /// On the shelf of those who talk to hubs only.
    HubClient,
    /// On the shelf of the pairs; the number tells pairs apart.
    Pair(u32),
    /// On the shelf of those who listen, and nobody talks to them.
    Listens,
    /// On the shelf of those who talk to nobody.
    Single,
    /// On the shelf of those whose descriptors were not read.
    Unread,
}

/// A client of a hub, shown on the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct HubBadge {
    /// The client's node.
    pub(super) client: u32,
    /// Place of the hub in `Picture::hubs`.
    pub(super) hub: u32,
    /// Connections between the two; pipes, held sockets.
    pub(super) n: u32,
    /// Of pipes: whether the client reads, and whether it writes.
    pub(super) ways: (bool, bool),
}

/// The graph that is drawn.
#[derive(Debug, Clone, Default)]
pub(super) struct Picture {
    pub(super) nodes: Vec<Node>,
    pub(super) edges: Edges,
    /// Addresses elsewhere, for display.
    pub(super) outside: Vec<String>,
    /// Nodes that are shown as badges on their clients.
    pub(super) hubs: Vec<u32>,
    /// The badges, by client.
    pub(super) badges: Vec<HubBadge>,
    /// What the rules found, worst first.
    pub(super) findings: Vec<Finding>,
    /// What is not on it.
    pub(super) left_out: LeftOut,
    /// With what the map was compared, and what came of it; empty: it was not.
    pub(super) compared: Vec<String>,
    /// What surrounds the places that are kept, if any are.
    pub(super) before: Option<Frame>,
    /// Each process of the map stands for a group.
    pub(super) grouped: bool,
    /// By what the nodes were aggregated, if they were.
    pub(super) aggregated: Option<&'static str>,
}

impl Picture {
    /// Adds to the edge between two nodes; `a_end` stands at `a`. An edge within one node becomes a
    /// mark on it.
    pub(super) fn join(&mut self, a: u32, b: u32, kind: EdgeKind, bundle: Bundle) {
        if a == b {
            if kind != EdgeKind::Holds {
                self.nodes[a as usize].marks.own += bundle.n;
            }
            return;
        }
        let bundle = if a < b { bundle } else { bundle.turned() };
        self.edges
            .entry((a.min(b), a.max(b), kind))
            .or_default()
            .add(bundle);
    }

    /// Its place in `hubs`, if it is drawn as badges.
    pub(super) fn hub_of(&self, node: &Node) -> Option<u32> {
        let own = |hub: &u32| self.nodes[*hub as usize].things == node.things;
        let at = self.hubs.iter().position(own)?;
        u32::try_from(at).ok()
    }

    /// Whether a hub is no process, but what processes hold.
    pub(super) fn hubs_are_held(&self) -> bool {
        let held = |at: &u32| self.nodes[*at as usize].kind != Kind::Process;
        self.hubs.iter().any(held)
    }

    /// The distinct neighbours of every node, ascending.
    pub(super) fn neighbours(&self) -> Vec<Vec<u32>> {
        let mut lists = vec![Vec::new(); self.nodes.len()];
        for &(a, b, _) in self.edges.keys() {
            lists[a as usize].push(b);
            lists[b as usize].push(a);
        }
        for list in &mut lists {
            list.sort_unstable();
            list.dedup();
        }
        lists
    }
}

impl Bundle {
    /// One connection, pipe or held socket.
    pub(super) fn one(a_end: End, b_end: End, via: Via) -> Self {
        Self {
            n: 1,
            a_end,
            b_end,
            // Most edges have nothing to tell here.
            via: match via {
                Via::Unnamed => BTreeMap::new(),
                via => BTreeMap::from([(via, 1)]),
            },
            findings: BTreeSet::new(),
            change: ChangeStatus::default(),
            counts: None,
            said: Vec::new(),
        }
    }

    /// Seen from its other end.
    fn turned(self) -> Self {
        let turn = |via| match via {
            Via::Forwards(socket) => Via::Backwards(socket),
            Via::Backwards(socket) => Via::Forwards(socket),
            other => other,
        };
        Self {
            n: self.n,
            a_end: self.b_end,
            b_end: self.a_end,
            via: self
                .via
                .into_iter()
                .map(|(via, n)| (turn(via), n))
                .collect(),
            findings: self.findings,
            change: self.change,
            counts: self.counts,
            said: self.said,
        }
    }

    /// What may be written on it, the best first: how many before and now, where that is another
    /// number; how many it stands for, where that is more than one.
    pub(super) fn labels(&self) -> Vec<String> {
        let moved = self.counts.filter(|(old, new)| old != new);
        let moved = moved.filter(|_| self.change == ChangeStatus::Changed);
        let moved = moved.map(|(old, new)| format!("{old} → {new}"));
        let many = (self.n > 1).then(|| format!("×{}", self.n));
        moved.into_iter().chain(many).collect()
    }

    fn add(&mut self, other: Self) {
        self.change = match self.n {
            0 => other.change,
            _ => both(self.change, other.change),
        };
        self.counts = match (self.counts, other.counts) {
            (Some(one), Some(two)) => Some((one.0 + two.0, one.1 + two.1)),
            (one, two) => one.or(two),
        };
        self.said.extend(other.said);
        self.n += other.n;
        self.a_end.add(other.a_end);
        self.b_end.add(other.b_end);
        for (via, n) in other.via {
            *self.via.entry(via).or_default() += n;
        }
        self.findings.extend(other.findings);
    }
}

/// What became of two things that are drawn as one.
fn both(one: ChangeStatus, other: ChangeStatus) -> ChangeStatus {
    match one == other {
        true => one,
        false => ChangeStatus::Changed,
    }
}

impl End {
    fn add(&mut self, other: Self) {
        self.socket |= other.socket;
        self.server |= other.server;
        self.net |= other.net;
        self.arrow |= other.arrow;
    }
}

impl Node {
    /// Takes over what was found about a node that becomes part of this one, and its changes.
    pub(super) fn add_findings(&mut self, other: &Self) {
        self.change = both(self.change, other.change);
        self.spot = self.spot.or(other.spot);
        if let (Some(own), Some(more)) = (&mut self.counts, other.counts) {
            *own = (own.0 + more.0, own.1 + more.1);
        }
        for (own, more) in [
            (&mut self.findings, &other.findings),
            (&mut self.concerns, &other.concerns),
        ] {
            own.extend(more);
            own.sort_unstable();
            own.dedup();
        }
    }
}

impl Marks {
    /// Adds another node's.
    pub(super) fn add(&mut self, other: Self) {
        self.foreign += other.foreign;
        self.unknown += other.unknown;
        self.own += other.own;
    }
}

impl Node {
    /// A node that stands for one thing.
    pub(super) fn of(thing: Thing, kind: Kind) -> Self {
        Self {
            things: vec![thing],
            kind,
            group: None,
            marks: Marks::default(),
            findings: Vec::new(),
            concerns: Vec::new(),
            change: ChangeStatus::default(),
            counts: None,
            spot: None,
        }
    }
}
