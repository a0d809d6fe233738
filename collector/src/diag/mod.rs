//! `NETLINK_SOCK_DIAG`: requests dumps, and passes the messages on as they arrive.
//!
//! References: `sock_diag(7)`, `linux/netlink.h`.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use rustix::buffer::spare_capacity;
use rustix::io::Errno;
use rustix::net::{
    AddressFamily, Protocol, RecvFlags, SendFlags, SocketFlags, SocketType, netlink, sockopt,
};
use whotalks_snapshot::netlink::{
    ByteOrder, HEADER_BYTES, Message, NLM_F_DUMP_INTR, NLMSG_DONE, NLMSG_ERROR, messages,
};
use whotalks_snapshot::records::RawHeader;

use crate::proc::errno_number;
use crate::sys;

pub(crate) mod families;
pub(crate) mod route;
pub(crate) mod unix;

/// `SOCK_DIAG_BY_FAMILY`.
const SOCK_DIAG_BY_FAMILY: u16 = 20;
/// `TCP_LISTEN`, which listeners of all families use.
const LISTEN: u8 = 10;
/// Limit of sockets whose fdinfo is selected by the dumps of a namespace: bounds memory.
pub(crate) const NOTABLE_LIMIT: usize = 64 << 10;
/// `NLM_F_REQUEST`.
const NLM_F_REQUEST: u16 = 1;
/// `NLM_F_ROOT | NLM_F_MATCH`.
const NLM_F_DUMP: u16 = 0x300;
/// The kernel sends at most 32 KiB at once today. Unused room costs nothing.
const BUFFER_BYTES: usize = 256 << 10;
/// The kernel replies at once. The timeout protects against a filter that drops replies.
const RECV_TIMEOUT: Duration = Duration::from_secs(5);

/// What later steps need from the socket tables.
#[derive(Debug, Default)]
pub(crate) struct SocketTables {
    /// Namespaces read, and those of them that were entered.
    pub(crate) namespaces: u64,
    pub(crate) entered: u64,
    /// Messages in the Unix dumps.
    pub(crate) unix_sockets: u64,
    /// Inodes of Unix and internet sockets: each should have a holder.
    pub(crate) inodes: Vec<u32>,
    /// Inodes of sockets of other families.
    pub(crate) other_inodes: Vec<u32>,
    /// Sockets whose fdinfo is worth reading: listeners, and Unix sockets with unread data.
    pub(crate) notable: BTreeSet<u32>,
    /// Paths that sockets are bound to, each with the inode of one of these sockets.
    pub(crate) paths: BTreeMap<Vec<u8>, u32>,
}

impl SocketTables {
    /// Sorts the inodes: the functions that use them require it.
    pub(crate) fn sort(&mut self) {
        self.inodes.sort_unstable();
        self.other_inodes.sort_unstable();
    }

    /// Returns the inodes of all sockets in the tables.
    pub(crate) fn listed(&self) -> [&[u32]; 2] {
        [&self.inodes, &self.other_inodes]
    }

    /// Adds the results of another reader.
    pub(crate) fn merge(&mut self, other: Self) {
        self.namespaces += other.namespaces;
        self.entered += other.entered;
        self.unix_sockets += other.unix_sockets;
        self.inodes.extend(other.inodes);
        self.other_inodes.extend(other.other_inodes);
        self.notable.extend(other.notable);
        self.paths.extend(other.paths);
    }
}

/// How a dump ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct DumpEnd {
    /// 0 if an end message was received.
    pub(crate) errno: u16,
    /// Bits of [`RawHeader::flags`].
    pub(crate) flags: u32,
}

/// A netlink socket. It belongs to the network namespace of the thread that created it.
pub(crate) struct Socket {
    socket: OwnedFd,
    buffer: Vec<u8>,
    sequence: u32,
}

impl Socket {
    /// Opens a socket for `NETLINK_SOCK_DIAG`.
    pub(crate) fn open() -> Result<Self, Errno> {
        Self::with_protocol(Some(netlink::SOCK_DIAG))
    }

    /// Opens a socket for another netlink protocol. `None` is `NETLINK_ROUTE`.
    pub(crate) fn with_protocol(protocol: Option<Protocol>) -> Result<Self, Errno> {
        let (kind, flags) = (SocketType::RAW, SocketFlags::CLOEXEC);
        let socket = rustix::net::socket_with(AddressFamily::NETLINK, kind, flags, protocol)?;
        // Neither is required for the reply: a larger buffer is faster, and the timeout is a
        // safeguard.
        let _ = sockopt::set_socket_recv_buffer_size(&socket, 4 * BUFFER_BYTES);
        let _ = sockopt::set_socket_timeout(&socket, sockopt::Timeout::Recv, Some(RECV_TIMEOUT));
        Ok(Self {
            socket,
            buffer: Vec::with_capacity(BUFFER_BYTES),
            sequence: 0,
        })
    }

