//! Who talks to whom as nodes and edges, for the formats of graph programs.
//!
//! Nodes are processes (or groups of them), listeners, and ends that are not known or not here.
//! Edges are conversations from client to server; and `listens`, from a process to its listener.

use std::collections::BTreeMap;

use crate::graph::{By, Conversation, ConversationEnds, Groups, conversations};
use crate::id;
use crate::model::{ConnectionState, Map, ProcessId, SocketId, SocketState};
use crate::query::{
    UnknownEnd, Via, addressed, is_dead_pipe, is_private, link_kind, named, unknown_end, via,
};
use crate::text::escape;

/// More pairs of processes than this at the two ends of one conversation are not drawn each with
/// each: the conversation becomes a node, so that a file can't make the output explode.
const MAX_PAIRS: usize = 64;

/// What a node is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A process.
    Process,
    /// Processes put together.
    Group,
    /// A listening socket.
    Listener,
    /// An address that was not captured.
    Outside,
    /// An end that a process may hold which could not be read.
    Unreadable,
    /// An end that nobody holds.
    UnknownEnd,
    /// A conversation that very many share.
    Conversation,
}

impl Kind {
    /// The word in documents.
    pub fn name(self) -> &'static str {
        match self {
            Self::Process => "process",
            Self::Group => "group",
            Self::Listener => "listener",
            Self::Outside => "outside",
            Self::Unreadable => "unreadable",
            Self::UnknownEnd => "nobody",
            Self::Conversation => "conversation",
        }
    }
}

/// A node.
#[derive(Debug, Clone)]
pub struct Node {
    /// Unique among nodes.
    pub id: String,
    /// What it is.
    pub kind: Kind,
    /// Printable.
    pub label: String,
    /// Of a process, what it is; printable, empty where not known.
    pub about: BTreeMap<&'static str, String>,
    /// How many processes it stands for; 0 for what is none.
    pub processes: usize,
}

/// An edge.
#[derive(Debug, Clone)]
pub struct Edge {
    /// Index of the client's or writer's node.
    pub from: usize,
    /// Index of the server's or reader's node.
    pub to: usize,
    /// `unix`, `inet`, `netlink`, `vsock`, `pipe`, `listens`.
    pub kind: &'static str,
    /// What it goes over.
    pub via: Via,
    /// The connection's or pipe's id; empty where it stands for several or none.
    pub conversation: String,
    /// The connection's state; empty where it stands for several or none.
    pub state: &'static str,
    /// How many conversations.
    pub count: usize,
    /// How many of them wait to be accepted.
    pub pending: usize,
}

/// The graph.
#[derive(Debug, Clone, Default)]
pub struct Network {
    /// Nodes.
    pub nodes: Vec<Node>,
    /// Edges; several between two nodes are common.
    pub edges: Vec<Edge>,
}

/// The network of a map. By process each conversation is an edge of its own; by larger groups those
/// alike are one edge. What a process says to itself alone is left out.
pub fn network(map: &Map, by: By) -> Network {
    let mut builder = Builder {
        map,
        groups: Groups::of(map, by),
        by,
        network: Network::default(),
        extra: BTreeMap::new(),
        merged: BTreeMap::new(),
    };
    builder.members();
    builder.listeners();
    for ends in conversations(map).filter(|ends| !is_private(ends) && !is_dead_pipe(map, ends)) {
        builder.conversation(&ends);
    }
    builder.network
}

/// What makes conversations of groups alike.
type Alike = (usize, usize, &'static str, Via);

struct Builder<'a> {
    map: &'a Map,
    groups: Groups,
    by: By,
    network: Network,
    /// Nodes that are no processes, by id.
    extra: BTreeMap<String, usize>,
    /// By larger groups: the edge of conversations that are alike.
    merged: BTreeMap<Alike, usize>,
}

