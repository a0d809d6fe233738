//! Minimum quality of the stress layout on graphs whose good drawings are known.

use super::quality::{Quality, measure};
use whotalks::layout::{Edge, Graph, Options, Positions, Size, stress};

fn graph(nodes: usize, edges: impl IntoIterator<Item = (usize, usize)>) -> Graph {
    // SplitMix64, uniform in [0, 1).
    let mut state = 99u64;
    let mut unit = || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    };
    let sizes = (0..nodes)
        .map(|_| Size {
            w: 30.0 + 90.0 * unit(),
            h: 18.0 + 6.0 * unit(),
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

fn drawn(graph: &Graph) -> (Positions, Quality) {
    let positions = stress(graph, &Options::default());
    let quality = measure(graph, &positions.centers);
    println!("{:.0}×{:.0} {quality:?}", positions.width, positions.height);
    assert_eq!(quality.overlaps, 0);
    (positions, quality)
}

#[test]
fn a_path_is_drawn_as_a_line_without_crossings() {
    let (_, quality) = drawn(&graph(40, (0..39).map(|i| (i, i + 1))));
    assert_eq!(quality.crossings, 0);
    assert!(quality.stress < 0.02, "{quality:?}");
}

#[test]
fn a_grid_is_drawn_as_a_grid() {
    let node = |x: usize, y: usize| 15 * y + x;
    let right = (0..15).flat_map(|y| (0..14).map(move |x| (node(x, y), node(x + 1, y))));
    let down = (0..14).flat_map(|y| (0..15).map(move |x| (node(x, y), node(x, y + 1))));
    let (_, quality) = drawn(&graph(225, right.chain(down)));
    assert!(quality.crossings <= 4, "{quality:?}");
    assert!(quality.stress < 0.05, "{quality:?}");
}

#[test]
fn a_hub_with_2000_spokes_is_round() {
    let (positions, quality) = drawn(&graph(2_001, (1..2_001).map(|i| (0, i))));
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
    let (_, quality) = drawn(&graph(nodes, edges));
    assert!(
        quality.aspect > 0.5 && quality.canvas_use > 0.55,
        "{quality:?}"
    );
}

#[test]
fn single_boxes_fill_the_canvas() {
    let (_, quality) = drawn(&graph(10_000, []));
    assert!(quality.aspect > 0.5 && quality.ink > 0.4, "{quality:?}");
}
