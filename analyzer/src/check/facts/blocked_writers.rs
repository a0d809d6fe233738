//! Threads that are blocked writing, and the circles they wait in.

use petgraph::algo::kosaraju_scc;
use petgraph::graph::{DiGraph, NodeIndex};
use std::collections::BTreeMap;

use super::{Facts, Serving};
use crate::load::syscall::CallKind;
use crate::model::{DescriptorKey, Pipe, PipeId, ProcessId, SocketId};

/// A thread blocked in a write that one other process alone can make room for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct BlockedWriters {
    pub(crate) writer: ProcessId,
    pub(crate) fd: u32,
    pub(crate) reader: ProcessId,
    /// What it writes to, where that is a socket; else it is a pipe.
    pub(crate) socket: Option<SocketId>,
}

impl Facts<'_> {
    /// Sockets that a thread is blocked writing to, each with the thread's process; sorted.
    pub(crate) fn blocked_writers(&self) -> &[(SocketId, ProcessId)] {
        self.blocked_writers.get_or_init(|| {
            let writes = self
                .threads
                .iter()
                .filter(|thread| thread.kind == Some(CallKind::Write));
            let mut writers: Vec<_> = writes
                .filter_map(|thread| Some((self.socket_at(thread.descriptor()?)?, thread.process)))
                .collect();
            writers.sort_unstable();
            writers.dedup();
            writers
        })
    }

    /// The processes that are blocked writing to any of these.
    pub(crate) fn blocked_on(&self, sockets: &[SocketId]) -> Vec<ProcessId> {
        let writers = self.blocked_writers();
        let mut blocked: Vec<ProcessId> = Vec::new();
        for socket in sockets {
            let start = writers.partition_point(|(of, _)| of < socket);
            let of_this = writers[start..].iter().take_while(|(of, _)| of == socket);
            blocked.extend(of_this.map(|(_, process)| *process));
        }
        blocked.sort_unstable();
        blocked.dedup();
        blocked
    }

    /// Whether a process is there to read from a socket: a thread waits for it to have bytes.
    pub(crate) fn attends(&self, process: ProcessId, socket: SocketId) -> Serving {
        let inode = self.map.socket(socket).inode;
        let one = |thread: &super::Thread| match (thread.kind, thread.descriptor()) {
            (Some(CallKind::Read), Some(read)) if self.socket_at(read) == Some(socket) => {
                Serving::Yes
            }
            (Some(CallKind::Epoll), Some(poll)) => {
                let other = self.infos.knows_poll(poll) && !self.infos.watches(process, inode);
                if other { Serving::No } else { Serving::Perhaps }
            }
            (None, _) => Serving::Perhaps,
            _ => Serving::No,
        };
        let threads = self.threads(process).iter();
        threads.map(one).max().unwrap_or(Serving::Perhaps)
    }

    /// Circles of writers that wait for each other, each with its steps, sorted.
    pub(crate) fn deadlocks(&self) -> &[Vec<BlockedWriters>] {
        self.deadlocks.get_or_init(|| circles(&self.stuck()))
    }

    /// Whether a socket, or the other end of it, is part of such a circle.
    pub(crate) fn is_deadlocked(&self, socket: SocketId) -> bool {
        let deadlocked = self.deadlocked.get_or_init(|| {
            let written = self
                .deadlocks()
                .iter()
                .flatten()
                .filter_map(|stuck| stuck.socket);
            let mut both: Vec<SocketId> = written
                .flat_map(|socket| [Some(socket), self.peer(socket)])
                .flatten()
                .collect();
            both.sort_unstable();
            both
        });
        deadlocked.binary_search(&socket).is_ok()
    }

    fn stuck(&self) -> Vec<BlockedWriters> {
        let mut all = Vec::new();
        let mut in_pipes: BTreeMap<DescriptorKey, Option<PipeId>> = BTreeMap::new();
        for thread in self
            .threads
            .iter()
            .filter(|thread| thread.kind == Some(CallKind::Write))
        {
            let Some(descriptor) = thread.descriptor() else {
                continue;
            };
            let (writer, _, fd) = descriptor;
            let Some(written) = self.socket_at(descriptor) else {
                in_pipes.insert(descriptor, None);
                continue;
            };
            let readers = self
                .peer(written)
                .map(|peer| self.map.holding_processes(peer));
            if let Some([reader]) = readers.as_deref() {
                let (reader, socket) = (*reader, Some(written));
                all.push(BlockedWriters {
                    writer,
                    fd,
                    reader,
                    socket,
                });
            }
        }
        if !in_pipes.is_empty() {
            for pipe in &self.map.pipes {
                let Some(reader) = sole_reader(pipe) else {
                    continue;
                };
                for end in &pipe.writers {
                    if in_pipes.contains_key(&(end.process, end.tid, end.fd)) {
                        let (writer, fd, socket) = (end.process, end.fd, None);
                        all.push(BlockedWriters {
                            writer,
                            fd,
                            reader,
                            socket,
                        });
                    }
                }
            }
        }
        all.sort_unstable();
        all.dedup();
        all
    }
}

fn sole_reader(pipe: &Pipe) -> Option<ProcessId> {
    let first = pipe.readers.first()?.process;
    let last = pipe.readers.last()?.process;
    (first == last).then_some(first)
}

fn circles(all: &[BlockedWriters]) -> Vec<Vec<BlockedWriters>> {
    let mut graph: DiGraph<ProcessId, usize> = DiGraph::new();
    let mut nodes: BTreeMap<ProcessId, NodeIndex> = BTreeMap::new();
    for (at, stuck) in all.iter().enumerate() {
        let [writer, reader] = [stuck.writer, stuck.reader].map(|process| {
            *nodes
                .entry(process)
                .or_insert_with(|| graph.add_node(process))
        });
        graph.add_edge(writer, reader, at);
    }
    let mut component = vec![0; graph.node_count()];
    for (number, members) in kosaraju_scc(&graph).iter().enumerate() {
        for member in members {
            component[member.index()] = number;
        }
    }
    let mut circles: BTreeMap<usize, Vec<BlockedWriters>> = BTreeMap::new();
    for stuck in all {
        let [writer, reader] = [stuck.writer, stuck.reader].map(|p| component[nodes[&p].index()]);
        if writer == reader {
            circles.entry(writer).or_default().push(*stuck);
        }
    }
    let mut circles: Vec<Vec<BlockedWriters>> = circles.into_values().collect();
    circles.sort();
    circles
}
