//! What a node shows and how large it is, in drawing units around its centre.

use super::labels;
use super::picture::{Kind, Marks, Node, Picture, Thing};
use super::reduce::address;
use super::stack::Stack;
use super::widths::width;
use crate::check::Severity;
use crate::diff::Mark;
use crate::escape::{display, name};
use crate::graph::called;
use crate::model::{Family, Map, SocketId};

/// Font size of a process's name; hubs are written larger.
const NAME_SIZE: f64 = 11.0;
const HUB_SIZE: f64 = 20.0;
/// On pictures of more nodes than these hubs are larger still: seen as a whole, or as a thumbnail, the
/// picture says who they are.
const MANY_NODES: f64 = 150.0;
/// So many times at most.
const LARGEST: f64 = 4.0;
/// Font size of listeners, addresses, findings.
const TEXT_SIZE: f64 = 10.0;
/// Font size of numbers in badges and circles.
pub(super) const SMALL_SIZE: f64 = 9.0;
/// Names are cut to this.
const MOST_WIDTH: f64 = 170.0;
/// Lines of a finding's title, as severe as it is.
const HIGH_LINES: usize = 3;
const MEDIUM_LINES: usize = 2;
/// Names of listeners in one group.
const GROUP_NAMES: usize = 3;
/// Height of the row of hub badges under a box.
pub(super) const BADGE_HEIGHT: f64 = 15.0;

/// Above a listener that hangs on its process.
const DOCK_GAP: f64 = 3.0;
/// Around the listeners that hang on one process, within their card.
const CARD_PAD: f64 = 5.0;

/// The outline of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// Sharp corners.
    Box,
    /// Nothing but the text, in a thin outline where it stands alone.
    Text,
    /// A circle.
    Circle,
    /// Round ends.
    Pill,
}

/// A line of text.
#[derive(Debug, Clone)]
pub(super) struct Line {
    pub(super) text: String,
    pub(super) class: &'static str,
    pub(super) size: f64,
    /// Its middle.
    pub(super) x: f64,
    /// Its baseline.
    pub(super) y: f64,
}

/// A small glyph within a node, with a count beside it.
#[derive(Debug, Clone)]
pub(super) struct Badge {
    /// Id of the glyph's definition.
    pub(super) glyph: &'static str,
    pub(super) x: f64,
    pub(super) y: f64,
}

/// A hub's badge on a client's box.
#[derive(Debug, Clone)]
pub(super) struct HubTag {
    /// Place of the hub in `Picture::hubs`.
    pub(super) hub: u32,
    pub(super) n: u32,
    /// Of pipes: whether the client reads, and whether it writes.
    pub(super) ways: (bool, bool),
    pub(super) w: f64,
    /// Its centre.
    pub(super) x: f64,
    pub(super) y: f64,
}

/// A node's outline, text and badges.
#[derive(Debug, Clone)]
pub(super) struct Look {
    pub(super) shape: Shape,
    pub(super) w: f64,
    pub(super) h: f64,
    pub(super) lines: Vec<Line>,
    pub(super) badges: Vec<Badge>,
    /// Below the outline: nodes that hang on this one, with the height of their centres.
    pub(super) docked: Vec<(u32, f64)>,
    /// Where the card ends that they stand on, as wide as the outline.
    pub(super) card: Option<f64>,
    /// Below the outline and the card.
    pub(super) tags: Vec<HubTag>,
    /// All that belongs to the node, as boxes (left, top, right, bottom) around its centre, its
    /// outline with the card first, then downwards.
    pub(super) parts: Vec<[f64; 4]>,
}

impl Look {
    /// Room that the node needs: its outline, and what hangs below it.
    pub(super) fn room(&self) -> (f64, f64) {
        let half = self.parts.iter().map(|part| part[2]).fold(0.0, f64::max);
        (2.0 * half, self.h + self.hanging())
    }

    /// Where the outline ends, and the card below it.
    fn bottom(&self) -> f64 {
        self.card.unwrap_or(self.h / 2.0)
    }

    /// Height of what hangs below the outline.
    pub(super) fn hanging(&self) -> f64 {
        let bottom = self.parts.last().map_or(0.0, |part| part[3]);
        bottom - self.h / 2.0
    }
}

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

/// The letter that stands for a hub.
pub(super) fn hub_letter(hub: u32) -> char {
    char::from_u32(u32::from('A') + hub).unwrap_or('?')
}

/// What a hub's badge says.
pub(super) fn hub_label(hub: u32, n: u32) -> String {
    match n {
        1 => hub_letter(hub).to_string(),
        n => format!("{} ×{n}", hub_letter(hub)),
    }
}

