//! Counts which sockets and pipes are held by which descriptor tables, and selects the descriptors
//! whose fdinfo is read.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::{BuildHasherDefault, Hasher};
use std::panic::resume_unwind;

use crate::args::FdinfoChoice;
use crate::insert_each::insert_each;
use crate::proc::held_file::{FileKind, HeldFile};
use crate::proc::retained_table::{Object, RetainedTable};

/// Objects that are collected before they are merged into the counts.
const PENDING_OBJECTS: usize = 64 << 10;
/// Fewer tables than this are not worth a thread.
const TABLES_PER_THREAD: usize = 64;
/// Holders of one object whose fdinfo is read.
const HOLDER_SAMPLE: u8 = 64;
/// Event polls, eventfds, pidfds and io_urings of one process whose fdinfo is read.
const INFORMATIVE_PER_PROCESS: usize = 4_096;

/// For each object, whether it is in one table or in several.
#[derive(Debug, Default)]
pub(crate) struct Holders {
    /// Sorted. Takes eight bytes for each object.
    counted: Vec<Counted>,
    pending: Vec<Object>,
}

/// An object (upper 63 bits), and whether it is in several tables (lowest bit).
#[derive(Debug, Clone, Copy)]
struct Counted(u64);

impl Counted {
    fn once(object: Object) -> Self {
        Self(object.number() << 1)
    }

    fn again(self) -> Self {
        Self(self.0 | 1)
    }

    fn object(self) -> Object {
        Object::from_number(self.0 >> 1)
    }

    fn tables(self) -> u32 {
        1 + u32::from(self.0 & 1 != 0)
    }
}

impl Holders {
    /// Counts the objects of all tables on `jobs` threads.
    pub(crate) fn count(tables: &[RetainedTable], jobs: usize) -> Self {
        let part = tables.len().div_ceil(jobs.max(1)).max(TABLES_PER_THREAD);
        let (first, rest) = tables.split_at(part.min(tables.len()));
        std::thread::scope(|scope| {
            let threads: Vec<_> = rest
                .chunks(part)
                .map(|tables| {
                    let count = move || Self::count_part(tables);
                    let thread = std::thread::Builder::new().spawn_scoped(scope, count);
                    thread.map_err(|_| tables)
                })
                .collect();
            let mut all = Self::count_part(first);
            for thread in threads {
                let other = match thread.map(std::thread::ScopedJoinHandle::join) {
                    Ok(counted) => counted.unwrap_or_else(|panic| resume_unwind(panic)),
                    Err(tables) => Self::count_part(tables),
                };
                all.merge(other.counted.into_iter());
            }
            all
        })
    }

    fn count_part(tables: &[RetainedTable]) -> Self {
        let mut holders = Self::default();
        let mut own = Vec::new();
        for table in tables {
            own.extend(table.entries().filter_map(|(_, object)| object));
            own.sort_unstable();
            own.dedup();
            holders.pending.append(&mut own);
            if holders.pending.len() >= PENDING_OBJECTS.max(holders.counted.len()) {
                holders.merge_pending();
            }
        }
        holders.merge_pending();
        holders.pending = Vec::new(); // frees the buffer
        holders
    }

    /// Merges the pending objects into the counts. Called often, since many tables may hold the
    /// same objects.
    fn merge_pending(&mut self) {
        let mut pending = std::mem::take(&mut self.pending);
        pending.sort_unstable();
        self.merge(pending.drain(..).map(Counted::once));
        self.pending = pending;
    }

    /// Merges sorted counts into these.
    fn merge(&mut self, others: impl ExactSizeIterator<Item = Counted>) {
        let old = std::mem::take(&mut self.counted).into_iter();
        let (mut old, mut new) = (old.peekable(), others.peekable());
        let mut merged: Vec<Counted> = Vec::with_capacity(old.len() + new.len());
        loop {
            let next = match (old.peek(), new.peek()) {
                (Some(one), Some(other)) if other.object() < one.object() => new.next(),
                (Some(_), _) => old.next(),
                (None, _) => new.next(),
            };
            let Some(next) = next else { break };
            match merged.last_mut() {
                Some(last) if last.object() == next.object() => *last = last.again(),
                _ => merged.push(next),
            }
        }
        merged.shrink_to_fit();
        self.counted = merged;
    }

