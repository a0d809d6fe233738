//! Rows of `/proc/net/tcp`, `udp`, `raw`, `icmp` and the same for IPv6, which are used where sock_diag is
//! refused or missing. Their rows lack interface, cookie, shutdown and `IPV6_V6ONLY`, which are 0, and
//! the backlog of listeners. Of `net/raw` the local port is the protocol.
//!
//! References: proc_net_tcp in the kernel's documentation, `get_tcp4_sock` of `net/ipv4/tcp_ipv4.c`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use whotalks_snapshot::netlink::ByteOrder;

pub use super::inet_diag::Row;

/// Whether a source is one of these tables.
pub fn is_inet_table(source: &[u8]) -> bool {
    let name = source.strip_prefix(b"net/").unwrap_or_default();
    let tables: [&[u8]; 5] = [b"tcp", b"udp", b"udplite", b"raw", b"icmp"];
    tables.contains(&name.strip_suffix(b"6").unwrap_or(name))
}

/// The rows of a table, and the number of unreadable lines after the heading.
pub fn rows(table: &[u8], order: ByteOrder) -> (Vec<Row>, usize) {
    let (mut rows, mut bad) = (Vec::new(), 0);
    for line in table.split(|byte| *byte == b'\n').skip(1) {
        match row(line, order) {
            Some(row) => rows.push(row),
            None => bad += usize::from(!line.is_empty()),
        }
    }
    (rows, bad)
}

/// `sl local remote st tx:rx tr:when retrnsmt uid timeout inode`; later columns differ by protocol.
fn row(line: &[u8], order: ByteOrder) -> Option<Row> {
    let text = std::str::from_utf8(line).ok()?;
    let mut fields = text.split_ascii_whitespace();
    fields.next()?.strip_suffix(':')?;
    let local = address(fields.next()?, order)?;
    let remote = address(fields.next()?, order)?;
    let state = u8::from_str_radix(fields.next()?, 16).ok()?;
    let (send, receive) = fields.next()?.split_once(':')?;
    let _timer = fields.next()?;
    let _retransmits = fields.next()?;
    let uid = fields.next()?.parse().ok()?;
    let _probes = fields.next()?;
    Some(Row {
        v6: local.0.is_ipv6(),
        local,
        remote,
        state,
        send_queue: u32::from_str_radix(send, 16).ok()?,
        receive_queue: u32::from_str_radix(receive, 16).ok()?,
        uid,
        inode: fields.next()?.parse().ok()?,
        interface: 0,
        cookie: 0,
        shutdown: 0,
        v6only: false,
    })
}

/// `0100007F:1F90`: the address as 32-bit numbers in the byte order of the captured machine; the port as
/// a plain number.
fn address(text: &str, order: ByteOrder) -> Option<(IpAddr, u16)> {
    let (digits, port) = text.split_once(':')?;
    if !digits.is_ascii() || !port.is_ascii() {
        return None;
    }
    let word = |index: usize| -> Option<[u8; 4]> {
        let number = u32::from_str_radix(digits.get(8 * index..8 * index + 8)?, 16).ok()?;
        Some(match order {
            ByteOrder::Little => number.to_le_bytes(),
            ByteOrder::Big => number.to_be_bytes(),
        })
    };
    let ip: IpAddr = match digits.len() {
        8 => Ipv4Addr::from(word(0)?).into(),
        32 => {
            let mut bytes = [0; 16];
            for (index, chunk) in bytes.chunks_exact_mut(4).enumerate() {
                chunk.copy_from_slice(&word(index)?);
            }
            Ipv6Addr::from(bytes).into()
        }
        _ => return None,
    };
    Some((ip, u16::from_str_radix(port, 16).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &[u8] = b"  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n\
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000003 00:00000000 00000000  1000        0 12345 1 0000000000000000 100 0 0 10 0\n\
   1: 0000000000000000FFFF00000100007F:0035 0000000000000000FFFF00000200000A:C350 01 00000007:00000000 00:00000000 00000000     0        0 77 1\n\
   2: nonsense\n";

    #[test]
    fn rows_are_read() {
        let (rows, bad) = rows(TABLE, ByteOrder::Little);
        assert_eq!((rows.len(), bad), (2, 1));
        assert_eq!(rows[0].local, (Ipv4Addr::LOCALHOST.into(), 8080));
        assert_eq!((rows[0].state, rows[0].receive_queue), (10, 3));
        assert_eq!((rows[0].uid, rows[0].inode), (1000, 12345));
        let mapped = |ip: [u8; 4]| IpAddr::from(Ipv4Addr::from(ip).to_ipv6_mapped());
        assert_eq!(rows[1].local, (mapped([127, 0, 0, 1]), 53));
        assert_eq!(rows[1].remote, (mapped([10, 0, 0, 2]), 50_000));
        assert_eq!((rows[1].send_queue, rows[1].inode), (7, 77));
    }

    #[test]
    fn the_other_byte_order() {
        let read = address("7F000001:0050", ByteOrder::Big);
        assert_eq!(read, Some((Ipv4Addr::LOCALHOST.into(), 80)));
    }

    #[test]
    fn no_damage_panics() {
        for cut in 0..TABLE.len() {
            let _ = rows(&TABLE[..cut], ByteOrder::Little);
            let mut flipped = TABLE.to_vec();
            flipped[cut] ^= 0x80;
            let _ = rows(&flipped, ByteOrder::Little);
        }
    }
}
