//! Records descriptors of namespaces whose links are paths, and finds network namespaces among them.
//!
//! The link of a namespace that was opened where it is mounted (`/run/netns/NAME`) is that path, and `/` once
//! it is mounted no more: only the device of the file tells what it is. Its type is asked for with
//! `NS_GET_NSTYPE` (Linux 4.11, see ioctl_ns(2)).

use std::collections::BTreeMap;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;

use rustix::fs::{AtFlags, Mode, OFlags, openat};
use whotalks_snapshot::records::RawHeader;

use crate::block_channel::BlockEncoder;
use crate::discovered::{Discovered, NetnsLocation, NetnsSource};
use crate::file_stat::{FileStat, nsfs_device};
use crate::proc::held_file::FileKind;
use crate::timeout::HelperThread;
use crate::{clock, sys};

/// Descriptors that are recorded.
const LINES_LIMIT: usize = 64 << 10;

/// Writes the raw source `namespace-descriptors`: a line for each of these descriptors, with pid, thread,
/// number, and the link that it would have otherwise. Adds the network namespaces to those discovered;
/// with `--passive` no descriptor is opened, so that their types stay unknown.
pub(crate) fn record(
    root: &Arc<OwnedFd>,
    discovered: &mut Discovered,
    (pass, passive): (u8, bool),
    encoder: &mut BlockEncoder,
) -> io::Result<()> {
    let files = discovered.retained.iter().flat_map(|table| {
        let files = table.files.iter();
        let files = files.filter(|file| file.kind == FileKind::Namespace);
        files.map(|file| {
            let location = NetnsLocation {
                source: NetnsSource::Descriptor,
                pid: table.pid,
                tid: table.tid,
                fd: file.fd,
                path: Vec::new(),
            };
            (file.number, location)
        })
    });
    let files: Vec<(u64, NetnsLocation)> = files.collect();
    if files.is_empty() {
        return Ok(());
    }
    let mut raw = encoder.raw(RawHeader {
        source: b"namespace-descriptors".to_vec(),
        pass,
        at_boottime_ns: clock::read_time_ns(),
        ..RawHeader::default()
    });
    let mut helper = HelperThread::default();
    let mut types: BTreeMap<u64, &'static str> = BTreeMap::new();
    for (count, (inode, location)) in files.into_iter().enumerate() {
        if count == LINES_LIMIT {
            return raw.finish(0, RawHeader::TRUNCATED);
        }
        let kind = *types.entry(inode).or_insert_with(|| {
            if passive {
                return "ns";
            }
            let (root, path) = (root.clone(), location.descriptor());
            let kind = helper.call(move || namespace_type(&root, &path, inode));
            kind.ok().flatten().unwrap_or("ns")
        });
        let NetnsLocation { pid, tid, fd, .. } = location;
        raw.push(format!("{pid} {tid} {fd} {kind}:[{inode}]\n").as_bytes())?;
        if kind == "net" {
            discovered.network(inode, location);
        }
    }
    raw.finish(0, 0)
}

/// Returns the type of a namespace, as in the links of `/proc/PID/ns`; `None` if the descriptor refers to
/// another file by now, or the kernel does not tell.
fn namespace_type(root: &OwnedFd, path: &str, inode: u64) -> Option<&'static str> {
    let is_same = |file: FileStat| Some(file.dev) == nsfs_device() && file.ino == inode;
    // Before, so that no other file is opened; and after, so that the type is this namespace's.
    let before = FileStat::of(root, path, AtFlags::empty()).ok();
    before.filter(|file| is_same(*file))?;
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    let file = openat(root, path, flags, Mode::empty()).ok()?;
    FileStat::of_fd(&file).ok().filter(|file| is_same(*file))?;
    sys::namespace_type(file.as_fd()).ok()
}
