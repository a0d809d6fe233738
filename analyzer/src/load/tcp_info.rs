//! `struct tcp_info` of a TCP socket, from the attribute `INET_DIAG_INFO` of its diag row.
//!
//! Reference: `linux/tcp.h`, whose fields only ever grew at the end.

use whotalks_snapshot::netlink::attributes;

use super::{Capture, diag};

/// `INET_DIAG_INFO`.
const INET_DIAG_INFO: u16 = 2;
/// Bytes of `struct inet_diag_msg`, and where in it the cookie is.
const MESSAGE_BYTES: usize = 72;
const COOKIE_AT: usize = 44;

/// What people ask of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TcpInfo {
    /// Times that what is on its way now was sent again.
    pub retransmits: u8,
    /// Segments sent again since it began.
    pub total_retransmits: u32,
    /// Smoothed round trip, microseconds.
    pub rtt_us: u32,
    /// Its variation, microseconds.
    pub rtt_variation_us: u32,
    /// Timeout until the next attempt, microseconds.
    pub rto_us: u32,
    /// Congestion window, segments.
    pub congestion_window: u32,
    /// Segments sent and not acknowledged.
    pub unacknowledged: u32,
    /// Since data was sent, milliseconds.
    pub last_sent_ms: u32,
    /// Since data was received, milliseconds.
    pub last_received_ms: u32,
}

/// What the latest dump says of the socket with this cookie.
pub fn of(capture: &Capture, cookie: u64) -> Option<TcpInfo> {
    let order = capture.byte_order();
    let mut sources: Vec<_> = ["diag/tcp", "diag/tcp6"]
        .into_iter()
        .flat_map(|name| capture.sources(name))
        .collect();
    sources.sort_by_key(|raw| std::cmp::Reverse((raw.header.pass, raw.header.attempt)));
    sources.into_iter().find_map(|raw| {
        let (rows, _) = diag::rows(&raw.bytes, order, |payload, order| {
            // Of other sockets nothing is kept.
            let own = diag::cookie(payload, COOKIE_AT, order)? == cookie;
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
