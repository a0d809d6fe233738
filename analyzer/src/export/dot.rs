//! Graphviz's language: `dot -Tsvg`.

use std::io::{self, Write};

use super::network::{Edge, Kind, Network, Node};
use crate::text::escape;

/// Writes the network as a directed graph.
///
/// # Errors
/// When writing fails.
pub fn write(network: &Network, title: &str, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "digraph whotalks {{")?;
    writeln!(out, "  graph [label={}, rankdir=LR]", escape::dot(title))?;
    writeln!(out, "  node [shape=box, style=filled, fillcolor=white]")?;
    for node in &network.nodes {
        write_node(node, out)?;
    }
    for edge in &network.edges {
        write_edge(network, edge, out)?;
    }
    writeln!(out, "}}")
}

fn write_node(node: &Node, out: &mut dyn Write) -> io::Result<()> {
    let look = match node.kind {
        Kind::Process | Kind::Group => ", fillcolor=lightcyan",
        Kind::Listener => ", shape=ellipse",
        Kind::Outside => ", shape=box, style=dashed",
        Kind::Unreadable | Kind::UnknownEnd => ", shape=plaintext, style=\"\"",
        Kind::Conversation => ", shape=diamond",
    };
    let label = match (node.kind, node.processes) {
        (Kind::Group, 2..) => format!("{} ×{}", node.label, node.processes),
        _ => node.label.clone(),
    };
    writeln!(
        out,
        "  {} [label={}, class={}{look}]",
        escape::dot(&node.id),
        escape::dot(&label),
        node.kind.name()
    )
}

fn write_edge(network: &Network, edge: &Edge, out: &mut dyn Write) -> io::Result<()> {
    let id = |at: usize| escape::dot(&network.nodes[at].id);
    write!(
        out,
        "  {} -> {} [class={}",
        id(edge.from),
        id(edge.to),
        edge.kind
    )?;
    if edge.kind == "listens" {
        return writeln!(out, ", style=dotted, arrowhead=none]");
    }
    if !edge.conversation.is_empty() {
        write!(out, ", id={}", escape::dot(&edge.conversation))?;
    }
    if !edge.via.text.is_empty() {
        write!(out, ", tooltip={}", escape::dot(&edge.via.text))?;
    }
    if edge.count > 1 {
        write!(out, ", label=\"{}\"", edge.count)?;
    }
    if edge.pending > 0 {
        write!(out, ", style=dashed")?;
    }
    writeln!(out, "]")
}
