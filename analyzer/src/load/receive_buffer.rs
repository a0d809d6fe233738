//! Receive buffers of UDP and netlink sockets, from the memory attributes of their diag rows.
//!
//! What does not fit into them is dropped: no sender waits. Reference: `linux/sock_diag.h`, `SK_MEMINFO_*`.

use std::collections::BTreeMap;

use whotalks_snapshot::netlink::{ByteOrder, attributes};

use super::Capture;
use super::inet_diag::{COOKIE_OFFSET, MESSAGE_BYTES};
use super::sock_diag;

/// `INET_DIAG_SKMEMINFO`.
const INET_DIAG_SKMEMINFO: u16 = 7;
/// `NETLINK_DIAG_MEMINFO`.
const NETLINK_DIAG_MEMINFO: u16 = 0;
/// Offset of the cookie in `struct netlink_diag_msg`, and its size.
const NETLINK_COOKIE_OFFSET: usize = 20;
const NETLINK_MESSAGE_BYTES: usize = 28;

/// A receive buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReceiveBuffer {
    /// Memory in use, with the kernel's own share of it.
    pub used_bytes: u32,
    /// `SO_RCVBUF`.
    pub limit_bytes: u32,
    /// Packets that did not fit, since the socket was created.
    pub drops: u32,
}

/// The receive buffers of all UDP and netlink sockets, by cookie; those of later dumps replace earlier
/// ones.
pub fn all(capture: &Capture) -> BTreeMap<u64, ReceiveBuffer> {
    let order = capture.byte_order();
    let names = ["diag/udp", "diag/udp6", "diag/netlink"].into_iter();
    let mut sources: Vec<_> = names.flat_map(|name| capture.sources(name)).collect();
    sources.sort_by_key(|raw| (raw.header.pass, raw.header.attempt));
    let rows = sources.into_iter().flat_map(|raw| {
        let is_netlink = raw.header.source == b"diag/netlink";
        let parse = |payload: &[u8], order| row(payload, order, is_netlink);
        sock_diag::rows(&raw.bytes, order, parse).0
    });
    rows.collect()
}

fn row(payload: &[u8], order: ByteOrder, is_netlink: bool) -> Option<(u64, ReceiveBuffer)> {
    let (at, fixed, attribute) = match is_netlink {
        true => (
            NETLINK_COOKIE_OFFSET,
            NETLINK_MESSAGE_BYTES,
            NETLINK_DIAG_MEMINFO,
        ),
        false => (COOKIE_OFFSET, MESSAGE_BYTES, INET_DIAG_SKMEMINFO),
    };
    let cookie = sock_diag::cookie(payload, at, order)?;
    let mut all = attributes(payload.get(fixed..)?, order);
    let (_, memory) = all.find(|(kind, _)| *kind == attribute)?;
    Some((
        cookie,
        ReceiveBuffer {
            used_bytes: order.u32(memory, 0)?,
            limit_bytes: order.u32(memory, 4)?,
            drops: order.u32(memory, 32)?,
        },
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_of_a_row() {
        for (is_netlink, fixed, cookie, attribute) in [(true, 28, 20, 0_u8), (false, 72, 44, 7)] {
            let mut payload = vec![0; fixed];
            payload[cookie] = 5;
            payload.extend([40, 0, attribute, 0]);
            payload.extend((1..=9_u32).flat_map(u32::to_le_bytes));
            let expected = ReceiveBuffer {
                used_bytes: 1,
                limit_bytes: 2,
                drops: 9,
            };
            let read = |payload: &[u8]| row(payload, ByteOrder::Little, is_netlink);
            assert_eq!(read(&payload), Some((5, expected)));
            for cut in 0..payload.len() {
                assert_eq!(read(&payload[..cut]), None);
            }
        }
    }
}
