//! Writes a scene as SVG, through `text::xml` alone.
//!
//! Classes and `data-` attributes are a contract with scripts, style sheets and the report.

mod edge;
mod edge_paths;
mod glyphs;
mod legend;
mod legend_entries;
mod node;
mod notes;
mod path_data;
mod shapes;
mod symbols;
mod text;
mod theme;

use super::node::shape::SMALL_SIZE;
use super::node::truncate;
use super::options::Theme;
use super::place::caption::{NOTE_SIZE, TITLE_SIZE, baseline};
use super::place::{Heading, MARGIN, RULE};
use super::scene::{Scene, SceneEdge};
use crate::text::xml::XmlWriter;
use path_data::num;
use symbols::Symbols;
use text::{write_text, write_tooltip};

/// Fonts with known widths first.
const FONTS: &str = "Helvetica, Arial, 'Liberation Sans', 'DejaVu Sans', sans-serif";
/// Between the drawing and the legend.
const LEGEND_GAP: f64 = 14.0;
/// From one note to the next, in font sizes.
const NOTE_LEADING: f64 = 1.4;

/// The whole document.
pub(crate) fn write(scene: &Scene, theme: Theme) -> String {
    let scale = scene.scale;
    let (entries, legend_end) = legend::place(scene, scene.height / scale + LEGEND_GAP);
    let mut notes = Vec::new();
    for note in notes::notes(scene) {
        let width = scene.width / scale - 2.0 * MARGIN;
        notes.extend(truncate::wrap(&note, NOTE_SIZE, width));
    }
    let note_height = NOTE_SIZE * NOTE_LEADING;
    let height = scale * (legend_end + notes.len() as f64 * NOTE_SIZE * NOTE_LEADING + MARGIN);
    let mut xml = XmlWriter::new();
    let (w, h) = (num(scene.width.ceil()), num(height.ceil()));
    xml.start("svg")
        .attr("xmlns", "http://www.w3.org/2000/svg")
        .attr("xmlns:xlink", "http://www.w3.org/1999/xlink")
        .attr("class", format_args!("wt theme-{}", theme.name()))
        .attr("width", &w)
        .attr("height", &h)
        .attr("viewBox", format_args!("0 0 {w} {h}"))
        .constant_attr("font-family", FONTS)
        .newline();
    write_tooltip(&mut xml, &scene.caption);
    theme::write(&mut xml, theme);
    glyphs::define(&mut xml, scene.compared);
    let symbols = Symbols::new(scene);
    symbols.define(&mut xml);
    xml.start("rect")
        .attr("class", "ground")
        .attr("width", &w)
        .attr("height", &h)
        .end()
        .newline();
    write_caption(&mut xml, scene);
    // In a comparison, edges cross the headings of shelves, which are written above them.
    if !scene.compared {
        write_headings(&mut xml, scene);
    }
    write_edges(&mut xml, scene);
    if scene.compared {
        write_headings(&mut xml, scene);
    }
    xml.start("g").attr("class", "nodes").newline();
    for (number, node) in scene.nodes.iter().enumerate() {
        node::write(&mut xml, scene, &symbols, node);
        for badge in &node.shape.hub_badges {
            node::write_badge(&mut xml, scene, number, badge);
        }
    }
    xml.end().newline();
    write_counts(&mut xml, scene);
    scaled_group(&mut xml, "legend left", scale);
    xml.newline();
    for entry in &entries {
        legend::write(&mut xml, entry);
    }
    xml.end().newline();
    scaled_group(&mut xml, "notes left", scale);
    xml.newline();
    for (line, note) in notes.iter().enumerate() {
        let y = legend_end + note_height * (line as f64 + 1.0);
        write_text(&mut xml, "note", (MARGIN, y), NOTE_SIZE, note);
    }
    xml.end().newline().end().newline();
    xml.finish()
}

fn write_caption(xml: &mut XmlWriter, scene: &Scene) {
    scaled_group(xml, "caption left", scene.scale);
    xml.newline();
    for (line, text) in scene.caption.iter().enumerate() {
        let (class, size) = match line {
            0 => ("title", TITLE_SIZE),
            _ => ("note", NOTE_SIZE),
        };
        write_text(xml, class, (MARGIN, baseline(line)), size, text);
    }
    xml.end().newline();
}

/// Starts a group that is scaled around the left margin.
fn scaled_group(xml: &mut XmlWriter, class: &str, scale: f64) {
    xml.start("g").attr("class", class);
    if scale != 1.0 {
        let left = num(MARGIN - scale * MARGIN);
        xml.attr(
            "transform",
            format_args!("translate({left},0) scale({scale:.3})"),
        );
    }
}

fn write_headings(xml: &mut XmlWriter, scene: &Scene) {
    for heading in &scene.headings {
        write_heading(xml, heading, scene.compared);
    }
}

fn write_heading(xml: &mut XmlWriter, heading: &Heading, crossed: bool) {
    let (x, y) = (heading.position.x, heading.position.y);
    let (left, top, right) = (num(x), num(y - RULE), num(heading.right));
    xml.start("path")
        .attr("class", "rule")
        .attr("d", format_args!("M{left} {top}H{right}"))
        .end()
        .newline();
    let class = match crossed {
        true => "note left count",
        false => "note left",
    };
    write_text(xml, class, (x, y), NOTE_SIZE, &heading.text);
}

fn write_edges(xml: &mut XmlWriter, scene: &Scene) {
    xml.start("g").attr("class", "edges").newline();
    if scene.batched {
        edge_paths::write(xml, scene);
    } else {
        // Changed edges are above unchanged ones.
        let is_changed = |edge: &&SceneEdge| !edge.is_pale();
        let pale = scene.edges.iter().filter(|edge| edge.is_pale());
        for edge in pale.chain(scene.edges.iter().filter(is_changed)) {
            edge::write(xml, scene, edge);
        }
    }
    xml.end().newline();
}

/// Writes the counts above everything, so that one which an edge crosses stays readable.
fn write_counts(xml: &mut XmlWriter, scene: &Scene) {
    xml.start("g").attr("class", "counts").newline();
    for edge in &scene.edges {
        if let Some((middle, text)) = &edge.drawn.count {
            let class = match edge.is_pale() {
                true => "count stayed",
                false => "count",
            };
            let y = middle.y + 0.35 * SMALL_SIZE;
            write_text(xml, class, (middle.x, y), SMALL_SIZE, text);
        }
    }
    xml.end().newline();
}
