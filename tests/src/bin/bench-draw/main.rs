//! Compares the layout with Graphviz on the same graphs and boxes, and measures `whotalks draw`.
//!
//! `bench-draw [KIND:NODES|machine:PROCESSESxSOCKETS|live|SNAPSHOT…]` prints a table of stress,
//! neighbourhood preservation, crossings, edges under boxes, overlaps, aspect ratio, canvas use,
//! ink, time and memory for this layout, `neato`, `sfdp` and `dot` (all with `overlap=prism`;
//! Graphviz must be installed). KIND is `hubs`, `tree`, `tiers`, `groups`, `star` or `singles`.
//! Of a snapshot, the graph is the one that `draw` passes to its layout. `machine` starts real
//! processes that communicate, and captures them; `live` captures this machine. Every layout
//! runs in its own process.
//!
//! A second table shows time and memory of `whotalks draw` on the snapshots (`whotalks` and
//! `whotalks-collect` must be beside this program), a third the targets. Without arguments: the
//! samples, if found, and all generated graphs.

mod geometry;
#[cfg(test)]
mod known_graphs;
mod labels;
mod machine;
mod quality;
mod run;
mod scenes;
mod summary;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use quality::{Quality, measure};
use run::Cost;
use summary::Summary;
use whotalks::layout::Graph;
use whotalks::load::load;
use whotalks::model::{At, build_at};
use whotalks_snapshot::Limits;

/// Default arguments.
const USUAL: [&str; 18] = [
    "snapshots/samples/desktop.whotalks",
    "snapshots/samples/server.whotalks",
    "hubs:100",
    "hubs:200",
    "hubs:400",
    "hubs:500",
    "hubs:1000",
    "tree:100",
    "tree:1000",
    "tiers:100",
    "tiers:1000",
    "groups:100",
    "groups:1000",
    "star:2000",
    "hubs:5000",
    "hubs:10000",
    "singles:100000",
    "machine:5000x40",
];
/// Number of random graphs of a size, up to `SEVERAL` nodes.
const SEEDS: u64 = 3;
const SEVERAL: usize = 1_000;
/// Maximum sizes: above, the tools take more than minutes.
const MOST_DOT: usize = 400;
const MOST_NEATO: usize = 5_000;
const MOST_SFDP: usize = 20_000;

const HELP: &str = "\
Compares the layout with Graphviz, and measures whotalks draw.

Usage: bench-draw [KIND:NODES|machine:PROCESSESxSOCKETS|live|SNAPSHOT]...

  KIND:NODES       hubs, tree, tiers, groups, star or singles, generated
  machine:PxS      P real processes with S sockets each, captured
  live             this machine, captured
  SNAPSHOT         a file of the collector's

Without arguments: the samples, if they are found here, and everything generated.
";

