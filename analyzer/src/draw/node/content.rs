//! The content of each kind of node: names, numbers, addresses, findings, cut to fit.

use super::shape::{Outline, SMALL_SIZE, Shape, TextLine, hub_letter};
use super::text_block::TextBlock;
use super::text_width::width;
use super::truncate;
use crate::check::Severity;
use crate::diff::ChangeStatus;
use crate::draw::change;
use crate::draw::graph::{Detail, Findings, Kind, LABEL_NAMES, Node, UndrawnSockets};

/// Font size of a process's name; names of hubs are larger.
const NAME_SIZE: f64 = 11.0;
const HUB_SIZE: f64 = 20.0;
/// Font size of listeners, addresses, findings.
const TEXT_SIZE: f64 = 10.0;
/// Names are cut to this width.
const MAX_WIDTH: f64 = 170.0;
/// Lines of a finding's title, by severity.
const HIGH_LINES: usize = 3;
const MEDIUM_LINES: usize = 2;
/// Names in a larger group of listeners or addresses.
const GROUP_NAMES: usize = LABEL_NAMES - 1;

/// The outline of a node with its content. `degree` is the number of its neighbours or, of a hub, of
/// its clients.
pub(crate) fn content(node: &Node, degree: f64, hub_scale: f64) -> Shape {
    let mut block = TextBlock::default();
    let outline = match node.kind {
        Kind::Process => process(node, degree, hub_scale, &mut block),
        Kind::Listener => listener(node, &mut block),
        Kind::Socket => return socket(node),
        Kind::Pipe => pipe(node, &mut block),
        Kind::Outside => outside(node, &mut block),
    };
    if let Some(hub) = node.hub.filter(|_| node.kind != Kind::Process) {
        let text = format!("hub {} of {degree}", hub_letter(hub));
        block.push(text, "detail", SMALL_SIZE);
    }
    if let Some(findings) = &node.findings {
        push_findings(findings, &mut block);
    }
    let padding = match outline {
        Outline::Text if node.attached_to.is_some() && node.hub.is_none() => (2.0, 1.0),
        Outline::Text => (6.0, 3.0),
        Outline::Pill => (9.0, 4.0),
        // The sign before the name takes the rest, so that a changed node needs no more room.
        Outline::Box if node.change != ChangeStatus::Stayed => (3.0, 5.0),
        _ => (7.0, 5.0),
    };
    block.finish(outline, padding, node.undrawn)
}

fn process(node: &Node, degree: f64, hub_scale: f64, block: &mut TextBlock) -> Outline {
    let Some(name) = node.label.names.first() else {
        return Outline::Box;
    };
    let larger = 3.0 * hub_scale * (degree / 6.0).max(1.0).log2();
    let size = (NAME_SIZE + larger).min(HUB_SIZE * hub_scale).round();
    let class = if size > NAME_SIZE + 2.0 {
        "name hub"
    } else {
        "name"
    };
    let max_width = MAX_WIDTH * size / NAME_SIZE;
    let text = format!("{}{}", change::words(node.change).sign, name.text);
    let count = match (node.counts, node.members) {
        (Some((old, new)), _) if old != new && old > 0 && new > 0 => format!(" {old} → {new}"),
        (Some((old, new)), 1) if old.max(new) > 1 => format!(" ×{}", old.max(new)),
        (_, 1) => String::new(),
        (_, many) => format!(" ×{many}"),
    };
    let room = max_width - width(&count, size, false);
    block.push(truncate::end(&text, size, room) + &count, class, size);
    if let Some(hub) = node.hub {
        let text = format!("hub {}", hub_letter(hub));
        block.push(text, "detail", SMALL_SIZE.max(size - 4.0));
    }
    if node.undrawn.hidden > 0 {
        let text = format!("{} hidden", node.undrawn.hidden);
        block.push(text, "detail", SMALL_SIZE);
    }
    match &node.label.detail {
        Some(Detail::Pid(pid)) => block.push(pid.to_string(), "detail", (size * 0.8).round()),
        Some(Detail::Names(names)) => {
            let text = truncate::end(names, SMALL_SIZE, max_width);
            block.push(text, "detail", SMALL_SIZE);
        }
        None => {}
    }
    Outline::Box
}

