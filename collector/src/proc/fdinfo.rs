//! `/proc/PID/fdinfo/FD` of chosen descriptors, as raw text.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicUsize, Ordering};

use whotalks_snapshot::records::DescriptorInfo;
use whotalks_snapshot::{BlockKind, RecordBlock};

use super::process::Decimal;
use super::{number, open_directory, read_piece};
use crate::holders::Wanted;
use crate::sink::{Lane, Sink};

/// An event poll has a line for each target; ten thousand fit.
const TEXT_LIMIT_BYTES: usize = 1 << 20;

/// Reads them all, with several readers.
pub(crate) fn read_all(
    root: &OwnedFd,
    wanted: &[Wanted],
    jobs: usize,
    sink: &Sink,
) -> io::Result<()> {
    let next = AtomicUsize::new(0);
    let work = || -> io::Result<()> {
        let mut lane = sink.lane()?;
        let mut block = RecordBlock::new(BlockKind::DescriptorInfo);
        while let Some(table) = wanted.get(next.fetch_add(1, Ordering::Relaxed)) {
            read(root, table, &mut lane, &mut block)?;
        }
        lane.flush(&mut block)
    };
    std::thread::scope(|scope| {
        let readers = jobs.min(wanted.len());
        let threads: Vec<_> = (1..readers)
            .map(|_| std::thread::Builder::new().spawn_scoped(scope, work))
            .collect();
        work()?;
        for thread in threads {
            match thread?.join() {
                Ok(done) => done?,
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        Ok(())
    })
}

fn read(
    root: &OwnedFd,
    wanted: &Wanted,
    lane: &mut Lane,
    block: &mut RecordBlock<DescriptorInfo>,
) -> io::Result<()> {
    let (pid, tid) = (wanted.pid, wanted.tid);
    let mut record = DescriptorInfo {
        pid,
        tid,
        ..DescriptorInfo::default()
    };
    let path = match tid {
        0 => format!("{pid}/fdinfo"),
        tid => format!("{pid}/task/{tid}/fdinfo"),
    };
    let directory = open_directory(root, path);
    for fd in &wanted.fds {
        record.fd = *fd;
        let path = Decimal::new(*fd);
        let text = &mut record.text;
        let read = match &directory {
            Ok(directory) => read_piece(directory, path.as_str(), TEXT_LIMIT_BYTES, text),
            Err(errno) => Err(*errno),
        };
        record.errno = read.err().map_or(0, number);
        lane.push(block, &record)?;
    }
    Ok(())
}
