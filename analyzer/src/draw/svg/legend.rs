//! The legend: signs and their meaning, of those that are in the picture.

use std::collections::BTreeSet;

use super::elements::{NumberAttrs, write_outline, write_sheet, write_text};
use super::glyphs::start_glyph;
use super::{edge, node};
use crate::draw::graph::{Edge, EdgeKind};
use crate::draw::node::shape::{Outline, SMALL_SIZE};
use crate::draw::node::text_width::width;
use crate::draw::place::MARGIN;
use crate::draw::scene::Scene;
use crate::layout::Point;
use crate::text::xml::XmlWriter;

/// Width of a sign.
const SIGN: f64 = 34.0;
/// Between a sign and its text.
const TEXT_GAP: f64 = 4.0;
/// Height of a row.
const ROW: f64 = 20.0;
/// Font size.
const SIZE: f64 = SMALL_SIZE + 1.0;
/// Height of the outline of a sign.
const OUTLINE_HEIGHT: f64 = 13.0;

/// A sign, its meaning, and the left end of the sign.
pub(super) type LegendEntry = (Sign, &'static str, Point);

/// How a sign is drawn.
pub(super) enum Sign {
    /// A node's outline: classes, text in it.
    Node(&'static str, &'static str),
    /// Text in the colour of findings.
    Warning(&'static str),
    /// A glyph of this id.
    Glyph(&'static str),
    /// An edge of this class.
    Edge(&'static str),
}

/// The entries in rows below `top`, and where they end, before scaling.
pub(super) fn place(scene: &Scene, top: f64) -> (Vec<LegendEntry>, f64) {
    let (mut x, mut y) = (MARGIN, top + ROW / 2.0);
    let mut out = Vec::new();
    for (sign, text) in entries(scene) {
        let w = SIGN + 6.0 + width(text, SIZE, false) + 18.0;
        if x > MARGIN && x + w > scene.placement.width / scene.placement.scale - MARGIN {
            x = MARGIN;
            y += ROW;
        }
        out.push((sign, text, Point::new(x, y)));
        x += w;
    }
    (out, y + ROW / 2.0)
}

/// The signs that are in the picture, with their meaning.
fn entries(scene: &Scene) -> Vec<(Sign, &'static str)> {
    let graph = &scene.graph;
    let of_node = |node| node::classes(scene, node);
    let nodes: BTreeSet<&str> = graph.nodes.iter().flat_map(of_node).collect();
    let of_edge = |edge| edge::classes(scene, edge);
    let edges: BTreeSet<&str> = graph.edges.iter().flat_map(of_edge).collect();
    let inner = scene.shapes.iter().flat_map(|shape| &shape.glyphs);
    let markers = scene.lines.iter().flat_map(|line| &line.markers);
    let glyphs = inner
        .map(|inner| inner.glyph)
        .chain(markers.map(|m| m.glyph));
    let glyphs: BTreeSet<&str> = glyphs.collect();
    // An attached listener is on its process's card, without a line.
    let holds = |e: &Edge| e.kind == EdgeKind::Holds && scene.node(e.b).attached_to.is_none();
    let mut entries = all_entries(scene);
    entries.retain(|(sign, _)| match sign {
        Sign::Node("process", _) => true,
        Sign::Node("badge", _) => !graph.badges.is_empty(),
        Sign::Node(classes, _) => nodes.contains(last_word(classes)),
        Sign::Warning(_) => nodes.contains("low"),
        Sign::Glyph(glyph) => glyphs.contains(glyph),
        Sign::Edge("holds star") => nodes.contains("socket"),
        Sign::Edge("holds") => graph.edges.iter().any(holds),
        Sign::Edge("high") => edges.contains("high") || edges.contains("medium"),
        Sign::Edge(classes) => edges.contains(last_word(classes)),
    });
    entries
}

/// All signs, in order.
fn all_entries(scene: &Scene) -> Vec<(Sign, &'static str)> {
    use Sign::{Edge, Glyph, Node, Warning};
    let process = match scene.graph.grouped {
        true => "processes as one (×: how many)",
        false => "process (name, pid)",
    };
    let badge = match scene.graph.hubs_are_held() {
        true => "talks to hub A, or holds it",
        false => "talks to hub A",
    };
    let other_node = "in another number, or others in its place";
    let medium = "medium finding (whotalks explain CODE)";
    let high = "high finding (whotalks explain CODE)";
    vec![
        (Node("process", ""), process),
        (Node("process unread", ""), "process not read"),
        (Node("process group", "×3"), "several as one"),
        (Node("process focus", ""), "named by --focus"),
        (Node("listener", "/name"), "listening socket"),
        (Glyph("socket"), "connected socket"),
        (Glyph("server"), "server's end"),
        (Glyph("net"), "socket that is not Unix-domain"),
        (Glyph("net-server"), "server's end, not Unix-domain"),
        (Node("socket", "4"), "socket shared by so many processes"),
        (Node("outside", ""), "outside of what was captured"),
        (Edge("unix"), "connection (×: how many)"),
        (Edge("net"), "connection, not Unix-domain"),
        (Edge("pending"), "waits to be accepted"),
        (Edge("pipe"), "pipe"),
        (Edge("pty"), "pseudo-terminal"),
        (
            Edge("channel"),
            "queue, shared memory, semaphore, eventfd or lock",
        ),
        (Edge("holds"), "holds"),
        (Edge("accepts"), "serves what the other accepted"),
        (Edge("holds star"), "holds a shared socket"),
        (Glyph("unknown"), "peer not known"),
        (Glyph("own"), "connected to itself"),
        (Node("badge", "A"), badge),
        (Node("process added", "+"), "new"),
        (Node("process removed", "−"), "gone"),
        (Node("process changed", "±"), other_node),
        (Edge("unix added"), "new"),
        (Edge("unix removed"), "gone"),
        (Edge("unix changed"), "in another number"),
        (Node("process stayed", ""), "as it was"),
        (Edge("unix stayed"), "as it was"),
        (Node("process finding high", ""), high),
        (Node("process finding medium", ""), medium),
        (Warning("WT…"), "low finding (whotalks explain CODE)"),
        (Edge("high"), "what it is about"),
    ]
}

fn last_word(classes: &str) -> &str {
    classes.rsplit(' ').next().unwrap_or(classes)
}

/// Writes an entry.
pub(super) fn write(xml: &mut XmlWriter, (sign, text, position): &LegendEntry) {
    xml.start("g")
        .translate(*position + Point::new(SIGN / 2.0, 0.0));
    match *sign {
        Sign::Node(class, text) => {
            xml.start("g").attr("class", format_args!("key {class}"));
            let (outline, w) = match class {
                "socket" => (Outline::Circle, 16.0),
                "listener" => (Outline::Text, 30.0),
                "outside" | "badge" => (Outline::Pill, 26.0),
                _ => (Outline::Box, 26.0),
            };
            if class.contains("group") {
                write_sheet(xml, (w, OUTLINE_HEIGHT), OUTLINE_HEIGHT);
            }
            write_outline(xml, Some("shape"), outline, (w, OUTLINE_HEIGHT));
            if !text.is_empty() {
                write_sign_text(xml, "sign", text);
            }
            xml.end();
        }
        Sign::Warning(text) => write_sign_text(xml, "warn sign", text),
        Sign::Glyph(glyph) => {
            start_glyph(xml, glyph, false);
            xml.end();
        }
        Sign::Edge(class) => {
            xml.start("g").attr("class", format_args!("key {class}"));
            xml.start("path").attr("d", "M-15 0H15");
            xml.attr("stroke-width", "1.2").end().end();
        }
    }
    xml.end();
    let left_bottom = (position.x + SIGN + TEXT_GAP, position.y + 3.5);
    write_text(xml, "left", left_bottom, SIZE, text);
}

fn write_sign_text(xml: &mut XmlWriter, class: &str, text: &str) {
    xml.start("text").attr("class", class);
    xml.numbers([("y", 3.2), ("font-size", 9.0)])
        .text(text)
        .end();
}
