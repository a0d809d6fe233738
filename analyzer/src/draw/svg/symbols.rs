//! Defines the outlines of very many nodes once, and writes nodes as instances.
//!
//! Style rules are matched on the instance, and the definition inherits them: rules about a node's
//! classes hold as they do for an outline of its own, in every program.

use std::collections::BTreeMap;

use super::path_data::num;
use super::shapes::{write_outline, write_plain_outline};
use crate::draw::node::shape::{Outline, SMALL_SIZE, Shape};
use crate::draw::scene::{Scene, SceneNode};
use crate::text::xml::{XmlFragment, XmlWriter};

/// Fewer instances are no shorter with a definition.
const MIN_INSTANCES: u32 = 3;

/// Outlines with definitions, and their numbers in ids.
pub(super) struct Symbols(BTreeMap<XmlFragment, usize>);

impl Symbols {
    /// The outlines that several nodes have; none where nodes are few.
    pub(super) fn new(scene: &Scene) -> Self {
        let mut instances: BTreeMap<XmlFragment, u32> = BTreeMap::new();
        for outline in scene.nodes.iter().filter_map(|node| outline(scene, node)) {
            *instances.entry(outline).or_default() += 1;
        }
        let frequent = instances.into_iter().filter(|(_, n)| *n >= MIN_INSTANCES);
        let numbered = frequent
            .enumerate()
            .map(|(number, (outline, _))| (outline, number));
        Self(numbered.collect())
    }

    /// Writes the definitions.
    pub(super) fn define(&self, xml: &mut XmlWriter) {
        if self.0.is_empty() {
            return;
        }
        xml.start("defs").newline();
        for (outline, number) in &self.0 {
            xml.start("g")
                .attr("id", format_args!("wt-n{number}"))
                .fragment(outline)
                .end()
                .newline();
        }
        xml.end().newline();
    }

    /// Writes a node's outline. Returns whether it contains the node's text.
    pub(super) fn write(&self, xml: &mut XmlWriter, scene: &Scene, node: &SceneNode) -> bool {
        match outline(scene, node).and_then(|outline| self.0.get(&outline)) {
            Some(number) => {
                xml.start("use")
                    .attr("class", "shape")
                    .attr("xlink:href", format_args!("#wt-n{number}"))
                    .end();
                number_text(&node.shape, scene.compared).is_some()
            }
            None => {
                let shape = &node.shape;
                let has_sheet = node.members > 1 && shape.card.is_none();
                write_outline(xml, shape.outline, (shape.w, shape.h), has_sheet);
                false
            }
        }
    }
}

/// The definition of a node's outline; `None`: it gets none. A group has two parts, each with colours
/// of its own.
fn outline(scene: &Scene, node: &SceneNode) -> Option<XmlFragment> {
    if !scene.terse || node.members > 1 {
        return None;
    }
    let shape = &node.shape;
    let mut xml = XmlWriter::new();
    // Rules for outlines name a class that the instance has.
    write_plain_outline(&mut xml, None, shape.outline, (shape.w, shape.h));
    if let Some(text) = number_text(shape, scene.compared) {
        xml.start("text")
            .attr("class", "wt-g-number")
            .attr("text-anchor", "middle")
            .attr("y", num(0.35 * SMALL_SIZE))
            .attr("font-size", num(SMALL_SIZE))
            .text(text)
            .end();
    }
    Some(xml.into_fragment())
}

/// The number in a circle, if it is part of the definition. It is not where colours of text show
/// changes.
fn number_text(shape: &Shape, compared: bool) -> Option<&str> {
    match &shape.lines[..] {
        [line] if shape.outline == Outline::Circle && line.class == "number" && !compared => {
            Some(&line.text)
        }
        _ => None,
    }
}
