//! Invariants of the stress layout. The benchmark `bench-draw` tests its quality.
#![allow(clippy::unwrap_used)] // A test fails by panicking.

use super::boxes::Boxes;
use super::intersect::crossings;
use super::overlap::overlapping;
use super::rng::Rng;
use super::*;

fn graph(nodes: usize, edges: impl IntoIterator<Item = (usize, usize)>) -> Graph {
    let mut rng = Rng::new(99);
    let sizes = (0..nodes)
        .map(|_| Size {
            w: 30.0 + 90.0 * rng.unit(),
            h: 18.0 + 6.0 * rng.unit(),
        })
        .collect();
    let edge = |(a, b): (usize, usize)| Edge {
        a: a as u32,
        b: b as u32,
    };
    Graph {
        sizes,
        edges: edges.into_iter().map(edge).collect(),
    }
}

fn random(nodes: usize, edges: usize, seed: u64) -> Graph {
    let mut rng = Rng::new(seed);
    let pairs: Vec<_> = (0..edges)
        .map(|_| (rng.below(nodes), rng.below(nodes)))
        .collect();
    graph(nodes, pairs)
}

/// The boxes without gaps, as laid out.
fn boxes(graph: &Graph, positions: &Positions) -> Boxes {
    let nodes: Vec<u32> = (0..graph.sizes.len() as u32).collect();
    let sizes: Vec<Size> = graph.sizes.iter().map(|size| size.clamped()).collect();
    let mut boxes = Boxes::at_origin(&nodes, &sizes, 0.0);
    boxes.x = positions.centers.iter().map(|center| center.x).collect();
    boxes.y = positions.centers.iter().map(|center| center.y).collect();
    boxes
}

/// Lays out a graph; every box must lie within the margins, and no two may overlap.
fn laid_out(name: &str, graph: &Graph) -> Positions {
    let positions = stress(graph, &Options::default());
    assert_eq!(positions.centers.len(), graph.sizes.len());
    let boxes = boxes(graph, &positions);
    assert!(overlapping(&boxes).is_empty(), "{name}");
    if boxes.len() > 0 {
        let [left, top, right, bottom] = boxes.bounds();
        assert!(left >= 19.9 && right <= positions.width - 19.9, "{name}");
        assert!(top >= 19.9 && bottom <= positions.height - 19.9, "{name}");
    }
    positions
}

#[test]
fn no_two_boxes_overlap() {
    for (seed, (nodes, edges)) in [(3, 3), (10, 9), (60, 90), (150, 90), (400, 700)]
        .into_iter()
        .enumerate()
    {
        laid_out(
            &format!("random {nodes}/{edges}"),
            &random(nodes, edges, seed as u64),
        );
    }
}

#[test]
fn tiny_graphs_and_single_boxes() {
    let empty = laid_out("empty", &graph(0, []));
    assert_eq!((empty.width, empty.height), (40.0, 40.0));
    laid_out("one", &graph(1, []));
    laid_out("two", &graph(2, [(0, 1)]));
    laid_out("singles", &graph(10_000, []));
}

#[test]
fn invalid_sizes_and_edges_are_tolerated() {
    let mut hostile = graph(30, (0..29).map(|i| (i, i + 1)));
    let bad = [f64::NAN, f64::INFINITY, -5.0, 0.0, 1e300, f64::MIN_POSITIVE];
    for (i, value) in bad.into_iter().enumerate() {
        hostile.sizes[2 * i] = Size { w: value, h: 20.0 };
        hostile.sizes[2 * i + 1] = Size { w: 50.0, h: value };
    }
    hostile.edges.extend([
        Edge { a: 3, b: 3 },
        Edge { a: 0, b: u32::MAX },
        Edge { a: 1, b: 0 },
    ]);
    let positions = laid_out("hostile", &hostile);
    assert!(
        positions
            .centers
            .iter()
            .all(|center| center.x.is_finite() && center.y.is_finite())
    );
    assert!(positions.width.is_finite() && positions.height.is_finite());
}

#[test]
fn the_same_input_gives_the_same_bits() {
    let input = random(300, 420, 8);
    let first = stress(&input, &Options::default());
    assert_eq!(stress(&input, &Options::default()), first);
    let other = Options {
        seed: 2,
        ..Options::default()
    };
    assert_ne!(stress(&input, &other), first);
    // Self-loops and repeated edges have no influence.
    let mut noisy = input.clone();
    noisy
        .edges
        .extend(input.edges.iter().map(|e| Edge { a: e.b, b: e.a }));
    noisy.edges.push(Edge { a: 7, b: 7 });
    noisy.edges.reverse();
    assert_eq!(stress(&noisy, &Options::default()), first);
}

#[test]
fn paths_and_stars_have_no_crossings() {
    let path = graph(40, (0..39).map(|i| (i, i + 1)));
    let star = graph(2_001, (1..2_001).map(|i| (0, i)));
    for (name, graph) in [("path", path), ("star", star)] {
        let positions = laid_out(name, &graph);
        let adjacency = Adjacency::new(graph.sizes.len(), &graph.edges);
        assert_eq!(crossings(&adjacency, &boxes(&graph, &positions)), 0);
    }
}

#[test]
fn large_graphs_use_sparse_stress() {
    let mut rng = Rng::new(4);
    let nodes = 5_000;
    let edges: Vec<_> = (1..nodes).map(|i| (rng.below(i.min(300)), i)).collect();
    laid_out("large", &graph(nodes, edges));
}
