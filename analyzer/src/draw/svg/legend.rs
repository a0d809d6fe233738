//! Places and writes the legend.

use super::legend_entries::{Sign, entries};
use super::path_data::num;
use super::shapes::write_outline;
use super::text::write_text;
use crate::draw::node::shape::{Outline, SMALL_SIZE};
use crate::draw::node::text_width::width;
use crate::draw::place::MARGIN;
use crate::draw::scene::Scene;
use crate::text::xml::XmlWriter;

/// Width of a sign.
const SIGN: f64 = 34.0;
/// Between a sign and its text.
const TEXT_GAP: f64 = 4.0;
/// Height of a row.
const ROW: f64 = 20.0;
/// Font size.
const SIZE: f64 = SMALL_SIZE + 1.0;
/// Height of the outline of a sign.
const OUTLINE_HEIGHT: f64 = 13.0;

/// A sign and its meaning, with the left end of the sign.
#[derive(Debug, Clone)]
pub(super) struct LegendEntry {
    sign: Sign,
    text: &'static str,
    x: f64,
    y: f64,
}

/// The entries in rows below `top`, and where they end, before scaling.
pub(super) fn place(scene: &Scene, top: f64) -> (Vec<LegendEntry>, f64) {
    let (mut x, mut y) = (MARGIN, top + ROW / 2.0);
    let mut out = Vec::new();
    for (sign, text) in entries(scene) {
        let w = SIGN + 6.0 + width(text, SIZE, false) + 18.0;
        if x > MARGIN && x + w > scene.width / scene.scale - MARGIN {
            x = MARGIN;
            y += ROW;
        }
        out.push(LegendEntry { sign, text, x, y });
        x += w;
    }
    (out, y + ROW / 2.0)
}

/// Writes an entry.
pub(super) fn write(xml: &mut XmlWriter, entry: &LegendEntry) {
    let (x, y) = (num(entry.x + SIGN / 2.0), num(entry.y));
    xml.start("g")
        .attr("transform", format_args!("translate({x},{y})"));
    match entry.sign {
        Sign::Node(class, text) => {
            xml.start("g").attr("class", format_args!("key {class}"));
            let (outline, w) = match class {
                "socket" => (Outline::Circle, 16.0),
                "listener" => (Outline::Text, 30.0),
                "outside" | "badge" => (Outline::Pill, 26.0),
                _ => (Outline::Box, 26.0),
            };
            write_outline(xml, outline, (w, OUTLINE_HEIGHT), class.contains("group"));
            if !text.is_empty() {
                write_sign_text(xml, "sign", text);
            }
            xml.end();
        }
        Sign::Warning(text) => write_sign_text(xml, "warn sign", text),
        Sign::Glyph(glyph) => {
            xml.start("use")
                .attr("xlink:href", format_args!("#wt-{glyph}"))
                .end();
        }
        Sign::Edge(class) => {
            xml.start("g").attr("class", format_args!("key {class}"));
            xml.start("path")
                .attr("d", "M-15 0H15")
                .attr("stroke-width", "1.2")
                .end();
            xml.end();
        }
    }
    xml.end();
    let left_bottom = (entry.x + SIGN + TEXT_GAP, entry.y + 3.5);
    write_text(xml, "left", left_bottom, SIZE, entry.text);
}

fn write_sign_text(xml: &mut XmlWriter, class: &str, text: &str) {
    xml.start("text")
        .attr("class", class)
        .attr("y", "3.2")
        .attr("font-size", "9")
        .text(text)
        .end();
}
