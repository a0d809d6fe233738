//! Sentences about what the picture does not show.

use crate::draw::graph::{Kind, Node};
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
        let is_group = |node: &&Node| node.kind == kind && node.members > 1;
        let groups = scene.graph.nodes.iter().filter(is_group);
        let members: usize = groups.clone().map(|node| node.members).sum();
        if members > 0 {
            parts.push(format!("{members} {word} in {}", groups.count()));
        }
    }
    if !parts.is_empty() {
        let by = scene.graph.merged_by;
        let by = by.map_or(String::new(), |by| format!(", merged by {by} to fit"));
        notes.push(format!("Drawn as groups: {}{by}.", parts.join("; ")));
    }
    let not_drawn = scene.graph.not_drawn;
    let mut parts = Vec::new();
    for (n, one, rest) in [
        (not_drawn.idle, "idle socket", ""),
        (
            not_drawn.closed,
            "connection",
            " whose other end has closed",
        ),
        (not_drawn.unheld, "connection", " with no known end"),
        (not_drawn.pipes, "pipe", " with one end or one process"),
        (
            not_drawn.crowded,
            "conversation",
            " of very many with very many",
        ),
        (not_drawn.logs, "conversation", " with loggers (--logs)"),
    ] {
        match n {
            0 => {}
            1 => parts.push(format!("1 {one}{rest}")),
            n => parts.push(format!("{n} {one}s{rest}")),
        }
    }
    if !parts.is_empty() {
        notes.push(format!("Not drawn: {}.", parts.join(", ")));
    }
    notes
}
