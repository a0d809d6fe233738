//! Pseudonyms of internet addresses, of the same kind: what is local stays local.
//!
//! Unchanged are the unspecified address, loopback, multicast groups and the broadcast address.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::key::Key;

/// The pseudonym of an address; `attempt` counts those that were already in use.
///
/// Private addresses become ones of 10.0.0.0/8, link-local ones stay such, and all others become ones
/// of 240.0.0.0/4, which is reserved. Of IPv6, link-local addresses stay such, unique local ones become
/// ones of fd00::/8, and others ones of 2001:db8::/32, which is for documentation.
pub(super) fn pseudonym(key: &Key, address: IpAddr, attempt: u8) -> IpAddr {
    match address {
        IpAddr::V4(address) => four(key, address, attempt).into(),
        IpAddr::V6(address) => six(key, address, attempt).into(),
    }
}

fn four(key: &Key, address: Ipv4Addr, attempt: u8) -> Ipv4Addr {
    let unchanged = address.is_unspecified()
        || address.is_loopback()
        || address.is_multicast()
        || address.is_broadcast();
    if unchanged {
        return address;
    }
    let [a, b, c, d, ..] = key.hash(b'4', &[&address.octets()[..], &[attempt]].concat());
    if address.is_private() {
        Ipv4Addr::new(10, b, c, d)
    } else if address.is_link_local() {
        Ipv4Addr::new(169, 254, c, d)
    } else {
        Ipv4Addr::new(240 + a % 15, b, c, d)
    }
}

fn six(key: &Key, address: Ipv6Addr, attempt: u8) -> Ipv6Addr {
    if address.is_unspecified() || address.is_loopback() || address.is_multicast() {
        return address;
    }
    let hash = key.hash(b'6', &[&address.octets()[..], &[attempt]].concat());
    let mut octets = [0; 16];
    octets.copy_from_slice(&hash[..16]);
    if address.is_unicast_link_local() {
        octets[..8].copy_from_slice(&[0xfe, 0x80, 0, 0, 0, 0, 0, 0]);
    } else if address.is_unique_local() {
        octets[0] = 0xfd;
    } else {
        octets[..4].copy_from_slice(&[0x20, 0x01, 0x0d, 0xb8]);
    }
    octets.into()
}
