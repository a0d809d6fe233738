//! Sentences about what the picture does not show.

use crate::draw::graph::Kind;
use crate::draw::scene::Scene;

/// The notes: nodes that stand for several, and things that are not drawn.
pub(super) fn notes(scene: &Scene) -> Vec<String> {
    let mut notes = Vec::new();
    let mut parts = Vec::new();
    for (kind, word) in [
        (Kind::Process, "processes"),
        (Kind::Listener, "listening sockets"),
        (Kind::Socket, "shared sockets"),
        (Kind::Pipe, "pipes"),
        (Kind::Outside, "addresses"),
    ] {
        let groups = scene.nodes.iter().filter(|node| node.members > 1);
        let groups = groups.filter(|node| node.kind == kind);
        let members: usize = groups.clone().map(|node| node.members).sum();
        if members > 0 {
            parts.push(format!("{members} {word} in {}", groups.count()));
        }
    }
    if !parts.is_empty() {
        let by = scene
            .merged_by
            .map_or(String::new(), |by| format!(", merged by {by} to fit"));
        notes.push(format!("Drawn as groups: {}{by}.", parts.join("; ")));
    }
    let not_drawn = scene.not_drawn;
    let mut parts = Vec::new();
    for (n, one, many) in [
        (not_drawn.idle, "idle socket", "idle sockets"),
        (
            not_drawn.closed,
            "connection whose other end has closed",
            "connections whose other end has closed",
        ),
        (
            not_drawn.unheld,
            "connection with no known end",
            "connections with no known end",
        ),
        (
            not_drawn.pipes,
            "pipe with one end or one process",
            "pipes with one end or one process",
        ),
        (
            not_drawn.crowded,
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
