//! Records the text tables in `/proc/PID/net` as they are. They can be read without entering the
//! namespace.

use std::io::{self, BufRead};
use std::os::fd::OwnedFd;

use rustix::fs::{Mode, OFlags, openat};
use rustix::io::Errno;

use crate::block_channel::BlockEncoder;
use crate::discovered::NetnsSource;
use crate::netns::Namespace;
use crate::proc::{errno_number, read_file, stream_file};

/// The longest incomplete line that is buffered: names have at most 108 bytes, lines much less than
/// this.
const LINE_LIMIT_BYTES: usize = 64 << 10;

/// Tables besides `unix` that every current kernel has: a missing one is recorded.
const EXPECTED: [&str; 12] = [
    "tcp", "tcp6", "udp", "udp6", "udplite", "udplite6", "raw", "raw6", "icmp", "icmp6", "netlink",
    "packet",
];
/// Tables of modules that only some machines use.
const OPTIONAL: [&str; 13] = [
    "sctp/eps",
    "sctp/assocs",
    "dccp",
    "nf_conntrack",
    "l2cap",
    "rfcomm",
    "sco",
    "hci",
    "phonet",
    "pppoe",
    "rxrpc/conns",
    "x25/socket",
    "ax25",
];
/// Settings of the namespace that limit its sockets.
const SETTINGS: [&str; 5] = [
    "net/core/somaxconn",
    "net/unix/max_dgram_qlen",
    "net/ipv4/ip_local_port_range",
    "net/ipv4/ip_local_reserved_ports",
    "net/ipv4/tcp_max_syn_backlog",
];

/// The tables of one namespace.
pub(crate) struct ProcNet<'a> {
    root: &'a OwnedFd,
    namespace: &'a Namespace,
    inside: bool,
}

impl<'a> ProcNet<'a> {
    /// `inside` tells whether this thread is in the namespace.
    pub(crate) fn new(root: &'a OwnedFd, namespace: &'a Namespace, inside: bool) -> Self {
        Self {
            root,
            namespace,
            inside,
        }
    }

    /// Opens a table through this thread, or through a process in the namespace. Returns that
    /// process, or 0.
    fn open(&self, name: &str) -> Result<(OwnedFd, u32), Errno> {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC;
        let open = |path: String| openat(self.root, path, flags, Mode::empty());
        let mut result = Err(Errno::NOENT);
        if self.inside {
            result = open(format!("thread-self/net/{name}"));
            // `thread-self` exists since Linux 3.17. The first thread never changes its namespace.
            if result.is_err() && self.namespace.own {
                result = open(format!("self/net/{name}"));
            }
        }
        let pid = self.namespace.location.pid;
        match result {
            Ok(file) => Ok((file, 0)),
            Err(_) if self.namespace.location.source == NetnsSource::Process => {
                open(format!("{pid}/net/{name}")).map(|file| (file, pid))
            }
            Err(errno) => Err(errno),
        }
    }

    /// Records `/proc/PID/net/unix`. Replaces its first column, a hashed kernel pointer, with zeros
    /// unless `keep_pointers` is set.
    pub(crate) fn unix(&self, keep_pointers: bool, encoder: &mut BlockEncoder) -> io::Result<()> {
        self.table("unix", encoder, |line| {
            if !keep_pointers {
                zero_pointer(line);
            }
        })
    }

    /// Records all other tables, and the settings.
    pub(crate) fn others(&self, encoder: &mut BlockEncoder) -> io::Result<()> {
        for name in EXPECTED {
            self.table(name, encoder, |_| {})?;
        }
        for name in OPTIONAL {
            if self.open(name).is_ok() {
                self.table(name, encoder, |_| {})?;
            }
        }
        if !self.inside {
            return Ok(()); // settings are those of the reading thread's namespace
        }
        let mut text = Vec::new();
        for name in SETTINGS {
            let read = read_file(self.root, format!("sys/{name}"), 4096, &mut text);
            let mut raw = encoder.raw(self.namespace.header(&format!("sys/{name}"), 1));
            raw.push(&text)?;
            raw.finish(read.err().map_or(0, errno_number), 0)?;
        }
        Ok(())
    }

    /// Records one table. `edit` may change the bytes of each line.
    pub(crate) fn table(
        &self,
        name: &str,
        encoder: &mut BlockEncoder,
        mut edit: impl FnMut(&mut [u8]),
    ) -> io::Result<()> {
        let mut header = self.namespace.header(&format!("net/{name}"), 1);
        let (file, pid) = match self.open(name) {
            Ok(found) => found,
            Err(errno) => return encoder.raw(header).finish(errno_number(errno), 0),
        };
        header.pid = pid;
        let mut raw = encoder.raw(header);
        let mut waiting = Vec::new();
        let read = stream_file(&file, |piece| {
            if waiting.is_empty() && piece.last() == Some(&b'\n') {
                lines_of(piece, &mut edit);
                return raw.push(piece);
            }
            waiting.extend_from_slice(piece);
            let whole = match waiting.iter().rposition(|byte| *byte == b'\n') {
                Some(end) => end + 1,
                None if waiting.len() < LINE_LIMIT_BYTES => return Ok(()),
                None => waiting.len(),
            };
            lines_of(&mut waiting[..whole], &mut edit);
            raw.push(&waiting[..whole])?;
            waiting.drain(..whole);
            Ok(())
        })?;
        raw.push(&waiting)?;
        raw.finish(read.err().map_or(0, errno_number), 0)
    }
}

/// Calls `each` for every line, without its line end.
fn lines_of(mut text: &mut [u8], each: &mut impl FnMut(&mut [u8])) {
    while !text.is_empty() {
        let mut rest = &*text;
        // `skip_until` uses the standard library's fast search for a byte.
        let read = rest.skip_until(b'\n').unwrap_or(text.len());
        let (line, after) = text.split_at_mut(read);
        match line {
            [line @ .., b'\n'] => each(line),
            line => each(line),
        }
        text = after;
    }
}

/// Zeroes the pointer at the start of a row: 8 or 16 hexadecimal digits and a colon. A socket name
/// that contains a line end can imitate a row, and then loses these digits.
fn zero_pointer(line: &mut [u8]) {
    let digits = line
        .iter()
        .take_while(|byte| byte.is_ascii_hexdigit())
        .count();
    if matches!(digits, 8 | 16) && line.get(digits) == Some(&b':') {
        line[..digits].fill(b'0');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_exclude_their_ends() {
        let mut seen = Vec::new();
        let mut text = b"one\n\nthree".to_vec();
        lines_of(&mut text, &mut |line| seen.push(line.to_vec()));
        assert_eq!(seen, [b"one".to_vec(), Vec::new(), b"three".to_vec()]);
    }

    #[test]
    fn only_pointers_are_zeroed() {
        for (line, expected) in [
            ("00000000a1b2c3d4: 00000002", "0000000000000000: 00000002"),
            ("deadbeef: 00000002", "00000000: 00000002"),
            ("Num       RefCount", "Num       RefCount"),
            ("deadbee: 1", "deadbee: 1"),
            ("deadbeef", "deadbeef"),
            ("", ""),
        ] {
            let mut bytes = line.as_bytes().to_vec();
            zero_pointer(&mut bytes);
            assert_eq!(bytes, expected.as_bytes());
        }
    }
}
