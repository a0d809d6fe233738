//! Writes colours and line styles, as style sheets.
//!
//! Two sheets: the first has plain colours in CSS 2, for every program that shows SVG; the second
//! repeats them as variables, for pages that set them, and switches to dark for `Theme::Auto`. A
//! program that cannot read the second one (older Inkscape) ignores that one alone.

use crate::draw::options::Theme;
use crate::text::xml::XmlWriter;

/// Colours: name, and how it is in the classic, the light and the dark palette.
const COLORS: [(&str, [&str; 3]); 22] = [
    ("ground", ["#ffffff", "#ffffff", "#14191d"]),
    ("ink", ["#000000", "#1c2b33", "#e8eef1"]),
    ("faint", ["#555555", "#5b6b74", "#9fb0b9"]),
    ("line", ["#6b6b6b", "#8597a1", "#6f828d"]),
    ("process", ["#66ffff", "#d8f1f5", "#15424d"]),
    ("outline", ["#004d4d", "#2f7f90", "#4fc3d9"]),
    ("socket", ["#ffffff", "#ffffff", "#dfe7ea"]),
    ("server", ["#ffee00", "#f6c945", "#f6c945"]),
    ("net", ["#ff2a2a", "#e5534b", "#ff6b61"]),
    ("mark", ["#000000", "#1c2b33", "#14191d"]),
    ("group", ["#b3ffff", "#eaf8fa", "#10323b"]),
    ("outside", ["#f4f4f4", "#f5f6f7", "#20272c"]),
    ("warn", ["#c00000", "#b3261e", "#ff8a80"]),
    ("pipe", ["#8a5a00", "#9a6b1f", "#d6a85a"]),
    ("hub", ["#5b2a86", "#6b4a9e", "#b79ae6"]),
    ("hub-ink", ["#ffffff", "#ffffff", "#14191d"]),
    ("added", ["#00802b", "#1a7f37", "#56d364"]),
    ("removed", ["#c00000", "#b3261e", "#ff8a80"]),
    ("changed", ["#b35900", "#a65a00", "#f0a050"]),
    ("faded", ["#cfd6d9", "#d3dade", "#36424a"]),
    ("faded-ink", ["#76828a", "#76848c", "#7b8b94"]),
    ("faded-fill", ["#f0fbfb", "#f6f9fa", "#1a2228"]),
];
/// Indices of the palettes.
const CLASSIC: usize = 0;
const LIGHT: usize = 1;
const DARK: usize = 2;

/// Selector, colours of the inside and of lines; empty: no rule.
const RULES: [(&str, &str, &str); 80] = [
    (".ground", "ground", ""),
    ("text", "ink", ""),
    (".detail", "faint", ""),
    (".note", "faint", ""),
    (".warn", "warn", ""),
    (".number", "ink", ""),
    (".rule", "", "line"),
    (".process .shape", "process", "outline"),
    (".group .shape", "", "outline"),
    (".group .behind", "group", "outline"),
    (".listener .shape", "ground", "faint"),
    (".docked .shape", "", "ground"),
    (".card", "ground", "outline"),
    (".socket .shape", "socket", "mark"),
    (".socket .number", "mark", ""),
    (".net .shape", "net", ""),
    (".pipe .shape", "ground", "pipe"),
    (".outside .shape", "outside", "faint"),
    (".badge .shape", "hub", ""),
    (".badge text", "hub-ink", ""),
    (".stayed .shape", "faded-fill", "faded"),
    (".stayed .behind", "ground", "faded"),
    (".listener.stayed .shape", "ground", ""),
    (".stayed .card", "", "faded"),
    (".stayed text", "faded-ink", ""),
    (".stayed .warn", "warn", ""),
    (".count.stayed", "faded-ink", ""),
    (".medium .shape", "", "warn"),
    (".high .shape", "", "warn"),
    (".pending path", "", "line"),
    (".unix path", "", "line"),
    (".net path", "", "net"),
    (".pipe path", "", "pipe"),
    (".pty path", "", "pipe"),
    (".channel path", "", "pipe"),
    (".holds path", "", "faint"),
    (".accepts path", "", "faint"),
    (".self", "faded", ""),
    (".cell .number", "mark", ""),
    (".cell.pipe .number", "ground", ""),
    (".cell.unix .shape", "server", "outline"),
    (".cell.net .shape", "net", "outline"),
    (".cell.pipe .shape", "pipe", "outline"),
    (".cell.mixed .shape", "process", "outline"),
    (".cell-key.unix .shape", "server", ""),
    (".cell-key.net .shape", "net", ""),
    (".cell-key.pipe .shape", "pipe", ""),
    (".cell-key.mixed .shape", "process", ""),
    (".star path", "", "ink"),
    (".stayed path", "", "faded"),
    (".medium path", "", "warn"),
    (".high path", "", "warn"),
    (".socket .sign", "mark", ""),
    (".count", "", "ground"),
    (".wt-glyph", "", "mark"),
    (".wt-g-socket", "socket", ""),
    (".wt-g-server", "server", ""),
    (".wt-g-net", "net", ""),
    (".wt-g-arrow", "pipe", "pipe"),
    (".wt-g-plain", "", "ink"),
    (".wt-g-dot", "mark", ""),
    // Twice, to outweigh what holds for all text.
    (".wt-g-number.wt-g-number", "mark", ""),
    (".wt-d-mark", "", "mark"),
    (".wt-d-socket", "", "socket"),
    (".wt-d-server", "", "server"),
    (".wt-d-net", "", "net"),
    (".wt-f-glyph", "", "faded"),
    (".wt-f-inside", "", "ground"),
    (".wt-f-socket", "ground", ""),
    (".wt-f-server", "ground", ""),
    (".wt-f-net", "ground", ""),
    (".wt-f-arrow", "faded", "faded"),
    (".wt-f-plain", "", "faded-ink"),
    (".wt-f-dot", "faded", ""),
    (".added .shape", "", "added"),
    (".removed .shape", "", "removed"),
    (".changed .shape", "", "changed"),
    (".added path", "", "added"),
    (".removed path", "", "removed"),
    (".changed path", "", "changed"),
];

