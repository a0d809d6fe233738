//! Builds the draft of two maps: every role or process and every conversation of either, with its
//! change.

use std::collections::{BTreeMap, BTreeSet};

use super::caption::timestamp;
use super::draft::{Bundle, Draft, DraftNode, Member, ProcessRef, SocketRef, index};
use super::findings::{self, FindingIndex};
use super::identity::PreviousPositions;
use super::pool;
use crate::check::Finding;
use crate::diff::{self, ChangeStatus, Coverage, FilteredMaps, MergedMaps, OldNew, Side};
use crate::draw::change;
use crate::draw::graph::{EdgeEnd, EdgeKind, Kind};
use crate::graph::By;
use crate::id;
use crate::model::{Map, ProcessId, SocketId, SocketState};
use crate::query::LinkKind;
use crate::text::escape::display;

/// A conversation is drawn as at most so many edges, unless all have one node in common.
const MAX_PAIRS: usize = 256;
/// Hosts of the first map that are named.
const MAX_HOSTS: usize = 6;

/// Builds the draft of two maps. `previous` holds the positions in the picture of the first alone,
/// `findings` those of the second.
pub(crate) fn build<'a>(
    maps: &'a FilteredMaps,
    options: &diff::Options,
    previous: &PreviousPositions,
    findings: &'a [Finding],
) -> Draft<'a> {
    let (diff, merged) = maps.marked(options);
    let mut builder = Builder {
        maps: OldNew {
            old: &maps.old,
            new: &maps.new,
        },
        merged: &merged,
        draft: Draft::new(&maps.new, findings),
        nodes: vec![None; merged.nodes.len()],
        sockets: BTreeMap::new(),
        previous,
    };
    builder.processes(options.by);
    builder.listeners();
    builder.links();
    builder.pools();
    builder.findings();
    builder.comparison(&diff.coverage);
    builder.draft
}

struct Builder<'a, 'b> {
    maps: OldNew<&'a Map>,
    merged: &'b MergedMaps,
    draft: Draft<'a>,
    /// The draft's node of each node of the comparison; `None`: noise.
    nodes: Vec<Option<u32>>,
    /// The node of each socket of the second map that has one.
    sockets: BTreeMap<SocketId, u32>,
    previous: &'b PreviousPositions,
}

impl Builder<'_, '_> {
    /// Adds a node for each role or process, which its first process represents.
    fn processes(&mut self, by: By) {
        for (number, node) in self.merged.nodes.iter().enumerate() {
            let (side, id) = match (node.new.first(), node.old.first()) {
                (Some(id), _) => (Side::New, *id),
                (None, Some(id)) => (Side::Old, *id),
                (None, None) => continue,
            };
            let member = Member::Process(index(self.draft.processes.len()));
            self.draft.processes.push(ProcessRef {
                map: self.maps.of(side),
                id,
                hosts_before: self.hosts_before(side),
                role: (by != By::Process).then(|| node.label.clone()),
            });
            let position = |id: &ProcessId| self.previous.process(self.maps.old, *id);
            self.nodes[number] = Some(self.draft.add(DraftNode {
                change: node.mark,
                previous: node.old.iter().find_map(position),
                counts: Some((node.old.len(), node.new.len())),
                ..DraftNode::new(member, Kind::Process)
            }));
        }
    }

    /// Hosts of the first map follow those of the second: a pid may be another process's now.
    fn hosts_before(&self, side: Side) -> usize {
        match side {
            Side::New => 0,
            Side::Old => self.maps.new.hosts.len(),
        }
    }

    fn listeners(&mut self) {
        for side in [Side::New, Side::Old] {
            let map = *self.maps.of(side);
            for id in (0..map.sockets.len()).map(SocketId::new) {
                let change = self.merged.listener(side, id);
                // A listener of both maps is drawn once, as it is in the second.
                let is_drawn = side == Side::Old && change != ChangeStatus::Removed;
                let socket = map.socket(id);
                let is_held = socket.state == SocketState::Listening && !socket.holders.is_empty();
                if !is_drawn && (is_held || change != ChangeStatus::Stayed) {
                    self.socket(side, id, Kind::Listener, change, &[]);
                }
            }
        }
    }

