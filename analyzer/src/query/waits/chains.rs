//! Chains of waits: from each blocked process to the nearest one that can proceed, else to a cycle.
//!
//! The searches go backwards from targets to their waiters, so that their time is linear in the
//! holders. Not over petgraph: edges between pairs of processes would be quadratic in the holders of
//! a shared pipe, and its breadth-first search records no predecessors.

use std::collections::VecDeque;

use super::analysis::{ChainEnd, ChainStep, MAX_CHAIN_STEPS, WaitCycle};
use super::cycles::Cycles;
use super::fd_lookup::WaitTarget;
use super::progress::progress;
use super::targets::ResolvedWait;
use crate::model::{Map, ProcessId};

/// The wait by which a blocked process comes nearer to the goal of its chain.
#[derive(Debug, Clone, Copy)]
struct NextStep {
    wait: usize,
    /// The next process.
    to: ProcessId,
    /// The last process.
    goal: ProcessId,
    /// Steps to the goal, plus [`CYCLE_DISTANCE`] if that is in a cycle.
    distance: u32,
}

/// Makes every cycle more distant than every process that can proceed.
const CYCLE_DISTANCE: u32 = u32::MAX / 2;

/// The chains of all processes of a map.
pub(super) struct Chains {
    /// Why each process can proceed; `None`: it only waits.
    progress: Vec<Option<ChainEnd>>,
    next_steps: Vec<Option<NextStep>>,
    /// Of each target the two peers with the least distances; two, since one may be the waiter.
    nearest_peers: Vec<[Option<(u32, ProcessId)>; 2]>,
    cycles: Cycles,
}

impl Chains {
    pub(super) fn new(map: &Map, targets: &[WaitTarget], resolved: &[ResolvedWait]) -> Self {
        let progress = progress(map, resolved);
        let index = WaiterIndex::new(map, targets, resolved, &progress);
        let mut next_steps = vec![None; map.processes.len()];
        let can_proceed: Vec<bool> = progress.iter().map(Option::is_some).collect();
        index.search(map, &can_proceed, 0, &mut next_steps);
        let is_stuck: Vec<bool> = next_steps
            .iter()
            .zip(&can_proceed)
            .map(|(step, can_proceed)| !can_proceed && step.is_none())
            .collect();
        let cycles = Cycles::find(map, targets, resolved, &is_stuck);
        let in_cycle: Vec<bool> = cycles.of_process.iter().map(Option::is_some).collect();
        index.search(map, &in_cycle, CYCLE_DISTANCE, &mut next_steps);
        let mut chains = Self {
            progress,
            next_steps,
            nearest_peers: Vec::new(),
            cycles,
        };
        let nearest = |target| chains.rank_peers(target);
        chains.nearest_peers = targets.iter().map(nearest).collect();
        chains
    }

    /// Whether a wait keeps its process in a cycle.
    pub(super) fn is_in_cycle(&self, wait: usize) -> bool {
        self.cycles.has_wait[wait]
    }

    pub(super) fn into_cycles(self) -> Vec<WaitCycle> {
        self.cycles.cycles
    }

    /// The two peers of a target that are nearest to the end of their chain.
    fn rank_peers(&self, target: &WaitTarget) -> [Option<(u32, ProcessId)>; 2] {
        let mut best: [Option<(u32, ProcessId)>; 2] = [None; 2];
        for peer in &target.peers {
            let index = peer.index();
            let distance = match (&self.progress[index], self.cycles.of_process[index]) {
                (Some(_), _) => 0,
                (None, Some(_)) => CYCLE_DISTANCE,
                (None, None) => match self.next_steps[index] {
                    Some(step) => step.distance,
                    None => continue,
                },
            };
            let candidate = Some((distance, *peer));
            if best[0].is_none() || candidate < best[0] {
                best = [candidate, best[0]];
            } else if best[1].is_none() || candidate < best[1] {
                best[1] = candidate;
            }
        }
        best
    }

