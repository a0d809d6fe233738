//! Numbers and path data of SVG.

use std::fmt::Write as _;

use crate::draw::edge::Line;
use crate::layout::Point;

/// A number with one decimal; never `-0`.
pub(super) fn num(value: f64) -> String {
    let rounded = (value * 10.0).round() / 10.0;
    // Adding zero turns -0 into 0.
    format!("{}", rounded + 0.0)
}

/// The path data of an edge.
pub(super) fn line_data(line: &Line) -> String {
    let pair = |point: &Point| format!("{} {}", num(point.x), num(point.y));
    match line {
        Line::Straight(from, to) => format!("M{}L{}", pair(from), pair(to)),
        Line::Bent(from, control, to) => {
            format!("M{}Q{} {}", pair(from), pair(control), pair(to))
        }
        Line::Curves(points) => {
            let rest: Vec<String> = points[1..].iter().map(pair).collect();
            format!("M{}C{}", pair(&points[0]), rest.join(" "))
        }
    }
}

/// As [`line_data`], for one of very many edges: in whole units, each point relative to the last.
pub(super) fn coarse_line_data(line: &Line) -> String {
    match line {
        Line::Straight(from, to) => relative('l', 1, &[*from, *to]),
        Line::Bent(from, control, to) => relative('q', 2, &[*from, *control, *to]),
        Line::Curves(points) => relative('c', 3, points),
    }
}

/// Relative path data of segments of one kind, with so many points each after the start.
pub(super) fn relative(kind: char, each: usize, points: &[Point]) -> String {
    let Some((first, rest)) = points.split_first() else {
        return String::new();
    };
    let mut start = (whole(first.x), whole(first.y));
    let mut out = format!("M{} {}{kind}", start.0, start.1);
    let letter = out.len();
    for segment in rest.chunks(each) {
        let mut end = start;
        for point in segment {
            end = (whole(point.x), whole(point.y));
            for delta in [end.0 - start.0, end.1 - start.1] {
                // A minus sign separates numbers, and so does the letter.
                if delta >= 0.0 && out.len() > letter {
                    out.push(' ');
                }
                let _ = write!(out, "{}", delta + 0.0);
            }
        }
        start = end;
    }
    out
}

/// A whole number; never `-0`.
pub(super) fn whole(value: f64) -> f64 {
    value.round() + 0.0
}
