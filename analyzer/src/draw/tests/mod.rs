//! The contract of the SVG: ids, classes, titles, and no overlaps.

#![allow(clippy::unwrap_used)] // a test that cannot parse what was drawn has failed

use std::collections::{BTreeMap, BTreeSet};

use roxmltree::{Document, Node};

use super::*;
use crate::check::{Finding, Severity};

mod comparison;
mod matrix;
mod notation;
mod reduction;
mod views;
mod worlds;

fn draw(map: &Map) -> String {
    svg(map, &Options::default()).unwrap()
}

fn has_class(node: &Node<'_, '_>, class: &str) -> bool {
    let classes = node.attribute("class").unwrap_or("");
    classes.split(' ').any(|own| own == class)
}

fn of_class<'a>(document: &'a Document<'_>, class: &str) -> Vec<Node<'a, 'a>> {
    document
        .descendants()
        .filter(|node| has_class(node, class))
        .collect()
}

fn number(node: &Node<'_, '_>, name: &str) -> f64 {
    node.attribute(name).unwrap().parse().unwrap()
}

/// Left, top, right, bottom of a node.
fn extent(node: &Node<'_, '_>) -> [f64; 4] {
    let place = node.attribute("transform").unwrap();
    let place = place
        .strip_prefix("translate(")
        .unwrap()
        .strip_suffix(')')
        .unwrap();
    let (x, y) = place.split_once(',').unwrap();
    let (x, y): (f64, f64) = (x.parse().unwrap(), y.parse().unwrap());
    let (w, h) = (number(node, "data-w") / 2.0, number(node, "data-h") / 2.0);
    [x - w, y - h, x + w, y + h]
}

/// The same with the card below it, if it has one.
fn with_card(node: &Node<'_, '_>) -> [f64; 4] {
    let mut whole = extent(node);
    if let Some(card) = node.children().find(|child| has_class(child, "card")) {
        assert_eq!(number(&card, "width"), number(node, "data-w"));
        whole[3] = whole[1] + number(&card, "height");
    }
    whole
}

/// Checks what holds for every picture: ids are unique and edges join them, everything has a title, no
/// nodes or counts overlap, everything is on the canvas, attached listeners are on their process's card.
fn check(text: &str) {
    let document = Document::parse(text).unwrap();
    let nodes = of_class(&document, "node");
    let ids: BTreeSet<&str> = nodes
        .iter()
        .map(|n| n.attribute("data-id").unwrap())
        .collect();
    assert_eq!(ids.len(), nodes.len(), "an id is there twice");
    let by_id = |id: &str| {
        let mut found = nodes.iter().filter(|n| n.attribute("data-id") == Some(id));
        found.next().unwrap()
    };
    for edge in of_class(&document, "edge") {
        if has_class(&edge, "holds") {
            let owner = by_id(edge.attribute("data-a").unwrap());
            let held = by_id(edge.attribute("data-b").unwrap());
            let (card, name) = (with_card(owner), extent(held));
            let below = name[1] >= extent(owner)[3];
            let within = name[0] >= card[0] && name[2] <= card[2] && name[3] <= card[3];
            assert!(!has_class(held, "docked") || (below && within), "{name:?}");
        }
        for end in ["data-a", "data-b"] {
            assert!(ids.contains(edge.attribute(end).unwrap()));
        }
        assert!(number(&edge, "data-n") >= 1.0);
        assert!(edge.children().any(|child| child.has_tag_name("title")));
    }
    let root = document.root_element();
    let (width, height) = (number(&root, "width"), number(&root, "height"));
    let mut boxes: Vec<[f64; 4]> = Vec::new();
    for node in &nodes {
        assert!(node.children().any(|child| child.has_tag_name("title")));
        let own = with_card(node);
        assert!(
            own[0] >= 0.0 && own[1] >= 0.0 && own[2] <= width && own[3] <= height,
            "{own:?}"
        );
        if !has_class(node, "docked") {
            boxes.push(own);
        }
    }
    for count in of_class(&document, "count") {
        let (x, y, w) = (number(&count, "x"), number(&count, "y"), 4.0);
        boxes.push([x - w, y - 6.0, x + w, y]);
    }
    boxes.sort_by(|a, b| a[0].total_cmp(&b[0]));
    for (at, a) in boxes.iter().enumerate() {
        for b in boxes[at + 1..].iter().take_while(|b| b[0] < a[2] - 0.11) {
            // Both are rounded to one decimal.
            let apart = a[3] <= b[1] + 0.11 || b[3] <= a[1] + 0.11;
            assert!(apart, "{a:?} overlaps {b:?}");
        }
    }
}

/// The visible text of the notes.
fn notes(text: &str) -> String {
    let document = Document::parse(text).unwrap();
    let lines = of_class(&document, "note");
    lines
        .iter()
        .filter_map(|line| line.text())
        .collect::<Vec<_>>()
        .join(" ")
}

fn finding(subject: &str, title: &str) -> Finding {
    Finding {
        code: "WT101",
        rule: "shared-connected-socket",
        severity: Severity::Medium,
        subject: subject.to_owned(),
        processes: Vec::new(),
        sockets: Vec::new(),
        title: title.to_owned(),
        evidence: Vec::new(),
        advice: String::new(),
        key: format!("WT101 {subject}"),
    }
}

fn report(findings: Vec<Finding>) -> Report {
    Report {
        findings,
        unknown: Vec::new(),
    }
}
