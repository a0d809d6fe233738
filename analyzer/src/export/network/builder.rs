//! Builds the nodes and edges of a map.

use std::collections::BTreeMap;

use super::{Network, NetworkEdge, NetworkNode, NodeKind};
use crate::graph::{By, Conversation, ConversationEnds, Groups, conversations};
use crate::id;
use crate::model::{ConnectionState, Map, ProcessId, SocketId, SocketState};
use crate::query::{
    UnknownEnd, Via, is_half_closed, is_self_conversation, link_kind, socket_via, unknown_end, via,
};
use crate::text::escape;

/// A conversation with more pairs of holders than this becomes a node, so that a file cannot make the
/// output quadratic.
const MAX_PAIRS: usize = 64;

/// Builds the network of a map. By process, each conversation is an edge; by larger groups, those with
/// the same ends, kind and name are merged. Conversations within one process are left out.
pub fn network(map: &Map, by: By) -> Network {
    let mut builder = Builder {
        map,
        groups: Groups::new(map, by),
        by,
        network: Network::default(),
        others: BTreeMap::new(),
        merged: BTreeMap::new(),
    };
    builder.add_members();
    builder.add_listeners();
    for ends in conversations(map) {
        if !is_self_conversation(&ends) && !is_half_closed(map, &ends) {
            builder.add_conversation(&ends);
        }
    }
    builder.network
}

/// What merged conversations have in common: source and target node, kind, name.
type EdgeKey = (usize, usize, &'static str, Via);

struct Builder<'a> {
    map: &'a Map,
    groups: Groups,
    by: By,
    network: Network,
    /// Nodes other than processes and groups, by id.
    others: BTreeMap<String, usize>,
    /// Edges of merged conversations.
    merged: BTreeMap<EdgeKey, usize>,
}

