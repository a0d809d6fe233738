//! One reader of processes: what it asks of each, and what it hands on.

use std::io;
use std::iter::{from_fn, once};
use std::mem::MaybeUninit;
use std::ops::Range;
use std::sync::Arc;
use std::time::Instant;

use rustix::io::Errno;
use whotalks_snapshot::descriptors::{DescriptorTable, Link};
use whotalks_snapshot::records::Process;

use super::gathered::{Gathered, Stage, Stop};
use super::kept::{Keeper, Kept};
use super::process::{self, Subject};
use super::scan::{Known, Plan, Queue, Shared, lock};
use super::table::{self, DIRENT_BYTES, Outcome, Owner, Split};
use super::{namespace_inode, threads};
use crate::cgroups;
use crate::found::{Found, Source, Way};

/// Paths of deleted executables that are looked up by each reader.
const DELETED_LIMIT: usize = 1_024;

/// A thread that reads.
pub(crate) struct Reader {
    plan: Arc<Plan>,
    queue: Arc<Queue>,
    shared: Shared,
}

impl Reader {
    pub(crate) fn new(plan: Arc<Plan>, queue: Arc<Queue>, shared: Shared) -> Self {
        Self {
            plan,
            queue,
            shared,
        }
    }

    /// Hands something on, or says what it is at. Nothing is asked of a process meanwhile.
    fn with<T>(&self, work: impl FnOnce(&mut Gathered) -> io::Result<T>) -> Result<T, Stop> {
        let mut shared = lock(&self.shared);
        let output = shared.as_mut().ok_or(Stop::LeftBehind)?;
        let done = work(output);
        output.since = Instant::now();
        Ok(done?)
    }

    fn at(&self, stage: Stage) -> Result<(), Stop> {
        self.with(|output| {
            output.stage = stage;
            Ok(())
        })
    }

    /// Reads what another has left, and then whatever there is. `retry`: one that the other was
    /// stuck with.
    pub(crate) fn run(self, rest: Range<usize>, retry: Option<u32>) -> Result<(), Stop> {
        let mut entries = Vec::with_capacity(DIRENT_BYTES);
        let entries: &mut [MaybeUninit<u8>] = entries.spare_capacity_mut();
        if let Some(pid) = retry {
            self.with(|output| {
                output.rest = rest.clone();
                Ok(())
            })?;
            self.read(pid, true, entries)?;
        }
        for range in once(rest).chain(from_fn(|| self.queue.take(&self.plan))) {
            let deadline = self.plan.deadline;
            if deadline.is_some_and(|deadline| Instant::now() > deadline) {
                self.with(|output| {
                    output.found.cut = true;
                    Ok(())
                })?;
                break;
            }
            for index in range.clone() {
                let pid = self.plan.pids[index];
                self.with(|output| {
                    output.rest = index + 1..range.end;
                    Ok(())
                })?;
                match self.plan.known.get(&pid) {
                    Some(known) => self.again(pid, *known, entries)?,
                    None => self.process(pid, entries)?,
                }
            }
        }
        self.with(|output| {
            output.stage = Stage::Idle;
            output.flush()
        })
    }

    /// A process that was not seen before.
    fn process(&self, pid: u32, entries: &mut [MaybeUninit<u8>]) -> Result<(), Stop> {
        self.with(|output| {
            output.found.tally.processes += 1;
            output.found.seen.insert(pid);
            Ok(())
        })?;
        let careful = self.queue.careful() || self.plan.stuck.contains(&pid);
        self.read(pid, careful, entries)
    }

    /// Reads a process. `careful`: nothing that it could hold up.
    fn read(&self, pid: u32, careful: bool, entries: &mut [MaybeUninit<u8>]) -> Result<(), Stop> {
        self.at(Stage::Process { pid, careful })?;
        match process::read(&self.plan.root, pid, self.cmdline(careful)) {
            Some(subject) => self.whole(&subject, careful, entries),
            None => self.with(|output| {
                output.found.tally.vanished += 1;
                Ok(())
            }),
        }
    }

    /// Whether arguments are read, or why not.
    fn cmdline(&self, careful: bool) -> Result<(), Errno> {
        match (self.plan.cmdline, careful) {
            (false, _) => Err(Errno::CANCELED),
            (true, true) => Err(Errno::TIMEDOUT),
            (true, false) => Ok(()),
        }
    }

    /// A process with all that belongs to it.
    fn whole(
        &self,
        subject: &Subject,
        careful: bool,
        entries: &mut [MaybeUninit<u8>],
    ) -> Result<(), Stop> {
        let pid = subject.record.pid;
        self.with(|output| {
            note(&mut output.found, &subject.record);
            output.found.tally.kernel_threads += u64::from(threads::is_kernels(subject));
            output.stage = Stage::Table {
                pid,
                tid: 0,
                part: 0,
            };
            output.process(&subject.record)
        })?;
        let (outcome, parts, kept) = self.table(subject, 0, false, entries)?;
        debug_assert!(parts.is_empty());
        self.with(|output| {
            output.found.kept.extend(kept);
            let tally = &mut output.found.tally;
            tally.descriptors += outcome.descriptors;
            match i32::from(outcome.errno) {
                0 if outcome.refused > 0 => tally.partial += 1,
                0 | libc::ENOENT | libc::ESRCH => {}
                _ => tally.denied += 1,
            }
            output.stage = Stage::Threads { pid };
            Ok(())
        })?;
        self.threads(subject, careful, entries)
    }

