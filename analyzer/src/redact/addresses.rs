//! Internet addresses: each becomes another of its kind, so that what is local stays local.
//!
//! Kept as they are: the unspecified address, loopback, multicast groups and the broadcast address.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::names::Names;

/// A pseudonym; `again` counts those that were taken.
///
/// Private addresses become ones of 10.0.0.0/8, public ones ones of 240.0.0.0/4, which nobody has.
/// Link-local addresses of IPv6 stay such, unique local ones become ones of fd00::/8, others ones of
/// 2001:db8::/32, which is for documentation. An IPv4 address inside an IPv6 one stays that.
pub(super) fn pseudonym(names: &mut Names, address: IpAddr, again: u8) -> IpAddr {
    match address {
        IpAddr::V4(address) => four(names, address, again).into(),
        IpAddr::V6(address) => match address.to_ipv4_mapped() {
            Some(mapped) => match names.address(mapped.into()) {
                IpAddr::V4(four) => four.to_ipv6_mapped().into(),
                IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
            },
            None => six(names, address, again).into(),
        },
    }
}

fn four(names: &Names, address: Ipv4Addr, again: u8) -> Ipv4Addr {
    let kept = address.is_unspecified()
        || address.is_loopback()
        || address.is_multicast()
        || address.is_broadcast();
    if kept {
        return address;
    }
    let [a, b, c, d, ..] = names.hash(b'4', &[&address.octets()[..], &[again]].concat());
    if address.is_private() {
        Ipv4Addr::new(10, b, c, d)
    } else if address.is_link_local() {
        Ipv4Addr::new(169, 254, c, d)
    } else {
        Ipv4Addr::new(240 + a % 15, b, c, d)
    }
}

fn six(names: &Names, address: Ipv6Addr, again: u8) -> Ipv6Addr {
    if address.is_unspecified() || address.is_loopback() || address.is_multicast() {
        return address;
    }
    let hash = names.hash(b'6', &[&address.octets()[..], &[again]].concat());
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

#[cfg(test)]
mod tests {
    use super::super::names::{Keep, Names};
    use super::*;

    #[test]
    fn kinds_stay() {
        let mut names = Names::new([1; 32], Keep::default());
        let mut of = |text: &str| {
            let address: IpAddr = text.parse().unwrap_or(Ipv4Addr::UNSPECIFIED.into());
            names.address(address)
        };
        for kept in [
            "0.0.0.0",
            "127.0.0.53",
            "::",
            "::1",
            "224.0.0.251",
            "ff02::fb",
        ] {
            assert_eq!(of(kept).to_string(), kept);
        }
        assert!(of("192.168.3.7").to_string().starts_with("10."));
        assert_eq!(of("192.168.3.7"), of("192.168.3.7"));
        assert_ne!(of("192.168.3.7"), of("192.168.3.8"));
        assert!(of("8.8.8.8").to_string().starts_with("24"));
        assert!(of("fe80::1").to_string().starts_with("fe80::"));
        let mapped = of("::ffff:8.8.8.8").to_string();
        assert_eq!(mapped, format!("::ffff:{}", of("8.8.8.8")));
    }
}
