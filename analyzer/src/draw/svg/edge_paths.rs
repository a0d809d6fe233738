//! Writes very many edges as few paths. An element for each would be most of the file, and more than a
//! browser shows at a bearable speed.

use std::collections::BTreeMap;

use super::edge::{classes, is_star, thickness};
use super::glyphs::{write_arrows, write_circles};
use super::path_data::{coarse_line_data, num, relative};
use crate::draw::edge::{DrawnEdge, Line};
use crate::draw::graph::Edge;
use crate::draw::scene::Scene;
use crate::layout::Point;
use crate::text::xml::XmlWriter;

/// Edges or glyphs in one path, which programs that show SVG repaint as a whole.
const MAX_IN_PATH: usize = 2_000;

/// An edge and its line.
type SceneEdge<'a> = (&'a Edge, &'a DrawnEdge);

/// Writes edges by class and thickness, then the markers at their ends.
pub(super) fn write(xml: &mut XmlWriter, scene: &Scene) {
    let mut classed: BTreeMap<(bool, String, String), Vec<SceneEdge<'_>>> = BTreeMap::new();
    let mut circles: BTreeMap<(bool, &str), Vec<Point>> = BTreeMap::new();
    let mut arrows: BTreeMap<bool, Vec<(Point, f64)>> = BTreeMap::new();
    for (edge, drawn) in scene.edges() {
        // Pale edges come first and are below the others.
        let strong = !scene.is_pale(edge);
        let classes = classes(scene, edge).join(" ");
        let key = (strong, classes, num(thickness(scene, edge)));
        classed.entry(key).or_default().push((edge, drawn));
        for marker in &drawn.markers {
            let at = marker.position;
            match marker.rotation {
                None => circles.entry((strong, marker.glyph)).or_default().push(at),
                Some(degrees) => arrows.entry(strong).or_default().push((at, degrees)),
            }
        }
    }
    for ((_, class, thickness), edges) in &mut classed {
        // Edges of one socket follow each other.
        edges.sort_by_key(|edge| straight_star(scene, *edge));
        for edges in edges.chunks(MAX_IN_PATH) {
            write_path(xml, scene, edges, (class, thickness));
        }
    }
    for (number, ((strong, glyph), points)) in circles.iter().enumerate() {
        for (part, points) in points.chunks(MAX_IN_PATH).enumerate() {
            let id = format!("wt-b{number}-{part}");
            write_circles(xml, (glyph, !strong), &id, points);
        }
    }
    for (strong, arrows) in &arrows {
        for arrows in arrows.chunks(MAX_IN_PATH) {
            write_arrows(xml, !strong, arrows);
        }
    }
}

fn write_path(
    xml: &mut XmlWriter,
    scene: &Scene,
    edges: &[SceneEdge<'_>],
    (class, thickness): (&str, &str),
) {
    let n: u64 = edges.iter().map(|(edge, _)| u64::from(edge.n)).sum();
    let lines = edges.len();
    xml.start("g").attr("class", format_args!("batch {class}"));
    xml.attr("data-edges", lines).attr("data-n", n);
    xml.start("title")
        .text(&format!("{n} in {lines} lines"))
        .end();
    xml.start("path").attr("stroke-width", thickness);
    xml.attr("d", path_data(scene, edges)).end().end().newline();
}

/// The node of the socket that an edge joins to a holder by a straight line.
fn straight_star(scene: &Scene, (edge, drawn): SceneEdge<'_>) -> Option<u32> {
    let is_straight = matches!(drawn.line, Line::Straight(..));
    (is_straight && is_star(scene, edge)).then_some(edge.b)
}

/// The path data of edges. Two holders of a socket are joined by one line through its centre, which the
/// socket's circle covers.
fn path_data(scene: &Scene, mut edges: &[SceneEdge<'_>]) -> String {
    let mut data = String::new();
    while let [first, rest @ ..] = edges {
        edges = rest;
        let line = &first.1.line;
        if let (Some(socket), Line::Straight(from, _), [second, others @ ..]) =
            (straight_star(scene, *first), line, rest)
            && let Line::Straight(to, _) = second.1.line
            && straight_star(scene, *second) == Some(socket)
        {
            let center = scene.placement.positions[socket as usize];
            data.push_str(&relative('l', 1, &[*from, center, to]));
            edges = others;
        } else {
            data.push_str(&coarse_line_data(line));
        }
    }
    data
}
