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

/// Whether a sign is in the picture, the sign, and its meaning.
type Candidate = (bool, Sign, &'static str);

/// The signs that are in the picture, with their meaning.
pub(super) fn entries(scene: &Scene) -> Vec<(Sign, &'static str)> {
    let contents = Contents(scene);
    let candidates = [
        processes(&contents).to_vec(),
        sockets(&contents).to_vec(),
        edges(&contents).to_vec(),
        badges(&contents).to_vec(),
        changes(&contents).to_vec(),
        findings(&contents).to_vec(),
    ];
    candidates
        .concat()
        .into_iter()
        .filter(|(is_present, _, _)| *is_present)
        .map(|(_, sign, text)| (sign, text))
        .collect()
}

/// What is in the picture.
struct Contents<'a>(&'a Scene);

impl Contents<'_> {
    fn any_node(&self, predicate: impl Fn(&SceneNode) -> bool) -> bool {
        self.0.nodes.iter().any(predicate)
    }

    fn any_edge(&self, predicate: impl Fn(&SceneEdge) -> bool) -> bool {
        self.0.edges.iter().any(predicate)
    }

    fn has_kind(&self, kind: Kind) -> bool {
        self.any_node(|node| node.kind == kind)
    }

    fn has_class(&self, class: &str) -> bool {
        self.any_node(|node| node.classes.contains(&class))
    }

    fn has_inner_glyph(&self, glyph: &str) -> bool {
        self.any_node(|node| node.shape.glyphs.iter().any(|inner| inner.glyph == glyph))
    }

    fn has_glyph(&self, glyph: &str) -> bool {
        let is_marked = |edge: &SceneEdge| edge.drawn.markers.iter().any(|m| m.glyph == glyph);
        self.has_inner_glyph(glyph) || self.any_edge(is_marked)
    }

    fn has_edge_kind(&self, kind: EdgeKind) -> bool {
        self.any_edge(|edge| edge.kind == kind)
    }

    fn has_changed_edge(&self, class: &str) -> bool {
        self.any_edge(|edge| edge.change == Some(class))
    }
}

fn processes(contents: &Contents<'_>) -> [Candidate; 5] {
    let grouped = contents.0.grouped;
    [
        (!grouped, Sign::Node("process", ""), "process (name, pid)"),
        (
            grouped,
            Sign::Node("process", ""),
            "processes as one (×: how many)",
        ),
        (
            contents.has_class("unread"),
            Sign::Node("process unread", ""),
            "process not read",
        ),
        (
            contents.has_class("group"),
            Sign::Node("process group", "×3"),
            "several as one",
        ),
        (
            contents.has_kind(Kind::Listener),
            Sign::Node("listener", "/name"),
            "listening socket",
        ),
    ]
}

fn sockets(contents: &Contents<'_>) -> [Candidate; 5] {
    [
        (
            contents.has_glyph("socket"),
            Sign::Glyph("socket"),
            "connected socket",
        ),
        (
            contents.has_glyph("server"),
            Sign::Glyph("server"),
            "server's end, reached by a name",
        ),
        (
            contents.has_glyph("net"),
            Sign::Glyph("net"),
            "socket that is not Unix-domain",
        ),
        (
            contents.has_kind(Kind::Socket),
            Sign::Node("socket", "4"),
            "socket shared by so many processes",
        ),
        (
            contents.has_kind(Kind::Outside),
            Sign::Node("outside", ""),
            "outside of what was captured",
        ),
    ]
}

fn edges(contents: &Contents<'_>) -> [Candidate; 6] {
    // An attached listener is on its process's card, without a line.
    let has_held = contents.any_edge(|edge| {
        let held = &contents.0.nodes[edge.b];
        edge.kind == EdgeKind::Holds && !held.classes.contains(&"docked")
    });
    [
        (
            contents.has_edge_kind(EdgeKind::Unix),
            Sign::Edge("unix"),
            "connection (×: how many)",
        ),
        (
            contents.has_edge_kind(EdgeKind::Net),
            Sign::Edge("net"),
            "connection, not Unix-domain",
        ),
        (
            contents.has_edge_kind(EdgeKind::Pending),
            Sign::Edge("pending"),
            "waits to be accepted",
        ),
        (
            contents.has_edge_kind(EdgeKind::Pipe),
            Sign::Edge("pipe"),
            "pipe",
        ),
        (has_held, Sign::Edge("holds"), "holds"),
        (
            contents.has_kind(Kind::Socket),
            Sign::Edge("holds star"),
            "holds a shared socket",
        ),
    ]
}

fn badges(contents: &Contents<'_>) -> [Candidate; 3] {
    let scene = contents.0;
    let is_held = |hub: &usize| scene.nodes[*hub].kind != Kind::Process;
    let hub_badge = match scene.hubs.iter().any(is_held) {
        true => "talks to hub A, or holds it",
        false => "talks to hub A",
    };
    [
        (
            contents.has_inner_glyph("unknown"),
            Sign::Glyph("unknown"),
            "peer not known",
        ),
        (
            contents.has_inner_glyph("own"),
            Sign::Glyph("own"),
            "connected to itself",
        ),
        (
            contents.any_node(|node| !node.shape.hub_badges.is_empty()),
            Sign::Node("badge", "A"),
            hub_badge,
        ),
    ]
}

fn changes(contents: &Contents<'_>) -> [Candidate; 8] {
    [
        (
            contents.has_class("added"),
            Sign::Node("process added", "+"),
            "new",
        ),
        (
            contents.has_class("removed"),
            Sign::Node("process removed", "−"),
            "gone",
        ),
        (
            contents.has_class("changed"),
            Sign::Node("process changed", "±"),
            "in another number, or others in its place",
        ),
        (
            contents.has_changed_edge("added"),
            Sign::Edge("unix added"),
            "new",
        ),
        (
            contents.has_changed_edge("removed"),
            Sign::Edge("unix removed"),
            "gone",
        ),
        (
            contents.has_changed_edge("changed"),
            Sign::Edge("unix changed"),
            "in another number",
        ),
        (
            contents.has_class("stayed"),
            Sign::Node("process stayed", ""),
            "as it was",
        ),
        (
            contents.has_changed_edge("stayed"),
            Sign::Edge("unix stayed"),
            "as it was",
        ),
    ]
}

fn findings(contents: &Contents<'_>) -> [Candidate; 4] {
    [
        (
            contents.has_class("high"),
            Sign::Node("process finding high", ""),
            "high finding (whotalks explain CODE)",
        ),
        (
            contents.has_class("medium"),
            Sign::Node("process finding medium", ""),
            "medium finding (whotalks explain CODE)",
        ),
        (
            contents.has_class("low"),
            Sign::Warning("WT…"),
            "low finding (whotalks explain CODE)",
        ),
        (
            contents.any_edge(|edge| edge.finding > Some(Severity::Low)),
            Sign::Edge("high"),
            "what it is about",
        ),
    ]
}
