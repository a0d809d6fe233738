//! Writes a scene as SVG, through `text::xml` alone.
//!
//! Classes and `data-` attributes are a contract with scripts, style sheets and the report.

mod edge;
mod edge_paths;
mod elements;
mod glyphs;
mod legend;
mod matrix;
mod node;
mod notes;
mod path_data;
mod symbols;
mod theme;

use clap::ValueEnum;

use super::node::shape::SMALL_SIZE;
use super::node::truncate;
use super::options::Theme;
use super::place::caption::{NOTE_SIZE, TITLE_SIZE, baseline};
use super::place::{MARGIN, RULE};
use super::scene::Scene;
use crate::text::xml::XmlWriter;
use elements::{write_text, write_tooltip};
use path_data::num;
use symbols::Symbols;

pub(crate) use matrix::write as write_matrix;

/// Fonts with known widths first.
const FONTS: &str = "Helvetica, Arial, 'Liberation Sans', 'DejaVu Sans', sans-serif";
/// Between the drawing and the legend.
const LEGEND_GAP: f64 = 14.0;
/// From one note to the next, in font sizes.
const NOTE_LEADING: f64 = 1.4;

/// The whole document.
pub(crate) fn write(scene: &Scene, theme: Theme) -> String {
    let (graph, placement) = (&scene.graph, &scene.placement);
    let scale = placement.scale;
    let (entries, legend_end) = legend::place(scene, placement.height / scale + LEGEND_GAP);
    let note_width = placement.width / scale - 2.0 * MARGIN;
    let notes = notes::notes(scene).into_iter();
    let notes: Vec<String> = notes
        .flat_map(|note| truncate::wrap(&note, NOTE_SIZE, note_width))
        .collect();
    let height = scale * (legend_end + notes.len() as f64 * NOTE_SIZE * NOTE_LEADING + MARGIN);
    let mut xml = start_document(theme, (placement.width, height), &placement.caption);
    glyphs::define(&mut xml, graph.compared);
    let symbols = Symbols::new(scene);
    symbols.define(&mut xml);
    write_caption(&mut xml, scene);
    // In a comparison, edges cross the headings of shelves, which are written above them.
    if !graph.compared {
        write_headings(&mut xml, scene);
    }
    write_edges(&mut xml, scene);
    if graph.compared {
        write_headings(&mut xml, scene);
    }
    xml.start("g").attr("class", "nodes").newline();
    for number in 0..graph.nodes.len() {
        node::write(&mut xml, scene, &symbols, number);
    }
    xml.end().newline();
    write_counts(&mut xml, scene);
    start_scaled(&mut xml, "legend left", scale);
    for entry in &entries {
        legend::write(&mut xml, entry);
    }
    xml.end().newline();
    start_scaled(&mut xml, "notes left", scale);
    for (line, note) in notes.iter().enumerate() {
        let y = legend_end + NOTE_SIZE * NOTE_LEADING * (line as f64 + 1.0);
        write_text(&mut xml, "note", (MARGIN, y), NOTE_SIZE, note);
    }
    xml.end().newline();
    end_document(xml)
}

/// Starts a document of a size, with the lines of its tooltip, the style sheets and the ground.
fn start_document(theme: Theme, (width, height): (f64, f64), tooltip: &[String]) -> XmlWriter {
    let theme_name = theme
        .to_possible_value()
        .map(|value| value.get_name().to_owned());
    let mut xml = XmlWriter::new();
    let (w, h) = (num(width.ceil()), num(height.ceil()));
    xml.start("svg")
        .attr("xmlns", "http://www.w3.org/2000/svg")
        .attr("xmlns:xlink", "http://www.w3.org/1999/xlink")
        .attr(
            "class",
            format_args!("wt theme-{}", theme_name.unwrap_or_default()),
        )
        .attr("width", &w)
        .attr("height", &h)
        .attr("viewBox", format_args!("0 0 {w} {h}"))
        .constant_attr("font-family", FONTS)
        .newline();
    write_tooltip(&mut xml, tooltip);
    theme::write(&mut xml, theme);
    xml.start("rect").attr("class", "ground");
    xml.attr("width", &w).attr("height", &h).end().newline();
    xml
}

/// Ends a document.
fn end_document(mut xml: XmlWriter) -> String {
    xml.end().newline();
    xml.finish()
}

fn write_caption(xml: &mut XmlWriter, scene: &Scene) {
    start_scaled(xml, "caption left", scene.placement.scale);
    for (line, text) in scene.placement.caption.iter().enumerate() {
        let (class, size) = match line {
            0 => ("title", TITLE_SIZE),
            _ => ("note", NOTE_SIZE),
        };
        write_text(xml, class, (MARGIN, baseline(line)), size, text);
    }
    xml.end().newline();
}

/// Starts a group that is scaled around the left margin.
fn start_scaled(xml: &mut XmlWriter, class: &str, scale: f64) {
    xml.start("g").attr("class", class);
    if scale != 1.0 {
        let left = num(MARGIN - scale * MARGIN);
        let transform = format_args!("translate({left},0) scale({scale:.3})");
        xml.attr("transform", transform);
    }
    xml.newline();
}

fn write_headings(xml: &mut XmlWriter, scene: &Scene) {
    let class = match scene.graph.compared {
        true => "note left count",
        false => "note left",
    };
    for heading in &scene.placement.headings {
        let (x, y) = (heading.position.x, heading.position.y);
        let (left, top, right) = (num(x), num(y - RULE), num(heading.right));
        xml.start("path").attr("class", "rule");
        xml.attr("d", format_args!("M{left} {top}H{right}"))
            .end()
            .newline();
        write_text(xml, class, (x, y), NOTE_SIZE, &heading.text);
    }
}

fn write_edges(xml: &mut XmlWriter, scene: &Scene) {
    xml.start("g").attr("class", "edges").newline();
    if scene.graph.batched {
        edge_paths::write(xml, scene);
    } else {
        // Changed edges are above unchanged ones.
        for pale in [true, false] {
            for (edge, drawn) in scene
                .edges()
                .filter(|(edge, _)| scene.is_pale(edge) == pale)
            {
                edge::write(xml, scene, edge, drawn);
            }
        }
    }
    xml.end().newline();
}

/// Writes the counts above everything, so that one which an edge crosses stays readable.
fn write_counts(xml: &mut XmlWriter, scene: &Scene) {
    xml.start("g").attr("class", "counts").newline();
    for (edge, drawn) in scene.edges() {
        if let Some((middle, text)) = &drawn.count {
            let class = if scene.is_pale(edge) {
                "count stayed"
            } else {
                "count"
            };
            let y = middle.y + 0.35 * SMALL_SIZE;
            write_text(xml, class, (middle.x, y), SMALL_SIZE, text);
        }
    }
    xml.end().newline();
}
