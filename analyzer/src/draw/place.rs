//! Places for everything: the layout for what hangs together, rows for the rest.

use super::batch;
use super::caption;
use super::changes;
use super::dock;
use super::ends;
use super::labels;
use super::look::Look;
use super::looks::looks;
use super::outlines;
use super::picture::{EdgeKind, Kind, Picture, Stand, Thing};
use super::route::Router;
use super::rows;
use super::scene::{Heading, Joined, Placed, Scene};
use super::shelf;
use super::stand;
use super::titles;
use super::{DrawError, Layout, Options};
use crate::layout::{self, Edge, Graph, Point, Positions, Route, Size};
use crate::model::{Family, Map};

/// Around everything.
pub(super) const MARGIN: f64 = 20.0;
/// So that the caption and the legend have room.
const LEAST_WIDTH: f64 = 640.0;
/// Between nodes, so that a circle at each end of the edge has room.
pub const GAP: f64 = 22.0;
/// Around hubs more, for all the circles at their edges' ends.
const HUB_ROOM: f64 = 24.0;

/// Where everything stands, below the caption.
#[derive(Debug, Default)]
pub(super) struct Standing {
    /// Of each node that hangs on no other.
    pub(super) spots: Vec<Point>,
    pub(super) headings: Vec<Heading>,
    pub(super) width: f64,
    pub(super) bottom: f64,
    /// Who had its place before this picture; empty: nobody.
    pub(super) known: Vec<bool>,
    /// Ways that the layout chose, between the nodes of `main`, and how far it was moved since.
    pub(super) routes: Vec<Route>,
    pub(super) main: Vec<u32>,
    pub(super) left: f64,
}

impl Standing {
    /// Whether a node had its place before this picture, or found one beside those that had.
    pub(super) fn placed(&self, at: usize) -> bool {
        self.known.get(at).copied().unwrap_or(false)
    }
}

/// Places a picture.
pub(super) fn place(map: &Map, picture: Picture, options: &Options) -> Result<Scene, DrawError> {
    let looks = looks(map, &picture);
    let stands = shelf::stands(map, &picture);
    let Standing {
        mut spots,
        mut headings,
        width,
        bottom,
        routes,
        main,
        left,
        ..
    } = match &picture.before {
        Some(frame) => stand::beside(&picture, &looks, &stands, frame, options)?,
        None => anew(&picture, &looks, &stands, options)?,
    };
    let scale = caption::scale(width);
    let room = width / scale - 2.0 * MARGIN;
    let mut caption = caption::lines(map, options, picture.marked(), room);
    for line in &picture.compared {
        caption.extend(labels::wrap(line, caption::NOTE_SIZE, room));
    }
    let top = scale * caption::height(&caption);
    for look in 0..looks.len() {
        for &(node, y) in &looks[look].docked {
            spots[node as usize] = Point {
                x: spots[look].x,
                y: spots[look].y + y,
            };
        }
    }
    for spot in &mut spots {
        spot.y += top;
    }
    for heading in &mut headings {
        heading.at.y += top;
    }
    let ways = Ways {
        routes: &routes,
        main: &main,
        shift: Point { x: left, y: top },
    };
    let batched = batch::wanted(options, picture.edges.len());
    let edges = edges(map, &picture, &looks, &spots, &ways, batched);
    let terse = batched || outlines::wanted(options, picture.nodes.len());
    let nodes = placed(map, &picture, looks, &spots, terse);
    Ok(Scene {
        nodes,
        edges,
        headings,
        caption,
        scale,
        width,
        height: bottom + top,
        left_out: picture.left_out,
        aggregated: picture.aggregated,
        grouped: picture.grouped,
        batched,
        terse,
        compared: !picture.compared.is_empty(),
        hubs: picture.hubs.iter().map(|hub| *hub as usize).collect(),
    })
}

