//! Runs each layout in its own process with a timeout, and measures it from outside.

use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context as _, Result, bail};
use whotalks::layout::{Edge, Graph, Options, Point, Size, stress};

/// Timeout of one layout.
const TIMEOUT_SECONDS: &str = "600";
/// Drawing units per inch of Graphviz.
const INCH: f64 = 72.0;

/// Cost of a run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cost {
    pub(crate) wall_ms: f64,
    /// User and system.
    pub(crate) cpu_ms: f64,
    pub(crate) peak_mb: f64,
}

/// Runs a command under `time` and `timeout`; `None` after the timeout.
pub(crate) fn measured(command: &[&str], input: Vec<u8>) -> Result<Option<(Vec<u8>, Cost)>> {
    let report = std::env::temp_dir().join(format!("bench-draw.{}", std::process::id()));
    let begin = Instant::now();
    let mut child = Command::new("timeout")
        .args([TIMEOUT_SECONDS, "time", "-q", "-f", "%U %S %M", "-o"])
        .arg(&report)
        .args(command)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .context("cannot run timeout and time")?;
    let mut stdin = child.stdin.take().context("no pipe")?;
    let writer = std::thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output()?;
    let wall_ms = begin.elapsed().as_secs_f64() * 1e3;
    // A killed command has not read all input.
    let written = writer.join().map_err(|_| anyhow::anyhow!("no input"))?;
    if output.status.code() == Some(124) {
        return Ok(None);
    }
    if !output.status.success() {
        bail!("{}: {}", command[0], output.status);
    }
    written?;
    let text = std::fs::read_to_string(&report)?;
    std::fs::remove_file(&report)?;
    let figures: Vec<f64> = text.split_whitespace().flat_map(str::parse).collect();
    let &[user, system, kilobytes] = figures.as_slice() else {
        bail!("time said: {text}");
    };
    let cost = Cost {
        wall_ms,
        cpu_ms: (user + system) * 1e3,
        peak_mb: kilobytes / 1024.0,
    };
    Ok(Some((output.stdout, cost)))
}

/// Lays a graph out with a tool of Graphviz, or with this layout in a child process.
pub(crate) fn laid_out(tool: &str, graph: &Graph) -> Result<Option<(Vec<Point>, Cost)>> {
    let own = std::env::current_exe()?;
    let own = own.to_str().context("the program's path is not text")?;
    let command = match tool {
        "whotalks" => vec![own, "--layout"],
        _ => vec![tool, "-Tplain"],
    };
    let Some((text, cost)) = measured(&command, dot(graph)?.into_bytes())? else {
        return Ok(None);
    };
    let mut centers = vec![Point { x: 0.0, y: 0.0 }; graph.sizes.len()];
    for line in String::from_utf8_lossy(&text).lines() {
        let fields: Vec<&str> = line.split_whitespace().collect();
        if let ["node", name, x, y, ..] = fields[..] {
            let number: usize = name.parse()?;
            let point = Point {
                x: x.parse::<f64>()? * INCH,
                y: y.parse::<f64>()? * -INCH,
            };
            *centers.get_mut(number).context("a node nobody asked for")? = point;
        }
    }
    Ok(Some((centers, cost)))
}

fn dot(graph: &Graph) -> Result<String> {
    let mut text =
        String::from("graph {\noverlap=prism;\nnode [shape=box, fixedsize=true, label=\"\"];\n");
    for (v, size) in graph.sizes.iter().enumerate() {
        let (w, h) = (size.w / INCH, size.h / INCH);
        writeln!(text, "{v} [width={w}, height={h}];")?;
    }
    for edge in &graph.edges {
        writeln!(text, "{} -- {};", edge.a, edge.b)?;
    }
    text.push_str("}\n");
    Ok(text)
}

/// The child process of `laid_out`: reads DOT, prints positions in the format of Graphviz.
pub(crate) fn layout() -> Result<()> {
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text)?;
    let mut graph = Graph::default();
    for line in text.lines() {
        let fields: Vec<&str> = line
            .trim_end_matches("];")
            .split([' ', ',', '=', ';'])
            .collect();
        match fields[..] {
            [_, "[width", w, "", "height", h] => graph.sizes.push(Size {
                w: w.parse::<f64>()? * INCH,
                h: h.parse::<f64>()? * INCH,
            }),
            [a, "--", b, ..] => graph.edges.push(Edge {
                a: a.parse()?,
                b: b.parse()?,
            }),
            _ => {}
        }
    }
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    // The same gap as in `draw`.
    let options = Options {
        gap: whotalks::draw::GAP,
        ..Options::default()
    };
    for (v, center) in stress(&graph, &options).centers.iter().enumerate() {
        writeln!(out, "node {v} {} {}", center.x / INCH, -center.y / INCH)?;
    }
    Ok(out.flush()?)
}

/// Draws a snapshot with `whotalks`: the SVG, and its cost.
pub(crate) fn drawn(program: &Path, snapshot: &Path) -> Result<Option<(String, Cost)>> {
    let text = |path: &Path| Some(path.to_str()?.to_owned());
    let (Some(program), Some(snapshot)) = (text(program), text(snapshot)) else {
        bail!("a path is not text");
    };
    let drawn = measured(&[&program, "draw", "-o", "-", &snapshot], Vec::new())?;
    drawn
        .map(|(svg, cost)| Ok((String::from_utf8(svg)?, cost)))
        .transpose()
}
