//! Two maps as one picture: every role or process, every conversation of either, with what became
//! of it.

use std::collections::BTreeMap;

use super::caption::moment;
use super::found::{self, Flags};
use super::kept::Before;
use super::picture::{Bundle, EdgeKind, End, Kind, Node, Picture, Thing, Via};
use crate::check::Finding;
use crate::diff::{self, ChangeStatus, Coverage, FilteredMaps, MergedMaps, OldNew, Options, Side};
use crate::graph::By;
use crate::id;
use crate::model::{Holder, HostId, Map, Process, ProcessId, SocketId, SocketState};
use crate::query::LinkKind;
use crate::text::escape::display;

/// Lines for one conversation that many share: with more than these at both ends there would be
/// nothing else to see.
const MOST_ENDS: usize = 256;

/// The class of a node or edge, where maps are compared.
pub(super) fn class(picture: &Picture, mark: ChangeStatus) -> Option<&'static str> {
    (!picture.compared.is_empty()).then_some(match mark {
        ChangeStatus::Stayed => "stayed",
        ChangeStatus::Added => "added",
        ChangeStatus::Removed => "removed",
        ChangeStatus::Changed => "changed",
    })
}

/// Before a name: colours are not for everybody.
pub(super) fn sign(mark: ChangeStatus) -> &'static str {
    match mark {
        ChangeStatus::Stayed => "",
        ChangeStatus::Added => "+ ",
        ChangeStatus::Removed => "− ",
        ChangeStatus::Changed => "± ",
    }
}

/// What became of something, in a word.
pub(super) fn word(mark: ChangeStatus) -> &'static str {
    match mark {
        ChangeStatus::Stayed => "as it was",
        ChangeStatus::Added => "new",
        ChangeStatus::Removed => "gone",
        ChangeStatus::Changed => "changed",
    }
}

/// OldNew maps as a picture, and a map with what the picture shows.
pub(super) fn union(
    compared: &FilteredMaps,
    compare: &Options,
    before: Before,
    options: &super::Options,
) -> (Map, Picture) {
    let (diff, marks) = compared.marked(compare);
    let FilteredMaps { old, new, .. } = compared;
    let mut union = Union {
        maps: OldNew { old, new },
        marks: &marks,
        map: Map {
            hosts: new.hosts.clone(),
            restricted: new.restricted,
            ..Map::default()
        },
        picture: Picture::default(),
        nodes: vec![None; marks.nodes.len()],
        sockets: BTreeMap::new(),
        before: &before,
    };
    union.processes(compare.by);
    union.listeners();
    union.links();
    if let Some(report) = &options.findings {
        union.findings(&report.findings);
    }
    union.compared(&diff.coverage);
    let (map, mut picture) = (union.map, union.picture);
    picture.before = Some(before.frame);
    (map, picture)
}

struct Union<'a> {
    maps: OldNew<&'a Map>,
    marks: &'a MergedMaps,
    map: Map,
    picture: Picture,
    /// The picture's node of each of the comparison's; `None`: noise.
    nodes: Vec<Option<u32>>,
    /// The picture's node of each socket of the second map that has one.
    sockets: BTreeMap<SocketId, u32>,
    before: &'a Before,
}

