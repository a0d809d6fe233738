//! Writes a node and its hub badges.

use super::elements::{NumberAttrs, write_card, write_outline, write_tooltip};
use super::glyphs::start_glyph;
use super::symbols::Symbols;
use crate::diff::ChangeStatus;
use crate::draw::change;
use crate::draw::graph::{HubBadge, Kind, Node};
use crate::draw::node::shape::{BADGE_HEIGHT, BadgeBox, Outline, SMALL_SIZE, hub_label};
use crate::draw::scene::Scene;
use crate::layout::Point;
use crate::text::xml::XmlWriter;

/// The classes of a node: kind, change, and what is marked.
pub(super) fn classes(scene: &Scene, node: &Node) -> Vec<&'static str> {
    let mut classes = vec![match node.kind {
        Kind::Process => "process",
        Kind::Listener => "listener",
        Kind::Socket => "socket",
        Kind::Pipe => "pipe",
        Kind::Outside => "outside",
    }];
    if scene.graph.compared {
        classes.push(change::words(node.change).class);
    }
    if node.members > 1 {
        classes.push("group");
    }
    if node.attached_to.is_some() {
        classes.push("docked");
    }
    if let Some(findings) = &node.findings {
        classes.extend(["finding", findings.severity.name()]);
    } else if node.is_concerned {
        classes.push("concerned");
    }
    if node.is_unread {
        classes.push("unread");
    }
    if node.is_focus {
        classes.push("focus");
    }
    if node.is_net {
        classes.push("net");
    }
    classes
}

/// Writes a node and its hub badges.
pub(super) fn write(xml: &mut XmlWriter, scene: &Scene, symbols: &Symbols, number: usize) {
    let (node, shape) = (&scene.graph.nodes[number], &scene.shapes[number]);
    let classes = classes(scene, node).join(" ");
    xml.start("g")
        .attr("class", format_args!("node {classes}"))
        .attr("data-id", &node.id)
        .numbers([("data-w", shape.w), ("data-h", shape.h)]);
    if node.members > 1 {
        xml.attr("data-members", node.members);
    }
    if node.undrawn.hidden > 0 {
        xml.attr("data-hidden", node.undrawn.hidden);
    }
    let position = scene.placement.positions[number];
    xml.translate(position);
    write_tooltip(xml, &node.tooltip);
    if let Some(bottom) = shape.card {
        write_card(xml, (shape.w, shape.h), bottom, node.members > 1);
    }
    let has_text = symbols.write(xml, scene, node, shape);
    let is_pale = scene.graph.compared && node.change == ChangeStatus::Stayed;
    for glyph in &shape.glyphs {
        start_glyph(xml, glyph.glyph, is_pale);
        xml.numbers([("x", glyph.x), ("y", glyph.y)]).end();
    }
    for line in shape.lines.iter().filter(|_| !has_text) {
        xml.start("text").attr("class", line.class);
        if line.x != 0.0 {
            xml.numbers([("x", line.x)]);
        }
        xml.numbers([("y", line.y), ("font-size", line.size)]);
        xml.text(&line.text).end();
    }
    xml.end().newline();
    for badge in &shape.hub_badges {
        write_badge(xml, scene, (node, position), badge);
    }
}

fn write_badge(
    xml: &mut XmlWriter,
    scene: &Scene,
    (client, position): (&Node, Point),
    BadgeBox { badge, w, x, y }: &BadgeBox,
) {
    let hub = scene.node(scene.graph.hubs[badge.hub as usize]);
    xml.start("g")
        .attr("class", "node badge")
        .attr("data-id", format_args!("{}@{}", client.id, hub.id))
        .attr("data-a", &client.id)
        .attr("data-b", &hub.id)
        .attr("data-n", badge.n)
        .numbers([("data-w", *w), ("data-h", BADGE_HEIGHT)])
        .translate(position + Point::new(*x, *y));
    write_tooltip(xml, &[badge_tooltip(hub, badge)]);
    write_outline(xml, Some("shape"), Outline::Pill, (*w, BADGE_HEIGHT));
    xml.start("text");
    xml.numbers([("y", 0.35 * SMALL_SIZE), ("font-size", SMALL_SIZE)]);
    xml.text(&hub_label(badge)).end();
    xml.end().newline();
}

/// What the client does with the hub, whose tooltip begins with its name.
fn badge_tooltip(hub: &Node, badge: &HubBadge) -> String {
    let name = hub.tooltip.first().map_or("", String::as_str);
    let many = match badge.n {
        1 => String::new(),
        n => format!(" ×{n}"),
    };
    match (hub.kind, badge.directions) {
        (Kind::Process, _) if badge.n == 1 => format!("1 connection to {name}"),
        (Kind::Process, _) => format!("{} connections to {name}", badge.n),
        (Kind::Pipe, (true, true)) => format!("reads and writes {name}{many}"),
        (Kind::Pipe, (true, false)) => format!("reads {name}{many}"),
        (Kind::Pipe, _) => format!("writes {name}{many}"),
        _ => format!("holds this{many}: {name}"),
    }
}
