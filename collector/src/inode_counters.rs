//! Tells which sockets may be newer than the capture, by inode number.
//!
//! The kernel numbers sockets and pipes from one counter, of which each CPU takes a batch of 1,024
//! at a time (`get_next_ino` in `fs/inode.c`). Creating one socket on each CPU at the start of the
//! capture therefore gives bounds for the numbers of all older sockets.

use std::os::fd::OwnedFd;

use rustix::fs::fstat;
use rustix::net::{AddressFamily, SocketFlags, SocketType, socket_with};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

use crate::proc::read_file;

/// `LAST_INO_BATCH`.
const BATCH: u32 = 1_024;

/// The inode counters at one moment.
#[derive(Debug)]
pub(crate) struct InodeCounters {
    /// The last number of each CPU. Empty if not known: then any socket may be newer.
    reached: Vec<u32>,
}

impl InodeCounters {
    /// Samples the counters now.
    pub(crate) fn sample(root: &OwnedFd) -> Self {
        // On its own thread, because it changes its CPU affinity.
        let reached = std::thread::scope(|scope| {
            let sample = std::thread::Builder::new().spawn_scoped(scope, || sample_each_cpu(root));
            sample.ok().and_then(|thread| thread.join().ok().flatten())
        });
        let reached = reached.unwrap_or_default();
        Self { reached }
    }

    /// Whether the socket with this inode may have been created after the sample.
    pub(crate) fn may_be_newer(&self, inode: u32) -> bool {
        // The counter wraps around: a number is later if it is less than half the range ahead.
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

/// Creates a socket on each online CPU and returns its inode. `None` if the process may not run on
/// all of them.
fn sample_each_cpu(root: &OwnedFd) -> Option<Vec<u32>> {
    let allowed = sched_getaffinity(None).ok()?;
    let mut text = Vec::new();
    read_file(root, c"stat", 1 << 20, &mut text).ok()?;
    // One `cpuN` line for each online CPU, and one `cpu` line for the total.
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
        // Neither bound nor connected: only its inode number is used.
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
            (4_999, false), // already used by the first CPU
            (5_001, true),  // the rest of its batch
            (5_120, false), // the next batch, which another CPU has taken
            (101, true),
            (899_999, false),
            (900_500, true),
            (901_120, true), // batches that no CPU has taken
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
