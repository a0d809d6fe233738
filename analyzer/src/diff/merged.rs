//! Both maps as one, for who draws them: every role or process and every link of either, each with
//! what became of it.
//!
//! Marks agree with [`Diff`]: what it does not tell (noise, what only coverage explains) has stayed.

use std::collections::BTreeMap;

use super::compare::{compare, context, finish};
use super::filter::Judged;
use super::links::{Beyond, LinkRow};
use super::processes::by_group;
use super::report::{Change, Diff};
use super::{Options, Side};
use crate::model::{Map, ProcessId, SocketId};
use crate::query::{LinkKind, Via};

/// What became of something.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum ChangeStatus {
    /// It is as it was, as far as is told.
    #[default]
    Stayed,
    /// Only in the second map.
    Added,
    /// Only in the first.
    Removed,
    /// In both: in another number, or others of its role stand in its place.
    Changed,
}

impl From<Change> for ChangeStatus {
    fn from(change: Change) -> Self {
        match change {
            Change::Added => Self::Added,
            Change::Removed => Self::Removed,
            Change::Changed | Change::Replaced => Self::Changed,
        }
    }
}

/// A role, or a process where that is what counts as one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Its name, printable.
    pub label: String,
    /// What became of it.
    pub mark: ChangeStatus,
    /// Its processes in the first map.
    pub old: Vec<ProcessId>,
    /// Its processes in the second map.
    pub new: Vec<ProcessId>,
}

/// An end of a link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// Index into [`MergedMaps::nodes`].
    Node(usize),
    /// Many of them hold it.
    Several(Vec<usize>),
    /// Somebody who was not captured, printable: `(outside) 10.0.0.7:443`.
    Outside(String),
    /// Nobody known.
    Unknown,
}

/// Conversations between two nodes over one listener.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// The client's end.
    pub client: End,
    /// The server's end.
    pub server: End,
    /// The listener's name or address.
    pub via: Via,
    /// Kind.
    pub kind: LinkKind,
    /// How many in the first map.
    pub old: usize,
    /// How many in the second.
    pub new: usize,
    /// What became of them.
    pub mark: ChangeStatus,
}

/// The union of two maps.
#[derive(Debug, Clone, Default)]
pub struct MergedMaps {
    /// Roles or processes of either map; what was left out as noise has no members.
    pub nodes: Vec<Node>,
    /// Links of either map, by their ends and name.
    pub links: Vec<Link>,
    /// The node of each process, by index.
    nodes_of: super::OldNew<Vec<u32>>,
    /// Listeners that did not stay.
    listeners: BTreeMap<(Side, SocketId), ChangeStatus>,
}

impl MergedMaps {
    /// The node (index) that a process belongs to.
    pub fn node(&self, side: Side, process: ProcessId) -> usize {
        self.nodes_of.of(side)[process.index()] as usize
    }

    /// What became of a process's node.
    pub fn process(&self, side: Side, process: ProcessId) -> ChangeStatus {
        self.nodes[self.node(side, process)].mark
    }

    /// What became of a listener; of any other socket that it stayed.
    pub fn listener(&self, side: Side, socket: SocketId) -> ChangeStatus {
        self.listeners
            .get(&(side, socket))
            .copied()
            .unwrap_or_default()
    }
}

/// Compares two maps, and marks everything in both.
pub fn marked(old: &Map, new: &Map, options: &Options) -> (Diff, MergedMaps) {
    marks(old, new, options, None)
}

