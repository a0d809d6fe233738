//! Reads processes on one thread: the process's files, its descriptor tables and its threads.

use std::io;
use std::iter::{from_fn, once};
use std::mem::MaybeUninit;
use std::ops::Range;
use std::sync::Arc;
use std::time::Instant;

use rustix::io::Errno;
use whotalks_snapshot::descriptors::{DescriptorTable, Link};
use whotalks_snapshot::records::{Process, Wait};

use super::fd_table::{self, DIRENT_BYTES, Outcome, Owner, Split};
use super::held_waits::HeldWaits;
use super::memory::Memory;
use super::namespace_inode;
use super::process::{self, OpenProcess};
use super::reader_state::{ReaderState, Retry, Stage, Stop};
use super::retained_table::{RetainedTable, RetainedTableBuilder};
use super::scan::{KnownTable, Plan, SharedState, WorkQueue, lock};
use super::threads::{self, Skip};
use crate::args::WaitsChoice;
use crate::discovered::{Discovered, NetnsLocation, NetnsSource};
use crate::{cgroup_ids, container_names};

/// Deleted executables that each reader adds for a path lookup.
const DELETED_LIMIT: usize = 1_024;

/// A reader thread.
pub(crate) struct Reader {
    plan: Arc<Plan>,
    queue: Arc<WorkQueue>,
    shared: SharedState,
}

impl Reader {
    pub(crate) fn new(plan: Arc<Plan>, queue: Arc<WorkQueue>, shared: SharedState) -> Self {
        Self {
            plan,
            queue,
            shared,
        }
    }

    /// Updates the shared state, as progress. The lock is never held while a process is read.
    fn with_state<T>(
        &self,
        work: impl FnOnce(&mut ReaderState) -> io::Result<T>,
    ) -> Result<T, Stop> {
        let mut shared = lock(&self.shared);
        let state = shared.as_mut().ok_or(Stop::Superseded)?;
        let done = work(state);
        state.last_progress = Instant::now();
        Ok(done?)
    }

    fn set_stage(&self, stage: Stage) -> Result<(), Stop> {
        self.with_state(|state| {
            state.stage = stage;
            Ok(())
        })
    }

    /// Reads the remaining processes of an abandoned reader, then takes more from the queue.
    /// `retry` is what the other reader was stuck with.
    pub(crate) fn run(self, rest: Range<usize>, retry: Option<Retry>) -> Result<(), Stop> {
        let mut entries = Vec::with_capacity(DIRENT_BYTES);
        let entries: &mut [MaybeUninit<u8>] = entries.spare_capacity_mut();
        if retry.is_some() {
            self.with_state(|state| {
                state.rest = rest.clone();
                Ok(())
            })?;
        }
        match retry {
            Some(Retry::Process(pid)) => self.read(pid, true, entries)?,
            Some(Retry::Threads { pid, from_tid }) => {
                self.set_stage(Stage::Threads {
                    pid,
                    from_tid,
                    memory: false,
                })?;
                let process = process::reopen(&self.plan.root, pid);
                let skip = Skip {
                    call: false,
                    memory: Some(Errno::TIMEDOUT),
                };
                self.threads(&process, skip, from_tid, entries)?;
            }
            None => {}
        }
        for range in once(rest).chain(from_fn(|| self.queue.take(&self.plan))) {
            let deadline = self.plan.deadline;
            if deadline.is_some_and(|deadline| Instant::now() > deadline) {
                self.with_state(|state| {
                    state.discovered.cut = true;
                    Ok(())
                })?;
                break;
            }
            for index in range.clone() {
                let pid = self.plan.pids[index];
                self.with_state(|state| {
                    state.rest = index + 1..range.end;
                    Ok(())
                })?;
                match self.plan.known.get(&pid) {
                    Some(known) => self.reread(pid, *known, entries)?,
                    None => self.read_new(pid, entries)?,
                }
            }
        }
        self.with_state(|state| {
            state.stage = Stage::Idle;
            state.flush()
        })
    }

    /// Reads a process for the first time.
    fn read_new(&self, pid: u32, entries: &mut [MaybeUninit<u8>]) -> Result<(), Stop> {
        self.with_state(|state| {
            state.discovered.tally.processes += 1;
            state.discovered.seen.insert(pid);
            Ok(())
        })?;
        let skip_blocking = self.queue.skip_blocking() || self.plan.stuck.contains(&pid);
        self.read(pid, skip_blocking, entries)
    }

    /// Reads a process. `skip_blocking` leaves out everything that may block.
    fn read(
        &self,
        pid: u32,
        skip_blocking: bool,
        entries: &mut [MaybeUninit<u8>],
    ) -> Result<(), Stop> {
        self.set_stage(Stage::Process { pid, skip_blocking })?;
        match process::read(&self.plan.root, pid, self.cmdline(skip_blocking)) {
            Some(process) => self.read_descriptors_and_threads(&process, skip_blocking, entries),
            None => self.with_state(|state| {
                state.discovered.tally.vanished += 1;
                Ok(())
            }),
        }
    }

