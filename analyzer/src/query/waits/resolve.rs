//! Resolves the wait of each thread to the processes that can end it.

use super::analysis::{ChainEnd, WaitNeed, WaitObject};
use super::events::Part;
use super::fd_lookup::WaitTarget;
use super::postgresql::is_idle_in_transaction;
use super::requests::Request;
use super::resolver::{ResolvedWait, Resolver, Standing, Weight, ends_here};
use super::wait_set::WaitSet;
use crate::load::syscall::CallKind;
use crate::model::{
    Call, CallMemory, ChannelEnd, ChannelKind, ChannelRole, FdTarget, ProcessId, ThreadState, Wait,
};
use crate::query::via::{Via, ViaKind};
use crate::text::escape;

impl<'a> Resolver<'a> {
    /// Resolves the wait of one thread.
    pub(super) fn resolve(&mut self, wait: &Wait, set: &WaitSet) -> ResolvedWait {
        use Standing::{Asleep, Attending, Disk, Other, Passive, Running};
        let nothing = WaitNeed::Nothing;
        let call = match &wait.state {
            ThreadState::Running => return ends_here(nothing, ChainEnd::Running, Running),
            ThreadState::NoCall if self.is_uninterruptible(wait) => {
                return ends_here(nothing, ChainEnd::Disk(String::new()), Disk);
            }
            ThreadState::NoCall => return ends_here(nothing, ChainEnd::NoCall, Other),
            ThreadState::Unread(_) => return ends_here(nothing, ChainEnd::Unknown, Other),
            ThreadState::Call(call) => call,
        };
        let process = self.map.process(wait.process);
        if let Some(holders) = self.sessions.lock_holders(process)
            && matches!(
                call.kind,
                CallKind::Epoll | CallKind::Poll | CallKind::Futex | CallKind::Other
            )
        {
            return self.database_lock(holders);
        }
        if is_idle_in_transaction(process)
            && let Some(resolved) = self.client_of(wait.process)
        {
            return resolved;
        }
        match call.kind {
            CallKind::Read => self.read(wait, call),
            CallKind::Write => self.blocked_on(wait, call, WaitNeed::Room),
            CallKind::Connect => self.blocked_on(wait, call, WaitNeed::Accept),
            CallKind::Accept => ends_here(WaitNeed::Client, ChainEnd::Anyone, Attending),
            CallKind::Epoll | CallKind::Poll => self.any_of(wait, call, set),
            CallKind::Child => self.child(wait, call),
            CallKind::Sleep => ends_here(nothing, ChainEnd::Timer, Asleep),
            CallKind::Futex => self.futex(wait, call),
            CallKind::Signal if call.timed => ends_here(nothing, ChainEnd::Timer, Asleep),
            CallKind::Signal => ends_here(nothing, ChainEnd::Signal, Passive),
            CallKind::Open => self.open(wait, call),
            CallKind::Lock if !self.locks(wait.process).is_empty() => self.file_lock(wait),
            CallKind::Lock | CallKind::Splice | CallKind::Other => {
                match self.is_uninterruptible(wait) {
                    true => {
                        let name = call.name.unwrap_or_default().to_owned();
                        ends_here(nothing, ChainEnd::Disk(name), Disk)
                    }
                    false => ends_here(nothing, ChainEnd::Call(call.name), Other),
                }
            }
        }
    }

    /// Whether the thread is in state D; only that of the main thread is captured.
    fn is_uninterruptible(&self, wait: &Wait) -> bool {
        let process = self.map.process(wait.process);
        process.state == b'D' && process.pid == wait.tid
    }

    /// A thread that reads from one object.
    fn read(&mut self, wait: &Wait, call: &Call) -> ResolvedWait {
        let need = WaitNeed::Data;
        let object = WaitObject {
            fd: call.fd,
            target: call.target.clone(),
            read: true,
            write: false,
        };
        let (target, end) = self.cached(&call.target, need);
        let mut resolved = ResolvedWait {
            need,
            targets: target.into_iter().collect(),
            end,
            standing: Standing::Attending,
            weight: Weight::Weak,
            late_ms: None,
            path: None,
        };
        if let FdTarget::Other(link) = &call.target {
            resolved.end = Some(self.file_end(wait, link));
            resolved.standing = match resolved.end {
                Some(ChainEnd::Disk(_)) => Standing::Disk,
                _ => Standing::Other,
            };
            return resolved;
        }
        if !self.has_other_peer(&resolved, wait.process) && resolved.end.is_none() {
            resolved.end = Some(ChainEnd::Itself);
            resolved.targets.clear();
            return resolved;
        }
        match self.part(wait, &object) {
            Part::Upstream(_, socket) | Part::Outside(_, socket) => {
                resolved.standing = Standing::Blocked;
                (resolved.weight, resolved.late_ms) = match socket {
                    Some(socket) if self.map.tcp_times.contains_key(&socket) => {
                        match self.requests.of(socket) {
                            Request::Late(late_ms) => (Weight::Strong, late_ms),
                            // It waits to be greeted.
                            _ if self.requests.is_neglected(socket) => (Weight::Strong, None),
                            _ => (Weight::Weak, None),
                        }
                    }
                    _ => (Weight::Strong, None),
                };
            }
            Part::Kin(_) => resolved.standing = Standing::Kin,
            // It could end its own wait, and is in this one.
            Part::Own => resolved.standing = Standing::Blocked,
            Part::Served => {}
        }
        resolved
    }

