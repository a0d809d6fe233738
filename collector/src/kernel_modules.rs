//! Lists the kernel's modules, so that a request does not make the kernel load one where that is
//! unwanted.

use std::collections::BTreeSet;
use std::io;
use std::os::fd::OwnedFd;

use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::io::Errno;
use rustix::system::Uname;
use whotalks_snapshot::records::RawHeader;

use crate::block_channel::BlockEncoder;
use crate::clock;
use crate::insert_each::insert_each;
use crate::proc::{errno_number, read_file, stream_file};

/// Both lists are far shorter than this.
const LIST_LIMIT_BYTES: usize = 1 << 20;

/// The modules that may be used.
#[derive(Debug)]
pub(crate) enum Modules {
    /// All: loading is allowed, or the kernel loads none.
    Any,
    /// Only these.
    Only(BTreeSet<Vec<u8>>),
}

impl Modules {
    /// Returns the modules that are loaded. Any, if the kernel has no loadable modules.
    pub(crate) fn loaded(root: &OwnedFd) -> Self {
        let mut text = Vec::new();
        match read_file(root, c"modules", LIST_LIMIT_BYTES, &mut text) {
            Err(Errno::NOENT) => Self::Any,
            Err(_) | Ok(()) => Self::Only(insert_each(loaded(&text).map(<[u8]>::to_vec))),
        }
    }

    /// Returns the modules that are loaded or built in, for `--passive`.
    pub(crate) fn present(root: &OwnedFd, uname: &Uname) -> Self {
        let mut text = Vec::new();
        // A kernel without loadable modules does not load any.
        if read_file(root, c"modules", LIST_LIMIT_BYTES, &mut text) == Err(Errno::NOENT) {
            return Self::Any;
        }
        let mut names: BTreeSet<_> = insert_each(loaded(&text).map(<[u8]>::to_vec));
        let release = uname.release().to_string_lossy();
        let path = format!("/lib/modules/{release}/modules.builtin");
        match read_file(CWD, path, LIST_LIMIT_BYTES, &mut text) {
            Ok(()) => names.extend(built_in(&text)),
            Err(_) => names.extend(in_symbols(root)),
        }
        Self::Only(names)
    }

    /// Whether a request that needs this module loads nothing.
    pub(crate) fn may_use(&self, module: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Only(names) => names.contains(module.as_bytes()),
        }
    }
}

/// Records `/proc/modules`, before (pass 1) and after (pass 2) the tables are read.
pub(crate) fn record(root: &OwnedFd, pass: u8, encoder: &mut BlockEncoder) -> io::Result<()> {
    let mut text = Vec::new();
    let read = read_file(root, c"modules", LIST_LIMIT_BYTES, &mut text);
    let mut raw = encoder.raw(RawHeader {
        source: b"modules".to_vec(),
        pass,
        at_boottime_ns: clock::read_time_ns(),
        ..RawHeader::default()
    });
    raw.push(&text)?;
    raw.finish(read.err().map_or(0, errno_number), 0)
}

/// Returns the first word of each line of `/proc/modules`.
fn loaded(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let lines = text.split(|byte| *byte == b'\n');
    lines.filter_map(|line| line.split(|byte| *byte == b' ').next())
}

/// Returns the module names in `modules.builtin`: `unix_diag` for `kernel/net/unix/unix_diag.ko`.
fn built_in(text: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    text.split(|byte| *byte == b'\n').filter_map(|line| {
        let name = line.rsplit(|byte| *byte == b'/').next()?;
        let name = name.strip_suffix(b".ko")?.iter();
        Some(
            name.map(|byte| if *byte == b'-' { b'_' } else { *byte })
                .collect(),
        )
    })
}

/// Returns the modules whose dump functions are among the kernel's symbols.
fn in_symbols(root: &OwnedFd) -> BTreeSet<Vec<u8>> {
    const FUNCTIONS: [(&str, &str); 11] = [
        ("unix_diag", "unix_diag_dump"),
        ("tcp_diag", "tcp_diag_dump"),
        ("udp_diag", "udp_diag_dump"),
        ("raw_diag", "raw_diag_dump"),
        ("mptcp_diag", "mptcp_diag_dump"),
        ("sctp_diag", "sctp_diag_dump"),
        ("dccp_diag", "dccp_diag_dump"),
        ("netlink_diag", "netlink_diag_dump"),
        ("af_packet_diag", "packet_diag_dump"),
        ("xsk_diag", "xsk_diag_dump"),
        ("vsock_diag", "vsock_diag_dump"),
    ];
    let mut found = BTreeSet::new();
    let flags = OFlags::RDONLY | OFlags::CLOEXEC;
    let Ok(file) = openat(root, c"kallsyms", flags, Mode::empty()) else {
        return found;
    };
    let mut waiting = Vec::new();
    let _ = stream_file(&file, |piece| {
        waiting.extend_from_slice(piece);
        let whole = waiting
            .iter()
            .rposition(|byte| *byte == b'\n')
            .map_or(0, |end| end + 1);
        for line in waiting[..whole].split(|byte| *byte == b'\n') {
            let symbol = line.split(|byte| *byte == b' ').nth(2).unwrap_or_default();
            let module = FUNCTIONS
                .iter()
                .find(|(_, function)| function.as_bytes() == symbol);
            found.extend(module.map(|(module, _)| module.as_bytes().to_vec()));
        }
        waiting.drain(..whole);
        Ok(())
    });
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn module_lists() {
        let text = b"unix_diag 12288 0 - Live 0x0\nveth 40960 0 - Live 0x0\n";
        assert!(loaded(text).eq([&b"unix_diag"[..], b"veth", b""]));
        let text = b"kernel/net/unix/unix_diag.ko\nkernel/net/packet/af-packet_diag.ko\nx\n";
        assert!(built_in(text).eq([b"unix_diag".to_vec(), b"af_packet_diag".to_vec()]));
    }
}
