//! SVG of outlines, lines and glyphs.

use std::fmt::Write as _;

use super::look::Shape;
use super::route::{GLYPH, Way};
use crate::layout::Point;

/// One decimal; never `-0`.
pub(super) fn num(value: f64) -> String {
    let rounded = (value * 10.0).round() / 10.0;
    // Adding zero turns -0 into 0.
    format!("{}", rounded + 0.0)
}

/// The glyphs, each once; pale ones too, where two maps are compared.
pub(super) fn definitions(out: &mut String, compared: bool) {
    out.push_str("<defs>\n");
    glyphs(out, "", "g", "wt-glyph");
    if compared {
        glyphs(out, PALE, "f", "wt-f-glyph");
    }
    out.push_str("</defs>\n");
}

/// What a glyph's name ends with where it is pale.
pub(super) const PALE: &str = "-pale";

/// Colours are found by class: `own` is what they begin with, `line` that of outlines.
fn glyphs(out: &mut String, end: &str, own: &str, line: &str) {
    let r = num(GLYPH);
    let _ = writeln!(
        out,
        "<circle id=\"wt-socket{end}\" class=\"{line} wt-{own}-socket\" r=\"{r}\"/>\n\
         <g id=\"wt-server{end}\"><circle class=\"{line} wt-{own}-server\" r=\"{r}\"/>\
         <circle class=\"wt-{own}-dot\" r=\"1.3\"/></g>\n\
         <g id=\"wt-net{end}\"><circle class=\"{line} wt-{own}-net\" r=\"{r}\"/>\
         <path class=\"{line}\" d=\"M-2 0H2\" stroke-width=\"1.4\"/></g>\n\
         <path id=\"wt-arrow{end}\" class=\"wt-{own}-arrow\" d=\"M0 0L-7 -3V3Z\"/>\n\
         <g id=\"wt-unknown{end}\"><path class=\"wt-{own}-plain\" stroke-width=\"1.3\" \
         d=\"M-2.2 -1.8C-2.2 -5 2.4 -4.8 2.2 -1.8C2 0 0 -.2 0 1.8\"/>\
         <circle class=\"wt-{own}-plain\" cy=\"3.7\" r=\".4\"/></g>\n\
         <path id=\"wt-own{end}\" class=\"wt-{own}-plain\" stroke-width=\"1.1\" \
         d=\"M3.4 -1A3.5 3.5 0 1 0 3.2 1.6M3.9 -3.9V-.8H.9\"/>"
    );
}

/// Many circles, looking as those of the definitions: a line without length has round ends, which is a
/// circle in a tenth of the bytes.
pub(super) fn dots(out: &mut String, (glyph, pale): (&str, bool), id: &str, points: &[Point]) {
    let places = |left: f64, length: &str| {
        let place = |p: &Point| format!("M{} {}h{length}", whole(p.x) - left, whole(p.y));
        points.iter().map(place).collect::<String>()
    };
    let _ = writeln!(
        out,
        "<defs><path id=\"{id}\" d=\"{}\"/></defs>\n<g class=\"wt-dots\">",
        places(0.0, ".1")
    );
    let mut layer = |class: &str, width: f64| {
        let _ = writeln!(
            out,
            "<use xlink:href=\"#{id}\" class=\"{class}\" stroke-width=\"{}\"/>",
            num(width)
        );
    };
    let (line, fill, own) = match pale {
        true => ("wt-f-glyph", "wt-f-inside".to_owned(), "wt-f-glyph"),
        false => ("wt-d-mark", format!("wt-d-{glyph}"), "wt-glyph"),
    };
    layer(line, 2.0 * GLYPH + 1.0);
    layer(&fill, 2.0 * GLYPH - 1.0);
    if glyph == "server" {
        layer(line, 2.6);
    }
    if glyph == "net" {
        let _ = writeln!(
            out,
            "<path class=\"{own}\" d=\"{}\" stroke-width=\"1.4\"/>",
            places(2.0, "4")
        );
    }
    out.push_str("</g>\n");
}