impl Union<'_> {
    /// A process for each node: the first of its members stands for all.
    fn processes(&mut self, by: By) {
        for (at, node) in self.marks.nodes.iter().enumerate() {
            let first = match (node.new.first(), node.old.first()) {
                (Some(id), _) => self.maps.new.process(*id),
                (None, Some(id)) => self.maps.old.process(*id),
                (None, None) => continue,
            };
            let mut process = first.clone();
            if node.new.is_empty() {
                process.host = self.beside(process.host);
            }
            if by != By::Process {
                process = Process {
                    exe: Box::default(),
                    cmdline: Box::default(),
                    comm: node.label.as_bytes().into(),
                    ..process
                };
            }
            let id = ProcessId::new(self.map.processes.len());
            self.map.processes.push(process);
            let old = node.old.iter();
            let mut spots = old.filter_map(|id| self.before.process(self.maps.old, *id));
            let spot = spots.next();
            self.nodes[at] = Some(self.add(Node {
                change: node.mark,
                spot,
                counts: Some((node.old.len(), node.new.len())),
                ..Node::of(Thing::Process(id), Kind::Process)
            }));
        }
    }

    /// Things of the first map alone have ids of their own: a pid may be another's now.
    fn beside(&self, host: HostId) -> HostId {
        HostId(host.0 + self.maps.new.hosts.len() as u32)
    }

    fn listeners(&mut self) {
        for side in [Side::New, Side::Old] {
            let map = *self.maps.of(side);
            for at in 0..map.sockets.len() {
                let id = SocketId::new(at);
                let change = self.marks.listener(side, id);
                // One that is in both is drawn once, as it is now.
                let once = side == Side::Old && change != ChangeStatus::Removed;
                let idle = change == ChangeStatus::Stayed
                    && (map.socket(id).state != SocketState::Listening
                        || map.socket(id).holders.is_empty());
                if !once && !idle {
                    self.socket(side, id, Kind::Listener, change, &[]);
                }
            }
        }
    }

    /// A node for a socket, joined to its holders.
    fn socket(
        &mut self,
        side: Side,
        id: SocketId,
        kind: Kind,
        change: ChangeStatus,
        findings: &[u32],
    ) {
        let map = *self.maps.of(side);
        let mut holders: Vec<u32> = map
            .holding_processes(id)
            .into_iter()
            .filter_map(|process| self.nodes[self.marks.node(side, process)])
            .collect();
        holders.sort_unstable();
        holders.dedup();
        // Held by what is left out as noise alone.
        if holders.is_empty() && change == ChangeStatus::Stayed {
            return;
        }
        let start = self.map.holders.len() as u32;
        self.map.holders.extend(holders.iter().map(|node| Holder {
            process: ProcessId(*node),
            tid: None,
            fd: 0,
            cloexec: None,
        }));
        let mut socket = map.socket(id).clone();
        socket.holders = start..self.map.holders.len() as u32;
        if side == Side::Old {
            socket.host = self.beside(socket.host);
        }
        let own = SocketId::new(self.map.sockets.len());
        self.map.sockets.push(socket);
        let node = self.add(Node {
            change,
            spot: self.before.socket(map, id),
            ..Node::of(Thing::Socket(own), kind)
        });
        if side == Side::New {
            self.sockets.insert(id, node);
        }
        for holder in holders {
            let bundle = Bundle {
                change,
                findings: findings.iter().copied().collect(),
                ..Bundle::one(End::default(), End::default(), Via::Unnamed)
            };
            self.picture.join(holder, node, EdgeKind::Holds, bundle);
        }
    }

    /// What the rules found in the second map. A socket that one of the worst is about gets a node.
    fn findings(&mut self, findings: &[Finding]) {
        let new = self.maps.new;
        let flags = Flags::new(new, findings);
        for at in (0..new.sockets.len()).map(SocketId::new) {
            if flags.own_node(at) && !self.sockets.contains_key(&at) {
                let about: Vec<u32> = flags.socket(at).collect();
                self.socket(Side::New, at, Kind::Socket, ChangeStatus::Stayed, &about);
            }
        }
        let mut places: BTreeMap<String, usize> = BTreeMap::new();
        for at in (0..new.processes.len()).map(ProcessId::new) {
            if let Some(node) = self.nodes[self.marks.node(Side::New, at)] {
                places.insert(id::process(new, at), node as usize);
            }
        }
        for (socket, node) in &self.sockets {
            places.insert(id::socket(new, *socket), *node as usize);
        }
        self.picture.findings = findings.to_vec();
        found::mark_at(&mut self.picture, &places);
    }

    fn links(&mut self) {
        let mut outside: BTreeMap<&str, u32> = BTreeMap::new();
        for link in &self.marks.links {
            // Another worker's turn: it is drawn where it is now.
            if link.mark == ChangeStatus::Stayed && link.new == 0 {
                continue;
            }
            let clients = self.end(&link.client, &mut outside);
            let servers = self.end(&link.server, &mut outside);
            // What is gone is counted as it was.
            let shown = if link.new > 0 { link.new } else { link.old };
            if clients.is_empty() || servers.is_empty() {
                self.one_end(link.kind, shown, &clients, &servers);
            } else if clients.len() * servers.len() > MOST_ENDS.max(clients.len() + servers.len()) {
                self.picture.left_out.crowded += shown;
            } else {
                for client in &clients {
                    for server in &servers {
                        self.link(link, *client, *server, shown);
                    }
                }
            }
        }
    }

    /// The nodes at the end of a link; none where nobody is known, or only noise.
    fn end<'m>(&mut self, end: &'m diff::End, outside: &mut BTreeMap<&'m str, u32>) -> Vec<u32> {
        match end {
            diff::End::Node(at) => self.nodes[*at].into_iter().collect(),
            diff::End::Several(all) => all.iter().filter_map(|at| self.nodes[*at]).collect(),
            diff::End::Unknown => Vec::new(),
            diff::End::Outside(text) => {
                let known = outside.get(text.as_str()).copied();
                vec![known.unwrap_or_else(|| {
                    let at = self.picture.outside.len() as u32;
                    self.picture.outside.push(text.clone());
                    let node = self.add(Node {
                        spot: self.before.outside(text),
                        ..Node::of(Thing::Outside(at), Kind::Outside)
                    });
                    outside.insert(text, node);
                    node
                })]
            }
        }
    }

    /// A link with nobody known at one end is no line, but a mark at the other: as in a picture of
    /// one map.
    fn one_end(&mut self, kind: LinkKind, shown: usize, clients: &[u32], servers: &[u32]) {
        if kind == LinkKind::Pipe {
            self.picture.left_out.pipes += shown;
        } else if clients.is_empty() && servers.is_empty() {
            self.picture.left_out.unheld += shown;
        }
        for node in clients.iter().chain(servers) {
            if kind != LinkKind::Pipe {
                let marks = &mut self.picture.nodes[*node as usize].marks;
                marks.unknown += u32::try_from(shown).unwrap_or(u32::MAX);
            }
        }
    }

    fn link(&mut self, link: &diff::Link, client: u32, server: u32, shown: usize) {
        let kind = match link.kind {
            LinkKind::Unix => EdgeKind::Unix,
            LinkKind::Pipe => EdgeKind::Pipe,
            _ => EdgeKind::Net,
        };
        let pipe = kind == EdgeKind::Pipe;
        let end = End {
            socket: !pipe,
            net: kind == EdgeKind::Net,
            ..End::default()
        };
        let far = End {
            server: !pipe && !link.via.text.is_empty(),
            arrow: pipe,
            ..end
        };
        let via = match link.via.text.is_empty() {
            true => "without a name",
            false => &link.via.text,
        };
        let (what, old, new) = (word(link.mark), link.old, link.new);
        let bundle = Bundle {
            n: u32::try_from(shown).unwrap_or(u32::MAX),
            change: link.mark,
            counts: Some((old, new)),
            said: vec![format!("{via}: {what} ({old} before, {new} now)")],
            ..Bundle::one(end, far, Via::Unnamed)
        };
        self.picture.join(client, server, kind, bundle);
    }

    /// With what it was compared, and how much of it changed.
    fn compared(&mut self, coverage: &Coverage) {
        let hosts = self.maps.old.hosts.iter().map(|host| {
            let name = display(&host.hostname);
            match name.is_empty() {
                true => "an unknown host".to_owned(),
                false => format!("{name}, captured {}", moment(host.started_at_ns)),
            }
        });
        let hosts: Vec<String> = hosts.take(6).collect();
        let links = self.marks.links.iter().map(|link| link.mark);
        let nodes = |kind: Kind| {
            let of = self.picture.nodes.iter().filter(move |n| n.kind == kind);
            of.map(|node| node.change)
        };
        self.picture.compared = vec![
            format!("Compared with {}.", hosts.join("; ")),
            [
                counted("processes", nodes(Kind::Process)),
                counted("listening sockets", nodes(Kind::Listener)),
                counted("conversations", links),
            ]
            .join("; ")
                + ".",
        ];
        if !coverage.caveats.is_empty() {
            let equal = match coverage.comparable {
                true => "Equally well read",
                false => "Not equally well read, and what only this explains is as it was",
            };
            let line = format!("{equal}: {}.", coverage.caveats.join("; "));
            self.picture.compared.push(line);
        }
    }

    fn add(&mut self, node: Node) -> u32 {
        self.picture.nodes.push(node);
        self.picture.nodes.len() as u32 - 1
    }
}

/// `processes: 2 new, 1 gone, 0 changed`.
fn counted(what: &str, marks: impl Iterator<Item = ChangeStatus>) -> String {
    let (mut new, mut gone, mut changed) = (0, 0, 0);
    for mark in marks {
        match mark {
            ChangeStatus::Stayed => {}
            ChangeStatus::Added => new += 1,
            ChangeStatus::Removed => gone += 1,
            ChangeStatus::Changed => changed += 1,
        }
    }
    format!("{what}: {new} new, {gone} gone, {changed} changed")
}