/// The first finding as far as it fits, and the number of others. Findings of low severity are shown
/// by their codes alone.
fn push_findings(findings: &Findings, block: &mut TextBlock) {
    let max_lines = match findings.severity {
        Severity::High => HIGH_LINES,
        Severity::Medium => MEDIUM_LINES,
        Severity::Low => {
            let codes = truncate::end(&findings.codes, SMALL_SIZE, MAX_WIDTH);
            return block.push(codes, "warn", SMALL_SIZE);
        }
    };
    let lines = truncate::wrap(&findings.first, TEXT_SIZE, MAX_WIDTH);
    let shown = lines.len().min(max_lines);
    for line in &lines[..shown - 1] {
        block.push(line.clone(), "warn", TEXT_SIZE);
    }
    let last = truncate::end(&lines[shown - 1..].join(" "), TEXT_SIZE, MAX_WIDTH);
    block.push(last, "warn", TEXT_SIZE);
    if findings.count > 1 {
        let more = format!("and {} more", findings.count - 1);
        block.push(more, "warn", SMALL_SIZE);
    }
}

fn listener(node: &Node, block: &mut TextBlock) -> Outline {
    let many = node.members;
    let shown = if many > GROUP_NAMES + 1 {
        GROUP_NAMES
    } else {
        many
    };
    for name in node.label.names.iter().take(shown) {
        let text = truncate::middle(&name.text, TEXT_SIZE, MAX_WIDTH);
        let text = format!("{}{text}", change::words(node.change).sign);
        block.push_with(name.is_net.then_some("net"), text, "path", TEXT_SIZE);
    }
    if many > shown {
        block.push(format!("and {} more", many - shown), "detail", SMALL_SIZE);
    }
    Outline::Text
}

fn socket(node: &Node) -> Shape {
    let holders = node.label.holders;
    if let Some(findings) = &node.findings {
        let mut block = TextBlock::default();
        push_findings(findings, &mut block);
        block.push(format!("held by {holders}"), "detail", SMALL_SIZE);
        return block.finish(Outline::Pill, (9.0, 4.0), UndrawnSockets::default());
    }
    let count = match node.members {
        1 => holders.to_string(),
        many => format!("×{many}"),
    };
    let diameter = (width(&count, SMALL_SIZE, false) + 8.0).max(20.0);
    let mut shape = Shape::new(Outline::Circle, diameter, diameter);
    shape.lines.push(TextLine {
        text: count,
        class: "number",
        size: SMALL_SIZE,
        x: 0.0,
        y: 0.35 * SMALL_SIZE,
    });
    shape
}

fn pipe(node: &Node, block: &mut TextBlock) -> Outline {
    let name = node.label.names.first().map_or("", |name| &name.text);
    let text = match node.members {
        1 => truncate::middle(name, SMALL_SIZE, MAX_WIDTH),
        many => format!("pipes ×{many}"),
    };
    block.push(text, "path", SMALL_SIZE);
    Outline::Pill
}

fn outside(node: &Node, block: &mut TextBlock) -> Outline {
    let heading = match node.members {
        1 => "(outside)".to_owned(),
        many => format!("(outside) ×{many}"),
    };
    block.push(heading, "detail", SMALL_SIZE);
    for name in node.label.names.iter().take(GROUP_NAMES) {
        let text = truncate::middle(&name.text, TEXT_SIZE, MAX_WIDTH);
        block.push(text, "path", TEXT_SIZE);
    }
    if node.members > GROUP_NAMES {
        block.push("…".to_owned(), "detail", SMALL_SIZE);
    }
    Outline::Pill
}
