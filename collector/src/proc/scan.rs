//! All processes at once: as many readers as cores, each taking the next few processes.

use std::collections::BTreeMap;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use whotalks_snapshot::descriptors::{DescriptorTable, Link};
use whotalks_snapshot::records::{Process, Wait};
use whotalks_snapshot::{BlockKind, RecordBlock};

use super::kept::{Keeper, Kept};
use super::process::{self, Subject};
use super::{fds, namespace_inode, threads};
use crate::args::{Config, FdinfoChoice};
use crate::found::{Found, Source, Way};
use crate::sink::{Lane, Sink};

/// Room for some 2,500 directory entries at once.
const DIRENT_BYTES: usize = 64 << 10;
/// Processes taken at a time: few, so that one reader is not left with all the large ones.
const CHUNK: usize = 8;

/// What the readers need to know.
pub(crate) struct Plan<'a> {
    pub(crate) root: &'a OwnedFd,
    pub(crate) config: &'a Config,
    pub(crate) pids: &'a [u32],
    /// 1, or 2 for the second look.
    pub(crate) pass: u8,
    /// The tables as the first look saw them: those that are still so are not written again.
    pub(crate) known: &'a BTreeMap<u32, Known>,
    /// When to stop looking, done or not.
    pub(crate) deadline: Option<Instant>,
    pub(crate) jobs: usize,
}

/// A process whose table was read before.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Known {
    pub(crate) start_ticks: u64,
    pub(crate) fingerprint: u64,
}

