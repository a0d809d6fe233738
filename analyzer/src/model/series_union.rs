//! Merges all captures of a series into one map: everything that existed at any time, with the captures
//! that it was present in.

use std::collections::{BTreeMap, BTreeSet};

use super::channel::Channel;
use super::connection::{Connection, ConnectionKind};
use super::coverage::HostCoverage;
use super::departed::Departed;
use super::holder::{Holder, KeepReason};
use super::host::Host;
use super::ids::{HostId, ProcessId, SocketId};
use super::join::join;
use super::map::Map;
use super::pipe::{Pipe, PipeKey};
use super::process::Process;
use super::seen::{Captures, Seen};
use super::series::{Series, TimedCapture};
use super::socket::{Socket, SocketKey};
use super::warning::Warning;

/// Holders by pid instead of process id, since ids differ between captures: pid, thread, descriptor,
/// whether through an io_uring, and close-on-exec, with the reason of those that only kept it in every capture.
type HoldersByPid = BTreeMap<(u32, Option<u32>, u32, bool, Option<bool>), Option<KeepReason>>;
/// Readers and writers.
type PipeEnds = [HoldersByPid; 2];
type ConnectionKey = (
    SocketKey,
    Option<SocketKey>,
    Option<SocketKey>,
    ConnectionKind,
);

/// A row with the captures that it was present in.
struct Counted<T> {
    row: T,
    captures: Captures,
}

impl<T> Counted<T> {
    fn new(row: T) -> Self {
        Self {
            row,
            captures: Captures::default(),
        }
    }
}

/// One host, merged from the latest capture to the first: of differing rows the latest stays.
#[derive(Default)]
struct HostUnion {
    /// The number of the capture that is being added.
    number: u32,
    host: Option<Host>,
    warnings: Vec<Warning>,
    processes: BTreeMap<u32, Counted<Process>>,
    sockets: BTreeMap<SocketKey, Counted<(Socket, HoldersByPid)>>,
    /// With the keys of `listener_group`, whose ids differ between captures.
    connections: BTreeMap<ConnectionKey, Counted<(Connection, Vec<SocketKey>)>>,
    /// Of the latest capture.
    departed: Option<Vec<Departed>>,
    /// Of the latest capture, with the pids of its processes.
    channels: Option<(Vec<Channel>, Vec<u32>)>,
    pipes: BTreeMap<PipeKey, Counted<(Pipe, PipeEnds)>>,
    reused_pids: BTreeSet<u32>,
}

