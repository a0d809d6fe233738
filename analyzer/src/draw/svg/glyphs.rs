//! Writes the definitions of glyphs, and very many instances of them as few paths.

use super::elements::NumberAttrs;
use super::path_data::{num, whole};
use crate::draw::edge::MARKER_RADIUS;
use crate::layout::Point;
use crate::text::xml::XmlWriter;

/// The glyphs. Circles have [`MARKER_RADIUS`].
const GLYPHS: &str = r#"<circle id="wt-socketSUFFIX" class="OUTLINE SET-socket" r="4"/>
<g id="wt-serverSUFFIX"><circle class="OUTLINE SET-server" r="4"/>
    <circle class="SET-dot" r="1.3"/></g>
<g id="wt-netSUFFIX"><circle class="OUTLINE SET-net" r="4"/>
    <path class="OUTLINE" d="M-2 0H2" stroke-width="1.4"/></g>
<g id="wt-net-serverSUFFIX"><circle class="OUTLINE SET-net" r="4"/>
    <circle class="SET-dot" r="1.3"/></g>
<path id="wt-arrowSUFFIX" class="SET-arrow" d="M0 0L-7 -3V3Z"/>
<g id="wt-unknownSUFFIX">
    <path class="SET-plain" stroke-width="1.3"
     d="M-2.2 -1.8C-2.2 -5 2.4 -4.8 2.2 -1.8C2 0 0 -.2 0 1.8"/>
    <circle class="SET-plain" cy="3.7" r=".4"/></g>
<path id="wt-ownSUFFIX" class="SET-plain" stroke-width="1.1"
     d="M3.4 -1A3.5 3.5 0 1 0 3.2 1.6M3.9 -3.9V-.8H.9"/>
"#;

/// Defines the glyphs; also pale ones, where two maps are compared.
pub(super) fn define(xml: &mut XmlWriter, compared: bool) {
    xml.start("defs").newline();
    let sets = [("", "wt-glyph", "wt-g"), (PALE, "wt-f-glyph", "wt-f")];
    for (suffix, outline, set) in &sets[..1 + usize::from(compared)] {
        xml.constant(
            GLYPHS,
            [("SUFFIX", suffix), ("OUTLINE", outline), ("SET", set)],
        );
    }
    xml.end().newline();
}

/// Suffix of the ids of pale glyphs.
const PALE: &str = "-pale";

/// Starts an instance of a glyph.
pub(super) fn start_glyph(xml: &mut XmlWriter, glyph: &str, pale: bool) {
    let suffix = if pale { PALE } else { "" };
    let target = format_args!("#wt-{glyph}{suffix}");
    xml.start("use").attr("xlink:href", target);
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
    xml.start("defs").start("path").attr("id", id);
    xml.attr("d", data(0.0, ".1")).end().end().newline();
    xml.start("g").attr("class", "wt-dots").newline();
    let layer = |xml: &mut XmlWriter, class: &str, width: f64| {
        xml.start("use").attr("xlink:href", format_args!("#{id}"));
        xml.attr("class", class).numbers([("stroke-width", width)]);
        xml.end().newline();
    };
    let is_net = matches!(glyph, "net" | "net-server");
    let (line, fill, own) = match pale {
        true => ("wt-f-glyph", "wt-f-inside".to_owned(), "wt-f-glyph"),
        false => {
            let colour = if is_net { "net" } else { glyph };
            ("wt-d-mark", format!("wt-d-{colour}"), "wt-glyph")
        }
    };
    layer(xml, line, 2.0 * MARKER_RADIUS + 1.0);
    layer(xml, &fill, 2.0 * MARKER_RADIUS - 1.0);
    if matches!(glyph, "server" | "net-server") {
        layer(xml, line, 2.6);
    }
    if glyph == "net" {
        xml.start("path").attr("class", own);
        xml.attr("d", data(2.0, "4")).attr("stroke-width", "1.4");
        xml.end().newline();
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
    xml.start("path").attr("class", class).attr("d", data);
    xml.end().newline();
}
