//! Writes an edge as an element.

use super::glyphs::PALE;
use super::path_data::{line_data, num};
use super::text::write_tooltip;
use crate::draw::edge::Marker;
use crate::draw::graph::{EdgeKind, Kind};
use crate::draw::scene::{Scene, SceneEdge};
use crate::text::xml::XmlWriter;

/// Thickest line of an edge.
const MAX_THICKNESS: f64 = 6.0;

/// Writes an edge.
pub(super) fn write(xml: &mut XmlWriter, scene: &Scene, edge: &SceneEdge) {
    xml.start("g")
        .attr("class", format_args!("edge {}", classes(scene, edge)))
        .attr("data-a", &scene.nodes[edge.a].id)
        .attr("data-b", &scene.nodes[edge.b].id)
        .attr("data-n", edge.n);
    write_tooltip(xml, &edge.tooltip);
    xml.start("path")
        .attr("d", line_data(&edge.drawn.line))
        .attr("stroke-width", num(thickness(scene, edge)))
        .end();
    for marker in &edge.drawn.markers {
        write_marker(xml, marker, edge.is_pale());
    }
    xml.end().newline();
}

fn write_marker(xml: &mut XmlWriter, marker: &Marker, pale: bool) {
    let (x, y) = (num(marker.position.x), num(marker.position.y));
    let suffix = if pale { PALE } else { "" };
    xml.start("use")
        .attr("xlink:href", format_args!("#wt-{}{suffix}", marker.glyph));
    match marker.rotation {
        None => xml.attr("x", x).attr("y", y),
        Some(degrees) => {
            let rotation = num(degrees);
            xml.attr(
                "transform",
                format_args!("translate({x},{y}) rotate({rotation})"),
            )
        }
    };
    xml.end();
}

/// The classes of an edge: kind, finding, change.
pub(super) fn classes(scene: &Scene, edge: &SceneEdge) -> String {
    let mut classes = match edge.kind {
        EdgeKind::Unix => "unix",
        EdgeKind::Net => "net",
        EdgeKind::Pending => "pending",
        EdgeKind::Pipe => "pipe",
        EdgeKind::Holds if is_star(scene, edge) => "holds star",
        EdgeKind::Holds => "holds",
    }
    .to_owned();
    if let Some(severity) = edge.finding {
        classes = format!("{classes} finding {}", severity.name());
    }
    if let Some(change) = edge.change {
        classes = format!("{classes} {change}");
    }
    classes
}

/// Thickness of the line, by the number of connections that it stands for.
pub(super) fn thickness(scene: &Scene, edge: &SceneEdge) -> f64 {
    match edge.kind {
        EdgeKind::Holds if is_star(scene, edge) => 1.6,
        EdgeKind::Holds | EdgeKind::Pipe => 1.0,
        _ => (0.9 + 0.55 * f64::from(edge.n.max(1)).log2()).min(MAX_THICKNESS),
    }
}

/// Whether an edge joins a socket with a node to a holder.
pub(super) fn is_star(scene: &Scene, edge: &SceneEdge) -> bool {
    edge.kind == EdgeKind::Holds && scene.nodes[edge.b].kind == Kind::Socket
}
