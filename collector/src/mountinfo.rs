//! Records the mount table of each mount namespace, and finds network namespaces mounted in it.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use rustix::fs::{Mode, OFlags, makedev, openat};
use whotalks_snapshot::records::RawHeader;

use crate::block_channel::BlockEncoder;
use crate::clock;
use crate::discovered::{Discovered, NetnsLocation, NetnsSource};
use crate::proc::{errno_number, namespace_inode, parse_decimal};
use crate::shared_files::FileSystem;
use crate::timeout::HelperThread;

/// Reads the mount table of each discovered mount namespace through one of its processes.
pub(crate) fn read_all(
    root: &Arc<OwnedFd>,
    discovered: &mut Discovered,
    encoder: &mut BlockEncoder,
) -> io::Result<()> {
    let mut helper = HelperThread::default();
    for (mntns, (_, pid)) in discovered.mntns.clone() {
        let mut raw = encoder.raw(RawHeader {
            source: b"mountinfo".to_vec(),
            mntns,
            pid,
            pass: 1,
            at_boottime_ns: clock::read_time_ns(),
            ..RawHeader::default()
        });
        let root = root.clone();
        let open = move || {
            let flags = OFlags::RDONLY | OFlags::CLOEXEC;
            openat(&root, format!("{pid}/mountinfo"), flags, Mode::empty())
        };
        let mut lines = Lines::default();
        let read = helper.stream(open, |piece| {
            lines.push(piece, |line| note_mount(line, pid, discovered));
            raw.push(piece)
        })?;
        let errno = read.err().map_or(0, errno_number);
        raw.finish(errno, 0)?;
    }
    Ok(())
}

/// Assembles lines from pieces of a file.
#[derive(Default)]
struct Lines {
    partial: Vec<u8>,
}

impl Lines {
    fn push(&mut self, piece: &[u8], mut each: impl FnMut(&[u8])) {
        let mut rest = piece;
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            self.partial.extend_from_slice(&rest[..end]);
            each(&self.partial);
            self.partial.clear();
            rest = &rest[end + 1..];
        }
        self.partial.extend_from_slice(rest);
    }
}

/// Adds what is mounted: the device of the file system, and a network namespace.
///
/// `72 25 0:4 net:[4026532008] /run/netns/x rw shared:7 - nsfs nsfs rw`
fn note_mount(line: &[u8], pid: u32, discovered: &mut Discovered) {
    let mut words = line.split(|byte| *byte == b' ');
    let device = words.nth(2).and_then(device);
    let kind = words.clone().skip_while(|word| *word != b"-").nth(1);
    if let (Some(device), Some(kind)) = (device, kind) {
        discovered
            .file_systems
            .insert(device, FileSystem::from_name(kind));
    }
    let Some(origin) = words.next().filter(|origin| origin.starts_with(b"net:[")) else {
        return;
    };
    let (Some(inode), Some(point)) = (namespace_inode(origin), words.next()) else {
        return;
    };
    if kind != Some(b"nsfs") {
        return;
    }
    let location = NetnsLocation {
        source: NetnsSource::Mount,
        pid,
        tid: 0,
        fd: 0,
        path: unescaped(point),
    };
    discovered.network(inode, location);
}

/// Parses `MAJOR:MINOR`.
fn device(text: &[u8]) -> Option<u64> {
    let colon = text.iter().position(|byte| *byte == b':')?;
    let (major, minor) = (
        parse_decimal(&text[..colon])?,
        parse_decimal(&text[colon + 1..])?,
    );
    Some(makedev(major, minor))
}

/// Decodes the octal escapes of mountinfo, such as `\040`.
fn unescaped(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&first, tail)) = rest.split_first() {
        let octal = tail.first_chunk::<3>().filter(|_| first == b'\\');
        let value = octal.and_then(|digits| {
            digits.iter().try_fold(0_u32, |sum, digit| {
                matches!(digit, b'0'..=b'7').then(|| sum * 8 + u32::from(digit - b'0'))
            })
        });
        match value.and_then(|value| u8::try_from(value).ok()) {
            Some(byte) => {
                out.push(byte);
                rest = &tail[3..];
            }
            None => {
                out.push(first);
                rest = tail;
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mounted_namespaces() {
        let mut discovered = Discovered::default();
        let mut lines = Lines::default();
        let text = b"43 29 0:4 net:[4026532008] /run/netns/a\\040b rw shared:3 - nsfs nsfs rw\n\
            44 29 0:4 net:[7] /tmp/fake rw - tmpfs tmpfs rw\n\
            45 29 0:4 mnt:[8] /tmp/other rw - nsfs nsfs rw\n\
            46 29 0:4 net:[9] /cut rw - nsfs";
        for piece in text.chunks(5) {
            lines.push(piece, |line| note_mount(line, 12, &mut discovered));
        }
        let location = NetnsLocation {
            source: NetnsSource::Mount,
            pid: 12,
            tid: 0,
            fd: 0,
            path: b"/run/netns/a b".to_vec(),
        };
        assert_eq!(
            discovered.netns.into_iter().collect::<Vec<_>>(),
            [(4_026_532_008, location)]
        );
    }

    #[test]
    fn invalid_escapes_are_kept() {
        assert_eq!(unescaped(br"a\134b\9\04\777"), br"a\b\9\04\777");
    }
}
