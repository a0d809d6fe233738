//! Writes the definitions of glyphs, and very many instances of them as few paths.

use super::path_data::{num, whole};
use crate::draw::edge::MARKER_RADIUS;
use crate::layout::Point;
use crate::text::xml::XmlWriter;

/// Suffix of the ids of pale glyphs.
pub(super) const PALE: &str = "-pale";

/// Defines the glyphs; also pale ones, where two maps are compared.
pub(super) fn define(xml: &mut XmlWriter, compared: bool) {
    xml.start("defs").newline();
    define_set(xml, "", "g", "wt-glyph");
    if compared {
        define_set(xml, PALE, "f", "wt-f-glyph");
    }
    xml.end().newline();
}

/// Defines the glyphs of one set: the suffix of their ids, the letter of their classes, and the class
/// of outlines.
fn define_set(xml: &mut XmlWriter, suffix: &str, letter: &str, line: &str) {
    let r = num(MARKER_RADIUS);
    let circle = |xml: &mut XmlWriter, glyph: &str| {
        xml.attr("class", format_args!("{line} wt-{letter}-{glyph}"))
            .attr("r", &r)
            .end();
    };
    xml.start("circle")
        .attr("id", format_args!("wt-socket{suffix}"));
    circle(xml, "socket");
    xml.newline();
    xml.start("g").attr("id", format_args!("wt-server{suffix}"));
    circle(xml.start("circle"), "server");
    xml.start("circle")
        .attr("class", format_args!("wt-{letter}-dot"))
        .attr("r", "1.3")
        .end();
    xml.end().newline();
    xml.start("g").attr("id", format_args!("wt-net{suffix}"));
    circle(xml.start("circle"), "net");
    xml.start("path")
        .attr("class", line)
        .attr("d", "M-2 0H2")
        .attr("stroke-width", "1.4")
        .end();
    xml.end().newline();
    xml.start("path")
        .attr("id", format_args!("wt-arrow{suffix}"))
        .attr("class", format_args!("wt-{letter}-arrow"))
        .attr("d", "M0 0L-7 -3V3Z")
        .end()
        .newline();
    let plain = format!("wt-{letter}-plain");
    xml.start("g")
        .attr("id", format_args!("wt-unknown{suffix}"));
    xml.start("path")
        .attr("class", &plain)
        .attr("stroke-width", "1.3")
        .attr("d", "M-2.2 -1.8C-2.2 -5 2.4 -4.8 2.2 -1.8C2 0 0 -.2 0 1.8")
        .end();
    xml.start("circle")
        .attr("class", &plain)
        .attr("cy", "3.7")
        .attr("r", ".4")
        .end();
    xml.end().newline();
    xml.start("path")
        .attr("id", format_args!("wt-own{suffix}"))
        .attr("class", &plain)
        .attr("stroke-width", "1.1")
        .attr("d", "M3.4 -1A3.5 3.5 0 1 0 3.2 1.6M3.9 -3.9V-.8H.9")
        .end()
        .newline();
}

/// Writes many circles that look as the glyph of a name. A line without length has round ends, which
/// is a circle in a tenth of the bytes.
pub(super) fn write_circles(
    xml: &mut XmlWriter,
    (glyph, pale): (&str, bool),
    id: &str,
    points: &[Point],
) {
    let data = |left: f64, length: &str| {
        let line = |p: &Point| format!("M{} {}h{length}", whole(p.x) - left, whole(p.y));
        points.iter().map(line).collect::<String>()
    };
    xml.start("defs");
    xml.start("path")
        .attr("id", id)
        .attr("d", data(0.0, ".1"))
        .end();
    xml.end().newline();
    xml.start("g").attr("class", "wt-dots").newline();
    let layer = |xml: &mut XmlWriter, class: &str, width: f64| {
        xml.start("use")
            .attr("xlink:href", format_args!("#{id}"))
            .attr("class", class)
            .attr("stroke-width", num(width))
            .end()
            .newline();
    };
    let (line, fill, own) = match pale {
        true => ("wt-f-glyph", "wt-f-inside".to_owned(), "wt-f-glyph"),
        false => ("wt-d-mark", format!("wt-d-{glyph}"), "wt-glyph"),
    };
    layer(xml, line, 2.0 * MARKER_RADIUS + 1.0);
    layer(xml, &fill, 2.0 * MARKER_RADIUS - 1.0);
    if glyph == "server" {
        layer(xml, line, 2.6);
    }
    if glyph == "net" {
        xml.start("path")
            .attr("class", own)
            .attr("d", data(2.0, "4"))
            .attr("stroke-width", "1.4")
            .end()
            .newline();
    }
    xml.end().newline();
}

/// Writes many arrows, each with its tip and its direction in degrees.
pub(super) fn write_arrows(xml: &mut XmlWriter, pale: bool, arrows: &[(Point, f64)]) {
    let class = if pale { "wt-f-arrow" } else { "wt-g-arrow" };
    let mut data = String::new();
    for (tip, degrees) in arrows {
        let (sin, cos) = degrees.to_radians().sin_cos();
        let point = |x: f64, y: f64| {
            let (x, y) = (tip.x + x * cos - y * sin, tip.y + x * sin + y * cos);
            format!("{} {}", num(x), num(y))
        };
        let (left, right) = (point(-7.0, -3.0), point(-7.0, 3.0));
        data += &format!("M{}L{left}L{right}Z", point(0.0, 0.0));
    }
    xml.start("path")
        .attr("class", class)
        .attr("d", data)
        .end()
        .newline();
}