impl Builder<'_> {
    /// Processes, or groups: the first nodes, so that their numbers are those of the map.
    fn members(&mut self) {
        if self.by == By::Process {
            for at in 0..self.map.processes.len() {
                let node = self.process(ProcessId::new(at));
                self.network.nodes.push(node);
            }
            return;
        }
        for group in 0..self.groups.len() {
            self.network.nodes.push(Node {
                id: format!("g{group}"),
                kind: Kind::Group,
                label: self.groups.label(group as u32).to_owned(),
                about: BTreeMap::new(),
                processes: 0,
            });
        }
        for at in 0..self.map.processes.len() {
            let group = self.member(ProcessId::new(at));
            self.network.nodes[group].processes += 1;
        }
    }

    fn process(&self, at: ProcessId) -> Node {
        let process = self.map.process(at);
        let text = |text: &str| escape::display(text.as_bytes());
        let container = process.container.as_ref();
        let about = [
            ("host", id::host(process.host)),
            ("pid", process.pid.to_string()),
            ("comm", escape::display(&process.comm)),
            ("exe", escape::display(&process.exe)),
            (
                "unit",
                process.unit.as_deref().map(text).unwrap_or_default(),
            ),
            (
                "container",
                container.map(|c| text(&c.id)).unwrap_or_default(),
            ),
            (
                "user",
                process
                    .user
                    .as_deref()
                    .map(escape::display)
                    .unwrap_or_default(),
            ),
        ];
        Node {
            id: id::process(self.map, at),
            kind: Kind::Process,
            label: self.groups.label(self.groups.of_process(at)).to_owned(),
            about: about.into_iter().collect(),
            processes: 1,
        }
    }

    /// The node of a process.
    fn member(&self, process: ProcessId) -> usize {
        if self.by == By::Process {
            process.index()
        } else {
            self.groups.of_process(process) as usize
        }
    }

    fn members_of(&self, processes: &[ProcessId]) -> Vec<usize> {
        let mut nodes: Vec<usize> = processes.iter().map(|at| self.member(*at)).collect();
        nodes.sort_unstable();
        nodes.dedup();
        nodes
    }

    fn listeners(&mut self) {
        for at in 0..self.map.sockets.len() {
            let id = SocketId::new(at);
            if self.map.socket(id).state != SocketState::Listening {
                continue;
            }
            let node = self.listener(id);
            for from in self.members_of(&self.map.holding_processes(id)) {
                self.network.edges.push(Edge {
                    from,
                    to: node,
                    kind: "listens",
                    via: Via::default(),
                    conversation: String::new(),
                    state: "",
                    count: 0,
                    pending: 0,
                });
            }
        }
    }

    fn listener(&mut self, id: SocketId) -> usize {
        let socket = self.map.socket(id);
        let via = socket.name.as_ref().map(named);
        let via = via.or_else(|| socket.local.map(addressed));
        let id = id::socket(self.map, id);
        let label = via.map_or_else(|| id.clone(), |via| via.text);
        self.extra(id, Kind::Listener, label)
    }

    fn extra(&mut self, id: String, kind: Kind, label: String) -> usize {
        let nodes = &mut self.network.nodes;
        *self.extra.entry(id).or_insert_with_key(|id| {
            nodes.push(Node {
                id: id.clone(),
                kind,
                label,
                about: BTreeMap::new(),
                processes: 0,
            });
            nodes.len() - 1
        })
    }

    fn conversation(&mut self, ends: &ConversationEnds) {
        let from = self.end(ends, true);
        let to = self.end(ends, false);
        if from.len().saturating_mul(to.len()) <= MAX_PAIRS {
            for from in &from {
                for to in &to {
                    self.edge(ends, *from, *to);
                }
            }
            return;
        }
        let id = conversation_id(self.map, ends.talk);
        let over = via(self.map, ends.talk).text;
        let label = if over.is_empty() { id.clone() } else { over };
        let middle = self.extra(id, Kind::Conversation, label);
        for from in from {
            self.edge(ends, from, middle);
        }
        for to in to {
            self.edge(ends, middle, to);
        }
    }

    /// The nodes at one end: never none.
    fn end(&mut self, ends: &ConversationEnds, client: bool) -> Vec<usize> {
        let processes = if client { &ends.from } else { &ends.to };
        if !processes.is_empty() {
            return self.members_of(processes);
        }
        let (kind, label) = match unknown_end(self.map, ends, client) {
            UnknownEnd::Outside(address) => {
                // Nobody else's: one node wherever it is mentioned.
                let node = self.extra(format!("outside/{address}"), Kind::Outside, address);
                return vec![node];
            }
            unreadable @ UnknownEnd::Unreadable => (Kind::Unreadable, unreadable.to_string()),
            none @ UnknownEnd::None => (Kind::UnknownEnd, none.to_string()),
        };
        if let Conversation::Connection(at) = ends.talk {
            let connection = &self.map.connections[at];
            // Unknown servers of one listener are that listener, not one unknown each.
            if let (false, Some(listener)) = (client, connection.listener) {
                return vec![self.listener(listener)];
            }
            if let (false, Some(b)) = (client, connection.b) {
                return vec![self.extra(id::socket(self.map, b), kind, label)];
            }
        }
        let side = if client { "from" } else { "to" };
        let id = format!("{}/{side}", conversation_id(self.map, ends.talk));
        vec![self.extra(id, kind, label)]
    }

    fn edge(&mut self, ends: &ConversationEnds, from: usize, to: usize) {
        let state = match ends.talk {
            Conversation::Connection(at) => Some(self.map.connections[at].state),
            Conversation::Pipe(_) => None,
        };
        let pending = usize::from(state == Some(ConnectionState::Pending));
        let kind = link_kind(self.map, ends.talk).as_str();
        let via = via(self.map, ends.talk);
        if self.by != By::Process {
            let edges = &mut self.network.edges;
            let at = *self
                .merged
                .entry((from, to, kind, via.clone()))
                .or_insert_with(|| {
                    edges.push(Edge {
                        from,
                        to,
                        kind,
                        via,
                        conversation: String::new(),
                        state: "",
                        count: 0,
                        pending: 0,
                    });
                    edges.len() - 1
                });
            edges[at].count += 1;
            edges[at].pending += pending;
            return;
        }
        self.network.edges.push(Edge {
            from,
            to,
            kind,
            via,
            conversation: conversation_id(self.map, ends.talk),
            state: state.map_or("", ConnectionState::as_str),
            count: 1,
            pending,
        });
    }
}

