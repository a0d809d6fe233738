//! Writes an edge as an element.

use super::elements::{NumberAttrs, write_tooltip};
use super::glyphs::start_glyph;
use super::path_data::{line_data, num};
use crate::draw::change;
use crate::draw::edge::{DrawnEdge, Marker};
use crate::draw::graph::{Edge, EdgeKind, Kind};
use crate::draw::scene::Scene;
use crate::layout::Point;
use crate::text::xml::XmlWriter;

/// Thickest line of an edge.
const MAX_THICKNESS: f64 = 6.0;

/// Writes an edge.
pub(super) fn write(xml: &mut XmlWriter, scene: &Scene, edge: &Edge, drawn: &DrawnEdge) {
    let classes = classes(scene, edge).join(" ");
    xml.start("g")
        .attr("class", format_args!("edge {classes}"))
        .attr("data-a", &scene.node(edge.a).id)
        .attr("data-b", &scene.node(edge.b).id)
        .attr("data-n", edge.n);
    if let Some(server) = edge.server() {
        xml.attr("data-server", &scene.node(server).id);
    }
    write_tooltip(xml, &edge.tooltip);
    xml.start("path").attr("d", line_data(&drawn.line));
    let thickness = thickness(scene, edge);
    xml.numbers([("stroke-width", thickness)]).end();
    for marker in &drawn.markers {
        write_marker(xml, marker, scene.is_pale(edge));
    }
    xml.end().newline();
}

fn write_marker(xml: &mut XmlWriter, marker: &Marker, pale: bool) {
    let Point { x, y } = marker.position;
    start_glyph(xml, marker.glyph, pale);
    match marker.rotation.map(num) {
        None => xml.numbers([("x", x), ("y", y)]),
        Some(degrees) => {
            let (x, y) = (num(x), num(y));
            let transform = format_args!("translate({x},{y}) rotate({degrees})");
            xml.attr("transform", transform)
        }
    };
    xml.end();
}

/// The classes of an edge: kind, finding, change.
pub(super) fn classes(scene: &Scene, edge: &Edge) -> Vec<&'static str> {
    let mut classes = vec![match edge.kind {
        EdgeKind::Unix => "unix",
        EdgeKind::Net => "net",
        EdgeKind::Pending => "pending",
        EdgeKind::Pipe => "pipe",
        EdgeKind::Pty => "pty",
        EdgeKind::Channel => "channel",
        EdgeKind::Holds => "holds",
        EdgeKind::Accepts => "accepts",
    }];
    if is_star(scene, edge) {
        classes.push("star");
    }
    if let Some(severity) = edge.finding {
        classes.extend(["finding", severity.name()]);
    }
    if scene.graph.compared {
        classes.push(change::words(edge.change).class);
    }
    classes
}

/// Thickness of the line, by the number of connections that it stands for.
pub(super) fn thickness(scene: &Scene, edge: &Edge) -> f64 {
    match edge.kind {
        EdgeKind::Holds if is_star(scene, edge) => 1.6,
        EdgeKind::Holds
        | EdgeKind::Pipe
        | EdgeKind::Pty
        | EdgeKind::Channel
        | EdgeKind::Accepts => 1.0,
        _ => (0.9 + 0.55 * f64::from(edge.n.max(1)).log2()).min(MAX_THICKNESS),
    }
}

/// Whether an edge joins a socket with a node to a holder.
pub(super) fn is_star(scene: &Scene, edge: &Edge) -> bool {
    edge.kind == EdgeKind::Holds && scene.node(edge.b).kind == Kind::Socket
}
