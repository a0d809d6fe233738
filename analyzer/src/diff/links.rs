//! Compares links: conversations between two groups over one listener, whose number changed.

use std::collections::{BTreeMap, BTreeSet};

use super::context::Context;
use super::fleeting::{Tally, is_fleeting, is_reconnecting};
use super::link_key::{LinkEnds, LinkKey, LinkNames, OtherEnd, is_compared};
use super::pool_reassignment::PoolReassignment;
use super::report::{Change, Ignored, LinkChange};
use super::side::{OldNew, Side};
use crate::graph::{Conversation, ConversationEnds, conversations};
use crate::model::{Map, ProcessId};
use crate::query::{LinkKind, Via, is_self_conversation, link_kind};

/// A link of either map.
#[derive(Debug, Clone)]
pub(super) struct NumberedLink {
    /// Number of the client's end: a group, or a key of [`Links::other_ends`].
    pub(super) client: u32,
    /// Number of the server's end.
    pub(super) server: u32,
    /// Labels and counts.
    pub(super) link: LinkChange,
    /// Whether it is reported as a difference.
    pub(super) is_reported: bool,
}

/// The links of both maps, changed or not.
#[derive(Debug, Clone, Default)]
pub(super) struct Links {
    /// By change and names.
    pub(super) rows: Vec<NumberedLink>,
    /// The ends that are not one group, by number.
    pub(super) other_ends: BTreeMap<u32, OtherEnd>,
}

/// One row for each client, server and listener of either map.
pub(super) fn compare(context: &Context<'_>, ignored: &mut Ignored) -> Links {
    let mut ends = LinkEnds::new(context);
    let mut names = LinkNames::default();
    let mut counts: BTreeMap<LinkKey, OldNew<Tally>> = BTreeMap::new();
    for side in Side::BOTH {
        let fleeting = &mut ignored.fleeting;
        count(context, side, &mut ends, &mut names, &mut counts, fleeting);
    }
    let names = names.canonical();
    let mut tallies: BTreeMap<LinkKey, OldNew<Tally>> = BTreeMap::new();
    for (key, tally) in counts {
        let name = names.numbers[key.name as usize];
        let row = tallies.entry(LinkKey { name, ..key }).or_default();
        row.old.merge(tally.old);
        row.new.merge(tally.new);
    }
    let numbers = tallies.iter().map(|(key, tally)| {
        let count = OldNew::from_fn(|side| tally.of(side).count);
        (*key, count)
    });
    let rows: BTreeMap<LinkKey, OldNew<usize>> = numbers.collect();
    let judge = Judge {
        context,
        tallies,
        unread: unread_names(context, &ends, &rows),
        pools: PoolReassignment::new(context, &rows),
    };
    let rows = rows.into_iter();
    let rows = rows.map(|(key, OldNew { old, new })| NumberedLink {
        client: key.client,
        server: key.server,
        is_reported: judge.is_reported(key, old, new, ignored),
        link: LinkChange {
            change: match (old, new) {
                (0, _) => Change::Added,
                (_, 0) => Change::Removed,
                _ => Change::Changed,
            },
            client: ends.label(key.client).to_owned(),
            server: ends.label(key.server).to_owned(),
            via: names.names[key.name as usize].clone(),
            kind: key.kind,
            old,
            new,
        },
    });
    let mut rows: Vec<NumberedLink> = rows.collect();
    rows.sort_by(|a, b| order(&a.link).cmp(&order(&b.link)));
    Links {
        rows,
        other_ends: ends.others,
    }
}

/// By change, then names.
fn order(row: &LinkChange) -> (Change, &str, &str, &Via, LinkKind) {
    (row.change, &row.client, &row.server, &row.via, row.kind)
}

/// Counts the conversations of one map.
fn count(
    context: &Context<'_>,
    side: Side,
    link_ends: &mut LinkEnds,
    names: &mut LinkNames,
    counts: &mut BTreeMap<LinkKey, OldNew<Tally>>,
    fleeting: &mut usize,
) {
    let map = context.maps.of(side);
    for mut ends in conversations(map) {
        if !context.options.all && is_fleeting(context, side, &ends) {
            *fleeting += 1;
            continue;
        }
        if !is_compared(map, &ends) || !remove_noise(context, side, &mut ends) {
            continue;
        }
        let name = names.number(&context.matching, side, map, ends.conversation);
        let kind = link_kind(map, ends.conversation);
        let clients = link_ends.numbers(context, side, &ends, true);
        let servers = link_ends.numbers(context, side, &ends, false);
        let is_directed = ends.is_directed(map);
        for &client in &clients {
            for &server in &servers {
                let mut pair = [client, server];
                if !is_directed {
                    pair.sort_by_key(|end| (link_ends.is_unknown(*end), link_ends.label(*end)));
                }
                let [client, server] = pair;
                let key = LinkKey {
                    client,
                    server,
                    name,
                    kind,
                };
                let tally = counts.entry(key).or_default().of_mut(side);
                tally.add(context, side, &ends);
            }
        }
    }
}

