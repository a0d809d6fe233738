//! The picture of a map alone, for a later one that is to keep its places.

use std::collections::BTreeMap;

use super::content::socket_name;
use super::picture::Thing;
use super::place;
use super::scene::Heading;
use super::{DrawError, Options};
use crate::graph::{By, Groups};
use crate::layout::Point;
use crate::model::{HostId, Map, ProcessId, Socket, SocketId, SocketKey};
use crate::query::group_map;

/// A picture of the first map alone: what stands where, below the caption.
#[derive(Debug, Default)]
pub(super) struct Before {
    /// By host, pid and start.
    processes: BTreeMap<(HostId, u32, u64), Point>,
    sockets: BTreeMap<(HostId, SocketKey), Point>,
    names: BTreeMap<String, Point>,
    outside: BTreeMap<String, Point>,
    /// What is not one thing's place.
    pub(super) frame: Frame,
}

/// What surrounds the places.
#[derive(Debug, Clone, Default)]
pub(super) struct Frame {
    pub(super) headings: Vec<Heading>,
    pub(super) width: f64,
    /// Where everything that was placed ends.
    pub(super) bottom: f64,
}

impl Before {
    /// Draws the first map, which is not collapsed yet, as if nothing else was wanted.
    pub(super) fn of(map: Map, by: By, options: &Options) -> Result<Self, DrawError> {
        let alone = matches!(by, By::Process | By::Socket);
        let groups = (!alone).then(|| Groups::new(&map, by));
        // A group's process in the collapsed map has the group's number.
        let own = |at: usize| match &groups {
            Some(groups) => ProcessId(groups.group_of(ProcessId::new(at))),
            None => ProcessId::new(at),
        };
        let keys: Vec<_> = (map.processes.iter().enumerate())
            .map(|(at, process)| ((process.host, process.pid, process.start_ticks), own(at)))
            .collect();
        let map = group_map(map, by);
        let picture = super::picture(&map, options);
        let things: Vec<Vec<Thing>> = picture.nodes.iter().map(|n| n.things.clone()).collect();
        let outside = picture.outside.clone();
        let scene = place::place(&map, picture, options)?;
        let top = scene.scale * super::caption::height(&scene.caption);
        let mut before = Self {
            frame: Frame {
                headings: scene.headings,
                width: scene.width,
                bottom: scene.height - top,
            },
            ..Self::default()
        };
        for heading in &mut before.frame.headings {
            heading.at.y -= top;
        }
        let mut processes: BTreeMap<ProcessId, Point> = BTreeMap::new();
        for (things, node) in things.iter().zip(&scene.nodes) {
            let at = Point {
                x: node.at.x,
                y: node.at.y - top,
            };
            for thing in things {
                match *thing {
                    Thing::Process(id) => drop(processes.insert(id, at)),
                    Thing::Socket(id) => before.keep_socket(&map, id, at),
                    Thing::Pipe(_) => {}
                    Thing::Outside(id) => {
                        before.outside.insert(outside[id as usize].clone(), at);
                    }
                }
            }
        }
        for (key, id) in keys {
            if let Some(at) = processes.get(&id) {
                before.processes.insert(key, *at);
            }
        }
        Ok(before)
    }

    fn keep_socket(&mut self, map: &Map, id: SocketId, at: Point) {
        let socket = map.socket(id);
        self.sockets.insert((socket.host, socket.key), at);
        if is_named(socket) {
            self.names.entry(socket_name(map, id)).or_insert(at);
        }
    }

    /// Where a process of the first map stands.
    pub(super) fn process(&self, map: &Map, id: ProcessId) -> Option<Point> {
        let process = map.process(id);
        let key = (process.host, process.pid, process.start_ticks);
        self.processes.get(&key).copied()
    }

    /// Where a socket of either map stands: over restarts it has its name alone.
    pub(super) fn socket(&self, map: &Map, id: SocketId) -> Option<Point> {
        let socket = map.socket(id);
        let known = match is_named(socket) {
            true => self.names.get(&socket_name(map, id)),
            false => self.sockets.get(&(socket.host, socket.key)),
        };
        known.copied()
    }

    /// Where somebody who was not captured stands.
    pub(super) fn outside(&self, text: &str) -> Option<Point> {
        self.outside.get(text).copied()
    }
}

fn is_named(socket: &Socket) -> bool {
    socket.name.is_some() || socket.local.is_some()
}
