//! What every drawing must hold, and what well-known graphs must look like.
#![allow(clippy::unwrap_used)] // A test may stop where it stands.

use super::metrics::{Quality, measure};
use super::rng::Rng;
use super::*;

fn size(rng: &mut Rng) -> Size {
    Size {
        w: 30.0 + 90.0 * rng.unit(),
        h: 18.0 + 6.0 * rng.unit(),
    }
}

fn graph(nodes: usize, edges: impl IntoIterator<Item = (usize, usize)>) -> Graph {
    let mut rng = Rng::new(99);
    let edge = |(a, b): (usize, usize)| Edge {
        a: a as u32,
        b: b as u32,
    };
    Graph {
        sizes: (0..nodes).map(|_| size(&mut rng)).collect(),
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

fn drawn(name: &str, graph: &Graph) -> (Positions, Quality) {
    let begin = std::time::Instant::now();
    let positions = stress(graph, &Options::default());
    let took = begin.elapsed();
    let quality = measure(graph, &positions.centers);
    println!(
        "{name}: {took:.1?} {:.0}×{:.0} {quality:?}",
        positions.width, positions.height
    );
    assert_eq!(quality.overlaps, 0, "{name}");
    assert_eq!(positions.centers.len(), graph.sizes.len());
    for (center, size) in positions.centers.iter().zip(&graph.sizes) {
        let size = sane(*size);
        assert!(
            center.x - size.w / 2.0 >= 19.9 && center.x + size.w / 2.0 <= positions.width - 19.9,
            "{name}"
        );
        assert!(
            center.y - size.h / 2.0 >= 19.9 && center.y + size.h / 2.0 <= positions.height - 19.9,
            "{name}"
        );
    }
    (positions, quality)
}

#[test]
fn no_two_boxes_overlap() {
    for (seed, (nodes, edges)) in [(3, 3), (10, 9), (60, 90), (150, 90), (400, 700)]
        .into_iter()
        .enumerate()
    {
        drawn(
            &format!("random {nodes}/{edges}"),
            &random(nodes, edges, seed as u64),
        );
    }
}

#[test]
fn nothing_and_nearly_nothing() {
    let (empty, _) = drawn("empty", &graph(0, []));
    assert_eq!((empty.width, empty.height), (40.0, 40.0));
    drawn("one", &graph(1, []));
    drawn("two", &graph(2, [(0, 1)]));
    let (_, quality) = drawn("singles", &graph(10_000, []));
    assert!(quality.aspect > 0.5 && quality.ink > 0.4, "{quality:?}");
}

#[test]
fn hostile_input_is_drawn_like_the_rest() {
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
    let positions = stress(&hostile, &Options::default());
    assert!(
        positions
            .centers
            .iter()
            .all(|p| p.x.is_finite() && p.y.is_finite())
    );
    assert!(positions.width.is_finite() && positions.height.is_finite());
    hostile
        .sizes
        .iter_mut()
        .for_each(|size| *size = sane(*size));
    assert_eq!(measure(&hostile, &positions.centers).overlaps, 0);
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
    // Loops and repeats say nothing new.
    let mut noisy = input.clone();
    noisy
        .edges
        .extend(input.edges.iter().map(|e| Edge { a: e.b, b: e.a }));
    noisy.edges.push(Edge { a: 7, b: 7 });
    noisy.edges.reverse();
    assert_eq!(stress(&noisy, &Options::default()), first);
}

#[test]
fn a_path_is_drawn_as_a_line_without_crossings() {
    let (_, quality) = drawn("path", &graph(40, (0..39).map(|i| (i, i + 1))));
    assert_eq!(quality.crossings, 0);
    assert!(quality.stress < 0.02, "{quality:?}");
}

#[test]
fn a_grid_is_drawn_as_a_grid() {
    let at = |x: usize, y: usize| 15 * y + x;
    let right = (0..15).flat_map(|y| (0..14).map(move |x| (at(x, y), at(x + 1, y))));
    let down = (0..14).flat_map(|y| (0..15).map(move |x| (at(x, y), at(x, y + 1))));
    let (_, quality) = drawn("grid", &graph(225, right.chain(down)));
    assert!(quality.crossings <= 4, "{quality:?}");
    assert!(quality.stress < 0.05, "{quality:?}");
}

#[test]
fn a_hub_with_2000_spokes_is_round() {
    let (positions, quality) = drawn("hub", &graph(2_001, (1..2_001).map(|i| (0, i))));
    assert_eq!(quality.crossings, 0);
    assert!(quality.canvas_use > 0.6, "{quality:?}");
    let (width, height) = (positions.width, positions.height);
    assert!((0.55..1.8).contains(&(width / height)), "{width}×{height}");
    let hub = positions.centers[0];
    assert!(
        (hub.x / width - 0.5).abs() < 0.1 && (hub.y / height - 0.5).abs() < 0.1,
        "{hub:?}"
    );
}

#[test]
fn many_components_fill_the_canvas() {
    let mut edges = Vec::new();
    let mut nodes = 0;
    for size in (2..40).chain([3; 50]).chain([120]) {
        edges.extend((1..size).map(|i| (nodes + i / 3, nodes + i)));
        nodes += size;
    }
    let (_, quality) = drawn("components", &graph(nodes, edges));
    assert!(
        quality.aspect > 0.5 && quality.canvas_use > 0.55,
        "{quality:?}"
    );
}

#[test]
fn large_graphs_take_the_sparse_way() {
    let mut rng = Rng::new(4);
    let nodes = 5_000;
    let edges: Vec<_> = (1..nodes).map(|i| (rng.below(i.min(300)), i)).collect();
    drawn("large", &graph(nodes, edges));
}
