//! DOT, the language of Graphviz (`export --format dot`).

use std::io::{self, Write};

use super::network::{Network, NetworkEdge, NetworkNode, NodeKind};

/// Writes the network as a directed graph.
///
/// # Errors
/// When writing fails.
pub fn write(network: &Network, title: &str, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "digraph whotalks {{")?;
    writeln!(out, "  graph [label={}, rankdir=LR]", quote(title))?;
    writeln!(out, "  node [shape=box, style=filled, fillcolor=white]")?;
    for node in &network.nodes {
        write_node(node, out)?;
    }
    for edge in &network.edges {
        write_edge(network, edge, out)?;
    }
    writeln!(out, "}}")
}

fn write_node(node: &NetworkNode, out: &mut dyn Write) -> io::Result<()> {
    let style = match node.kind {
        NodeKind::Process | NodeKind::Group => ", fillcolor=lightcyan",
        NodeKind::Listener => ", shape=ellipse",
        NodeKind::Outside => ", shape=box, style=dashed",
        NodeKind::Unreadable | NodeKind::UnheldEnd => ", shape=plaintext, style=\"\"",
        NodeKind::Conversation => ", shape=diamond",
    };
    let label = match (node.kind, node.processes) {
        (NodeKind::Group, 2..) => format!("{} ×{}", node.label, node.processes),
        _ => node.label.clone(),
    };
    writeln!(
        out,
        "  {} [label={}, class={}{style}]",
        quote(&node.id),
        quote(&label),
        node.kind.as_str()
    )
}

fn write_edge(network: &Network, edge: &NetworkEdge, out: &mut dyn Write) -> io::Result<()> {
    let id = |node: usize| quote(&network.nodes[node].id);
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
        write!(out, ", id={}", quote(&edge.conversation))?;
    }
    if !edge.via.text.is_empty() {
        write!(out, ", tooltip={}", quote(&edge.via.text))?;
    }
    if edge.count > 1 {
        write!(out, ", label=\"{}\"", edge.count)?;
    }
    if edge.pending > 0 {
        write!(out, ", style=dashed")?;
    }
    writeln!(out, "]")
}

/// A double-quoted string, quotes included.
///
/// In labels a backslash begins an escape and `&` a character reference, so both are escaped, in
/// identifiers too.
fn quote(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '&' => out.push_str("&amp;"),
            c if c.is_control() => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_terminated() {
        assert_eq!(quote(r#"a"b\"#), r#""a\"b\\""#);
        assert_eq!(quote("&quot;]\n"), "\"&amp;quot;]\u{fffd}\"");
    }
}