    /// The processes at the other end of a pseudo-terminal, by a descriptor of it.
    fn terminal(&mut self, process: ProcessId, fd: Option<u32>) -> Option<usize> {
        let is_own = |end: &&ChannelEnd| end.process == process && end.fd == fd;
        let terminals = self.map.channels.iter();
        let mut terminals = terminals.filter(|channel| channel.kind == ChannelKind::Pty);
        let (terminal, own) =
            terminals.find_map(|one| Some((one, one.ends.iter().find(is_own)?)))?;
        let peers = terminal.processes(match own.role {
            ChannelRole::Master => ChannelRole::Slave,
            _ => ChannelRole::Master,
        });
        let via = Via {
            text: escape::display(&terminal.name),
            kind: ViaKind::Path,
        };
        (fd.is_some() && !peers.is_empty()).then(|| {
            self.add(WaitTarget {
                peers,
                via,
                ..WaitTarget::default()
            })
        })
    }

    /// A thread that is blocked in a write or connect.
    fn blocked_on(&mut self, wait: &Wait, call: &Call, need: WaitNeed) -> ResolvedWait {
        let destination = match &call.memory {
            CallMemory::Destination(Ok(destination)) => destination.as_ref(),
            _ => None,
        };
        let (target, end) = match destination {
            Some(_) => self.look_up(&call.target, need, destination),
            None => self.cached(&call.target, need),
        };
        let mut resolved = ResolvedWait {
            need,
            targets: target.into_iter().collect(),
            end,
            standing: Standing::Blocked,
            weight: Weight::Strong,
            late_ms: None,
            path: None,
        };
        let terminal = match call.target {
            FdTarget::Other(_) => self.terminal(wait.process, call.fd),
            _ => None,
        };
        if let Some(terminal) = terminal {
            resolved.targets = vec![terminal];
            resolved.end = None;
        } else if let FdTarget::Other(link) = &call.target {
            let end = self.file_end(wait, link);
            resolved.standing = match end {
                ChainEnd::Disk(_) => Standing::Disk,
                _ => Standing::Other,
            };
            resolved.end = Some(end);
            resolved.weight = Weight::Weak;
        } else if resolved.end.is_none() && !self.has_other_peer(&resolved, wait.process) {
            resolved.end = Some(ChainEnd::Itself);
            resolved.targets.clear();
        }
        resolved
    }

    fn child(&mut self, wait: &Wait, call: &Call) -> ResolvedWait {
        let all = self.kinship.children(wait.process);
        let is_awaited = |id: &ProcessId| {
            let child = self.map.process(*id);
            call.child
                .is_some_and(|pid| child.pid == pid || child.ns_pid == pid)
        };
        let mut peers: Vec<ProcessId> = all.iter().copied().filter(is_awaited).collect();
        if peers.is_empty() {
            peers = all.to_vec();
        }
        let mut resolved = ends_here(WaitNeed::Exit, ChainEnd::Child, Standing::Kin);
        if !peers.is_empty() {
            resolved.end = None;
            resolved.targets.push(self.add(WaitTarget {
                peers,
                ..WaitTarget::default()
            }));
        }
        resolved
    }

    /// A thread that opens a FIFO whose other end is not open, or another file.
    fn open(&mut self, wait: &Wait, call: &Call) -> ResolvedWait {
        let path = match &call.memory {
            CallMemory::Path(Ok(path)) => escape::display(path),
            _ => String::new(),
        };
        if *wait.wchan == *b"wait_for_partner" {
            let path = Via {
                kind: match path.is_empty() {
                    true => ViaKind::Unnamed,
                    false => ViaKind::Path,
                },
                text: path,
            };
            return ResolvedWait {
                weight: Weight::Strong,
                path: Some(path),
                ..ends_here(WaitNeed::Open, ChainEnd::Nobody, Standing::Blocked)
            };
        }
        match self.is_uninterruptible(wait) {
            true => ends_here(WaitNeed::Nothing, ChainEnd::Disk(path), Standing::Disk),
            false => ends_here(
                WaitNeed::Nothing,
                ChainEnd::Call(call.name),
                Standing::Other,
            ),
        }
    }

    /// What ends the read or write of a file that is no socket or pipe.
    fn file_end(&self, wait: &Wait, link: &[u8]) -> ChainEnd {
        let text = escape::display(link);
        match self.is_uninterruptible(wait) {
            true => ChainEnd::Disk(text),
            false => ChainEnd::File(text),
        }
    }
}
