//! The shelf's nodes in rows, each shelf under its heading.

use std::collections::BTreeMap;

use super::dock;
use super::look::Look;
use super::picture::{Picture, Stand};
use super::place::MARGIN;
use super::scene::Heading;
use crate::layout::Point;

/// Between the nodes of a shelf.
pub(super) const SHELF_GAP: f64 = 10.0;
/// Between the two nodes of a pair.
const PAIR_GAP: f64 = 34.0;
/// From a heading's baseline up to the rule above it.
pub(super) const RULE: f64 = 16.0;
/// Above a shelf's nodes.
const HEADING: f64 = 30.0;

/// Fills rows below the drawing. Returns where they end.
pub(super) fn fill(
    picture: &Picture,
    looks: &[Look],
    stands: &[Stand],
    width: f64,
    bottom: f64,
    spots: &mut [Point],
    headings: &mut Vec<Heading>,
) -> f64 {
    let mut items: Vec<(Stand, Vec<u32>)> = Vec::new();
    let mut pairs: BTreeMap<u32, usize> = BTreeMap::new();
    let owners = dock::owners(picture);
    for (at, stand) in (0u32..).zip(stands) {
        match stand {
            _ if owners[at as usize].is_some() => {}
            Stand::Main => {}
            Stand::Pair(pair) => match pairs.get(pair) {
                Some(place) => items[*place].1.push(at),
                None => {
                    pairs.insert(*pair, items.len());
                    items.push((*stand, vec![at]));
                }
            },
            _ => items.push((*stand, vec![at])),
        }
    }
    items.sort_by_key(|(stand, nodes)| (shelf_of(*stand), nodes[0]));
    let mut bottom = bottom;
    let mut start = 0;
    while start < items.len() {
        let shelf = shelf_of(items[start].0);
        let end = items[start..]
            .iter()
            .position(|(stand, _)| shelf_of(*stand) != shelf)
            .map_or(items.len(), |n| start + n);
        let shelf_items = &items[start..end];
        headings.push(Heading {
            text: heading(picture, shelf, shelf_items),
            at: Point {
                x: MARGIN,
                y: bottom + HEADING - 8.0,
            },
            until: width - MARGIN,
        });
        bottom = rows(shelf_items, looks, width, bottom + HEADING, spots);
        start = end;
    }
    bottom
}

fn rows(
    items: &[(Stand, Vec<u32>)],
    looks: &[Look],
    width: f64,
    top: f64,
    spots: &mut [Point],
) -> f64 {
    let mut x = MARGIN;
    let (mut y, mut row) = (top, 0.0f64);
    for (_, nodes) in items {
        let rooms: Vec<(f64, f64)> = nodes.iter().map(|at| looks[*at as usize].room()).collect();
        let gaps = PAIR_GAP * (nodes.len() as f64 - 1.0);
        let w: f64 = rooms.iter().map(|room| room.0).sum::<f64>() + gaps;
        if x > MARGIN && x + w > width - MARGIN {
            x = MARGIN;
            y += row + SHELF_GAP;
            row = 0.0;
        }
        let h = rooms.iter().map(|room| room.1).fold(0.0, f64::max);
        for (at, room) in nodes.iter().zip(&rooms) {
            let look = &looks[*at as usize];
            spots[*at as usize] = Point {
                x: x + room.0 / 2.0,
                y: y + (h - room.1) / 2.0 + look.h / 2.0,
            };
            x += room.0 + PAIR_GAP;
        }
        x += SHELF_GAP - PAIR_GAP;
        if nodes.len() > 1 {
            x += SHELF_GAP;
        }
        row = row.max(h);
    }
    y + row + SHELF_GAP
}

/// A stand without the pair's number.
fn shelf_of(stand: Stand) -> Stand {
    match stand {
        Stand::Pair(_) => Stand::Pair(0),
        other => other,
    }
}

fn heading(picture: &Picture, shelf: Stand, items: &[(Stand, Vec<u32>)]) -> String {
    let things: usize = items
        .iter()
        .map(|(_, nodes)| picture.nodes[nodes[0] as usize].things.len())
        .sum();
    match shelf {
        Stand::Main => String::new(),
        Stand::Hub => {
            let who = if picture.hubs_are_held() {
                "who talk to them or hold them"
            } else {
                "who talk to them"
            };
            format!("Hubs, shown as badges on those {who} ({things})")
        }
        Stand::HubClient if picture.hubs_are_held() => {
            format!("Talk to hubs or hold them, and no more ({things})")
        }
        Stand::HubClient => format!("Talk to hubs only ({things})"),
        Stand::Pair(_) => format!("Only the two of them ({things})"),
        Stand::Listens => format!("Listening, nobody seen talking to them ({things})"),
        Stand::Single => format!("Seen talking to nobody ({things})"),
        Stand::Unread => format!("Not readable: whom they talk to is unknown ({things})"),
    }
}
