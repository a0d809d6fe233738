//! What a filter matches in one map, mergeable with the matches in other maps.

use super::matching::{matching_processes, matching_rows};
use crate::model::{Departed, Map};
use crate::query::selector::SelectorSet;

/// The values of the filter options.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Keeps conversations with at least one end that matches.
    pub only: SelectorSet,
    /// Keeps what is within `hops` conversations of a match.
    pub focus: SelectorSet,
    /// Largest distance from a match of `focus`, in conversations.
    pub hops: usize,
    /// Removes processes that match any of these sets.
    pub hide: Vec<SelectorSet>,
    /// Hides conversations with loggers, except those whose server's end a selector matches.
    pub hide_logs: bool,
    /// Further selectors, of other options, for `hide_logs`.
    pub named: Vec<SelectorSet>,
}

impl Filter {
    /// Whether the filter keeps every row; it may still hide conversations with loggers.
    pub fn is_empty(&self) -> bool {
        self.only.is_empty() && self.focus.is_empty() && self.hide.is_empty()
    }
}

/// Rows that are kept in this map or in another one that it is compared with, by index.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeptMask {
    /// Processes.
    pub processes: Vec<bool>,
    /// Sockets.
    pub sockets: Vec<bool>,
    /// Client sockets (`Connection::a`) of connections that are kept.
    pub clients: Vec<bool>,
}

/// What a filter matches in a map, by index of process and socket.
#[derive(Debug, Clone, Default)]
pub struct FilterMatch {
    /// Processes that match `hide`.
    pub(super) hidden: Vec<bool>,
    /// Processes that match `only`.
    pub(super) only: Vec<bool>,
    /// Sockets that match `only`.
    pub(super) sockets: Vec<bool>,
    /// Processes that match `focus`.
    pub(super) focus: Vec<bool>,
    /// What is kept, in this map or another one.
    pub(super) kept: KeptMask,
    /// For each set of selectors that is not empty, whether anything matches.
    found: Vec<bool>,
}

impl FilterMatch {
    /// Finds the matches in a map; `kept` is filled in by [`FilterMatch::record_kept`].
    pub fn new(map: &Map, filter: &Filter) -> Self {
        let mut matches = Self::default();
        matches.resize(map.processes.len(), map.sockets.len());
        for hide in &filter.hide {
            if hide.has_class_kind() {
                continue; // removes conversations, and no processes
            }
            let hidden = matching_processes(map, hide);
            matches.found.push(hidden.contains(&true));
            add(&mut matches.hidden, &hidden);
        }
        if !filter.only.is_empty() {
            (matches.only, matches.sockets) = matching_rows(map, &filter.only);
            let found = matches.only.contains(&true)
                || matches.sockets.contains(&true)
                || map.departed.iter().any(|row| departed_matches(filter, row));
            matches.found.push(found);
        }
        if !filter.focus.is_empty() {
            matches.focus = matching_processes(map, &filter.focus);
            matches.found.push(matches.focus.contains(&true));
        }
        matches
    }

    /// Extends (or truncates) the masks to this many processes and sockets.
    pub fn resize(&mut self, processes: usize, sockets: usize) {
        for mask in [
            &mut self.hidden,
            &mut self.only,
            &mut self.focus,
            &mut self.kept.processes,
        ] {
            mask.resize(processes, false);
        }
        for mask in [
            &mut self.sockets,
            &mut self.kept.sockets,
            &mut self.kept.clients,
        ] {
            mask.resize(sockets, false);
        }
    }

    /// Whether every set of selectors matches something.
    pub fn all_found(&self) -> bool {
        !self.found.contains(&false)
    }

    /// Adds the matches in another map. `processes` and `sockets` are the rows that are in both maps:
    /// pairs of this map's index and the other's.
    pub fn merge(
        &mut self,
        other: &Self,
        processes: impl Iterator<Item = (usize, usize)>,
        sockets: impl Iterator<Item = (usize, usize)>,
    ) {
        for (own, its) in processes {
            self.hidden[own] |= other.hidden[its];
            self.only[own] |= other.only[its];
            self.focus[own] |= other.focus[its];
            self.kept.processes[own] |= other.kept.processes[its];
        }
        for (own, its) in sockets {
            self.sockets[own] |= other.sockets[its];
            self.kept.sockets[own] |= other.kept.sockets[its];
            self.kept.clients[own] |= other.kept.clients[its];
        }
        self.found.resize(other.found.len(), false);
        add(&mut self.found, &other.found);
    }
}

/// Whether connections without a socket match the selectors.
pub(super) fn departed_matches(filter: &Filter, departed: &Departed) -> bool {
    let sets = [&filter.only, &filter.focus];
    sets.iter()
        .all(|set| set.matches_unlisted_socket(&departed.as_socket()))
}

/// Sets each entry of a mask that is set in another one.
pub(super) fn add(mask: &mut [bool], other: &[bool]) {
    for (entry, other) in mask.iter_mut().zip(other) {
        *entry |= other;
    }
}