/// The layout's places, and rows below.
fn anew(
    picture: &Picture,
    looks: &[Look],
    stands: &[Stand],
    options: &Options,
) -> Result<Standing, DrawError> {
    let owners = dock::owners(picture);
    let main = main_nodes(stands, &owners);
    let mut spots = vec![Point { x: 0.0, y: 0.0 }; looks.len()];
    let (positions, routes) = main_layout(picture, looks, &main, options)?;
    let (mut width, mut bottom) = (LEAST_WIDTH, MARGIN);
    if !main.is_empty() {
        width = width.max(positions.width);
        bottom = positions.height - MARGIN;
    }
    // Wide enough that a long shelf does not become a tower under a small drawing.
    let area: f64 = looks
        .iter()
        .zip(stands)
        .zip(&owners)
        .filter(|((_, stand), owner)| **stand != Stand::Main && owner.is_none())
        .map(|((look, _), _)| (look.room().0 + rows::SHELF_GAP) * (look.room().1 + rows::SHELF_GAP))
        .sum();
    width = width.max((area * 1.6).sqrt().min(20_000.0) + 2.0 * MARGIN);
    let left = ((width - positions.width) / 2.0).max(0.0);
    let mut headings = Vec::new();
    bottom = rows::fill(
        picture,
        looks,
        stands,
        width,
        bottom,
        &mut spots,
        &mut headings,
    );
    for (&at, center) in main.iter().zip(&positions.centers) {
        let lift = looks[at as usize].hanging() / 2.0;
        spots[at as usize] = Point {
            x: center.x + left,
            y: center.y - lift,
        };
    }
    Ok(Standing {
        spots,
        headings,
        width,
        bottom,
        routes,
        main,
        left,
        ..Standing::default()
    })
}

/// The nodes that the layout places.
pub(super) fn main_nodes(stands: &[Stand], owners: &[Option<u32>]) -> Vec<u32> {
    (0u32..)
        .zip(stands)
        .filter(|(at, stand)| **stand == Stand::Main && owners[*at as usize].is_none())
        .map(|(at, _)| at)
        .collect()
}

/// What the layout is asked for.
pub(super) fn graph(map: &Map, picture: &Picture, layout: Layout) -> Graph {
    let stands = shelf::stands(map, picture);
    let main = main_nodes(&stands, &dock::owners(picture));
    main_graph(picture, &looks(map, picture), &main, layout)
}

fn main_graph(picture: &Picture, looks: &[Look], main: &[u32], layout: Layout) -> Graph {
    let mut places = vec![u32::MAX; looks.len()];
    for (place, at) in (0u32..).zip(main) {
        places[*at as usize] = place;
    }
    let neighbours = picture.neighbours();
    let sizes = main
        .iter()
        .map(|at| {
            let (w, h) = looks[*at as usize].room();
            let ring = match layout {
                Layout::Stress => neighbours[*at as usize].len() as f64 - 6.0,
                // Its edges end at the box that it knows.
                Layout::Layered => 0.0,
            };
            let ring = ring.clamp(0.0, HUB_ROOM);
            Size {
                w: w + 2.0 * ring,
                h: h + 2.0 * ring,
            }
        })
        .collect();
    let edges = picture
        .edges
        .iter()
        .filter(|((a, b, _), _)| places[*a as usize] != u32::MAX && places[*b as usize] != u32::MAX)
        .map(|((a, b, _), bundle)| {
            let (a, b) = (places[*a as usize], places[*b as usize]);
            // Ranked drawings go from clients down to servers, from writers to readers.
            let upwards = (bundle.a_end.server && !bundle.b_end.server)
                || (bundle.a_end.arrow && !bundle.b_end.arrow);
            if upwards {
                Edge { a: b, b: a }
            } else {
                Edge { a, b }
            }
        })
        .collect();
    Graph { sizes, edges }
}

pub(super) fn main_layout(
    picture: &Picture,
    looks: &[Look],
    main: &[u32],
    options: &Options,
) -> Result<(Positions, Vec<Route>), DrawError> {
    let graph = main_graph(picture, looks, main, options.layout);
    let how = layout::Options {
        gap: GAP,
        margin: MARGIN,
        ..layout::Options::default()
    };
    Ok(match options.layout {
        Layout::Stress => (layout::stress(&graph, &how), Vec::new()),
        Layout::Layered => {
            let layered = layout::layered(&graph, &how)?;
            (layered.positions, layered.routes)
        }
    })
}

/// Ways that the layout chose itself.
struct Ways<'a> {
    routes: &'a [Route],
    main: &'a [u32],
    shift: Point,
}

