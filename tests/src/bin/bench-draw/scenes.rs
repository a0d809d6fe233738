//! Generated graphs, with boxes of the size of process names.

use whotalks::layout::{Edge, Graph, Size};

/// Processes around a few hubs, as on a desktop: each is connected to one hub, every second to
/// another one, some to each other; one in 25 is a hub.
pub(crate) fn hubs(nodes: usize, seed: u64) -> Graph {
    let mut below = random(seed);
    let hubs = (nodes / 25).max(2);
    let mut edges = Vec::new();
    for hub in 1..hubs {
        join(&mut edges, hub, below(hub));
    }
    for v in hubs..nodes {
        // The smaller of two draws: some hubs are larger than others.
        join(&mut edges, v, below(hubs).min(below(hubs)));
        if below(2) == 0 {
            join(&mut edges, v, below(hubs));
        }
        if below(5) == 0 {
            join(&mut edges, v, below(nodes));
        }
    }
    sized(nodes, edges, below)
}

/// Random numbers below a limit, by xorshift64*.
fn random(seed: u64) -> impl FnMut(usize) -> usize {
    let mut state = seed.wrapping_mul(0x2545_f491_4f6c_dd1d) | 1;
    move |n: usize| {
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        ((state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % n.max(1) as u64) as usize
    }
}

/// Adds an edge, unless it exists or is a self-loop.
fn join(edges: &mut Vec<Edge>, a: usize, b: usize) {
    let (a, b) = (a.min(b) as u32, a.max(b) as u32);
    if a != b && !edges.contains(&Edge { a, b }) {
        edges.push(Edge { a, b });
    }
}

/// A graph with boxes of the width of process names.
fn sized(nodes: usize, edges: Vec<Edge>, mut below: impl FnMut(usize) -> usize) -> Graph {
    let sizes = (0..nodes)
        .map(|_| Size {
            w: 50.0 + below(70) as f64,
            h: 22.0,
        })
        .collect();
    Graph { sizes, edges }
}

/// Services in tiers, as behind a load balancer: each process of a tier connects to a few of the next
/// one, and those of the first tier to one hub.
pub(crate) fn tiers(nodes: usize, seed: u64) -> Graph {
    let mut below = random(seed);
    let tier = |v: usize| v * 4 / nodes.max(1);
    let mut edges = Vec::new();
    for v in 0..nodes {
        let later: Vec<usize> = (v + 1..nodes).filter(|&u| tier(u) == tier(v) + 1).collect();
        // Many connect to few.
        let called = (later.len() / 6).max(1);
        for _ in 0..1 + below(2) {
            if let Some(&u) = later.get(below(called)) {
                join(&mut edges, v, u);
            }
        }
        if tier(v) == 0 && v > 0 {
            join(&mut edges, 0, v);
        }
    }
    sized(nodes, edges, below)
}

/// Groups of processes connected among themselves, with few connections between groups.
pub(crate) fn groups(nodes: usize, seed: u64) -> Graph {
    const FAMILY: usize = 12;
    let mut below = random(seed);
    let mut edges = Vec::new();
    for v in 1..nodes {
        let first = v - v % FAMILY;
        match v - first {
            0 => join(&mut edges, v, FAMILY * below(v / FAMILY)),
            _ => join(&mut edges, v, first + below(v - first)),
        }
        if below(3) == 0 {
            join(&mut edges, v, (first + below(FAMILY)).min(nodes - 1));
        }
        if below(10) == 0 {
            join(&mut edges, v, below(nodes));
        }
    }
    sized(nodes, edges, below)
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

/// A tree whose inner nodes are in the first sixteenth.
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

/// Unconnected processes.
pub(crate) fn singles(nodes: usize) -> Graph {
    Graph {
        edges: Vec::new(),
        ..star(nodes)
    }
}
