//! Blocked threads, and the chains of waits from one to another (`waits`).
//!
//! Each thread has a set of objects that it waits on ([`wait_set`]). Each object leads to those who can end
//! the wait: the holders of the other end ([`fd_lookup`]), the owner of a lock ([`locks`]), a child
//! ([`resolve`]), any of several ([`events`]). A chain goes on through the thread of such a process that
//! serves the object ([`serving`]), to the one that explains the wait best ([`chains`]).
//!
//! A process can proceed as soon as one of its threads can, and a wait ends as soon as one of the
//! holders of the other end acts. So threads form a cycle only if nothing that one of them waits for,
//! directly or not, can do anything else ([`cycles`]).
//!
//! Most threads of a healthy machine wait for work. [`problems`] separates those that wait for somebody in
//! particular, or let somebody wait, by the evidence in [`requests`] and [`postgresql`].

mod analysis;
mod chains;
mod cycles;
mod events;
mod fd_lookup;
mod kinship;
mod locks;
mod postgresql;
mod problems;
mod requests;
mod resolve;
mod resolver;
mod serving;
mod wait_set;

pub use analysis::{
    BlockedThread, ChainEnd, ChainStep, WaitAnalysis, WaitClass, WaitCycle, WaitNeed, WaitObject,
};

use self::chains::Chains;
use self::fd_lookup::FdLookup;
use self::problems::Problems;
use self::requests::Requests;
use self::resolver::{ResolvedWait, Resolver};
use self::serving::Serving;
use self::wait_set::{WaitSet, WaitSets};
use crate::model::{Map, ThreadState, Wait};

/// Follows every wait of a map of [`crate::model::build_whole`].
pub fn waits(map: &Map) -> WaitAnalysis {
    let all = WaitSets::new(map);
    let set = |wait: &Wait| match &wait.state {
        ThreadState::Call(call) => all.of(wait, call),
        _ => WaitSet::default(),
    };
    let sets: Vec<WaitSet> = map.waits.iter().map(set).collect();
    let lookup = FdLookup::new(map);
    let requests = Requests::new(map, &lookup, &sets);
    let mut resolver = Resolver::new(map, &lookup, &requests);
    let resolved: Vec<ResolvedWait> = map
        .waits
        .iter()
        .zip(&sets)
        .map(|(wait, set)| resolver.resolve(wait, set))
        .collect();
    let targets = resolver.targets;
    let serving = Serving::new(map, &resolved, &requests);
    let chains = Chains::new(map, &targets, &resolved, &serving);
    let problems = Problems {
        map,
        lookup: &lookup,
        sets: &sets,
        requests: &requests,
        targets: &targets,
        resolved: &resolved,
        serving: &serving,
        chains: &chains,
    };
    WaitAnalysis {
        cycles: chains.cycles().to_vec(),
        ..problems.analysis()
    }
}

#[cfg(test)]
mod tests;
