//! Who talks to whom in another number than before.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::compare::Context;
use super::listeners::address_shape;
use super::pool_reassignment::Turns;
use super::processes::by_group;
use super::report::{Change, Ignored, LinkChange};
use super::shared_groups::Labels;
use super::{OldNew, Side, mask};
use crate::graph::{Conversation, ConversationEnds, conversations};
use crate::model::{Address, ConnectionState, Map, SocketId};
use crate::query::{
    LinkKind, UnknownEnd, Via, ViaKind, is_half_closed_pipe, is_self_conversation, link_kind,
    unknown_end, via,
};

/// Groups at one end, beyond which they are one: as in `list`.
const GROUPS_AT_ONE_END: usize = 16;

/// Client, server, name, kind; the first two are numbers of labels, the third of a name.
pub(super) type Key = (u32, u32, u32, LinkKind);

/// A link of either map.
#[derive(Debug, Clone)]
pub(super) struct LinkRow {
    /// The client's group; beyond those of the union where nobody is known.
    pub(super) client: u32,
    /// The server's.
    pub(super) server: u32,
    /// The rest.
    pub(super) link: LinkChange,
    /// Whether it is a difference to tell.
    pub(super) told: bool,
}

/// The links of either map.
#[derive(Debug, Clone, Default)]
pub(super) struct Links {
    /// By change and names.
    pub(super) rows: Vec<LinkRow>,
    /// What ends are that are no group of the union, by number.
    pub(super) beyond: BTreeMap<u32, Beyond>,
}

/// An end that is no group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Beyond {
    /// Somebody who is not on a captured machine.
    Outside,
    /// Nobody is known.
    Unknown,
    /// Too many groups to name each.
    Several(BTreeSet<u32>),
}

/// One row for each client, server and listener of either map.
pub(super) fn compare(context: &Context<'_>, ignored: &mut Ignored) -> Links {
    let mut counter = Counter::new(context);
    let both = OldNew {
        old: counter.count(Side::Old),
        new: counter.count(Side::New),
    };
    let names = counter.names.canonical();
    let mut rows: BTreeMap<Key, (usize, usize)> = BTreeMap::new();
    for side in Side::BOTH {
        let mut counts: Vec<(Key, usize)> = both.of(side).iter().map(|(k, n)| (*k, *n)).collect();
        counts.sort_unstable();
        for ((client, server, name, kind), count) in counts {
            let key = (client, server, names.of[name as usize], kind);
            let row = rows.entry(key).or_default();
            match side {
                Side::Old => row.0 += count,
                Side::New => row.1 += count,
            }
        }
    }
    let pools: Vec<(usize, usize)> = by_group(context)
        .iter()
        .map(|members| (members.old.len(), members.new.len()))
        .collect();
    let unknown = counter.unknown_names(&rows);
    let turns = Turns::of(context, &rows);
    let mut tell = |key: Key, old: usize, new: usize| {
        let (client, server, name, kind) = key;
        if old == new {
            return false;
        }
        if unknown.contains(&(name, kind)) || counter.may_be_unread(kind, old, new) {
            ignored.coverage += 1;
            return false;
        }
        let small = !context.options.all && follows(&pools, client, server, old, new)
            || turns.as_ref().is_some_and(|turns| turns.explain(key));
        ignored.small += usize::from(small);
        !small
    };
    let mut links = Links {
        rows: Vec::with_capacity(rows.len()),
        beyond: BTreeMap::new(),
    };
    for ((client, server, name, kind), (old, new)) in rows {
        let change = match (old, new) {
            (0, _) => Change::Added,
            (_, 0) => Change::Removed,
            _ => Change::Changed,
        };
        links.rows.push(LinkRow {
            client,
            server,
            told: tell((client, server, name, kind), old, new),
            link: LinkChange {
                change,
                client: counter.labels.text(client).to_owned(),
                server: counter.labels.text(server).to_owned(),
                via: names.shown[name as usize].clone(),
                kind,
                old,
                new,
            },
        });
    }
    links
        .rows
        .sort_by(|a, b| order(&a.link).cmp(&order(&b.link)));
    links.beyond = counter.beyond;
    links
}

