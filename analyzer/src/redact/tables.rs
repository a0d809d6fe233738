//! Redacts the text tables of `/proc/net`, row by row.

use std::io::Write;
use std::net::IpAddr;

use whotalks_snapshot::netlink::ByteOrder;

use super::names::Names;
use crate::load::{proc_net_inet, proc_net_unix};

/// Redacts `/proc/net/unix`: the heading, rows, and the lines that names with newlines make.
pub fn unix(bytes: &[u8], names: &mut Names) -> Vec<u8> {
    const HEADING: &[u8] = b"Num       RefCount Protocol Flags    Type St Inode Path";
    let mut lines = Vec::new();
    for (index, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
        lines.push(match proc_net_unix::row_of(line) {
            _ if index == 0 && line == HEADING => line.to_vec(),
            Some(row) => names.row(&row),
            None => names.text(line),
        });
    }
    lines.join(&b'\n')
}

/// Redacts `/proc/net/tcp` and the like: the columns that are understood, with the addresses replaced.
pub fn inet(bytes: &[u8], order: ByteOrder, names: &mut Names) -> Vec<u8> {
    let mut out = b"  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n".to_vec();
    let (rows, _) = proc_net_inet::rows(bytes, order);
    for (index, row) in rows.iter().enumerate() {
        let mut endpoint = |(address, port): (IpAddr, u16)| {
            format!("{}:{port:04X}", digits(names.address(address), order))
        };
        let (local, remote) = (endpoint(row.local), endpoint(row.remote));
        // Writing to a Vec cannot fail.
        let _ = writeln!(
            out,
            "{index:4}: {local} {remote} {:02X} {:08X}:{:08X} 00:00000000 00000000 {:5} {:8} {}",
            row.state, row.send_queue, row.receive_queue, row.uid, 0, row.inode
        );
    }
    out
}

/// An address as the kernel prints it: 32-bit words in the machine's byte order.
fn digits(address: IpAddr, order: ByteOrder) -> String {
    let octets = match address {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    };
    let words = octets.as_chunks::<4>().0.iter();
    let words = words.map(|word| match order {
        ByteOrder::Little => u32::from_le_bytes(*word),
        ByteOrder::Big => u32::from_be_bytes(*word),
    });
    words.map(|word| format!("{word:08X}")).collect()
}

#[cfg(test)]
mod tests {
    use super::super::names::Keep;
    use super::*;

    #[test]
    fn rows_keep_all_but_their_addresses() {
        let table = b"heading of a stranger\n\
           0: 0100007F:1F90 00000000:0000 0A 00000001:00000003 00:00000000 00000000  1000        0 12345 1 secret\n\
           1: 0A0200C0:0035 08080808:C350 01 00000007:00000000 00:00000000 00000000     0        0 77\n\
        a line of a stranger\n";
        for order in [ByteOrder::Little, ByteOrder::Big] {
            let mut names = Names::new([5; 32], Keep::default());
            let redacted = inet(table, order, &mut names);
            let (before, _) = proc_net_inet::rows(table, order);
            let (after, bad) = proc_net_inet::rows(&redacted, order);
            assert_eq!((after.len(), bad), (2, 0));
            for (mut row, after) in before.into_iter().zip(after) {
                row.local.0 = names.address(row.local.0);
                row.remote.0 = names.address(row.remote.0);
                assert_eq!(row, after);
            }
            let redacted = String::from_utf8_lossy(&redacted);
            assert!(!redacted.contains("stranger") && !redacted.contains("secret"));
            assert!(!redacted.contains("08080808"));
        }
    }
}
