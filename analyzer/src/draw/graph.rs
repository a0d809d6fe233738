//! The graph that is drawn: nodes and edges with everything that is written on them.
//!
//! All values are resolved: `reduce` fills them in from the map, and nothing after it reads the map.
//! Nodes and edges are in a fixed order that follows the map's.

use crate::check::Severity;
use crate::diff::ChangeStatus;
use crate::layout::Point;

/// Kind of a node, which decides its shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// A process, drawn as a box.
    Process,
    /// A socket with a name that others connect to, drawn as text.
    Listener,
    /// Another socket that several processes hold, drawn as a circle.
    Socket,
    /// A pipe that several processes hold.
    Pipe,
    /// An address that was not captured.
    Outside,
}

/// Numbers of sockets of a process that no edge shows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct UndrawnSockets {
    /// Not Unix-domain, without a known connection.
    pub(crate) foreign: u32,
    /// Connected to an unknown peer.
    pub(crate) unknown: u32,
    /// Connected to a socket of the same node.
    pub(crate) own: u32,
    /// Partners that were left out on request.
    pub(crate) hidden: u32,
}

impl UndrawnSockets {
    /// Adds the numbers of another node.
    pub(crate) fn add(&mut self, other: Self) {
        self.foreign += other.foreign;
        self.unknown += other.unknown;
        self.own += other.own;
        self.hidden += other.hidden;
    }
}

/// A name in a node's label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LabelName {
    pub(crate) text: String,
    /// Whether it names a socket that is not Unix-domain.
    pub(crate) is_net: bool,
}

/// The text of a node, before it is cut to fit.
#[derive(Debug, Clone, Default)]
pub(crate) struct Label {
    /// One name of a process or pipe, the first [`LABEL_NAMES`] of listeners and addresses, none of
    /// a socket.
    pub(crate) names: Vec<LabelName>,
    /// Below the name of a process: its pid, or the distinct names of a group.
    pub(crate) detail: Option<Detail>,
    /// Number of processes that hold a socket.
    pub(crate) holders: usize,
}

/// Second line of a process's label.
#[derive(Debug, Clone)]
pub(crate) enum Detail {
    /// The pid.
    Pid(u32),
    /// Names of the members of a group.
    Names(String),
}

/// Names of listeners and addresses that a label has at most.
pub(crate) const LABEL_NAMES: usize = 4;

/// Findings about a node.
#[derive(Debug, Clone)]
pub(crate) struct Findings {
    /// The highest severity of them.
    pub(crate) severity: Severity,
    /// The first of them, with code and title.
    pub(crate) first: String,
    /// The distinct codes: `WT301, WT305 ×2`.
    pub(crate) codes: String,
    pub(crate) count: usize,
}

/// A node.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    /// `data-id`: the id of its first member, and the number of others.
    pub(crate) id: String,
    pub(crate) kind: Kind,
    /// Number of processes, sockets, pipes or addresses that it stands for.
    pub(crate) members: usize,
    pub(crate) label: Label,
    /// Lines of the tooltip.
    pub(crate) tooltip: Vec<String>,
    pub(crate) undrawn: UndrawnSockets,
    pub(crate) findings: Option<Findings>,
    /// Whether a finding about something else concerns it.
    pub(crate) is_concerned: bool,
    /// Whether descriptors of its processes could not be read.
    pub(crate) is_unread: bool,
    /// Whether it is a socket that is not Unix-domain.
    pub(crate) is_net: bool,
    /// Whether the picture is of its neighbourhood.
    pub(crate) is_focus: bool,
    /// Change since the first of two maps.
    pub(crate) change: ChangeStatus,
    /// Number of members in the first and in the second of two maps.
    pub(crate) counts: Option<(usize, usize)>,
    /// Position in the picture of the first of two maps.
    pub(crate) previous: Option<Point>,
    /// The process that it is attached to, if it needs no position of its own.
    pub(crate) attached_to: Option<u32>,
    /// Its index in [`Graph::hubs`], if it is drawn as badges.
    pub(crate) hub: Option<u32>,
    pub(crate) shelf: Shelf,
}

/// Kind of an edge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum EdgeKind {
    /// Unix-domain connections.
    Unix,
    /// Connections of other families.
    Net,
    /// Clients that wait to be accepted.
    Pending,
    /// Pipes and FIFOs.
    Pipe,
    /// Pseudo-terminals.
    Pty,
    /// Queues, shared memory, semaphores, eventfds, locks.
    Channel,
    /// The process holds the socket.
    Holds,
    /// One process listens, and the other serves what was accepted.
    Accepts,
}

/// What an end of an edge stands for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct EdgeEnd {
    /// A connected socket.
    pub(crate) socket: bool,
    /// The server's or receiver's end, where it is known which end that is.
    pub(crate) server: bool,
    /// A socket that is not Unix-domain.
    pub(crate) net: bool,
    /// The reading end of a pipe.
    pub(crate) arrow: bool,
}

