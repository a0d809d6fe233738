//! What rules need beyond the map, derived once.

mod blocked_writers;
pub(crate) mod bound_paths;
mod calls;
pub(crate) mod describe;
mod fdinfo;
pub(crate) mod growth;
mod history;
mod privileges;
mod process_tree;
pub(crate) mod protocols;
mod queues;

use std::cell::OnceCell;

pub(crate) use blocked_writers::BlockedWriters;
pub(crate) use calls::Thread;
pub(crate) use fdinfo::Fdinfo;
pub(crate) use history::{History, compared};
pub(super) use process_tree::MANAGERS;
pub(crate) use process_tree::ProcessTree;
pub(super) use protocols::{CONTROL as IN_CONTROL, FOR_ALL};

use crate::load::Capture;
use crate::load::syscall::CallKind;
use crate::model::{
    Connection, DescriptorKey, FdsStatus, HostId, Map, Pipe, PipeKey, Process, ProcessId, Readable,
    SocketId,
};
use crate::policy::Policy;
use calls::threads;

/// A map with the captures that it was made of, and what follows from both.
#[derive(Debug)]
pub struct Facts<'a> {
    /// The map.
    pub map: &'a Map,
    /// The captures of its hosts, in their order.
    pub(crate) captures: Vec<&'a Capture>,
    /// Families and programs.
    pub(crate) kin: ProcessTree,
    /// What fdinfo says.
    pub(crate) infos: Fdinfo,
    /// Threads, by process.
    threads: Vec<Thread>,
    /// First connection of each socket, as either end; `u32::MAX`: none.
    connections: Vec<u32>,
    /// Who holds ends that each listener accepted; by listener.
    accepted: OnceCell<Vec<(SocketId, ProcessId)>>,
    /// Sockets behind the descriptors that threads wait on or descriptors wait in; sorted.
    waited_on: OnceCell<Vec<(DescriptorKey, SocketId)>>,
    blocked_writers: OnceCell<Vec<(SocketId, ProcessId)>>,
    deadlocks: OnceCell<Vec<Vec<BlockedWriters>>>,
    deadlocked: OnceCell<Vec<SocketId>>,
    dead_in_queue: OnceCell<Vec<(SocketId, u32)>>,
    places: OnceCell<bound_paths::BoundPaths<'a>>,
    /// Of each process.
    records: OnceCell<Vec<Option<&'a whotalks_snapshot::records::Process>>>,
    past: Option<History<'a>>,
    /// Who may talk to whom, where that was said.
    pub(crate) policy: Option<&'a Policy>,
}

/// Whether a process serves a listener.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Serving {
    /// All its threads are seen to wait for something else.
    No,
    /// Nothing shows that it does, nothing that it does not.
    Perhaps,
    /// It accepts on it, watches it, or holds what it accepted.
    Yes,
}

impl<'a> Facts<'a> {
    /// Of a map and the captures of its hosts.
    pub fn new(map: &'a Map, captures: Vec<&'a Capture>) -> Self {
        let mut connections = vec![u32::MAX; map.sockets.len()];
        for (at, connection) in map.connections.iter().enumerate().rev() {
            for end in [Some(connection.a), connection.b].into_iter().flatten() {
                connections[end.index()] = at as u32;
            }
        }
        Self {
            kin: ProcessTree::of(map),
            infos: Fdinfo::of(map, &captures),
            threads: threads(map, &captures),
            map,
            captures,
            connections,
            accepted: OnceCell::new(),
            waited_on: OnceCell::new(),
            blocked_writers: OnceCell::new(),
            deadlocks: OnceCell::new(),
            deadlocked: OnceCell::new(),
            dead_in_queue: OnceCell::new(),
            places: OnceCell::new(),
            records: OnceCell::new(),
            past: None,
            policy: None,
        }
    }

    /// With the earlier captures of each host, oldest first.
    pub fn with_past(mut self, past: Vec<Vec<crate::model::TimedCapture<'a>>>) -> Self {
        if past.iter().any(|of_host| !of_host.is_empty()) {
            self.past = Some(History::of(&self.captures, past));
        }
        self
    }

    /// With a policy to compare with.
    pub fn with_policy(mut self, policy: Option<&'a Policy>) -> Self {
        self.policy = policy;
        self
    }

    /// With an earlier map made by hand.
    #[cfg(test)]
    pub(crate) fn with_past_map(mut self, map: Map, capture: &'a Capture, age_ns: u64) -> Self {
        self.past = Some(History::of_map(map, capture, age_ns));
        self
    }

