//! A map as nodes and edges, for DOT and GraphML.
//!
//! Nodes are processes (or groups), listeners, and ends of conversations that are unknown or outside
//! the capture. Edges are conversations, from client to server, and `listens`, from a process to its
//! listener.

mod builder;
mod nodes;

pub use builder::network;
pub use nodes::{Network, NetworkEdge, NetworkNode, NodeKind};
