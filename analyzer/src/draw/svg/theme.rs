//! Writes colours and line styles, as style sheets.
//!
//! Two sheets: the first has plain colours in CSS 2, for every program that shows SVG; the second
//! repeats them as variables, for pages that set them, and switches to dark for `Theme::Auto`. A
//! program that cannot read the second one (older Inkscape) ignores that one alone.

use crate::draw::options::Theme;
use crate::text::xml::XmlWriter;

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

/// Rules that do not depend on the theme.
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
        Theme::Classic => &CLASSIC,
        Theme::Light | Theme::Auto => &LIGHT,
        Theme::Dark => &DARK,
    };
    let color = |name: &str| {
        let index = NAMES.iter().position(|known| *known == name);
        index.map_or("", |index| palette[index]).to_owned()
    };
    let plain = format!("{FIXED}{}", rules(color));
    // Programs without variables must not see any: resvg draws a colour that it cannot read black.
    let mut variables = format!(
        "@supports (fill:var(--wt-ink)){{.wt{{{}}}\n",
        declarations(palette)
    );
    if theme == Theme::Auto {
        let dark = declarations(&DARK);
        variables += &format!("@media (prefers-color-scheme:dark){{.wt{{{dark}}}}}\n");
    }
    variables += &rules(|name| format!("var(--wt-{name})"));
    variables += "}\n";
    [plain, variables]
}

fn rules(color: impl Fn(&str) -> String) -> String {
    let rule = |(selector, property, name): &(&str, &str, &str)| {
        format!("{}{{{property}:{}}}\n", scoped(selector), color(name))
    };
    RULES.iter().map(rule).collect()
}

/// Limits a rule to the drawing, which may be part of a page. Glyphs are instances of definitions and
/// have no ancestors that a rule could name; they have unique names instead.
fn scoped(selector: &str) -> String {
    match selector.starts_with(".wt-") {
        true => selector.to_owned(),
        false => format!(".wt {selector}"),
    }
}

fn declarations(palette: &[&str; 22]) -> String {
    let colors = NAMES.iter().zip(palette);
    colors
        .map(|(name, color)| format!("--wt-{name}:{color};"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_names_a_colour() {
        for (selector, _, name) in RULES {
            assert!(NAMES.contains(&name), "{selector}: {name}");
        }
        assert!(!sheets(Theme::Classic).concat().contains("@media"));
        assert!(sheets(Theme::Auto)[1].contains("prefers-color-scheme:dark"));
    }
}