/// By change, then names.
fn order(row: &LinkChange) -> (Change, &str, &str, &Via, LinkKind) {
    (row.change, &row.client, &row.server, &row.via, row.kind)
}

/// Whether a pool's size says it already: as many conversations for each process as before.
fn follows(pools: &[(usize, usize)], client: u32, server: u32, old: usize, new: usize) -> bool {
    let grown = |group: u32| {
        let pool = pools.get(group as usize).copied();
        pool.filter(|(old, new)| old != new && *old > 0 && *new > 0)
    };
    let (client_pool, server_pool) = (grown(client), grown(server));
    let in_step = |pool: Option<(usize, usize)>| {
        pool.is_some_and(|(before, after)| old * after == new * before)
    };
    in_step(client_pool) || in_step(server_pool) || client == server && client_pool.is_some()
}

/// Counts conversations of either map by the same numbers.
struct Counter<'a> {
    context: &'a Context<'a>,
    labels: Labels,
    names: Names,
    unreadable: u32,
    beyond: BTreeMap<u32, Beyond>,
}

impl<'a> Counter<'a> {
    fn new(context: &'a Context<'a>) -> Self {
        let mut labels = context.union.labels();
        let unreadable = labels.number(UnknownEnd::Unreadable.to_string());
        Self {
            context,
            labels,
            names: Names::default(),
            unreadable,
            beyond: BTreeMap::new(),
        }
    }

    fn count(&mut self, side: Side) -> HashMap<Key, usize> {
        let map = self.context.maps.of(side);
        let mut counts: HashMap<Key, usize> = HashMap::new();
        for mut ends in conversations(map) {
            if !is_told(map, &ends) || !self.keep_counted(side, &mut ends) {
                continue;
            }
            let name = self.names.number(side, map, ends.conversation);
            let kind = link_kind(map, ends.conversation);
            let clients = self.side(side, &ends, true);
            let servers = self.side(side, &ends, false);
            for client in &clients {
                for server in &servers {
                    *counts.entry((*client, *server, name, kind)).or_default() += 1;
                }
            }
        }
        counts
    }

    /// Leaves out who does not take part; false when that leaves nobody at an end.
    fn keep_counted(&self, side: Side, ends: &mut ConversationEnds) -> bool {
        for processes in [&mut ends.from, &mut ends.to] {
            let before = processes.len();
            processes.retain(|id| self.context.counts(side, *id));
            if before > 0 && processes.is_empty() {
                return false;
            }
        }
        !is_self_conversation(ends)
    }

    /// The groups at one end.
    fn side(&mut self, side: Side, ends: &ConversationEnds, client: bool) -> Vec<u32> {
        let map = self.context.maps.of(side);
        let processes = if client { &ends.from } else { &ends.to };
        if processes.is_empty() {
            let nobody = unknown_end(map, ends, client);
            let number = self.labels.number(nobody.to_string());
            self.beyond.entry(number).or_insert(match nobody {
                UnknownEnd::Outside(_) => Beyond::Outside,
                UnknownEnd::Unreadable | UnknownEnd::Unheld => Beyond::Unknown,
            });
            return vec![number];
        }
        let of = |id: &crate::model::ProcessId| self.context.union.group(side, *id);
        let mut groups: Vec<u32> = processes.iter().map(of).collect();
        groups.sort_unstable();
        groups.dedup();
        self.at_most(groups)
    }

    fn at_most(&mut self, groups: Vec<u32>) -> Vec<u32> {
        if groups.len() <= GROUPS_AT_ONE_END {
            return groups;
        }
        let first = groups.iter().map(|group| self.labels.text(*group)).min();
        let label = format!("{} and many more", first.unwrap_or_default());
        let number = self.labels.number(label);
        let several = Beyond::Several(BTreeSet::new());
        if let Beyond::Several(all) = self.beyond.entry(number).or_insert(several) {
            all.extend(groups);
        }
        vec![number]
    }

    /// Names over which somebody unread talks in one of the maps, and that were not read equally
    /// well: who talks over them cannot be compared.
    fn unknown_names(&self, rows: &BTreeMap<Key, (usize, usize)>) -> BTreeSet<(u32, LinkKind)> {
        let mut unknown = BTreeSet::new();
        if self.context.coverage.comparable {
            return unknown;
        }
        for ((client, server, name, kind), (old, new)) in rows {
            let unread = *client == self.unreadable || *server == self.unreadable;
            if unread && old != new {
                unknown.insert((*name, *kind));
            }
        }
        unknown
    }

