//! Places the nodes of shelves in rows, each shelf under its heading.

use std::collections::BTreeMap;

use super::placement::{Heading, MARGIN, Placement};
use crate::draw::graph::{Graph, Shelf};
use crate::draw::node::shape::Shape;
use crate::layout::Point;

/// Between the nodes of a shelf.
pub(super) const SHELF_GAP: f64 = 10.0;
/// Between the two nodes of a pair.
const PAIR_GAP: f64 = 34.0;
/// From a heading's baseline up to the rule above it.
pub(crate) const RULE: f64 = 16.0;
/// Above a shelf's nodes.
const HEADING: f64 = 30.0;

/// A single node or a pair on a shelf.
type Item = (Shelf, Vec<u32>);

/// The area that the nodes of all shelves take.
pub(super) fn area(graph: &Graph, shapes: &[Shape], shelves: &[Shelf]) -> f64 {
    shapes
        .iter()
        .zip(graph.nodes.iter().zip(shelves))
        .filter(|(_, (node, shelf))| **shelf != Shelf::None && node.attached_to.is_none())
        .map(|(shape, _)| shape.full_size())
        .map(|(w, h)| (w + SHELF_GAP) * (h + SHELF_GAP))
        .sum()
}

/// Adds the shelves below what is placed.
pub(super) fn fill(graph: &Graph, shapes: &[Shape], shelves: &[Shelf], placement: &mut Placement) {
    let items = items(graph, shelves);
    for items in items.chunk_by(|(one, _), (other, _)| without_pair(*one) == without_pair(*other)) {
        let top = placement.height + HEADING;
        placement.headings.push(Heading {
            text: heading(graph, without_pair(items[0].0), items),
            position: Point::new(MARGIN, top - 8.0),
            right: placement.width - MARGIN,
        });
        placement.height = fill_rows(items, shapes, top, placement);
    }
}

/// The nodes of all shelves, by shelf; attached nodes are left out.
fn items(graph: &Graph, shelves: &[Shelf]) -> Vec<Item> {
    let mut items: Vec<Item> = Vec::new();
    let mut pairs: BTreeMap<u32, usize> = BTreeMap::new();
    for (index, (node, shelf)) in (0u32..).zip(graph.nodes.iter().zip(shelves)) {
        match shelf {
            _ if node.attached_to.is_some() => {}
            Shelf::None => {}
            Shelf::Pairs(pair) => match pairs.get(pair) {
                Some(item) => items[*item].1.push(index),
                None => {
                    pairs.insert(*pair, items.len());
                    items.push((*shelf, vec![index]));
                }
            },
            _ => items.push((*shelf, vec![index])),
        }
    }
    items.sort_by_key(|(shelf, nodes)| (without_pair(*shelf), nodes[0]));
    items
}

/// Places the items of a shelf from left to right. Returns where the last row ends.
fn fill_rows(items: &[Item], shapes: &[Shape], top: f64, placement: &mut Placement) -> f64 {
    let (mut x, mut y, mut row_height) = (MARGIN, top, 0.0f64);
    for (_, nodes) in items {
        let shape = |node: &u32| &shapes[*node as usize];
        let sizes: Vec<(f64, f64)> = nodes.iter().map(|node| shape(node).full_size()).collect();
        let gaps = PAIR_GAP * (nodes.len() as f64 - 1.0);
        let w: f64 = sizes.iter().map(|size| size.0).sum::<f64>() + gaps;
        if x > MARGIN && x + w > placement.width - MARGIN {
            (x, y, row_height) = (MARGIN, y + row_height + SHELF_GAP, 0.0);
        }
        let h = sizes.iter().map(|size| size.1).fold(0.0, f64::max);
        for (node, size) in nodes.iter().zip(&sizes) {
            let middle = y + (h - size.1) / 2.0 + shape(node).h / 2.0;
            placement.positions[*node as usize] = Point::new(x + size.0 / 2.0, middle);
            x += size.0 + PAIR_GAP;
        }
        x += SHELF_GAP - PAIR_GAP;
        if nodes.len() > 1 {
            x += SHELF_GAP;
        }
        row_height = row_height.max(h);
    }
    y + row_height + SHELF_GAP
}

/// A shelf without the pair's number.
fn without_pair(shelf: Shelf) -> Shelf {
    match shelf {
        Shelf::Pairs(_) => Shelf::Pairs(0),
        other => other,
    }
}

fn heading(graph: &Graph, shelf: Shelf, items: &[Item]) -> String {
    let members: usize = items
        .iter()
        .map(|(_, nodes)| graph.nodes[nodes[0] as usize].members)
        .sum();
    let text = match shelf {
        Shelf::None => return String::new(),
        Shelf::Hubs if graph.hubs_are_held() => {
            "Hubs, shown as badges on those who talk to them or hold them"
        }
        Shelf::Hubs => "Hubs, shown as badges on those who talk to them",
        Shelf::HubClients if graph.hubs_are_held() => "Talk to hubs or hold them, and no more",
        Shelf::HubClients => "Talk to hubs only",
        Shelf::Pairs(_) => "Only the two of them",
        Shelf::Listening => "Listening, nobody seen talking to them",
        Shelf::Logging => "Talk to loggers only",
        Shelf::UnknownPeers => "Talking to others that are not known",
        Shelf::LeftOut => "Talking to others that were left out on request",
        Shelf::Unconnected => "Seen talking to nobody",
        Shelf::Unread => "Not readable: whom they talk to is unknown",
    };
    format!("{text} ({members})")
}