impl Builder<'_> {
    /// Adds processes or groups. They come first, so that their indices are those of the map.
    fn add_members(&mut self) {
        if self.by == By::Process {
            for at in 0..self.map.processes.len() {
                let node = self.process(ProcessId::new(at));
                self.network.nodes.push(node);
            }
            return;
        }
        for group in 0..self.groups.len() {
            self.network.nodes.push(NetworkNode {
                id: format!("g{group}"),
                kind: NodeKind::Group,
                label: self.groups.label(group as u32).to_owned(),
                properties: BTreeMap::new(),
                processes: 0,
            });
        }
        for at in 0..self.map.processes.len() {
            let group = self.member(ProcessId::new(at));
            self.network.nodes[group].processes += 1;
        }
    }

    fn process(&self, at: ProcessId) -> NetworkNode {
        let process = self.map.process(at);
        let text = |text: Option<&[u8]>| text.map(escape::display).unwrap_or_default();
        let unit = process.unit.as_deref().map(str::as_bytes);
        let container = process.container.as_ref();
        let properties = [
            ("host", id::host(process.host)),
            ("pid", process.pid.to_string()),
            ("comm", escape::display(&process.comm)),
            ("exe", escape::display(&process.exe)),
            ("unit", text(unit)),
            ("container", text(container.map(|c| c.id.as_bytes()))),
            ("user", text(process.user.as_deref())),
        ];
        NetworkNode {
            id: id::process(self.map, at),
            kind: NodeKind::Process,
            label: self.groups.label(self.groups.group_of(at)).to_owned(),
            properties: properties.into(),
            processes: 1,
        }
    }

    /// The node of a process.
    fn member(&self, process: ProcessId) -> usize {
        match self.by {
            By::Process => process.index(),
            _ => self.groups.group_of(process) as usize,
        }
    }

    fn members_of(&self, processes: &[ProcessId]) -> Vec<usize> {
        let mut nodes: Vec<usize> = processes.iter().map(|at| self.member(*at)).collect();
        nodes.sort_unstable();
        nodes.dedup();
        nodes
    }

    fn add_listeners(&mut self) {
        for at in 0..self.map.sockets.len() {
            let id = SocketId::new(at);
            if self.map.socket(id).state != SocketState::Listening {
                continue;
            }
            let node = self.listener(id);
            for from in self.members_of(&self.map.using_processes(id)) {
                self.network.edges.push(NetworkEdge {
                    from,
                    to: node,
                    kind: "listens",
                    ..NetworkEdge::default()
                });
            }
        }
    }

    fn listener(&mut self, id: SocketId) -> usize {
        let via = socket_via(self.map, id);
        let id = id::socket(self.map, id);
        let label = via.map_or_else(|| id.clone(), |via| via.text);
        self.other(id, NodeKind::Listener, label)
    }

    fn other(&mut self, id: String, kind: NodeKind, label: String) -> usize {
        let nodes = &mut self.network.nodes;
        *self.others.entry(id).or_insert_with_key(|id| {
            nodes.push(NetworkNode {
                id: id.clone(),
                kind,
                label,
                properties: BTreeMap::new(),
                processes: 0,
            });
            nodes.len() - 1
        })
    }

    fn add_conversation(&mut self, ends: &ConversationEnds) {
        let from = self.end(ends, true);
        let to = self.end(ends, false);
        if from.len().saturating_mul(to.len()) <= MAX_PAIRS {
            for from in &from {
                for to in &to {
                    self.add_edge(ends, *from, *to);
                }
            }
            return;
        }
        let id = conversation_id(self.map, ends.conversation);
        let over = via(self.map, ends.conversation).text;
        let label = if over.is_empty() { id.clone() } else { over };
        let middle = self.other(id, NodeKind::Conversation, label);
        for from in from {
            self.add_edge(ends, from, middle);
        }
        for to in to {
            self.add_edge(ends, middle, to);
        }
    }

    /// The nodes of one end: at least one.
    fn end(&mut self, ends: &ConversationEnds, client: bool) -> Vec<usize> {
        let processes = if client { &ends.from } else { &ends.to };
        if !processes.is_empty() {
            return self.members_of(processes);
        }
        let (kind, label) = match unknown_end(self.map, ends, client) {
            UnknownEnd::Outside(address) => {
                // One node for all conversations with the address.
                let node = self.other(format!("outside/{address}"), NodeKind::Outside, address);
                return vec![node];
            }
            translated @ UnknownEnd::Translated(_) => {
                let label = translated.to_string();
                return vec![self.other(label.clone(), NodeKind::Outside, label)];
            }
            unreadable @ UnknownEnd::Unreadable => (NodeKind::Unreadable, unreadable.to_string()),
            unheld @ (UnknownEnd::Unheld | UnknownEnd::InFlight(_) | UnknownEnd::NoProcess) => {
                (NodeKind::UnheldEnd, unheld.to_string())
            }
        };
        if let Conversation::Connection(index) = ends.conversation {
            let connection = &self.map.connections[index];
            match (connection.listener, connection.b) {
                _ if client => {}
                // The unknown servers of one listener are one node: the listener.
                (Some(listener), _) => return vec![self.listener(listener)],
                (None, Some(b)) => return vec![self.other(id::socket(self.map, b), kind, label)],
                (None, None) => {}
            }
        }
        let side = if client { "from" } else { "to" };
        let id = format!("{}/{side}", conversation_id(self.map, ends.conversation));
        vec![self.other(id, kind, label)]
    }

    fn add_edge(&mut self, ends: &ConversationEnds, from: usize, to: usize) {
        let state = match ends.conversation {
            Conversation::Connection(index) => Some(self.map.connections[index].state),
            Conversation::Pipe(_) | Conversation::Channel(_) => None,
        };
        let pending = usize::from(state == Some(ConnectionState::Pending));
        let kind = link_kind(self.map, ends.conversation).as_str();
        let via = via(self.map, ends.conversation);
        let key = (from, to, kind, via);
        let edges = &mut self.network.edges;
        let mut add = |conversation, state, via| {
            edges.push(NetworkEdge {
                from,
                to,
                kind,
                via,
                conversation,
                state,
                ..NetworkEdge::default()
            });
            edges.len() - 1
        };
        let at = match self.by {
            By::Process => {
                let state = state.map_or("", ConnectionState::as_str);
                add(conversation_id(self.map, ends.conversation), state, key.3)
            }
            _ => {
                let entry = self.merged.entry(key);
                *entry.or_insert_with_key(|key| add(String::new(), "", key.3.clone()))
            }
        };
        edges[at].count += 1;
        edges[at].pending += pending;
    }
}

fn conversation_id(map: &Map, conversation: Conversation) -> String {
    match conversation {
        Conversation::Connection(index) => id::connection(map, index),
        Conversation::Pipe(pipe) => id::pipe(map, pipe),
        Conversation::Channel(channel) => id::channel(&map.channels[channel.index()]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edges(network: &Network) -> Vec<String> {
        let name = |at: usize| network.nodes[at].label.as_str();
        let text = |edge: &NetworkEdge| {
            format!(
                "{} {} {} {}",
                name(edge.from),
                edge.kind,
                name(edge.to),
                edge.count
            )
        };
        network.edges.iter().map(text).collect()
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
    fn many_holders_are_not_paired() {
        let mut map = Map::with_host();
        let all: Vec<_> = (1..=200).map(|pid| map.add_process(pid, b"x")).collect();
        map.add_connection(&all[..100], &all[100..], None);
        let network = network(&map, By::Process);
        assert_eq!(network.edges.len(), 200);
        assert_eq!(network.nodes[200].kind, NodeKind::Conversation);
    }
}
