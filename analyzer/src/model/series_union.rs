//! All captures of a series as one map: what was there at any time, and how often.

use std::collections::{BTreeMap, BTreeSet};

use super::build::{count_processes, join};
use super::{
    Connection, ConnectionKind, Holder, Host, HostCoverage, HostId, Map, Pipe, PipeKey, Process,
    ProcessId, Series, Socket, SocketId, SocketKey, Warning,
};

/// In how many captures things were seen; by their places in the map's tables.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seen {
    /// Captures of the longest series.
    pub captures: u32,
    /// By process.
    pub processes: Vec<u32>,
    /// By socket.
    pub sockets: Vec<u32>,
    /// By connection.
    pub connections: Vec<u32>,
    /// By pipe.
    pub pipes: Vec<u32>,
}

/// A holder that is known by its process's pid, since places change.
type HeldBy = (u32, Option<u32>, u32, Option<bool>);
/// Readers and writers.
type Ends = [BTreeSet<HeldBy>; 2];
type ConnectionKey = (
    SocketKey,
    Option<SocketKey>,
    Option<SocketKey>,
    ConnectionKind,
);

/// Something with its count.
struct Counted<T> {
    what: T,
    seen: u32,
}

/// One host, gathered from the latest capture to the first: of what changed the latest is kept.
#[derive(Default)]
struct Union {
    host: Option<Host>,
    warnings: Vec<Warning>,
    processes: BTreeMap<u32, Counted<Process>>,
    sockets: BTreeMap<SocketKey, Counted<(Socket, BTreeSet<HeldBy>)>>,
    connections: BTreeMap<ConnectionKey, Counted<Connection>>,
    pipes: BTreeMap<PipeKey, Counted<(Pipe, Ends)>>,
    reused: BTreeSet<u32>,
}

