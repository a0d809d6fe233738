//! Redacts the netlink messages of socket dumps, attribute by attribute.
//!
//! References: `linux/unix_diag.h`, `linux/inet_diag.h`, `linux/netlink_diag.h`,
//! `linux/packet_diag.h`, `linux/vm_sockets_diag.h`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use whotalks_snapshot::netlink::{ByteOrder, attributes, messages};

use super::names::Names;

/// `UNIX_DIAG_NAME`.
const NAME: u16 = 0;
/// `UNIX_DIAG_VFS` to `UNIX_DIAG_UID`: numbers.
const UNIX_KEPT: [u16; 7] = [1, 2, 3, 4, 5, 6, 7];
/// `INET_DIAG_MEMINFO`, `_INFO`, `_TOS`, `_TCLASS`, `_SKMEMINFO`, `_SHUTDOWN`, `_SKV6ONLY`.
const INET_KEPT: [u16; 7] = [1, 2, 5, 6, 7, 8, 11];
/// `NETLINK_DIAG_MEMINFO`, `_GROUPS`.
const NETLINK_KEPT: [u16; 2] = [0, 1];
/// `PACKET_DIAG_INFO`, `_UID`, `_MEMINFO`; hardware addresses and filters are left out.
const PACKET_KEPT: [u16; 3] = [0, 3, 4];

const AF_INET6: u8 = 10;

/// Which parts of a dump's messages are copied.
#[derive(Clone, Copy)]
struct Shape {
    fixed_bytes: usize,
    attributes: &'static [u16],
}

/// Redacts the messages of a source; `None` if they are not understood. What follows a malformed message
/// is left out.
pub(super) fn redact(
    source: &[u8],
    bytes: &[u8],
    order: ByteOrder,
    names: &mut Names,
) -> Option<Vec<u8>> {
    let shape = |fixed_bytes, attributes| Shape {
        fixed_bytes,
        attributes,
    };
    let shape = match source {
        b"diag/unix" | b"diag/unix-pending" | b"diag/unix-exact" => shape(16, &UNIX_KEPT),
        b"diag/netlink" => shape(32, &NETLINK_KEPT),
        b"diag/packet" => shape(16, &PACKET_KEPT),
        b"diag/vsock" => shape(32, &[]),
        b"diag/xdp" => return None,
        _ => shape(72, &INET_KEPT),
    };
    let unix = source.starts_with(b"diag/unix");
    let inet = shape.fixed_bytes == 72;
    let mut out = Vec::with_capacity(bytes.len());
    for message in messages(bytes, order).map_while(Result::ok) {
        let Some(fixed) = message.payload.get(..shape.fixed_bytes) else {
            continue;
        };
        let start = out.len();
        put_u32(&mut out, 0, order);
        put_u16(&mut out, message.kind, order);
        put_u16(&mut out, message.flags, order);
        put_u32(&mut out, message.sequence, order);
        put_u32(&mut out, 0, order);
        out.extend_from_slice(fixed);
        if inet {
            let body = &mut out[start + 16..];
            for offset in [8, 24] {
                address(&mut body[offset..offset + 16], fixed[0] == AF_INET6, names);
            }
        }
        for (kind, value) in attributes(&message.payload[shape.fixed_bytes..], order) {
            if unix && kind == NAME {
                attribute(&mut out, kind, &names.text(value), order);
            } else if shape.attributes.contains(&kind) {
                attribute(&mut out, kind, value, order);
            }
        }
        let length = u32::try_from(out.len() - start).ok()?;
        out[start..start + 4].copy_from_slice(&u32_bytes(length, order));
    }
    Some(out)
}

/// Redacts an address of 16 bytes, of which IPv4 uses the first four.
fn address(bytes: &mut [u8], v6: bool, names: &mut Names) {
    let octets = bytes.first_chunk::<16>().copied().unwrap_or_default();
    let [a, b, c, d, ..] = octets;
    let address: IpAddr = if v6 {
        Ipv6Addr::from(octets).into()
    } else {
        Ipv4Addr::new(a, b, c, d).into()
    };
    bytes.fill(0);
    match names.address(address) {
        IpAddr::V4(address) => bytes[..4].copy_from_slice(&address.octets()),
        IpAddr::V6(address) => bytes.copy_from_slice(&address.octets()),
    }
}

/// Appends an attribute: `struct nlattr`, value, padding.
fn attribute(out: &mut Vec<u8>, kind: u16, value: &[u8], order: ByteOrder) {
    let Ok(length) = u16::try_from(value.len() + 4) else {
        return;
    };
    put_u16(out, length, order);
    put_u16(out, kind, order);
    out.extend_from_slice(value);
    out.resize(out.len().next_multiple_of(4), 0);
}

fn put_u16(out: &mut Vec<u8>, value: u16, order: ByteOrder) {
    out.extend(match order {
        ByteOrder::Little => value.to_le_bytes(),
        ByteOrder::Big => value.to_be_bytes(),
    });
}

fn put_u32(out: &mut Vec<u8>, value: u32, order: ByteOrder) {
    out.extend(u32_bytes(value, order));
}

fn u32_bytes(value: u32, order: ByteOrder) -> [u8; 4] {
    match order {
        ByteOrder::Little => value.to_le_bytes(),
        ByteOrder::Big => value.to_be_bytes(),
    }
}