    /// Returns `SO_NETNS_COOKIE`, if the kernel has it.
    pub(crate) fn netns_cookie(&self) -> Option<u64> {
        sys::netns_cookie(self.socket.as_fd()).ok()
    }

    /// Requests a dump. `each` receives whole messages with their headers, as the kernel packed
    /// them.
    pub(crate) fn dump(
        &mut self,
        kind: u16,
        request: &[u8],
        each: impl FnMut(&[u8]) -> io::Result<()>,
    ) -> io::Result<DumpEnd> {
        self.transact(kind, NLM_F_REQUEST | NLM_F_DUMP, request, each)
    }

    /// Requests one message.
    pub(crate) fn get(
        &mut self,
        kind: u16,
        request: &[u8],
        each: impl FnMut(&[u8]) -> io::Result<()>,
    ) -> io::Result<DumpEnd> {
        self.transact(kind, NLM_F_REQUEST, request, each)
    }

    fn transact(
        &mut self,
        kind: u16,
        flags: u16,
        request: &[u8],
        mut each: impl FnMut(&[u8]) -> io::Result<()>,
    ) -> io::Result<DumpEnd> {
        self.sequence += 1;
        let mut dump_end = DumpEnd::default();
        if let Err(errno) = self.send(kind, flags, request) {
            dump_end.errno = errno_number(errno);
            return Ok(dump_end);
        }
        let single = flags & NLM_F_DUMP == 0;
        loop {
            self.buffer.clear();
            let room = spare_capacity(&mut self.buffer);
            match rustix::net::recv(&self.socket, room, RecvFlags::TRUNC) {
                Ok((_, length)) if length > self.buffer.len() => {
                    dump_end.flags |= RawHeader::TRUNCATED;
                }
                Ok(_) => {}
                Err(Errno::INTR) => continue,
                Err(errno) => {
                    dump_end.errno = errno_number(errno);
                    dump_end.flags |= RawHeader::TRUNCATED;
                    return Ok(dump_end);
                }
            }
            let received = Received::read(&self.buffer, self.sequence);
            if !received.messages.is_empty() {
                each(received.messages)?;
            }
            dump_end.flags |= received.flags;
            if let Some(errno) = received.end {
                dump_end.errno = errno;
                return Ok(dump_end);
            }
            if single && !received.messages.is_empty() {
                return Ok(dump_end);
            }
        }
    }

    fn send(&self, kind: u16, flags: u16, request: &[u8]) -> Result<(), Errno> {
        let length = HEADER_BYTES + request.len();
        let mut message = Vec::with_capacity(length);
        message.extend_from_slice(&u32::try_from(length).unwrap_or(0).to_ne_bytes());
        message.extend_from_slice(&kind.to_ne_bytes());
        message.extend_from_slice(&flags.to_ne_bytes());
        message.extend_from_slice(&self.sequence.to_ne_bytes());
        message.extend_from_slice(&0_u32.to_ne_bytes());
        message.extend_from_slice(request);
        rustix::net::send(&self.socket, &message, SendFlags::empty()).map(drop)
    }
}

/// One received buffer: its messages, and whether the dump ends in it.
struct Received<'a> {
    messages: &'a [u8],
    flags: u32,
    end: Option<u16>,
}

impl<'a> Received<'a> {
    fn read(buffer: &'a [u8], sequence: u32) -> Self {
        let mut received = Received {
            messages: &[],
            flags: 0,
            end: None,
        };
        let mut whole = 0;
        for message in messages(buffer, ByteOrder::NATIVE) {
            let Ok(message) = message else {
                received.flags |= RawHeader::TRUNCATED;
                break;
            };
            if message.sequence != sequence {
                break; // a reply to an earlier request that timed out
            }
            if message.flags & NLM_F_DUMP_INTR != 0 {
                received.flags |= RawHeader::INTERRUPTED;
            }
            if matches!(message.kind, NLMSG_DONE | NLMSG_ERROR) {
                received.end = Some(end_errno(&message));
                break;
            }
            whole += (HEADER_BYTES + message.payload.len()).next_multiple_of(4);
        }
        received.messages = &buffer[..whole.min(buffer.len())];
        received
    }
}

/// Both end messages begin with a negated errno. `NLMSG_DONE` of an old kernel may be empty.
fn end_errno(message: &Message<'_>) -> u16 {
    let raw = ByteOrder::NATIVE.u32(message.payload, 0).unwrap_or(0);
    u16::try_from(raw.cast_signed().unsigned_abs()).unwrap_or(u16::MAX)
}
