//! The shape of a node: outline, text, badges, and what is attached below. In drawing units around the
//! centre of the outline.

use crate::draw::graph::HubBadge;

/// Font size of numbers in badges and circles.
pub(crate) const SMALL_SIZE: f64 = 9.0;
/// Height of the row of hub badges under a box.
pub(crate) const BADGE_HEIGHT: f64 = 15.0;

/// The outline of a node.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Outline {
    /// Sharp corners.
    #[default]
    Box,
    /// Nothing but the text, in a thin line where it is not attached.
    Text,
    /// A circle.
    Circle,
    /// Round ends.
    Pill,
}

/// A line of text.
#[derive(Debug, Clone)]
pub(crate) struct TextLine {
    pub(crate) text: String,
    pub(crate) class: &'static str,
    pub(crate) size: f64,
    /// Its middle.
    pub(crate) x: f64,
    /// Its baseline.
    pub(crate) y: f64,
}

/// A small glyph within a node.
#[derive(Debug, Clone)]
pub(crate) struct InnerGlyph {
    /// Id of the glyph's definition.
    pub(crate) glyph: &'static str,
    pub(crate) x: f64,
    pub(crate) y: f64,
}

/// The box of a hub's badge on a client.
#[derive(Debug, Clone)]
pub(crate) struct BadgeBox {
    pub(crate) badge: HubBadge,
    pub(crate) w: f64,
    /// Its centre.
    pub(crate) x: f64,
    pub(crate) y: f64,
}

/// The shape of a node.
#[derive(Debug, Clone, Default)]
pub(crate) struct Shape {
    pub(crate) outline: Outline,
    /// Size of the outline.
    pub(crate) w: f64,
    pub(crate) h: f64,
    pub(crate) lines: Vec<TextLine>,
    pub(crate) glyphs: Vec<InnerGlyph>,
    /// Nodes attached below the outline, with the height of their centres.
    pub(crate) attached: Vec<(u32, f64)>,
    /// Bottom of the card behind the attached nodes, which is as wide as the outline.
    pub(crate) card: Option<f64>,
    /// Below the outline and the card.
    pub(crate) hub_badges: Vec<BadgeBox>,
    /// All parts as boxes (left, top, right, bottom) around the centre: the outline with the card
    /// first, then downwards.
    pub(crate) parts: Vec<[f64; 4]>,
}

impl Shape {
    /// An outline without contents.
    pub(crate) fn new(outline: Outline, w: f64, h: f64) -> Self {
        Self {
            outline,
            w,
            h,
            ..Self::default()
        }
    }

    /// Width and height of all parts together.
    pub(crate) fn full_size(&self) -> (f64, f64) {
        let half = self.parts.iter().map(|part| part[2]).fold(0.0, f64::max);
        (2.0 * half, self.h + self.height_below())
    }

    /// Where the outline ends, and the card below it.
    pub(crate) fn bottom(&self) -> f64 {
        self.card.unwrap_or(self.h / 2.0)
    }

    /// Height of the parts below the outline.
    pub(crate) fn height_below(&self) -> f64 {
        self.parts.last().map_or(0.0, |part| part[3]) - self.h / 2.0
    }
}

/// The letter of a hub.
pub(crate) fn hub_letter(hub: u32) -> char {
    char::from_u32(u32::from('A') + hub).unwrap_or('?')
}

/// The text of a hub's badge.
pub(crate) fn hub_label(badge: &HubBadge) -> String {
    let letter = hub_letter(badge.hub);
    match badge.n {
        1 => letter.to_string(),
        n => format!("{letter} ×{n}"),
    }
}
