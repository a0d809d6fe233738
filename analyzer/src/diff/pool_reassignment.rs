//! Recognizes conversations that moved to another worker of a pool.
//!
//! Processes matched by role are interchangeable: which of them serves a client is chance. It is no
//! difference if the roles together have as many conversations as before.

use std::collections::BTreeMap;

use super::context::Context;
use super::labels::Labels;
use super::link_key::LinkKey;
use super::role::role;
use super::side::{OldNew, Side};
use crate::graph::By;
use crate::model::ProcessId;

/// How the process of a group is matched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Match {
    /// By identity.
    Same,
    /// By role.
    Alike,
    /// Not at all.
    Alone,
}

/// Conversations summed up by role, where each group is one process.
#[derive(Debug)]
pub(super) struct PoolReassignment {
    /// The number of the role, and how the process is matched, by group.
    groups: Vec<(u32, Match)>,
    totals: BTreeMap<LinkKey, OldNew<usize>>,
}

impl PoolReassignment {
    /// Sums up rows by role; `None` unless each group is one process and noise is left out.
    pub(super) fn new(
        context: &Context<'_>,
        rows: &BTreeMap<LinkKey, OldNew<usize>>,
    ) -> Option<Self> {
        if !matches!(context.options.by, By::Process | By::Socket) || context.options.all {
            return None;
        }
        let mut roles = Labels::default();
        let groups = context.members.iter();
        let groups = groups.map(|members| group(context, members, &mut roles));
        let mut pools = Self {
            groups: groups.collect(),
            totals: BTreeMap::new(),
        };
        for (key, count) in rows {
            let total = pools.totals.entry(pools.by_role(*key)).or_default();
            total.old += count.old;
            total.new += count.new;
        }
        Some(pools)
    }

    /// Whether a row differs only because conversations moved within a pool.
    pub(super) fn explains(&self, key: LinkKey) -> bool {
        let ends = [key.client, key.server];
        let ends = ends.map(|end| self.groups.get(end as usize).map(|(_, matched)| *matched));
        let total = self.totals.get(&self.by_role(key));
        !ends.contains(&Some(Match::Alone))
            && ends.contains(&Some(Match::Alike))
            && total.is_some_and(|total| total.old == total.new)
    }

    /// The key with roles instead of processes.
    fn by_role(&self, key: LinkKey) -> LinkKey {
        let role = |end: u32| match self.groups.get(end as usize) {
            Some((role, _)) => *role,
            // Not a group: its number is above those of all groups, and so of all roles.
            None => end,
        };
        LinkKey {
            client: role(key.client),
            server: role(key.server),
            ..key
        }
    }
}

fn group(
    context: &Context<'_>,
    members: &OldNew<Vec<ProcessId>>,
    roles: &mut Labels,
) -> (u32, Match) {
    let first = |side: Side| members.of(side).first().map(|id| (side, *id));
    let Some((side, id)) = first(Side::New).or_else(|| first(Side::Old)) else {
        // Noise: no row has this group.
        return (roles.number(String::new()), Match::Alone);
    };
    let role = roles.number(role(context.maps.of(side).process(id)));
    let matched = match context.matching.process(side, id) {
        _ if context.matching.is_same(side, id) => Match::Same,
        Some(_) => Match::Alike,
        None => Match::Alone,
    };
    (role, matched)
}
