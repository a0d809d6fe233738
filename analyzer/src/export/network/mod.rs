//! A map as nodes and edges, for DOT and GraphML.
//!
//! Nodes are processes (or groups), listeners, and ends of conversations that are unknown or outside
//! the capture. Edges are conversations, from client to server, and `listens`, from a process to its
//! listener.

mod builder;

pub use builder::network;

use std::collections::BTreeMap;

use crate::query::Via;

/// What a node is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum NodeKind {
    /// A process.
    Process,
    /// A group of processes.
    Group,
    /// A listening socket.
    Listener,
    /// An address outside the capture.
    Outside,
    /// An end that a process that could not be read may hold.
    Unreadable,
    /// An end without holders.
    UnheldEnd,
    /// A conversation with too many holders for an edge between each two.
    Conversation,
}

impl NodeKind {
    /// The word for it in DOT and GraphML output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Process => "process",
            Self::Group => "group",
            Self::Listener => "listener",
            Self::Outside => "outside",
            Self::Unreadable => "unreadable",
            Self::UnheldEnd => "nobody",
            Self::Conversation => "conversation",
        }
    }
}

/// A node.
#[derive(Debug, Clone)]
pub struct NetworkNode {
    /// Unique.
    pub id: String,
    /// What the node is.
    pub kind: NodeKind,
    /// Printable label.
    pub label: String,
    /// Properties of a process: printable, empty if not known.
    pub properties: BTreeMap<&'static str, String>,
    /// Number of processes of a group; 1 for a process, 0 for other nodes.
    pub processes: usize,
}

/// An edge.
#[derive(Debug, Clone, Default)]
pub struct NetworkEdge {
    /// Index of the client's or writer's node.
    pub from: usize,
    /// Index of the server's or reader's node.
    pub to: usize,
    /// `unix`, `inet`, `netlink`, `vsock`, `pipe`, `listens`.
    pub kind: &'static str,
    /// What it goes over.
    pub via: Via,
    /// Id of the connection or pipe; empty if the edge stands for several or none.
    pub conversation: String,
    /// State of the connection; empty if the edge stands for several or none.
    pub state: &'static str,
    /// Number of conversations.
    pub count: usize,
    /// Number of pending connections.
    pub pending: usize,
}

/// A directed graph.
#[derive(Debug, Clone, Default)]
pub struct Network {
    /// Nodes.
    pub nodes: Vec<NetworkNode>,
    /// Edges; several between two nodes are common.
    pub edges: Vec<NetworkEdge>,
}
