//! A smaller map in which every group of processes is one.

use crate::graph::{By, Groups};
use crate::model::{FdsStatus, Holder, Map, ProcessId, SocketId};

/// A map of groups, and how many processes each stands for, by its process in the map.
#[derive(Debug, Clone, Default)]
pub struct GroupedMap {
    /// The map.
    pub map: Map,
    /// How many processes; empty where each is one of its own.
    pub members: Vec<usize>,
}

/// The map with one process for each group: the first of each stands for all, under the group's
/// name (printable text, in place of `comm`). Nothing else changes, so that whatever asks questions
/// of processes asks them of groups.
#[must_use]
pub fn grouped(map: Map, by: By) -> GroupedMap {
    if matches!(by, By::Process | By::Socket) {
        return GroupedMap {
            map,
            members: Vec::new(),
        };
    }
    let groups = Groups::of(&map, by);
    let mut first: Vec<Option<ProcessId>> = vec![None; groups.len()];
    let mut counts = vec![0_usize; groups.len()];
    let mut collapsed = Map {
        processes: Vec::with_capacity(groups.len()),
        holders: Vec::with_capacity(map.holders.len()),
        waits: Vec::new(),
        relations: Vec::new(),
        ..map.clone()
    };
    for (at, process) in map.processes.iter().enumerate() {
        let group = groups.of_process(ProcessId::new(at)) as usize;
        counts[group] += 1;
        let Some(own) = first[group] else {
            first[group] = Some(ProcessId::new(collapsed.processes.len()));
            let mut one = process.clone();
            // What a process is called comes of these.
            one.exe = Box::default();
            one.comm = groups.label(group as u32).as_bytes().into();
            one.cmdline = Box::default();
            collapsed.processes.push(one);
            continue;
        };
        let own = &mut collapsed.processes[own.index()];
        if process.fds_status != FdsStatus::Read {
            own.fds_status = process.fds_status;
        }
        for (kind, count) in &process.fd_counts {
            *own.fd_counts.entry(kind.clone()).or_default() += count;
        }
    }
    let group = |holder: &Holder| Holder {
        process: first[groups.of_process(holder.process) as usize].unwrap_or_default(),
        ..*holder
    };
    let regroup = |holders: &[Holder]| {
        let mut holders: Vec<Holder> = holders.iter().map(group).collect();
        holders.sort_unstable();
        holders
    };
    for at in 0..map.sockets.len() {
        let holders = regroup(map.holders(SocketId::new(at)));
        collapsed.sockets[at].holders = collapsed.push_holders(holders);
    }
    for pipe in &mut collapsed.pipes {
        pipe.readers = regroup(&pipe.readers);
        pipe.writers = regroup(&pipe.writers);
    }
    GroupedMap {
        map: collapsed,
        members: counts,
    }
}

/// The same, with how many it stands for at the end of each group's name: `nginx ×4`.
#[must_use]
pub fn group_map(map: Map, by: By) -> Map {
    let GroupedMap { mut map, members } = grouped(map, by);
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
    use crate::model::fixture::{connect, map, process};
    use crate::query::hubs;

    #[test]
    fn groups_talk_as_one() {
        let mut map = map();
        let all = [1, 2, 3, 4].map(|pid| process(&mut map, pid, if pid < 3 { b"a" } else { b"b" }));
        connect(&mut map, &[all[0]], &[all[2]], None);
        connect(&mut map, &[all[1]], &[all[3]], None);
        connect(&mut map, &[all[0]], &[all[1]], None);
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