/// The union of each series, a host of the map for each.
pub(super) fn union(all: &[Series<'_>]) -> Map {
    let mut map = Map::default();
    let mut seen = Seen::default();
    for series in all {
        let mut union = Union::default();
        for taken in series.captures().iter().rev() {
            union.add(&join(&[*taken]));
        }
        let captures = u32::try_from(series.captures().len()).unwrap_or(u32::MAX);
        seen.captures = seen.captures.max(captures);
        union.finish(&mut map, &mut seen);
    }
    map.warnings.sort();
    map.seen = Some(seen);
    map
}

impl Union {
    fn add(&mut self, map: &Map) {
        for host in &map.hosts {
            let latest = self.host.get_or_insert_with(|| host.clone());
            gather(&mut latest.coverage, &host.coverage);
            latest.started_at_ns = latest.started_at_ns.min(host.started_at_ns);
        }
        self.warnings.extend(map.warnings.iter().cloned());
        // Processes whose pid is another's by now are left out, and so is what only they held.
        let mut known = Vec::with_capacity(map.processes.len());
        for process in &map.processes {
            let entry = self.processes.entry(process.pid);
            let entry = entry.or_insert_with(|| Counted {
                what: process.clone(),
                seen: 0,
            });
            let same = entry.what.start_ticks == process.start_ticks;
            entry.seen += u32::from(same);
            if !same {
                self.reused.insert(process.pid);
            }
            known.push(same);
        }
        let held = |holders: &[Holder]| -> BTreeSet<HeldBy> {
            let holders = holders
                .iter()
                .filter(|holder| known[holder.process.index()]);
            let by = |h: &Holder| (map.process(h.process).pid, h.tid, h.fd, h.cloexec);
            holders.map(by).collect()
        };
        let keys: Vec<SocketKey> = (0..map.sockets.len())
            .map(|at| self.add_socket(&map.sockets[at], held(map.holders(SocketId::new(at)))))
            .collect();
        let newer: BTreeSet<SocketKey> = self.connections.keys().map(|key| key.0).collect();
        for connection in &map.connections {
            let key = |id: SocketId| keys[id.index()];
            let (a, b) = (key(connection.a), connection.b.map(key));
            let whole = (a, b, connection.listener.map(key), connection.kind);
            // A client that waited then, and was let in later.
            if b.is_none() && newer.contains(&a) && !self.connections.contains_key(&whole) {
                continue;
            }
            let entry = self.connections.entry(whole).or_insert_with(|| Counted {
                what: connection.clone(),
                seen: 0,
            });
            entry.seen += 1;
        }
        for pipe in &map.pipes {
            let ends = [held(&pipe.readers), held(&pipe.writers)];
            let entry = self.pipes.entry(pipe.key).or_insert_with(|| Counted {
                what: (pipe.clone(), Default::default()),
                seen: 0,
            });
            entry.seen += 1;
            for (all, more) in entry.what.1.iter_mut().zip(ends) {
                all.extend(more);
            }
        }
    }

    /// Under its inode; under its cookie where a later socket has that inode.
    fn add_socket(&mut self, socket: &Socket, held: BTreeSet<HeldBy>) -> SocketKey {
        let mut key = socket.key;
        if let Some(later) = self.sockets.get(&key)
            && let (Some(cookie), Some(own)) = (later.what.0.cookie, socket.cookie)
            && cookie != own
        {
            key = SocketKey::Cookie(own);
        }
        let entry = self.sockets.entry(key).or_insert_with(|| Counted {
            what: (
                Socket {
                    key,
                    ..socket.clone()
                },
                BTreeSet::new(),
            ),
            seen: 0,
        });
        entry.seen += 1;
        entry.what.1.extend(held);
        key
    }

    fn finish(self, map: &mut Map, seen: &mut Seen) {
        let host = HostId::new(map.hosts.len());
        let first = map.processes.len();
        let mut warnings: Vec<Warning> = self.warnings;
        warnings.extend(self.reused.iter().map(|pid| Warning {
            host,
            kind: "reused-pid",
            text: format!("pid {pid} was several processes; only the last of them is shown"),
        }));
        for warning in &mut warnings {
            warning.host = host;
        }
        warnings.sort();
        warnings.dedup();
        map.warnings.append(&mut warnings);
        let mut places: BTreeMap<u32, ProcessId> = BTreeMap::new();
        for (pid, process) in self.processes {
            places.insert(pid, ProcessId::new(map.processes.len()));
            map.processes.push(Process {
                host,
                ..process.what
            });
            seen.processes.push(process.seen);
        }
        if let Some(mut gathered) = self.host {
            let mut counted = HostCoverage::default();
            count_processes(map, first, &mut counted);
            let coverage = &mut gathered.coverage;
            (coverage.read, coverage.partial) = (counted.read, counted.partial);
            coverage.denied = counted.denied;
            map.hosts.push(gathered);
        }
        let holders = |held: BTreeSet<HeldBy>| -> Vec<Holder> {
            let holder = |(pid, tid, fd, cloexec)| {
                Some(Holder {
                    process: *places.get(&pid)?,
                    tid,
                    fd,
                    cloexec,
                })
            };
            held.into_iter().filter_map(holder).collect()
        };
        let mut ids: BTreeMap<SocketKey, SocketId> = BTreeMap::new();
        for (key, counted) in self.sockets {
            let (socket, held) = counted.what;
            let id = map.push_socket(Socket { host, ..socket }, holders(held));
            ids.insert(key, id);
            seen.sockets.push(counted.seen);
        }
        let id = |key: SocketKey| ids.get(&key).copied();
        let first = map.connections.len();
        let mut connections: Vec<(Connection, u32)> = Vec::with_capacity(self.connections.len());
        for ((a, b, listener, _), counted) in self.connections {
            let Some(a) = id(a) else { continue };
            let connection = Connection {
                a,
                b: b.and_then(id),
                listener: listener.and_then(id),
                ..counted.what
            };
            connections.push((connection, counted.seen));
        }
        connections.sort_by_key(|(connection, _)| (connection.a, connection.b));
        debug_assert_eq!(first, seen.connections.len());
        seen.connections
            .extend(connections.iter().map(|(_, seen)| *seen));
        map.connections
            .extend(connections.into_iter().map(|(connection, _)| connection));
        for (_, counted) in self.pipes {
            let (pipe, [readers, writers]) = counted.what;
            map.pipes.push(Pipe {
                host,
                readers: holders(readers),
                writers: holders(writers),
                ..pipe
            });
            seen.pipes.push(counted.seen);
        }
    }
}

/// Adds what was missing in an earlier capture: what any of them lacks may be missing from the union.
fn gather(all: &mut HostCoverage, earlier: &HostCoverage) {
    all.complete &= earlier.complete;
    all.initial_pidns &= earlier.initial_pidns;
    all.hidepid |= earlier.hidepid;
    // In the order of the file; what lies between two captures concerns both.
    let mut damage = earlier.damage.clone();
    let later = std::mem::take(&mut all.damage).into_iter();
    damage.extend(later.filter(|text| !earlier.damage.contains(text)));
    all.damage = damage;
    for netns in &earlier.netns {
        match all
            .netns
            .binary_search_by_key(&netns.inode, |own| own.inode)
        {
            Ok(at) => {
                let worst = &mut all.netns[at];
                worst.diag = worst.diag.max(netns.diag);
                worst.proc_net = worst.proc_net.max(netns.proc_net);
            }
            Err(at) => all.netns.insert(at, netns.clone()),
        }
    }
}

impl Seen {
    /// What stays when rows of the map are left out.
    #[must_use]
    pub(crate) fn kept(
        &self,
        processes: &[bool],
        sockets: &[bool],
        connections: &[bool],
        pipes: &[bool],
    ) -> Self {
        let of = |all: &[u32], keep: &[bool]| -> Vec<u32> {
            let kept = all.iter().zip(keep).filter(|(_, keep)| **keep);
            kept.map(|(seen, _)| *seen).collect()
        };
        Self {
            captures: self.captures,
            processes: of(&self.processes, processes),
            sockets: of(&self.sockets, sockets),
            connections: of(&self.connections, connections),
            pipes: of(&self.pipes, pipes),
        }
    }
}
