//! Records the names of users where processes have another `/etc/passwd` than the machine's: in containers
//! and guests.

use std::collections::BTreeSet;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::Arc;

use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, openat};
use rustix::io::Errno;
use whotalks_snapshot::records::RawHeader;

use crate::block_channel::BlockEncoder;
use crate::clock;
use crate::discovered::Discovered;
use crate::file_stat::FileStat;
use crate::proc::{errno_number, read_file};
use crate::resolve_beneath::{RemoteDevices, Resolver};
use crate::timeout::HelperThread;
use crate::users::{PASSWD_LIMIT_BYTES, lines};

/// Mount namespaces that are looked into: each service in a sandbox has one.
const NAMESPACES_LIMIT: usize = 1_024;
/// At most 340 lines, see user_namespaces(7).
const UID_MAP_LIMIT_BYTES: usize = 64 << 10;

/// Writes the raw source `users` of each mount namespace whose file is another one: a line for each user
/// id that occurs, with the id in the collector's user namespace and the name.
pub(crate) fn record(
    root: &Arc<OwnedFd>,
    discovered: &Discovered,
    passive: bool,
    encoder: &mut BlockEncoder,
) -> io::Result<()> {
    let own = FileStat::of(CWD, c"/etc/passwd", AtFlags::empty()).ok();
    let own = own.map(|file| (file.dev, file.ino));
    let mut helper = HelperThread::default();
    for (mntns, (_, pid)) in discovered.mntns.iter().take(NAMESPACES_LIMIT) {
        let (root, pid) = (root.clone(), *pid);
        let read = helper.call(move || Passwd::read(&root, pid, own, passive));
        let (passwd, errno) = match read.and_then(|read| read) {
            Ok(None) => continue,
            Ok(Some(passwd)) => (passwd, 0),
            Err(errno) => (Passwd::default(), errno_number(errno)),
        };
        let mut raw = encoder.raw(RawHeader {
            source: b"users".to_vec(),
            mntns: *mntns,
            pid,
            pass: 1,
            at_boottime_ns: clock::read_time_ns(),
            ..RawHeader::default()
        });
        for line in passwd.named(&discovered.uids) {
            raw.push(&line)?;
        }
        raw.finish(errno, 0)?;
    }
    Ok(())
}

/// `/etc/passwd` as a process has it, and the user ids of its user namespace.
#[derive(Default)]
struct Passwd {
    text: Vec<u8>,
    uid_map: Vec<u8>,
}

impl Passwd {
    /// Reads both. `None` if it is the machine's own file, by device and inode.
    fn read(
        root: &OwnedFd,
        pid: u32,
        own: Option<(u64, u64)>,
        passive: bool,
    ) -> Result<Option<Self>, Errno> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let top = openat(root, format!("{pid}/root"), flags, Mode::empty())?;
        let resolver = Resolver {
            top: &top,
            rooted: true,
            passive,
            remote: &RemoteDevices::of(root, pid),
        };
        // Links are resolved within that root: one to `/etc/shadow` does not lead to the machine's.
        let file = resolver.resolve(b"etc/passwd")?;
        let is = FileStat::of_fd(&file)?;
        if Some((is.dev, is.ino)) == own {
            return Ok(None);
        }
        if FileType::from_raw_mode(is.mode) != FileType::RegularFile {
            return Err(Errno::INVAL);
        }
        let mut passwd = Self::default();
        let path = format!("/proc/self/fd/{}", file.as_raw_fd());
        read_file(CWD, path, PASSWD_LIMIT_BYTES, &mut passwd.text)?;
        let path = format!("{pid}/uid_map");
        read_file(root, path, UID_MAP_LIMIT_BYTES, &mut passwd.uid_map)?;
        Ok(Some(passwd))
    }

    /// `UID NAME` of the ids that occur; the first line of each counts.
    fn named(&self, uids: &BTreeSet<u32>) -> Vec<Vec<u8>> {
        let mut wanted = uids.clone();
        let named = lines(&self.text).filter_map(|(name, uid)| {
            let uid = self.outer(uid).filter(|uid| wanted.remove(uid))?;
            Some([format!("{uid} ").as_bytes(), name, b"\n"].concat())
        });
        named.collect()
    }

    /// A user id as the collector sees it: lines are `INSIDE OUTSIDE COUNT`.
    fn outer(&self, uid: u32) -> Option<u32> {
        let text = std::str::from_utf8(&self.uid_map).ok()?;
        text.lines().find_map(|line| {
            let mut numbers = line.split_ascii_whitespace().map(str::parse::<u32>);
            let mut next = || numbers.next()?.ok();
            let (inside, outside, count) = (next()?, next()?, next()?);
            let offset = uid.checked_sub(inside).filter(|offset| *offset < count)?;
            outside.checked_add(offset)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_those_outside() {
        let passwd = Passwd {
            text: b"root:x:0:0::/:\nredis:x:105:1::/:\nother:x:105:1::/:\nfar:x:70000:1::/:\n"
                .to_vec(),
            uid_map: b"         0     100000      65536\n".to_vec(),
        };
        let named = |uids: &[u32]| passwd.named(&uids.iter().copied().collect()).concat();
        assert_eq!(
            named(&[100_000, 100_105, 105]),
            b"100000 root\n100105 redis\n"
        );
        assert!(named(&[0, 170_000]).is_empty());
    }
}
