//! Conversations that another worker of a pool has now.
//!
//! Who is matched by role is one of several alike: which of them got a client is chance, and no news
//! where their roles together have as many conversations as before.

use std::collections::BTreeMap;

use super::compare::Context;
use super::links::Key;
use super::processes::by_group;
use super::role::role;
use super::shared_groups::Labels;
use super::{OldNew, Side};
use crate::graph::By;
use crate::model::ProcessId;

/// A process of either map, where one process is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Known {
    /// The very same in both.
    Same,
    /// Its partner was found by role.
    Alike,
    /// In one map only.
    Alone,
}

/// What roles have together.
#[derive(Debug)]
pub(super) struct Turns {
    /// By group.
    groups: Vec<(u32, Known)>,
    totals: BTreeMap<Key, (usize, usize)>,
}

impl Turns {
    /// Sums up rows; `None` where one is not one process.
    pub(super) fn of(context: &Context<'_>, rows: &BTreeMap<Key, (usize, usize)>) -> Option<Self> {
        if !matches!(context.options.by, By::Process | By::Socket) || context.options.all {
            return None;
        }
        let mut roles = Labels::default();
        let groups = by_group(context)
            .iter()
            .map(|members| group(context, members, &mut roles))
            .collect();
        let mut turns = Self {
            groups,
            totals: BTreeMap::new(),
        };
        for (key, (old, new)) in rows {
            let total = turns.totals.entry(turns.of_roles(*key)).or_default();
            total.0 += old;
            total.1 += new;
        }
        Some(turns)
    }

    /// Whether a row that differs is but another one's turn.
    pub(super) fn explain(&self, key: Key) -> bool {
        let (client, server, ..) = key;
        let ends = [client, server].map(|end| self.groups.get(end as usize).map(|(_, k)| *k));
        let total = self.totals.get(&self.of_roles(key));
        !ends.contains(&Some(Known::Alone))
            && ends.contains(&Some(Known::Alike))
            && total.is_some_and(|(old, new)| old == new)
    }

    /// With roles instead of processes.
    fn of_roles(&self, (client, server, name, kind): Key) -> Key {
        let role = |end: u32| match self.groups.get(end as usize) {
            Some((role, _)) => *role,
            // Nobody known: beyond all groups, of which there are as many as roles at least.
            None => end,
        };
        (role(client), role(server), name, kind)
    }
}

fn group(
    context: &Context<'_>,
    members: &OldNew<Vec<ProcessId>>,
    roles: &mut Labels,
) -> (u32, Known) {
    let first = |side: Side| members.of(side).first().map(|id| (side, *id));
    let Some((side, id)) = first(Side::New).or_else(|| first(Side::Old)) else {
        // Noise, of which there are no rows.
        return (roles.number(String::new()), Known::Alone);
    };
    let role = roles.number(role(context.maps.of(side).process(id)));
    let known = match context.matching.process(side, id) {
        _ if context.matching.is_same(side, id) => Known::Same,
        Some(_) => Known::Alike,
        None => Known::Alone,
    };
    (role, known)
}
