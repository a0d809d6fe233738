//! Records `/proc/PID/fdinfo/FD` of selected descriptors as raw text.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rustix::io::Errno;
use whotalks_snapshot::records::DescriptorInfo;
use whotalks_snapshot::{BlockKind, RecordBlock};

use super::process::Decimal;
use super::{errno_number, open_directory, read_single_open};
use crate::block_channel::{BlockEncoder, BlockSender};
use crate::holders::FdinfoRequest;
use crate::timeout::HelperThread;

/// An event poll has a line for each target: enough for ten thousand.
const TEXT_LIMIT_BYTES: usize = 1 << 20;
/// Descriptors that are read in one call, unless their texts reach the size limit.
const BATCH_DESCRIPTORS: usize = 64;
const BATCH_BYTES: usize = 256 << 10;

/// Reads all requests on `jobs` threads.
pub(crate) fn read_all(
    root: &Arc<OwnedFd>,
    requests: &[FdinfoRequest],
    jobs: usize,
    blocks: &BlockSender,
) -> io::Result<()> {
    let next = AtomicUsize::new(0);
    let work = || -> io::Result<()> {
        let mut encoder = blocks.encoder()?;
        let mut helper = HelperThread::default();
        let mut block = RecordBlock::new(BlockKind::DescriptorInfo);
        while let Some(table) = requests.get(next.fetch_add(1, Ordering::Relaxed)) {
            read(root, table, &mut helper, &mut encoder, &mut block)?;
        }
        encoder.flush(&mut block)
    };
    std::thread::scope(|scope| {
        let readers = jobs.min(requests.len());
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
    root: &Arc<OwnedFd>,
    request: &FdinfoRequest,
    helper: &mut HelperThread,
    encoder: &mut BlockEncoder,
    block: &mut RecordBlock<DescriptorInfo>,
) -> io::Result<()> {
    let (pid, tid) = (request.pid, request.tid);
    let mut rest = &request.fds[..];
    while !rest.is_empty() {
        let fds = rest[..rest.len().min(BATCH_DESCRIPTORS)].to_vec();
        let root = root.clone();
        let answer = helper.call(move || read_batch(&root, pid, tid, &fds));
        let records = answer.unwrap_or_else(|errno| {
            let timed_out = |fd: &u32| record(pid, tid, *fd, Err(errno));
            rest.iter().map(timed_out).collect()
        });
        for record in &records {
            encoder.push(block, record)?;
        }
        rest = &rest[records.len().min(rest.len())..];
    }
    Ok(())
}

/// Reads the first descriptors: at least one, and more until the size limit is reached.
fn read_batch(root: &OwnedFd, pid: u32, tid: u32, fds: &[u32]) -> Vec<DescriptorInfo> {
    let path = match tid {
        0 => format!("{pid}/fdinfo"),
        tid => format!("{pid}/task/{tid}/fdinfo"),
    };
    let directory = open_directory(root, path);
    let mut bytes = 0;
    let mut records = Vec::with_capacity(fds.len());
    for fd in fds {
        let mut text = Vec::new();
        let read = match &directory {
            Ok(directory) => {
                let path = Decimal::new(*fd);
                read_single_open(directory, path.as_str(), TEXT_LIMIT_BYTES, &mut text)
            }
            Err(errno) => Err(*errno),
        };
        bytes += text.len();
        records.push(record(pid, tid, *fd, read.map(|()| text)));
        if bytes > BATCH_BYTES {
            break;
        }
    }
    records
}

fn record(pid: u32, tid: u32, fd: u32, read: Result<Vec<u8>, Errno>) -> DescriptorInfo {
    let errno = read.as_ref().err().map_or(0, |errno| errno_number(*errno));
    DescriptorInfo {
        pid,
        tid,
        fd,
        errno,
        text: read.unwrap_or_default(),
    }
}
