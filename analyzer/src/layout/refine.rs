//! Moves single boxes of a small drawing where they cross fewer edges.

use super::Point;
use super::adjacency::Adjacency;
use super::boxes::Boxes;
use super::metrics;

/// Pairs of edges that cross as straight lines between centres.
pub(crate) fn crossings(adjacency: &Adjacency, boxes: &Boxes) -> usize {
    let centers: Vec<Point> = boxes
        .x
        .iter()
        .zip(&boxes.y)
        .map(|(&x, &y)| Point { x, y })
        .collect();
    metrics::crossings(adjacency, &centers)
}
