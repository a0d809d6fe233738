//! Writes a matrix.

use super::elements::{NumberAttrs, write_text, write_tooltip};
use super::path_data::num;
use super::{end_document, start_document};
use crate::draw::change;
use crate::draw::graph::{EdgeKind, Graph, Node};
use crate::draw::matrix::{Cell, Matrix, label};
use crate::draw::node::text_width::width;
use crate::draw::node::truncate;
use crate::draw::options::Theme;
use crate::draw::place::MARGIN;
use crate::draw::place::caption::{self, NOTE_SIZE, TITLE_SIZE};
use crate::text::xml::XmlWriter;

/// Side of a cell, of few rows and columns and of many.
const SIDES: [f64; 2] = [20.0, 14.0];
/// More rows or columns are many.
const MANY: usize = 40;
/// Longest label.
const MAX_LABEL: f64 = 230.0;
/// Between labels and cells.
const GAP: f64 = 5.0;
/// Angle of the labels of columns, in degrees.
const ANGLE: f64 = 50.0;
/// A line above which every so many rows and columns helps the eye.
const RULE_EVERY: usize = 5;
/// Width that the caption has at least.
const MIN_WIDTH: f64 = 620.0;
/// The kinds of cells: class, and meaning for the legend.
const KINDS: [(&str, &str); 5] = [
    ("unix", "Unix sockets"),
    ("net", "TCP, UDP and others"),
    ("pipe", "pipes"),
    ("mixed", "several kinds"),
    ("undirected", "either may be the client"),
];

/// Where the parts of a matrix are.
struct Grid {
    side: f64,
    font: f64,
    left: f64,
    top: f64,
    right: f64,
    bottom: f64,
}

/// The whole document.
pub(crate) fn write(graph: &Graph, matrix: &Matrix, theme: Theme) -> String {
    let side = SIDES[usize::from(matrix.rows.len().max(matrix.columns.len()) > MANY)];
    let font = (side * 0.6).min(12.0);
    let labels = |nodes: &[u32]| -> Vec<String> {
        let text = |node: &u32| truncate::middle(&text(graph, *node, matrix), font, MAX_LABEL);
        nodes.iter().map(text).collect()
    };
    let (rows, columns) = (labels(&matrix.rows), labels(&matrix.columns));
    let longest = |labels: &[String]| {
        let widths = labels.iter().map(|label| width(label, font, true));
        widths.fold(0.0, f64::max)
    };
    let (sin, cos) = ANGLE.to_radians().sin_cos();
    let tilted = longest(&columns);
    let left = MARGIN + longest(&rows) + GAP;
    let right = left + side * columns.len() as f64;
    let full_width = (right + cos * tilted + MARGIN).max(MIN_WIDTH);
    let lines = caption::wrap(&caption_lines(graph, matrix), full_width - 2.0 * MARGIN);
    let top = caption::height(&lines) + sin * tilted + 2.0 * GAP + NOTE_SIZE;
    let grid = Grid {
        side,
        font,
        left,
        top,
        right,
        bottom: top + side * rows.len() as f64,
    };
    let legend_top = grid.bottom + 1.5 * NOTE_SIZE;
    let full_height = legend_top + 2.0 * NOTE_SIZE + MARGIN;
    let mut xml = start_document(theme, (full_width, full_height), &lines);
    xml.start("g").attr("class", "caption left");
    for (line, text) in lines.iter().enumerate() {
        let (class, size) = match line {
            0 => ("title", TITLE_SIZE),
            _ => ("note", NOTE_SIZE),
        };
        write_text(
            &mut xml,
            class,
            (MARGIN, caption::baseline(line)),
            size,
            text,
        );
    }
    xml.end().newline();
    write_grid(&mut xml, graph, matrix, &grid);
    for (row, (node, label)) in matrix.rows.iter().zip(&rows).enumerate() {
        let y = grid.top + side * (row as f64 + 0.5) + 0.35 * font;
        let transform = format!("translate({},{})", num(grid.left - GAP), num(y));
        let class = "node header row";
        write_label(&mut xml, graph, (*node, label), &grid, (class, &transform));
    }
    for (column, (node, label)) in matrix.columns.iter().zip(&columns).enumerate() {
        let x = grid.left + side * (column as f64 + 0.5) + 0.3 * font;
        let at = format!("translate({},{})", num(x), num(grid.top - GAP));
        let transform = format!("{at} rotate({})", num(-ANGLE));
        // A node with a row is written once as a node.
        let class = match matrix.rows.contains(node) {
            true => "header column",
            false => "node header column",
        };
        write_label(&mut xml, graph, (*node, label), &grid, (class, &transform));
    }
    xml.start("g").attr("class", "cells").newline();
    for cell in &matrix.cells {
        write_cell(&mut xml, graph, matrix, cell, &grid);
    }
    xml.end().newline();
    write_legend(&mut xml, matrix, legend_top);
    end_document(xml)
}

