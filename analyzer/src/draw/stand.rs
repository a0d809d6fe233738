//! Places beside places: what has a spot from an earlier picture keeps it, what came since finds
//! room near those it talks to, and nobody else makes way.

use std::collections::BTreeMap;

use super::dock;
use super::geometry::Grid;
use super::kept::Frame;
use super::look::Look;
use super::picture::{Picture, Stand};
use super::place::{self, GAP, MARGIN, Standing};
use super::rows::{self, RULE};
use super::scene::Heading;
use super::widths::width;
use super::{DrawError, Options};
use crate::diff::ChangeStatus;
use crate::layout::Point;

/// Between two rings on which room is looked for.
const RING: f64 = 10.0;
/// Between two places on one.
const APART: f64 = 24.0;
/// Rings beyond the first with room, whose places are compared with that one's.
const MORE_RINGS: u32 = 5;
/// Less than this between two that were there, and one of them moves aside.
const CLOSE: f64 = 1.5;
/// As bad as so much distance: to stand on a line.
const ON_A_LINE: f64 = 40.0;
/// Lines that are looked at for all newcomers together; with more, any free place will do.
const MOST_LINES: usize = 100_000;

/// Everything that hangs on no other node gets a place. Two that claim the same room: who stayed as
/// it was has it.
pub(super) fn beside(
    picture: &Picture,
    looks: &[Look],
    stands: &[Stand],
    frame: &Frame,
    options: &Options,
) -> Result<Standing, DrawError> {
    let mut room = Room::new(picture, looks, frame);
    room.keep();
    room.close_shelves(frame);
    room.join();
    let mut standing = room.standing(frame);
    let mut stands = stands.to_vec();
    for (at, stand) in stands.iter_mut().enumerate() {
        if standing.placed(at) {
            *stand = Stand::Main;
        }
    }
    // Those that hang together, and with nothing that was there: a drawing of their own below.
    let owners = dock::owners(picture);
    let mut main = place::main_nodes(&stands, &owners);
    main.retain(|at| !standing.placed(*at as usize));
    if !main.is_empty() {
        let (positions, _) = place::main_layout(picture, looks, &main, options)?;
        for (&at, center) in main.iter().zip(&positions.centers) {
            standing.spots[at as usize] = Point {
                x: center.x,
                y: standing.bottom + center.y - looks[at as usize].hanging() / 2.0,
            };
        }
        standing.width = standing.width.max(positions.width);
        standing.bottom += positions.height;
    }
    let known = standing.headings.len();
    standing.bottom = rows::fill(
        picture,
        looks,
        &stands,
        standing.width,
        standing.bottom,
        &mut standing.spots,
        &mut standing.headings,
    );
    for (at, heading) in standing.headings.iter_mut().enumerate() {
        heading.text = match heading.text.rsplit_once(" (") {
            // How many stood there then; who is noise stands there no more.
            Some((text, _)) if at < known => format!("Before: {text}"),
            _ => format!("Now: {}", heading.text),
        };
    }
    Ok(standing)
}

/// Who stands where, and what is free.
struct Room<'a> {
    picture: &'a Picture,
    looks: &'a [Look],
    /// Of each node, who it talks to, those that hang on others being those.
    neighbours: Vec<Vec<u32>>,
    /// Whether a node hangs on another.
    hangs: Vec<bool>,
    spots: Vec<Option<Point>>,
    full: Grid,
    /// Around a point, the first ring with room: what was full stays full.
    begin: BTreeMap<(u64, u64), u32>,
}

impl<'a> Room<'a> {
    fn new(picture: &'a Picture, looks: &'a [Look], frame: &Frame) -> Self {
        let owners = dock::owners(picture);
        let whole = |at: u32| owners[at as usize].unwrap_or(at);
        let mut neighbours = vec![Vec::new(); looks.len()];
        for (at, list) in (0u32..).zip(picture.neighbours()) {
            neighbours[whole(at) as usize].extend(list.into_iter().map(whole));
        }
        for (at, list) in (0u32..).zip(&mut neighbours) {
            list.sort_unstable();
            list.dedup();
            list.retain(|other| *other != at);
        }
        let mut full = Grid::default();
        for heading in &frame.headings {
            let w = width(&heading.text, 11.0, false);
            let from = Point {
                x: heading.at.x + w / 2.0,
                y: heading.at.y - 4.0,
            };
            full.add(from, w, 14.0);
        }
        Self {
            picture,
            looks,
            neighbours,
            hangs: owners.iter().map(Option::is_some).collect(),
            spots: vec![None; looks.len()],
            full,
            begin: BTreeMap::new(),
        }
    }