/// Many arrows, each with its tip and its direction in degrees.
pub(super) fn heads(out: &mut String, pale: bool, arrows: &[(Point, f64)]) {
    let class = if pale { "wt-f-arrow" } else { "wt-g-arrow" };
    let _ = write!(out, "<path class=\"{class}\" d=\"");
    for (tip, turn) in arrows {
        let (sin, cos) = turn.to_radians().sin_cos();
        let at = |x: f64, y: f64| {
            let (x, y) = (tip.x + x * cos - y * sin, tip.y + x * sin + y * cos);
            format!("{} {}", num(x), num(y))
        };
        let _ = write!(
            out,
            "M{}L{}L{}Z",
            at(0.0, 0.0),
            at(-7.0, -3.0),
            at(-7.0, 3.0)
        );
    }
    out.push_str("\"/>\n");
}

/// The card below a box, on which the names stand that it listens on; behind both a second sheet, if
/// the box stands for several.
pub(super) fn card(out: &mut String, (w, h): (f64, f64), bottom: f64, group: bool) {
    let whole = h / 2.0 + bottom;
    if group {
        sheet(out, (w, h), whole, "1.5");
    }
    let _ = write!(
        out,
        "<rect class=\"card\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" rx=\"1.5\"/>",
        num(-w / 2.0),
        num(-h / 2.0),
        num(w),
        num(whole)
    );
}

/// A second sheet that peeks out says "several" without colour; it stays within the gap that the
/// layout keeps between boxes.
fn sheet(out: &mut String, (w, h): (f64, f64), height: f64, round: &str) {
    let _ = write!(
        out,
        "<rect class=\"behind\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" rx=\"{round}\"/>",
        num(3.0 - w / 2.0),
        num(-3.0 - h / 2.0),
        num(w),
        num(height)
    );
}

/// A node's outline.
pub(super) fn shape(out: &mut String, shape: Shape, w: f64, h: f64, group: bool) {
    let (x, y) = (num(-w / 2.0), num(-h / 2.0));
    let (ws, hs) = (num(w), num(h));
    match shape {
        Shape::Circle => {
            let _ = write!(out, "<circle class=\"shape\" r=\"{}\"/>", num(w / 2.0));
        }
        Shape::Text => {
            let _ = write!(
                out,
                "<rect class=\"shape\" x=\"{x}\" y=\"{y}\" width=\"{ws}\" height=\"{hs}\" rx=\"2\"/>"
            );
        }
        Shape::Box | Shape::Pill => {
            let round = match shape {
                Shape::Pill => num((h / 2.0).min(9.0)),
                _ => "1.5".to_owned(),
            };
            if group && shape == Shape::Box {
                sheet(out, (w, h), h, &round);
            }
            let _ = write!(
                out,
                "<rect class=\"shape\" x=\"{x}\" y=\"{y}\" width=\"{ws}\" height=\"{hs}\" \
                 rx=\"{round}\"/>"
            );
        }
    }
}

/// The data of an edge's path.
pub(super) fn path(way: &Way) -> String {
    let pair = |point: &Point| format!("{} {}", num(point.x), num(point.y));
    match way {
        Way::Straight(from, to) => format!("M{}L{}", pair(from), pair(to)),
        Way::Bent(from, control, to) => {
            format!("M{}Q{} {}", pair(from), pair(control), pair(to))
        }
        Way::Curves(points) => {
            let rest: Vec<String> = points[1..].iter().map(pair).collect();
            format!("M{}C{}", pair(&points[0]), rest.join(" "))
        }
    }
}

/// As [`path`], for one of very many: in whole units, each place from the one before.
pub(super) fn coarse(way: &Way) -> String {
    match way {
        Way::Straight(from, to) => relative('l', 1, &[*from, *to]),
        Way::Bent(from, control, to) => relative('q', 2, &[*from, *control, *to]),
        Way::Curves(points) => relative('c', 3, points),
    }
}

/// The data of one line of segments of one kind, with so many points each after its start.
pub(super) fn relative(kind: char, each: usize, points: &[Point]) -> String {
    let Some((first, rest)) = points.split_first() else {
        return String::new();
    };
    let mut start = (whole(first.x), whole(first.y));
    let mut out = format!("M{} {}{kind}", start.0, start.1);
    let letter = out.len();
    for segment in rest.chunks(each) {
        let mut end = start;
        for point in segment {
            end = (whole(point.x), whole(point.y));
            for way in [end.0 - start.0, end.1 - start.1] {
                // A minus sign parts numbers by itself, and so does the letter.
                if way >= 0.0 && out.len() > letter {
                    out.push(' ');
                }
                let _ = write!(out, "{}", way + 0.0);
            }
        }
        start = end;
    }
    out
}

/// Never `-0`.
fn whole(value: f64) -> f64 {
    value.round() + 0.0
}
