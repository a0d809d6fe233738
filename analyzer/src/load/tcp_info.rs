//! `struct tcp_info` of a TCP socket, from the attribute `INET_DIAG_INFO` of its diag row.
//!
//! Reference: `linux/tcp.h`, to which fields are only ever appended.

use std::collections::BTreeMap;

use whotalks_snapshot::netlink::{ByteOrder, attributes};

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
    /// Unanswered probes of a closed window, or keepalive probes.
    pub probes: u8,
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
    /// Time since an acknowledgment was last received, milliseconds.
    pub last_acknowledged_ms: u32,
    /// Whether data was sent and acknowledged; the client's SYN counts as a byte. `None`: not known.
    pub has_sent: Option<bool>,
    /// Whether more than a byte was received. `None`: not known.
    pub has_received: Option<bool>,
}

/// The `tcp_info` of the socket with this cookie, from the latest dump.
pub fn of(capture: &Capture, cookie: u64) -> Option<TcpInfo> {
    let dumps = dumps(capture).rev();
    let found = dumps.map(|dump| read(dump, capture.byte_order(), |other| other == cookie));
    found.flatten().next().map(|(_, info)| info)
}

/// The `tcp_info` of all sockets, by cookie; those of later dumps replace earlier ones.
pub fn all(capture: &Capture) -> BTreeMap<u64, TcpInfo> {
    let dumps = dumps(capture);
    dumps
        .flat_map(|dump| read(dump, capture.byte_order(), |_| true))
        .collect()
}

/// The dumps of TCP sockets, the latest last.
fn dumps(capture: &Capture) -> impl DoubleEndedIterator<Item = &[u8]> {
    let names = ["diag/tcp", "diag/tcp6"].into_iter();
    let mut sources: Vec<_> = names.flat_map(|name| capture.sources(name)).collect();
    sources.sort_by_key(|raw| (raw.header.pass, raw.header.attempt));
    sources.into_iter().map(|raw| &raw.bytes[..])
}

/// The `tcp_info` of wanted sockets of a dump, with their cookies.
fn read(
    dump: &[u8],
    order: ByteOrder,
    is_wanted: impl Fn(u64) -> bool,
) -> impl Iterator<Item = (u64, TcpInfo)> {
    let (rows, _) = sock_diag::rows(dump, order, |payload, order| {
        let cookie = sock_diag::cookie(payload, COOKIE_OFFSET, order)?;
        // Skip the attributes of other sockets.
        let info = is_wanted(cookie).then(|| parse(payload, order)).flatten();
        Some(info.map(|info| (cookie, info)))
    });
    rows.into_iter().flatten()
}

fn parse(payload: &[u8], order: ByteOrder) -> Option<TcpInfo> {
    let mut attributes = attributes(payload.get(MESSAGE_BYTES..)?, order);
    let (_, info) = attributes.find(|(kind, _)| *kind == INET_DIAG_INFO)?;
    let word = |at| order.u32(info, at);
    // Counters of 64 bits, since Linux 4.1; whether they are above 1 is in either half.
    let exceeds_one = |at| Some(word(at)? > 1 || word(at + 4)? > 1);
    Some(TcpInfo {
        retransmits: *info.get(2)?,
        probes: *info.get(3)?,
        total_retransmits: word(100)?,
        rtt_us: word(68)?,
        rtt_variation_us: word(72)?,
        rto_us: word(8)?,
        congestion_window: word(80)?,
        unacknowledged: word(24)?,
        last_sent_ms: word(44)?,
        last_received_ms: word(52)?,
        last_acknowledged_ms: word(56)?,
        has_sent: exceeds_one(120),
        has_received: exceeds_one(128),
    })
}
