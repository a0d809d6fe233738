//! Incremental layout: nodes of the previous picture keep their position; new ones are placed near
//! their neighbours.

use std::collections::BTreeMap;
use std::f64::consts::TAU;

use super::grid::{Grid, around};
use super::layout::{self, GAP, layout_nodes};
use super::placement::{Heading, MARGIN, Placement};
use super::shelf_rows::{self, RULE, SHELF_GAP};
use crate::diff::ChangeStatus;
use crate::draw::graph::{Graph, Node, Shelf};
use crate::draw::node::shape::Shape;
use crate::draw::node::text_width::width;
use crate::draw::options::Layout;
use crate::layout::{LayeredError, Point};

/// Between two rings on which free positions are searched.
const RING: f64 = 10.0;
/// Between two positions on a ring.
const STEP: f64 = 24.0;
/// Most positions on a ring.
const MAX_STEPS: f64 = 120.0;
/// Rings after the first with a free position that are searched for a better one.
const MORE_RINGS: u32 = 5;
/// Gap between previous nodes below which a changed one moves aside.
const MIN_GAP: f64 = 1.5;
/// A position on a line is as bad as one that is so much farther away.
const LINE_COST: f64 = 40.0;
/// Lines that are tested for all new nodes together; with more, any free position will do.
const MAX_LINES: usize = 100_000;

/// Places all nodes below the caption. Of two with overlapping positions, the unchanged one keeps its.
pub(super) fn arrange(
    graph: &Graph,
    shapes: &[Shape],
    frame: &Placement,
    layout: Layout,
) -> Result<Placement, LayeredError> {
    let mut search = Search::new(graph, shapes, frame);
    search.place_previous();
    search.block_shelves(frame);
    search.place_new();
    let placed: Vec<bool> = search.positions.iter().map(Option::is_some).collect();
    let mut placement = search.placement(frame);
    let shelf = |(node, placed): (&Node, &bool)| if *placed { Shelf::None } else { node.shelf };
    let shelves: Vec<Shelf> = graph.nodes.iter().zip(&placed).map(shelf).collect();
    // Components without a previous node are a drawing of their own below.
    let mut nodes = layout_nodes(graph, &shelves);
    nodes.retain(|node| !placed[*node as usize]);
    if !nodes.is_empty() {
        let (centers, _) = layout::run(graph, shapes, &nodes, layout)?;
        let below = Point::new(0.0, placement.height);
        placement.put(shapes, &nodes, &centers.centers, below);
        placement.width = placement.width.max(centers.width);
        placement.height += centers.height;
    }
    let previous = placement.headings.len();
    shelf_rows::fill(graph, shapes, &shelves, &mut placement);
    for (number, heading) in placement.headings.iter_mut().enumerate() {
        heading.text = match heading.text.rsplit_once(" (") {
            // The number is that of the first map, of which noise is left out now.
            Some((text, _)) if number < previous => format!("Before: {text}"),
            _ => format!("Now: {}", heading.text),
        };
    }
    placement.place_attached(shapes);
    Ok(placement)
}

/// A search for free positions.
struct Search<'a> {
    graph: &'a Graph,
    shapes: &'a [Shape],
    /// The neighbours of each node, attached nodes counting as their owners.
    neighbours: Vec<Vec<u32>>,
    positions: Vec<Option<Point>>,
    /// Everything that is placed.
    occupied: Grid,
    /// Around a point, the first ring with a free position: occupied rings stay occupied.
    first_rings: BTreeMap<(u64, u64), u32>,
}

impl<'a> Search<'a> {
    fn new(graph: &'a Graph, shapes: &'a [Shape], frame: &Placement) -> Self {
        let owner = |node: u32| graph.nodes[node as usize].attached_to.unwrap_or(node);
        let mut neighbours = vec![Vec::new(); shapes.len()];
        for (node, list) in (0u32..).zip(graph.neighbours()) {
            neighbours[owner(node) as usize].extend(list.into_iter().map(owner));
        }
        for (node, list) in (0u32..).zip(&mut neighbours) {
            list.sort_unstable();
            list.dedup();
            list.retain(|other| *other != node);
        }
        let mut occupied = Grid::default();
        for heading in &frame.headings {
            let w = width(&heading.text, 11.0, false);
            let middle = heading.position + Point::new(w / 2.0, -4.0);
            occupied.add(around(middle, w, 14.0));
        }
        Self {
            graph,
            shapes,
            neighbours,
            positions: vec![None; shapes.len()],
            occupied,
            first_rings: BTreeMap::new(),
        }
    }