impl Ways<'_> {
    fn find(&self, a: u32, b: u32) -> Option<Vec<Point>> {
        if self.routes.is_empty() {
            return None;
        }
        let place = |at: u32| self.main.binary_search(&at).ok();
        let key = (place(a)?, place(b)?);
        let at = self
            .routes
            .binary_search_by_key(&key, |route| (route.a as usize, route.b as usize))
            .ok()?;
        let shifted = self.routes[at].points.iter().map(|point| Point {
            x: point.x + self.shift.x,
            y: point.y + self.shift.y,
        });
        Some(shifted.collect())
    }
}

fn edges(
    map: &Map,
    picture: &Picture,
    looks: &[Look],
    spots: &[Point],
    ways: &Ways<'_>,
    batched: bool,
) -> Vec<Joined> {
    // Among very many lines nobody follows one that makes a detour.
    let router = Router::new(looks, spots, !batched);
    let owners = dock::owners(picture);
    let mut keys: Vec<&(u32, u32, EdgeKind)> = picture.edges.keys().collect();
    // A pair's edges come one after the other: the keys are sorted by nodes first.
    keys.dedup_by_key(|(a, b, _)| (*a, *b));
    let mut drawn = Vec::with_capacity(picture.edges.len());
    for (a, b, _) in keys {
        let parallels = picture
            .edges
            .range((*a, *b, EdgeKind::Unix)..=(*a, *b, EdgeKind::Holds));
        let count = parallels.clone().count();
        for (nth, ((a, b, kind), bundle)) in parallels.enumerate() {
            let way = ways.find(*a, *b);
            let line = match owners[*b as usize] {
                Some(_) => router.hang(*a, *b),
                None => router.line((*a, *b), nth, count, way),
            };
            drawn.push(((*a, *b), *kind, bundle, line));
        }
    }
    let wanted: Vec<ends::Wanted> = drawn
        .iter()
        .map(|((a, b), kind, bundle, line)| {
            let on = |node: u32| picture.nodes[node as usize].kind;
            ends::Wanted {
                a: *a,
                b: *b,
                glyphs: [
                    ends::glyph(*kind, bundle.a_end, on(*a)),
                    ends::glyph(*kind, bundle.b_end, on(*b)),
                ],
                labels: match kind {
                    EdgeKind::Holds => Vec::new(),
                    _ => bundle.labels(),
                },
                line: line.clone(),
            }
        })
        .collect();
    let names = |at: u32| titles::short(map, picture, &picture.nodes[at as usize]);
    let routed = ends::finish(looks, spots, &wanted);
    drawn
        .iter()
        .zip(routed)
        .map(|(((a, b), kind, bundle, _), drawn)| Joined {
            a: *a as usize,
            b: *b as usize,
            kind: *kind,
            n: bundle.n,
            found: picture.worst(&bundle.findings),
            change: changes::class(picture, bundle.change),
            title: match batched {
                true => Vec::new(),
                false => titles::edge_title(map, picture, (&names(*a), &names(*b)), *kind, bundle),
            },
            drawn,
        })
        .collect()
}

fn placed(
    map: &Map,
    picture: &Picture,
    looks: Vec<Look>,
    spots: &[Point],
    terse: bool,
) -> Vec<Placed> {
    let mut docked = vec![false; looks.len()];
    for (node, _) in looks.iter().flat_map(|look| &look.docked) {
        docked[*node as usize] = true;
    }
    let mut out = Vec::with_capacity(looks.len());
    for ((at, look), spot) in (0u32..).zip(looks).zip(spots) {
        let node = &picture.nodes[at as usize];
        let mut classes = Vec::new();
        classes.extend(changes::class(picture, node.change));
        if node.things.len() > 1 {
            classes.push("group");
        }
        if docked[at as usize] {
            classes.push("docked");
        }
        if let Some(worst) = picture.worst(&node.findings) {
            classes.extend(["finding", worst.name()]);
        } else if !node.concerns.is_empty() {
            classes.push("concerned");
        }
        if node.kind == Kind::Process && shelf::is_unread(map, picture, at) {
            classes.push("unread");
        }
        if let (Kind::Socket, Thing::Socket(id)) = (node.kind, node.things[0])
            && map.socket(id).family != Family::Unix
        {
            classes.push("net");
        }
        out.push(Placed {
            id: titles::node_id(map, picture, node),
            kind: node.kind,
            classes,
            members: node.things.len(),
            title: titles::node_title(map, picture, node, terse),
            look,
            at: *spot,
        });
    }
    out
}
