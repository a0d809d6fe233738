//! Reads a whole descriptor table in parts. One process may hold most of the machine's descriptors,
//! so tables beyond a few thousand entries are read in ranges on several threads.

use std::mem::MaybeUninit;
use std::ops::Range;
use std::os::fd::OwnedFd;
use std::panic::resume_unwind;
use std::thread::{Builder, scope};

use rustix::fs::RawDir;
use rustix::io::Errno;
use whotalks_snapshot::descriptors::{DescriptorTable, Link};

use super::errno_number;
use super::fd_links::{Links, Remaining, Segment, read_range, read_segment, seek_to_fd};
use super::held_file::HeldFile;
use crate::clock;

/// Room for about 2,500 directory entries.
pub(crate) const DIRENT_BYTES: usize = 64 << 10;
/// Smaller for a range, whose last read goes beyond the end of the range.
const RANGE_DIRENT_BYTES: usize = 16 << 10;
/// Threads that read one table. Their results wait in memory to be written in order.
const THREADS_LIMIT: usize = 16;

/// How a table is divided among threads.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Split {
    /// Threads.
    jobs: usize,
    /// Descriptors that one thread reads before others are started.
    serial_limit: usize,
    /// Descriptor numbers in each range.
    range: u32,
}

impl Split {
    /// Returns the division for a number of threads.
    pub(crate) fn for_threads(jobs: usize) -> Self {
        Self {
            jobs: jobs.min(THREADS_LIMIT),
            serial_limit: 4 << 10,
            range: 8 << 10,
        }
    }
}

/// The process or thread whose table is read, and in which pass.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Owner {
    pub(crate) pid: u32,
    /// The thread, if its table is private; else 0.
    pub(crate) tid: u32,
    pub(crate) pass: u8,
}

/// The result of reading a table.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) descriptors: u64,
    pub(crate) refused: u64,
    /// What is kept of files by path.
    pub(crate) files: Vec<HeldFile>,
    /// `errno` of listing; 0 if complete.
    pub(crate) errno: u16,
}

