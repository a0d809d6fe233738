//! Text set line by line into an outline.

use super::look::{Badge, Line, Look, SMALL_SIZE, Shape};
use super::picture::Marks;
use super::widths::width;

/// Lines from top to bottom.
#[derive(Default)]
pub(super) struct Stack {
    lines: Vec<(Option<&'static str>, Line)>,
    width: f64,
    height: f64,
}

/// Room for a glyph before a line.
const GLYPH: f64 = 12.0;
/// From one line's middle to the next's, in font sizes.
const LEADING: f64 = 1.2;

impl Stack {
    /// A line below the last one.
    pub(super) fn push(&mut self, text: String, class: &'static str, size: f64) {
        self.push_with(None, text, class, size);
    }

    /// A line with a glyph before it.
    pub(super) fn push_with(
        &mut self,
        glyph: Option<&'static str>,
        text: String,
        class: &'static str,
        size: f64,
    ) {
        let own = width(&text, size, class.contains("hub"));
        let shift = if glyph.is_some() { GLYPH } else { 0.0 };
        self.width = self.width.max(own + shift);
        // The baseline is about 0.85 of the way down a line of 1.2.
        let y = self.height + 0.95 * size;
        self.height += LEADING * size;
        self.lines.push((
            glyph,
            Line {
                text,
                class,
                size,
                x: shift / 2.0,
                y,
            },
        ));
    }

    /// The outline around all lines, with the marks in a last row.
    pub(super) fn finish(self, shape: Shape, pad: (f64, f64), marks: Marks) -> Look {
        let mut row = Vec::new();
        for (glyph, n) in [
            ("net", marks.foreign),
            ("unknown", marks.unknown),
            ("own", marks.own),
        ] {
            if n > 0 {
                let count = if n > 1 { n.to_string() } else { String::new() };
                row.push((glyph, width(&count, SMALL_SIZE, false), count));
            }
        }
        let row_width: f64 = row.iter().map(|(_, w, _)| GLYPH + w + 3.0).sum();
        let row_height = if row.is_empty() { 0.0 } else { 13.0 };
        let w = (self.width.max(row_width) + 2.0 * pad.0).ceil().max(16.0);
        let h = (self.height + row_height + 2.0 * pad.1).ceil();
        let top = -h / 2.0 + pad.1;
        let mut look = Look {
            shape,
            w,
            h,
            lines: Vec::new(),
            badges: Vec::new(),
            tags: Vec::new(),
            docked: Vec::new(),
            card: None,
            parts: Vec::new(),
        };
        for (glyph, mut line) in self.lines {
            line.y += top;
            if let Some(glyph) = glyph {
                let own = width(&line.text, line.size, false);
                look.badges.push(Badge {
                    glyph,
                    x: line.x - own / 2.0 - GLYPH / 2.0,
                    y: line.y - 0.35 * line.size,
                });
            }
            look.lines.push(line);
        }
        let mut x = -row_width / 2.0;
        let y = top + self.height + row_height - 5.0;
        for (glyph, w, count) in row {
            look.badges.push(Badge {
                glyph,
                x: x + GLYPH / 2.0,
                y,
            });
            if !count.is_empty() {
                look.lines.push(Line {
                    text: count,
                    class: "number",
                    size: SMALL_SIZE,
                    x: x + GLYPH + w / 2.0,
                    y: y + 0.35 * SMALL_SIZE,
                });
            }
            x += GLYPH + w + 3.0;
        }
        look
    }
}