/// The union of each series, a host of the map for each.
pub(super) fn union(all: &[Series<'_>]) -> Map {
    let mut map = Map::default();
    let mut seen = Seen::default();
    for series in all {
        let mut union = HostUnion::default();
        let captures = series.captures();
        for (number, timed) in (0..).zip(captures).collect::<Vec<_>>().into_iter().rev() {
            union.number = number;
            union.add(&join(&[*timed]));
        }
        let started = captures.iter().map(TimedCapture::started_at_ns);
        seen.started_at_ns.push(started.collect());
        union.finish(&mut map, &mut seen);
    }
    map.warnings.sort();
    map.seen = Some(seen);
    map
}

impl HostUnion {
    fn add(&mut self, map: &Map) {
        for host in &map.hosts {
            let latest = self.host.get_or_insert_with(|| host.clone());
            latest.coverage.merge_earlier(&host.coverage);
            latest.started_at_ns = latest.started_at_ns.min(host.started_at_ns);
        }
        self.warnings.extend(map.warnings.iter().cloned());
        let is_current = self.add_processes(map);
        let held = |holders: &[Holder]| -> HoldersByPid {
            let holders = holders
                .iter()
                .filter(|holder| is_current[holder.process.index()]);
            let by_pid = |h: &Holder| {
                let key = (
                    map.process(h.process).pid,
                    h.tid,
                    h.fd,
                    h.through_io_uring,
                    h.cloexec,
                );
                (key, h.keeps)
            };
            holders.map(by_pid).collect()
        };
        let keys: Vec<SocketKey> = (0..map.sockets.len())
            .map(SocketId::new)
            .map(|id| self.add_socket(map.socket(id), held(map.holders(id))))
            .collect();
        self.add_connections(map, &keys);
        self.departed.get_or_insert_with(|| map.departed.clone());
        self.channels.get_or_insert_with(|| {
            let pids = map.processes.iter().map(|process| process.pid);
            (map.channels.clone(), pids.collect())
        });
        for pipe in &map.pipes {
            let ends = [held(&pipe.readers), held(&pipe.writers)];
            let entry = self.pipes.entry(pipe.key);
            let known = entry.or_insert_with(|| Counted::new((pipe.clone(), PipeEnds::default())));
            known.captures.add_earlier(self.number);
            for (all, more) in known.row.1.iter_mut().zip(ends) {
                merge_holders(all, more);
            }
        }
    }

    /// Adds processes. Those whose pid a later process has are left out, together with what only they
    /// hold; returns false for them.
    fn add_processes(&mut self, map: &Map) -> Vec<bool> {
        let mut is_current = Vec::with_capacity(map.processes.len());
        for process in &map.processes {
            let entry = self.processes.entry(process.pid);
            let latest = entry.or_insert_with(|| Counted::new(process.clone()));
            let is_same = latest.row.start_ticks == process.start_ticks;
            match is_same {
                true => latest.captures.add_earlier(self.number),
                false => {
                    self.reused_pids.insert(process.pid);
                }
            }
            is_current.push(is_same);
        }
        is_current
    }

    /// Adds a socket under its inode, or under its cookie where a later socket has that inode.
    fn add_socket(&mut self, socket: &Socket, holders: HoldersByPid) -> SocketKey {
        let mut key = socket.key;
        if let Some(later) = self.sockets.get(&key)
            && let (Some(cookie), Some(own)) = (later.row.0.cookie, socket.cookie)
            && cookie != own
        {
            key = SocketKey::Cookie(own);
        }
        let new = || Socket {
            key,
            ..socket.clone()
        };
        let entry = self.sockets.entry(key);
        let known = entry.or_insert_with(|| Counted::new((new(), HoldersByPid::new())));
        known.captures.add_earlier(self.number);
        merge_holders(&mut known.row.1, holders);
        key
    }

    /// Adds connections; `keys` are the keys of the map's sockets in the union.
    fn add_connections(&mut self, map: &Map, keys: &[SocketKey]) {
        let later: BTreeSet<SocketKey> = self.connections.keys().map(|key| key.0).collect();
        for connection in &map.connections {
            let key = |id: SocketId| keys[id.index()];
            let (a, b) = (key(connection.a), connection.b.map(key));
            let key = (a, b, connection.listener.map(key), connection.kind);
            // A pending client that is accepted in a later capture.
            if b.is_none() && later.contains(&a) && !self.connections.contains_key(&key) {
                let from = (a, None, None, ConnectionKind::Unix);
                let accepted = self.connections.range_mut(from..);
                for (_, known) in accepted.take_while(|(key, _)| key.0 == a) {
                    known.captures.add_earlier(self.number);
                }
                continue;
            }
            let entry = self.connections.entry(key);
            let group = connection.listener_group.iter();
            let group = || group.map(|id| keys[id.index()]).collect();
            let known = entry.or_insert_with(|| Counted::new((connection.clone(), group())));
            known.captures.add_earlier(self.number);
        }
    }

    fn finish(mut self, map: &mut Map, seen: &mut Seen) {
        let host = HostId::new(map.hosts.len());
        self.finish_warnings(map, host);
        let first = map.processes.len();
        let mut ids: BTreeMap<u32, ProcessId> = BTreeMap::new();
        for (pid, process) in self.processes {
            ids.insert(pid, ProcessId::new(map.processes.len()));
            map.processes.push(Process {
                host,
                ..process.row
            });
            seen.processes.push(process.captures);
        }
        if let Some(mut merged) = self.host {
            let mut counted = HostCoverage::default();
            let processes = map.processes[first..].iter();
            counted.count_processes(processes.map(|process| process.fds_status));
            let coverage = &mut merged.coverage;
            (coverage.read, coverage.partial) = (counted.read, counted.partial);
            coverage.denied = counted.denied;
            map.hosts.push(merged);
        }
        let holders = |by_pid: HoldersByPid| -> Vec<Holder> {
            let holder = |((pid, tid, fd, through_io_uring, cloexec), keeps)| {
                Some(Holder {
                    process: *ids.get(&pid)?,
                    tid,
                    fd,
                    through_io_uring,
                    cloexec,
                    keeps,
                })
            };
            by_pid.into_iter().filter_map(holder).collect()
        };
        let mut sockets: BTreeMap<SocketKey, SocketId> = BTreeMap::new();
        for (key, counted) in self.sockets {
            let (socket, held) = counted.row;
            let id = map.push_socket(Socket { host, ..socket }, holders(held));
            sockets.insert(key, id);
            seen.sockets.push(counted.captures);
        }
        let departed = self.departed.into_iter().flatten();
        map.departed
            .extend(departed.map(|row| Departed { host, ..row }));
        let (channels, pids) = self.channels.unwrap_or_default();
        let new_id = |id: ProcessId| ids.get(&pids[id.index()]).copied();
        let channels = channels.iter().filter_map(|channel| channel.remap(new_id));
        map.channels
            .extend(channels.map(|channel| Channel { host, ..channel }));
        finish_connections(self.connections, &sockets, map, seen);
        for (_, counted) in self.pipes {
            let (pipe, [readers, writers]) = counted.row;
            map.pipes.push(Pipe {
                host,
                readers: holders(readers),
                writers: holders(writers),
                ..pipe
            });
            seen.pipes.push(counted.captures);
        }
    }

    fn finish_warnings(&mut self, map: &mut Map, host: HostId) {
        let warnings = &mut self.warnings;
        warnings.extend(self.reused_pids.iter().map(|pid| Warning {
            host,
            kind: "reused-pid",
            text: format!("pid {pid} was several processes; only the last of them is shown"),
        }));
        for warning in warnings.iter_mut() {
            warning.host = host;
        }
        warnings.sort();
        warnings.dedup();
        map.warnings.append(warnings);
    }
}

/// Adds the holders of another capture.
fn merge_holders(known: &mut HoldersByPid, holders: HoldersByPid) {
    for (key, keeps) in holders {
        let known = known.entry(key).or_insert(keeps);
        *known = known.and(keeps);
    }
}

fn finish_connections(
    connections: BTreeMap<ConnectionKey, Counted<(Connection, Vec<SocketKey>)>>,
    sockets: &BTreeMap<SocketKey, SocketId>,
    map: &mut Map,
    seen: &mut Seen,
) {
    let id = |key: SocketKey| sockets.get(&key).copied();
    let connection =
        |((a, b, listener, _), counted): (ConnectionKey, Counted<(Connection, Vec<SocketKey>)>)| {
            let (row, group) = counted.row;
            let connection = Connection {
                a: id(a)?,
                b: b.and_then(id),
                listener: listener.and_then(id),
                listener_group: group.into_iter().filter_map(id).collect(),
                ..row
            };
            Some((connection, counted.captures))
        };
    let connections = connections.into_iter().filter_map(connection);
    let mut connections: Vec<(Connection, Captures)> = connections.collect();
    connections.sort_by_key(|(connection, _)| (connection.a, connection.b));
    for (connection, captures) in connections {
        map.connections.push(connection);
        seen.connections.push(captures);
    }
}
