//! Finds short-lived processes, which are ignored: commands of a loop, and what is about to exit.
//!
//! A process that is certainly in both maps is never short-lived. The rules treat both maps alike.

use std::collections::BTreeSet;

use super::activity::{Partners, communicating, listening};
use super::host_pair::{HostPair, processes_of};
use super::host_processes::{HostProcesses, LAUNCHERS};
use super::matching::Matching;
use super::role::role;
use super::side::{OldNew, Side};
use crate::model::{FdsStatus, Map, Process, ProcessId};

/// A process younger than this, without conversations, may be about to exit.
const YOUNG_NS: u64 = 1_000_000_000;
/// LinkFilter two captures of one boot, the process must also be younger than this fraction of the time
/// between them: a server started on purpose in between is rarely that young.
const YOUNG_FRACTION: u64 = 20;
/// A command of a shell that is in both maps is short-lived if it is younger than this and does not
/// listen. Half of it if it has conversations.
pub(super) const COMMAND_NS: u64 = 2_000_000_000;
/// A process younger than this that does not listen is about to exit even if it has conversations:
/// a `curl` in a loop.
const FLEETING_NS: u64 = 100_000_000;
/// Like [`YOUNG_FRACTION`].
const FLEETING_FRACTION: u64 = 40;

/// Like [`YOUNG_FRACTION`], for what a server forks for each client.
const WORKER_FRACTION: u64 = 4;

/// Finds the short-lived processes of a pair of hosts and marks them, by index. Those of the capture
/// (by index) are left out.
pub(super) fn mark_young(
    maps: OldNew<&Map>,
    pair: &HostPair,
    host: &HostProcesses<'_>,
    capture: &[bool],
    short_lived: &mut [bool],
) {
    let processes = (0..host.map.processes.len()).map(ProcessId::new);
    let candidates = processes.map(|id| host.is_new(id) && !capture[id.index()]);
    let candidates: Vec<bool> = candidates.collect();
    if !candidates.contains(&true) {
        return;
    }
    let (young_ns, fleeting_ns) = age_limits(maps, pair);
    let worker_ns = COMMAND_NS.min(part_between(maps, pair, WORKER_FRACTION));
    let start = host.host().started_at_ns;
    let end = host.host().ended_at_ns.unwrap_or(start);
    let communicating = communicating(host.map, &candidates, Partners::Unrelated);
    for (id, process) in host.iter().filter(|(id, _)| candidates[id.index()]) {
        let communicates = communicating[id.index()];
        let command_ns = match communicates {
            true => COMMAND_NS / 2,
            false => COMMAND_NS,
        };
        let young = is_younger(process, young_ns, end) && !communicates;
        let fleeting = is_younger(process, fleeting_ns, end);
        let command = is_younger(process, command_ns, start) && is_command(host, process);
        let worker = is_younger(process, worker_ns, end) && is_worker(host, process);
        short_lived[id.index()] = process.fds_status == FdsStatus::Vanished
            || young
            || !host.listening[id.index()] && (fleeting || command || worker);
    }
}

/// Ages in ns below which a process is young and fleeting.
fn age_limits(maps: OldNew<&Map>, pair: &HostPair) -> (u64, u64) {
    if !pair.is_same_boot() {
        return (YOUNG_NS, FLEETING_NS);
    }
    let between_ns = between_ns(maps, pair);
    (
        YOUNG_NS.min(between_ns / YOUNG_FRACTION),
        FLEETING_NS.min(between_ns / FLEETING_FRACTION),
    )
}

/// Whether a process was younger than `age_ns` at a time.
pub(super) fn is_younger(process: &Process, age_ns: u64, at_ns: u64) -> bool {
    process.started_at_ns.saturating_add(age_ns) > at_ns
}

/// Whether a process is one that a server which is in both maps forks for each client.
fn is_worker(host: &HostProcesses<'_>, process: &Process) -> bool {
    host.by_pid(process.ppid)
        .is_some_and(|parent| !host.is_new(parent) && host.map.process(parent).exe == process.exe)
}

/// A fraction of the time between two captures of one boot, in ns. 0 across boots.
fn part_between(maps: OldNew<&Map>, pair: &HostPair, fraction: u64) -> u64 {
    match pair.is_same_boot() {
        true => between_ns(maps, pair) / fraction,
        false => 0,
    }
}

