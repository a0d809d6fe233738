//! Everything with its place: what is left to do is to write it.

use super::ends::Drawn;
use super::look::Look;
use super::picture::{EdgeKind, Kind, LeftOut};
use crate::check::Severity;
use crate::layout::Point;

/// A node with its place.
#[derive(Debug, Clone)]
pub(super) struct Placed {
    pub(super) id: String,
    pub(super) kind: Kind,
    /// Further classes.
    pub(super) classes: Vec<&'static str>,
    pub(super) members: usize,
    pub(super) title: Vec<String>,
    pub(super) look: Look,
    pub(super) at: Point,
}

/// An edge with its way.
#[derive(Debug, Clone)]
pub(super) struct Joined {
    /// Indices of nodes.
    pub(super) a: usize,
    pub(super) b: usize,
    pub(super) kind: EdgeKind,
    pub(super) n: u32,
    /// The worst that a rule found about it.
    pub(super) found: Option<Severity>,
    /// What became of it: a class, where two maps are compared.
    pub(super) change: Option<&'static str>,
    pub(super) title: Vec<String>,
    pub(super) drawn: Drawn,
}

impl Joined {
    /// Whether it is only there to show where the others are.
    pub(super) fn is_pale(&self) -> bool {
        self.change == Some("stayed") && self.found.is_none()
    }
}

/// A heading of the shelf.
#[derive(Debug, Clone)]
pub(super) struct Heading {
    pub(super) text: String,
    /// Left end of its baseline.
    pub(super) at: Point,
    /// Where the line above it ends.
    pub(super) until: f64,
}

/// The whole picture.
#[derive(Debug, Clone)]
pub(super) struct Scene {
    pub(super) nodes: Vec<Placed>,
    pub(super) edges: Vec<Joined>,
    pub(super) headings: Vec<Heading>,
    /// Lines of the caption, the first one being the title.
    pub(super) caption: Vec<String>,
    /// How much larger than usual they are, and the legend.
    pub(super) scale: f64,
    pub(super) width: f64,
    /// Down to where nodes and shelf go; legend and notes follow.
    pub(super) height: f64,
    pub(super) left_out: LeftOut,
    pub(super) aggregated: Option<&'static str>,
    /// Each process stands for a group.
    pub(super) grouped: bool,
    /// Too many edges for an element each.
    pub(super) batched: bool,
    /// Too many nodes to say much about each.
    pub(super) terse: bool,
    /// Two maps are compared.
    pub(super) compared: bool,
    /// Ids of the hubs that are badges, in the order of their letters.
    pub(super) hubs: Vec<usize>,
}