    /// Returns the number of tables that hold an object: 0, 1, or 2 for several. `hint` is the
    /// position of the last object found: the next object of a table is often next to it.
    fn table_count(&self, object: Object, hint: &mut usize) -> u32 {
        let is = |at: usize| self.counted.get(at).map(|counted| counted.object()) == Some(object);
        let by_object = |counted: &Counted| counted.object();
        if is(*hint + 1) {
            *hint += 1;
        } else if let Ok(at) = self.counted.binary_search_by_key(&object, by_object) {
            *hint = at;
        } else {
            return 0;
        }
        self.counted[*hint].tables()
    }

    /// Returns the sockets among the objects, sorted.
    fn sockets(&self) -> impl Iterator<Item = u64> {
        let objects = self.counted.iter().map(|counted| counted.object());
        objects.filter_map(Object::as_socket)
    }

    /// Whether one of these sockets (sorted) that `matters` accepts is in no table.
    pub(crate) fn any_without_holder(
        &self,
        sockets: &[u32],
        matters: impl Fn(u32) -> bool,
    ) -> bool {
        let mut held = self.sockets().peekable();
        let mut sockets = sockets.iter().copied().filter(|inode| *inode != 0);
        sockets.any(|inode| {
            let wanted = u64::from(inode);
            while held.next_if(|held| *held < wanted).is_some() {}
            held.peek() != Some(&wanted) && matters(inode)
        })
    }

    /// Returns the sockets in descriptor tables that are in neither of these sorted lists.
    pub(crate) fn unlisted_sockets(&self, lists: [&[u32]; 2]) -> BTreeSet<u64> {
        let mut lists = lists.map(|list| list.iter().copied().map(u64::from).peekable());
        let mut listed = |inode: u64| {
            lists.iter_mut().any(|list| {
                while list.next_if(|listed| *listed < inode).is_some() {}
                list.peek() == Some(&inode)
            })
        };
        insert_each(self.sockets().filter(|inode| !listed(*inode)))
    }
}

/// Hashes with one multiplication. Inodes are assigned by the kernel, so no stronger hash is
/// needed.
#[derive(Default)]
struct ObjectHasher(u64);

impl Hasher for ObjectHasher {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = (self.0 ^ number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }

    fn finish(&self) -> u64 {
        self.0.rotate_left(26) // hash tables use the low bits and the highest seven
    }
}

/// Descriptors of one table whose fdinfo is to be read.
#[derive(Debug)]
pub(crate) struct FdinfoRequest {
    pub(crate) pid: u32,
    pub(crate) tid: u32,
    pub(crate) fds: Vec<u32>,
}

/// Selects the descriptors whose fdinfo is read. `notable`: sockets that are read for every holder;
/// `locked`: inodes of files whose locks fdinfo shows.
pub(crate) fn choose_fdinfo(
    choice: FdinfoChoice,
    tables: &[RetainedTable],
    holders: &Holders,
    notable: &BTreeSet<u32>,
    locked: &BTreeSet<u64>,
) -> Vec<FdinfoRequest> {
    let mut sampled: HashMap<Object, (u8, u64), BuildHasherDefault<ObjectHasher>> =
        HashMap::default();
    let mut hint = 0;
    let mut choose_one =
        |table: &RetainedTable, object: Option<Object>, informative: &mut usize| {
            if choice == FdinfoChoice::All {
                return true;
            }
            let Some(object) = object else {
                *informative += 1;
                return *informative <= INFORMATIVE_PER_PROCESS;
            };
            let socket = object
                .as_socket()
                .and_then(|inode| u32::try_from(inode).ok());
            let notable = socket.is_some_and(|inode| notable.contains(&inode));
            if !notable && holders.table_count(object, &mut hint) < 2 {
                return false;
            }
            // Each program sets one bit of 64. A collision costs one sample.
            let program = table.program.1 ^ table.program.0.rotate_left(17);
            let bit = 1_u64 << (program.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 58);
            let (count, programs) = sampled.entry(object).or_default();
            if *count >= HOLDER_SAMPLE && *programs & bit != 0 {
                return false;
            }
            *count = count.saturating_add(1);
            *programs |= bit;
            true
        };
    let mut wanted = Vec::new();
    for table in tables {
        let mut informative = 0;
        let mut fds: Vec<u32> = table
            .entries()
            .filter(|(_, object)| choose_one(table, *object, &mut informative))
            .map(|(fd, _)| fd)
            .collect();
        let is_wanted = |file: &&HeldFile| {
            file.kind == FileKind::PtyMaster
                || file.inode().is_some_and(|inode| locked.contains(&inode))
        };
        let files = table.files.iter().filter(is_wanted).map(|file| file.fd);
        fds.extend(files.take(INFORMATIVE_PER_PROCESS));
        fds.sort_unstable();
        fds.dedup();
        if !fds.is_empty() {
            let (pid, tid) = (table.pid, table.tid);
            wanted.push(FdinfoRequest { pid, tid, fds });
        }
    }
    wanted
}