    /// Whether to read the arguments, or the reason not to.
    fn cmdline(&self, skip_blocking: bool) -> Result<(), Errno> {
        match (self.plan.cmdline, skip_blocking) {
            (false, _) => Err(Errno::CANCELED),
            (true, true) => Err(Errno::TIMEDOUT),
            (true, false) => Ok(()),
        }
    }

    /// Records a process, its descriptor table and its threads.
    fn read_descriptors_and_threads(
        &self,
        process: &OpenProcess,
        skip_blocking: bool,
        entries: &mut [MaybeUninit<u8>],
    ) -> Result<(), Stop> {
        let pid = process.record.pid;
        self.with_state(|state| {
            note_process(&mut state.discovered, process);
            state.discovered.tally.kernel_threads += u64::from(threads::is_kernel_thread(process));
            state.stage = Stage::Table {
                pid,
                tid: 0,
                part: 0,
            };
            state.process(&process.record)
        })?;
        let (outcome, parts, retained) = self.table(process, 0, false, entries)?;
        debug_assert!(parts.is_empty());
        self.with_state(|state| {
            state.discovered.retained.extend(retained);
            let tally = &mut state.discovered.tally;
            tally.descriptors += outcome.descriptors;
            match i32::from(outcome.errno) {
                0 if outcome.refused > 0 => tally.partial += 1,
                0 | libc::ENOENT | libc::ESRCH => {}
                _ => tally.denied += 1,
            }
            Ok(())
        })?;
        let memory = self.plan.waits == WaitsChoice::Yes;
        let skip = Skip {
            call: skip_blocking,
            memory: (!memory).then_some(Errno::CANCELED),
        };
        self.record_waits(pid, 0, skip, &[])?;
        self.threads(process, skip, 0, entries)
    }

    /// Records what each thread from `from_tid` on is blocked in, and the private descriptor tables
    /// of these threads.
    fn threads(
        &self,
        process: &OpenProcess,
        skip: Skip,
        from_tid: u32,
        entries: &mut [MaybeUninit<u8>],
    ) -> Result<(), Stop> {
        let record = &process.record;
        let pid = record.pid;
        let main = if record.via_tid == 0 {
            pid
        } else {
            record.via_tid
        };
        let mut memory = Memory::default();
        let mut waits = HeldWaits::new(record);
        let all = threads::thread_ids(process).into_iter();
        for tid in all.filter(|tid| *tid >= from_tid) {
            if self.plan.waits != WaitsChoice::No {
                waits.push(threads::read_wait(process, tid, skip, &mut memory));
                if waits.are_due() {
                    self.record_waits(pid, tid + 1, skip, &waits.take(process))?;
                }
            }
            if tid == main || tid == pid {
                continue; // its table was read already, or it has exited
            }
            if !skip.call && threads::has_private_table(main, tid) == Some(true) {
                self.record_waits(pid, tid + 1, skip, &waits.take(process))?;
                self.set_stage(Stage::Table { pid, tid, part: 0 })?;
                let (outcome, _, retained) = self.table(process, tid, false, entries)?;
                self.with_state(|state| {
                    state.discovered.tally.descriptors += outcome.descriptors;
                    state.discovered.retained.extend(retained);
                    Ok(())
                })?;
                self.record_waits(pid, tid + 1, skip, &[])?;
            }
        }
        self.record_waits(pid, u32::MAX, skip, &waits.take(process))
    }

    /// Records what threads are blocked in. Those from `from_tid` on follow.
    fn record_waits(
        &self,
        pid: u32,
        from_tid: u32,
        skip: Skip,
        waits: &[Wait],
    ) -> Result<(), Stop> {
        self.with_state(|state| {
            state.stage = Stage::Threads {
                pid,
                from_tid,
                memory: skip.memory.is_none() && !skip.call,
            };
            waits.iter().try_for_each(|wait| state.wait(wait))
        })
    }

