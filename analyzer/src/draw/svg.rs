//! Writes a scene as SVG. Every text passes through `escape::xml` here and nowhere else.
//!
//! Classes and `data-` attributes are a contract with scripts, style sheets and the report.

use std::fmt::Write as _;

use super::Options;
use super::batch;
use super::caption::{NOTE_SIZE, TITLE_SIZE, baseline};
use super::labels;
use super::legend::{self, SIGN, Sign};
use super::look::{BADGE_HEIGHT, HubTag, Line, SMALL_SIZE, Shape, hub_label};
use super::outlines::Outlines;
use super::picture::{EdgeKind, Kind};
use super::place::MARGIN;
use super::rows::RULE;
use super::scene::{Heading, Joined, Placed, Scene};
use super::shapes::{PALE, card, definitions, num, path, shape};
use super::theme;
use super::titles;
use crate::model::Map;
use crate::text::escape::xml;

/// Fonts with known widths first.
const FONTS: &str = "Helvetica, Arial, 'Liberation Sans', 'DejaVu Sans', sans-serif";

/// The whole document.
pub(super) fn write(_map: &Map, scene: &Scene, options: &Options) -> String {
    let scale = scene.scale;
    let (entries, legend_end) = legend::entries(scene, scene.height / scale + 14.0);
    let mut notes = Vec::new();
    for note in legend::notes(scene) {
        let room = scene.width / scale - 2.0 * MARGIN;
        notes.extend(labels::wrap(&note, NOTE_SIZE, room));
    }
    let height = scale * (legend_end + notes.len() as f64 * NOTE_SIZE * 1.4 + MARGIN);
    let mut out = String::new();
    let (w, h) = (num(scene.width.ceil()), num(height.ceil()));
    let theme = options.theme.name();
    let _ = writeln!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" xmlns:xlink=\"http://www.w3.org/1999/xlink\" \
         class=\"wt theme-{theme}\" width=\"{w}\" height=\"{h}\" viewBox=\"0 0 {w} {h}\" \
         font-family=\"{FONTS}\">"
    );
    title(&mut out, &scene.caption);
    out.push_str(&theme::sheets(options.theme));
    definitions(&mut out, scene.compared);
    let outlines = Outlines::of(scene);
    outlines.define(&mut out);
    let _ = writeln!(out, "<rect class=\"ground\" width=\"{w}\" height=\"{h}\"/>");
    caption(&mut out, scene);
    // Who was on a shelf and talks now is joined across its heading, which stays readable.
    let headings = |out: &mut String| {
        for heading in &scene.headings {
            shelf_heading(out, heading, scene.compared);
        }
    };
    if !scene.compared {
        headings(&mut out);
    }
    out.push_str("<g class=\"edges\">\n");
    if scene.batched {
        batch::write(&mut out, scene, |edge| {
            (edge_classes(scene, edge), thickness(scene, edge))
        });
    } else {
        // What changed lies on what stayed.
        let changed = |edge: &&Joined| !edge.is_pale();
        let pale = scene.edges.iter().filter(|edge| edge.is_pale());
        for edge in pale.chain(scene.edges.iter().filter(changed)) {
            write_edge(&mut out, scene, edge);
        }
    }
    out.push_str("</g>\n");
    if scene.compared {
        headings(&mut out);
    }
    out.push_str("<g class=\"nodes\">\n");
    for (at, node) in scene.nodes.iter().enumerate() {
        write_node(&mut out, scene, &outlines, node);
        for tag in &node.look.tags {
            write_tag(&mut out, scene, at, tag);
        }
    }
    out.push_str("</g>\n");
    // Above everything: a count that another edge crosses stays readable.
    out.push_str("<g class=\"counts\">\n");
    for edge in &scene.edges {
        if let Some((at, text)) = &edge.drawn.label {
            let y = at.y + 0.35 * SMALL_SIZE;
            let class = if edge.is_pale() {
                "count stayed"
            } else {
                "count"
            };
            let _ = writeln!(
                out,
                "<text class=\"{class}\" x=\"{}\" y=\"{}\" font-size=\"{}\">{}</text>",
                num(at.x),
                num(y),
                num(SMALL_SIZE),
                xml(text)
            );
        }
    }
    let _ = writeln!(out, "</g>\n<g class=\"legend left\"{}>", scaled(scale));
    for entry in &entries {
        write_entry(&mut out, entry);
    }
    let _ = writeln!(out, "</g>\n<g class=\"notes left\"{}>", scaled(scale));
    for (line, note) in notes.iter().enumerate() {
        let y = legend_end + NOTE_SIZE * 1.4 * (line as f64 + 1.0);
        text_at(&mut out, "note", MARGIN, y, NOTE_SIZE, note);
    }
    out.push_str("</g>\n</svg>\n");
    out
}

