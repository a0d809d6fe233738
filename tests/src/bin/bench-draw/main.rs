//! Compares the layout with Graphviz on the same graphs and boxes, and measures `whotalks draw`.
//!
//! `bench-draw [KIND:NODES|SNAPSHOT…]` prints a table: stress, neighbourhoods, crossings, edges
//! under boxes, overlaps, aspect, canvas, ink, time and memory of this program, `neato`, `sfdp`
//! and `dot` (all with `overlap=prism`; Graphviz must be installed). KIND is `hubs`, `tree`, `star`
//! or `singles`; of a snapshot it is the graph that `draw` gives to its layout. Everybody runs as a
//! process of its own. For snapshots a second table says what the whole of `whotalks draw` took
//! (the program beside this one). Without arguments: the generated graphs.

mod run;
mod scenes;

use anyhow::{Context as _, Result, bail};
use run::Cost;
use whotalks::layout::Graph;
use whotalks::layout::metrics::{Quality, measure};
use whotalks::load::load;
use whotalks::model::{At, build_at};
use whotalks_snapshot::Limits;

/// What is compared when nothing is asked for.
const USUAL: [&str; 9] = [
    "hubs:100",
    "hubs:200",
    "hubs:400",
    "hubs:500",
    "hubs:1000",
    "star:2000",
    "hubs:5000",
    "hubs:10000",
    "singles:100000",
];
/// Graphs of each size, up to that many nodes.
const SEEDS: u64 = 3;
const SEVERAL: usize = 1_000;
/// Above, they take more than minutes.
const MOST_DOT: usize = 400;
const MOST_NEATO: usize = 5_000;
const MOST_SFDP: usize = 20_000;

fn main() -> Result<()> {
    let mut wanted: Vec<String> = std::env::args().skip(1).collect();
    if wanted.first().is_some_and(|first| first == "--layout") {
        return run::layout();
    }
    if wanted.is_empty() {
        wanted = USUAL.map(str::to_owned).to_vec();
    }
    println!(
        "{:<24}{:<9}{:>8}{:>8}{:>10}{:>8}{:>6}{:>8}{:>8}{:>7}{:>9}{:>9}{:>7}",
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
        "wall ms",
        "cpu ms",
        "MB"
    );
    let mut snapshots = Vec::new();
    for argument in &wanted {
        match argument.split_once(':') {
            Some((kind, nodes)) => generated(kind, nodes)?,
            None => {
                snapshots.push(argument);
                sampled(argument)?;
            }
        }
    }
    if !snapshots.is_empty() {
        println!(
            "\n{:<24}{:>9}{:>9}{:>7}{:>9}",
            "draw", "wall ms", "cpu ms", "MB", "SVG kB"
        );
    }
    let program = std::env::current_exe()?.with_file_name("whotalks");
    for snapshot in snapshots {
        match run::drawn(&program, snapshot)? {
            Some((
                bytes,
                Cost {
                    wall_ms,
                    cpu_ms,
                    peak_mb,
                },
            )) => println!(
                "{:<24}{wall_ms:>9.0}{cpu_ms:>9.0}{peak_mb:>7.0}{:>9.0}",
                stem(snapshot),
                bytes as f64 / 1e3
            ),
            None => println!("{:<24} too long", stem(snapshot)),
        }
    }
    Ok(())
}

fn stem(path: &str) -> &str {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.strip_suffix(".whotalks").unwrap_or(name)
}

fn generated(kind: &str, nodes: &str) -> Result<()> {
    let nodes: usize = nodes
        .parse()
        .with_context(|| format!("not a number of nodes: {nodes}"))?;
    let random = matches!(kind, "hubs" | "tree") && nodes <= SEVERAL;
    for seed in 1..=if random { SEEDS } else { 1 } {
        let graph = match kind {
            "hubs" => scenes::hubs(nodes, seed),
            "tree" => scenes::tree(nodes, seed),
            "star" => scenes::star(nodes),
            "singles" => scenes::singles(nodes),
            _ => bail!("not a kind of graph: {kind}"),
        };
        let name = format!("{kind} {nodes}/{} #{seed}", graph.edges.len());
        compare(&name, &graph)?;
    }
    Ok(())
}

fn sampled(file: &str) -> Result<()> {
    let bytes = std::fs::read(file).with_context(|| file.to_owned())?;
    let loaded = load(&bytes, &Limits::default()).with_context(|| file.to_owned())?;
    let map = build_at(&[loaded], At::Last).context("an empty file")?;
    let graph = whotalks::draw::reduced(&map);
    let name = format!("{} {}/{}", stem(file), graph.sizes.len(), graph.edges.len());
    compare(&name, &graph)
}

fn compare(name: &str, graph: &Graph) -> Result<()> {
    let nodes = graph.sizes.len();
    for (tool, most) in [
        ("whotalks", usize::MAX),
        ("neato", MOST_NEATO),
        ("sfdp", MOST_SFDP),
        ("dot", MOST_DOT),
    ] {
        if nodes > most {
            continue;
        }
        match run::laid_out(tool, graph)? {
            Some((centers, cost)) => print(name, tool, &measure(graph, &centers), cost),
            None => println!("{name:<24}{tool:<9} more than two minutes"),
        }
    }
    Ok(())
}

fn print(graph: &str, by: &str, q: &Quality, cost: Cost) {
    println!(
        "{graph:<24}{by:<9}{:>8.4}{:>8.3}{:>10}{:>8}{:>6}{:>8.2}{:>8.2}{:>7.3}{:>9.0}{:>9.0}{:>7.0}",
        q.stress,
        q.neighbourhood,
        q.crossings,
        q.under_boxes,
        q.overlaps,
        q.aspect,
        q.canvas_use,
        q.ink,
        cost.wall_ms,
        cost.cpu_ms,
        cost.peak_mb
    );
}