/// `degree` is how many nodes it is joined to; `scale`, how much larger hubs are.
fn look(
    map: &Map,
    picture: &Picture,
    node: &Node,
    (degree, scale): (f64, f64),
    docked: bool,
) -> Look {
    let mut stack = Stack::default();
    let hub = picture.hub_of(node);
    let shape = match node.kind {
        Kind::Process => process(map, picture, node, (degree, scale), &mut stack),
        Kind::Listener => listener(map, node, &mut stack),
        Kind::Socket => return socket(map, picture, node),
        Kind::Pipe => pipe(map, node, &mut stack),
        Kind::Outside => outside(picture, node, &mut stack),
    };
    if let Some(hub) = hub.filter(|_| node.kind != Kind::Process) {
        let text = format!("hub {} of {degree}", hub_letter(hub));
        stack.push(text, "detail", SMALL_SIZE);
    }
    findings(picture, node, &mut stack);
    let pad = match shape {
        Shape::Text if docked => (2.0, 1.0),
        Shape::Text => (6.0, 3.0),
        Shape::Pill => (9.0, 4.0),
        // The sign before the name takes the rest, so that who changed needs no more room.
        Shape::Box if node.change != Mark::Stayed => (3.0, 5.0),
        _ => (7.0, 5.0),
    };
    stack.finish(shape, pad, node.marks)
}

fn process(
    map: &Map,
    picture: &Picture,
    node: &Node,
    (degree, scale): (f64, f64),
    stack: &mut Stack,
) -> Shape {
    let Thing::Process(first) = node.things[0] else {
        return Shape::Box;
    };
    let larger = 3.0 * scale * (degree / 6.0).max(1.0).log2();
    let size = (NAME_SIZE + larger).min(HUB_SIZE * scale).round();
    let class = if size > NAME_SIZE + 2.0 {
        "name hub"
    } else {
        "name"
    };
    let most = MOST_WIDTH * size / NAME_SIZE;
    let many = node.things.len();
    let own = called(map.process(first));
    let alike = node.things[1..].iter().all(|thing| match thing {
        Thing::Process(id) => called(map.process(*id)) == own,
        _ => false,
    });
    let text = match &node.group {
        Some(group) => group.clone(),
        None if alike => own,
        None => "processes".to_owned(),
    };
    let count = if many > 1 {
        format!(" ×{many}")
    } else {
        String::new()
    };
    let text = format!("{}{text}", super::changes::sign(node.change));
    let count = match node.counts {
        Some((old, new)) if old != new && old > 0 && new > 0 => format!(" {old} → {new}"),
        Some((old, new)) if many == 1 && old.max(new) > 1 => format!(" ×{}", old.max(new)),
        _ => count,
    };
    let room = most - width(&count, size, false);
    stack.push(labels::end(&text, size, room) + &count, class, size);
    if let Some(hub) = picture.hub_of(node) {
        stack.push(
            format!("hub {}", hub_letter(hub)),
            "detail",
            SMALL_SIZE.max(size - 4.0),
        );
    }
    let one = node.counts.is_none_or(|(old, new)| old.max(new) <= 1);
    if many == 1 && one && !picture.grouped {
        stack.push(
            map.process(first).pid.to_string(),
            "detail",
            (size * 0.8).round(),
        );
    } else if many > 1 && !alike {
        stack.push(
            labels::end(&names(map, node), SMALL_SIZE, most),
            "detail",
            SMALL_SIZE,
        );
    }
    Shape::Box
}

/// What was found about a node: the worst in full, as far as it fits, and how many more there are. Of
/// what is of low severity only the code: it is worth knowing, not worth the room.
fn findings(picture: &Picture, node: &Node, stack: &mut Stack) {
    let (Some(&worst), Some(severity)) = (node.findings.first(), picture.worst(&node.findings))
    else {
        return;
    };
    let most = match severity {
        Severity::High => HIGH_LINES,
        Severity::Medium => MEDIUM_LINES,
        Severity::Low => return stack.push(codes(picture, node), "warn", SMALL_SIZE),
    };
    let lines = labels::wrap(&picture.finding(worst), TEXT_SIZE, MOST_WIDTH);
    let shown = lines.len().min(most);
    for line in &lines[..shown - 1] {
        stack.push(line.clone(), "warn", TEXT_SIZE);
    }
    let last = lines[shown - 1..].join(" ");
    stack.push(labels::end(&last, TEXT_SIZE, MOST_WIDTH), "warn", TEXT_SIZE);
    if node.findings.len() > 1 {
        let more = format!("and {} more", node.findings.len() - 1);
        stack.push(more, "warn", SMALL_SIZE);
    }
}

