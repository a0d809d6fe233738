//! Merges each group of processes into one, for `--by`.

use std::collections::BTreeSet;

use crate::graph::{By, Groups};
use crate::model::{FdsStatus, Holder, LeftOut, Map, ProcessId, SocketId};

/// A map in which each process stands for a group.
#[derive(Debug, Clone, Default)]
pub struct GroupedMap {
    /// The map.
    pub map: Map,
    /// Number of processes of each group, by index; empty if nothing is merged.
    pub members: Vec<usize>,
}

/// Merges each group into its first process, whose `comm` becomes the group's label (printable text).
/// Nothing else changes, so that every query of processes works on groups.
#[must_use]
pub fn merge_groups(map: Map, by: By) -> GroupedMap {
    if matches!(by, By::Process | By::Socket) {
        return GroupedMap {
            map,
            members: Vec::new(),
        };
    }
    let groups = Groups::new(&map, by);
    let mut first: Vec<Option<ProcessId>> = vec![None; groups.len()];
    let mut counts = vec![0_usize; groups.len()];
    let mut merged = Map {
        processes: Vec::with_capacity(groups.len()),
        holders: Vec::with_capacity(map.holders.len()),
        waits: Vec::new(),
        relations: Vec::new(),
        channels: Vec::new(),
        ..map.clone()
    };
    for (index, process) in map.processes.iter().enumerate() {
        let group = groups.group_of(ProcessId::new(index)) as usize;
        counts[group] += 1;
        let Some(representative) = first[group] else {
            first[group] = Some(ProcessId::new(merged.processes.len()));
            let mut representative = process.clone();
            // A process is named after these.
            representative.exe = Box::default();
            representative.comm = groups.label(group as u32).as_bytes().into();
            representative.cmdline = Box::default();
            merged.processes.push(representative);
            continue;
        };
        let representative = &mut merged.processes[representative.index()];
        if process.fds_status != FdsStatus::Read {
            representative.fds_status = process.fds_status;
        }
        for (kind, count) in &process.fd_counts {
            *representative.fd_counts.entry(kind.clone()).or_default() += count;
        }
    }
    let group = |holder: &Holder| Holder {
        process: first[groups.group_of(holder.process) as usize].unwrap_or_default(),
        ..*holder
    };
    let regroup = |holders: &[Holder]| {
        let mut holders: Vec<Holder> = holders.iter().map(group).collect();
        holders.sort_unstable();
        holders
    };
    for index in 0..map.sockets.len() {
        let holders = regroup(map.holders(SocketId::new(index)));
        merged.sockets[index].holders = merged.push_holders(holders);
    }
    let representative = |id: ProcessId| first[groups.group_of(id) as usize];
    let channels = map.channels.iter();
    merged.channels = channels
        .filter_map(|channel| channel.remap(representative))
        .collect();
    let mut left_out = LeftOut {
        partners: vec![0; merged.processes.len()],
        focus: BTreeSet::new(),
        ..std::mem::take(&mut merged.left_out)
    };
    for id in (0..map.processes.len()).map(ProcessId::new) {
        let Some(group) = representative(id) else {
            continue;
        };
        left_out.partners[group.index()] += map.left_out.partners(id);
        if map.left_out.focus.contains(&id) {
            left_out.focus.insert(group);
        }
    }
    merged.left_out = left_out;
    for pipe in &mut merged.pipes {
        pipe.readers = regroup(&pipe.readers);
        pipe.writers = regroup(&pipe.writers);
    }
    GroupedMap {
        map: merged,
        members: counts,
    }
}

/// Merges groups as [`merge_groups`], with the number of processes in the label: `nginx ×4`.
#[must_use]
pub fn group_map(map: Map, by: By) -> Map {
    let GroupedMap { mut map, members } = merge_groups(map, by);
    for (process, members) in map.processes.iter_mut().zip(members) {
        if members > 1 {
            process.comm = [&process.comm, format!(" ×{members}").as_bytes()]
                .concat()
                .into();
        }
    }
    map
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::hubs;

    #[test]
    fn merged_groups_are_peers_of_each_other() {
        let mut map = Map::with_host();
        let all = [1, 2, 3, 4].map(|pid| map.add_process(pid, if pid < 3 { b"a" } else { b"b" }));
        map.add_connection(&[all[0]], &[all[2]], None);
        map.add_connection(&[all[1]], &[all[3]], None);
        map.add_connection(&[all[0]], &[all[1]], None);
        let map = group_map(map, By::Exe);
        let names: Vec<_> = map
            .processes
            .iter()
            .map(|p| String::from_utf8_lossy(&p.comm))
            .collect();
        assert_eq!(names, ["a ×2", "b ×2"]);
        let peers: Vec<_> = hubs(&map)
            .iter()
            .map(|hub| (hub.peers, hub.connections))
            .collect();
        assert_eq!(peers, [(1, 3), (1, 2)]);
    }
}
