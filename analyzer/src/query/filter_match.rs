//! What selectors choose in one map, so that another one of the same things can be made to follow.
//!
//! Where maps are compared, each restricted for itself would show what was chosen in one of them only
//! as new or gone in the other. So choices are joined: [`FilterMatch::of`] each map, [`FilterMatch::join`] what
//! the others chose, [`FilterMatch::keep`] with that, join once more, and [`super::keep_matches`] it.

use super::filter::{Keep, held, matching, sockets_of};
use super::{Filter, SelectorSet};
use crate::model::{Map, ProcessId};

/// By index.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mask {
    /// Processes.
    pub processes: Vec<bool>,
    /// Sockets.
    pub sockets: Vec<bool>,
    /// Sockets whose conversation as its client stays.
    pub clients: Vec<bool>,
}

/// What a filter chooses in a map; by index of process and socket.
#[derive(Debug, Clone, Default)]
pub struct FilterMatch {
    /// Processes to hide.
    pub(super) hidden: Vec<bool>,
    /// Processes that `only` means.
    pub(super) only: Vec<bool>,
    /// Sockets that `only` means.
    pub(super) sockets: Vec<bool>,
    /// Processes that `focus` begins with.
    pub(super) focus: Vec<bool>,
    /// What stays, here or in another map.
    pub(super) kept: Mask,
    /// Of each selection that is not empty: whether anything fits it.
    found: Vec<bool>,
}

impl FilterMatch {
    /// Who fits; what stays is not known yet.
    pub fn of(map: &Map, filter: &Filter) -> Self {
        let (processes, sockets) = (map.processes.len(), map.sockets.len());
        let mut chosen = Self {
            hidden: vec![false; processes],
            only: vec![false; processes],
            sockets: vec![false; sockets],
            focus: vec![false; processes],
            kept: Mask {
                processes: vec![false; processes],
                sockets: vec![false; sockets],
                clients: vec![false; sockets],
            },
            found: Vec::new(),
        };
        for hide in &filter.hide {
            let hidden = matching(map, hide);
            chosen.found.push(hidden.contains(&true));
            add(&mut chosen.hidden, &hidden);
        }
        if !filter.only.is_empty() {
            chosen.choose(map, &filter.only);
        }
        if !filter.focus.is_empty() {
            chosen.focus = matching(map, &filter.focus);
            chosen.found.push(chosen.focus.contains(&true));
        }
        chosen
    }

    fn choose(&mut self, map: &Map, only: &SelectorSet) {
        let held = held(map);
        self.only = (0..map.processes.len())
            .map(|at| only.process(map, ProcessId::new(at), &held[at]))
            .collect();
        self.sockets = sockets_of(map, only, &held);
        let any = self.only.contains(&true) || self.sockets.contains(&true);
        self.found.push(any);
    }

    /// Makes room for so many processes and sockets.
    pub fn grow(&mut self, processes: usize, sockets: usize) {
        for marks in [
            &mut self.hidden,
            &mut self.only,
            &mut self.focus,
            &mut self.kept.processes,
        ] {
            marks.resize(processes, false);
        }
        for marks in [
            &mut self.sockets,
            &mut self.kept.sockets,
            &mut self.kept.clients,
        ] {
            marks.resize(sockets, false);
        }
    }

    /// Whether every selector fits something.
    pub fn found(&self) -> bool {
        !self.found.contains(&false)
    }

    /// What stays of the map, so that the others can keep it too.
    pub fn keep(&mut self, map: &Map, filter: &Filter) {
        if !filter.only.is_empty() && !filter.only.has_socket_kinds() {
            // Who is meant is meant with all sockets, wherever it was chosen.
            for (process, sockets) in held(map).into_iter().enumerate() {
                for socket in sockets.into_iter().filter(|_| self.only[process]) {
                    self.sockets[socket.index()] = true;
                }
            }
        }
        let keep = Keep::of(map, filter, self);
        add(&mut self.kept.processes, &keep.processes);
        add(&mut self.kept.sockets, &keep.sockets);
        for (at, connection) in map.connections.iter().enumerate() {
            self.kept.clients[connection.a.index()] |= keep.connections[at];
        }
    }

    /// Adds what another map's choice says of the processes and sockets that are in both: pairs of
    /// this map's index and the other's.
    pub fn join(
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

/// Those of either.
pub(super) fn joined(one: &[bool], two: &[bool]) -> Vec<bool> {
    one.iter().zip(two).map(|(one, two)| *one || *two).collect()
}

fn add(marks: &mut [bool], more: &[bool]) {
    for (mark, more) in marks.iter_mut().zip(more) {
        *mark |= more;
    }
}
