//! Defines the outlines of very many nodes once, and writes nodes as instances.
//!
//! Style rules are matched on the instance, and the definition inherits them: rules about a node's
//! classes hold as they do for an outline of its own, in every program.

use std::collections::BTreeMap;

use super::elements::{NumberAttrs, write_outline, write_sheet};
use crate::draw::graph::Node;
use crate::draw::node::shape::{Outline, SMALL_SIZE, Shape};
use crate::draw::scene::Scene;
use crate::text::xml::{XmlFragment, XmlWriter};

/// Fewer instances are no shorter with a definition.
const MIN_INSTANCES: u32 = 3;

/// Outlines with definitions, and their numbers in ids.
pub(super) struct Symbols(BTreeMap<XmlFragment, usize>);

impl Symbols {
    /// The outlines that several nodes have; none where nodes are few.
    pub(super) fn new(scene: &Scene) -> Self {
        let mut instances: BTreeMap<XmlFragment, u32> = BTreeMap::new();
        for (node, shape) in scene.graph.nodes.iter().zip(&scene.shapes) {
            if let Some(outline) = outline(scene, node, shape) {
                *instances.entry(outline).or_default() += 1;
            }
        }
        instances.retain(|_, n| *n >= MIN_INSTANCES);
        Self(instances.into_keys().zip(0..).collect())
    }

    /// Writes the definitions.
    pub(super) fn define(&self, xml: &mut XmlWriter) {
        if self.0.is_empty() {
            return;
        }
        xml.start("defs").newline();
        for (outline, number) in &self.0 {
            xml.start("g").attr("id", format_args!("wt-n{number}"));
            xml.fragment(outline).end().newline();
        }
        xml.end().newline();
    }

    /// Writes a node's outline. Returns whether it contains the node's text.
    pub(super) fn write(
        &self,
        xml: &mut XmlWriter,
        scene: &Scene,
        node: &Node,
        shape: &Shape,
    ) -> bool {
        if let Some(number) = outline(scene, node, shape).and_then(|own| self.0.get(&own)) {
            xml.start("use").attr("class", "shape");
            xml.attr("xlink:href", format_args!("#wt-n{number}")).end();
            return number_text(scene, shape).is_some();
        }
        let size = (shape.w, shape.h);
        if node.members > 1 && shape.card.is_none() && shape.outline == Outline::Box {
            write_sheet(xml, size, shape.h);
        }
        write_outline(xml, Some("shape"), shape.outline, size);
        false
    }
}

/// The definition of a node's outline; `None`: it gets none. A group has two parts, each with colours
/// of its own.
fn outline(scene: &Scene, node: &Node, shape: &Shape) -> Option<XmlFragment> {
    if !scene.graph.terse || node.members > 1 {
        return None;
    }
    let mut xml = XmlWriter::new();
    // Rules for outlines name a class that the instance has.
    write_outline(&mut xml, None, shape.outline, (shape.w, shape.h));
    if let Some(text) = number_text(scene, shape) {
        xml.start("text").attr("class", "wt-g-number");
        xml.attr("text-anchor", "middle");
        xml.numbers([("y", 0.35 * SMALL_SIZE), ("font-size", SMALL_SIZE)]);
        xml.text(text).end();
    }
    Some(xml.into_fragment())
}

/// The number in a circle, if it is part of the definition. It is not where colours of text show
/// changes.
fn number_text<'a>(scene: &Scene, shape: &'a Shape) -> Option<&'a str> {
    let is_circle = shape.outline == Outline::Circle && !scene.graph.compared;
    match &shape.lines[..] {
        [line] if is_circle && line.class == "number" => Some(&line.text),
        _ => None,
    }
}