    /// Follows a wait of process `own`: the first steps, the number of steps, and the end. Of several
    /// chains the shortest to a process that can proceed.
    pub(super) fn follow(
        &self,
        wait: usize,
        own: ProcessId,
        resolved: &ResolvedWait,
    ) -> (Vec<ChainStep>, usize, ChainEnd) {
        if let Some((number, index)) = self.cycles.steps.get(&wait) {
            return self.around(*number, *index, own);
        }
        let nearest_peer = |target: &usize| {
            let mut peers = self.nearest_peers[*target].into_iter().flatten();
            peers.find(|(_, peer)| *peer != own)
        };
        let nearest = resolved.targets.iter().filter_map(nearest_peer).min();
        let Some((distance, mut process)) = nearest else {
            return (Vec::new(), 0, ChainEnd::Unknown);
        };
        let goal = self.next_steps[process.index()].map_or(process, |step| step.goal);
        let mut chain = Vec::new();
        // Distances decrease with every step, so that it terminates.
        while let Some(step) =
            self.next_steps[process.index()].filter(|_| chain.len() < MAX_CHAIN_STEPS)
        {
            chain.push(ChainStep {
                process,
                wait: Some(step.wait),
            });
            process = step.to;
        }
        chain.push(ChainStep {
            process,
            wait: None,
        });
        let goal = goal.index();
        let end = match (&self.progress[goal], self.cycles.of_process[goal]) {
            (Some(end), _) => end.clone(),
            (None, Some(number)) => ChainEnd::Cycle(number),
            (None, None) => ChainEnd::Unknown,
        };
        (chain, (distance % CYCLE_DISTANCE) as usize + 1, end)
    }

    /// The chain of a step of a cycle: once around it.
    fn around(
        &self,
        number: usize,
        index: usize,
        own: ProcessId,
    ) -> (Vec<ChainStep>, usize, ChainEnd) {
        let steps = &self.cycles.cycles[number].steps;
        let following = steps.iter().cycle().skip(index + 1).copied();
        let mut chain: Vec<ChainStep> = following.take(steps.len().min(MAX_CHAIN_STEPS)).collect();
        if let Some(last) = chain.last_mut().filter(|last| last.process == own) {
            last.wait = None;
        }
        (chain, steps.len(), ChainEnd::Cycle(number))
    }
}

/// The waits for each target, and the targets that each process is a peer of.
struct WaiterIndex {
    /// Waits of processes that cannot proceed, by target.
    waits: Vec<Vec<usize>>,
    /// Targets with such waits, by peer.
    targets_of: Vec<Vec<u32>>,
}

impl WaiterIndex {
    fn new(
        map: &Map,
        targets: &[WaitTarget],
        resolved: &[ResolvedWait],
        progress: &[Option<ChainEnd>],
    ) -> Self {
        let mut waits: Vec<Vec<usize>> = vec![Vec::new(); targets.len()];
        for (wait, resolved) in resolved.iter().enumerate() {
            if progress[map.waits[wait].process.index()].is_none() {
                for target in &resolved.targets {
                    waits[*target].push(wait);
                }
            }
        }
        let mut targets_of = vec![Vec::new(); map.processes.len()];
        for (index, target) in targets.iter().enumerate() {
            if !waits[index].is_empty() {
                for peer in &target.peers {
                    targets_of[peer.index()].push(index as u32);
                }
            }
        }
        Self { waits, targets_of }
    }

    /// Breadth first from the goals: gives each process without a next step one to the nearest goal.
    fn search(
        &self,
        map: &Map,
        is_goal: &[bool],
        base_distance: u32,
        next_steps: &mut [Option<NextStep>],
    ) {
        let mut visited = vec![false; self.waits.len()];
        let goals = (0..is_goal.len()).filter(|index| is_goal[*index]);
        let mut queue: VecDeque<(ProcessId, ProcessId, u32)> = goals
            .map(|index| (ProcessId::new(index), ProcessId::new(index), base_distance))
            .collect();
        while let Some((to, goal, distance)) = queue.pop_front() {
            for target in &self.targets_of[to.index()] {
                let target = *target as usize;
                if std::mem::replace(&mut visited[target], true) {
                    continue;
                }
                for wait in &self.waits[target] {
                    let waiter = map.waits[*wait].process;
                    if is_goal[waiter.index()] || next_steps[waiter.index()].is_some() {
                        continue;
                    }
                    let distance = distance + 1;
                    next_steps[waiter.index()] = Some(NextStep {
                        wait: *wait,
                        to,
                        goal,
                        distance,
                    });
                    queue.push_back((waiter, goal, distance));
                }
            }
        }
    }
}