    /// Adds a node for a socket, joined to its holders.
    fn socket(
        &mut self,
        side: Side,
        id: SocketId,
        kind: Kind,
        change: ChangeStatus,
        findings: &[u32],
    ) {
        let map = *self.maps.of(side);
        let node = |process| self.nodes[self.merged.node(side, process)];
        let holders = map.using_processes(id).into_iter().filter_map(node);
        let holders: BTreeSet<u32> = holders.collect();
        // Only noise holds it.
        if holders.is_empty() && change == ChangeStatus::Stayed {
            return;
        }
        let member = Member::Socket(index(self.draft.sockets.len()));
        self.draft.sockets.push(SocketRef {
            map,
            id,
            hosts_before: self.hosts_before(side),
            // Nodes of processes come first, so that their indices are those of the processes.
            holders: Some(holders.iter().copied().collect()),
        });
        let node = self.draft.add(DraftNode {
            change,
            previous: self.previous.socket(map, id),
            ..DraftNode::new(member, kind)
        });
        if side == Side::New {
            self.sockets.insert(id, node);
        }
        for holder in holders {
            let bundle = Bundle {
                change,
                findings: findings.iter().copied().collect(),
                ..Bundle::new(EdgeEnd::default(), EdgeEnd::default())
            };
            self.draft.join(holder, node, EdgeKind::Holds, bundle);
        }
    }

    /// Marks the findings of the second map. A socket that one of the most severe is about gets a node.
    fn findings(&mut self) {
        if self.draft.findings.is_empty() {
            return;
        }
        let new = self.maps.new;
        let finding_index = FindingIndex::new(new, self.draft.findings);
        for id in (0..new.sockets.len()).map(SocketId::new) {
            if finding_index.has_node(id) && !self.sockets.contains_key(&id) {
                let about: Vec<u32> = finding_index.socket(id).collect();
                self.socket(Side::New, id, Kind::Socket, ChangeStatus::Stayed, &about);
            }
        }
        let mut nodes: BTreeMap<String, usize> = BTreeMap::new();
        for process in (0..new.processes.len()).map(ProcessId::new) {
            if let Some(node) = self.nodes[self.merged.node(Side::New, process)] {
                nodes.insert(id::process(new, process), node as usize);
            }
        }
        for (socket, node) in &self.sockets {
            nodes.insert(id::socket(new, *socket), *node as usize);
        }
        findings::mark_nodes(&mut self.draft, &nodes);
    }

    fn links(&mut self) {
        let mut outside: BTreeMap<&str, u32> = BTreeMap::new();
        for link in &self.merged.links {
            // Another process of the role has it now: it is drawn there.
            if link.mark == ChangeStatus::Stayed && link.new == 0 {
                continue;
            }
            let clients = self.end(&link.client, &mut outside);
            let servers = self.end(&link.server, &mut outside);
            // A removed link has the number that it had in the first map.
            let n = if link.new > 0 { link.new } else { link.old };
            let pairs = clients.len() * servers.len();
            if clients.is_empty() || servers.is_empty() {
                self.half_link(link.kind, n, &clients, &servers);
            } else if pairs > MAX_PAIRS.max(clients.len() + servers.len()) {
                self.draft.not_drawn.crowded += n;
            } else {
                for client in &clients {
                    for server in &servers {
                        self.link(link, *client, *server, n);
                    }
                }
            }
        }
    }

    /// Joins who listens to who serves in the second map.
    fn pools(&mut self) {
        let (nodes, merged, new) = (&self.nodes, self.merged, self.maps.new);
        let node = |process| nodes[merged.node(Side::New, process)];
        for (number, connection) in new.connections.iter().enumerate() {
            if !connection.hidden {
                pool::join(&mut self.draft, (new, number), node);
            }
        }
    }