    /// An earlier capture of at least one of the hosts.
    pub(crate) fn past(&self) -> Option<&History<'a>> {
        self.past.as_ref()
    }

    /// The threads of a process; none where the capture has none.
    pub(crate) fn threads(&self, process: ProcessId) -> &[Thread] {
        let start = self
            .threads
            .partition_point(|thread| thread.process < process);
        let end = self
            .threads
            .partition_point(|thread| thread.process <= process);
        &self.threads[start..end]
    }

    /// All threads, by process.
    pub(crate) fn all_threads(&self) -> &[Thread] {
        &self.threads
    }

    /// The first connection that a socket is an end of.
    pub(crate) fn connection(&self, socket: SocketId) -> Option<&'a Connection> {
        self.map
            .connections
            .get(self.connections[socket.index()] as usize)
    }

    /// The other end of a socket's connection.
    pub(crate) fn peer(&self, socket: SocketId) -> Option<SocketId> {
        let connection = self.connection(socket)?;
        if connection.a == socket {
            connection.b
        } else {
            Some(connection.a)
        }
    }

    /// The socket behind a descriptor that a thread waits on, or that descriptors wait in.
    pub(crate) fn socket_at(&self, descriptor: DescriptorKey) -> Option<SocketId> {
        let waited_on = self.waited_on.get_or_init(|| self.waited_on());
        let at = waited_on.binary_search_by_key(&descriptor, |(of, _)| *of);
        Some(waited_on[at.ok()?].1)
    }

    fn waited_on(&self) -> Vec<(DescriptorKey, SocketId)> {
        let by_threads = self.threads.iter().filter_map(Thread::descriptor);
        let by_flights = self.infos.in_flight.iter().map(|(of, _)| *of);
        let mut wanted: Vec<_> = by_threads.chain(by_flights).collect();
        wanted.sort_unstable();
        let mut found = Vec::new();
        for at in 0..self.map.sockets.len() {
            let id = SocketId::new(at);
            for holder in self.map.holders(id) {
                let key = (holder.process, holder.tid, holder.fd);
                if wanted.binary_search(&key).is_ok() {
                    found.push((key, id));
                }
            }
        }
        found.sort_unstable();
        found
    }

    /// Listeners with clients in their queues that have gone, and how many.
    pub(crate) fn dead_in_queue(&self) -> &[(SocketId, u32)] {
        self.dead_in_queue
            .get_or_init(|| queues::dead(self.map, &self.captures))
    }

    /// The process of a pid.
    pub(crate) fn find(&self, host: HostId, pid: u32) -> Option<ProcessId> {
        process_tree::find(self.map, host.0, pid)
    }

    /// Whether an event poll of the process watches a pipe.
    pub(crate) fn watches_pipe(&self, process: ProcessId, pipe: &Pipe) -> bool {
        match pipe.key {
            PipeKey::Pipe(inode) | PipeKey::Fifo(_, inode) => self.infos.watches(process, inode),
        }
    }

    /// Whether a process was told a descriptor's number on its command line.
    pub(crate) fn is_told(&self, process: ProcessId, fd: u32) -> bool {
        let number = fd.to_string();
        let mut before: &[u8] = b"";
        self.map.process(process).arguments().any(|argument| {
            let names = names_number(before, argument, number.as_bytes());
            before = argument;
            names
        })
    }

    /// Whether a process serves a listener that it holds.
    pub(crate) fn serving(&self, process: ProcessId, listener: SocketId) -> Serving {
        let inode = self.map.socket(listener).inode;
        let accepted = self.accepted.get_or_init(|| self.accepted());
        if self.infos.watches(process, inode)
            || accepted.binary_search(&(listener, process)).is_ok()
        {
            return Serving::Yes;
        }
        let threads = self.threads(process);
        let one = |thread: &Thread| match (thread.kind, thread.descriptor()) {
            (Some(CallKind::Accept), Some((_, table, fd))) => {
                let holders = self.map.holders(listener);
                let own = holders.partition_point(|holder| holder.process < process);
                let own = holders[own..]
                    .iter()
                    .take_while(|holder| holder.process == process);
                if own
                    .into_iter()
                    .any(|holder| (holder.tid, holder.fd) == (table, fd))
                {
                    Serving::Yes
                } else {
                    Serving::No
                }
            }
            (Some(CallKind::Epoll), Some(poll)) if self.infos.knows_poll(poll) => Serving::No,
            (None | Some(CallKind::Epoll), _) => Serving::Perhaps,
            // A server may look at its listener between two naps; sleep(1) does nothing else.
            (Some(CallKind::Sleep), _) if *self.map.process(process).comm != *b"sleep" => {
                Serving::Perhaps
            }
            _ => Serving::No,
        };
        threads.iter().map(one).max().unwrap_or(Serving::Perhaps)
    }

    fn accepted(&self) -> Vec<(SocketId, ProcessId)> {
        let mut accepted = Vec::new();
        for connection in &self.map.connections {
            if let (Some(listener), Some(end)) = (connection.listener, connection.b) {
                let holders = self.map.holders(end).iter();
                accepted.extend(holders.map(|holder| (listener, holder.process)));
            }
        }
        accepted.sort_unstable();
        accepted.dedup();
        accepted
    }

    /// Why holders may be missing, where that matters; managers may hold anything and are let alone.
    pub(crate) fn unread(&self) -> Vec<String> {
        let mut why = Vec::new();
        let unread = |(at, process): (usize, &Process)| {
            let status = process.fds_status;
            matches!(status, FdsStatus::Partial | FdsStatus::Denied)
                && !self.kin.is_manager(ProcessId::new(at))
        };
        let count = self
            .map
            .processes
            .iter()
            .enumerate()
            .filter(|one| unread(*one))
            .count();
        if count > 0 {
            let processes = describe::plural(count, "process's", "processes'");
            why.push(format!("{processes} descriptors could not be read"));
        }
        why.extend(self.unseen());
        why
    }

    /// Whether something of the captures is lost.
    pub(crate) fn is_damaged(&self) -> bool {
        let mut hosts = self.map.hosts.iter();
        hosts.any(|host| !host.coverage.damage.is_empty())
    }

    /// Why whole processes may be missing.
    pub(crate) fn unseen(&self) -> Vec<String> {
        let hosts = &self.map.hosts;
        let mut why = Vec::new();
        if hosts.iter().any(|host| host.coverage.hidepid) {
            why.push("/proc hides other users' processes".to_owned());
        }
        why
    }

    /// Why Unix sockets of some namespace may be missing or known only from the text table.
    pub(crate) fn undumped(&self) -> Option<String> {
        let spaces = self.map.hosts.iter().flat_map(|host| &host.coverage.netns);
        let (mut all, mut bad) = (0, 0);
        for space in spaces {
            all += 1;
            bad += usize::from(space.diag != Readable::Ok);
        }
        if all == 0 {
            return Some("no table of Unix sockets was captured".to_owned());
        }
        (bad > 0).then(|| {
            format!("the Unix sockets of {bad} of {all} network namespaces were not dumped whole")
        })
    }

    /// The hosts' ids.
    pub(crate) fn hosts(&self) -> impl Iterator<Item = HostId> + use<> {
        (0..self.map.hosts.len()).map(HostId::new)
    }
}

