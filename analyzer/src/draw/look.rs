//! What a node shows and how large it is, in drawing units around its centre.

/// Font size of numbers in badges and circles.
pub(super) const SMALL_SIZE: f64 = 9.0;
/// Height of the row of hub badges under a box.
pub(super) const BADGE_HEIGHT: f64 = 15.0;

/// The outline of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// Sharp corners.
    Box,
    /// Nothing but the text, in a thin outline where it stands alone.
    Text,
    /// A circle.
    Circle,
    /// Round ends.
    Pill,
}

/// A line of text.
#[derive(Debug, Clone)]
pub(super) struct Line {
    pub(super) text: String,
    pub(super) class: &'static str,
    pub(super) size: f64,
    /// Its middle.
    pub(super) x: f64,
    /// Its baseline.
    pub(super) y: f64,
}

/// A small glyph within a node, with a count beside it.
#[derive(Debug, Clone)]
pub(super) struct Badge {
    /// Id of the glyph's definition.
    pub(super) glyph: &'static str,
    pub(super) x: f64,
    pub(super) y: f64,
}

/// A hub's badge on a client's box.
#[derive(Debug, Clone)]
pub(super) struct HubTag {
    /// Place of the hub in `Picture::hubs`.
    pub(super) hub: u32,
    pub(super) n: u32,
    /// Of pipes: whether the client reads, and whether it writes.
    pub(super) ways: (bool, bool),
    pub(super) w: f64,
    /// Its centre.
    pub(super) x: f64,
    pub(super) y: f64,
}

/// A node's outline, text and badges.
#[derive(Debug, Clone)]
pub(super) struct Look {
    pub(super) shape: Shape,
    pub(super) w: f64,
    pub(super) h: f64,
    pub(super) lines: Vec<Line>,
    pub(super) badges: Vec<Badge>,
    /// Below the outline: nodes that hang on this one, with the height of their centres.
    pub(super) docked: Vec<(u32, f64)>,
    /// Where the card ends that they stand on, as wide as the outline.
    pub(super) card: Option<f64>,
    /// Below the outline and the card.
    pub(super) tags: Vec<HubTag>,
    /// All that belongs to the node, as boxes (left, top, right, bottom) around its centre, its
    /// outline with the card first, then downwards.
    pub(super) parts: Vec<[f64; 4]>,
}

impl Look {
    /// Room that the node needs: its outline, and what hangs below it.
    pub(super) fn room(&self) -> (f64, f64) {
        let half = self.parts.iter().map(|part| part[2]).fold(0.0, f64::max);
        (2.0 * half, self.h + self.hanging())
    }

    /// Where the outline ends, and the card below it.
    pub(super) fn bottom(&self) -> f64 {
        self.card.unwrap_or(self.h / 2.0)
    }

    /// Height of what hangs below the outline.
    pub(super) fn hanging(&self) -> f64 {
        let bottom = self.parts.last().map_or(0.0, |part| part[3]);
        bottom - self.h / 2.0
    }
}

/// The letter that stands for a hub.
pub(super) fn hub_letter(hub: u32) -> char {
    char::from_u32(u32::from('A') + hub).unwrap_or('?')
}

/// What a hub's badge says.
pub(super) fn hub_label(hub: u32, n: u32) -> String {
    match n {
        1 => hub_letter(hub).to_string(),
        n => format!("{} ×{n}", hub_letter(hub)),
    }
}
