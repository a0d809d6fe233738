//! Writes attributes with numbers, text, outlines and cards.

use super::path_data::num;
use crate::draw::node::shape::Outline;
use crate::layout::Point;
use crate::text::xml::XmlWriter;

/// Radius of the corners of boxes and cards.
const CORNER: f64 = 1.5;
/// How far the second sheet of a group is to the right and up.
const SHEET_OFFSET: f64 = 3.0;

/// Writes attributes with numbers.
pub(super) trait NumberAttrs {
    /// Attributes with one decimal each.
    fn numbers<const N: usize>(&mut self, numbers: [(&'static str, f64); N]) -> &mut Self;
    /// Moves an element.
    fn translate(&mut self, to: Point) -> &mut Self;
}

impl NumberAttrs for XmlWriter {
    fn numbers<const N: usize>(&mut self, numbers: [(&'static str, f64); N]) -> &mut Self {
        for (name, value) in numbers {
            self.attr(name, num(value));
        }
        self
    }

    fn translate(&mut self, to: Point) -> &mut Self {
        let (x, y) = (num(to.x), num(to.y));
        self.attr("transform", format_args!("translate({x},{y})"))
    }
}

/// Writes the lines of a tooltip, if there are any.
pub(super) fn write_tooltip(xml: &mut XmlWriter, lines: &[String]) {
    if !lines.is_empty() {
        let lines = lines.iter().map(String::as_str);
        xml.start("title").lines(lines).end().newline();
    }
}

/// Writes a line of text at a position, followed by a line break.
pub(super) fn write_text(
    xml: &mut XmlWriter,
    class: &str,
    (x, y): (f64, f64),
    size: f64,
    text: &str,
) {
    xml.start("text").attr("class", class);
    xml.numbers([("x", x), ("y", y), ("font-size", size)]);
    xml.text(text).end().newline();
}

/// Writes the card below a box, on which its listeners are; with a second sheet behind a group.
pub(super) fn write_card(xml: &mut XmlWriter, (w, h): (f64, f64), bottom: f64, is_group: bool) {
    let height = h / 2.0 + bottom;
    if is_group {
        write_sheet(xml, (w, h), height);
    }
    write_rect(xml, Some("card"), (-w / 2.0, -h / 2.0), (w, height), CORNER);
}

/// Writes a second sheet that peeks out, which marks a group without colour. It is within the gap that
/// the layout leaves between boxes.
pub(super) fn write_sheet(xml: &mut XmlWriter, (w, h): (f64, f64), height: f64) {
    let left_top = (SHEET_OFFSET - w / 2.0, -SHEET_OFFSET - h / 2.0);
    write_rect(xml, Some("behind"), left_top, (w, height), CORNER);
}

/// Writes an outline, with a class or none.
pub(super) fn write_outline(
    xml: &mut XmlWriter,
    class: Option<&str>,
    outline: Outline,
    (w, h): (f64, f64),
) {
    let corner = match outline {
        Outline::Circle => {
            start(xml, "circle", class).numbers([("r", w / 2.0)]).end();
            return;
        }
        Outline::Text => 2.0,
        Outline::Box => CORNER,
        Outline::Pill => (h / 2.0).min(9.0),
    };
    write_rect(xml, class, (-w / 2.0, -h / 2.0), (w, h), corner);
}

fn write_rect(
    xml: &mut XmlWriter,
    class: Option<&str>,
    (x, y): (f64, f64),
    (w, h): (f64, f64),
    corner: f64,
) {
    start(xml, "rect", class);
    xml.numbers([("x", x), ("y", y), ("width", w), ("height", h)]);
    xml.numbers([("rx", corner)]).end();
}

fn start<'a>(xml: &'a mut XmlWriter, name: &'static str, class: Option<&str>) -> &'a mut XmlWriter {
    xml.start(name);
    match class {
        Some(class) => xml.attr("class", class),
        None => xml,
    }
}