/// Reads the table in `directory` (`fd` of a process or thread), on several threads if it is large.
///
/// Calls `each` for every link, and `emit` for the parts in order. A table that cannot be listed is
/// one part without entries.
pub(crate) fn read<E>(
    directory: Result<OwnedFd, Errno>,
    owner: Owner,
    split: Split,
    entries: &mut [MaybeUninit<u8>],
    mut each: impl FnMut(u32, &Link<'_>),
    emit: impl FnMut(&DescriptorTable) -> Result<(), E>,
) -> Result<Outcome, E> {
    let mut parts = PartWriter {
        head: DescriptorTable {
            pid: owner.pid,
            tid: owner.tid,
            pass: owner.pass,
            at_boottime_ns: clock::read_time_ns(),
            ..DescriptorTable::default()
        },
        outcome: Outcome::default(),
        emit,
    };
    let directory = match directory {
        Ok(directory) => directory,
        Err(errno) => return parts.end(errno_number(errno)),
    };
    let mut links = Links::new(&directory, &parts.head);
    let Some(begin) = links.probe_numbers(split.serial_limit, &mut each) else {
        parts.add(links.end(Remaining::Nothing))?;
        return Ok(parts.outcome);
    };
    if begin > 0
        && let Err(errno) = seek_to_fd(&directory, begin)
    {
        parts.add(links.end(Remaining::Failed(errno_number(errno))))?;
        return Ok(parts.outcome);
    }
    let mut listing = RawDir::new(&directory, entries);
    let from = loop {
        let rest = begin..u32::MAX;
        let read = read_segment(&mut listing, links, rest, split.serial_limit, &mut each);
        match parts.add(read)? {
            Remaining::Nothing => return Ok(parts.outcome),
            Remaining::Failed(_) => return Ok(parts.outcome),
            Remaining::From(next) if split.jobs > 1 => break next,
            Remaining::From(_) => links = Links::new(&directory, &parts.head),
        }
    };
    read_in_parallel(&directory, from, split, entries, parts, each)
}

/// Reads the rest of a table on several threads.
fn read_in_parallel<E>(
    directory: &OwnedFd,
    mut from: u32,
    split: Split,
    entries: &mut [MaybeUninit<u8>],
    mut parts: PartWriter<impl FnMut(&DescriptorTable) -> Result<(), E>>,
    mut each: impl FnMut(u32, &Link<'_>),
) -> Result<Outcome, E> {
    loop {
        let ranges = (0..split.jobs).scan(from, |start, _| {
            let range = *start..start.saturating_add(split.range);
            *start = range.end;
            Some(range)
        });
        let ranges: Vec<_> = ranges.collect();
        let mut rest = Remaining::Nothing;
        for (numbers, read) in
            ranges
                .iter()
                .zip(read_ranges(directory, &parts.head, &ranges, entries))
        {
            let mut read = read;
            loop {
                for (fd, link) in read.table.entries().map_while(Result::ok) {
                    each(fd, &link);
                }
                rest = read.rest;
                read.table.part = parts.head.part;
                match parts.add_unfinished(read)? {
                    // The range ended early because its texts reached the limit.
                    Remaining::From(next) if next < numbers.end => {
                        let numbers = next..numbers.end;
                        read = read_range(directory, &parts.head, numbers, entries);
                    }
                    Remaining::From(_) | Remaining::Nothing => break,
                    Remaining::Failed(errno) => return parts.end(errno),
                }
            }
        }
        match (rest, ranges.last()) {
            (Remaining::From(_), Some(last)) if last.end < u32::MAX => from = last.end,
            _ => return parts.end(0),
        }
    }
}

/// Reads several ranges, each on its own thread.
fn read_ranges(
    directory: &OwnedFd,
    head: &DescriptorTable,
    ranges: &[Range<u32>],
    entries: &mut [MaybeUninit<u8>],
) -> Vec<Segment> {
    let Some((first, others)) = ranges.split_first() else {
        return Vec::new();
    };
    let room = entries.len().min(RANGE_DIRENT_BYTES);
    let entries = &mut entries[..room];
    scope(|scope| {
        let threads: Vec<_> = others
            .iter()
            .map(|numbers| {
                let work = || {
                    let mut entries = Vec::with_capacity(RANGE_DIRENT_BYTES);
                    read_range(
                        directory,
                        head,
                        numbers.clone(),
                        entries.spare_capacity_mut(),
                    )
                };
                let thread = Builder::new().spawn_scoped(scope, work);
                thread.map_err(|_| numbers)
            })
            .collect();
        let mut read = vec![read_range(directory, head, first.clone(), entries)];
        for thread in threads {
            read.push(match thread {
                Ok(thread) => thread.join().unwrap_or_else(|panic| resume_unwind(panic)),
                Err(numbers) => read_range(directory, head, numbers.clone(), entries),
            });
        }
        read
    })
}

/// Numbers the parts and passes them to `emit`.
struct PartWriter<F> {
    /// The common fields of the next part.
    head: DescriptorTable,
    outcome: Outcome,
    emit: F,
}

impl<E, F: FnMut(&DescriptorTable) -> Result<(), E>> PartWriter<F> {
    /// Emits a part, and marks it as the last if nothing remains. Returns what remains.
    fn add(&mut self, mut read: Segment) -> Result<Remaining, E> {
        self.count(&mut read);
        match read.rest {
            Remaining::From(_) => {}
            Remaining::Nothing => read.table.last = true,
            Remaining::Failed(errno) => {
                (read.table.last, read.table.errno) = (true, errno);
                self.outcome.errno = errno;
            }
        }
        (self.emit)(&read.table)?;
        self.head.part += 1;
        Ok(read.rest)
    }

    /// Emits a part that is not the last.
    fn add_unfinished(&mut self, mut read: Segment) -> Result<Remaining, E> {
        self.count(&mut read);
        (self.emit)(&read.table)?;
        self.head.part += 1;
        Ok(read.rest)
    }

    fn count(&mut self, read: &mut Segment) {
        self.outcome.descriptors += read.descriptors;
        self.outcome.refused += read.refused;
        self.outcome.files.append(&mut read.files);
    }

    /// Emits the last part, without entries.
    fn end(mut self, errno: u16) -> Result<Outcome, E> {
        self.head.last = true;
        self.head.errno = errno;
        self.outcome.errno = errno;
        (self.emit)(&self.head)?;
        Ok(self.outcome)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use crate::proc::open_directory;
    use rustix::fs::CWD;
    use rustix::io::fcntl_dupfd_cloexec;

    /// Descriptors that no other test uses: some consecutive ones, then a hole of several ranges.
    const NUMBERS: [Range<u32>; 2] = [500..900, 980..1_000];

    fn read_own(jobs: usize) -> (Vec<u32>, Vec<DescriptorTable>) {
        let (mut seen, mut parts) = (Vec::new(), Vec::new());
        let mut entries = Vec::with_capacity(DIRENT_BYTES);
        let owner = Owner {
            pid: 1,
            tid: 0,
            pass: 1,
        };
        let split = Split {
            jobs,
            serial_limit: 64,
            range: 16,
        };
        let outcome = read(
            open_directory(CWD, c"/proc/self/fd"),
            owner,
            split,
            entries.spare_capacity_mut(),
            |fd, link| {
                assert!(matches!(link, Link::Socket { .. }) || fd < NUMBERS[0].start);
                seen.push(fd);
            },
            |part| {
                parts.push(part.clone());
                Ok::<_, ()>(())
            },
        );
        let outcome = outcome.unwrap();
        assert_eq!((outcome.errno, outcome.refused), (0, 0));
        assert_eq!(outcome.descriptors, seen.len() as u64);
        (seen, parts)
    }

    #[test]
    fn several_threads_read_the_same_table() {
        let (socket, _other) = std::os::unix::net::UnixStream::pair().unwrap();
        let expected: Vec<u32> = NUMBERS.into_iter().flatten().collect();
        let copy = |fd: &u32| fcntl_dupfd_cloexec(&socket, fd.cast_signed()).unwrap();
        let held: Vec<_> = expected.iter().map(copy).collect();
        let is_ours = |fd: &u32| *fd >= NUMBERS[0].start;
        for jobs in [1, 2, 5] {
            let (seen, parts) = read_own(jobs);
            assert!(
                seen.iter()
                    .copied()
                    .filter(is_ours)
                    .eq(expected.iter().copied()),
                "{jobs}"
            );
            let (last, others) = parts.split_last().unwrap();
            assert!(last.last && others.iter().all(|part| !part.last));
            assert!(parts.iter().map(|part| part.part).eq(0..parts.len() as u32));
            assert!(jobs == 1 || parts.len() > 4, "{} parts", parts.len());
            let entries = parts.iter().flat_map(DescriptorTable::entries);
            assert!(entries.map(|entry| entry.unwrap().0).eq(seen));
        }
        drop(held);
    }
}