fn title(out: &mut String, lines: &[String]) {
    if lines.is_empty() {
        return;
    }
    let escaped: Vec<String> = lines.iter().map(|line| xml(line)).collect();
    let _ = writeln!(out, "<title>{}</title>", escaped.join("\n"));
}

fn caption(out: &mut String, scene: &Scene) {
    let _ = writeln!(out, "<g class=\"caption left\"{}>", scaled(scene.scale));
    for (line, text) in scene.caption.iter().enumerate() {
        let (class, size) = match line {
            0 => ("title", TITLE_SIZE),
            _ => ("note", NOTE_SIZE),
        };
        text_at(out, class, MARGIN, baseline(line), size, text);
    }
    out.push_str("</g>\n");
}

/// What makes a group larger that begins at the margin.
fn scaled(scale: f64) -> String {
    match scale {
        1.0 => String::new(),
        scale => {
            let left = num(MARGIN - scale * MARGIN);
            format!(" transform=\"translate({left},0) scale({scale:.3})\"")
        }
    }
}

fn shelf_heading(out: &mut String, heading: &Heading, crossed: bool) {
    let (x, y) = (num(heading.at.x), num(heading.at.y - RULE));
    let _ = writeln!(
        out,
        "<path class=\"rule\" d=\"M{x} {y}H{}\"/>",
        num(heading.until)
    );
    let class = match crossed {
        true => "note left count",
        false => "note left",
    };
    text_at(
        out,
        class,
        heading.at.x,
        heading.at.y,
        NOTE_SIZE,
        &heading.text,
    );
}

fn text_at(out: &mut String, class: &str, x: f64, y: f64, size: f64, text: &str) {
    let _ = writeln!(
        out,
        "<text class=\"{class}\" x=\"{}\" y=\"{}\" font-size=\"{}\">{}</text>",
        num(x),
        num(y),
        num(size),
        xml(text)
    );
}

fn edge_class(scene: &Scene, edge: &Joined) -> &'static str {
    match edge.kind {
        EdgeKind::Unix => "unix",
        EdgeKind::Net => "net",
        EdgeKind::Pending => "pending",
        EdgeKind::Pipe => "pipe",
        EdgeKind::Holds if scene.nodes[edge.b].kind == Kind::Socket => "holds star",
        EdgeKind::Holds => "holds",
    }
}

fn edge_classes(scene: &Scene, edge: &Joined) -> String {
    let mut classes = edge_class(scene, edge).to_owned();
    if let Some(worst) = edge.found {
        classes = format!("{classes} finding {}", worst.name());
    }
    if let Some(change) = edge.change {
        classes = format!("{classes} {change}");
    }
    classes
}

/// Of the line: by how many connections it stands for.
fn thickness(scene: &Scene, edge: &Joined) -> f64 {
    match edge.kind {
        EdgeKind::Holds if scene.nodes[edge.b].kind == Kind::Socket => 1.6,
        EdgeKind::Holds | EdgeKind::Pipe => 1.0,
        _ => (0.9 + 0.55 * f64::from(edge.n.max(1)).log2()).min(6.0),
    }
}

fn write_edge(out: &mut String, scene: &Scene, edge: &Joined) {
    let _ = write!(
        out,
        "<g class=\"edge {}\" data-a=\"{}\" data-b=\"{}\" data-n=\"{}\">",
        edge_classes(scene, edge),
        xml(&scene.nodes[edge.a].id),
        xml(&scene.nodes[edge.b].id),
        edge.n
    );
    title(out, &edge.title);
    let _ = write!(
        out,
        "<path d=\"{}\" stroke-width=\"{}\"/>",
        path(&edge.drawn.line),
        num(thickness(scene, edge))
    );
    let end = if edge.is_pale() { PALE } else { "" };
    for mark in &edge.drawn.marks {
        let (x, y) = (num(mark.at.x), num(mark.at.y));
        let _ = match mark.turn {
            None => write!(
                out,
                "<use xlink:href=\"#wt-{}{end}\" x=\"{x}\" y=\"{y}\"/>",
                mark.glyph
            ),
            Some(turn) => write!(
                out,
                "<use xlink:href=\"#wt-{}{end}\" transform=\"translate({x},{y}) rotate({})\"/>",
                mark.glyph,
                num(turn)
            ),
        };
    }
    out.push_str("</g>\n");
}

fn node_class(kind: Kind) -> &'static str {
    match kind {
        Kind::Process => "process",
        Kind::Listener => "listener",
        Kind::Socket => "socket",
        Kind::Pipe => "pipe",
        Kind::Outside => "outside",
    }
}

