//! GraphML, for networkx, Gephi and yEd (`export --format graphml`).

use std::io::{self, Write};

use super::network::{Network, NetworkEdge, NetworkNode};
use crate::text::escape;

/// Attributes of nodes: key and type. In the document a letter is put in front of the key, since the
/// ids of node and edge attributes share a namespace.
const OF_NODES: [(&str, &str); 10] = [
    ("kind", "string"),
    ("label", "string"),
    ("processes", "int"),
    ("host", "string"),
    ("pid", "int"),
    ("comm", "string"),
    ("exe", "string"),
    ("unit", "string"),
    ("container", "string"),
    ("user", "string"),
];

/// Attributes of edges.
const OF_EDGES: [(&str, &str); 7] = [
    ("kind", "string"),
    ("conversation", "string"),
    ("state", "string"),
    ("name_kind", "string"),
    ("name", "string"),
    ("connections", "int"),
    ("pending", "int"),
];

const HEAD: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<graphml xmlns="http://graphml.graphdrawing.org/xmlns" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="http://graphml.graphdrawing.org/xmlns http://graphml.graphdrawing.org/xmlns/1.0/graphml.xsd">
"#;

/// Writes the network as a directed graph with parallel edges.
///
/// # Errors
/// When writing fails.
pub fn write(network: &Network, out: &mut dyn Write) -> io::Result<()> {
    out.write_all(HEAD.as_bytes())?;
    for (of, keys) in [("node", &OF_NODES[..]), ("edge", &OF_EDGES)] {
        for (key, kind) in keys {
            let letter = &of[..1];
            writeln!(
                out,
                r#"<key id="{letter}_{key}" for="{of}" attr.name="{key}" attr.type="{kind}"/>"#
            )?;
        }
    }
    writeln!(out, r#"<graph id="whotalks" edgedefault="directed">"#)?;
    for node in &network.nodes {
        write_node(node, out)?;
    }
    for (number, edge) in network.edges.iter().enumerate() {
        write_edge(network, number, edge, out)?;
    }
    writeln!(out, "</graph>\n</graphml>")
}

fn write_node(node: &NetworkNode, out: &mut dyn Write) -> io::Result<()> {
    write!(out, r#"<node id="{}">"#, escape::xml(&node.id))?;
    data(out, "n_kind", node.kind.as_str())?;
    data(out, "n_label", &node.label)?;
    data(out, "n_processes", &node.processes.to_string())?;
    for (key, value) in &node.properties {
        data(out, &format!("n_{key}"), value)?;
    }
    writeln!(out, "</node>")
}

fn write_edge(
    network: &Network,
    number: usize,
    edge: &NetworkEdge,
    out: &mut dyn Write,
) -> io::Result<()> {
    let id = |at: usize| escape::xml(&network.nodes[at].id);
    write!(
        out,
        r#"<edge id="e{number}" source="{}" target="{}">"#,
        id(edge.from),
        id(edge.to)
    )?;
    data(out, "e_kind", edge.kind)?;
    data(out, "e_conversation", &edge.conversation)?;
    data(out, "e_state", edge.state)?;
    data(out, "e_name_kind", edge.via.kind.as_str())?;
    data(out, "e_name", &edge.via.text)?;
    data(out, "e_connections", &edge.count.to_string())?;
    data(out, "e_pending", &edge.pending.to_string())?;
    writeln!(out, "</edge>")
}

/// Writes an attribute unless it is empty.
fn data(out: &mut dyn Write, key: &str, value: &str) -> io::Result<()> {
    if value.is_empty() {
        return Ok(());
    }
    write!(out, r#"<data key="{key}">{}</data>"#, escape::xml(value))
}
