//! Compares the layout with Graphviz on the same generated graphs and boxes.
//!
//! `bench-draw [KIND:]NODES…` prints a table: stress, neighbourhoods, crossings, edges
//! under boxes, overlaps, aspect, canvas, ink and time of this program, `neato` and `sfdp`
//! (which must be installed). KIND is `hubs` (if none is given), `tree` or `star`.
//! Graphviz's time is that of its whole process, ours that of the layout alone.

use anyhow::{Context as _, Result, bail};
use std::fmt::Write as _;
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use whotalks::layout::metrics::{Quality, measure};
use whotalks::layout::{Edge, Graph, Options, Point, Size, stress};

fn main() -> Result<()> {
    let mut wanted: Vec<String> = std::env::args().skip(1).collect();
    if wanted.is_empty() {
        wanted = ["100", "200", "400", "1000"].map(str::to_owned).to_vec();
    }
    println!(
        "{:<20}{:<10}{:>8}{:>8}{:>10}{:>8}{:>6}{:>8}{:>8}{:>7}{:>10}",
        "graph",
        "by",
        "stress",
        "neighb",
        "crossings",
        "under",
        "over",
        "aspect",
        "canvas",
        "ink",
        "ms"
    );
    for argument in wanted {
        let (kind, count) = argument.split_once(':').unwrap_or(("hubs", &argument));
        let nodes: usize = count
            .parse()
            .with_context(|| format!("not a number of nodes: {argument}"))?;
        for seed in 1..=SEEDS {
            let graph = match kind {
                "hubs" => hubs(nodes, seed),
                "tree" => tree(nodes, seed),
                "star" => star(nodes),
                _ => bail!("not a kind of graph: {kind}"),
            };
            compare(
                &format!("{kind} {nodes}/{} #{seed}", graph.edges.len()),
                &graph,
            )?;
        }
    }
    Ok(())
}

fn compare(name: &str, graph: &Graph) -> Result<()> {
    let begin = Instant::now();
    let ours = stress(graph, &Options::default());
    let took = begin.elapsed();
    print(name, "whotalks", &measure(graph, &ours.centers), took);
    // neato takes minutes above.
    let tools: &[&str] = if graph.sizes.len() > 4_000 {
        &["sfdp"]
    } else {
        &["neato", "sfdp"]
    };
    for tool in tools {
        let (centers, took) = graphviz(tool, graph)?;
        print(name, tool, &measure(graph, &centers), took);
    }
    Ok(())
}

/// Graphs of each size.
const SEEDS: u64 = 3;

fn print(graph: &str, by: &str, q: &Quality, took: Duration) {
    println!(
        "{graph:<20}{by:<10}{:>8.4}{:>8.3}{:>10}{:>8}{:>6}{:>8.2}{:>8.2}{:>7.3}{:>10.1}",
        q.stress,
        q.neighbourhood,
        q.crossings,
        q.under_boxes,
        q.overlaps,
        q.aspect,
        q.canvas_use,
        q.ink,
        took.as_secs_f64() * 1e3
    );
}

/// Processes around a few hubs, as on a desktop: each is joined to one hub, every second
/// to another one, some to each other; a hub in 25.
fn hubs(nodes: usize, seed: u64) -> Graph {
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
fn star(nodes: usize) -> Graph {
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
fn tree(nodes: usize, seed: u64) -> Graph {
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

fn graphviz(tool: &str, graph: &Graph) -> Result<(Vec<Point>, Duration)> {
    let mut text =
        String::from("graph {\noverlap=prism;\nnode [shape=box, fixedsize=true, label=\"\"];\n");
    for (v, size) in graph.sizes.iter().enumerate() {
        writeln!(
            text,
            "{v} [width={}, height={}];",
            size.w / 72.0,
            size.h / 72.0
        )?;
    }
    for edge in &graph.edges {
        writeln!(text, "{} -- {};", edge.a, edge.b)?;
    }
    text.push_str("}\n");
    let begin = Instant::now();
    let mut child = Command::new(tool)
        .arg("-Tplain")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .with_context(|| format!("cannot run {tool} (graphviz)"))?;
    let mut input = child.stdin.take().context("no pipe")?;
    let writer = std::thread::spawn(move || input.write_all(text.as_bytes()));
    let output = child.wait_with_output()?;
    let took = begin.elapsed();
    if writer.join().is_err() || !output.status.success() {
        bail!("{tool} failed: {}", output.status);
    }
    let mut centers = vec![Point { x: 0.0, y: 0.0 }; graph.sizes.len()];
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        let fields: Vec<&str> = line.split_whitespace().collect();
        if let ["node", name, x, y, ..] = fields[..] {
            let number: usize = name.parse()?;
            let point = Point {
                x: x.parse::<f64>()? * 72.0,
                y: y.parse::<f64>()? * -72.0,
            };
            *centers.get_mut(number).context("a node nobody asked for")? = point;
        }
    }
    Ok((centers, took))
}