    /// Whether the map that has fewer may lack a part: one that was damaged, or pipes, which are in
    /// no table but those of who holds them.
    fn may_be_unread(&self, kind: LinkKind, old: usize, new: usize) -> bool {
        let lacking = if old < new { Side::Old } else { Side::New };
        let coverage = &self.context.coverage;
        let unread = !coverage.comparable && coverage.hides_holders(lacking);
        coverage.is_damaged(lacking) || unread && kind == LinkKind::Pipe
    }
}

/// Whether it is a conversation of two, and not on its way out.
pub(super) fn is_told(map: &Map, ends: &ConversationEnds) -> bool {
    !(is_self_conversation(ends)
        || is_half_closed_pipe(map, ends)
        || is_closing(map, ends.conversation))
}

/// A stream that nobody is at the other end of, and a connection that is being taken down.
pub(crate) fn is_closing(map: &Map, talk: Conversation) -> bool {
    match talk {
        Conversation::Connection(at) => map.connections[at].state == ConnectionState::Closing,
        Conversation::Pipe(_) => false,
    }
}

/// Names that conversations go over, by number.
#[derive(Default)]
struct Names {
    all: Vec<Name>,
    numbers: HashMap<Via, u32>,
    /// By listener or bound end: the text is made once for each.
    of_socket: OldNew<HashMap<SocketId, u32>>,
}

struct Name {
    via: Via,
    shape: Via,
    seen: OldNew<bool>,
}

/// The names as they are compared: alike in both maps, or else by shape.
struct Canonical {
    of: Vec<u32>,
    shown: Vec<Via>,
}

impl Names {
    fn number(&mut self, side: Side, map: &Map, talk: Conversation) -> u32 {
        let listener = match talk {
            Conversation::Connection(at) => map.connections[at].listener,
            Conversation::Pipe(_) => None,
        };
        if let Some(number) = listener.and_then(|id| self.of_socket.of(side).get(&id)) {
            return *number;
        }
        let via = via(map, talk);
        let next = self.all.len() as u32;
        let number = *self.numbers.entry(via.clone()).or_insert(next);
        if number == next {
            self.all.push(Name {
                shape: shape(map, talk, &via),
                via,
                seen: OldNew::default(),
            });
        }
        *self.all[number as usize].seen.of_mut(side) = true;
        if let Some(id) = listener {
            self.of_socket.of_mut(side).insert(id, number);
        }
        number
    }

    fn canonical(&self) -> Canonical {
        let mut numbers: BTreeMap<&Via, u32> = BTreeMap::new();
        let mut shown: Vec<Via> = Vec::new();
        let mut of = Vec::new();
        for name in &self.all {
            let both = name.seen.old && name.seen.new;
            let key = if both { &name.via } else { &name.shape };
            let next = shown.len() as u32;
            let number = *numbers.entry(key).or_insert(next);
            match number == next {
                true => shown.push(name.via.clone()),
                // Of several names what they have in common.
                false => shown[number as usize] = key.clone(),
            }
            of.push(number);
        }
        Canonical { of, shown }
    }
}

/// A name without what differs from run to run.
fn shape(map: &Map, talk: Conversation, via: &Via) -> Via {
    let text = match via.kind {
        ViaKind::Unnamed => String::new(),
        ViaKind::Path | ViaKind::Abstract => mask(&via.text),
        ViaKind::Address => {
            address_of(map, talk, via).map_or_else(|| via.text.clone(), address_shape)
        }
    };
    Via {
        text,
        kind: via.kind,
    }
}

/// The address that a name was made of.
fn address_of(map: &Map, talk: Conversation, via: &Via) -> Option<Address> {
    let Conversation::Connection(at) = talk else {
        return None;
    };
    let connection = &map.connections[at];
    let sockets = [connection.listener, connection.b, Some(connection.a)];
    let mut addresses = sockets.into_iter().flatten().flat_map(|id| {
        let socket = map.socket(id);
        [socket.local, socket.remote]
    });
    addresses.find_map(|address| address.filter(|a| a.to_string() == via.text))
}
