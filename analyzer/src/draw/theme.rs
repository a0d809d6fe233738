//! Colours and line styles, as style sheets.
//!
//! Two sheets: the first has plain colours in plain CSS 2, for every program that shows SVG; the
//! second repeats them as variables, for pages that want to set them, and switches to dark where
//! asked. A program that cannot read the second one (older Inkscape) drops that one alone.

use std::fmt::Write as _;

/// A set of colours.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Theme {
    /// Cyan boxes, white, yellow and red circles.
    #[default]
    Classic,
    /// Quieter, on white.
    Light,
    /// On near-black.
    Dark,
    /// Light or dark, as the reader's system prefers.
    Auto,
}

impl Theme {
    /// As on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Classic => "classic",
            Self::Light => "light",
            Self::Dark => "dark",
            Self::Auto => "auto",
        }
    }
}

/// Names of the colours, in the order of the palettes.
const NAMES: [&str; 22] = [
    "ground",
    "ink",
    "faint",
    "line",
    "process",
    "outline",
    "socket",
    "server",
    "net",
    "mark",
    "group",
    "outside",
    "warn",
    "pipe",
    "hub",
    "hub-ink",
    "added",
    "removed",
    "changed",
    "faded",
    "faded-ink",
    "faded-fill",
];
const CLASSIC: [&str; 22] = [
    "#ffffff", "#000000", "#555555", "#6b6b6b", "#66ffff", "#004d4d", "#ffffff", "#ffee00",
    "#ff2a2a", "#000000", "#b3ffff", "#f4f4f4", "#c00000", "#8a5a00", "#5b2a86", "#ffffff",
    "#00802b", "#c00000", "#b35900", "#cfd6d9", "#76828a", "#f0fbfb",
];
const LIGHT: [&str; 22] = [
    "#ffffff", "#1c2b33", "#5b6b74", "#8597a1", "#d8f1f5", "#2f7f90", "#ffffff", "#f6c945",
    "#e5534b", "#1c2b33", "#eaf8fa", "#f5f6f7", "#b3261e", "#9a6b1f", "#6b4a9e", "#ffffff",
    "#1a7f37", "#b3261e", "#a65a00", "#d3dade", "#76848c", "#f6f9fa",
];
const DARK: [&str; 22] = [
    "#14191d", "#e8eef1", "#9fb0b9", "#6f828d", "#15424d", "#4fc3d9", "#dfe7ea", "#f6c945",
    "#ff6b61", "#14191d", "#10323b", "#20272c", "#ff8a80", "#d6a85a", "#b79ae6", "#14191d",
    "#56d364", "#ff8a80", "#f0a050", "#36424a", "#7b8b94", "#1a2228",
];

/// Selector, property, name of the colour.
const RULES: [(&str, &str, &str); 77] = [
    (".ground", "fill", "ground"),
    ("text", "fill", "ink"),
    (".detail", "fill", "faint"),
    (".note", "fill", "faint"),
    (".warn", "fill", "warn"),
    (".number", "fill", "ink"),
    (".rule", "stroke", "line"),
    (".process .shape", "fill", "process"),
    (".process .shape", "stroke", "outline"),
    (".group .shape", "stroke", "outline"),
    (".group .behind", "fill", "group"),
    (".group .behind", "stroke", "outline"),
    (".listener .shape", "fill", "ground"),
    (".listener .shape", "stroke", "faint"),
    (".docked .shape", "stroke", "ground"),
    (".card", "fill", "ground"),
    (".card", "stroke", "outline"),
    (".socket .shape", "fill", "socket"),
    (".socket .shape", "stroke", "mark"),
    (".socket .number", "fill", "mark"),
    (".net .shape", "fill", "net"),
    (".pipe .shape", "fill", "ground"),
    (".pipe .shape", "stroke", "pipe"),
    (".outside .shape", "fill", "outside"),
    (".outside .shape", "stroke", "faint"),
    (".badge .shape", "fill", "hub"),
    (".badge text", "fill", "hub-ink"),
    (".stayed .shape", "fill", "faded-fill"),
    (".stayed .shape", "stroke", "faded"),
    (".stayed .behind", "fill", "ground"),
    (".stayed .behind", "stroke", "faded"),
    (".listener.stayed .shape", "fill", "ground"),
    (".stayed .card", "stroke", "faded"),
    (".stayed text", "fill", "faded-ink"),
    (".stayed .warn", "fill", "warn"),
    (".count.stayed", "fill", "faded-ink"),
    (".medium .shape", "stroke", "warn"),
    (".high .shape", "stroke", "warn"),
    (".pending path", "stroke", "line"),
    (".unix path", "stroke", "line"),
    (".net path", "stroke", "net"),
    (".pipe path", "stroke", "pipe"),
    (".holds path", "stroke", "faint"),
    (".star path", "stroke", "ink"),
    (".stayed path", "stroke", "faded"),
    (".medium path", "stroke", "warn"),
    (".high path", "stroke", "warn"),
    (".socket .sign", "fill", "mark"),
    (".count", "stroke", "ground"),
    (".wt-glyph", "stroke", "mark"),
    (".wt-g-socket", "fill", "socket"),
    (".wt-g-server", "fill", "server"),
    (".wt-g-net", "fill", "net"),
    (".wt-g-arrow", "fill", "pipe"),
    (".wt-g-arrow", "stroke", "pipe"),
    (".wt-g-plain", "stroke", "ink"),
    (".wt-g-dot", "fill", "mark"),
    // Twice, to outweigh what holds for all text.
    (".wt-g-number.wt-g-number", "fill", "mark"),
    (".wt-d-mark", "stroke", "mark"),
    (".wt-d-socket", "stroke", "socket"),
    (".wt-d-server", "stroke", "server"),
    (".wt-d-net", "stroke", "net"),
    (".wt-f-glyph", "stroke", "faded"),
    (".wt-f-inside", "stroke", "ground"),
    (".wt-f-socket", "fill", "ground"),
    (".wt-f-server", "fill", "ground"),
    (".wt-f-net", "fill", "ground"),
    (".wt-f-arrow", "fill", "faded"),
    (".wt-f-arrow", "stroke", "faded"),
    (".wt-f-plain", "stroke", "faded-ink"),
    (".wt-f-dot", "fill", "faded"),
    (".added .shape", "stroke", "added"),
    (".removed .shape", "stroke", "removed"),
    (".changed .shape", "stroke", "changed"),
    (".added path", "stroke", "added"),
    (".removed path", "stroke", "removed"),
    (".changed path", "stroke", "changed"),
];

