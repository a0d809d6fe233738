//! Counts labels that overlap in a finished drawing.

/// Number of pairs of nodes and counts that overlap. For a node its box is used, which encloses all
/// of its text.
pub(crate) fn overlapping(svg: &str) -> usize {
    let mut boxes: Vec<[f64; 4]> = svg.lines().filter_map(extent).collect();
    boxes.sort_by(|a, b| a[0].total_cmp(&b[0]));
    let mut count = 0;
    for (at, a) in boxes.iter().enumerate() {
        let beside = boxes[at + 1..].iter().take_while(|b| b[0] < a[2] - ROUNDED);
        count += beside
            .filter(|b| a[3] > b[1] + ROUNDED && b[3] > a[1] + ROUNDED)
            .count();
    }
    count
}

/// Positions and sizes have one decimal.
const ROUNDED: f64 = 0.11;

/// Left, top, right, bottom of the element on a line of the document.
fn extent(line: &str) -> Option<[f64; 4]> {
    let number = |name: &str| attribute(line, name)?.parse::<f64>().ok();
    if line.starts_with("<g class=\"node ") {
        let place = attribute(line, "transform")?.strip_prefix("translate(")?;
        let (x, y) = place.strip_suffix(')')?.split_once(',')?;
        let (x, y): (f64, f64) = (x.parse().ok()?, y.parse().ok()?);
        let (w, h) = (number("data-w")? / 2.0, number("data-h")? / 2.0);
        return Some([x - w, y - h, x + w, y + h]);
    }
    if line.starts_with("<text class=\"count\"") {
        let (x, y, size) = (number("x")?, number("y")?, number("font-size")?);
        // Digits are slightly wider than half of their height.
        let digits = line.split_once('>')?.1.split_once('<')?.0.chars().count();
        let w = 0.56 * size * digits as f64 / 2.0;
        return Some([x - w, y - 0.8 * size, x + w, y]);
    }
    None
}

/// The first attribute of a name on a line.
fn attribute<'a>(line: &'a str, name: &str) -> Option<&'a str> {
    let begin = line.find(&format!(" {name}=\""))? + name.len() + 3;
    line[begin..].split('"').next()
}
