//! Threads that wait for a lock: of a file, of a database, or of other threads.

use super::analysis::{ChainEnd, WaitNeed};
use super::fd_lookup::WaitTarget;
use super::resolver::{ResolvedWait, Resolver, Standing, Weight, ends_here};
use crate::model::{Call, Channel, ChannelKind, ChannelRole, FdTarget, ProcessId, Wait};
use crate::query::via::{Via, ViaKind};
use crate::text::escape;

impl<'a> Resolver<'a> {
    /// The locks of files that a process waits for.
    pub(super) fn locks(&self, waiter: ProcessId) -> Vec<&'a Channel> {
        let locks = self.map.channels.iter();
        locks
            .filter(|channel| channel.kind == ChannelKind::Lock)
            .filter(|lock| lock.processes(ChannelRole::Waiter).contains(&waiter))
            .collect()
    }

    /// A thread that waits for a lock of a file.
    pub(super) fn file_lock(&mut self, wait: &Wait) -> ResolvedWait {
        let mut resolved = ResolvedWait {
            weight: Weight::Strong,
            ..ends_here(WaitNeed::Unlock, ChainEnd::Nobody, Standing::Blocked)
        };
        for lock in self.locks(wait.process) {
            let peers = lock.processes(ChannelRole::Holder);
            let via = Via {
                text: escape::display(&lock.name),
                kind: ViaKind::Path,
            };
            match peers.is_empty() {
                true => resolved.end = Some(ChainEnd::Lock(via.text)),
                false => resolved.targets.push(self.add(WaitTarget {
                    peers,
                    via,
                    ..WaitTarget::default()
                })),
            }
        }
        if !resolved.targets.is_empty() {
            resolved.end = None;
        }
        resolved
    }

    /// A session of PostgreSQL that waits for a lock.
    pub(super) fn database_lock(&mut self, holders: Vec<ProcessId>) -> ResolvedWait {
        let mut resolved = ends_here(
            WaitNeed::Unlock,
            ChainEnd::Lock("a lock of PostgreSQL, by its title".to_owned()),
            Standing::Blocked,
        );
        resolved.weight = Weight::Strong;
        if !holders.is_empty() {
            resolved.end = None;
            resolved.targets.push(self.add(WaitTarget {
                peers: holders,
                via: Via::default(),
                ..WaitTarget::default()
            }));
        }
        resolved
    }

    /// A server process that waits for the next statement of its only client.
    pub(super) fn client_of(&mut self, process: ProcessId) -> Option<ResolvedWait> {
        let requests = self.requests;
        let [socket] = requests.accepted(process) else {
            return None;
        };
        let (target, end) = self.cached(&FdTarget::Socket(*socket), WaitNeed::Data);
        Some(ResolvedWait {
            need: WaitNeed::Data,
            targets: target.into_iter().collect(),
            end,
            standing: Standing::Blocked,
            weight: Weight::Weak,
            late_ms: None,
            path: None,
        })
    }

    /// A thread that waits for a mutex or read-write lock of its process, or for something else in memory.
    pub(super) fn futex(&mut self, wait: &Wait, call: &Call) -> ResolvedWait {
        let waits = &self.map.waits;
        let owner = call.owner_tid().and_then(|owner| {
            waits
                .binary_search_by_key(&(wait.process, owner), |wait| (wait.process, wait.tid))
                .ok()
        });
        let Some(owner) = owner else {
            return match call.timed {
                true => ends_here(WaitNeed::Nothing, ChainEnd::Timer, Standing::Passive),
                false => ends_here(WaitNeed::Nothing, ChainEnd::Threads, Standing::Passive),
            };
        };
        let target = self.add(WaitTarget {
            threads: vec![owner],
            ..WaitTarget::default()
        });
        ResolvedWait {
            need: WaitNeed::Unlock,
            targets: vec![target],
            end: None,
            standing: Standing::Blocked,
            weight: Weight::Likely,
            late_ms: None,
            path: None,
        }
    }
}