/// What does not change with the theme.
const FIXED: &str = "\
.wt text{text-anchor:middle}
.wt .left text,.wt text.left{text-anchor:start}\n.wt text.sign{text-anchor:middle}
.wt .hub,.wt .title{font-weight:bold}
.wt .unix path,.wt .net path,.wt .pending path,.wt .pipe path,.wt .holds path{fill:none}\n.wt-g-plain,.wt-f-plain{fill:none}
.wt .pending path{stroke-dasharray:3 3}
.wt .pipe path{stroke-dasharray:6 3}
.wt .holds path{stroke-dasharray:1 2.5}
.wt .star path{stroke-dasharray:.1 4;stroke-linecap:round}
.wt .listener .shape{stroke-width:.6}
.wt .docked.stayed .shape{stroke:none}
.wt .outside .shape,.wt .unread .shape{stroke-dasharray:4 2}
.wt .batch path{stroke-opacity:.5}
.wt .batch.finding path,.wt .batch.added path,.wt .batch.removed path,.wt .batch.changed path{stroke-opacity:1}
.wt-g-number{stroke:none}
.wt .medium .shape{stroke-width:2}
.wt .high .shape{stroke-width:3.5}
.wt .count{stroke-width:3;stroke-linejoin:round;paint-order:stroke}
.wt .wt-dots{fill:none;stroke-linecap:round}
.wt .rule{stroke-width:.5}
.wt .added .shape,.wt .removed .shape,.wt .changed .shape{stroke-width:2.5}
.wt .listener.added .shape{stroke-dasharray:none}
.wt .added path{stroke-dasharray:none;stroke-width:2.5}
.wt .removed .shape,.wt .removed path{stroke-dasharray:6 4}
.wt .removed path{stroke-width:2}
.wt .changed .shape,.wt .changed path{stroke-dasharray:10 3 2 3}
.wt .changed path{stroke-width:2.5}
";

/// Both sheets, as elements.
pub(super) fn sheets(theme: Theme) -> String {
    let palette = match theme {
        Theme::Classic => &CLASSIC,
        Theme::Light | Theme::Auto => &LIGHT,
        Theme::Dark => &DARK,
    };
    let mut out = String::from("<style>\n");
    out.push_str(FIXED);
    for (selector, property, name) in RULES {
        let color = NAMES
            .iter()
            .position(|known| *known == name)
            .map_or("", |at| palette[at]);
        let selector = within(selector);
        let _ = writeln!(out, "{selector}{{{property}:{color}}}");
    }
    // What knows no variables must not see any: resvg takes a colour it cannot read for black.
    out.push_str("</style>\n<style>\n@supports (fill:var(--wt-ink)){.wt{");
    declare(&mut out, palette);
    out.push_str("}\n");
    if theme == Theme::Auto {
        out.push_str("@media (prefers-color-scheme:dark){.wt{");
        declare(&mut out, &DARK);
        out.push_str("}}\n");
    }
    for (selector, property, name) in RULES {
        let selector = within(selector);
        let _ = writeln!(out, "{selector}{{{property}:var(--wt-{name})}}");
    }
    out.push_str("}\n</style>\n");
    out
}

/// Rules hold within the drawing alone, since it may stand in a page. Glyphs are instances of a
/// definition and have no ancestors that a rule could name, so their own names keep them apart.
fn within(selector: &str) -> String {
    match selector.starts_with(".wt-") {
        true => selector.to_owned(),
        false => format!(".wt {selector}"),
    }
}

fn declare(out: &mut String, palette: &[&str; 22]) {
    for (name, color) in NAMES.iter().zip(palette) {
        let _ = write!(out, "--wt-{name}:{color};");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_names_a_colour() {
        for (selector, _, name) in RULES {
            assert!(NAMES.contains(&name), "{selector}: {name}");
        }
        assert!(!sheets(Theme::Classic).contains("@media"));
        assert!(sheets(Theme::Auto).contains("prefers-color-scheme:dark"));
    }
}
