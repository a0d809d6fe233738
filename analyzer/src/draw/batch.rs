//! Very many edges as few paths. One element each would be most of the file, and more than a browser
//! shows at a bearable speed.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::Options;
use super::picture::{EdgeKind, Kind};
use super::route::Way;
use super::scene::{Joined, Scene};
use super::shapes::{coarse, dots, heads, num, relative};
use crate::layout::Point;

/// Up to so many, and wherever something was left out, every edge is an element of its own.
pub(super) const MOST_SINGLE: usize = 5_000;
/// Programs that show SVG repaint a path as a whole.
const MOST_IN_PATH: usize = 2_000;

/// Whether the edges of a picture are drawn together.
pub(super) fn wanted(options: &Options, edges: usize) -> bool {
    options.all && edges > MOST_SINGLE
}

/// Writes edges by class and thickness, then what stands on their ends. `style` says both.
pub(super) fn write(out: &mut String, scene: &Scene, style: impl Fn(&Joined) -> (String, f64)) {
    let mut alike: BTreeMap<(bool, String, String), Vec<&Joined>> = BTreeMap::new();
    let mut circles: BTreeMap<(bool, &str), Vec<Point>> = BTreeMap::new();
    let mut arrows: BTreeMap<bool, Vec<(Point, f64)>> = BTreeMap::new();
    for edge in &scene.edges {
        let (class, thick) = style(edge);
        // What is pale comes first and lies below.
        let strong = !edge.is_pale();
        let key = (strong, class, num(thick));
        alike.entry(key).or_default().push(edge);
        for mark in &edge.drawn.marks {
            match mark.turn {
                None => circles
                    .entry((strong, mark.glyph))
                    .or_default()
                    .push(mark.at),
                Some(turn) => arrows.entry(strong).or_default().push((mark.at, turn)),
            }
        }
    }
    for ((_, class, thick), edges) in &mut alike {
        // What ends at one socket is together.
        edges.sort_by_key(|edge| star(scene, edge));
        for edges in edges.chunks(MOST_IN_PATH) {
            let n: u64 = edges.iter().map(|edge| u64::from(edge.n)).sum();
            let lines = edges.len();
            let _ = write!(
                out,
                "<g class=\"batch {class}\" data-edges=\"{lines}\" data-n=\"{n}\">\
                 <title>{n} in {lines} lines</title><path stroke-width=\"{thick}\" d=\""
            );
            write_lines(out, scene, edges);
            out.push_str("\"/></g>\n");
        }
    }
    for (at, ((strong, glyph), points)) in circles.iter().enumerate() {
        for (part, points) in points.chunks(MOST_IN_PATH).enumerate() {
            dots(out, (glyph, !strong), &format!("wt-b{at}-{part}"), points);
        }
    }
    for (strong, arrows) in &arrows {
        for arrows in arrows.chunks(MOST_IN_PATH) {
            heads(out, !strong, arrows);
        }
    }
}

/// The socket's node that an edge joins to its holder by a straight line.
fn star(scene: &Scene, edge: &Joined) -> Option<usize> {
    let straight = matches!(edge.drawn.line, Way::Straight(..));
    let star = edge.kind == EdgeKind::Holds && scene.nodes[edge.b].kind == Kind::Socket;
    (straight && star).then_some(edge.b)
}

/// The data of a path. A line between two holders of a socket goes through its middle, which its circle
/// covers.
fn write_lines(out: &mut String, scene: &Scene, mut edges: &[&Joined]) {
    while let [first, rest @ ..] = edges {
        edges = rest;
        let way = &first.drawn.line;
        if let (Some(socket), Way::Straight(from, _), [second, others @ ..]) =
            (star(scene, first), way, rest)
            && let Way::Straight(to, _) = second.drawn.line
            && star(scene, second) == Some(socket)
        {
            out.push_str(&relative('l', 1, &[*from, scene.nodes[socket].at, to]));
            edges = others;
        } else {
            out.push_str(&coarse(way));
        }
    }
}
