//! `struct tcp_info` of a TCP socket, from the attribute `INET_DIAG_INFO` of its diag row.
//!
//! Reference: `linux/tcp.h`, to which fields are only ever appended.

use whotalks_snapshot::netlink::attributes;

use super::Capture;
use super::inet_diag::{COOKIE_OFFSET, MESSAGE_BYTES};
use super::sock_diag;

/// `INET_DIAG_INFO`.
const INET_DIAG_INFO: u16 = 2;

/// Retransmissions, timing and window of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TcpInfo {
    /// Retransmissions of the oldest unacknowledged segment.
    pub retransmits: u8,
    /// Retransmitted segments since the connection began.
    pub total_retransmits: u32,
    /// Smoothed round-trip time, microseconds.
    pub rtt_us: u32,
    /// Mean deviation of the round-trip time, microseconds.
    pub rtt_variation_us: u32,
    /// Retransmission timeout, microseconds.
    pub rto_us: u32,
    /// Congestion window, segments.
    pub congestion_window: u32,
    /// Segments sent and not yet acknowledged.
    pub unacknowledged: u32,
    /// Time since data was last sent, milliseconds.
    pub last_sent_ms: u32,
    /// Time since data was last received, milliseconds.
    pub last_received_ms: u32,
}

/// The `tcp_info` of the socket with this cookie, from the latest dump.
pub fn of(capture: &Capture, cookie: u64) -> Option<TcpInfo> {
    let order = capture.byte_order();
    let names = ["diag/tcp", "diag/tcp6"].into_iter();
    let mut sources: Vec<_> = names.flat_map(|name| capture.sources(name)).collect();
    sources.sort_by_key(|raw| std::cmp::Reverse((raw.header.pass, raw.header.attempt)));
    sources.into_iter().find_map(|raw| {
        let (rows, _) = sock_diag::rows(&raw.bytes, order, |payload, order| {
            // Skip the attributes of other sockets.
            let own = sock_diag::cookie(payload, COOKIE_OFFSET, order)? == cookie;
            Some(own.then(|| {
                let mut attributes = attributes(payload.get(MESSAGE_BYTES..)?, order);
                let (_, info) = attributes.find(|(kind, _)| *kind == INET_DIAG_INFO)?;
                let word = |at| order.u32(info, at);
                Some(TcpInfo {
                    retransmits: *info.get(2)?,
                    total_retransmits: word(100)?,
                    rtt_us: word(68)?,
                    rtt_variation_us: word(72)?,
                    rto_us: word(8)?,
                    congestion_window: word(80)?,
                    unacknowledged: word(24)?,
                    last_sent_ms: word(44)?,
                    last_received_ms: word(52)?,
                })
            }))
        });
        rows.into_iter().flatten().flatten().next()
    })
}
