//! What one map knows of the other: the same processes and sockets of one boot, one of whose
//! captures could not read them.
//!
//! A process that was not read may hold what it held in the other map; taking it so makes no
//! difference of what is not known, and lets selectors mean the same in both.

use std::collections::BTreeMap;

use super::coverage::{HostPair, HostRelation, pair_hosts};
use super::matching::Matching;
use super::{OldNew, Side};
use crate::model::{FdsStatus, Holder, Map, Pipe, PipeKey, Process, ProcessId, SocketId};

/// Fills in what only the other map knows.
pub(super) fn lend(old: &mut Map, new: &mut Map) {
    if !old.processes.iter().chain(&new.processes).any(is_unread) {
        return;
    }
    let hosts = pair_hosts(old, new);
    if hosts
        .iter()
        .all(|pair| pair.relation != HostRelation::SameBoot)
    {
        return;
    }
    let matching = Matching::certain(
        OldNew {
            old: &*old,
            new: &*new,
        },
        &hosts,
    );
    let old_lacks = lacking(old, &matching, Side::Old);
    let new_lacks = lacking(new, &matching, Side::New);
    let for_old = old_lacks.then(|| Loan::of(new, old, &matching, Side::Old, &hosts));
    let for_new = new_lacks.then(|| Loan::of(old, new, &matching, Side::New, &hosts));
    if let Some(loan) = for_old {
        loan.give(old);
    }
    if let Some(loan) = for_new {
        loan.give(new);
    }
}

/// Whether a process that is in both was not read here.
fn lacking(map: &Map, matching: &Matching, side: Side) -> bool {
    let processes = map.processes.iter().enumerate();
    let mut lacking = processes.filter(|(_, process)| is_unread(process));
    lacking.any(|(at, _)| matching.is_same(side, ProcessId::new(at)))
}

fn is_unread(process: &Process) -> bool {
    process.fds_status != FdsStatus::Read || process.exe.is_empty()
}

/// What a map gets.
struct Loan {
    /// Executables, by process.
    executables: Vec<(ProcessId, Box<[u8]>)>,
    /// By socket, sorted.
    holders: Vec<(SocketId, Holder)>,
    pipes: Vec<Pipe>,
}

impl Loan {
    fn of(from: &Map, to: &Map, matching: &Matching, side: Side, hosts: &[HostPair]) -> Self {
        let partner = |id: ProcessId| {
            let (here, _) = matching.process(side.other(), id)?;
            matching.is_same(side.other(), id).then_some(here)
        };
        // Who was read here holds what it was seen to hold.
        let unread = |holder: &Holder| {
            let process = partner(holder.process)?;
            let open = to.process(process).fds_status != FdsStatus::Read;
            open.then_some(Holder { process, ..*holder })
        };
        let mut executables = Vec::new();
        for (at, process) in from.processes.iter().enumerate() {
            if let Some(here) = partner(ProcessId::new(at))
                && to.process(here).exe.is_empty()
                && !process.exe.is_empty()
            {
                executables.push((here, process.exe.clone()));
            }
        }
        let mut holders = Vec::new();
        for at in 0..from.sockets.len() {
            let id = SocketId::new(at);
            if let Some(here) = matching.socket(side.other(), id) {
                let lent = from.holders(id).iter().filter_map(unread);
                holders.extend(lent.map(|holder| (here, holder)));
            }
        }
        holders.sort_unstable();
        let mut pipes = Vec::new();
        for pipe in &from.pipes {
            let pair = hosts.iter().find(|pair| match side {
                Side::Old => pair.new == pipe.host,
                Side::New => pair.old == pipe.host,
            });
            let lent =
                |side: &[Holder]| -> Vec<Holder> { side.iter().filter_map(unread).collect() };
            let (readers, writers) = (lent(&pipe.readers), lent(&pipe.writers));
            if let Some(pair) = pair
                && !(readers.is_empty() && writers.is_empty())
            {
                pipes.push(Pipe {
                    host: if side == Side::Old {
                        pair.old
                    } else {
                        pair.new
                    },
                    key: pipe.key,
                    path: pipe.path.clone(),
                    readers,
                    writers,
                });
            }
        }
        Self {
            executables,
            holders,
            pipes,
        }
    }

    fn give(self, map: &mut Map) {
        for (process, exe) in self.executables {
            map.processes[process.index()].exe = exe;
        }
        let mut lent = self.holders.into_iter().peekable();
        let mut holders = Vec::with_capacity(map.holders.len() + lent.size_hint().0);
        for at in 0..map.sockets.len() {
            let id = SocketId::new(at);
            let start = holders.len();
            holders.extend_from_slice(map.holders(id));
            while let Some((_, holder)) = lent.next_if(|(socket, _)| *socket == id) {
                holders.push(holder);
            }
            holders[start..].sort_unstable();
            map.sockets[at].holders = start as u32..holders.len() as u32;
        }
        map.holders = holders;
        let mut pipes: BTreeMap<(crate::model::HostId, PipeKey), Pipe> = BTreeMap::new();
        for pipe in map.pipes.drain(..).chain(self.pipes) {
            let known = pipes.entry((pipe.host, pipe.key)).or_insert_with(|| Pipe {
                readers: Vec::new(),
                writers: Vec::new(),
                ..pipe.clone()
            });
            for (ends, more) in [
                (&mut known.readers, pipe.readers),
                (&mut known.writers, pipe.writers),
            ] {
                ends.extend(more);
                ends.sort_unstable();
                ends.dedup();
            }
        }
        map.pipes = pipes.into_values().collect();
    }
}