    /// What each thread waits for, and the tables of those that have one of their own.
    fn threads(
        &self,
        subject: &Subject,
        careful: bool,
        entries: &mut [MaybeUninit<u8>],
    ) -> Result<(), Stop> {
        let record = &subject.record;
        let pid = record.pid;
        let main = if record.via_tid == 0 {
            pid
        } else {
            record.via_tid
        };
        for tid in threads::list(subject) {
            if self.plan.waits {
                let wait = threads::wait(subject, tid, careful);
                self.with(|output| output.wait(&wait))?;
            }
            if tid == main || tid == pid {
                continue; // its table is the one that was read, or it has exited
            }
            if !careful && threads::private_table(main, tid) == Some(true) {
                self.at(Stage::Table { pid, tid, part: 0 })?;
                let (outcome, _, kept) = self.table(subject, tid, false, entries)?;
                self.with(|output| {
                    output.found.tally.descriptors += outcome.descriptors;
                    output.found.kept.extend(kept);
                    output.stage = Stage::Threads { pid };
                    Ok(())
                })?;
            }
        }
        Ok(())
    }

    /// A process whose table was read before: written only where something is different.
    fn again(&self, pid: u32, known: Known, entries: &mut [MaybeUninit<u8>]) -> Result<(), Stop> {
        self.at(Stage::Again { pid })?;
        let subject = process::reopen(&self.plan.root, pid);
        let (_, parts, kept) = self.table(&subject, 0, true, entries)?;
        if kept.as_ref().map(|kept| kept.fingerprint) == Some(known.fingerprint) {
            return Ok(());
        }
        let careful = self.queue.careful();
        let now = process::read(&self.plan.root, pid, self.cmdline(careful));
        match now {
            // The pid has another owner by now.
            Some(now) if process::start_ticks(&now.record) != known.start_ticks => {
                self.with(|output| {
                    output.found.changed = true;
                    output.found.tally.processes += 1;
                    Ok(())
                })?;
                self.whole(&now, careful, entries)
            }
            now => self.with(|output| {
                output.found.changed = true;
                for part in parts {
                    output.table(&part)?;
                }
                if let (Some(kept), Some(now)) = (kept, now) {
                    output.found.kept.push(kept.of(&now.record));
                }
                Ok(())
            }),
        }
    }

    /// Reads a table: into the file, or (`hold`) into parts that may be written later.
    fn table(
        &self,
        subject: &Subject,
        tid: u32,
        hold: bool,
        entries: &mut [MaybeUninit<u8>],
    ) -> Result<(Outcome, Vec<DescriptorTable>, Option<Kept>), Stop> {
        let pid = subject.record.pid;
        let owner = Owner {
            pid,
            tid,
            pass: self.plan.pass,
        };
        let mut keeper = Keeper::new(self.plan.everything);
        let mut parts = Vec::new();
        let mut networks = Vec::new();
        let outcome = table::read(
            subject.descriptors(tid),
            owner,
            Split::among(self.plan.jobs),
            entries,
            |fd, link| {
                keeper.see(fd, link);
                networks.extend(namespace_link(pid, fd, link));
            },
            |table| {
                if hold {
                    parts.push(table.clone());
                    return self.with(|_| Ok(()));
                }
                self.with(|output| {
                    let part = table.part + 1;
                    output.stage = Stage::Table { pid, tid, part };
                    output.table(table)
                })
            },
        )?;
        if !networks.is_empty() {
            self.with(|output| {
                for (inode, way) in networks {
                    output.found.network(inode, way);
                }
                Ok(())
            })?;
        }
        let listed = outcome.errno == 0;
        let kept = keeper.keep(&subject.record, tid);
        Ok((outcome, parts, listed.then_some(kept)))
    }
}

/// What a process tells of others still to be read.
fn note(found: &mut Found, record: &Process) {
    let pid = record.pid;
    if record.netns != 0 {
        let way = Way {
            source: Source::Process,
            pid,
            fd: 0,
            path: Vec::new(),
        };
        found.network(record.netns, way);
    }
    if record.mntns != 0 {
        found.mount(record.mntns, pid, record.root != b"/");
    }
    if let Some(path) = deleted_executable(record)
        && found.deleted.len() < DELETED_LIMIT
    {
        found.deleted.insert((record.mntns, path.to_vec()));
    }
    found.uids.extend(process::user_ids(&record.status));
    if let Some(path) = cgroups::unified(&record.cgroup)
        && found.cgroups.len() < cgroups::CGROUPS_LIMIT
        && !found.cgroups.contains(path)
    {
        found.cgroups.insert(path.to_vec());
    }
}

/// Where the executable was, which has no link any more: a path below the mount namespace's own root.
fn deleted_executable(record: &Process) -> Option<&[u8]> {
    let path = record.exe.strip_suffix(b" (deleted)")?;
    let rooted = record.mntns != 0 && record.root == b"/" && path.starts_with(b"/");
    let memory = path.starts_with(b"/memfd:");
    (rooted && !memory && record.exe_nlink == Some(0)).then_some(path)
}

/// A descriptor may be all that keeps a network namespace.
fn namespace_link(pid: u32, fd: u32, link: &Link<'_>) -> Option<(u64, Way)> {
    let Link::Other { text } = link else {
        return None;
    };
    let inode = namespace_inode(text).filter(|_| text.starts_with(b"net:["))?;
    let way = Way {
        source: Source::Descriptor,
        pid,
        fd,
        path: Vec::new(),
    };
    Some((inode, way))
}
