//! IP networks in CIDR notation, for `addr:` selectors.

use std::net::IpAddr;

/// An address, or a network in CIDR notation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IpNetwork {
    address: IpAddr,
    prefix: u8,
}

impl IpNetwork {
    /// Parses `10.0.0.0/8`, `::1` or `[::1]`; an address alone is a network of one.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (address, prefix) = text
            .split_once('/')
            .map_or((text, None), |(a, p)| (a, Some(p)));
        let address: IpAddr = address.trim_matches(['[', ']']).parse().ok()?;
        let widest = if address.is_ipv4() { 32 } else { 128 };
        let prefix = prefix.map_or(Some(widest), |prefix| prefix.parse().ok())?;
        (prefix <= widest).then_some(Self { address, prefix })
    }

    /// Whether an address is in the network; IPv4-mapped addresses count as IPv4.
    pub(super) fn contains(&self, ip: IpAddr) -> bool {
        match (self.address, ip.to_canonical()) {
            (IpAddr::V4(net), IpAddr::V4(ip)) => {
                let mask = u32::MAX
                    .checked_shl(32 - u32::from(self.prefix))
                    .unwrap_or(0);
                net.to_bits() & mask == ip.to_bits() & mask
            }
            (IpAddr::V6(net), IpAddr::V6(ip)) => {
                let mask = u128::MAX
                    .checked_shl(128 - u32::from(self.prefix))
                    .unwrap_or(0);
                net.to_bits() & mask == ip.to_bits() & mask
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    #[test]
    fn networks() {
        let within = |network: &str, ip: &str| {
            IpNetwork::parse(network)
                .unwrap()
                .contains(ip.parse().unwrap())
        };
        assert!(within("10.0.0.0/8", "10.1.2.3") && within("0.0.0.0/0", "1.1.1.1"));
        assert!(within("10.0.0.0/8", "::ffff:10.1.2.3") && within("::1", "::1"));
        assert!(!within("10.0.0.0/8", "11.0.0.0") && !within("::/0", "1.2.3.4"));
        assert_eq!(IpNetwork::parse("10.0.0.0/33"), None);
    }
}