    /// The nodes at the end of a link; none where it is not known, or only noise.
    fn end<'m>(
        &mut self,
        end: &'m diff::MergedEnd,
        outside: &mut BTreeMap<&'m str, u32>,
    ) -> Vec<u32> {
        match end {
            diff::MergedEnd::Node(node) => self.nodes[*node].into_iter().collect(),
            diff::MergedEnd::Several(nodes) => {
                nodes.iter().filter_map(|n| self.nodes[*n]).collect()
            }
            diff::MergedEnd::Unknown => Vec::new(),
            diff::MergedEnd::Outside(address) => {
                let known = outside.get(address.as_str()).copied();
                let node = known.unwrap_or_else(|| {
                    let member = Member::Outside(index(self.draft.outside.len()));
                    self.draft.outside.push(address.clone());
                    self.draft.add(DraftNode {
                        previous: self.previous.outside(address),
                        ..DraftNode::new(member, Kind::Outside)
                    })
                });
                outside.insert(address, node);
                vec![node]
            }
        }
    }

    /// A link with one known end is no edge, but counted at the node, as in a picture of one map.
    fn half_link(&mut self, kind: LinkKind, n: usize, clients: &[u32], servers: &[u32]) {
        if kind == LinkKind::Pipe {
            self.draft.not_drawn.pipes += n;
            return;
        }
        if clients.is_empty() && servers.is_empty() {
            self.draft.not_drawn.unheld += n;
        }
        for node in clients.iter().chain(servers) {
            let undrawn = &mut self.draft.nodes[*node as usize].undrawn;
            undrawn.unknown += u32::try_from(n).unwrap_or(u32::MAX);
        }
    }

    fn link(&mut self, link: &diff::MergedLink, client: u32, server: u32, n: usize) {
        let kind = match link.kind {
            LinkKind::Unix => EdgeKind::Unix,
            LinkKind::Pipe => EdgeKind::Pipe,
            _ => EdgeKind::Net,
        };
        let is_pipe = kind == EdgeKind::Pipe;
        let client_end = EdgeEnd {
            socket: !is_pipe,
            net: kind == EdgeKind::Net,
            ..EdgeEnd::default()
        };
        let server_end = EdgeEnd {
            server: !is_pipe && !link.via.text.is_empty(),
            arrow: is_pipe,
            ..client_end
        };
        let via = &*link.via.text;
        let via = if via.is_empty() {
            "without a name"
        } else {
            via
        };
        let (word, old, new) = (change::words(link.mark).word, link.old, link.new);
        let bundle = Bundle {
            n: u32::try_from(n).unwrap_or(u32::MAX),
            change: link.mark,
            counts: Some((old, new)),
            changes: vec![format!("{via}: {word} ({old} before, {new} now)")],
            ..Bundle::new(client_end, server_end)
        };
        self.draft.join(client, server, kind, bundle);
    }

    /// Caption lines: the first map, and how much changed.
    fn comparison(&mut self, coverage: &Coverage) {
        let hosts = self.maps.old.hosts.iter().take(MAX_HOSTS).map(|host| {
            let name = display(&host.hostname);
            match name.is_empty() {
                true => "an unknown host".to_owned(),
                false => format!("{name}, captured {}", timestamp(host.started_at_ns)),
            }
        });
        let hosts: Vec<String> = hosts.collect();
        let links = self.merged.links.iter().map(|link| link.mark);
        let nodes = |kind: Kind| {
            let nodes = self.draft.nodes.iter().filter(move |n| n.kind == kind);
            nodes.map(|node| node.change)
        };
        let counts = [
            counted("processes", nodes(Kind::Process)),
            counted("listening sockets", nodes(Kind::Listener)),
            counted("conversations", links),
        ];
        let mut lines = vec![
            format!("Compared with {}.", hosts.join("; ")),
            format!("{}.", counts.join("; ")),
        ];
        if !coverage.caveats.is_empty() {
            let equal = match coverage.comparable {
                true => "Equally well read",
                false => "Not equally well read, and what only this explains is as it was",
            };
            lines.push(format!("{equal}: {}.", coverage.caveats.join("; ")));
        }
        self.draft.comparison = lines;
    }
}

/// `processes: 2 new, 1 gone, 0 changed`.
fn counted(what: &str, changes: impl Iterator<Item = ChangeStatus>) -> String {
    let (mut new, mut gone, mut changed) = (0, 0, 0);
    for change in changes {
        match change {
            ChangeStatus::Stayed => {}
            ChangeStatus::Added => new += 1,
            ChangeStatus::Removed => gone += 1,
            ChangeStatus::Changed => changed += 1,
        }
    }
    format!("{what}: {new} new, {gone} gone, {changed} changed")
}
