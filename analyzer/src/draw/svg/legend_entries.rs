//! The entries of the legend: signs and their meaning, of those that are in the picture.

use crate::check::Severity;
use crate::draw::graph::{EdgeKind, Kind};
use crate::draw::scene::{Scene, SceneEdge, SceneNode};

/// How a sign is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sign {
    /// A node's outline: classes, text in it.
    Node(&'static str, &'static str),
    /// Text in the colour of findings.
    Warning(&'static str),
    /// A glyph of this id.
    Glyph(&'static str),
    /// An edge of this class.
    Edge(&'static str),
}

/// The signs that are in the picture, with their meaning.
pub(super) fn entries(scene: &Scene) -> Vec<(Sign, &'static str)> {
    let mut entries = all(scene).to_vec();
    entries.retain(|(sign, _)| is_present(scene, *sign));
    entries
}

/// All signs, in order.
fn all(scene: &Scene) -> [(Sign, &'static str); 30] {
    use Sign::{Edge, Glyph, Node, Warning};
    let process = match scene.grouped {
        true => "processes as one (×: how many)",
        false => "process (name, pid)",
    };
    let is_held = |hub: &usize| scene.nodes[*hub].kind != Kind::Process;
    let badge = match scene.hubs.iter().any(is_held) {
        true => "talks to hub A, or holds it",
        false => "talks to hub A",
    };
    let other_node = "in another number, or others in its place";
    let medium = "medium finding (whotalks explain CODE)";
    [
        (Node("process", ""), process),
        (Node("process unread", ""), "process not read"),
        (Node("process group", "×3"), "several as one"),
        (Node("listener", "/name"), "listening socket"),
        (Glyph("socket"), "connected socket"),
        (Glyph("server"), "server's end, reached by a name"),
        (Glyph("net"), "socket that is not Unix-domain"),
        (Node("socket", "4"), "socket shared by so many processes"),
        (Node("outside", ""), "outside of what was captured"),
        (Edge("unix"), "connection (×: how many)"),
        (Edge("net"), "connection, not Unix-domain"),
        (Edge("pending"), "waits to be accepted"),
        (Edge("pipe"), "pipe"),
        (Edge("holds"), "holds"),
        (Edge("holds star"), "holds a shared socket"),
        (Glyph("unknown"), "peer not known"),
        (Glyph("own"), "connected to itself"),
        (Node("badge", "A"), badge),
        (Node("process added", "+"), "new"),
        (Node("process removed", "−"), "gone"),
        (Node("process changed", "±"), other_node),
        (Edge("unix added"), "new"),
        (Edge("unix removed"), "gone"),
        (Edge("unix changed"), "in another number"),
        (Node("process stayed", ""), "as it was"),
        (Edge("unix stayed"), "as it was"),
        (
            Node("process finding high", ""),
            "high finding (whotalks explain CODE)",
        ),
        (Node("process finding medium", ""), medium),
        (Warning("WT…"), "low finding (whotalks explain CODE)"),
        (Edge("high"), "what it is about"),
    ]
}

/// Whether nodes or edges of the picture have a sign.
fn is_present(scene: &Scene, sign: Sign) -> bool {
    let kind = |kind: Kind| scene.nodes.iter().any(|node| node.kind == kind);
    let class = |class: &str| scene.nodes.iter().any(|node| node.classes.contains(&class));
    let edge = |predicate: &dyn Fn(&SceneEdge) -> bool| scene.edges.iter().any(predicate);
    let edge_kind = |kind: EdgeKind| edge(&|edge| edge.kind == kind);
    match sign {
        Sign::Node("process", _) => true,
        Sign::Node("listener", _) => kind(Kind::Listener),
        Sign::Node("socket", _) | Sign::Edge("holds star") => kind(Kind::Socket),
        Sign::Node("outside", _) => kind(Kind::Outside),
        Sign::Node("badge", _) => {
            let has_badge = |node: &SceneNode| !node.shape.hub_badges.is_empty();
            scene.nodes.iter().any(has_badge)
        }
        Sign::Node(classes, _) => class(last_word(classes)),
        Sign::Warning(_) => class("low"),
        Sign::Glyph(glyph) => {
            let contains = |node: &SceneNode| node.shape.glyphs.iter().any(|g| g.glyph == glyph);
            let at_end = |edge: &SceneEdge| edge.drawn.markers.iter().any(|m| m.glyph == glyph);
            scene.nodes.iter().any(contains) || edge(&at_end)
        }
        Sign::Edge("unix") => edge_kind(EdgeKind::Unix),
        Sign::Edge("net") => edge_kind(EdgeKind::Net),
        Sign::Edge("pending") => edge_kind(EdgeKind::Pending),
        Sign::Edge("pipe") => edge_kind(EdgeKind::Pipe),
        // An attached listener is on its process's card, without a line.
        Sign::Edge("holds") => edge(&|edge| {
            let is_attached = scene.nodes[edge.b].classes.contains(&"docked");
            edge.kind == EdgeKind::Holds && !is_attached
        }),
        Sign::Edge("high") => edge(&|edge| edge.finding > Some(Severity::Low)),
        Sign::Edge(classes) => edge(&|edge| edge.change == Some(last_word(classes))),
    }
}

fn last_word(classes: &str) -> &str {
    classes.rsplit(' ').next().unwrap_or(classes)
}
