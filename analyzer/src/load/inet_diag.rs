//! Rows of the AF_INET and AF_INET6 sock_diag dumps.
//!
//! References: sock_diag(7), `linux/inet_diag.h`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use whotalks_snapshot::netlink::{ByteOrder, attributes};

use super::sock_diag;

/// `INET_DIAG_SHUTDOWN`.
const INET_DIAG_SHUTDOWN: u16 = 8;
/// `INET_DIAG_SKV6ONLY`.
const INET_DIAG_SKV6ONLY: u16 = 11;
/// Bytes of `struct inet_diag_msg`.
pub(super) const MESSAGE_BYTES: usize = 72;
const AF_INET6: u8 = 10;

/// Offset of the cookie in `struct inet_diag_msg`.
pub(super) const COOKIE_OFFSET: usize = 44;

/// `struct inet_diag_msg` and the attributes in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// Of family `AF_INET6`.
    pub v6: bool,
    /// `TCP_*`; UDP shows 1 (connected) or 7.
    pub state: u8,
    /// Local address and port.
    pub local: (IpAddr, u16),
    /// Remote address and port.
    pub remote: (IpAddr, u16),
    /// Interface the socket is bound to; 0: any.
    pub interface: u32,
    /// Socket cookie.
    pub cookie: u64,
    /// Unread bytes; of listeners: connections not yet accepted.
    pub receive_queue: u32,
    /// Unacknowledged bytes; of listeners: the backlog.
    pub send_queue: u32,
    /// User id.
    pub uid: u32,
    /// Inode on sockfs; 0: without owner (TIME-WAIT, not yet accepted).
    pub inode: u32,
    /// Directions shut down.
    pub shutdown: u8,
    /// `IPV6_V6ONLY`; the kernel reports it for listeners and unconnected sockets.
    pub v6only: bool,
}

/// The rows of a dump, and the number of unreadable messages.
pub fn rows(dump: &[u8], order: ByteOrder) -> (Vec<Row>, usize) {
    sock_diag::rows(dump, order, row)
}

fn row(payload: &[u8], order: ByteOrder) -> Option<Row> {
    let fixed = payload.get(..MESSAGE_BYTES)?;
    let v6 = fixed[0] == AF_INET6;
    // Ports and addresses are in network byte order, the rest in the machine's.
    let port = |at: usize| u16::from_be_bytes([fixed[at], fixed[at + 1]]);
    let address = |at: usize| -> Option<IpAddr> {
        let bytes = fixed.get(at..)?;
        Some(match v6 {
            true => Ipv6Addr::from(*bytes.first_chunk()?).into(),
            false => Ipv4Addr::from(*bytes.first_chunk()?).into(),
        })
    };
    let byte = |attribute: u16| {
        let mut attributes = attributes(&payload[MESSAGE_BYTES..], order);
        let (_, value) = attributes.find(|(kind, _)| *kind == attribute)?;
        value.first().copied()
    };
    Some(Row {
        v6,
        state: fixed[1],
        local: (address(8)?, port(4)),
        remote: (address(24)?, port(6)),
        interface: order.u32(fixed, 40)?,
        cookie: sock_diag::cookie(fixed, COOKIE_OFFSET, order)?,
        receive_queue: order.u32(fixed, 56)?,
        send_queue: order.u32(fixed, 60)?,
        uid: order.u32(fixed, 64)?,
        inode: order.u32(fixed, 68)?,
        shutdown: byte(INET_DIAG_SHUTDOWN).unwrap_or(0),
        v6only: byte(INET_DIAG_SKV6ONLY).unwrap_or(0) != 0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_read() {
        let mut message = vec![88, 0, 0, 0, 20, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        let mut body = [0_u8; MESSAGE_BYTES];
        body[..2].copy_from_slice(&[2, 1]);
        body[4..8].copy_from_slice(&[0x1f, 0x90, 0x15, 0x38]);
        body[8..12].copy_from_slice(&[127, 0, 0, 1]);
        body[24..28].copy_from_slice(&[10, 0, 0, 9]);
        body[44] = 5;
        body[68..72].copy_from_slice(&77_u32.to_le_bytes());
        message.extend(body);
        let (rows, bad) = rows(&message, ByteOrder::Little);
        assert_eq!(bad, 0);
        assert_eq!(rows[0].local, (Ipv4Addr::LOCALHOST.into(), 8080));
        assert_eq!(rows[0].remote, (Ipv4Addr::new(10, 0, 0, 9).into(), 5432));
        assert_eq!((rows[0].cookie, rows[0].inode), (5, 77));
        for cut in 1..message.len() {
            let (rows, bad) = super::rows(&message[..cut], ByteOrder::Little);
            assert_eq!((rows.len(), bad), (0, 1));
        }
    }
}