/// Rules that do not depend on the theme.
const FIXED: &str = "\
.wt text{text-anchor:middle}
.wt .left text,.wt text.left{text-anchor:start}\n.wt text.sign{text-anchor:middle}
.wt .hub,.wt .title{font-weight:bold}
.wt .unix path,.wt .net path,.wt .pending path,.wt .pipe path,.wt .pty path,.wt .channel path,.wt .holds path,.wt .accepts path{fill:none}\n.wt-g-plain,.wt-f-plain{fill:none}
.wt .pending path{stroke-dasharray:3 3}
.wt .pipe path{stroke-dasharray:6 3}
.wt .pty path{stroke-dasharray:8 2 2 2}
.wt .channel path{stroke-dasharray:1 3}
.wt .holds path,.wt .accepts path{stroke-dasharray:1 2.5}
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
.wt .focus .shape{stroke-width:3}
.wt .wt-dots{fill:none;stroke-linecap:round}
.wt .rule{stroke-width:.5}
.wt .row text{text-anchor:end}
.wt .column text{text-anchor:start}
.wt .cell .shape{stroke-width:.5}
.wt .undirected .shape{fill-opacity:.35}
.wt .added .shape,.wt .removed .shape,.wt .changed .shape{stroke-width:2.5}
.wt .listener.added .shape{stroke-dasharray:none}
.wt .added path{stroke-dasharray:none;stroke-width:2.5}
.wt .removed .shape,.wt .removed path{stroke-dasharray:6 4}
.wt .removed path{stroke-width:2}
.wt .changed .shape,.wt .changed path{stroke-dasharray:10 3 2 3}
.wt .changed path{stroke-width:2.5}
";

/// Writes both sheets.
pub(super) fn write(xml: &mut XmlWriter, theme: Theme) {
    for sheet in sheets(theme) {
        xml.start("style").newline();
        for line in sheet.lines() {
            xml.text(line).newline();
        }
        xml.end().newline();
    }
}

/// The style sheet of plain colours, and that of variables.
fn sheets(theme: Theme) -> [String; 2] {
    let palette = match theme {
        Theme::Classic => CLASSIC,
        Theme::Light | Theme::Auto => LIGHT,
        Theme::Dark => DARK,
    };
    let color = |name: &str| {
        let known = COLORS.iter().find(|(known, _)| *known == name);
        known.map_or("", |(_, colors)| colors[palette]).to_owned()
    };
    let plain = format!("{FIXED}{}", rules(color));
    // Programs without variables must not see any: resvg draws a colour that it cannot read black.
    let light = declarations(palette);
    let mut variables = format!("@supports (fill:var(--wt-ink)){{.wt{{{light}}}\n");
    if theme == Theme::Auto {
        let dark = declarations(DARK);
        variables += &format!("@media (prefers-color-scheme:dark){{.wt{{{dark}}}}}\n");
    }
    variables += &rules(|name| format!("var(--wt-{name})"));
    variables += "}\n";
    [plain, variables]
}

fn rules(color: impl Fn(&str) -> String) -> String {
    let mut rules = String::new();
    for (selector, fill, stroke) in RULES {
        // Limited to the drawing, which may be part of a page. Glyphs are instances of definitions and
        // have no ancestors that a rule could name; they have unique names instead.
        let is_glyph = selector.starts_with(".wt-");
        let scope = if is_glyph { "" } else { ".wt " };
        for (property, name) in [("fill", fill), ("stroke", stroke)] {
            if !name.is_empty() {
                rules += &format!("{scope}{selector}{{{property}:{}}}\n", color(name));
            }
        }
    }
    rules
}

fn declarations(palette: usize) -> String {
    let declaration =
        |(name, colors): &(&str, [&str; 3])| format!("--wt-{name}:{};", colors[palette]);
    COLORS.iter().map(declaration).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_names_a_colour() {
        for (selector, fill, stroke) in RULES {
            for name in [fill, stroke].into_iter().filter(|name| !name.is_empty()) {
                assert!(
                    COLORS.iter().any(|(known, _)| *known == name),
                    "{selector}: {name}"
                );
            }
        }
        assert!(!sheets(Theme::Classic).concat().contains("@media"));
        assert!(sheets(Theme::Auto)[1].contains("prefers-color-scheme:dark"));
    }
}
