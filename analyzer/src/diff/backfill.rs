//! Backfills a map from the other: executables and holders of processes that could not be read.
//!
//! Only for processes and sockets that are certainly in both maps. An unread process may hold what it
//! held in the other capture; assuming so avoids differences that are not known to exist, and lets
//! selectors match the same in both maps.

use std::collections::BTreeMap;
use std::ops::Range;

use super::host_pair::HostPair;
use super::matching::Matching;
use super::side::{OldNew, Side};
use crate::model::{FdsStatus, Holder, HostId, Map, Pipe, PipeKey, ProcessId, SocketId};

/// Fills in what only the other map has.
pub(super) fn backfill(old: &mut Map, new: &mut Map, hosts: &[HostPair], identity: &Matching) {
    backfill_arguments(old, new, hosts, identity);
    let maps = OldNew {
        old: &*old,
        new: &*new,
    };
    let missing = OldNew::from_fn(|side| {
        let unread = has_unread(maps.of(side), identity, side);
        unread.then(|| Missing::find(maps, side, hosts, identity))
    });
    for (missing, map) in [(missing.old, old), (missing.new, new)] {
        if let Some(missing) = missing {
            missing.fill(map);
        }
    }
}

/// Gives processes that are in both maps their arguments where one capture has none. All others lose
/// theirs: a script would not be known by its name in both.
fn backfill_arguments(old: &mut Map, new: &mut Map, hosts: &[HostPair], identity: &Matching) {
    for pair in hosts {
        let has = |map: &Map, side: Side| map.hosts[pair.host(side).index()].has_arguments;
        let (from, to, side) = match (has(old, Side::Old), has(new, Side::New)) {
            (true, false) => (&mut *old, &mut *new, Side::Old),
            (false, true) => (&mut *new, &mut *old, Side::New),
            _ => continue,
        };
        for (index, process) in from.processes.iter_mut().enumerate() {
            if process.host == pair.host(side) {
                match identity.same_process(side, ProcessId::new(index)) {
                    Some(partner) => {
                        let partner = &mut to.processes[partner.index()];
                        partner.cmdline.clone_from(&process.cmdline);
                    }
                    None => process.cmdline = Box::default(),
                }
            }
        }
    }
}

/// Whether a process that is in both maps could not be read here.
fn has_unread(map: &Map, identity: &Matching, side: Side) -> bool {
    let mut processes = map.processes.iter().enumerate();
    processes.any(|(index, process)| {
        let is_unread = process.fds_status != FdsStatus::Read || process.exe.is_empty();
        is_unread && identity.is_same(side, ProcessId::new(index))
    })
}

/// What a map lacks, by its own ids.
struct Missing {
    executables: Vec<(ProcessId, Box<[u8]>)>,
    /// Sorted by socket.
    holders: Vec<(SocketId, Holder)>,
    pipes: Vec<Pipe>,
}

impl Missing {
    /// Finds what the map of a side lacks.
    fn find(maps: OldNew<&Map>, side: Side, hosts: &[HostPair], identity: &Matching) -> Self {
        let (map, other) = (maps.of(side), maps.of(side.other()));
        let own_id = |id: ProcessId| identity.same_process(side.other(), id);
        let mut executables = Vec::new();
        for (index, process) in other.processes.iter().enumerate() {
            if let Some(id) = own_id(ProcessId::new(index))
                && map.process(id).exe.is_empty()
                && !process.exe.is_empty()
            {
                executables.push((id, process.exe.clone()));
            }
        }
        // A process that was read holds exactly what was seen.
        let unread = |holder: &Holder| {
            let process = own_id(holder.process)?;
            let is_unread = map.process(process).fds_status != FdsStatus::Read;
            is_unread.then_some(Holder { process, ..*holder })
        };
        let mut holders = Vec::new();
        for id in (0..other.sockets.len()).map(SocketId::new) {
            if let Some(own_id) = identity.socket(side.other(), id) {
                let missing = other.holders(id).iter().filter_map(unread);
                holders.extend(missing.map(|holder| (own_id, holder)));
            }
        }
        holders.sort_unstable();
        let mut pipes = Vec::new();
        for pipe in &other.pipes {
            let [readers, writers] = [&pipe.readers, &pipe.writers]
                .map(|end| end.iter().filter_map(unread).collect::<Vec<Holder>>());
            let mut pairs = hosts.iter();
            if let Some(pair) = pairs.find(|pair| pair.host(side.other()) == pipe.host)
                && !(readers.is_empty() && writers.is_empty())
            {
                pipes.push(Pipe {
                    host: pair.host(side),
                    readers,
                    writers,
                    ..pipe.clone()
                });
            }
        }
        Self {
            executables,
            holders,
            pipes,
        }
    }

    /// Adds it to the map.
    fn fill(self, map: &mut Map) {
        for (process, exe) in self.executables {
            map.processes[process.index()].exe = exe;
        }
        fill_holders(map, self.holders);
        fill_pipes(map, self.pipes);
    }
}

fn fill_holders(map: &mut Map, missing: Vec<(SocketId, Holder)>) {
    let mut missing = missing.into_iter().peekable();
    let known = std::mem::take(&mut map.holders);
    let mut holders = Vec::new();
    for index in 0..map.sockets.len() {
        let Range { start, end } = map.sockets[index].holders;
        holders.extend_from_slice(&known[start as usize..end as usize]);
        while let Some((_, holder)) = missing.next_if(|(socket, _)| socket.index() == index) {
            holders.push(holder);
        }
        holders.sort_unstable();
        map.sockets[index].holders = map.push_holders(holders.drain(..));
    }
}

fn fill_pipes(map: &mut Map, missing: Vec<Pipe>) {
    let mut pipes: BTreeMap<(HostId, PipeKey), Pipe> = BTreeMap::new();
    for pipe in map.pipes.drain(..).chain(missing) {
        let known = pipes.entry((pipe.host, pipe.key));
        let known = known.or_insert_with(|| pipe.clone());
        known.readers.extend(pipe.readers);
        known.writers.extend(pipe.writers);
        for ends in [&mut known.readers, &mut known.writers] {
            ends.sort_unstable();
            ends.dedup();
        }
    }
    map.pipes = pipes.into_values().collect();
}