/// An edge.
#[derive(Debug, Clone)]
pub(crate) struct Edge {
    /// Index of the first node, the smaller one.
    pub(crate) a: u32,
    /// Index of the second node.
    pub(crate) b: u32,
    pub(crate) kind: EdgeKind,
    /// Number of connections, pipes or held sockets.
    pub(crate) n: u32,
    pub(crate) a_end: EdgeEnd,
    pub(crate) b_end: EdgeEnd,
    /// The highest severity of the findings about it.
    pub(crate) finding: Option<Severity>,
    /// Change since the first of two maps.
    pub(crate) change: ChangeStatus,
    /// Number in the first and in the second of two maps.
    pub(crate) counts: Option<(usize, usize)>,
    /// Lines of the tooltip; none where edges are drawn together.
    pub(crate) tooltip: Vec<String>,
}

/// Numbers of things that are in the map and not in the picture.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct NotDrawn {
    /// Unix sockets without a connection, held by at most two processes.
    pub(crate) idle: usize,
    /// Connections whose other end has closed.
    pub(crate) closed: usize,
    /// Connections of which no end is held by a process that was read.
    pub(crate) unheld: usize,
    /// Pipes within one process, or with one kind of end only.
    pub(crate) pipes: usize,
    /// Conversations with very many nodes at both ends.
    pub(crate) crowded: usize,
    /// Conversations with loggers.
    pub(crate) logs: usize,
}

/// The shelf below the drawing on which a node is placed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Shelf {
    /// No shelf: the layout places it.
    #[default]
    None,
    /// Hubs that are drawn as badges.
    Hubs,
    /// Clients of hubs without other edges.
    HubClients,
    /// Pairs; the number identifies the pair.
    Pairs(u32),
    /// Processes with listeners and without connections.
    Listening,
    /// Processes that talk to loggers, whose conversations are left out, and to nobody else.
    Logging,
    /// Processes whose partners are not known.
    UnknownPeers,
    /// Processes whose partners were left out on request.
    LeftOut,
    /// Processes without connections.
    Unconnected,
    /// Processes whose descriptors were not read.
    Unread,
}

/// A hub's badge on a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct HubBadge {
    /// Index of the client's node.
    pub(crate) client: u32,
    /// Index in [`Graph::hubs`].
    pub(crate) hub: u32,
    /// Number of connections, pipes or held sockets.
    pub(crate) n: u32,
    /// Of pipes: whether the client reads, and whether it writes.
    pub(crate) directions: (bool, bool),
}

/// The graph that is drawn.
#[derive(Debug, Clone, Default)]
pub(crate) struct Graph {
    pub(crate) nodes: Vec<Node>,
    /// Ordered by nodes, then kind.
    pub(crate) edges: Vec<Edge>,
    /// Nodes that are drawn as badges on their clients.
    pub(crate) hubs: Vec<u32>,
    /// The badges, by client.
    pub(crate) badges: Vec<HubBadge>,
    /// Lines of the caption, not wrapped; the first is the title.
    pub(crate) caption: Vec<String>,
    pub(crate) not_drawn: NotDrawn,
    /// By what processes were merged, if they were.
    pub(crate) merged_by: Option<&'static str>,
    /// Each process of the map stands for a group.
    pub(crate) grouped: bool,
    /// Two maps are compared.
    pub(crate) compared: bool,
    /// Too many edges for an element each.
    pub(crate) batched: bool,
    /// Too many nodes for a full tooltip each.
    pub(crate) terse: bool,
}

impl Edge {
    /// The node at the server's end; `None` where it is not known, or where each end serves the other.
    pub(crate) fn server(&self) -> Option<u32> {
        match (self.a_end.server, self.b_end.server) {
            (true, false) => Some(self.a),
            (false, true) => Some(self.b),
            _ => None,
        }
    }
}

impl Graph {
    /// Whether a hub is a socket or pipe, not a process.
    pub(crate) fn hubs_are_held(&self) -> bool {
        let is_held = |hub: &u32| self.nodes[*hub as usize].kind != Kind::Process;
        self.hubs.iter().any(is_held)
    }

    /// The distinct neighbours of every node, ascending.
    pub(crate) fn neighbours(&self) -> Vec<Vec<u32>> {
        neighbours(
            self.nodes.len(),
            self.edges.iter().map(|edge| (edge.a, edge.b)),
        )
    }
}

/// The distinct neighbours of every node, ascending.
pub(crate) fn neighbours(nodes: usize, edges: impl Iterator<Item = (u32, u32)>) -> Vec<Vec<u32>> {
    let mut lists = vec![Vec::new(); nodes];
    for (a, b) in edges {
        lists[a as usize].push(b);
        lists[b as usize].push(a);
    }
    for list in &mut lists {
        list.sort_unstable();
        list.dedup();
    }
    lists
}
