//! Processes that say nothing about a machine: the capture itself, and what lives for a moment.
//!
//! Only processes without a certain partner are noise; the collector always is. The rules look at
//! either map alike.

use std::collections::{BTreeMap, BTreeSet};

use super::coverage::{HostPair, HostRelation, processes_of};
use super::matching::Matching;
use super::{OldNew, Side};
use crate::graph::{Conversation, conversations, program};
use crate::model::{FdsStatus, HostId, Map, Process, ProcessId, SocketId, SocketState};

/// Programs that start a capture and wait for it.
const LAUNCHERS: [&str; 22] = [
    "ash",
    "bash",
    "busybox",
    "dash",
    "doas",
    "env",
    "fish",
    "ksh",
    "login",
    "nice",
    "nsenter",
    "pkexec",
    "runuser",
    "setpriv",
    "sh",
    "ssh",
    "sshd",
    "sshd-session",
    "su",
    "sudo",
    "timeout",
    "zsh",
];
/// Who is younger than this when it is seen, and talks to nobody, may be on its way out.
const YOUNG_NS: u64 = 1_000_000_000;
/// Between two captures of one boot only who lived for less than this part of the time between: a
/// server that was started between them on purpose is seldom so young.
const YOUNG_PART: u64 = 20;
/// What a shell that stays has run for less than this before the capture, and that listens to nobody:
/// the next command of its loop is another one. If it talks to others, half of that.
pub(super) const COMMAND_NS: u64 = 2_000_000_000;
/// Who is younger than this, and than this part of the time between, is on its way out even if it
/// talks: a `curl` in a loop. It listens to nobody.
const FLEETING_NS: u64 = 100_000_000;
const FLEETING_PART: u64 = 40;

/// Why a process is noise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Noise {
    /// The collector, and what was started to run it.
    Capture,
    /// It lives for a moment.
    ShortLived,
}

/// Why processes are noise, by index; `None`: they are not.
pub(super) type Noises = OldNew<Vec<Option<Noise>>>;

/// The noise of both maps.
pub(super) fn noise(maps: OldNew<&Map>, hosts: &[HostPair], matching: &Matching) -> Noises {
    let mut noise = OldNew {
        old: vec![None; maps.old.processes.len()],
        new: vec![None; maps.new.processes.len()],
    };
    for pair in hosts {
        let started = |map: &Map, host: HostId| map.hosts[host.index()].started_at_ns;
        let between = started(maps.old, pair.old).abs_diff(started(maps.new, pair.new));
        let (young_ns, fleeting_ns) = match pair.relation {
            HostRelation::SameBoot => (
                YOUNG_NS.min(between / YOUNG_PART),
                FLEETING_NS.min(between / FLEETING_PART),
            ),
            _ => (YOUNG_NS, FLEETING_NS),
        };
        for (side, host) in [(Side::Old, pair.old), (Side::New, pair.new)] {
            let judge = Judge {
                map: maps.of(side),
                side,
                host,
                matching,
                young_ns,
                fleeting_ns,
                by_pid: processes_of(maps.of(side), host)
                    .map(|(id, process)| (process.pid, id))
                    .collect(),
                listens: listens(maps.of(side)),
            };
            judge.all(noise.of_mut(side));
        }
    }
    respawned(maps, hosts, matching, &mut noise);
    stays_elsewhere(maps, hosts, &mut noise);
    noise
}

/// Beyond one boot nobody is the same process: who is young in one map and the same program with the
/// same arguments is settled in the other has only just been started there.
fn stays_elsewhere(maps: OldNew<&Map>, hosts: &[HostPair], noise: &mut Noises) {
    let beyond = hosts
        .iter()
        .filter(|p| p.relation != HostRelation::SameBoot);
    for pair in beyond {
        let judged = noise.clone();
        let sides = [
            (Side::Old, pair.old, Side::New, pair.new),
            (Side::New, pair.new, Side::Old, pair.old),
        ];
        for (side, host, other, other_host) in sides {
            let settled: BTreeSet<_> = processes_of(maps.of(other), other_host)
                .filter(|(id, _)| judged.of(other)[id.index()].is_none())
                .map(|(_, process)| called(process))
                .collect();
            for (id, process) in processes_of(maps.of(side), host) {
                let known = &mut noise.of_mut(side)[id.index()];
                if *known == Some(Noise::ShortLived) && settled.contains(&called(process)) {
                    *known = None;
                }
            }
        }
    }
}

