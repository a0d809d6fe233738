//! Generated graphs of processes, with boxes like those that names make.

use whotalks::layout::{Edge, Graph, Size};

/// Processes around a few hubs, as on a desktop: each is joined to one hub, every second
/// to another one, some to each other; a hub in 25.
pub(crate) fn hubs(nodes: usize, seed: u64) -> Graph {
    let mut state = seed.wrapping_mul(0x2545_f491_4f6c_dd1d) | 1;
    let mut below = move |n: usize| {
        // xorshift64*
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        ((state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % n.max(1) as u64) as usize
    };
    let hubs = (nodes / 25).max(2);
    let mut edges = Vec::new();
    let mut join = |a: usize, b: usize| {
        let (a, b) = (a.min(b) as u32, a.max(b) as u32);
        if a != b && !edges.contains(&Edge { a, b }) {
            edges.push(Edge { a, b });
        }
    };
    for hub in 1..hubs {
        join(hub, below(hub));
    }
    for v in hubs..nodes {
        // The smaller of two draws: some hubs are larger than others.
        join(v, below(hubs).min(below(hubs)));
        if below(2) == 0 {
            join(v, below(hubs));
        }
        if below(5) == 0 {
            join(v, below(nodes));
        }
    }
    let sizes = (0..nodes)
        .map(|_| Size {
            w: 50.0 + below(70) as f64,
            h: 22.0,
        })
        .collect();
    Graph { sizes, edges }
}

/// One hub and its spokes.
pub(crate) fn star(nodes: usize) -> Graph {
    let sizes = (0..nodes)
        .map(|i| Size {
            w: 50.0 + (i * 31 % 70) as f64,
            h: 22.0,
        })
        .collect();
    Graph {
        sizes,
        edges: (1..nodes as u32).map(|b| Edge { a: 0, b }).collect(),
    }
}

/// Most nodes hang on the first sixteenth of them.
pub(crate) fn tree(nodes: usize, seed: u64) -> Graph {
    let mut state = seed;
    let mut graph = star(nodes);
    for edge in &mut graph.edges {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        edge.a = ((state >> 33) % u64::from(edge.b).min(1 + nodes as u64 / 16)) as u32;
    }
    graph
}

/// Processes that talk to nobody.
pub(crate) fn singles(nodes: usize) -> Graph {
    Graph {
        edges: Vec::new(),
        ..star(nodes)
    }
}
