//! Plane geometry of the quality measures.

use whotalks::layout::Point;

/// Without `hypot`, which is many times slower; nothing here overflows.
pub(crate) fn distance(p: Point, q: Point) -> f64 {
    ((p.x - q.x).powi(2) + (p.y - q.y).powi(2)).sqrt()
}

/// Whether the segments `ab` and `cd` cross at an inner point of both.
pub(crate) fn cross(a: Point, b: Point, c: Point, d: Point) -> bool {
    let side = |p: Point, q: Point, r: Point| (q.x - p.x) * (r.y - p.y) - (q.y - p.y) * (r.x - p.x);
    side(a, b, c) * side(a, b, d) < 0.0 && side(c, d, a) * side(c, d, b) < 0.0
}

/// Whether the segment `pq` passes through the box around `middle`.
pub(crate) fn through(
    p: Point,
    q: Point,
    middle: Point,
    half_width: f64,
    half_height: f64,
) -> bool {
    let (mut enter, mut leave) = (0.0f64, 1.0f64);
    for (from, to, center, half) in [
        (p.x, q.x, middle.x, half_width),
        (p.y, q.y, middle.y, half_height),
    ] {
        let run = to - from;
        if run.abs() < 1e-12 {
            if (from - center).abs() >= half {
                return false;
            }
            continue;
        }
        let (s, t) = ((center - half - from) / run, (center + half - from) / run);
        enter = enter.max(s.min(t));
        leave = leave.min(s.max(t));
    }
    enter < leave
}

/// Convex hull by Andrew's monotone chain.
pub(crate) fn hull(mut points: Vec<Point>) -> Vec<Point> {
    points.sort_by(|p, q| p.x.total_cmp(&q.x).then(p.y.total_cmp(&q.y)));
    let mut hull: Vec<Point> = Vec::new();
    for pass in 0..2 {
        let begin = hull.len();
        for &p in &points {
            while hull.len() >= begin + 2 {
                let (a, b) = (hull[hull.len() - 2], hull[hull.len() - 1]);
                if (b.x - a.x) * (p.y - a.y) - (b.y - a.y) * (p.x - a.x) > 0.0 {
                    break;
                }
                hull.pop();
            }
            hull.push(p);
        }
        hull.pop();
        if pass == 0 {
            points.reverse();
        }
    }
    hull
}