/// Removes noise from both ends; false if an end has become empty or the conversation private.
fn remove_noise(context: &Context<'_>, side: Side, ends: &mut ConversationEnds) -> bool {
    let map = context.maps.of(side);
    for client in [true, false] {
        let processes = if client { &mut ends.from } else { &mut ends.to };
        let before = processes.len();
        processes.retain(|id| context.is_compared(side, *id));
        if before > 0 && processes.is_empty() {
            // Who only keeps it while a child uses it, uses it at other times.
            let conversation = ends.conversation;
            *processes = match client == ends.client_is_outside {
                true => Vec::new(),
                false => keeping_processes(map, conversation, client),
            };
            processes.retain(|id| context.is_compared(side, *id));
            if processes.is_empty() {
                return false;
            }
        }
    }
    !is_self_conversation(ends)
}

/// All holders of the client's or the server's end.
fn keeping_processes(map: &Map, conversation: Conversation, client: bool) -> Vec<ProcessId> {
    match conversation {
        Conversation::Connection(index) => {
            let connection = &map.connections[index];
            let end = if client {
                Some(connection.a)
            } else {
                connection.b
            };
            end.map_or_else(Vec::new, |socket| map.holding_processes(socket))
        }
        // Channels are not compared.
        Conversation::Channel(_) => Vec::new(),
        Conversation::Pipe(id) => {
            let pipe = &map.pipes[id.index()];
            let holders = if client { &pipe.writers } else { &pipe.readers };
            let mut processes: Vec<ProcessId> =
                holders.iter().map(|holder| holder.process).collect();
            processes.sort_unstable();
            processes.dedup();
            processes
        }
    }
}

/// Names over which an unread process communicates in one of the maps, where these were not read
/// equally well: the processes that use them cannot be compared.
fn unread_names(
    context: &Context<'_>,
    ends: &LinkEnds,
    rows: &BTreeMap<LinkKey, OldNew<usize>>,
) -> BTreeSet<(u32, LinkKind)> {
    if context.coverage.comparable {
        return BTreeSet::new();
    }
    let unread = rows.iter().filter(|(key, count)| {
        [key.client, key.server].contains(&ends.unreadable) && count.old != count.new
    });
    unread.map(|(key, _)| (key.name, key.kind)).collect()
}

/// Decides which rows are reported.
struct Judge<'a> {
    context: &'a Context<'a>,
    tallies: BTreeMap<LinkKey, OldNew<Tally>>,
    unread: BTreeSet<(u32, LinkKind)>,
    pools: Option<PoolReassignment>,
}

impl Judge<'_> {
    fn is_reported(&self, key: LinkKey, old: usize, new: usize, ignored: &mut Ignored) -> bool {
        if old == new {
            return false;
        }
        if self.unread.contains(&(key.name, key.kind)) || self.may_be_unread(key.kind, old, new) {
            ignored.coverage += 1;
            return false;
        }
        let tally = &self.tallies[&key];
        if !self.context.options.all && is_reconnecting(self.context, tally) {
            ignored.fleeting += old.abs_diff(new);
            return false;
        }
        let follows = !self.context.options.all && self.follows_pool_size(key, old, new);
        let pools = self.pools.as_ref();
        let small = follows || pools.is_some_and(|pools| pools.explains(key));
        ignored.small += usize::from(small);
        !small
    }

    /// Whether conversations may be missing in the map that has fewer: it is damaged, or it lacks
    /// holders of pipes, which are in no table of the kernel.
    fn may_be_unread(&self, kind: LinkKind, old: usize, new: usize) -> bool {
        let lacking = if old < new { Side::Old } else { Side::New };
        let coverage = &self.context.coverage;
        let unread = !coverage.comparable && coverage.hides_holders(lacking);
        coverage.is_damaged(lacking) || unread && kind == LinkKind::Pipe
    }

    /// Whether the change follows from that of a pool's size: each process has as many conversations
    /// as before.
    fn follows_pool_size(&self, key: LinkKey, old: usize, new: usize) -> bool {
        let resized = |group: u32| {
            let members = self.context.members.get(group as usize)?;
            let sizes = (members.old.len(), members.new.len());
            (sizes.0 != sizes.1 && sizes.0 > 0 && sizes.1 > 0).then_some(sizes)
        };
        let (client, server) = (resized(key.client), resized(key.server));
        let in_step = |(before, after): (usize, usize)| old * after == new * before;
        client.is_some_and(in_step)
            || server.is_some_and(in_step)
            || key.client == key.server && client.is_some()
    }
}
