//! Wraps the caption to the width of the drawing, and computes its sizes.

use crate::draw::node::text_width::BOLD;
use crate::draw::node::truncate;

/// Font size of the title.
pub(crate) const TITLE_SIZE: f64 = 18.0;
/// Font size of the other lines.
pub(crate) const NOTE_SIZE: f64 = 11.0;
/// Above the title.
const TOP: f64 = 16.0;
/// From line to line, in font sizes.
const LEADING: f64 = 1.35;
/// Width of a screen. A wider drawing is seen smaller, so its caption and legend are larger.
const SCREEN_WIDTH: f64 = 1600.0;
/// Largest scale of the caption.
const MAX_SCALE: f64 = 4.0;

/// The scale of the caption and the legend of a drawing of a width.
pub(crate) fn scale(width: f64) -> f64 {
    (width / SCREEN_WIDTH).clamp(1.0, MAX_SCALE)
}

/// The caption with its title cut and its other lines wrapped to a width, before scaling.
pub(crate) fn wrap(lines: &[String], width: f64) -> Vec<String> {
    let mut wrapped = Vec::new();
    for (number, line) in lines.iter().enumerate() {
        match number {
            0 => wrapped.push(truncate::end(line, TITLE_SIZE, width / BOLD)),
            _ => wrapped.extend(truncate::wrap(line, NOTE_SIZE, width)),
        }
    }
    wrapped
}

/// Height of the caption, before scaling.
pub(crate) fn height(lines: &[String]) -> f64 {
    TOP + LEADING * (TITLE_SIZE + NOTE_SIZE * (lines.len() as f64 - 1.0))
}

/// The baseline of a line, before scaling.
pub(crate) fn baseline(line: usize) -> f64 {
    match line {
        0 => TOP + TITLE_SIZE,
        n => TOP + LEADING * TITLE_SIZE + LEADING * NOTE_SIZE * (n as f64 - 1.0) + NOTE_SIZE,
    }
}
