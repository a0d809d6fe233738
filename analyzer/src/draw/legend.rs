//! What the signs mean, for those that are on the picture; and what is not on it.

use super::look::SMALL_SIZE;
use super::picture::{EdgeKind, Kind};
use super::place::MARGIN;
use super::scene::Scene;
use super::widths::width;
use crate::check::Severity;

/// Width of a sign.
pub(super) const SIGN: f64 = 34.0;
/// Height of a row.
pub(super) const ROW: f64 = 20.0;
/// Font size.
pub(super) const SIZE: f64 = SMALL_SIZE + 1.0;

/// How a sign is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sign {
    /// A node's outline: classes, text in it.
    Node(&'static str, &'static str),
    /// Text that warns.
    Warning(&'static str),
    /// A glyph of this id.
    Glyph(&'static str),
    /// An edge of this class.
    Edge(&'static str),
}

/// A sign and its meaning, with the left end of the sign.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) sign: Sign,
    pub(super) text: &'static str,
    pub(super) x: f64,
    pub(super) y: f64,
}

/// The entries with places, and where they end, in usual size.
pub(super) fn entries(scene: &Scene, top: f64) -> (Vec<Entry>, f64) {
    let (mut x, mut y) = (MARGIN, top + ROW / 2.0);
    let mut out = Vec::new();
    for (sign, text) in needed(scene) {
        let w = SIGN + 6.0 + width(text, SIZE, false) + 18.0;
        if x > MARGIN && x + w > scene.width / scene.scale - MARGIN {
            x = MARGIN;
            y += ROW;
        }
        out.push(Entry { sign, text, x, y });
        x += w;
    }
    (out, y + ROW / 2.0)
}

fn needed(scene: &Scene) -> Vec<(Sign, &'static str)> {
    let node = |kind: Kind| scene.nodes.iter().any(|node| node.kind == kind);
    let class = |class: &str| scene.nodes.iter().any(|node| node.classes.contains(&class));
    let badge = |glyph: &str| {
        scene
            .nodes
            .iter()
            .any(|node| node.look.badges.iter().any(|badge| badge.glyph == glyph))
    };
    let glyph = |glyph: &str| {
        badge(glyph)
            || scene
                .edges
                .iter()
                .any(|edge| edge.drawn.marks.iter().any(|m| m.glyph == glyph))
    };
    let edge = |kind: EdgeKind| scene.edges.iter().any(|edge| edge.kind == kind);
    // What stands on its process's card needs no line to it.
    let holds = scene.edges.iter().any(|edge| {
        edge.kind == EdgeKind::Holds && !scene.nodes[edge.b].classes.contains(&"docked")
    });
    let edge_now = |class: &str| scene.edges.iter().any(|edge| edge.change == Some(class));
    let tags = scene.nodes.iter().any(|node| !node.look.tags.is_empty());
    let held = |at: &usize| scene.nodes[*at].kind != Kind::Process;
    let tag = match scene.hubs.iter().any(held) {
        true => "talks to hub A, or holds it",
        false => "talks to hub A",
    };
    let all = [
        (
            !scene.grouped,
            Sign::Node("process", ""),
            "process (name, pid)",
        ),
        (
            scene.grouped,
            Sign::Node("process", ""),
            "processes as one (×: how many)",
        ),
        (
            class("unread"),
            Sign::Node("process unread", ""),
            "process not read",
        ),
        (
            class("group"),
            Sign::Node("process group", "×3"),
            "several as one",
        ),
        (
            node(Kind::Listener),
            Sign::Node("listener", "/name"),
            "listening socket",
        ),
        (glyph("socket"), Sign::Glyph("socket"), "connected socket"),
        (
            glyph("server"),
            Sign::Glyph("server"),
            "server's end, reached by a name",
        ),
        (
            glyph("net"),
            Sign::Glyph("net"),
            "socket that is not Unix-domain",
        ),
        (
            node(Kind::Socket),
            Sign::Node("socket", "4"),
            "socket shared by so many processes",
        ),
        (
            node(Kind::Outside),
            Sign::Node("outside", ""),
            "outside of what was captured",
        ),
        (
            edge(EdgeKind::Unix),
            Sign::Edge("unix"),
            "connection (×: how many)",
        ),
        (
            edge(EdgeKind::Net),
            Sign::Edge("net"),
            "connection, not Unix-domain",
        ),
        (
            edge(EdgeKind::Pending),
            Sign::Edge("pending"),
            "waits to be accepted",
        ),
        (edge(EdgeKind::Pipe), Sign::Edge("pipe"), "pipe"),
        (holds, Sign::Edge("holds"), "holds"),
        (
            node(Kind::Socket),
            Sign::Edge("holds star"),
            "holds a shared socket",
        ),
        (badge("unknown"), Sign::Glyph("unknown"), "peer not known"),
        (badge("own"), Sign::Glyph("own"), "connected to itself"),
        (tags, Sign::Node("badge", "A"), tag),
        (class("added"), Sign::Node("process added", "+"), "new"),
        (class("removed"), Sign::Node("process removed", "−"), "gone"),
        (
            class("changed"),
            Sign::Node("process changed", "±"),
            "in another number, or others in its place",
        ),
        (edge_now("added"), Sign::Edge("unix added"), "new"),
        (edge_now("removed"), Sign::Edge("unix removed"), "gone"),
        (
            edge_now("changed"),
            Sign::Edge("unix changed"),
            "in another number",
        ),
        (
            class("stayed"),
            Sign::Node("process stayed", ""),
            "as it was",
        ),
        (edge_now("stayed"), Sign::Edge("unix stayed"), "as it was"),
        (
            class("high"),
            Sign::Node("process finding high", ""),
            "high finding (whotalks explain CODE)",
        ),
        (
            class("medium"),
            Sign::Node("process finding medium", ""),
            "medium finding (whotalks explain CODE)",
        ),
        (
            class("low"),
            Sign::Warning("WT…"),
            "low finding (whotalks explain CODE)",
        ),
        (
            scene
                .edges
                .iter()
                .any(|edge| edge.found > Some(Severity::Low)),
            Sign::Edge("high"),
            "what it is about",
        ),
    ];
    all.into_iter()
        .filter(|(needed, _, _)| *needed)
        .map(|(_, sign, text)| (sign, text))
        .collect()
}

/// What was grouped or is not drawn, in sentences.
pub(super) fn notes(scene: &Scene) -> Vec<String> {
    let mut notes = Vec::new();
    let groups = |kinds: &[Kind]| {
        let of = scene
            .nodes
            .iter()
            .filter(|node| node.members > 1 && kinds.contains(&node.kind));
        (
            of.clone().count(),
            of.map(|node| node.members).sum::<usize>(),
        )
    };
    let mut parts = Vec::new();
    for (kinds, word) in [
        (&[Kind::Process][..], "processes"),
        (&[Kind::Listener], "listening sockets"),
        (&[Kind::Socket], "shared sockets"),
        (&[Kind::Pipe], "pipes"),
        (&[Kind::Outside], "addresses"),
    ] {
        let (nodes, members) = groups(kinds);
        if nodes > 0 {
            parts.push(format!("{members} {word} in {nodes}"));
        }
    }
    if !parts.is_empty() {
        let by = scene
            .aggregated
            .map_or(String::new(), |by| format!(", merged by {by} to fit"));
        notes.push(format!("Drawn as groups: {}{by}.", parts.join("; ")));
    }
    let left = scene.left_out;
    let mut parts = Vec::new();
    for (n, one, many) in [
        (left.idle, "idle socket", "idle sockets"),
        (
            left.closed,
            "connection whose other end has closed",
            "connections whose other end has closed",
        ),
        (
            left.unheld,
            "connection with no known end",
            "connections with no known end",
        ),
        (
            left.pipes,
            "pipe with one end or one process",
            "pipes with one end or one process",
        ),
        (
            left.crowded,
            "conversation of very many with very many",
            "conversations of very many with very many",
        ),
    ] {
        match n {
            0 => {}
            1 => parts.push(format!("1 {one}")),
            n => parts.push(format!("{n} {many}")),
        }
    }
    if !parts.is_empty() {
        notes.push(format!("Not drawn: {}.", parts.join(", ")));
    }
    notes
}