/// The lines of the caption; the last says how the matrix is read.
fn caption_lines(graph: &Graph, matrix: &Matrix) -> Vec<String> {
    let mut lines = graph.caption.clone();
    lines.push(format!(
        "{} clients in rows, {} servers in columns; clients stand above and before their servers.",
        matrix.rows.len(),
        matrix.columns.len()
    ));
    if !matrix.cycles.is_empty() {
        let members = matrix.cycles.len();
        lines.push(format!("↻: {members} call each other in circles."));
    }
    if matrix.silent > 0 {
        lines.push(format!(
            "{} without a conversation are left out.",
            matrix.silent
        ));
    }
    lines
}

/// A label, marked if it is in a circle or has findings.
fn text(graph: &Graph, node: u32, matrix: &Matrix) -> String {
    let label = label(&graph.nodes[node as usize]);
    let circle = if matrix.cycles.contains_key(&node) {
        "↻ "
    } else {
        ""
    };
    match &graph.nodes[node as usize].findings {
        Some(findings) => format!("{circle}{label} ({})", findings.codes),
        None => format!("{circle}{label}"),
    }
}

/// Writes lines between rows and columns, and squares where a node meets itself.
fn write_grid(xml: &mut XmlWriter, graph: &Graph, matrix: &Matrix, grid: &Grid) {
    let mut path = String::new();
    for row in (0..=matrix.rows.len()).filter(|n| n % RULE_EVERY == 0 || *n == matrix.rows.len()) {
        let y = num(grid.top + grid.side * row as f64);
        path += &format!("M{} {y}H{}", num(grid.left), num(grid.right));
    }
    let columns = matrix.columns.len();
    for column in (0..=columns).filter(|n| n % RULE_EVERY == 0 || *n == columns) {
        let x = num(grid.left + grid.side * column as f64);
        path += &format!("M{x} {}V{}", num(grid.top), num(grid.bottom));
    }
    xml.start("path").attr("class", "rule").attr("d", path);
    xml.end().newline();
    for (row, node) in matrix.rows.iter().enumerate() {
        let Some(column) = matrix.columns.iter().position(|other| other == node) else {
            continue;
        };
        // A node's connections with itself are in its tooltip.
        let n = graph.nodes[*node as usize].undrawn.own;
        let (x, y) = position(grid, row, column);
        xml.start("rect").attr("class", "self").numbers([
            ("x", x),
            ("y", y),
            ("width", grid.side),
            ("height", grid.side),
        ]);
        if n > 0 {
            write_tooltip(xml, &[format!("{n} connected within")]);
        }
        xml.end().newline();
    }
}

/// The left upper corner of a cell.
fn position(grid: &Grid, row: usize, column: usize) -> (f64, f64) {
    let x = grid.left + grid.side * column as f64;
    (x, grid.top + grid.side * row as f64)
}

