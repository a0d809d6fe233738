//! Dumps interfaces, their addresses, and connection tracking of a namespace over netlink.
//!
//! References: `rtnetlink(7)`, `linux/netfilter/nfnetlink_conntrack.h`.

use std::io;

use rustix::net::Protocol;
use rustix::net::netlink::NETFILTER;

use super::Socket;
use crate::block_channel::BlockEncoder;
use crate::netns::Namespace;
use crate::proc::errno_number;

/// `RTM_GETLINK`.
const RTM_GETLINK: u16 = 18;
/// `IFLA_EXT_MASK`.
const IFLA_EXT_MASK: u16 = 29;
/// `RTEXT_FILTER_SKIP_STATS`: most of a message would be counters.
const SKIP_STATS: u32 = 8;
/// `RTM_GETADDR`.
const RTM_GETADDR: u16 = 22;
/// `NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_GET`.
const CT_GET: u16 = 0x101;

/// Writes the raw source `route/link`: `RTM_NEWLINK` messages of all interfaces, without counters.
pub(crate) fn interfaces(namespace: &Namespace, encoder: &mut BlockEncoder) -> io::Result<()> {
    // struct ifinfomsg: all interfaces; and one attribute.
    let mut request = [0; 24];
    request[16..18].copy_from_slice(&8_u16.to_ne_bytes());
    request[18..20].copy_from_slice(&IFLA_EXT_MASK.to_ne_bytes());
    request[20..].copy_from_slice(&SKIP_STATS.to_ne_bytes());
    dump(
        namespace,
        "route/link",
        None,
        RTM_GETLINK,
        &request,
        encoder,
    )
}

/// Writes the raw source `route/addr`: `RTM_NEWADDR` messages of all address families.
pub(crate) fn addresses(namespace: &Namespace, encoder: &mut BlockEncoder) -> io::Result<()> {
    // struct ifaddrmsg: all families.
    dump(namespace, "route/addr", None, RTM_GETADDR, &[0; 8], encoder)
}

/// Writes the raw source `netfilter/conntrack`. The caller checks that its module is loaded.
pub(crate) fn conntrack(namespace: &Namespace, encoder: &mut BlockEncoder) -> io::Result<()> {
    // struct nfgenmsg: all families, version 0.
    dump(
        namespace,
        "netfilter/conntrack",
        Some(NETFILTER),
        CT_GET,
        &[0; 4],
        encoder,
    )
}

fn dump(
    namespace: &Namespace,
    source: &str,
    protocol: Option<Protocol>,
    kind: u16,
    request: &[u8],
    encoder: &mut BlockEncoder,
) -> io::Result<()> {
    let mut raw = encoder.raw(namespace.header(source, 1));
    match Socket::with_protocol(protocol) {
        Err(errno) => raw.finish(errno_number(errno), 0),
        Ok(mut socket) => {
            let dump_end = socket.dump(kind, request, |bytes| raw.push(bytes))?;
            raw.finish(dump_end.errno, dump_end.flags)
        }
    }
}
