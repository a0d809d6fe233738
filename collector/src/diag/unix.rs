//! The Unix dumps: all sockets without their pending lists, then the lists apart.
//!
//! One long pending list in the first dump would cut it short without a word. On a socket that has
//! had a dump the kernel gives larger answers, and lists that are too long even then are asked for
//! one by one. References: `linux/unix_diag.h`.

use std::collections::BTreeSet;
use std::io;

use rustix::io::Errno;
use whotalks_snapshot::netlink::{ByteOrder, attributes, messages};

use super::{Ending, SOCK_DIAG_BY_FAMILY, Socket, Tables};
use crate::netns::Space;
use crate::proc::number;
use crate::sink::Lane;

/// `AF_UNIX`.
const AF_UNIX: u8 = 1;
/// `UDIAG_SHOW_*`: everything but the pending lists.
const SHOW_ALL_BUT_ICONS: u32 = 0x77;
/// `UDIAG_SHOW_ICONS`.
const SHOW_ICONS: u32 = 0x08;
/// Every state.
const ALL_STATES: u32 = u32::MAX;
/// `TCP_LISTEN`, which Unix listeners are in too.
const LISTEN: u8 = 10;
/// `UNIX_DIAG_RQLEN`.
const RQLEN: u16 = 4;
/// Bytes of `struct unix_diag_msg`.
const FIXED_BYTES: usize = 16;
/// `INET_DIAG_NOCOOKIE`.
const NO_COOKIE: u32 = u32::MAX;

const NATIVE: ByteOrder = ByteOrder::NATIVE;

/// `struct unix_diag_req`.
fn request(states: u32, inode: u32, show: u32) -> Vec<u8> {
    let mut bytes = vec![AF_UNIX, 0, 0, 0];
    for word in [states, inode, show, NO_COOKIE, NO_COOKIE] {
        bytes.extend_from_slice(&word.to_ne_bytes());
    }
    bytes
}

/// Reads a namespace's Unix sockets through a socket that belongs to it.
pub(crate) fn read(
    space: &Space,
    socket: Result<Socket, Errno>,
    lane: &mut Lane,
    tables: &mut Tables,
) -> io::Result<()> {
    let mut socket = match socket {
        Ok(socket) => socket,
        Err(errno) => {
            return lane
                .raw(space.header("diag/unix", 1))
                .finish(number(errno), 0);
        }
    };
    let mut awaited = BTreeSet::new();
    let mut raw = lane.raw(space.header("diag/unix", 1));
    let all = request(ALL_STATES, 0, SHOW_ALL_BUT_ICONS);
    let ending = socket.dump(SOCK_DIAG_BY_FAMILY, &all, |bytes| {
        for row in rows(bytes) {
            tables.unix_sockets += 1;
            if row.state == LISTEN && row.pending() > 0 {
                awaited.insert(row.inode);
            }
        }
        raw.push(bytes)
    })?;
    raw.finish(ending.errno, ending.flags)?;
    if ending.errno != 0 && tables.unix_sockets == 0 {
        return Ok(()); // not to be had here: asking further would only repeat that
    }
    pending_lists(space, &mut socket, lane, awaited)
}

fn pending_lists(
    space: &Space,
    socket: &mut Socket,
    lane: &mut Lane,
    mut awaited: BTreeSet<u32>,
) -> io::Result<()> {
    let mut raw = lane.raw(space.header("diag/unix-pending", 1));
    let lists = request(1 << LISTEN, 0, SHOW_ICONS);
    let ending = socket.dump(SOCK_DIAG_BY_FAMILY, &lists, |bytes| {
        for row in rows(bytes) {
            awaited.remove(&row.inode);
        }
        raw.push(bytes)
    })?;
    raw.finish(ending.errno, ending.flags)?;
    for inode in awaited {
        let mut header = space.header("diag/unix-exact", 1);
        header.key = u64::from(inode);
        let mut raw = lane.raw(header);
        let exact = request(ALL_STATES, inode, SHOW_ICONS);
        let Ending { errno, flags } =
            socket.get(SOCK_DIAG_BY_FAMILY, &exact, |bytes| raw.push(bytes))?;
        raw.finish(errno, flags)?;
    }
    Ok(())
}

/// As much of a message as decides what to ask next.
struct Row<'a> {
    state: u8,
    inode: u32,
    attributes: &'a [u8],
}

impl Row<'_> {
    /// Clients that wait to be accepted.
    fn pending(&self) -> u32 {
        let mut all = attributes(self.attributes, NATIVE);
        let value = all.find_map(|(kind, value)| (kind == RQLEN).then_some(value));
        value.and_then(|value| NATIVE.u32(value, 0)).unwrap_or(0)
    }
}

fn rows(bytes: &[u8]) -> impl Iterator<Item = Row<'_>> {
    messages(bytes, NATIVE).filter_map(|message| {
        let payload = message.ok()?.payload;
        Some(Row {
            state: *payload.get(2)?,
            inode: NATIVE.u32(payload, 4)?,
            attributes: payload.get(FIXED_BYTES..)?,
        })
    })
}
