//! Marks holders that keep a descriptor which another process uses: a service manager's store, a
//! parent of workers, a leak.
//!
//! A holder is marked only where there is evidence, best first: threads blocked on the file or
//! elsewhere, the events for which an epoll watches it, who holds the connections that a listener
//! accepted; then whether the program is known as a manager of services. Without evidence every holder
//! counts as a user.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::fd_targets::PrivateTables;
use super::holder::{DescriptorKey, Holder, KeepReason};
use super::ids::ProcessId;
use super::map::Map;
use super::process::{Process, find_pid};
use super::program::{MANAGERS, program};
use super::socket::SocketState;
use super::wait::ThreadState;
use super::{fdinfo, thread_waits};
use crate::load::Capture;
use crate::load::syscall::CallKind;

/// Events for which a user of a file watches it: `EPOLLIN`, `EPOLLPRI`, `EPOLLOUT`, `EPOLLRDNORM`,
/// `EPOLLRDBAND`, `EPOLLWRNORM`, `EPOLLMSG`, `EPOLLRDHUP`; and `EPOLLONESHOT`, which clears the others
/// while an event is handled. See `include/uapi/linux/eventpoll.h`.
const USED_EVENTS: u32 = 0x1 | 0x2 | 0x4 | 0x40 | 0x80 | 0x100 | 0x400 | 0x2000 | 1 << 30;

/// Marks holders of the sockets and pipes of the last host, which start at these indices.
pub(super) fn mark(map: &mut Map, capture: &Capture, first: First) {
    let ends = shared_ends(map, &first);
    if ends.is_empty() {
        return;
    }
    let mut involved = vec![false; map.processes.len()];
    for end in &ends {
        for holder in &end.holders {
            involved[holder.process.index()] = true;
        }
    }
    let usage = Usage::new(map, capture, first.process, &involved);
    let accepted = accepted_by(map, &ends);
    for end in &ends {
        let listener = accepted.get(&end.place);
        let reasons = usage.reasons(map, end, listener);
        if reasons.is_empty() {
            continue;
        }
        for holder in end.place.holders(map) {
            holder.keeps = reasons.get(&holder.process).copied();
        }
    }
}

/// The first rows of a host.
#[derive(Debug, Clone, Copy)]
pub(super) struct First {
    pub(super) process: usize,
    pub(super) socket: usize,
    pub(super) pipe: usize,
}

/// A socket, or an end of a pipe, by index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    Socket(usize),
    Readers(usize),
    Writers(usize),
}

impl Place {
    fn holders(self, map: &mut Map) -> &mut [Holder] {
        match self {
            Self::Socket(index) => {
                let range = map.sockets[index].holders.clone();
                &mut map.holders[range.start as usize..range.end as usize]
            }
            Self::Readers(index) => &mut map.pipes[index].readers,
            Self::Writers(index) => &mut map.pipes[index].writers,
        }
    }
}

/// A socket, or an end of a pipe, that several processes hold.
struct SharedEnd {
    place: Place,
    inode: u64,
    holders: Vec<Holder>,
}

fn shared_ends(map: &Map, first: &First) -> Vec<SharedEnd> {
    let is_shared = |holders: &[Holder]| {
        let last = holders.last().map(|holder| holder.process);
        holders.first().map(|holder| holder.process) != last
    };
    let mut ends = Vec::new();
    let mut add = |place, inode, holders: &[Holder]| {
        if is_shared(holders) {
            let holders = holders.to_vec();
            ends.push(SharedEnd {
                place,
                inode,
                holders,
            });
        }
    };
    for (index, socket) in map.sockets.iter().enumerate().skip(first.socket) {
        let range = socket.holders.start as usize..socket.holders.end as usize;
        add(Place::Socket(index), socket.inode, &map.holders[range]);
    }
    for (index, pipe) in map.pipes.iter().enumerate().skip(first.pipe) {
        let inode = pipe.key.inode();
        add(Place::Readers(index), inode, &pipe.readers);
        add(Place::Writers(index), inode, &pipe.writers);
    }
    ends
}

/// The processes that hold connections which each shared listener accepted.
fn accepted_by(map: &Map, ends: &[SharedEnd]) -> BTreeMap<Place, HashSet<ProcessId>> {
    let listening = ends.iter().filter(|end| match end.place {
        Place::Socket(index) => map.sockets[index].state == SocketState::Listening,
        _ => false,
    });
    let mut accepted: BTreeMap<Place, HashSet<ProcessId>> =
        listening.map(|end| (end.place, HashSet::new())).collect();
    if accepted.is_empty() {
        return accepted;
    }
    for connection in &map.connections {
        let Some((listener, server)) = connection.listener.zip(connection.b) else {
            continue;
        };
        if let Some(processes) = accepted.get_mut(&Place::Socket(listener.index())) {
            processes.extend(map.holders(server).iter().map(|holder| holder.process));
        }
    }
    accepted
}

/// How a process uses a file that it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Use {
    /// A thread is blocked on it, or an epoll or poll watches it for data or space.
    Active,
    /// Not known.
    Unknown,
    /// All of its threads wait for other files. It may use this one later.
    Elsewhere,
    /// All of its threads wait for children.
    Parent,
    /// An epoll or poll watches it for the end of the connection only.
    HangUp,
}

/// What threads wait for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Threads {
    /// Not all known, or in calls that may use any file.
    Unknown,
    /// For files, signals or each other; some for files or signals.
    Files,
    /// For children.
    Children,
}

