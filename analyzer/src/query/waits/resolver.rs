//! The wait of a thread once it is resolved, and what those who resolve waits share.

use std::collections::BTreeMap;

use super::analysis::{ChainEnd, WaitNeed};
use super::fd_lookup::{FdLookup, WaitTarget};
use super::kinship::Kinship;
use super::postgresql::Sessions;
use super::requests::Requests;
use crate::model::{Destination, FdTarget, Map, ProcessId};
use crate::query::via::Via;
use crate::text::escape;

/// The wait of one thread, resolved.
#[derive(Debug, Clone)]
pub(super) struct ResolvedWait {
    pub(super) need: WaitNeed,
    /// Indices into [`Resolver::targets`]; each of them can end the wait.
    pub(super) targets: Vec<usize>,
    /// Something other than a target that can end the wait; or why no target is known.
    pub(super) end: Option<ChainEnd>,
    pub(super) standing: Standing,
    pub(super) weight: Weight,
    /// For how long a request over TCP has been without response.
    pub(super) late_ms: Option<u32>,
    /// The path of what has no target.
    pub(super) path: Option<Via>,
}

/// What a thread does, as seen by those that wait for its process; what explains their wait best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Standing {
    /// It waits for others in particular.
    Blocked,
    /// It waits for storage.
    Disk,
    /// It is on a processor.
    Running,
    /// Not known, or in a call that is none of the others.
    Other,
    /// It waits for a child, or for its parent.
    Kin,
    /// It waits for a point in time.
    Asleep,
    /// It waits for other threads.
    Passive,
    /// It waits for clients or work.
    Attending,
}

/// Whether a wait is a problem.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Weight {
    /// If it ends at trouble, or somebody waits for the thread.
    Weak,
    /// Unless its end is known to be at work.
    Likely,
    /// Unless its end is idle.
    Strong,
}

/// Resolves waits; threads that wait for the same object share its target.
pub(super) struct Resolver<'a> {
    pub(super) map: &'a Map,
    pub(super) lookup: &'a FdLookup<'a>,
    pub(super) requests: &'a Requests<'a>,
    pub(super) kinship: Kinship<'a>,
    pub(super) sessions: Sessions,
    pub(super) cache: BTreeMap<(FdTarget, WaitNeed), Lookup>,
    pub(super) targets: Vec<WaitTarget>,
}

/// Index of the target, and what else can end the wait, or why there is no target.
pub(super) type Lookup = (Option<usize>, Option<ChainEnd>);

impl<'a> Resolver<'a> {
    pub(super) fn new(map: &'a Map, lookup: &'a FdLookup<'a>, requests: &'a Requests<'a>) -> Self {
        Self {
            map,
            lookup,
            requests,
            kinship: Kinship::new(map),
            sessions: Sessions::new(map),
            cache: BTreeMap::new(),
            targets: Vec::new(),
        }
    }

    /// The target of a descriptor, which is looked up once for all threads.
    pub(super) fn cached(&mut self, target: &FdTarget, need: WaitNeed) -> Lookup {
        let key = (target.clone(), need);
        if let Some(cached) = self.cache.get(&key) {
            return cached.clone();
        }
        let found = self.look_up(target, need, None);
        self.cache.insert(key, found.clone());
        found
    }

    pub(super) fn look_up(
        &mut self,
        target: &FdTarget,
        need: WaitNeed,
        destination: Option<&Destination>,
    ) -> Lookup {
        let (found, end) = match target {
            FdTarget::Socket(id) => self.lookup.socket(*id, need, destination),
            FdTarget::Pipe(id) => self.lookup.pipe(*id, need),
            FdTarget::Other(text) => (None, Some(ChainEnd::File(escape::display(text)))),
            FdTarget::Unknown => (None, Some(ChainEnd::Unknown)),
        };
        (found.map(|target| self.add(target)), end)
    }

    pub(super) fn add(&mut self, target: WaitTarget) -> usize {
        self.targets.push(target);
        self.targets.len() - 1
    }

    pub(super) fn has_other_peer(&self, resolved: &ResolvedWait, own: ProcessId) -> bool {
        let has_other = |index: &usize| self.targets[*index].peers.iter().any(|peer| *peer != own);
        resolved.targets.iter().any(has_other)
    }
}

pub(super) fn ends_here(need: WaitNeed, end: ChainEnd, standing: Standing) -> ResolvedWait {
    ResolvedWait {
        need,
        targets: Vec::new(),
        end: Some(end),
        standing,
        weight: Weight::Weak,
        late_ms: None,
        path: None,
    }
}
