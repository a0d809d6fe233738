//! Which sockets are younger than the capture: only those can have come between two of its reads.
//!
//! The kernel numbers sockets, pipes and their like from one counter, of which each CPU takes a batch
//! of 1,024 at a time (`get_next_ino` in `fs/inode.c`). One socket made on each CPU when the capture
//! begins therefore bounds the numbers of all that are older.

use std::os::fd::OwnedFd;

use rustix::fs::fstat;
use rustix::net::{AddressFamily, SocketFlags, SocketType, socket_with};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

use crate::proc::read_file;

/// `LAST_INO_BATCH`.
const BATCH: u32 = 1_024;

/// How far the counters were.
#[derive(Debug)]
pub(crate) struct InodeCounters {
    /// On each CPU; empty: not known, so that anything may be recent.
    reached: Vec<u32>,
}

impl InodeCounters {
    /// Where the counters are now.
    pub(crate) fn sample(root: &OwnedFd) -> Self {
        // A thread of its own, since it goes from CPU to CPU.
        let reached = std::thread::scope(|scope| {
            let sample = std::thread::Builder::new().spawn_scoped(scope, || sample_each_cpu(root));
            sample.ok().and_then(|thread| thread.join().ok().flatten())
        });
        let reached = reached.unwrap_or_default();
        Self { reached }
    }

    /// Whether a socket may have been made since.
    pub(crate) fn may_be_newer(&self, inode: u32) -> bool {
        // The counter wraps: what is less than half of it ahead is later.
        let later = |inode: u32, than: u32| inode.wrapping_sub(than) < 1 << 31;
        let batch_end = |reached: u32| (reached | (BATCH - 1)).wrapping_add(1);
        let mut newest = None;
        for reached in &self.reached {
            let end = batch_end(*reached);
            if later(inode, *reached) && !later(inode, end) {
                return true;
            }
            newest = match newest {
                Some(newest) if later(newest, end) => Some(newest),
                _ => Some(end),
            };
        }
        newest.is_none_or(|newest| later(inode, newest))
    }
}

/// A number from each CPU that is in use; `None` where not all of them may be used.
fn sample_each_cpu(root: &OwnedFd) -> Option<Vec<u32>> {
    let allowed = sched_getaffinity(None).ok()?;
    let mut text = Vec::new();
    read_file(root, c"stat", 1 << 20, &mut text).ok()?;
    // One `cpuN` line for each that is online, and `cpu` for all together.
    let lines = text.split(|byte| *byte == b'\n');
    let online = lines
        .filter(|line| line.starts_with(b"cpu"))
        .count()
        .checked_sub(1)?;
    if usize::try_from(allowed.count()).ok()? < online {
        return None;
    }
    let cpus = (0..CpuSet::MAX_CPU).filter(|cpu| allowed.is_set(*cpu));
    cpus.map(|cpu| {
        let mut only = CpuSet::new();
        only.set(cpu);
        sched_setaffinity(None, &only).ok()?;
        // Neither bound nor connected: a number and nothing more.
        let (kind, flags) = (SocketType::DGRAM, SocketFlags::CLOEXEC);
        let socket = socket_with(AddressFamily::UNIX, kind, flags, None).ok()?;
        u32::try_from(fstat(&socket).ok()?.st_ino).ok()
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_and_wrapping() {
        let counters = InodeCounters {
            reached: vec![5_000, 900_000, 100],
        };
        for (inode, expected) in [
            (4_999, false), // used up by the first CPU
            (5_001, true),  // the rest of its batch
            (5_120, false), // the next batch: long given to another
            (101, true),
            (899_999, false),
            (900_500, true),
            (901_120, true), // batches not given yet
            (u32::MAX, false),
        ] {
            assert_eq!(counters.may_be_newer(inode), expected, "{inode}");
        }
        let wrapping = InodeCounters {
            reached: vec![u32::MAX - 5],
        };
        assert!(wrapping.may_be_newer(3) && !wrapping.may_be_newer(u32::MAX - 6));
        assert!(
            InodeCounters {
                reached: Vec::new()
            }
            .may_be_newer(7)
        );
    }
}