    /// The box around all parts of a node at a position, with a gap around it.
    fn extent(&self, node: u32, position: Point, gap: f64) -> [f64; 4] {
        let shape = &self.shapes[node as usize];
        let (w, h) = shape.full_size();
        let middle = position + Point::new(0.0, shape.height_below() / 2.0);
        around(middle, w + 2.0 * gap, h + 2.0 * gap)
    }

    fn put(&mut self, node: u32, position: Point) {
        self.occupied.add(self.extent(node, position, 0.0));
        self.positions[node as usize] = Some(position);
    }

    fn is_free(&self, node: u32, position: Point, gap: f64) -> bool {
        self.occupied.is_free(self.extent(node, position, gap))
    }

    /// Places nodes at their previous positions. One that has become too large for its own moves aside
    /// as little as possible.
    fn place_previous(&mut self) {
        let nodes = (0u32..).zip(&self.graph.nodes);
        let mut known: Vec<(bool, u32, Point)> = nodes
            .filter(|(_, node)| node.attached_to.is_none())
            .filter_map(|(index, node)| {
                let changed = node.change != ChangeStatus::Stayed;
                Some((changed, index, node.previous?))
            })
            .collect();
        known.sort_by_key(|(changed, node, _)| (*changed, *node));
        let mut crowded = Vec::new();
        for (changed, node, position) in known {
            let gap = if changed { MIN_GAP } else { 0.0 };
            match self.is_free(node, position, gap) {
                true => self.put(node, position),
                false => crowded.push((node, position)),
            }
        }
        for (node, position) in crowded {
            let found = self.nearest_free(node, MIN_GAP, position, &[position], &[]);
            self.put(node, found);
        }
    }

    /// Keeps new nodes off the previous shelves, whose headings are not true of them.
    fn block_shelves(&mut self, frame: &Placement) {
        let headings = frame.headings.iter();
        let tops = headings.map(|heading| heading.position.y - RULE);
        let top = tops.fold(frame.height, f64::min);
        let (w, h) = (frame.width, frame.height - top);
        if h > 0.0 {
            let middle = Point::new(w / 2.0, top + h / 2.0);
            self.occupied.add(around(middle, w, h));
        }
    }

    /// Places new nodes, those with the most placed neighbours first.
    fn place_new(&mut self) {
        let mut waiting: Vec<u32> = (0u32..)
            .zip(self.graph.nodes.iter().zip(&self.positions))
            .filter(|(_, (node, position))| node.attached_to.is_none() && position.is_none())
            .map(|(index, _)| index)
            .collect();
        let mut lines = self.lines();
        if lines.len() * waiting.len() > MAX_LINES {
            lines.clear();
        }
        // Nodes of one round are placed neighbours in the next.
        loop {
            let mut round: Vec<(usize, u32)> = waiting
                .iter()
                .map(|node| (self.placed_neighbours(*node).len(), *node))
                .filter(|(placed, _)| *placed > 0)
                .collect();
            if round.is_empty() {
                return;
            }
            round.sort_by_key(|(placed, node)| (std::cmp::Reverse(*placed), *node));
            for (_, node) in round {
                let anchors = self.placed_neighbours(node);
                let n = anchors.len() as f64;
                let sum = |of: fn(&Point) -> f64| anchors.iter().map(of).sum::<f64>();
                let middle = Point::new(sum(|p| p.x) / n, sum(|p| p.y) / n);
                let position = self.nearest_free(node, GAP, middle, &anchors, &lines);
                self.put(node, position);
            }
            waiting.retain(|node| self.positions[*node as usize].is_none());
        }
    }

    /// The positions of a node's placed neighbours.
    fn placed_neighbours(&self, node: u32) -> Vec<Point> {
        let position = |other: &u32| self.positions[*other as usize];
        let neighbours = self.neighbours[node as usize].iter();
        neighbours.filter_map(position).collect()
    }

    /// The edges between placed nodes.
    fn lines(&self) -> Vec<(Point, Point)> {
        let mut lines = Vec::new();
        for (node, list) in (0u32..).zip(&self.neighbours) {
            for other in list.iter().filter(|other| **other > node) {
                let from = self.positions[node as usize];
                lines.extend(from.zip(self.positions[*other as usize]));
            }
        }
        lines
    }

