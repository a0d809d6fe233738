//! Connection tracking: the addresses of a connection before and after translation
//! (`IPCTNL_MSG_CT_NEW` messages).
//!
//! Reference: `linux/netfilter/nfnetlink_conntrack.h`. Attributes are big-endian.

use std::net::IpAddr;

use whotalks_snapshot::netlink::{ByteOrder, attributes};

use super::{route_addr, sock_diag};

/// Bytes of `struct nfgenmsg`.
const MESSAGE_BYTES: usize = 4;
/// `NLA_TYPE_MASK`: an attribute's type without the flags for nested attributes and byte order.
const TYPE_MASK: u16 = 0x3fff;

/// `CTA_TUPLE_ORIG`.
const TUPLE_ORIGINAL: u16 = 1;
/// `CTA_TUPLE_REPLY`.
const TUPLE_REPLY: u16 = 2;
/// `CTA_TUPLE_IP`.
const TUPLE_IP: u16 = 1;
/// `CTA_TUPLE_PROTO`.
const TUPLE_PROTO: u16 = 2;
/// `CTA_IP_V4_SRC`, `CTA_IP_V6_SRC`.
const IP_SOURCE: [u16; 2] = [1, 3];
/// `CTA_IP_V4_DST`, `CTA_IP_V6_DST`.
const IP_DESTINATION: [u16; 2] = [2, 4];
/// `CTA_PROTO_NUM`.
const PROTO_NUMBER: u16 = 1;
/// `CTA_PROTO_SRC_PORT`.
const PROTO_SOURCE_PORT: u16 = 2;
/// `CTA_PROTO_DST_PORT`.
const PROTO_DESTINATION_PORT: u16 = 3;

/// One direction of a tracked connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flow {
    /// Address and port of the sender.
    pub source: (IpAddr, u16),
    /// Address and port of the receiver.
    pub destination: (IpAddr, u16),
}

/// A tracked connection of a protocol with ports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// `IPPROTO_*`.
    pub protocol: u8,
    /// As the client sends.
    pub original: Flow,
    /// As the server answers.
    pub reply: Flow,
}

/// The rows of a dump, and the number of messages without ports or unreadable.
pub fn rows(dump: &[u8], order: ByteOrder) -> (Vec<Row>, usize) {
    sock_diag::rows(dump, order, |payload, order| {
        let message = payload.get(MESSAGE_BYTES..)?;
        let (protocol, original) = flow(find(message, &[TUPLE_ORIGINAL], order)?, order)?;
        let (_, reply) = flow(find(message, &[TUPLE_REPLY], order)?, order)?;
        Some(Row {
            protocol,
            original,
            reply,
        })
    })
}

fn flow(tuple: &[u8], order: ByteOrder) -> Option<(u8, Flow)> {
    let ip = find(tuple, &[TUPLE_IP], order)?;
    let proto = find(tuple, &[TUPLE_PROTO], order)?;
    let address = |kinds: &[u16]| route_addr::ip(find(ip, kinds, order)?);
    let port = |kind: u16| {
        let bytes = find(proto, &[kind], order)?;
        Some(u16::from_be_bytes(bytes.try_into().ok()?))
    };
    let flow = Flow {
        source: (address(&IP_SOURCE)?, port(PROTO_SOURCE_PORT)?),
        destination: (address(&IP_DESTINATION)?, port(PROTO_DESTINATION_PORT)?),
    };
    Some((*find(proto, &[PROTO_NUMBER], order)?.first()?, flow))
}

/// The first attribute of one of these types.
fn find<'a>(bytes: &'a [u8], kinds: &[u16], order: ByteOrder) -> Option<&'a [u8]> {
    let mut all = attributes(bytes, order);
    all.find(|(kind, _)| kinds.contains(&(kind & TYPE_MASK)))
        .map(|(_, value)| value)
}