    /// Reads a known table again, and records it if it has changed.
    fn reread(
        &self,
        pid: u32,
        known: KnownTable,
        entries: &mut [MaybeUninit<u8>],
    ) -> Result<(), Stop> {
        self.set_stage(Stage::Reread { pid })?;
        let process = process::reopen(&self.plan.root, pid);
        let (_, parts, retained) = self.table(&process, 0, true, entries)?;
        if retained.as_ref().map(|retained| retained.fingerprint) == Some(known.fingerprint) {
            return Ok(());
        }
        let skip_blocking = self.queue.skip_blocking();
        let now = process::read(&self.plan.root, pid, self.cmdline(skip_blocking));
        match now {
            // The pid belongs to another process by now.
            Some(now) if process::start_ticks(&now.record) != known.start_ticks => {
                self.with_state(|state| {
                    state.discovered.changed = true;
                    state.discovered.tally.processes += 1;
                    Ok(())
                })?;
                self.read_descriptors_and_threads(&now, skip_blocking, entries)
            }
            now => self.with_state(|state| {
                state.discovered.changed = true;
                for part in parts {
                    state.table(&part)?;
                }
                if let (Some(retained), Some(now)) = (retained, now) {
                    state
                        .discovered
                        .retained
                        .push(retained.with_process(&now.record));
                }
                Ok(())
            }),
        }
    }

    /// Reads a table. Writes its parts, or returns them if `hold` is set.
    fn table(
        &self,
        process: &OpenProcess,
        tid: u32,
        hold: bool,
        entries: &mut [MaybeUninit<u8>],
    ) -> Result<(Outcome, Vec<DescriptorTable>, Option<RetainedTable>), Stop> {
        let pid = process.record.pid;
        let owner = Owner {
            pid,
            tid,
            pass: self.plan.pass,
        };
        let mut builder = RetainedTableBuilder::new(self.plan.retain_all);
        let mut parts = Vec::new();
        let mut networks = Vec::new();
        let mut outcome = fd_table::read(
            process.descriptors(tid),
            owner,
            Split::for_threads(self.plan.jobs),
            entries,
            |fd, link| {
                builder.add(fd, link);
                networks.extend(namespace_link(pid, tid, fd, link));
            },
            |table| {
                if hold {
                    parts.push(table.clone());
                    return self.with_state(|_| Ok(()));
                }
                self.with_state(|state| {
                    let part = table.part + 1;
                    state.stage = Stage::Table { pid, tid, part };
                    state.table(table)
                })
            },
        )?;
        if !networks.is_empty() {
            self.with_state(|state| {
                for (inode, location) in networks {
                    state.discovered.network(inode, location);
                }
                Ok(())
            })?;
        }
        let listed = outcome.errno == 0;
        let files = std::mem::take(&mut outcome.files);
        let retained = builder.finish(&process.record, tid, files);
        Ok((outcome, parts, listed.then_some(retained)))
    }
}

/// Adds the namespaces, users, cgroups and deleted executable of a process.
fn note_process(discovered: &mut Discovered, process: &OpenProcess) {
    let record = &process.record;
    let pid = record.pid;
    if process.ipcns != 0 {
        discovered.ipc(process.ipcns, pid);
    }
    if record.netns != 0 {
        let location = NetnsLocation {
            source: NetnsSource::Process,
            pid,
            tid: 0,
            fd: 0,
            path: Vec::new(),
        };
        discovered.network(record.netns, location);
    }
    if record.mntns != 0 {
        discovered.mount(record.mntns, pid, record.root != b"/");
    }
    if let Some(path) = deleted_executable(record)
        && discovered.deleted.len() < DELETED_LIMIT
    {
        discovered.deleted.insert((record.mntns, path.to_vec()));
    }
    discovered.uids.extend(process::user_ids(&record.status));
    if let Some(path) = cgroup_ids::unified(&record.cgroup)
        && discovered.cgroups.len() < cgroup_ids::CGROUPS_LIMIT
        && !discovered.cgroups.contains(path)
    {
        discovered.cgroups.insert(path.to_vec());
    }
    for id in container_names::ids(&record.cgroup) {
        if discovered.containers.len() < container_names::CONTAINERS_LIMIT
            && !discovered.containers.contains(id)
        {
            discovered.containers.insert(id.to_vec());
        }
    }
    let data_root = container_names::data_root(&record.cmdline);
    discovered
        .docker_roots
        .extend(data_root.map(<[u8]>::to_vec));
}

/// Returns the former path of a deleted executable, if it is valid in the process's mount
/// namespace.
fn deleted_executable(record: &Process) -> Option<&[u8]> {
    let path = record.exe.strip_suffix(b" (deleted)")?;
    let rooted = record.mntns != 0 && record.root == b"/" && path.starts_with(b"/");
    let memory = path.starts_with(b"/memfd:");
    (rooted && !memory && record.exe_nlink == Some(0)).then_some(path)
}

/// Returns the network namespace that a descriptor refers to, if any.
fn namespace_link(pid: u32, tid: u32, fd: u32, link: &Link<'_>) -> Option<(u64, NetnsLocation)> {
    let Link::Other { text } = link else {
        return None;
    };
    let inode = namespace_inode(text).filter(|_| text.starts_with(b"net:["))?;
    let location = NetnsLocation {
        source: NetnsSource::Descriptor,
        pid,
        tid,
        fd,
        path: Vec::new(),
    };
    Some((inode, location))
}