    /// The middle and size of all that belongs to a node at a spot.
    fn extent(&self, at: u32, spot: Point) -> (Point, f64, f64) {
        let look = &self.looks[at as usize];
        let (w, h) = look.room();
        let middle = Point {
            x: spot.x,
            y: spot.y + look.hanging() / 2.0,
        };
        (middle, w, h)
    }

    fn put(&mut self, at: u32, spot: Point) {
        let (middle, w, h) = self.extent(at, spot);
        self.full.add(middle, w, h);
        self.spots[at as usize] = Some(spot);
    }

    fn is_free(&self, at: u32, spot: Point, gap: f64) -> bool {
        let (middle, w, h) = self.extent(at, spot);
        self.full.is_free(middle, w + 2.0 * gap, h + 2.0 * gap)
    }

    /// Who was there stays there; who grew too large for its place goes as little aside as it can.
    fn keep(&mut self) {
        let nodes = &self.picture.nodes;
        let mut known: Vec<(bool, u32, Point)> = (0u32..)
            .zip(nodes)
            .filter(|(at, _)| !self.hangs[*at as usize])
            .filter_map(|(at, node)| Some((node.change != ChangeStatus::Stayed, at, node.spot?)))
            .collect();
        known.sort_by_key(|(changed, at, _)| (*changed, *at));
        let mut crowded = Vec::new();
        for (changed, at, spot) in known {
            let gap = if changed { CLOSE } else { 0.0 };
            match self.is_free(at, spot, gap) {
                true => self.put(at, spot),
                false => crowded.push((at, spot)),
            }
        }
        for (at, spot) in crowded {
            let found = self.near(at, CLOSE, spot, &[spot], &[]);
            self.put(at, found);
        }
    }

    /// A shelf says of all that stand on it what is true of those that were there: whoever comes stands
    /// elsewhere.
    fn close_shelves(&mut self, frame: &Frame) {
        let tops = frame.headings.iter().map(|heading| heading.at.y - RULE);
        let top = tops.fold(frame.bottom, f64::min);
        let (w, h) = (frame.width, frame.bottom - top);
        if h > 0.0 {
            let middle = Point {
                x: w / 2.0,
                y: top + h / 2.0,
            };
            self.full.add(middle, w, h);
        }
    }

    /// Newcomers, those with the most known neighbours first.
    fn join(&mut self) {
        let mut waiting: Vec<u32> = (0u32..)
            .take(self.looks.len())
            .filter(|at| !self.hangs[*at as usize] && self.spots[*at as usize].is_none())
            .collect();
        let lines = self.lines();
        let lines = match lines.len() * waiting.len() <= MOST_LINES {
            true => lines,
            false => Vec::new(),
        };
        // In rounds: who came in one is known in the next.
        loop {
            let mut round: Vec<(usize, u32)> = waiting
                .iter()
                .map(|at| (self.known(*at).len(), *at))
                .filter(|(known, _)| *known > 0)
                .collect();
            if round.is_empty() {
                return;
            }
            round.sort_by_key(|(known, at)| (std::cmp::Reverse(*known), *at));
            for (_, at) in round {
                let anchors = self.known(at);
                let n = anchors.len() as f64;
                let middle = Point {
                    x: anchors.iter().map(|p| p.x).sum::<f64>() / n,
                    y: anchors.iter().map(|p| p.y).sum::<f64>() / n,
                };
                let spot = self.near(at, GAP, middle, &anchors, &lines);
                self.put(at, spot);
            }
            waiting.retain(|at| self.spots[*at as usize].is_none());
        }
    }

    /// Where those stand that a node talks to, as far as they have a place.
    fn known(&self, at: u32) -> Vec<Point> {
        let of = self.neighbours[at as usize].iter();
        of.filter_map(|other| self.spots[*other as usize]).collect()
    }

    /// Between those that have places.
    fn lines(&self) -> Vec<(Point, Point)> {
        let mut lines = Vec::new();
        for (at, list) in (0u32..).zip(&self.neighbours) {
            for other in list.iter().filter(|other| **other > at) {
                let ends = (self.spots[at as usize], self.spots[*other as usize]);
                if let (Some(from), Some(to)) = ends {
                    lines.push((from, to));
                }
            }
        }
        lines
    }