fn conversation_id(map: &Map, talk: Conversation) -> String {
    match talk {
        Conversation::Connection(at) => id::connection(map, at),
        Conversation::Pipe(pipe) => id::pipe(map, pipe),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edges(network: &Network) -> Vec<String> {
        let name = |at: usize| network.nodes[at].label.as_str();
        let one = |edge: &Edge| {
            format!(
                "{} {} {} {}",
                name(edge.from),
                edge.kind,
                name(edge.to),
                edge.count
            )
        };
        network.edges.iter().map(one).collect()
    }

    #[test]
    fn conversations_are_edges_and_listeners_nodes() {
        let mut map = Map::with_host();
        let all = [1, 2, 3].map(|pid| map.add_process(pid, if pid == 2 { b"srv" } else { b"cli" }));
        let socket = map.add_listener(&[all[1]], b"/run/s");
        map.add_connection(&[all[0]], &[all[1]], Some(socket));
        map.add_connection(&[all[2]], &[all[1]], Some(socket));
        map.add_pipe(&[all[0]], &[all[0]]);
        map.add_connection(&[all[0]], &[], Some(socket));
        assert_eq!(
            edges(&network(&map, By::Process)),
            [
                "srv [2] listens /run/s 0",
                "cli [1] unix srv [2] 1",
                "cli [3] unix srv [2] 1",
                "cli [1] unix /run/s 1"
            ]
        );
        assert_eq!(
            edges(&network(&map, By::Exe)),
            [
                "srv listens /run/s 0",
                "cli unix srv 2",
                "cli unix /run/s 1"
            ]
        );
    }

    #[test]
    fn very_many_holders_are_not_paired_each_with_each() {
        let mut map = Map::with_host();
        let all: Vec<_> = (1..=200).map(|pid| map.add_process(pid, b"x")).collect();
        map.add_connection(&all[..100], &all[100..], None);
        let network = network(&map, By::Process);
        assert_eq!(network.edges.len(), 200);
        assert_eq!(network.nodes[200].kind, Kind::Conversation);
    }
}
