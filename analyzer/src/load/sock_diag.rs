//! Common parts of all sock_diag dumps: a stream of netlink messages, one row each. Reference:
//! sock_diag(7).

use whotalks_snapshot::netlink::{ByteOrder, NLMSG_DONE, NLMSG_ERROR, messages};

/// Parses the payload of each message. Returns the rows and the number of unreadable messages.
pub(super) fn rows<'a, T>(
    dump: &'a [u8],
    order: ByteOrder,
    parse: impl Fn(&'a [u8], ByteOrder) -> Option<T>,
) -> (Vec<T>, usize) {
    let mut rows = Vec::new();
    let mut bad = 0;
    for message in messages(dump, order) {
        match message {
            Ok(message) if [NLMSG_DONE, NLMSG_ERROR].contains(&message.kind) => {}
            Ok(message) => match parse(message.payload, order) {
                Some(row) => rows.push(row),
                None => bad += 1,
            },
            Err(_) => bad += 1,
        }
    }
    (rows, bad)
}

/// The cookie at an offset: two 32-bit halves, the low one first.
pub(super) fn cookie(payload: &[u8], at: usize, order: ByteOrder) -> Option<u64> {
    let (low, high) = (order.u32(payload, at)?, order.u32(payload, at + 4)?);
    Some(u64::from(low) | u64::from(high) << 32)
}
