//! Writes tooltips and lines of text.

use super::path_data::num;
use crate::text::xml::XmlWriter;

/// Writes the lines of a tooltip, if there are any.
pub(super) fn write_tooltip(xml: &mut XmlWriter, lines: &[String]) {
    if !lines.is_empty() {
        let lines = lines.iter().map(String::as_str);
        xml.start("title").lines(lines).end().newline();
    }
}

/// Writes a line of text.
pub(super) fn write_text(
    xml: &mut XmlWriter,
    class: &str,
    (x, y): (f64, f64),
    size: f64,
    text: &str,
) {
    xml.start("text")
        .attr("class", class)
        .attr("x", num(x))
        .attr("y", num(y))
        .attr("font-size", num(size))
        .text(text)
        .end()
        .newline();
}
