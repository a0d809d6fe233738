//! The keys by which conversations are counted: numbers for ends and names, shared by both maps.
//!
//! An end is a group, or what stands where no group is known or too many are. Names that only one map
//! has are compared by shape.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::context::Context;
use super::labels::Labels;
use super::matching::Matching;
use super::name_classes::{NameClasses, without_pids};
use super::served_name::is_ephemeral;
use super::side::{OldNew, Side};
use crate::graph::{Conversation, ConversationEnds};
use crate::model::{Address, ConnectionState, Map, SocketId};
use crate::query::{
    LinkKind, MAX_GROUPS_AT_END, UnknownEnd, Via, ViaKind, is_half_closed, is_self_conversation,
    unknown_end, via,
};

/// The key of a link, by numbers that both maps share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct LinkKey {
    /// Number of the client's label.
    pub(super) client: u32,
    /// Number of the server's label.
    pub(super) server: u32,
    /// Number of the listener's name.
    pub(super) name: u32,
    /// Kind of conversation.
    pub(super) kind: LinkKind,
}

/// Whether a conversation is compared: it has two ends and is not being closed.
pub(super) fn is_compared(map: &Map, ends: &ConversationEnds) -> bool {
    !(is_self_conversation(ends) || is_half_closed(map, ends) || is_closing(map, ends.conversation))
}

/// Whether a connection is being closed.
pub(crate) fn is_closing(map: &Map, conversation: Conversation) -> bool {
    match conversation {
        Conversation::Connection(id) => map.connections[id].state == ConnectionState::Closing,
        Conversation::Pipe(_) | Conversation::Channel(_) => false,
    }
}

/// An end that is not one group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum OtherEnd {
    /// Not on a captured machine.
    Outside,
    /// No process is known.
    Unknown,
    /// More groups than are listed.
    Several(BTreeSet<u32>),
}

/// The ends of links, by number. The first numbers are those of the groups.
pub(super) struct LinkEnds {
    labels: Labels,
    /// The number of the end whose holder could not be read.
    pub(super) unreadable: u32,
    /// The ends that are not one group, by number.
    pub(super) others: BTreeMap<u32, OtherEnd>,
}

impl LinkEnds {
    /// Numbers the groups.
    pub(super) fn new(context: &Context<'_>) -> Self {
        let mut labels = context.groups.labels.clone();
        let unreadable = labels.number(UnknownEnd::Unreadable.to_string());
        Self {
            labels,
            unreadable,
            others: BTreeMap::new(),
        }
    }

    /// The label of an end, printable.
    pub(super) fn label(&self, number: u32) -> &str {
        self.labels.text(number)
    }

    /// Whether no process is known at an end.
    pub(super) fn is_unknown(&self, number: u32) -> bool {
        let other = self.others.get(&number);
        other.is_some_and(|end| !matches!(end, OtherEnd::Several(_)))
    }

    /// The numbers of the client's or the server's end of a conversation.
    pub(super) fn numbers(
        &mut self,
        context: &Context<'_>,
        side: Side,
        ends: &ConversationEnds,
        client: bool,
    ) -> Vec<u32> {
        let processes = if client { &ends.from } else { &ends.to };
        if processes.is_empty() {
            let end = unknown_end(context.maps.of(side), ends, client);
            let number = self.labels.number(end.to_string());
            self.others.entry(number).or_insert(match end {
                UnknownEnd::Outside(_) => OtherEnd::Outside,
                _ => OtherEnd::Unknown,
            });
            return vec![number];
        }
        let groups = processes.iter().map(|id| context.groups.group(side, *id));
        let mut groups: Vec<u32> = groups.collect();
        groups.sort_unstable();
        groups.dedup();
        match groups.len() > MAX_GROUPS_AT_END {
            true => vec![self.several(groups)],
            false => groups,
        }
    }

    /// The number of an end that many groups share.
    fn several(&mut self, groups: Vec<u32>) -> u32 {
        let first = groups.iter().map(|group| self.label(*group)).min();
        let label = format!("{} and many more", first.unwrap_or_default());
        let number = self.labels.number(label);
        let several = OtherEnd::Several(BTreeSet::new());
        if let OtherEnd::Several(all) = self.others.entry(number).or_insert(several) {
            all.extend(groups);
        }
        number
    }
}

/// The names that conversations go over, by number.
#[derive(Default)]
pub(super) struct LinkNames {
    names: Vec<Name>,
    numbers: HashMap<Via, u32>,
    /// Numbers by listener: saves formatting the same name for each connection.
    by_listener: OldNew<HashMap<SocketId, u32>>,
}

struct Name {
    via: Via,
    /// What is compared with other names of one map only: without process ids, and without a port that
    /// the kernel assigned and nobody listens on.
    varying: String,
    seen: OldNew<bool>,
    /// Whether a listener of this name is in both maps, whoever uses it.
    is_kept: bool,
}