fn write_node(out: &mut String, scene: &Scene, outlines: &Outlines, node: &Placed) {
    let look = &node.look;
    let _ = write!(out, "<g class=\"node {}", node_class(node.kind));
    for class in &node.classes {
        let _ = write!(out, " {class}");
    }
    let _ = write!(
        out,
        "\" data-id=\"{}\" data-w=\"{}\" data-h=\"{}\"",
        xml(&node.id),
        num(look.w),
        num(look.h)
    );
    if node.members > 1 {
        let _ = write!(out, " data-members=\"{}\"", node.members);
    }
    let _ = write!(
        out,
        " transform=\"translate({},{})\">",
        num(node.at.x),
        num(node.at.y)
    );
    title(out, &node.title);
    if let Some(bottom) = look.card {
        card(out, (look.w, look.h), bottom, node.members > 1);
    }
    let numbered = outlines.write(out, scene, node);
    let end = match node.classes.contains(&"stayed") {
        true => PALE,
        false => "",
    };
    for badge in &look.badges {
        let (x, y) = (num(badge.x), num(badge.y));
        let _ = write!(
            out,
            "<use xlink:href=\"#wt-{}{end}\" x=\"{x}\" y=\"{y}\"/>",
            badge.glyph
        );
    }
    for line in look.lines.iter().filter(|_| !numbered) {
        write_line(out, line);
    }
    out.push_str("</g>\n");
}

fn write_line(out: &mut String, line: &Line) {
    let x = match line.x {
        0.0 => String::new(),
        x => format!(" x=\"{}\"", num(x)),
    };
    let _ = write!(
        out,
        "<text class=\"{}\"{x} y=\"{}\" font-size=\"{}\">{}</text>",
        line.class,
        num(line.y),
        num(line.size),
        xml(&line.text)
    );
}

fn write_tag(out: &mut String, scene: &Scene, client: usize, tag: &HubTag) {
    let node = &scene.nodes[client];
    let Some(hub) = scene.hubs.get(tag.hub as usize).map(|at| &scene.nodes[*at]) else {
        return;
    };
    let label = hub_label(tag.hub, tag.n);
    let _ = write!(
        out,
        "<g class=\"node badge\" data-id=\"{}@{}\" data-a=\"{}\" data-b=\"{}\" data-n=\"{}\" \
         data-w=\"{}\" data-h=\"{}\" transform=\"translate({},{})\">",
        xml(&node.id),
        xml(&hub.id),
        xml(&node.id),
        xml(&hub.id),
        tag.n,
        num(tag.w),
        num(BADGE_HEIGHT),
        num(node.at.x + tag.x),
        num(node.at.y + tag.y)
    );
    title(
        out,
        &[titles::tag_title(hub.kind, &hub.title, tag.n, tag.ways)],
    );
    shape(out, Shape::Pill, tag.w, BADGE_HEIGHT, false);
    let _ = writeln!(
        out,
        "<text y=\"{}\" font-size=\"{}\">{}</text></g>",
        num(0.35 * SMALL_SIZE),
        num(SMALL_SIZE),
        xml(&label)
    );
}

fn write_entry(out: &mut String, entry: &legend::Entry) {
    let (x, y) = (entry.x + SIGN / 2.0, entry.y);
    let _ = write!(out, "<g transform=\"translate({},{})\">", num(x), num(y));
    match entry.sign {
        Sign::Node(class, text) => {
            let _ = write!(out, "<g class=\"key {class}\">");
            let (form, w) = match class {
                "socket" => (Shape::Circle, 16.0),
                "listener" => (Shape::Text, 30.0),
                "outside" | "badge" => (Shape::Pill, 26.0),
                _ => (Shape::Box, 26.0),
            };
            shape(out, form, w, 13.0, class.contains("group"));
            if !text.is_empty() {
                let _ = write!(
                    out,
                    "<text class=\"sign\" y=\"3.2\" font-size=\"9\">{}</text>",
                    xml(text)
                );
            }
            out.push_str("</g>");
        }
        Sign::Warning(text) => {
            let _ = write!(
                out,
                "<text class=\"warn sign\" y=\"3.2\" font-size=\"9\">{}</text>",
                xml(text)
            );
        }
        Sign::Glyph(glyph) => {
            let _ = write!(out, "<use xlink:href=\"#wt-{glyph}\"/>");
        }
        Sign::Edge(class) => {
            let _ = write!(
                out,
                "<g class=\"key {class}\"><path d=\"M-15 0H15\" stroke-width=\"1.2\"/></g>"
            );
        }
    }
    out.push_str("</g>");
    text_at(
        out,
        "left",
        entry.x + SIGN + 4.0,
        entry.y + 3.5,
        legend::SIZE,
        entry.text,
    );
}
