//! Addresses of the machine's own interfaces: `RTM_NEWADDR` messages.
//!
//! Reference: rtnetlink(7), `linux/if_addr.h`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use whotalks_snapshot::netlink::{ByteOrder, attributes};

use super::sock_diag;

/// `IFA_ADDRESS`: of a point-to-point interface the address of the other end.
const IFA_ADDRESS: u16 = 1;
/// `IFA_LOCAL`: the interface's own address; IPv6 has it only where it differs from `IFA_ADDRESS`.
const IFA_LOCAL: u16 = 2;
/// Bytes of `struct ifaddrmsg`.
const MESSAGE_BYTES: usize = 8;

/// The addresses of a dump, and the number of unreadable messages.
pub fn addresses(dump: &[u8], order: ByteOrder) -> (Vec<IpAddr>, usize) {
    sock_diag::rows(dump, order, |payload, order| {
        let rest = payload.get(MESSAGE_BYTES..)?;
        let value = |wanted: u16| {
            let mut all = attributes(rest, order);
            let (_, value) = all.find(|(kind, _)| *kind == wanted)?;
            ip(value)
        };
        value(IFA_LOCAL).or_else(|| value(IFA_ADDRESS))
    })
}

/// An address of 4 or 16 bytes.
pub(super) fn ip(bytes: &[u8]) -> Option<IpAddr> {
    if let Ok(bytes) = <[u8; 4]>::try_from(bytes) {
        return Some(Ipv4Addr::from(bytes).into());
    }
    let bytes = <[u8; 16]>::try_from(bytes).ok()?;
    Some(Ipv6Addr::from(bytes).into())
}