/// Returns the first holder of each of these sockets, as pid and descriptor.
pub(crate) fn first_holders(
    tables: &[RetainedTable],
    sockets: &BTreeSet<u64>,
) -> BTreeMap<u64, (u32, u32)> {
    let mut first = BTreeMap::new();
    if sockets.is_empty() {
        return first;
    }
    for table in tables {
        for (fd, object) in table.entries() {
            let inode = object.and_then(Object::as_socket);
            if let Some(inode) = inode.filter(|inode| sockets.contains(inode)) {
                first.entry(inode).or_insert((table.pid, fd));
            }
        }
    }
    first
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proc::retained_table::RetainedTableBuilder;
    use whotalks_snapshot::descriptors::Link;
    use whotalks_snapshot::records::Process;

    fn table(pid: u32, program: u64, sockets: &[u64]) -> RetainedTable {
        let mut builder = RetainedTableBuilder::new(false);
        for (fd, inode) in sockets.iter().enumerate() {
            builder.add(fd as u32, &Link::Socket { inode: *inode });
        }
        let record = Process {
            pid,
            exe_ino: program,
            ..Process::default()
        };
        builder.finish(&record, 0, Vec::new())
    }

    #[test]
    fn holders_are_tables_not_descriptors() {
        let tables = [table(1, 1, &[5, 5, 6]), table(2, 1, &[6, 7])];
        let holders = Holders::count(&tables, 1);
        let count = |inode| holders.table_count(Object::socket(inode), &mut 0);
        assert_eq!([5, 6, 7, 8].map(count), [1, 2, 1, 0]);
        assert!(!holders.any_without_holder(&[0, 5, 6, 7], |_| true));
        assert!(holders.any_without_holder(&[5, 8], |_| true));
        assert!(!holders.any_without_holder(&[5, 8], |inode| inode != 8));
        assert_eq!(
            holders.unlisted_sockets([&[5, 7], &[]]),
            BTreeSet::from([6])
        );
        assert_eq!(
            holders.unlisted_sockets([&[7, 9], &[2, 6]]),
            BTreeSet::from([5])
        );
    }

    #[test]
    fn several_threads_count_the_same() {
        let tables: Vec<_> = (1..=300)
            .map(|pid| table(pid, 1, &[u64::from(pid), u64::from(pid % 7), 900]))
            .collect();
        let counted = |jobs| {
            let counted = Holders::count(&tables, jobs).counted.into_iter();
            counted.map(|counted| counted.0).collect::<Vec<_>>()
        };
        let one = counted(1);
        assert_eq!(one.len(), 302);
        for jobs in [2, 3, 16] {
            assert_eq!(counted(jobs), one, "{jobs}");
        }
    }

    #[test]
    fn holders_of_each_program_are_sampled() {
        let mut tables: Vec<_> = (1..=100).map(|pid| table(pid, 1, &[9, 1_000])).collect();
        tables.push(table(101, 2, &[9]));
        tables.push(table(102, 2, &[8]));
        let holders = Holders::count(&tables, 1);
        let choose = |notable: &[u32]| {
            let notable = notable.iter().copied().collect();
            let none = BTreeSet::new();
            choose_fdinfo(FdinfoChoice::Shared, &tables, &holders, &notable, &none)
        };
        let wanted = choose(&[]);
        assert_eq!(
            wanted.iter().map(|wanted| wanted.fds.len()).sum::<usize>(),
            129
        );
        assert_eq!(wanted.last().map(|wanted| wanted.pid), Some(101));
        assert_eq!(choose(&[8]).last().map(|wanted| wanted.pid), Some(102));
    }
}