fn main() -> Result<()> {
    let mut wanted: Vec<String> = std::env::args().skip(1).collect();
    match wanted.first().map(String::as_str) {
        Some("--layout") => return run::layout(),
        Some("--member") => {
            let number = |at: usize| -> Result<usize> {
                Ok(wanted.get(at).context("too few arguments")?.parse()?)
            };
            let name = wanted.get(1).context("too few arguments")?;
            return machine::member(name, number(2)?, number(3)?, number(4)?);
        }
        Some("-h" | "--help") => {
            print!("{HELP}");
            return Ok(());
        }
        Some(option) if option.starts_with('-') => {
            bail!("unexpected argument: {option} (try --help)")
        }
        Some(_) => {}
        None => {
            wanted = USUAL.map(str::to_owned).to_vec();
            wanted.retain(|name| !name.ends_with(".whotalks") || Path::new(name).exists());
        }
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
    let mut summary = Summary::default();
    let scratch = std::env::temp_dir().join(format!("bench-draw-{}", std::process::id()));
    std::fs::create_dir(&scratch)?;
    let compared = compared(&wanted, &scratch, &mut summary);
    let drawn = compared.and_then(|snapshots| drawn(&snapshots));
    std::fs::remove_dir_all(&scratch)?;
    drawn?;
    summary.print();
    Ok(())
}

/// Prints the first table. Returns the snapshots among the arguments.
fn compared(wanted: &[String], scratch: &Path, summary: &mut Summary) -> Result<Vec<PathBuf>> {
    let mut snapshots = Vec::new();
    for argument in wanted {
        let snapshot = match argument.split_once(':') {
            Some(("machine", size)) => {
                let file = scratch.join(format!("machine-{size}.whotalks"));
                let number = |text: &str| text.parse().context("not PROCESSESxSOCKETS");
                let (processes, sockets) = size.split_once('x').context("not PROCESSESxSOCKETS")?;
                machine::capture(number(processes)?, number(sockets)?, &file)?;
                file
            }
            Some((kind, nodes)) => {
                generated(kind, nodes, summary)?;
                continue;
            }
            None if argument == "live" => {
                let file = scratch.join("live.whotalks");
                let own = std::env::current_exe()?;
                machine::whole(&own.with_file_name("whotalks-collect"), &file)?;
                file
            }
            None => PathBuf::from(argument),
        };
        sampled(&snapshot, summary)?;
        snapshots.push(snapshot);
    }
    Ok(snapshots)
}

/// Prints the second table.
fn drawn(snapshots: &[PathBuf]) -> Result<()> {
    if !snapshots.is_empty() {
        println!(
            "\n{:<24}{:>9}{:>9}{:>7}{:>9}{:>8}",
            "draw", "wall ms", "cpu ms", "MB", "SVG kB", "labels"
        );
    }
    let program = std::env::current_exe()?.with_file_name("whotalks");
    for snapshot in snapshots {
        let name = stem(snapshot);
        let Some((svg, cost)) = run::drawn(&program, snapshot)? else {
            println!("{name:<24} too long");
            continue;
        };
        let Cost {
            wall_ms,
            cpu_ms,
            peak_mb,
        } = cost;
        println!(
            "{name:<24}{wall_ms:>9.0}{cpu_ms:>9.0}{peak_mb:>7.0}{:>9.0}{:>8}",
            svg.len() as f64 / 1e3,
            labels::overlapping(&svg)
        );
    }
    Ok(())
}

fn stem(path: &Path) -> String {
    let name = path.file_stem().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

fn generated(kind: &str, nodes: &str, summary: &mut Summary) -> Result<()> {
    let nodes: usize = nodes
        .parse()
        .with_context(|| format!("not a number of nodes: {nodes}"))?;
    // The constants of the layout were chosen on hubs 1 to 3, on tree, tiers and groups 11, and on
    // the samples; all other graphs here are independent of that choice.
    let seeds = match kind {
        "hubs" if nodes <= SEVERAL => 1..=SEEDS,
        "tree" | "tiers" | "groups" if nodes <= SEVERAL => 21..=21,
        _ => 1..=1,
    };
    for seed in seeds {
        let graph = match kind {
            "hubs" => scenes::hubs(nodes, seed),
            "tree" => scenes::tree(nodes, seed),
            "tiers" => scenes::tiers(nodes, seed),
            "groups" => scenes::groups(nodes, seed),
            "star" => scenes::star(nodes),
            "singles" => scenes::singles(nodes),
            _ => bail!("not a kind of graph: {kind}"),
        };
        let name = format!("{kind} {nodes}/{} #{seed}", graph.edges.len());
        compare(&name, &graph, summary)?;
    }
    Ok(())
}

fn sampled(file: &Path, summary: &mut Summary) -> Result<()> {
    let shown = || file.display().to_string();
    let bytes = std::fs::read(file).with_context(shown)?;
    let loaded = load(&bytes, &Limits::default()).with_context(shown)?;
    let map = build_at(&[loaded], At::Last).context("an empty file")?;
    let graph = whotalks::draw::reduced(&map);
    let name = format!("{} {}/{}", stem(file), graph.sizes.len(), graph.edges.len());
    compare(&name, &graph, summary)
}

fn compare(name: &str, graph: &Graph, summary: &mut Summary) -> Result<()> {
    summary.graph(graph.sizes.len());
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
            Some((centers, cost)) => {
                let quality = measure(graph, &centers);
                print(name, tool, &quality, cost);
                summary.add(tool, quality, cost);
            }
            None => println!("{name:<24}{tool:<9} more than ten minutes"),
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
