//! Very many nodes' outlines as instances of a few definitions.
//!
//! What a node looks like is set on its instance, and the definition inherits it: rules about a node's
//! classes hold as they do for an outline of its own, in every program.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::Options;
use super::batch::MOST_SINGLE;
use super::look::{Look, SMALL_SIZE, Shape};
use super::scene::{Placed, Scene};
use super::shapes::{num, shape};
use crate::text::escape::xml;

/// An outline that fewer nodes have is no shorter as a definition.
const FEWEST: u32 = 3;

/// Whether a picture has so many nodes that each is written as short as can be.
pub(super) fn wanted(options: &Options, nodes: usize) -> bool {
    options.all && nodes > MOST_SINGLE
}

/// Outlines by what is written for each, and their numbers in ids.
pub(super) struct Outlines(BTreeMap<String, usize>);

impl Outlines {
    /// Those that several nodes have; none where nodes are few.
    pub(super) fn of(scene: &Scene) -> Self {
        let mut found: BTreeMap<String, u32> = BTreeMap::new();
        for outline in scene.nodes.iter().filter_map(|node| outline(scene, node)) {
            *found.entry(outline).or_default() += 1;
        }
        let several = found.into_iter().filter(|(_, n)| *n >= FEWEST);
        let numbered = several.enumerate().map(|(at, (drawn, _))| (drawn, at));
        Self(numbered.collect())
    }

    /// The definitions.
    pub(super) fn define(&self, out: &mut String) {
        if self.0.is_empty() {
            return;
        }
        out.push_str("<defs>\n");
        for (drawn, at) in &self.0 {
            let _ = writeln!(out, "<g id=\"wt-n{at}\">{drawn}</g>");
        }
        out.push_str("</defs>\n");
    }

    /// Writes a node's outline. Whether its number is part of it, so that no text is left to write.
    pub(super) fn write(&self, out: &mut String, scene: &Scene, node: &Placed) -> bool {
        match outline(scene, node).and_then(|drawn| self.0.get(&drawn)) {
            Some(at) => {
                let _ = write!(out, "<use class=\"shape\" xlink:href=\"#wt-n{at}\"/>");
                number(&node.look, scene.compared).is_some()
            }
            None => {
                let look = &node.look;
                let sheet = node.members > 1 && look.card.is_none();
                shape(out, look.shape, look.w, look.h, sheet);
                false
            }
        }
    }
}

/// What the definition of a node's outline consists of. A group's is of two parts, each with colours
/// of its own.
fn outline(scene: &Scene, node: &Placed) -> Option<String> {
    if !scene.terse || node.members > 1 {
        return None;
    }
    let look = &node.look;
    let mut out = String::new();
    shape(&mut out, look.shape, look.w, look.h, false);
    // Rules for outlines name their class, which is the instance's.
    let mut out = out.replacen("class=\"shape\" ", "", 1);
    if let Some(text) = number(look, scene.compared) {
        let _ = write!(
            out,
            "<text class=\"wt-g-number\" text-anchor=\"middle\" y=\"{}\" font-size=\"{}\">{}</text>",
            num(0.35 * SMALL_SIZE),
            num(SMALL_SIZE),
            xml(text)
        );
    }
    Some(out)
}

/// A circle that shows a number and nothing else has it within the definition; not where colours of
/// text say what changed.
fn number(look: &Look, compared: bool) -> Option<&str> {
    match &look.lines[..] {
        [line] if look.shape == Shape::Circle && line.class == "number" && !compared => {
            Some(&line.text)
        }
        _ => None,
    }
}