fn called(process: &Process) -> (&[u8], &[u8], &[u8]) {
    (&process.exe, &process.comm, &process.cmdline)
}

/// One host of one map.
struct Judge<'a> {
    map: &'a Map,
    side: Side,
    host: HostId,
    matching: &'a Matching,
    young_ns: u64,
    fleeting_ns: u64,
    by_pid: BTreeMap<u32, ProcessId>,
    /// By process.
    listens: Vec<bool>,
}

impl Judge<'_> {
    fn all(&self, noise: &mut [Option<Noise>]) {
        for id in self.capture() {
            noise[id.index()] = Some(Noise::Capture);
        }
        let candidates: Vec<bool> = (0..self.map.processes.len())
            .map(|at| self.is_new(ProcessId::new(at)) && noise[at].is_none())
            .collect();
        if !candidates.contains(&true) {
            return;
        }
        let talkers = talkers(self.map, &candidates, Partners::Strangers);
        for (id, process) in processes_of(self.map, self.host) {
            let at = id.index();
            let gone = process.fds_status == FdsStatus::Vanished;
            if !candidates[at] {
                continue;
            }
            let end = self.ended_ns();
            let young = Self::is_younger(process, self.young_ns, end) && !talkers[at];
            let fleeting = || {
                let command_ns = if talkers[at] {
                    COMMAND_NS / 2
                } else {
                    COMMAND_NS
                };
                let start = self.map.hosts[self.host.index()].started_at_ns;
                let command =
                    || Self::is_younger(process, command_ns, start) && self.is_command(process);
                !self.listens[at] && (Self::is_younger(process, self.fleeting_ns, end) || command())
            };
            if gone || young || fleeting() {
                noise[at] = Some(Noise::ShortLived);
            }
        }
    }

    /// Has no certain partner.
    fn is_new(&self, id: ProcessId) -> bool {
        self.map.process(id).host == self.host && !self.matching.is_same(self.side, id)
    }

    fn is_younger(process: &Process, ns: u64, when_ns: u64) -> bool {
        process.started_at_ns.saturating_add(ns) > when_ns
    }

    fn ended_ns(&self) -> u64 {
        let host = &self.map.hosts[self.host.index()];
        host.ended_at_ns.unwrap_or(host.started_at_ns)
    }

    /// Whether a shell that is in both maps runs it.
    fn is_command(&self, process: &Process) -> bool {
        self.by_pid(process.ppid).is_some_and(|parent| {
            let shell = &self.map.process(parent).exe;
            let name = shell
                .rsplit(|byte| *byte == b'/')
                .next()
                .unwrap_or_default();
            !self.is_new(parent) && LAUNCHERS.iter().any(|known| known.as_bytes() == name)
        })
    }

    /// The collector; above it the launchers that have nothing else to wait for; beside it who gets
    /// its output.
    fn capture(&self) -> Vec<ProcessId> {
        let pid = self.map.hosts[self.host.index()].collector_pid;
        let collector = match pid {
            Some(pid) => self.by_pid(pid),
            // Lost: by its name.
            None => processes_of(self.map, self.host)
                .find(|(_, process)| program(process) == "whotalks-collect")
                .map(|(id, _)| id),
        };
        let Some(collector) = collector else {
            return Vec::new();
        };
        let mut chain = vec![collector];
        let mut below = collector;
        while let Some(parent) = self.by_pid(self.map.process(below).ppid) {
            if chain.contains(&parent) || !self.is_launcher(parent) {
                break;
            }
            chain.push(parent);
            below = parent;
        }
        let readers = self.readers_beside(collector);
        chain.extend(readers.filter(|id| self.is_new(*id)));
        chain
    }

    fn by_pid(&self, pid: u32) -> Option<ProcessId> {
        self.by_pid.get(&pid).copied()
    }

    /// A shell or the like, not seen in the other map, that serves nobody.
    fn is_launcher(&self, id: ProcessId) -> bool {
        let process = self.map.process(id);
        let program = program(process);
        let launches = LAUNCHERS.contains(&program.as_str()) || program == "whotalks";
        launches && self.is_new(id) && !self.listens[id.index()]
    }

    /// Children of the same parent that read what the collector writes: `| zstd`, `| whotalks …`.
    fn readers_beside(&self, collector: ProcessId) -> impl Iterator<Item = ProcessId> {
        let parent = self.map.process(collector).ppid;
        let written = self.map.pipes.iter().filter(move |pipe| {
            pipe.writers
                .iter()
                .any(|holder| holder.process == collector)
        });
        let readers = written.flat_map(|pipe| pipe.readers.iter().map(|holder| holder.process));
        readers.filter(move |id| *id != collector && self.map.process(*id).ppid == parent)
    }
}

