//! Numbers the names of listeners; names that only one map has are compared by shape.

use std::collections::{BTreeMap, HashMap};

use super::name_shape::mask;
use super::served_name::address_shape;
use super::side::{OldNew, Side};
use crate::graph::Conversation;
use crate::model::{Address, Map, SocketId};
use crate::query::{Via, ViaKind, via};

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
    shape: Via,
    seen: OldNew<bool>,
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
    pub(super) fn number(&mut self, side: Side, map: &Map, conversation: Conversation) -> u32 {
        let listener = match conversation {
            Conversation::Connection(id) => map.connections[id].listener,
            Conversation::Pipe(_) => None,
        };
        if let Some(number) = listener.and_then(|id| self.by_listener.of(side).get(&id)) {
            return *number;
        }
        let via = via(map, conversation);
        let next = self.names.len() as u32;
        let number = *self.numbers.entry(via.clone()).or_insert(next);
        if number == next {
            self.names.push(Name {
                shape: shape(map, conversation, &via),
                via,
                seen: OldNew::default(),
            });
        }
        *self.names[number as usize].seen.of_mut(side) = true;
        if let Some(id) = listener {
            self.by_listener.of_mut(side).insert(id, number);
        }
        number
    }

    /// Gives names of one map only that have the same shape one number.
    pub(super) fn canonical(&self) -> CanonicalNames {
        let mut by_name: BTreeMap<&Via, u32> = BTreeMap::new();
        let mut names: Vec<Via> = Vec::new();
        let mut numbers = Vec::new();
        for name in &self.names {
            let in_both = name.seen.old && name.seen.new;
            let key = if in_both { &name.via } else { &name.shape };
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

/// A name without the parts that differ from run to run.
fn shape(map: &Map, conversation: Conversation, via: &Via) -> Via {
    let text = match via.kind {
        ViaKind::Unnamed => String::new(),
        ViaKind::Path | ViaKind::Abstract => mask(&via.text),
        ViaKind::Address => {
            let address = address_of(map, conversation, via);
            address.map_or_else(|| via.text.clone(), address_shape)
        }
    };
    Via {
        text,
        kind: via.kind,
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
