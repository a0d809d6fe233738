//! All processes at once: as many readers as cores, each taking the next few processes.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicUsize, Ordering};

use whotalks_snapshot::descriptors::{DescriptorTable, Link};
use whotalks_snapshot::records::Process;
use whotalks_snapshot::{BlockKind, RecordBlock};

use super::{fds, namespace_inode, process};
use crate::found::{Found, Source, Way};
use crate::sink::{Lane, Sink};

/// Room for some 2,500 directory entries at once.
const DIRENT_BYTES: usize = 64 << 10;
/// Processes taken at a time: few, so that one reader is not left with all the large ones.
const CHUNK: usize = 8;

/// What the readers need to know.
pub(crate) struct Plan<'a> {
    pub(crate) root: &'a OwnedFd,
    pub(crate) pids: &'a [u32],
    pub(crate) cmdline: bool,
    pub(crate) pass: u8,
    pub(crate) jobs: usize,
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
        Ok(found)
    })
}

struct Reader<'a> {
    plan: &'a Plan<'a>,
    lane: Lane,
    processes: RecordBlock<Process>,
    tables: RecordBlock<DescriptorTable>,
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
            for pid in &pids[start..pids.len().min(start + CHUNK)] {
                self.process(*pid)?;
            }
        }
        self.lane.flush(&mut self.processes)?;
        self.lane.flush(&mut self.tables)?;
        Ok(self.found)
    }

    fn process(&mut self, pid: u32) -> io::Result<()> {
        self.found.tally.processes += 1;
        let Some(subject) = process::read(self.plan.root, pid, self.plan.cmdline) else {
            self.found.tally.vanished += 1;
            return Ok(());
        };
        self.note(&subject.record);
        self.lane.push(&mut self.processes, &subject.record)?;
        let owner = fds::Owner {
            pid,
            tid: 0,
            pass: self.plan.pass,
        };
        let found = &mut self.found;
        let (lane, tables) = (&mut self.lane, &mut self.tables);
        let outcome = fds::read(
            subject.living(),
            owner,
            self.entries.spare_capacity_mut(),
            |fd, link| namespace_link(found, pid, fd, link),
            |table| lane.push(tables, table),
        )?;
        let tally = &mut self.found.tally;
        tally.descriptors += outcome.descriptors;
        match i32::from(outcome.errno) {
            libc::EACCES | libc::EPERM => tally.denied += 1,
            _ if outcome.refused > 0 => tally.partial += 1,
            _ => {}
        }
        Ok(())
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
            self.found.mount(record.mntns, pid);
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
