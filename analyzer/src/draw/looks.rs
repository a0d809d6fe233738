//! The looks of all of a picture's nodes, with what hangs below each: its card of listeners, its hub badges.

use super::content::look;
use super::look::{BADGE_HEIGHT, HubTag, Look, SMALL_SIZE, hub_label};
use super::picture::Picture;
use super::widths::width;
use crate::model::Map;

/// On pictures of more nodes than these hubs are larger still: seen as a whole, or as a thumbnail, the
/// picture says who they are.
const MANY_NODES: f64 = 150.0;
/// So many times at most.
const LARGEST: f64 = 4.0;

/// Above a listener that hangs on its process.
const DOCK_GAP: f64 = 3.0;
/// Around the listeners that hang on one process, within their card.
const CARD_PAD: f64 = 5.0;

/// One look for each node.
pub(super) fn looks(map: &Map, picture: &Picture) -> Vec<Look> {
    let neighbours = picture.neighbours();
    let owners = super::dock::owners(picture);
    let joined = neighbours.iter().filter(|list| !list.is_empty()).count();
    let scale = (joined as f64 / MANY_NODES).sqrt().clamp(1.0, LARGEST);
    let mut looks: Vec<Look> = picture
        .nodes
        .iter()
        .zip(&neighbours)
        .zip(&owners)
        .map(|((node, list), owner)| {
            let degree = list.len() as f64;
            look(map, picture, node, (degree, scale), owner.is_some())
        })
        .collect();
    for hub in &picture.hubs {
        let clients = picture
            .badges
            .iter()
            .filter(|badge| picture.hubs[badge.hub as usize] == *hub)
            .map(|badge| picture.nodes[badge.client as usize].things.len());
        let at = *hub as usize;
        let clients = clients.sum::<usize>() as f64;
        looks[at] = look(map, picture, &picture.nodes[at], (clients, scale), false);
    }
    for (at, owner) in (0u32..).zip(owners) {
        if let Some(owner) = owner {
            let (w, h) = (looks[at as usize].w, looks[at as usize].h);
            let look = &mut looks[owner as usize];
            let top = look.card.unwrap_or(look.h / 2.0 + DOCK_GAP);
            look.w = look.w.max(w + 2.0 * CARD_PAD);
            look.docked.push((at, top + h / 2.0));
            look.card = Some(top + h + DOCK_GAP);
        }
    }
    for badge in &picture.badges {
        let look = &mut looks[badge.client as usize];
        let w = width(&hub_label(badge.hub, badge.n), SMALL_SIZE, false) + 8.0;
        look.tags.push(HubTag {
            hub: badge.hub,
            n: badge.n,
            ways: badge.ways,
            w,
            x: 0.0,
            y: look.bottom() + 1.0 + BADGE_HEIGHT / 2.0,
        });
    }
    for look in &mut looks {
        let all: f64 = look.tags.iter().map(|tag| tag.w + 2.0).sum();
        let mut x = -all / 2.0;
        for tag in &mut look.tags {
            tag.x = x + 1.0 + tag.w / 2.0;
            x += tag.w + 2.0;
        }
        let (half, top) = (look.w / 2.0, -look.h / 2.0);
        look.parts = vec![[-half, top, half, look.bottom()]];
        if let Some(tag) = look.tags.first() {
            look.parts.push(around(tag.y, all, BADGE_HEIGHT));
        }
    }
    looks
}

/// A box below a node's centre.
fn around(y: f64, w: f64, h: f64) -> [f64; 4] {
    [-w / 2.0, y - h / 2.0, w / 2.0, y + h / 2.0]
}
