//! The machine's network interfaces: `RTM_NEWLINK` messages.
//!
//! Reference: rtnetlink(7), `linux/if_link.h`.

use whotalks_snapshot::netlink::{ByteOrder, attributes};

use super::sock_diag;

/// `IFLA_IFNAME`.
const IFLA_IFNAME: u16 = 3;
/// `IFLA_LINKINFO`, with `IFLA_INFO_KIND` in it.
const IFLA_LINKINFO: u16 = 18;
const IFLA_INFO_KIND: u16 = 1;
/// Bytes of `struct ifinfomsg`.
const MESSAGE_BYTES: usize = 16;
/// Attribute types without `NLA_F_NESTED` and `NLA_F_NET_BYTEORDER`.
const TYPE_MASK: u16 = 0x3fff;
/// `IFF_UP` and `IFF_LOOPBACK` of `linux/if.h`.
const IFF_UP: u32 = 1;
const IFF_LOOPBACK: u32 = 8;

/// A network interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link<'a> {
    /// Its name.
    pub name: &'a [u8],
    /// What implements it: `veth`, `bridge`, `vlan`, …; empty: a device.
    pub kind: &'a [u8],
    /// Whether it is up.
    pub up: bool,
    /// Whether it is the loopback interface.
    pub loopback: bool,
}

/// The interfaces of a dump, and the number of unreadable messages.
pub fn links(dump: &[u8], order: ByteOrder) -> (Vec<Link<'_>>, usize) {
    sock_diag::rows(dump, order, link)
}

fn link(payload: &[u8], order: ByteOrder) -> Option<Link<'_>> {
    let flags = order.u32(payload, 8)?;
    let rest = payload.get(MESSAGE_BYTES..)?;
    let info = find(rest, IFLA_LINKINFO, order).unwrap_or_default();
    Some(Link {
        name: text(find(rest, IFLA_IFNAME, order)?),
        kind: text(find(info, IFLA_INFO_KIND, order).unwrap_or_default()),
        up: flags & IFF_UP != 0,
        loopback: flags & IFF_LOOPBACK != 0,
    })
}

/// The value of the first attribute of a type.
fn find(bytes: &[u8], wanted: u16, order: ByteOrder) -> Option<&[u8]> {
    let mut all = attributes(bytes, order);
    all.find(|(kind, _)| kind & TYPE_MASK == wanted)
        .map(|(_, value)| value)
}

/// Text up to its NUL.
fn text(bytes: &[u8]) -> &[u8] {
    bytes.split(|byte| *byte == 0).next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interface_is_read() {
        let mut message = vec![0, 0, 0, 0, 16, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        message.extend([0_u8; 8]);
        message.extend(1_u32.to_le_bytes());
        message.extend([0_u8; 4]);
        message.extend(*b"\x09\0\x03\0eth0\0\0\0\0");
        message.extend(*b"\x0d\0\x12\x80\x09\0\x01\0veth\0\0\0\0");
        message[0] = message.len() as u8;
        let (read, bad) = links(&message, ByteOrder::Little);
        assert_eq!(bad, 0);
        let expected = Link {
            name: b"eth0",
            kind: b"veth",
            up: true,
            loopback: false,
        };
        assert_eq!(read, [expected]);
        for cut in 1..message.len() {
            assert!(links(&message[..cut], ByteOrder::Little).0.is_empty());
        }
    }
}