fn between_ns(maps: OldNew<&Map>, pair: &HostPair) -> u64 {
    let started = |side: Side| maps.of(side).hosts[pair.host(side).index()].started_at_ns;
    started(Side::Old).abs_diff(started(Side::New))
}

/// Whether the parent is a shell that is in both maps.
fn is_command(host: &HostProcesses<'_>, process: &Process) -> bool {
    host.by_pid(process.ppid).is_some_and(|parent| {
        let exe = &host.map.process(parent).exe;
        let name = exe.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
        !host.is_new(parent) && LAUNCHERS.iter().any(|known| known.as_bytes() == name)
    })
}

/// Marks pairs of children that the same parent has started one after the other, the `sleep` of a loop:
/// without conversations, or young in both maps.
pub(super) fn mark_respawned(
    maps: OldNew<&Map>,
    hosts: &[HostPair],
    matching: &Matching,
    capture: &OldNew<Vec<bool>>,
    short_lived: &mut OldNew<Vec<bool>>,
) {
    let children = OldNew::from_fn(|side| {
        let map = maps.of(side);
        let mut candidates = vec![false; map.processes.len()];
        for pair in hosts.iter().filter(|pair| pair.is_same_boot()) {
            for (id, _) in processes_of(map, pair.host(side)) {
                let noise = capture.of(side)[id.index()] || short_lived.of(side)[id.index()];
                candidates[id.index()] = !matching.is_same(side, id) && !noise;
            }
        }
        if !candidates.contains(&true) {
            return Vec::new();
        }
        let communicating = communicating(map, &candidates, Partners::All);
        let listening = listening(map);
        let mut children: Vec<(u32, String, ProcessId)> = Vec::new();
        for (index, process) in map.processes.iter().enumerate() {
            let id = ProcessId::new(index);
            // With conversations of its own it is a command of a loop only where it is young.
            let is_child = || {
                let mut pairs = hosts.iter();
                let pair = pairs.find(|pair| pair.host(side) == process.host);
                let host = &map.hosts[process.host.index()];
                // Of a service that was restarted the old process, the new or both are older.
                let age_ns = pair.map_or(0, |pair| part_between(maps, pair, YOUNG_FRACTION));
                !communicating[index]
                    || !listening[index]
                        && is_younger(process, age_ns.min(YOUNG_NS), host.started_at_ns)
            };
            if candidates[index] && is_child() {
                children.push((process.ppid, role(process), id));
            }
        }
        children.sort();
        children
    });
    let is_parent_same = |ppid: u32| {
        let mut parents = maps.old.processes.iter().enumerate();
        ppid > 1
            && parents.any(|(index, process)| {
                process.pid == ppid && matching.is_same(Side::Old, ProcessId::new(index))
            })
    };
    let mut new = children.new.into_iter().peekable();
    for (ppid, role, id) in children.old {
        while new.next_if(|(p, r, _)| (*p, r) < (ppid, &role)).is_some() {}
        let Some((_, _, successor)) = new.next_if(|(p, r, _)| (*p, r) == (ppid, &role)) else {
            continue;
        };
        if is_parent_same(ppid) {
            short_lived.old[id.index()] = true;
            short_lived.new[successor.index()] = true;
        }
    }
}

/// Clears the mark of processes whose program, with the same arguments, is settled in the other map.
/// Across boots no process is the same: such a one has only just been started.
pub(super) fn unmark_settled(
    maps: OldNew<&Map>,
    hosts: &[HostPair],
    capture: &OldNew<Vec<bool>>,
    short_lived: &mut OldNew<Vec<bool>>,
) {
    for pair in hosts.iter().filter(|pair| !pair.is_same_boot()) {
        let before = short_lived.clone();
        for side in Side::BOTH {
            let other = side.other();
            let settled: BTreeSet<_> = processes_of(maps.of(other), pair.host(other))
                .filter(|(id, _)| !capture.of(other)[id.index()] && !before.of(other)[id.index()])
                .map(|(_, process)| command(process))
                .collect();
            for (id, process) in processes_of(maps.of(side), pair.host(side)) {
                let mark = &mut short_lived.of_mut(side)[id.index()];
                *mark = *mark && !settled.contains(&command(process));
            }
        }
    }
}

/// The executable, name and arguments.
fn command(process: &Process) -> (&[u8], &[u8], &[u8]) {
    (&process.exe, &process.comm, &process.cmdline)
}
