//! What each kind of node says: names, numbers, addresses, findings.

use super::labels;
use super::look::{Line, Look, SMALL_SIZE, Shape, hub_letter};
use super::picture::{Kind, Marks, Node, Picture, Thing};
use super::reduce::address;
use super::stack::Stack;
use super::widths::width;
use crate::check::Severity;
use crate::diff::ChangeStatus;
use crate::graph::display_name;
use crate::model::{Family, Map, SocketId};
use crate::text::escape::{display, name};

/// Font size of a process's name; hubs are written larger.
const NAME_SIZE: f64 = 11.0;
const HUB_SIZE: f64 = 20.0;
/// Font size of listeners, addresses, findings.
const TEXT_SIZE: f64 = 10.0;
/// Names are cut to this.
const MOST_WIDTH: f64 = 170.0;
/// Lines of a finding's title, as severe as it is.
const HIGH_LINES: usize = 3;
const MEDIUM_LINES: usize = 2;
/// Names of listeners in one group.
const GROUP_NAMES: usize = 3;

/// `degree` is how many nodes it is joined to; `scale`, how much larger hubs are. Nothing hangs below it yet.
pub(super) fn look(
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
        Shape::Box if node.change != ChangeStatus::Stayed => (3.0, 5.0),
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
    let own = display_name(map.process(first));
    let alike = node.things[1..].iter().all(|thing| match thing {
        Thing::Process(id) => display_name(map.process(*id)) == own,
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
            Thing::Process(id) => Some(display_name(map.process(*id))),
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