/// The names as they are compared.
pub(super) struct CanonicalNames {
    /// The canonical number of each name, by number.
    pub(super) numbers: Vec<u32>,
    /// The names, by canonical number.
    pub(super) names: Vec<Via>,
}

impl LinkNames {
    /// The number of the name that a conversation goes over.
    pub(super) fn number(
        &mut self,
        matching: &Matching,
        side: Side,
        map: &Map,
        conversation: Conversation,
    ) -> u32 {
        let listener = match conversation {
            Conversation::Connection(id) => map.connections[id].listener,
            Conversation::Pipe(_) | Conversation::Channel(_) => None,
        };
        if let Some(number) = listener.and_then(|id| self.by_listener.of(side).get(&id)) {
            return *number;
        }
        let via = via(map, conversation);
        let next = self.names.len() as u32;
        let number = *self.numbers.entry(via.clone()).or_insert(next);
        if number == next {
            self.names.push(Name {
                varying: varying(map, conversation, &via),
                via,
                seen: OldNew::default(),
                is_kept: false,
            });
        }
        let name = &mut self.names[number as usize];
        *name.seen.of_mut(side) = true;
        name.is_kept |= listener.is_some_and(|id| matching.socket(side, id).is_some());
        if let Some(id) = listener {
            self.by_listener.of_mut(side).insert(id, number);
        }
        number
    }

    /// The pattern of each name that may stand for others: it is in one map only, and so is its
    /// listener.
    fn shapes(&self) -> Vec<Option<Via>> {
        let mut varying: Vec<(ViaKind, &str, usize)> = Vec::new();
        for (index, name) in self.names.iter().enumerate() {
            if !(name.is_kept || name.seen.old && name.seen.new) {
                varying.push((name.via.kind, &name.varying, index));
            }
        }
        varying.sort_unstable();
        let mut shapes = vec![None; self.names.len()];
        for of_kind in varying.chunk_by(|a, b| a.0 == b.0) {
            let mut classes = NameClasses::default();
            let found = of_kind.iter().map(|(kind, name, index)| {
                let class = match kind {
                    ViaKind::Address => Err((*name).to_owned()),
                    _ => Ok(classes.add(name)),
                };
                (*kind, *index, class)
            });
            let found: Vec<_> = found.collect();
            for (kind, index, class) in found {
                let text = class.map_or_else(|name| name, |class| classes.pattern(class));
                shapes[index] = Some(Via { text, kind });
            }
        }
        shapes
    }

    /// Gives names of one map only that differ in random parts one number.
    pub(super) fn canonical(&self) -> CanonicalNames {
        let shapes = self.shapes();
        let mut by_name: BTreeMap<&Via, u32> = BTreeMap::new();
        let mut names: Vec<Via> = Vec::new();
        let mut numbers = Vec::new();
        for (name, shape) in self.names.iter().zip(&shapes) {
            let key = shape.as_ref().unwrap_or(&name.via);
            let next = names.len() as u32;
            let number = *by_name.entry(key).or_insert(next);
            match number == next {
                true => names.push(name.via.clone()),
                // Several names share the number: show their shape.
                false => names[number as usize] = key.clone(),
            }
            numbers.push(number);
        }
        CanonicalNames { numbers, names }
    }
}

/// A name without process ids; an address without a port that the kernel assigned to an end of a
/// conversation both ends of which are here. A port that somebody listens on is never one.
fn varying(map: &Map, conversation: Conversation, via: &Via) -> String {
    let Conversation::Connection(id) = conversation else {
        return via.text.clone();
    };
    let connection = &map.connections[id];
    match (via.kind, connection.listener) {
        (ViaKind::Path | ViaKind::Abstract, listener) => {
            let socket = listener.or(connection.b).unwrap_or(connection.a);
            without_pids(map, socket, &via.text)
        }
        (ViaKind::Address, None) if connection.b.is_some() => {
            match address_of(map, conversation, via) {
                Some(address @ Address::Ip(ip, _)) if is_ephemeral(address) => format!("{ip}:*"),
                _ => via.text.clone(),
            }
        }
        _ => via.text.clone(),
    }
}

/// The address that a name was formatted from.
fn address_of(map: &Map, conversation: Conversation, via: &Via) -> Option<Address> {
    let Conversation::Connection(id) = conversation else {
        return None;
    };
    let connection = &map.connections[id];
    let sockets = [connection.listener, connection.b, Some(connection.a)];
    let mut addresses = sockets.into_iter().flatten().flat_map(|id| {
        let socket = map.socket(id);
        [socket.local, socket.remote]
    });
    addresses.find_map(|address| address.filter(|a| a.to_string() == via.text))
}