/// Reads them all into the sink.
pub(crate) fn run(plan: &Plan<'_>, sink: &Sink) -> io::Result<Found> {
    let next = AtomicUsize::new(0);
    let readers = plan.jobs.min(plan.pids.len().div_ceil(CHUNK)).max(1);
    std::thread::scope(|scope| {
        let threads: Vec<_> = (1..readers)
            .map(|_| {
                let lane = sink.lane()?;
                let read = || Reader::new(plan, lane).run(&next);
                std::thread::Builder::new().spawn_scoped(scope, read)
            })
            .collect();
        let mut found = Reader::new(plan, sink.lane()?).run(&next)?;
        for thread in threads {
            match thread?.join() {
                Ok(other) => found.merge(other?),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        // Readers finish in any order; what is chosen from this must not depend on it.
        found.kept.sort_unstable_by_key(|kept| (kept.pid, kept.tid));
        Ok(found)
    })
}

struct Reader<'a> {
    plan: &'a Plan<'a>,
    lane: Lane,
    processes: RecordBlock<Process>,
    tables: RecordBlock<DescriptorTable>,
    waits: RecordBlock<Wait>,
    entries: Vec<u8>,
    found: Found,
}

impl<'a> Reader<'a> {
    fn new(plan: &'a Plan<'a>, lane: Lane) -> Self {
        Self {
            plan,
            lane,
            processes: RecordBlock::new(BlockKind::Processes),
            tables: RecordBlock::new(BlockKind::Descriptors),
            waits: RecordBlock::new(BlockKind::Waits),
            entries: Vec::with_capacity(DIRENT_BYTES),
            found: Found::default(),
        }
    }

    fn run(mut self, next: &AtomicUsize) -> io::Result<Found> {
        let pids = self.plan.pids;
        loop {
            let start = next.fetch_add(CHUNK, Ordering::Relaxed);
            if start >= pids.len() {
                break;
            }
            if self
                .plan
                .deadline
                .is_some_and(|deadline| Instant::now() > deadline)
            {
                self.found.cut = true;
                break;
            }
            for pid in &pids[start..pids.len().min(start + CHUNK)] {
                match self.plan.known.get(pid) {
                    Some(known) => self.again(*pid, *known)?,
                    None => self.process(*pid)?,
                }
            }
        }
        self.lane.flush(&mut self.processes)?;
        self.lane.flush(&mut self.tables)?;
        self.lane.flush(&mut self.waits)?;
        Ok(self.found)
    }

    /// A process that was not seen before.
    fn process(&mut self, pid: u32) -> io::Result<()> {
        self.found.tally.processes += 1;
        self.found.seen.insert(pid);
        let cmdline = self.plan.config.cmdline;
        let Some(subject) = process::read(self.plan.root, pid, cmdline) else {
            self.found.tally.vanished += 1;
            return Ok(());
        };
        self.whole(&subject)
    }

    /// A process with all that belongs to it.
    fn whole(&mut self, subject: &Subject) -> io::Result<()> {
        self.note(&subject.record);
        self.lane.push(&mut self.processes, &subject.record)?;
        let (outcome, parts, kept) = self.table(subject, 0, false)?;
        debug_assert!(parts.is_empty());
        self.found.kept.extend(kept);
        let tally = &mut self.found.tally;
        tally.descriptors += outcome.descriptors;
        match i32::from(outcome.errno) {
            libc::EACCES | libc::EPERM => tally.denied += 1,
            _ if outcome.refused > 0 => tally.partial += 1,
            _ => {}
        }
        self.threads(subject)
    }

    /// What each thread waits for, and the tables of those that have one of their own.
    fn threads(&mut self, subject: &Subject) -> io::Result<()> {
        let record = &subject.record;
        let main = if record.via_tid == 0 {
            record.pid
        } else {
            record.via_tid
        };
        for tid in threads::list(subject) {
            if self.plan.config.waits {
                let wait = threads::wait(subject, tid);
                self.lane.push(&mut self.waits, &wait)?;
            }
            if tid == main || tid == record.pid {
                continue; // its table is the one that was read, or it has exited
            }
            if threads::private_table(main, tid) == Some(true) {
                let (outcome, _, kept) = self.table(subject, tid, false)?;
                self.found.tally.descriptors += outcome.descriptors;
                self.found.kept.extend(kept);
            }
        }
        Ok(())
    }

    /// A process whose table was read before: written only where something is different.
    fn again(&mut self, pid: u32, known: Known) -> io::Result<()> {
        let subject = process::reopen(self.plan.root, pid);
        let (_, parts, kept) = self.table(&subject, 0, true)?;
        if kept.as_ref().map(|kept| kept.fingerprint) == Some(known.fingerprint) {
            return Ok(());
        }
        self.found.changed = true;
        let cmdline = self.plan.config.cmdline;
        match process::read(self.plan.root, pid, cmdline) {
            // The pid has another owner by now.
            Some(now) if process::start_ticks(&now.record) != known.start_ticks => {
                self.found.tally.processes += 1;
                self.whole(&now)
            }
            now => {
                for part in parts {
                    self.lane.push(&mut self.tables, &part)?;
                }
                if let (Some(kept), Some(now)) = (kept, now) {
                    self.found.kept.push(kept.of(&now.record));
                }
                Ok(())
            }
        }
    }

    /// Reads a table: into the file, or (`hold`) into parts that may be written later.
    fn table(
        &mut self,
        subject: &Subject,
        tid: u32,
        hold: bool,
    ) -> io::Result<(fds::Outcome, Vec<DescriptorTable>, Option<Kept>)> {
        let pid = subject.record.pid;
        let owner = fds::Owner {
            pid,
            tid,
            pass: self.plan.pass,
        };
        let everything = self.plan.config.fdinfo == FdinfoChoice::All;
        let mut keeper = Keeper::new(everything);
        let mut parts = Vec::new();
        let found = &mut self.found;
        let (lane, tables) = (&mut self.lane, &mut self.tables);
        let outcome = fds::read(
            subject.descriptors(tid),
            owner,
            self.entries.spare_capacity_mut(),
            |fd, link| {
                keeper.see(fd, link);
                namespace_link(found, pid, fd, link);
            },
            |table| {
                if hold {
                    parts.push(table.clone());
                    return Ok(());
                }
                lane.push(tables, table)
            },
        )?;
        let listed = outcome.errno == 0;
        let kept = keeper.keep(&subject.record, tid);
        Ok((outcome, parts, listed.then_some(kept)))
    }

    fn note(&mut self, record: &Process) {
        let pid = record.pid;
        if record.netns != 0 {
            let way = Way {
                source: Source::Process,
                pid,
                fd: 0,
                path: Vec::new(),
            };
            self.found.network(record.netns, way);
        }
        if record.mntns != 0 {
            self.found.mount(record.mntns, pid, record.root != b"/");
        }
        self.found.uids.extend(process::user_ids(&record.status));
    }
}

/// A descriptor may be all that keeps a network namespace.
fn namespace_link(found: &mut Found, pid: u32, fd: u32, link: &Link<'_>) {
    if let Link::Other { text } = link
        && text.starts_with(b"net:[")
        && let Some(inode) = namespace_inode(text)
    {
        let way = Way {
            source: Source::Descriptor,
            pid,
            fd,
            path: Vec::new(),
        };
        found.network(inode, way);
    }
}