/// Whether an argument, or the one before it, speaks of a descriptor and it ends in this number:
/// `--fd=7`, `/dev/fd/7`, `--socket 7`.
fn names_number(before: &[u8], argument: &[u8], number: &[u8]) -> bool {
    const WORDS: [&[u8]; 6] = [
        b"fd",
        b"sock",
        b"pipe",
        b"handle",
        b"channel",
        b"print-address",
    ];
    let Some(rest) = argument.strip_suffix(number) else {
        return false;
    };
    let speaks = if rest.is_empty() { before } else { rest };
    !rest.last().is_some_and(u8::is_ascii_digit)
        && WORDS
            .iter()
            .any(|word| speaks.windows(word.len()).any(|part| part == *word))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::fixture::Scene;
    use whotalks_snapshot::descriptors::DescriptorTable;

    const WRITE: i64 = 1;

    /// Thread 61 has unshared its descriptor table; descriptor 5 of each table is another socket,
    /// descriptor 6 is a socket in the process's table only.
    #[test]
    fn a_private_table_is_not_the_process_table() {
        let mut scene = Scene::new();
        let process = scene.process(60, 1, "/usr/bin/worker");
        let of_process = scene.socket(&[(process, 5, None)]);
        let of_thread = scene.socket(&[(process, 5, None)]);
        scene.socket(&[(process, 6, None)]);
        let own = scene.map.sockets[of_thread.index()].holders.start;
        scene.map.holders[own as usize].tid = Some(61);
        scene.capture.tables.push(DescriptorTable {
            pid: 60,
            tid: 61,
            ..DescriptorTable::default()
        });
        for (tid, fd) in [(60, 5), (61, 5), (62, 5)] {
            scene.blocked_thread(process, tid, WRITE, fd);
        }
        let facts = Facts::new(&scene.map, vec![&scene.capture]);
        let sockets = facts.threads(process).iter();
        let sockets: Vec<_> = sockets
            .map(|thread| facts.socket_at(thread.descriptor()?))
            .collect();
        let [of_process, of_thread] = [Some(of_process), Some(of_thread)];
        assert_eq!(sockets, [of_process, of_thread, of_process]);

        scene.map.waits.clear();
        scene.blocked_thread(process, 61, WRITE, 6);
        let facts = Facts::new(&scene.map, vec![&scene.capture]);
        assert_eq!(facts.blocked_writers(), []);
    }

    #[test]
    fn numbers_in_arguments() {
        let check = |before: &str, argument: &str| {
            names_number(before.as_bytes(), argument.as_bytes(), b"7")
        };
        assert!(check("", "--fd=7") && check("", "/dev/fd/7") && check("--socket", "7"));
        assert!(!check("", "--fd=17") && !check("sleep", "7") && !check("", "--fd=78"));
    }
}
