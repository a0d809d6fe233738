//! The shapes of all nodes, with what is below each: its card of listeners, its hub badges.

use super::content::content;
use super::shape::{BADGE_HEIGHT, BadgeBox, SMALL_SIZE, Shape, hub_label};
use super::text_width::width;
use crate::draw::graph::{Graph, Node};

/// With more nodes than these, hubs are larger, so that they can be read where the picture is seen as
/// a whole or as a thumbnail.
const MANY_NODES: f64 = 150.0;
/// Largest scale of hubs.
const MAX_HUB_SCALE: f64 = 4.0;

/// Above an attached listener.
const ATTACHED_GAP: f64 = 3.0;
/// Around the attached listeners, within their card.
const CARD_PADDING: f64 = 5.0;

/// The shape of each node.
pub(crate) fn shapes(graph: &Graph) -> Vec<Shape> {
    let neighbours = graph.neighbours();
    let joined = neighbours.iter().filter(|list| !list.is_empty()).count();
    let hub_scale = (joined as f64 / MANY_NODES).sqrt();
    let hub_scale = hub_scale.clamp(1.0, MAX_HUB_SCALE);
    let clients = hub_clients(graph);
    let nodes = graph.nodes.iter().zip(neighbours.iter().zip(&clients));
    let shape = |(node, (neighbours, clients)): (&Node, (&Vec<u32>, &usize))| {
        let degree = if node.hub.is_some() {
            *clients
        } else {
            neighbours.len()
        };
        content(node, degree as f64, hub_scale)
    };
    let mut shapes: Vec<Shape> = nodes.map(shape).collect();
    attach_listeners(graph, &mut shapes);
    add_hub_badges(graph, &mut shapes);
    shapes
}

/// For each node, the number of members of the clients that have its badge.
fn hub_clients(graph: &Graph) -> Vec<usize> {
    let mut clients = vec![0; graph.nodes.len()];
    for badge in &graph.badges {
        let hub = graph.hubs[badge.hub as usize];
        clients[hub as usize] += graph.nodes[badge.client as usize].members;
    }
    clients
}

fn attach_listeners(graph: &Graph, shapes: &mut [Shape]) {
    for (index, node) in (0u32..).zip(&graph.nodes) {
        if let Some(owner) = node.attached_to {
            let (w, h) = (shapes[index as usize].w, shapes[index as usize].h);
            let shape = &mut shapes[owner as usize];
            let top = shape.card.unwrap_or(shape.h / 2.0 + ATTACHED_GAP);
            shape.w = shape.w.max(w + 2.0 * CARD_PADDING);
            shape.attached.push((index, top + h / 2.0));
            shape.card = Some(top + h + ATTACHED_GAP);
        }
    }
}

/// Adds the badges, and computes the parts of each shape.
fn add_hub_badges(graph: &Graph, shapes: &mut [Shape]) {
    for badge in &graph.badges {
        let shape = &mut shapes[badge.client as usize];
        shape.hub_badges.push(BadgeBox {
            badge: *badge,
            w: width(&hub_label(badge), SMALL_SIZE, false) + 8.0,
            x: 0.0,
            y: shape.bottom() + 1.0 + BADGE_HEIGHT / 2.0,
        });
    }
    for shape in shapes {
        let row: f64 = shape.hub_badges.iter().map(|badge| badge.w + 2.0).sum();
        let mut x = -row / 2.0;
        for badge in &mut shape.hub_badges {
            badge.x = x + 1.0 + badge.w / 2.0;
            x += badge.w + 2.0;
        }
        let (half, top) = (shape.w / 2.0, -shape.h / 2.0);
        shape.parts = vec![[-half, top, half, shape.bottom()]];
        if let Some(badge) = shape.hub_badges.first() {
            let (half, y) = (row / 2.0, badge.y);
            let (top, bottom) = (y - BADGE_HEIGHT / 2.0, y + BADGE_HEIGHT / 2.0);
            shape.parts.push([-half, top, half, bottom]);
        }
    }
}
