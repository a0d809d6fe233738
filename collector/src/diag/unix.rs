//! Dumps Unix sockets: first all sockets without their pending connections, then the pending
//! connections.
//!
//! One long list of pending connections would truncate a combined dump without an error. On a
//! socket that has had a dump the kernel sends larger messages, and lists that are too long even
//! for those are requested one listener at a time. Reference: `linux/unix_diag.h`.

use std::collections::BTreeSet;
use std::io;

use rustix::io::Errno;
use whotalks_snapshot::netlink::{ByteOrder, attributes, messages};

use super::{DumpEnd, LISTEN, NOTABLE_LIMIT, SOCK_DIAG_BY_FAMILY, Socket, SocketTables};
use crate::block_channel::BlockEncoder;
use crate::netns::Namespace;
use crate::proc::errno_number;

/// `AF_UNIX`.
const AF_UNIX: u8 = 1;
/// `UDIAG_SHOW_*`: all except the pending connections.
const SHOW_ALL_BUT_ICONS: u32 = 0x77;
/// `UDIAG_SHOW_ICONS`.
const SHOW_ICONS: u32 = 0x08;
/// All states.
const ALL_STATES: u32 = u32::MAX;
/// `SOCK_DGRAM`.
const DGRAM: u8 = 2;
/// `UNIX_DIAG_NAME`.
const NAME: u16 = 0;
/// Limit of bound paths to look up.
const PATHS_LIMIT: usize = 16 << 10;
/// `UNIX_DIAG_RQLEN`.
const RQLEN: u16 = 4;
/// Bytes of `struct unix_diag_msg`.
const FIXED_BYTES: usize = 16;
/// `INET_DIAG_NOCOOKIE`.
const NO_COOKIE: u32 = u32::MAX;

const NATIVE: ByteOrder = ByteOrder::NATIVE;

/// Builds a `struct unix_diag_req`.
fn request(states: u32, inode: u32, show: u32) -> Vec<u8> {
    let mut bytes = vec![AF_UNIX, 0, 0, 0];
    for word in [states, inode, show, NO_COOKIE, NO_COOKIE] {
        bytes.extend_from_slice(&word.to_ne_bytes());
    }
    bytes
}

/// Reads the Unix sockets of the namespace that `socket` belongs to.
pub(crate) fn read(
    namespace: &Namespace,
    pass: u8,
    socket: Result<Socket, Errno>,
    encoder: &mut BlockEncoder,
    tables: &mut SocketTables,
) -> io::Result<()> {
    let mut socket = match socket {
        Ok(socket) => socket,
        Err(errno) => {
            return encoder
                .raw(namespace.header("diag/unix", pass))
                .finish(errno_number(errno), 0);
        }
    };
    let mut with_pending = BTreeSet::new();
    let mut seen = 0;
    let mut raw = encoder.raw(namespace.header("diag/unix", pass));
    let all = request(ALL_STATES, 0, SHOW_ALL_BUT_ICONS);
    let dump_end = socket.dump(SOCK_DIAG_BY_FAMILY, &all, |bytes| {
        for row in rows(bytes) {
            seen += 1;
            row.add_to(tables);
            if row.state == LISTEN && row.waiting() > 0 {
                with_pending.insert(row.inode);
            }
        }
        raw.push(bytes)
    })?;
    raw.finish(dump_end.errno, dump_end.flags)?;
    tables.unix_sockets += if pass == 1 { seen } else { 0 };
    if dump_end.errno != 0 && seen == 0 {
        return Ok(()); // not available here: further requests would fail in the same way
    }
    // All listeners report an empty queue. A dump of the queues would take as long as this one.
    if with_pending.is_empty() && dump_end == DumpEnd::default() {
        return encoder
            .raw(namespace.header("diag/unix-pending", pass))
            .finish(0, 0);
    }
    pending_lists(namespace, pass, &mut socket, encoder, with_pending)
}

fn pending_lists(
    namespace: &Namespace,
    pass: u8,
    socket: &mut Socket,
    encoder: &mut BlockEncoder,
    mut with_pending: BTreeSet<u32>,
) -> io::Result<()> {
    let mut raw = encoder.raw(namespace.header("diag/unix-pending", pass));
    let lists = request(1 << LISTEN, 0, SHOW_ICONS);
    let dump_end = socket.dump(SOCK_DIAG_BY_FAMILY, &lists, |bytes| {
        for row in rows(bytes) {
            with_pending.remove(&row.inode);
        }
        raw.push(bytes)
    })?;
    raw.finish(dump_end.errno, dump_end.flags)?;
    for inode in with_pending {
        let mut header = namespace.header("diag/unix-exact", pass);
        header.key = u64::from(inode);
        let mut raw = encoder.raw(header);
        let exact = request(ALL_STATES, inode, SHOW_ICONS);
        let DumpEnd { errno, flags } =
            socket.get(SOCK_DIAG_BY_FAMILY, &exact, |bytes| raw.push(bytes))?;
        raw.finish(errno, flags)?;
    }
    Ok(())
}

/// The parts of a message that later requests depend on.
struct Row<'a> {
    kind: u8,
    state: u8,
    inode: u32,
    attributes: &'a [u8],
}

impl Row<'_> {
    fn attribute(&self, wanted: u16) -> Option<&[u8]> {
        let mut all = attributes(self.attributes, NATIVE);
        all.find_map(|(kind, value)| (kind == wanted).then_some(value))
    }

    /// Returns the pending connections of a listener, or the unread bytes of another socket.
    fn waiting(&self) -> u32 {
        let value = self.attribute(RQLEN);
        value.and_then(|value| NATIVE.u32(value, 0)).unwrap_or(0)
    }

    /// Adds this socket to what later steps need.
    fn add_to(&self, tables: &mut SocketTables) {
        tables.inodes.push(self.inode);
        let listens = self.state == LISTEN;
        if (listens || self.waiting() > 0) && tables.notable.len() < NOTABLE_LIMIT {
            tables.notable.insert(self.inode);
        }
        // Accepted sockets have the name of their listener, and cannot be connected to by it.
        if (listens || self.kind == DGRAM)
            && let Some(name) = self.attribute(NAME)
            && name.first().is_some_and(|first| *first != 0)
            && tables.paths.len() < PATHS_LIMIT
        {
            let end = name
                .iter()
                .position(|byte| *byte == 0)
                .unwrap_or(name.len());
            tables
                .paths
                .entry(name[..end].to_vec())
                .or_insert(self.inode);
        }
    }
}

fn rows(bytes: &[u8]) -> impl Iterator<Item = Row<'_>> {
    messages(bytes, NATIVE).filter_map(|message| {
        let payload = message.ok()?.payload;
        Some(Row {
            kind: *payload.get(1)?,
            state: *payload.get(2)?,
            inode: NATIVE.u32(payload, 4)?,
            attributes: payload.get(FIXED_BYTES..)?,
        })
    })
}
