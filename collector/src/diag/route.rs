//! Addresses of a namespace's interfaces, and its connection tracking: netlink beside sock_diag.
//!
//! References: `rtnetlink(7)`, `linux/netfilter/nfnetlink_conntrack.h`.

use std::io;

use rustix::net::Protocol;
use rustix::net::netlink::NETFILTER;

use super::Socket;
use crate::netns::Space;
use crate::proc::number;
use crate::sink::Lane;

/// `RTM_GETADDR`.
const RTM_GETADDR: u16 = 22;
/// `NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_GET`.
const CT_GET: u16 = 0x101;

/// `route/addr`: `RTM_NEWADDR` messages, of all families.
pub(crate) fn addresses(space: &Space, lane: &mut Lane) -> io::Result<()> {
    // struct ifaddrmsg: any family.
    dump(space, "route/addr", None, RTM_GETADDR, &[0; 8], lane)
}

/// `netfilter/conntrack`: what is tracked, where the module that tells is already there.
pub(crate) fn conntrack(space: &Space, lane: &mut Lane) -> io::Result<()> {
    // struct nfgenmsg: any family, version 0.
    dump(
        space,
        "netfilter/conntrack",
        Some(NETFILTER),
        CT_GET,
        &[0; 4],
        lane,
    )
}

fn dump(
    space: &Space,
    source: &str,
    protocol: Option<Protocol>,
    kind: u16,
    request: &[u8],
    lane: &mut Lane,
) -> io::Result<()> {
    let mut raw = lane.raw(space.header(source, 1));
    match Socket::with_protocol(protocol) {
        Err(errno) => raw.finish(number(errno), 0),
        Ok(mut socket) => {
            let ending = socket.dump(kind, request, |bytes| raw.push(bytes))?;
            raw.finish(ending.errno, ending.flags)
        }
    }
}
