//! Sets text line by line into an outline.

use super::shape::{InnerGlyph, Outline, SMALL_SIZE, Shape, TextLine};
use super::text_width::width;
use crate::draw::graph::UndrawnSockets;

/// Lines from top to bottom.
#[derive(Default)]
pub(crate) struct TextBlock {
    lines: Vec<(Option<&'static str>, TextLine)>,
    width: f64,
    height: f64,
}

/// Width of a glyph before a line.
const GLYPH: f64 = 12.0;
/// From the middle of one line to that of the next, in font sizes.
const LEADING: f64 = 1.2;

impl TextBlock {
    /// A line below the last one.
    pub(crate) fn push(&mut self, text: String, class: &'static str, size: f64) {
        self.push_with(None, text, class, size);
    }

    /// A line with a glyph before it.
    pub(crate) fn push_with(
        &mut self,
        glyph: Option<&'static str>,
        text: String,
        class: &'static str,
        size: f64,
    ) {
        let own = width(&text, size, class.contains("hub"));
        let shift = if glyph.is_some() { GLYPH } else { 0.0 };
        self.width = self.width.max(own + shift);
        // The baseline is at about 0.8 of the line's height.
        let y = self.height + 0.95 * size;
        self.height += LEADING * size;
        let x = shift / 2.0;
        let line = TextLine {
            text,
            class,
            size,
            x,
            y,
        };
        self.lines.push((glyph, line));
    }

    /// The outline around all lines, with the numbers of undrawn sockets in a last row.
    pub(crate) fn finish(
        self,
        outline: Outline,
        padding: (f64, f64),
        undrawn: UndrawnSockets,
    ) -> Shape {
        let mut row = Vec::new();
        for (glyph, n) in [
            ("net", undrawn.foreign),
            ("unknown", undrawn.unknown),
            ("own", undrawn.own),
        ] {
            if n > 0 {
                let count = if n > 1 { n.to_string() } else { String::new() };
                row.push((glyph, width(&count, SMALL_SIZE, false), count));
            }
        }
        let row_width: f64 = row.iter().map(|(_, w, _)| GLYPH + w + 3.0).sum();
        let row_height = if row.is_empty() { 0.0 } else { 13.0 };
        let w = (self.width.max(row_width) + 2.0 * padding.0).ceil();
        let w = w.max(16.0);
        let h = (self.height + row_height + 2.0 * padding.1).ceil();
        let top = -h / 2.0 + padding.1;
        let mut shape = Shape::new(outline, w, h);
        for (glyph, mut line) in self.lines {
            line.y += top;
            if let Some(glyph) = glyph {
                let own = width(&line.text, line.size, false);
                shape.glyphs.push(InnerGlyph {
                    glyph,
                    x: line.x - own / 2.0 - GLYPH / 2.0,
                    y: line.y - 0.35 * line.size,
                });
            }
            shape.lines.push(line);
        }
        let mut x = -row_width / 2.0;
        let y = top + self.height + row_height - 5.0;
        for (glyph, w, count) in row {
            shape.glyphs.push(InnerGlyph {
                glyph,
                x: x + GLYPH / 2.0,
                y,
            });
            if !count.is_empty() {
                shape.lines.push(TextLine {
                    text: count,
                    class: "number",
                    size: SMALL_SIZE,
                    x: x + GLYPH + w / 2.0,
                    y: y + 0.35 * SMALL_SIZE,
                });
            }
            x += GLYPH + w + 3.0;
        }
        shape
    }
}