/// What processes wait for.
struct Usage {
    /// Events for which the epolls of a process watch a descriptor number, each with the inode of the
    /// file: after fork(2) or dup2(2) the number may refer to another one. A poll has no inode. The
    /// events of poll(2) have the same bits.
    watched: HashMap<DescriptorKey, Vec<(Option<u64>, u32)>>,
    /// Descriptors on which a thread is blocked.
    blocked: HashSet<DescriptorKey>,
    /// By process.
    threads: HashMap<ProcessId, Threads>,
}

impl Usage {
    fn new(map: &Map, capture: &Capture, first: usize, involved: &[bool]) -> Self {
        let mut usage = Self {
            watched: HashMap::new(),
            blocked: HashSet::new(),
            threads: HashMap::new(),
        };
        let mut epolls: HashSet<DescriptorKey> = HashSet::new();
        for info in &capture.descriptor_infos {
            let process = find_pid(&map.processes, first, info.pid);
            let Some(process) = process.filter(|process| involved[process.index()]) else {
                continue;
            };
            let tid = (info.tid != 0).then_some(info.tid);
            epolls.insert((process, tid, info.fd));
            for target in fdinfo::epoll_targets(&info.text) {
                let watched = usage.watched.entry((process, tid, target.fd));
                watched.or_default().push((target.inode, target.events));
            }
        }
        let tables = PrivateTables::new(capture);
        let is_involved = |process: ProcessId| involved[process.index()];
        for wait in thread_waits::waits(capture, map, first, is_involved) {
            let table = tables.table_of(map.process(wait.process).pid, wait.tid);
            let key = |fd| (wait.process, table, fd);
            let threads = match &wait.state {
                ThreadState::Call(call) => {
                    use CallKind::{Accept, Child, Connect, Epoll, Futex, Read, Signal, Write};
                    for file in call.polled().into_iter().flat_map(|set| &set.files) {
                        let watched = usage.watched.entry(key(file.fd)).or_default();
                        watched.push((None, u32::from(file.events)));
                    }
                    match (call.kind, call.fd) {
                        (Read | Write | Accept | Connect, Some(fd)) => {
                            usage.blocked.insert(key(fd));
                            Some(Threads::Files)
                        }
                        (Epoll, Some(fd)) if epolls.contains(&key(fd)) => Some(Threads::Files),
                        _ if call.polled().is_some_and(|set| set.complete) => Some(Threads::Files),
                        (Signal, _) => Some(Threads::Files),
                        (Child, _) => Some(Threads::Children),
                        (Futex, _) => None,
                        _ => Some(Threads::Unknown),
                    }
                }
                _ => Some(Threads::Unknown),
            };
            let Some(threads) = threads else { continue };
            let all = usage.threads.entry(wait.process).or_insert(threads);
            *all = match (*all, threads) {
                (Threads::Unknown, _) | (_, Threads::Unknown) => Threads::Unknown,
                (Threads::Children, Threads::Children) => Threads::Children,
                _ => Threads::Files,
            };
        }
        usage
    }

    /// How a holder uses the file of an inode.
    fn of(&self, holder: &Holder, inode: u64) -> Use {
        let key = holder.key();
        let watched = self.watched.get(&key).into_iter().flatten();
        let watched = watched.filter(|(other, _)| other.is_none_or(|other| other == inode));
        let events = watched
            .map(|(_, events)| *events)
            .reduce(|all, more| all | more);
        if self.blocked.contains(&key) || events.is_some_and(|events| events & USED_EVENTS != 0) {
            return Use::Active;
        }
        match (events, self.threads.get(&holder.process)) {
            (Some(_), _) => Use::HangUp,
            (None, Some(Threads::Files)) => Use::Elsewhere,
            (None, Some(Threads::Children)) => Use::Parent,
            (None, _) => Use::Unknown,
        }
    }

    /// Why some processes among the holders of one socket or end keep it. `accepted`: of a listener,
    /// the processes that hold what it accepted.
    fn reasons(
        &self,
        map: &Map,
        end: &SharedEnd,
        accepted: Option<&HashSet<ProcessId>>,
    ) -> BTreeMap<ProcessId, KeepReason> {
        let mut uses: BTreeMap<ProcessId, Vec<Use>> = BTreeMap::new();
        for holder in &end.holders {
            let uses = uses.entry(holder.process).or_default();
            uses.push(self.of(holder, end.inode));
        }
        let is_active = |uses: &[Use]| uses.contains(&Use::Active);
        let some_active = uses.values().any(|uses| is_active(uses));
        let mut reasons: BTreeMap<ProcessId, KeepReason> = BTreeMap::new();
        for (process, uses) in &uses {
            let all = |one: Use| uses.iter().all(|other| *other == one);
            let others_accepted = accepted
                .is_some_and(|processes| !processes.is_empty() && !processes.contains(process));
            let reason = if is_active(uses) {
                None
            } else if uses.contains(&Use::HangUp) {
                Some(KeepReason::PollMask)
            } else if all(Use::Parent) || some_active && all(Use::Elsewhere) {
                Some(KeepReason::BlockedElsewhere)
            } else if others_accepted {
                Some(KeepReason::AcceptedElsewhere)
            } else {
                is_manager(map.process(*process)).then_some(KeepReason::Manager)
            };
            reasons.extend(reason.map(|reason| (*process, reason)));
        }
        // Of several that only keep it, none is known to be the user.
        if reasons.len() == uses.len() {
            reasons.clear();
        }
        reasons
    }
}

fn is_manager(process: &Process) -> bool {
    let program = program(process);
    MANAGERS
        .split_ascii_whitespace()
        .any(|name| name == program)
}
