//! Runs whoever lays out: a whole process each, with limits, measured from outside.

use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context as _, Result, bail};
use whotalks::layout::{Edge, Graph, Options, Point, Size, stress};

/// Who takes longer is not waited for.
const PATIENCE_SECONDS: &str = "600";
/// Graphviz's inches, in drawing units.
const INCH: f64 = 72.0;

/// What a run took.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cost {
    pub(crate) wall_ms: f64,
    /// User and system.
    pub(crate) cpu_ms: f64,
    pub(crate) peak_mb: f64,
}

/// Runs a command under `time` and `timeout`; `None` when it took too long.
pub(crate) fn measured(command: &[&str], input: Vec<u8>) -> Result<Option<(Vec<u8>, Cost)>> {
    let report = std::env::temp_dir().join(format!("bench-draw.{}", std::process::id()));
    let begin = Instant::now();
    let mut child = Command::new("timeout")
        .args([PATIENCE_SECONDS, "time", "-q", "-f", "%U %S %M", "-o"])
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
    // Whoever was stopped has not read it all.
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

/// Lays a graph out by a tool of Graphviz, or by ourselves in a process of our own.
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

/// The other side of `laid_out`: reads what `dot` wrote, prints what Graphviz would.
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
    // As far apart as `draw` sets them.
    let options = Options {
        gap: whotalks::draw::GAP,
        ..Options::default()
    };
    for (v, center) in stress(&graph, &options).centers.iter().enumerate() {
        writeln!(out, "node {v} {} {}", center.x / INCH, -center.y / INCH)?;
    }
    Ok(out.flush()?)
}

/// Draws a snapshot with `whotalks`: the picture, and what it took.
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