fn write_label(
    xml: &mut XmlWriter,
    graph: &Graph,
    (node, label): (u32, &str),
    grid: &Grid,
    (class, transform): (&str, &str),
) {
    let node: &Node = &graph.nodes[node as usize];
    let severity = node
        .findings
        .as_ref()
        .map_or("", |findings| findings.severity.name());
    let change = match graph.compared {
        true => change::words(node.change).class,
        false => "",
    };
    let group = if node.members > 1 { "group" } else { "" };
    let classes = [class, group, severity, change];
    let classes: Vec<&str> = classes
        .into_iter()
        .filter(|class| !class.is_empty())
        .collect();
    xml.start("g")
        .attr("class", classes.join(" "))
        .attr("data-id", &node.id)
        .numbers([
            ("data-w", width(label, grid.font, false)),
            ("data-h", grid.side),
        ]);
    if node.members > 1 {
        xml.attr("data-members", node.members);
    }
    xml.attr("transform", transform);
    write_tooltip(xml, &node.tooltip);
    let class = if node.findings.is_some() {
        "warn"
    } else {
        "name"
    };
    write_text(xml, class, (0.0, 0.0), grid.font, label);
    xml.end().newline();
}

fn write_cell(xml: &mut XmlWriter, graph: &Graph, matrix: &Matrix, cell: &Cell, grid: &Grid) {
    let [client, server] = [matrix.rows[cell.row], matrix.columns[cell.column]];
    let mut classes = vec!["cell", kind(cell)];
    if cell.is_undirected {
        classes.push("undirected");
    }
    if let Some(severity) = cell.finding {
        classes.extend(["finding", severity.name()]);
    }
    if graph.compared {
        classes.push(change::words(cell.change).class);
    }
    let (x, y) = position(grid, cell.row, cell.column);
    xml.start("g")
        .attr("class", classes.join(" "))
        .attr("data-a", &graph.nodes[client as usize].id)
        .attr("data-b", &graph.nodes[server as usize].id)
        .attr("data-n", cell.n);
    write_tooltip(xml, &cell.tooltip);
    xml.start("rect").attr("class", "shape").numbers([
        ("x", x + 1.0),
        ("y", y + 1.0),
        ("width", grid.side - 2.0),
        ("height", grid.side - 2.0),
    ]);
    xml.end();
    let size = grid.side * 0.5;
    let middle = (x + grid.side / 2.0, y + grid.side / 2.0 + 0.35 * size);
    if let Some(text) = count(cell) {
        write_text(xml, "number", middle, size, &text);
    }
    xml.end().newline();
}

/// The number in a cell, in at most three characters; none for a single conversation.
fn count(cell: &Cell) -> Option<String> {
    let n = match cell.counts {
        // What is gone has the number that it had.
        Some((old, 0)) => old,
        Some((_, new)) => new,
        None => cell.n as usize,
    };
    match n {
        0 | 1 => None,
        2..=999 => Some(n.to_string()),
        1_000..=9_999 => Some(format!("{}k", n / 1_000)),
        _ => Some("∞".to_owned()),
    }
}

fn kind(cell: &Cell) -> &'static str {
    let mut kinds = cell.kinds.iter();
    match (kinds.next(), kinds.next()) {
        (Some(EdgeKind::Unix), None) => "unix",
        (Some(EdgeKind::Net), None) => "net",
        (Some(EdgeKind::Pipe), None) => "pipe",
        _ => "mixed",
    }
}

fn write_legend(xml: &mut XmlWriter, matrix: &Matrix, top: f64) {
    let is_there = |class: &str| match class {
        "undirected" => matrix.cells.iter().any(|cell| cell.is_undirected),
        class => matrix.cells.iter().any(|cell| kind(cell) == class),
    };
    xml.start("g").attr("class", "legend left").newline();
    let mut x = MARGIN;
    for (class, meaning) in KINDS.into_iter().filter(|(class, _)| is_there(class)) {
        let side = NOTE_SIZE;
        xml.start("g")
            .attr("class", format_args!("key {class} cell-key"));
        xml.start("rect").attr("class", "shape").numbers([
            ("x", x),
            ("y", top),
            ("width", side),
            ("height", side),
        ]);
        xml.end().end();
        x += side + GAP;
        write_text(xml, "note", (x, top + 0.85 * NOTE_SIZE), NOTE_SIZE, meaning);
        x += width(meaning, NOTE_SIZE, false) + 3.0 * GAP;
    }
    xml.end().newline();
}