/// `WT301, WT305 ×2`: the distinct codes of what was found, as far as they fit.
fn codes(picture: &Picture, node: &Node) -> String {
    let mut codes: Vec<(&str, usize)> = Vec::new();
    for at in &node.findings {
        let code = picture.findings[*at as usize].code;
        match codes.iter_mut().find(|(known, _)| *known == code) {
            Some((_, n)) => *n += 1,
            None => codes.push((code, 1)),
        }
    }
    let one = |(code, n): &(&str, usize)| match n {
        1 => (*code).to_owned(),
        n => format!("{code} ×{n}"),
    };
    let codes: Vec<String> = codes.iter().map(one).collect();
    labels::end(&codes.join(", "), SMALL_SIZE, MOST_WIDTH)
}

/// The distinct names within a group.
fn names(map: &Map, node: &Node) -> String {
    let names: std::collections::BTreeSet<String> = node
        .things
        .iter()
        .filter_map(|thing| match thing {
            Thing::Process(id) => Some(called(map.process(*id))),
            _ => None,
        })
        .collect();
    let shown: Vec<String> = names.into_iter().take(8).collect();
    shown.join(", ")
}

/// A listener's name or address, for display.
pub(super) fn socket_name(map: &Map, id: SocketId) -> String {
    let socket = map.socket(id);
    match (&socket.name, socket.local) {
        (Some(bytes), _) => name(bytes.bytes()),
        (None, Some(local)) => address(local),
        (None, None) => "(unnamed)".to_owned(),
    }
}

fn listener(map: &Map, node: &Node, stack: &mut Stack) -> Shape {
    let sockets = node.things.iter().filter_map(|thing| match thing {
        Thing::Socket(id) => Some(*id),
        _ => None,
    });
    let many = node.things.len();
    let shown = if many > GROUP_NAMES + 1 {
        GROUP_NAMES
    } else {
        many
    };
    for id in sockets.take(shown) {
        let named = labels::middle(&socket_name(map, id), TEXT_SIZE, MOST_WIDTH);
        let text = format!("{}{named}", super::changes::sign(node.change));
        let glyph = (map.socket(id).family != Family::Unix).then_some("net");
        stack.push_with(glyph, text, "path", TEXT_SIZE);
    }
    if many > shown {
        stack.push(format!("and {} more", many - shown), "detail", SMALL_SIZE);
    }
    Shape::Text
}

fn socket(map: &Map, picture: &Picture, node: &Node) -> Look {
    let holders = match node.things[0] {
        Thing::Socket(id) => map.holding_processes(id).len(),
        _ => 0,
    };
    let count = match node.things.len() {
        1 => holders.to_string(),
        many => format!("×{many}"),
    };
    if !node.findings.is_empty() {
        let mut stack = Stack::default();
        findings(picture, node, &mut stack);
        stack.push(format!("held by {holders}"), "detail", SMALL_SIZE);
        return stack.finish(Shape::Pill, (9.0, 4.0), Marks::default());
    }
    let d = (width(&count, SMALL_SIZE, false) + 8.0).max(20.0);
    let line = Line {
        text: count,
        class: "number",
        size: SMALL_SIZE,
        x: 0.0,
        y: 0.35 * SMALL_SIZE,
    };
    Look {
        shape: Shape::Circle,
        w: d,
        h: d,
        lines: vec![line],
        badges: Vec::new(),
        tags: Vec::new(),
        docked: Vec::new(),
        card: None,
        parts: Vec::new(),
    }
}

fn pipe(map: &Map, node: &Node, stack: &mut Stack) -> Shape {
    let path = match node.things[0] {
        Thing::Pipe(id) => map.pipes[id.index()].path.as_deref(),
        _ => None,
    };
    let name = path.map_or_else(|| "pipe".to_owned(), display);
    let text = match node.things.len() {
        1 => labels::middle(&name, SMALL_SIZE, MOST_WIDTH),
        many => format!("pipes ×{many}"),
    };
    stack.push(text, "path", SMALL_SIZE);
    Shape::Pill
}

fn outside(picture: &Picture, node: &Node, stack: &mut Stack) -> Shape {
    let many = node.things.len();
    let heading = match many {
        1 => "(outside)".to_owned(),
        many => format!("(outside) ×{many}"),
    };
    stack.push(heading, "detail", SMALL_SIZE);
    for thing in node.things.iter().take(GROUP_NAMES) {
        if let Thing::Outside(at) = thing {
            let text = &picture.outside[*at as usize];
            let text = text.strip_prefix("(outside) ").unwrap_or(text);
            stack.push(
                labels::middle(text, TEXT_SIZE, MOST_WIDTH),
                "path",
                TEXT_SIZE,
            );
        }
    }
    if many > GROUP_NAMES {
        stack.push("…".to_owned(), "detail", SMALL_SIZE);
    }
    Shape::Pill
}
