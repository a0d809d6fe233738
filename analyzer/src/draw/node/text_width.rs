//! The width of text, without reading a font.
//!
//! For each character it is that of the widest of the fonts that the pictures name (Helvetica, Arial
//! and their metric equals, DejaVu Sans), so that text fits with each of them.

use unicode_width::UnicodeWidthChar;

/// Advance of U+0020 to U+007E in thousandths of the font size: DejaVu Sans 2.37, where Helvetica
/// is wider (`@`, `J`, `c`, …) Helvetica.
const ASCII: [u16; 95] = [
    318, 401, 460, 838, 637, 951, 780, 275, 391, 391, 500, 838, 318, 361, 318, 337, 637, 637, 637,
    637, 637, 637, 637, 637, 637, 637, 337, 337, 838, 838, 838, 556, 1015, 685, 687, 722, 771, 667,
    611, 778, 752, 295, 500, 667, 558, 863, 749, 788, 667, 788, 722, 667, 611, 732, 685, 989, 686,
    667, 686, 391, 337, 391, 838, 556, 500, 613, 635, 550, 635, 616, 353, 635, 634, 278, 278, 580,
    278, 975, 634, 612, 635, 635, 412, 521, 393, 634, 592, 818, 592, 592, 525, 637, 337, 637, 838,
];
/// Bold over regular: the largest ratio of ASCII characters that names are made of.
pub(crate) const BOLD: f64 = 1.15;

/// Width of a character in thousandths of the font size; 0 for one that joins the one before it.
fn advance(character: char) -> u16 {
    match character {
        ' '..='~' => ASCII[character as usize - ' ' as usize],
        '…' => 1000,
        '×' | '→' | '↔' | '·' => 838,
        'À'..='ž' => 780,
        _ => match character.width() {
            None | Some(0) => 0,
            Some(1) => 1100,
            Some(_) => 1400,
        },
    }
}

/// Width of a line in drawing units.
pub(crate) fn width(text: &str, font_size: f64, bold: bool) -> f64 {
    let sum: u32 = text.chars().map(|c| u32::from(advance(c))).sum();
    f64::from(sum) / 1000.0 * font_size * if bold { BOLD } else { 1.0 }
}

/// Whether a character has a width. Characters without one (combining marks) can be piled up to cover
/// other text, so labels leave them out; tooltips keep them.
pub(crate) fn has_width(character: char) -> bool {
    advance(character) > 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wider_text_is_wider() {
        assert!(width("Xvfb", 10.0, false) > width("Xvf", 10.0, false));
        assert!(width("漢字", 10.0, false) >= 20.0);
        assert!(width("a", 10.0, true) > width("a", 10.0, false));
        assert!(width("~", 1000.0, false) == 838.0 && width(" ", 1000.0, false) == 318.0);
        assert!(!has_width('\u{301}') && has_width('é'));
    }
}
