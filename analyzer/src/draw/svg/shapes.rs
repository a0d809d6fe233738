//! Writes outlines and cards of nodes.

use super::path_data::num;
use crate::draw::node::shape::Outline;
use crate::text::xml::XmlWriter;

/// Radius of the corners of boxes and cards.
const CORNER: &str = "1.5";
/// How far the second sheet of a group is to the right and up.
const SHEET_OFFSET: f64 = 3.0;

/// Writes the card below a box, on which its listeners are; with a second sheet behind a group.
pub(super) fn write_card(xml: &mut XmlWriter, (w, h): (f64, f64), bottom: f64, is_group: bool) {
    let height = h / 2.0 + bottom;
    if is_group {
        write_sheet(xml, (w, h), height, CORNER);
    }
    rect(xml, "card", (-w / 2.0, -h / 2.0), (w, height), CORNER);
}

/// Writes a second sheet that peeks out, which marks a group without colour. It is within the gap that
/// the layout leaves between boxes.
fn write_sheet(xml: &mut XmlWriter, (w, h): (f64, f64), height: f64, corner: &str) {
    let corner_at = (SHEET_OFFSET - w / 2.0, -SHEET_OFFSET - h / 2.0);
    rect(xml, "behind", corner_at, (w, height), corner);
}

/// Writes an outline.
pub(super) fn write_outline(
    xml: &mut XmlWriter,
    outline: Outline,
    size: (f64, f64),
    is_group: bool,
) {
    if is_group && outline == Outline::Box {
        write_sheet(xml, size, size.1, CORNER);
    }
    write_plain_outline(xml, Some("shape"), outline, size);
}

/// Writes an outline of one part, with a class or none.
pub(super) fn write_plain_outline(
    xml: &mut XmlWriter,
    class: Option<&'static str>,
    outline: Outline,
    (w, h): (f64, f64),
) {
    let corner = match outline {
        Outline::Circle => {
            xml.start("circle");
            if let Some(class) = class {
                xml.attr("class", class);
            }
            xml.attr("r", num(w / 2.0)).end();
            return;
        }
        Outline::Text => "2".to_owned(),
        Outline::Box => CORNER.to_owned(),
        Outline::Pill => num((h / 2.0).min(9.0)),
    };
    xml.start("rect");
    if let Some(class) = class {
        xml.attr("class", class);
    }
    rect_attrs(xml, (-w / 2.0, -h / 2.0), (w, h), &corner);
    xml.end();
}

fn rect(xml: &mut XmlWriter, class: &str, left_top: (f64, f64), size: (f64, f64), corner: &str) {
    xml.start("rect").attr("class", class);
    rect_attrs(xml, left_top, size, corner);
    xml.end();
}

fn rect_attrs(xml: &mut XmlWriter, (x, y): (f64, f64), (w, h): (f64, f64), corner: &str) {
    xml.attr("x", num(x))
        .attr("y", num(y))
        .attr("width", num(w))
        .attr("height", num(h))
        .attr("rx", corner);
}
