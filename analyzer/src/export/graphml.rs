//! GraphML, for networkx, Gephi and yEd (`export --format graphml`).

use std::io::{self, Write};

use super::network::{Network, NetworkEdge, NetworkNode};
use crate::text::xml::XmlWriter;

/// Attributes of nodes: strings, or of the type after the colon. In the document a letter is put in
/// front of the key, since the ids of node and edge attributes share a namespace.
const OF_NODES: &str = "kind label processes:int host pid:int comm exe unit container user";
/// Attributes of edges.
const OF_EDGES: &str = "kind conversation state name_kind name connections:int pending:int";

const NAMESPACE: &str = "http://graphml.graphdrawing.org/xmlns";
const SCHEMA_INSTANCE: &str = "http://www.w3.org/2001/XMLSchema-instance";
const SCHEMA_LOCATION: &str =
    "http://graphml.graphdrawing.org/xmlns http://graphml.graphdrawing.org/xmlns/1.0/graphml.xsd";

/// Writes the network as a directed graph with parallel edges.
///
/// # Errors
/// When writing fails.
pub fn write(network: &Network, out: &mut dyn Write) -> io::Result<()> {
    let mut xml = XmlWriter::new();
    xml.declaration().newline();
    xml.start("graphml")
        .attr("xmlns", NAMESPACE)
        .attr("xmlns:xsi", SCHEMA_INSTANCE)
        .attr("xsi:schemaLocation", SCHEMA_LOCATION)
        .newline();
    for (of, keys) in [("node", OF_NODES), ("edge", OF_EDGES)] {
        for key in keys.split(' ') {
            let (key, kind) = key.split_once(':').unwrap_or((key, "string"));
            xml.start("key")
                .attr("id", format_args!("{}_{key}", &of[..1]))
                .attr("for", of)
                .attr("attr.name", key)
                .attr("attr.type", kind)
                .end()
                .newline();
        }
    }
    xml.start("graph")
        .attr("id", "whotalks")
        .attr("edgedefault", "directed")
        .newline();
    for node in &network.nodes {
        write_node(node, &mut xml);
        xml.flush(out)?;
    }
    for (number, edge) in network.edges.iter().enumerate() {
        write_edge(network, number, edge, &mut xml);
        xml.flush(out)?;
    }
    xml.end().newline().end().newline();
    xml.flush(out)
}

fn write_node(node: &NetworkNode, xml: &mut XmlWriter) {
    xml.start("node").attr("id", &node.id).text("");
    data(xml, "n_kind", node.kind.as_str());
    data(xml, "n_label", &node.label);
    data(xml, "n_processes", &node.processes.to_string());
    for (key, value) in &node.properties {
        data(xml, &format!("n_{key}"), value);
    }
    xml.end().newline();
}

fn write_edge(network: &Network, number: usize, edge: &NetworkEdge, xml: &mut XmlWriter) {
    xml.start("edge")
        .attr("id", format_args!("e{number}"))
        .attr("source", &network.nodes[edge.from].id)
        .attr("target", &network.nodes[edge.to].id)
        .text("");
    data(xml, "e_kind", edge.kind);
    data(xml, "e_conversation", &edge.conversation);
    data(xml, "e_state", edge.state);
    data(xml, "e_name_kind", edge.via.kind.as_str());
    data(xml, "e_name", &edge.via.text);
    data(xml, "e_connections", &edge.count.to_string());
    data(xml, "e_pending", &edge.pending.to_string());
    xml.end().newline();
}

/// Writes an attribute unless it is empty.
fn data(xml: &mut XmlWriter, key: &str, value: &str) {
    if !value.is_empty() {
        xml.start("data").attr("key", key).text(value).end();
    }
}
