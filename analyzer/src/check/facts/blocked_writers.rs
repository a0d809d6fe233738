//! Threads that are blocked in a write, and cycles of processes that are blocked in each other's.

use petgraph::algo::kosaraju_scc;
use petgraph::graph::DiGraph;
use std::collections::{BTreeMap, BTreeSet};

use super::base::{BlockedWriter, Facts};
use crate::load::syscall::CallKind;
use crate::model::{FdTarget, Pipe, ProcessId, SocketId};

impl Facts<'_> {
    /// Sockets that a thread is blocked writing to, each with the thread's process; sorted.
    pub(crate) fn blocked_writers(&self) -> &[(SocketId, ProcessId)] {
        self.blocked_writers.get_or_init(|| {
            let writes = self.blocked_in(CallKind::Write);
            let writers = writes.filter_map(|(process, call)| match call.target {
                FdTarget::Socket(socket) => Some((socket, process)),
                _ => None,
            });
            Vec::from_iter(BTreeSet::from_iter(writers))
        })
    }

    /// The processes that are blocked writing to any of the sockets.
    pub(crate) fn blocked_on(&self, sockets: &[SocketId]) -> Vec<ProcessId> {
        let writers = self.blocked_writers();
        let mut blocked: BTreeSet<ProcessId> = BTreeSet::new();
        for socket in sockets {
            let start = writers.partition_point(|(written, _)| written < socket);
            let run = writers[start..].iter();
            let run = run.take_while(|(written, _)| written == socket);
            blocked.extend(run.map(|(_, process)| *process));
        }
        blocked.into_iter().collect()
    }

    /// Cycles of processes that are blocked in writes to each other, as the sorted writes of each.
    pub(crate) fn deadlocks(&self) -> &[Vec<BlockedWriter>] {
        self.deadlocks
            .get_or_init(|| cycles(&self.sole_reader_writes()))
    }

    /// Whether a socket or its peer is part of such a cycle.
    pub(crate) fn is_deadlocked(&self, socket: SocketId) -> bool {
        let deadlocked = self.deadlocked_sockets.get_or_init(|| {
            let writes = self.deadlocks().iter().flatten();
            let mut sockets: Vec<SocketId> = writes
                .filter_map(|write| write.socket)
                .flat_map(|socket| [Some(socket), self.peer(socket)])
                .flatten()
                .collect();
            sockets.sort_unstable();
            sockets
        });
        deadlocked.binary_search(&socket).is_ok()
    }

    fn sole_reader_writes(&self) -> Vec<BlockedWriter> {
        let writes = self.blocked_in(CallKind::Write);
        let writes = writes.filter_map(|(writer, call)| {
            let (reader, socket) = match call.target {
                FdTarget::Socket(socket) => match self.peer_processes(socket)[..] {
                    [reader] => (reader, Some(socket)),
                    _ => return None,
                },
                FdTarget::Pipe(pipe) => (sole_reader(&self.map.pipes[pipe.index()])?, None),
                _ => return None,
            };
            let fd = call.fd?;
            Some(BlockedWriter {
                writer,
                fd,
                reader,
                socket,
            })
        });
        Vec::from_iter(BTreeSet::from_iter(writes))
    }
}

fn sole_reader(pipe: &Pipe) -> Option<ProcessId> {
    let first = pipe.readers.first()?.process;
    let last = pipe.readers.last()?.process;
    (first == last).then_some(first)
}

/// Groups the writes within each strongly connected component of writers and readers.
fn cycles(writes: &[BlockedWriter]) -> Vec<Vec<BlockedWriter>> {
    let edges = writes.iter().map(|write| (write.writer.0, write.reader.0));
    let graph = DiGraph::<(), ()>::from_edges(edges);
    let mut component = vec![0; graph.node_count()];
    for (number, members) in kosaraju_scc(&graph).iter().enumerate() {
        for member in members {
            component[member.index()] = number;
        }
    }
    let mut cycles: BTreeMap<usize, Vec<BlockedWriter>> = BTreeMap::new();
    for write in writes {
        let [writer, reader] = [write.writer, write.reader].map(|id| component[id.index()]);
        if writer == reader {
            cycles.entry(writer).or_default().push(*write);
        }
    }
    let mut cycles: Vec<Vec<BlockedWriter>> = cycles.into_values().collect();
    cycles.sort();
    cycles
}
