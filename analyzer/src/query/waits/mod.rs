//! Blocked threads, and the chains of waits from process to process (`waits`).
//!
//! A process can proceed as soon as one of its threads can, and a wait ends as soon as one of the
//! holders of the other end acts. So processes form a cycle only if no process that one of them waits
//! for, directly or not, can do anything else.

mod analysis;
mod chains;
mod cycles;
mod fd_lookup;
mod progress;
mod targets;

pub use analysis::{
    BlockedThread, ChainEnd, ChainStep, WaitAnalysis, WaitClass, WaitCycle, WaitNeed,
};

use self::chains::Chains;
use self::targets::{ResolvedWait, TargetTable};
use crate::load::syscall::CallKind;
use crate::model::{Call, Map, ProcessId, ThreadState};
use crate::query::via::Via;

/// Follows every wait of a map of [`crate::model::build_whole`].
pub fn waits(map: &Map) -> WaitAnalysis {
    let mut table = TargetTable::new(map);
    let resolved: Vec<ResolvedWait> = map.waits.iter().map(|wait| table.resolve(wait)).collect();
    let chains = Chains::new(map, &table.targets, &resolved);
    let mut analysis = WaitAnalysis::default();
    for (index, wait) in map.waits.iter().enumerate() {
        match &wait.state {
            ThreadState::Running => analysis.running += 1,
            ThreadState::Unread(_) => analysis.unread += 1,
            ThreadState::NoCall => {}
            ThreadState::Call(call) => {
                let thread = blocked_thread(map, &table, &chains, index, call, &resolved[index]);
                analysis.waits.push(thread);
            }
        }
    }
    analysis.cycles = chains.into_cycles();
    analysis
        .waits
        .sort_by_key(|thread| (thread.class, std::cmp::Reverse(thread.length), thread.wait));
    analysis
}

fn blocked_thread(
    map: &Map,
    table: &TargetTable<'_>,
    chains: &Chains,
    wait: usize,
    call: &Call,
    resolved: &ResolvedWait,
) -> BlockedThread {
    let own = map.waits[wait].process;
    let mut peers: Vec<ProcessId> = resolved
        .targets
        .iter()
        .flat_map(|target| &table.targets[*target].peers)
        .copied()
        .filter(|peer| *peer != own)
        .collect();
    peers.sort_unstable();
    peers.dedup();
    let (chain, length, end) = match &resolved.end {
        Some(end) => (Vec::new(), 0, end.clone()),
        None => chains.follow(wait, own, resolved),
    };
    let in_cycle = chains.is_in_cycle(wait);
    let class = classify(call.kind, resolved, &end, in_cycle, !peers.is_empty());
    BlockedThread {
        wait,
        need: resolved.need,
        via: match resolved.targets[..] {
            [only] => table.targets[only].via.clone(),
            _ => Via::default(),
        },
        peers,
        chain,
        length,
        end,
        class,
    }
}

fn classify(
    kind: CallKind,
    resolved: &ResolvedWait,
    end: &ChainEnd,
    in_cycle: bool,
    has_peers: bool,
) -> WaitClass {
    let is_beyond = matches!(
        end,
        ChainEnd::Outside(_) | ChainEnd::Nobody | ChainEnd::Unreadable
    );
    match (kind, end) {
        (_, ChainEnd::Cycle(_)) if in_cycle => WaitClass::InCycle,
        (_, ChainEnd::Cycle(_)) => WaitClass::OnCycle,
        (CallKind::Write, _) if has_peers || is_beyond => WaitClass::Held,
        (CallKind::Connect, _) => WaitClass::Held,
        (CallKind::Read, _) if has_peers && resolved.end.is_none() => WaitClass::Reads,
        (CallKind::Read, _) if is_beyond => WaitClass::Beyond,
        (CallKind::Epoll, _) if has_peers => WaitClass::Events,
        (CallKind::Child, _) if has_peers => WaitClass::Children,
        _ => WaitClass::Idle,
    }
}

#[cfg(test)]
mod tests;