/// The same, where noise has been judged before.
pub(super) fn marks(
    old: &Map,
    new: &Map,
    options: &Options,
    judged: Option<&Judged>,
) -> (Diff, MergedMaps) {
    let (context, ignored) = context(old, new, options, judged);
    let (diff, links) = compare(&context, ignored);
    let mut nodes: Vec<Node> = by_group(&context)
        .into_iter()
        .enumerate()
        .map(|(group, members)| Node {
            label: context.union.label(group as u32).to_owned(),
            mark: ChangeStatus::Stayed,
            old: members.old,
            new: members.new,
        })
        .collect();
    let marks: BTreeMap<&str, ChangeStatus> = diff
        .processes
        .iter()
        .map(|row| (row.role.as_str(), row.change.into()))
        .collect();
    for node in &mut nodes {
        node.mark = marks.get(node.label.as_str()).copied().unwrap_or_default();
    }
    let end = |label: &str, number: u32| match (number as usize) < nodes.len() {
        true => End::Node(number as usize),
        false => match links.beyond.get(&number) {
            Some(Beyond::Outside) => End::Outside(label.to_owned()),
            Some(Beyond::Several(groups)) => {
                End::Several(groups.iter().map(|group| *group as usize).collect())
            }
            Some(Beyond::Unknown) | None => End::Unknown,
        },
    };
    let links = links
        .rows
        .iter()
        .map(|row: &LinkRow| Link {
            client: end(&row.link.client, row.client),
            server: end(&row.link.server, row.server),
            via: row.link.via.clone(),
            kind: row.link.kind,
            old: row.link.old,
            new: row.link.new,
            mark: if row.told {
                row.link.change.into()
            } else {
                ChangeStatus::Stayed
            },
        })
        .collect();
    let mut listeners = BTreeMap::new();
    for row in &diff.listeners {
        for (side, socket) in [(Side::Old, row.old), (Side::New, row.new)] {
            if let Some(socket) = socket {
                listeners.insert((side, socket), row.change.into());
            }
        }
    }
    for row in &diff.unlinked {
        listeners.insert((Side::New, row.socket), ChangeStatus::Changed);
    }
    let nodes_of = context.union.numbers().clone();
    let marks = MergedMaps {
        nodes,
        links,
        nodes_of,
        listeners,
    };
    (finish(diff, context), marks)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::By;
    use crate::model::fixture::{self, connect, listener, process};

    #[test]
    fn everything_in_either_map_has_a_mark() {
        let machine = |clients: &[(u32, &[u8])]| {
            let mut map = fixture::map();
            map.hosts[0].boot_id = b"boot"[..].into();
            let server = process(&mut map, 1, b"server");
            let socket = listener(&mut map, &[server], b"/run/app\0");
            for (pid, comm) in clients {
                let client = process(&mut map, *pid, comm);
                connect(&mut map, &[client], &[server], Some(socket));
            }
            map
        };
        let old = machine(&[(2, b"pool"), (5, b"gone")]);
        let new = machine(&[(2, b"pool"), (3, b"pool"), (4, b"come")]);
        let (diff, marks) = marked(&old, &new, &Options::default());
        let nodes: Vec<(&str, ChangeStatus)> = marks
            .nodes
            .iter()
            .map(|node| (node.label.as_str(), node.mark))
            .collect();
        let expected = [
            ("server", ChangeStatus::Stayed),
            ("pool", ChangeStatus::Changed),
            ("gone", ChangeStatus::Removed),
            ("come", ChangeStatus::Added),
        ];
        assert_eq!(nodes, expected);
        let mut links: Vec<(usize, usize, ChangeStatus)> = marks
            .links
            .iter()
            .map(|link| (link.old, link.new, link.mark))
            .collect();
        links.sort_unstable();
        // That the pool has more conversations follows from its size.
        let expected = [
            (0, 1, ChangeStatus::Added),
            (1, 0, ChangeStatus::Removed),
            (1, 2, ChangeStatus::Stayed),
        ];
        assert_eq!(links, expected);
        assert_eq!(marks.process(Side::New, ProcessId(3)), ChangeStatus::Added);
        assert_eq!(
            marks.process(Side::Old, ProcessId(2)),
            ChangeStatus::Removed
        );
        assert_eq!(marks.listener(Side::New, SocketId(0)), ChangeStatus::Stayed);
        assert_eq!(diff.links.len(), 2);
        let by = Options {
            by: By::Process,
            ..Options::default()
        };
        let (_, marks) = marked(&old, &new, &by);
        assert_eq!(marks.nodes.len(), 5);
        assert_eq!(marks.process(Side::New, ProcessId(1)), ChangeStatus::Stayed);
    }
}
