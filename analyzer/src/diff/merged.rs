//! The union of both maps, for drawing: every group and link of either, marked with its change.
//!
//! The marks agree with [`Diff`]: what is not reported (noise, what coverage may explain) has stayed.

use std::collections::BTreeMap;

use super::context::Context;
use super::link_key::OtherEnd;
use super::links::Links;
use super::report::{Change, Diff};
use super::side::{OldNew, Side};
use crate::model::{ProcessId, SocketId};
use crate::query::{LinkKind, Via};

/// How something changed, if it did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum ChangeStatus {
    /// No change is reported.
    #[default]
    Stayed,
    /// Only in the second map.
    Added,
    /// Only in the first map.
    Removed,
    /// In both, in different numbers or replaced by others of the same role.
    Changed,
}

/// The mark of a reported change.
fn mark(change: Option<Change>) -> ChangeStatus {
    match change {
        None => ChangeStatus::Stayed,
        Some(Change::Added) => ChangeStatus::Added,
        Some(Change::Removed) => ChangeStatus::Removed,
        Some(Change::Changed | Change::Replaced) => ChangeStatus::Changed,
    }
}

/// A group of processes: a role, or a single process, depending on [`Options::by`](super::Options).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MergedNode {
    /// Its label, printable.
    pub label: String,
    /// How it changed.
    pub mark: ChangeStatus,
    /// Its processes in the first map.
    pub old: Vec<ProcessId>,
    /// Its processes in the second map.
    pub new: Vec<ProcessId>,
}

/// An end of a link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MergedEnd {
    /// Index into [`MergedMaps::nodes`].
    Node(usize),
    /// Indices of nodes that share the end.
    Several(Vec<usize>),
    /// Not on a captured machine; printable: `(outside) 10.0.0.7:443`.
    Outside(String),
    /// No process is known.
    Unknown,
}

/// Conversations between two nodes over one listener.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MergedLink {
    /// The client's end.
    pub client: MergedEnd,
    /// The server's end.
    pub server: MergedEnd,
    /// The listener's name or address.
    pub via: Via,
    /// Kind of conversation.
    pub kind: LinkKind,
    /// The number of conversations in the first map.
    pub old: usize,
    /// The number of conversations in the second map.
    pub new: usize,
    /// How they changed.
    pub mark: ChangeStatus,
}

/// The union of two maps.
#[derive(Debug, Clone, Default)]
pub struct MergedMaps {
    /// The groups of either map; those of noise have no processes.
    pub nodes: Vec<MergedNode>,
    /// The links of either map.
    pub links: Vec<MergedLink>,
    /// The node of each process, by index.
    nodes_of: OldNew<Vec<u32>>,
    /// Listeners that changed.
    listeners: BTreeMap<(Side, SocketId), ChangeStatus>,
}

impl MergedMaps {
    /// The node (index) of a process.
    pub fn node(&self, side: Side, process: ProcessId) -> usize {
        self.nodes_of.of(side)[process.index()] as usize
    }

    /// How a listener changed; any other socket has stayed.
    pub fn listener(&self, side: Side, socket: SocketId) -> ChangeStatus {
        let change = self.listeners.get(&(side, socket)).copied();
        change.unwrap_or_default()
    }

    /// Marks the groups and links of a comparison with their changes.
    pub(super) fn new(context: &Context<'_>, diff: &Diff, links: Links) -> Self {
        Self {
            nodes: nodes(context, diff),
            links: merge_links(context, links),
            nodes_of: context.groups.of_process.clone(),
            listeners: listeners(diff),
        }
    }
}

fn nodes(context: &Context<'_>, diff: &Diff) -> Vec<MergedNode> {
    let rows = diff.processes.iter();
    let altered = diff.altered.iter().filter(|row| row.listener.is_none());
    let altered = altered.map(|row| (&*row.roles.new, Change::Changed));
    let rows = rows.map(|row| (&*row.role, row.change));
    let changes: BTreeMap<&str, Change> = altered.chain(rows).collect();
    let groups = context.members.iter().enumerate();
    let nodes = groups.map(|(group, members)| {
        let label = context.groups.labels.text(group as u32);
        MergedNode {
            label: label.to_owned(),
            mark: mark(changes.get(label).copied()),
            old: members.old.clone(),
            new: members.new.clone(),
        }
    });
    nodes.collect()
}

fn merge_links(context: &Context<'_>, links: Links) -> Vec<MergedLink> {
    let groups = context.groups.labels.len();
    let end = |label: String, number: u32| match links.other_ends.get(&number) {
        _ if (number as usize) < groups => MergedEnd::Node(number as usize),
        Some(OtherEnd::Outside) => MergedEnd::Outside(label),
        Some(OtherEnd::Several(groups)) => {
            MergedEnd::Several(groups.iter().map(|group| *group as usize).collect())
        }
        Some(OtherEnd::Unknown) | None => MergedEnd::Unknown,
    };
    let rows = links.rows.into_iter().map(|row| MergedLink {
        mark: mark(row.is_reported.then_some(row.link.change)),
        client: end(row.link.client, row.client),
        server: end(row.link.server, row.server),
        via: row.link.via,
        kind: row.link.kind,
        old: row.link.old,
        new: row.link.new,
    });
    rows.collect()
}

fn listeners(diff: &Diff) -> BTreeMap<(Side, SocketId), ChangeStatus> {
    let mut listeners = BTreeMap::new();
    for row in &diff.listeners {
        for (side, socket) in [(Side::Old, row.old), (Side::New, row.new)] {
            if let Some(socket) = socket {
                listeners.insert((side, socket), mark(Some(row.change)));
            }
        }
    }
    let altered = diff.altered.iter().filter_map(|row| row.listener.as_ref());
    let unlinked = diff.unlinked.iter().map(|row| OldNew {
        old: row.old,
        new: row.new,
    });
    for sockets in altered.map(|(_, sockets)| *sockets).chain(unlinked) {
        for side in Side::BOTH {
            listeners.insert((side, *sockets.of(side)), ChangeStatus::Changed);
        }
    }
    listeners
}