    /// The best free position around a point: near the anchors, not on lines. There always is one, as
    /// everything is free far enough out.
    fn nearest_free(
        &mut self,
        node: u32,
        gap: f64,
        around: Point,
        anchors: &[Point],
        lines: &[(Point, Point)],
    ) -> Point {
        let mut best: Option<(f64, Point)> = None;
        let key = (around.x.to_bits(), around.y.to_bits());
        let mut ring = self.first_rings.get(&key).copied().unwrap_or(0);
        let mut last = u32::MAX;
        while ring <= last {
            let radius = RING * f64::from(ring);
            let steps = (TAU * radius / STEP).clamp(1.0, MAX_STEPS) as u32;
            for step in 0..steps {
                let angle = TAU * f64::from(step) / f64::from(steps);
                let position = around + Point::new(radius * angle.cos(), radius * angle.sin());
                if !self.is_free(node, position, gap) {
                    continue;
                }
                if last == u32::MAX {
                    last = ring + MORE_RINGS;
                    self.first_rings.insert(key, ring);
                }
                let own = self.extent(node, position, 0.0);
                let far: f64 = anchors.iter().map(|p| p.distance(position)).sum();
                let crossed = lines.iter().filter(|line| crosses(**line, own)).count();
                let cost = far / anchors.len().max(1) as f64 + LINE_COST * crossed as f64;
                if best.is_none_or(|(least, _)| cost < least - 1e-6) {
                    best = Some((cost, position));
                }
            }
            ring += 1;
        }
        best.map_or(around, |(_, position)| position)
    }

    /// The headings of shelves that still have nodes, and where the last of them ends.
    fn headings(&self, frame: &Placement) -> (Vec<Heading>, f64) {
        let all = &frame.headings;
        let is_used = |number: usize| {
            let next = all.get(number + 1);
            let below = next.map_or(frame.height, |next| next.position.y);
            let rows = all[number].position.y..below;
            let mut positions = self.positions.iter().flatten();
            positions.any(|position| rows.contains(&position.y))
        };
        let used: Vec<usize> = (0..all.len()).filter(|number| is_used(*number)).collect();
        let after = used.last().map_or(0, |last| last + 1);
        let next = all.get(after);
        let end = next.map_or(frame.height, |next| next.position.y - RULE);
        let used = used.into_iter().map(|number| all[number].clone()).collect();
        (used, end)
    }

    /// Shifts everything to begin at the margins.
    fn placement(self, frame: &Placement) -> Placement {
        let (mut left, mut top) = (MARGIN, MARGIN);
        let (mut headings, end) = self.headings(frame);
        let (mut right, mut bottom) = (frame.width - MARGIN, end);
        for (node, position) in (0u32..).zip(&self.positions) {
            if let Some(position) = position {
                let own = self.extent(node, *position, 0.0);
                (left, top) = (left.min(own[0]), top.min(own[1]));
                (right, bottom) = (right.max(own[2]), bottom.max(own[3] + SHELF_GAP));
            }
        }
        let shift = Point::new(MARGIN - left, MARGIN - top);
        let width = right + shift.x + MARGIN;
        for heading in &mut headings {
            heading.position.y += shift.y;
            heading.right = width - MARGIN;
        }
        let shifted = |position: &Option<Point>| position.map(|p| p + shift).unwrap_or_default();
        Placement {
            positions: self.positions.iter().map(shifted).collect(),
            headings,
            width,
            height: bottom + shift.y,
            ..Placement::default()
        }
    }
}

/// Whether a line goes through a box (left, top, right, bottom).
fn crosses((from, to): (Point, Point), [left, top, right, bottom]: [f64; 4]) -> bool {
    let (dx, dy) = (to.x - from.x, to.y - from.y);
    let (mut begin, mut end) = (0.0f64, 1.0f64);
    for (start, d, low, high) in [(from.x, dx, left, right), (from.y, dy, top, bottom)] {
        if d.abs() < 1e-9 {
            if start < low || start > high {
                return false;
            }
            continue;
        }
        let (one, other) = ((low - start) / d, (high - start) / d);
        begin = begin.max(one.min(other));
        end = end.min(one.max(other));
    }
    begin < end
}
