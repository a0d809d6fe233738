//! Writes a node and its hub badges.

use super::glyphs::PALE;
use super::path_data::num;
use super::shapes::{write_card, write_outline};
use super::symbols::Symbols;
use super::text::write_tooltip;
use crate::draw::graph::Kind;
use crate::draw::node::hub_tooltip::hub_tooltip;
use crate::draw::node::shape::{BADGE_HEIGHT, BadgeBox, Outline, SMALL_SIZE, TextLine, hub_label};
use crate::draw::scene::{Scene, SceneNode};
use crate::text::xml::XmlWriter;

fn kind_class(kind: Kind) -> &'static str {
    match kind {
        Kind::Process => "process",
        Kind::Listener => "listener",
        Kind::Socket => "socket",
        Kind::Pipe => "pipe",
        Kind::Outside => "outside",
    }
}

/// Writes a node.
pub(super) fn write(xml: &mut XmlWriter, scene: &Scene, symbols: &Symbols, node: &SceneNode) {
    let shape = &node.shape;
    let mut classes = format!("node {}", kind_class(node.kind));
    for class in &node.classes {
        classes.push(' ');
        classes.push_str(class);
    }
    xml.start("g")
        .attr("class", classes)
        .attr("data-id", &node.id)
        .attr("data-w", num(shape.w))
        .attr("data-h", num(shape.h));
    if node.members > 1 {
        xml.attr("data-members", node.members);
    }
    let (x, y) = (num(node.position.x), num(node.position.y));
    xml.attr("transform", format_args!("translate({x},{y})"));
    write_tooltip(xml, &node.tooltip);
    if let Some(bottom) = shape.card {
        write_card(xml, (shape.w, shape.h), bottom, node.members > 1);
    }
    let has_text = symbols.write(xml, scene, node);
    let suffix = match node.classes.contains(&"stayed") {
        true => PALE,
        false => "",
    };
    for glyph in &shape.glyphs {
        xml.start("use")
            .attr("xlink:href", format_args!("#wt-{}{suffix}", glyph.glyph))
            .attr("x", num(glyph.x))
            .attr("y", num(glyph.y))
            .end();
    }
    for line in shape.lines.iter().filter(|_| !has_text) {
        write_line(xml, line);
    }
    xml.end().newline();
}

fn write_line(xml: &mut XmlWriter, line: &TextLine) {
    xml.start("text").attr("class", line.class);
    if line.x != 0.0 {
        xml.attr("x", num(line.x));
    }
    xml.attr("y", num(line.y))
        .attr("font-size", num(line.size))
        .text(&line.text)
        .end();
}

/// Writes the badge of a hub on a client.
pub(super) fn write_badge(xml: &mut XmlWriter, scene: &Scene, client: usize, badge: &BadgeBox) {
    let node = &scene.nodes[client];
    let Some(hub) = scene.hubs.get(badge.hub as usize) else {
        return;
    };
    let hub = &scene.nodes[*hub];
    let (x, y) = (node.position.x + badge.x, node.position.y + badge.y);
    let (x, y) = (num(x), num(y));
    xml.start("g")
        .attr("class", "node badge")
        .attr("data-id", format_args!("{}@{}", node.id, hub.id))
        .attr("data-a", &node.id)
        .attr("data-b", &hub.id)
        .attr("data-n", badge.n)
        .attr("data-w", num(badge.w))
        .attr("data-h", num(BADGE_HEIGHT))
        .attr("transform", format_args!("translate({x},{y})"));
    let text = hub_tooltip(hub.kind, &hub.tooltip, badge.n, badge.directions);
    write_tooltip(xml, &[text]);
    write_outline(xml, Outline::Pill, (badge.w, BADGE_HEIGHT), false);
    xml.start("text")
        .attr("y", num(0.35 * SMALL_SIZE))
        .attr("font-size", num(SMALL_SIZE))
        .text(&hub_label(badge.hub, badge.n))
        .end();
    xml.end().newline();
}