    /// The best free place around a point: near the anchors, beside the lines. Always finds one, for
    /// far enough out everything is free.
    fn near(
        &mut self,
        at: u32,
        gap: f64,
        around: Point,
        anchors: &[Point],
        lines: &[(Point, Point)],
    ) -> Point {
        let mut best: Option<(f64, Point)> = None;
        let key = (around.x.to_bits(), around.y.to_bits());
        let mut ring = self.begin.get(&key).copied().unwrap_or(0);
        let mut last = u32::MAX;
        while ring <= last {
            let radius = RING * f64::from(ring);
            let places = (std::f64::consts::TAU * radius / APART).clamp(1.0, 120.0) as u32;
            for place in 0..places {
                let angle = std::f64::consts::TAU * f64::from(place) / f64::from(places);
                let spot = Point {
                    x: around.x + radius * angle.cos(),
                    y: around.y + radius * angle.sin(),
                };
                if !self.is_free(at, spot, gap) {
                    continue;
                }
                if last == u32::MAX {
                    last = ring + MORE_RINGS;
                    self.begin.insert(key, ring);
                }
                let (middle, w, h) = self.extent(at, spot);
                let own = [
                    middle.x - w / 2.0,
                    middle.y - h / 2.0,
                    middle.x + w / 2.0,
                    middle.y + h / 2.0,
                ];
                let far: f64 = anchors
                    .iter()
                    .map(|p| (p.x - spot.x).hypot(p.y - spot.y))
                    .sum();
                let under = lines.iter().filter(|line| meets(**line, own)).count();
                let cost = far / anchors.len().max(1) as f64 + ON_A_LINE * under as f64;
                if best.is_none_or(|(least, _)| cost < least - 1e-6) {
                    best = Some((cost, spot));
                }
            }
            ring += 1;
        }
        best.map_or(around, |(_, spot)| spot)
    }

    /// The headings of shelves on which anybody still stands, and where the last shelf ends.
    fn headings(&self, frame: &Frame) -> (Vec<Heading>, f64) {
        let all = &frame.headings;
        let is_used = |at: usize| {
            let below = all.get(at + 1).map_or(frame.bottom, |next| next.at.y);
            let mut spots = self.spots.iter().flatten();
            spots.any(|spot| (all[at].at.y..below).contains(&spot.y))
        };
        let used: Vec<usize> = (0..all.len()).filter(|at| is_used(*at)).collect();
        let after = used.last().map_or(0, |last| last + 1);
        let end = all.get(after).map_or(frame.bottom, |next| next.at.y - RULE);
        let kept = used.into_iter().map(|at| all[at].clone()).collect();
        (kept, end)
    }

    /// Everything moved so that it begins at the margins: the places differ by one shift alone.
    fn standing(self, frame: &Frame) -> Standing {
        let (mut left, mut top) = (MARGIN, MARGIN);
        let (mut headings, end) = self.headings(frame);
        let (mut right, mut bottom) = (frame.width - MARGIN, end);
        for (at, spot) in (0u32..).zip(&self.spots) {
            if let Some(spot) = spot {
                let (middle, w, h) = self.extent(at, *spot);
                left = left.min(middle.x - w / 2.0);
                right = right.max(middle.x + w / 2.0);
                top = top.min(middle.y - h / 2.0);
                bottom = bottom.max(middle.y + h / 2.0 + rows::SHELF_GAP);
            }
        }
        let shift = Point {
            x: MARGIN - left,
            y: MARGIN - top,
        };
        let (width, bottom) = (right + shift.x + MARGIN, bottom + shift.y);
        for heading in &mut headings {
            heading.at.y += shift.y;
            heading.until = width - MARGIN;
        }
        Standing {
            known: self.spots.iter().map(Option::is_some).collect(),
            spots: self
                .spots
                .iter()
                .map(|spot| match spot {
                    Some(spot) => Point {
                        x: spot.x + shift.x,
                        y: spot.y + shift.y,
                    },
                    None => Point { x: 0.0, y: 0.0 },
                })
                .collect(),
            headings,
            width,
            bottom,
            ..Standing::default()
        }
    }
}

/// Whether a line goes through a box (left, top, right, bottom).
fn meets((from, to): (Point, Point), [left, top, right, bottom]: [f64; 4]) -> bool {
    let (dx, dy) = (to.x - from.x, to.y - from.y);
    let (mut begin, mut end) = (0.0f64, 1.0f64);
    for (at, d, low, high) in [(from.x, dx, left, right), (from.y, dy, top, bottom)] {
        if d.abs() < 1e-9 {
            if at < low || at > high {
                return false;
            }
            continue;
        }
        let (one, other) = ((low - at) / d, (high - at) / d);
        begin = begin.max(one.min(other));
        end = end.min(one.max(other));
    }
    begin < end
}