/// Which processes hold a listening socket.
pub(super) fn listens(map: &Map) -> Vec<bool> {
    let mut listens = vec![false; map.processes.len()];
    for (at, socket) in map.sockets.iter().enumerate() {
        if socket.state == SocketState::Listening {
            for holder in map.holders(SocketId::new(at)) {
                listens[holder.process.index()] = true;
            }
        }
    }
    listens
}

/// With whom a talk counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Partners {
    /// Anybody.
    All,
    /// Anybody but parent, brothers and children, unless over a name.
    Strangers,
}

/// Which of the candidates listen, or talk to such partners over something that they have not only
/// inherited.
fn talkers(map: &Map, candidates: &[bool], partners: Partners) -> Vec<bool> {
    let mut talkers = listens(map);
    for ends in conversations(map) {
        for (own, others) in [(&ends.from, &ends.to), (&ends.to, &ends.from)] {
            for id in own.iter().filter(|id| candidates[id.index()]) {
                if talkers[id.index()] {
                    continue;
                }
                let process = map.process(*id);
                let inherited = own
                    .iter()
                    .any(|o| o != id && map.process(*o).pid == process.ppid);
                // What has a name is no pipeline: it was looked for.
                let named = match ends.conversation {
                    Conversation::Connection(at) => map.connections[at].listener.is_some(),
                    Conversation::Pipe(id) => map.pipes[id.index()].path.is_some(),
                };
                let stranger = |other: &ProcessId| {
                    let other = map.process(*other);
                    let family = [process.pid, process.ppid];
                    let related = family.contains(&other.pid) || family.contains(&other.ppid);
                    other.pid != process.pid && (named || partners == Partners::All || !related)
                };
                let outside =
                    others.is_empty() && matches!(ends.conversation, Conversation::Connection(_));
                talkers[id.index()] = !inherited && (outside || others.iter().any(stranger));
            }
        }
    }
    talkers
}

/// A child that the very same parent has started anew, and that talks to nobody of its own: the
/// `sleep` of a loop.
fn respawned(maps: OldNew<&Map>, hosts: &[HostPair], matching: &Matching, noise: &mut Noises) {
    let of = |side: Side, noise: &[Option<Noise>]| {
        let map = maps.of(side);
        let mut candidates = vec![false; map.processes.len()];
        for pair in hosts
            .iter()
            .filter(|pair| pair.relation == HostRelation::SameBoot)
        {
            let host = match side {
                Side::Old => pair.old,
                Side::New => pair.new,
            };
            for (id, _) in processes_of(map, host) {
                candidates[id.index()] = !matching.is_same(side, id) && noise[id.index()].is_none();
            }
        }
        if !candidates.contains(&true) {
            return Vec::new();
        }
        let talkers = talkers(map, &candidates, Partners::All);
        let mut found: Vec<(u32, String, ProcessId)> = Vec::new();
        for (at, process) in map.processes.iter().enumerate() {
            if candidates[at] && !talkers[at] {
                found.push((process.ppid, super::role::role(process), ProcessId::new(at)));
            }
        }
        found.sort();
        found
    };
    let lists = OldNew {
        old: of(Side::Old, &noise.old),
        new: of(Side::New, &noise.new),
    };
    let parent_is_same = |ppid: u32| {
        let parents = maps.old.processes.iter().enumerate();
        let mut parents = parents.filter(|(_, process)| process.pid == ppid);
        ppid > 1 && parents.any(|(at, _)| matching.is_same(Side::Old, ProcessId::new(at)))
    };
    let mut new = lists.new.into_iter().peekable();
    for (ppid, role, id) in lists.old {
        while new.next_if(|(p, r, _)| (*p, r) < (ppid, &role)).is_some() {}
        let Some((_, _, again)) = new.next_if(|(p, r, _)| (*p, r) == (ppid, &role)) else {
            continue;
        };
        if parent_is_same(ppid) {
            noise.old[id.index()] = Some(Noise::ShortLived);
            noise.new[again.index()] = Some(Noise::ShortLived);
        }
    }
}
