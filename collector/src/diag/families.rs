//! Dumps the socket families other than Unix, one request for each, with all attributes that the
//! kernel offers.
//!
//! References: `linux/inet_diag.h`, `linux/netlink_diag.h`, `linux/packet_diag.h`,
//! `linux/vm_sockets_diag.h`, `linux/xdp_diag.h`.

use std::io;

use whotalks_snapshot::netlink::{ByteOrder, messages};
use whotalks_snapshot::records::RawHeader;

use super::{DumpEnd, LISTEN, SOCK_DIAG_BY_FAMILY, Socket};
use crate::block_channel::BlockEncoder;
use crate::netns::Namespace;

const AF_INET: u8 = 2;
const AF_INET6: u8 = 10;
const AF_NETLINK: u8 = 16;
const AF_PACKET: u8 = 17;
const AF_VSOCK: u8 = 40;
const AF_XDP: u8 = 44;
/// `IPPROTO_MPTCP`, which does not fit the one-byte field of the request.
const IPPROTO_MPTCP: u32 = 262;
/// `INET_DIAG_REQ_PROTOCOL`.
const REQ_PROTOCOL: u16 = 3;
/// `INET_DIAG_MEMINFO` (bit 0) to `INET_DIAG_SHUTDOWN` (bit 7): all that the one-byte field can
/// request.
const ALL_EXTENSIONS: u8 = 0xff;
/// `NDIAG_PROTO_ALL`.
const NDIAG_PROTO_ALL: u8 = 255;
/// Attempts at a dump that the kernel flags as interrupted.
const ATTEMPTS: u8 = 3;

/// The first so many of [`FAMILIES`] are read again in the second look: their sockets are created
/// and closed often.
pub(crate) const REPEATED: usize = 4;

/// The layout of a family's request.
#[derive(Debug, Clone, Copy)]
enum RequestKind {
    /// `struct inet_diag_req_v2` with this protocol.
    Inet(u32),
    /// Family, protocol, inode, a mask of what to show, cookie.
    Shown { protocol: u8, show: u32 },
    /// The same with a mask of states before the inode.
    States { show: u32 },
}

/// A socket family or protocol that can be dumped.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Family {
    /// Name of the raw source.
    pub(crate) source: &'static str,
    /// The kernel module that implements the dump, if not built in.
    pub(crate) module: &'static str,
    family: u8,
    request_kind: RequestKind,
}

const fn inet(source: &'static str, module: &'static str, family: u8, protocol: u32) -> Family {
    Family {
        source,
        module,
        family,
        request_kind: RequestKind::Inet(protocol),
    }
}

const fn shown(source: &'static str, module: &'static str, family: u8, show: u32) -> Family {
    let protocol = if family == AF_NETLINK {
        NDIAG_PROTO_ALL
    } else {
        0
    };
    Family {
        source,
        module,
        family,
        request_kind: RequestKind::Shown { protocol, show },
    }
}

/// All families, the largest tables first.
pub(crate) const FAMILIES: [Family; 18] = [
    inet("diag/tcp", "tcp_diag", AF_INET, 6),
    inet("diag/tcp6", "tcp_diag", AF_INET6, 6),
    inet("diag/udp", "udp_diag", AF_INET, 17),
    inet("diag/udp6", "udp_diag", AF_INET6, 17),
    inet("diag/mptcp", "mptcp_diag", AF_INET, IPPROTO_MPTCP),
    inet("diag/mptcp6", "mptcp_diag", AF_INET6, IPPROTO_MPTCP),
    inet("diag/raw", "raw_diag", AF_INET, 255),
    inet("diag/raw6", "raw_diag", AF_INET6, 255),
    inet("diag/udplite", "udp_diag", AF_INET, 136),
    inet("diag/udplite6", "udp_diag", AF_INET6, 136),
    inet("diag/sctp", "sctp_diag", AF_INET, 132),
    inet("diag/sctp6", "sctp_diag", AF_INET6, 132),
    inet("diag/dccp", "dccp_diag", AF_INET, 33),
    inet("diag/dccp6", "dccp_diag", AF_INET6, 33),
    // NDIAG_SHOW_MEMINFO, _GROUPS, _RING_CFG, _FLAGS.
    shown("diag/netlink", "netlink_diag", AF_NETLINK, 0x0f),
    // PACKET_SHOW_INFO, _MCLIST, _RING_CFG, _FANOUT, _MEMINFO, _FILTER.
    shown("diag/packet", "af_packet_diag", AF_PACKET, 0x3f),
    // XDP_SHOW_INFO, _RING_CFG, _UMEM, _MEMINFO, _STATS.
    shown("diag/xdp", "xsk_diag", AF_XDP, 0x1f),
    Family {
        source: "diag/vsock",
        module: "vsock_diag",
        family: AF_VSOCK,
        request_kind: RequestKind::States { show: 0 },
    },
];

impl Family {
    fn request(&self) -> Vec<u8> {
        let mut bytes = vec![self.family, 0, 0, 0];
        let mut words = |words: &[u32]| {
            for word in words {
                bytes.extend_from_slice(&word.to_ne_bytes());
            }
        };
        match self.request_kind {
            RequestKind::Inet(protocol) => {
                words(&[u32::MAX]); // all states
                words(&[0; 12]); // struct inet_diag_sockid: no filter
                bytes[1] = u8::try_from(protocol).unwrap_or(u8::MAX);
                bytes[2] = ALL_EXTENSIONS;
                if protocol > 255 {
                    bytes.extend_from_slice(&8_u16.to_ne_bytes());
                    bytes.extend_from_slice(&REQ_PROTOCOL.to_ne_bytes());
                    bytes.extend_from_slice(&protocol.to_ne_bytes());
                }
            }
            RequestKind::Shown { protocol, show } => {
                words(&[0, show, u32::MAX, u32::MAX]);
                bytes[1] = protocol;
            }
            RequestKind::States { show } => words(&[u32::MAX, 0, show, u32::MAX, u32::MAX]),
        }
        bytes
    }

    /// Whether a socket of this family without a holder needs a second look. The collector's own
    /// netlink sockets would always need one.
    pub(crate) fn has_holders(&self) -> bool {
        matches!(self.request_kind, RequestKind::Inet(_))
    }

    /// Returns the inodes in a dump, without 0, which stands for a socket that no process holds.
    /// With each, whether the socket listens.
    pub(crate) fn inodes<'b>(
        &self,
        bytes: &'b [u8],
    ) -> impl Iterator<Item = (u32, bool)> + use<'b> {
        // Offsets of the inode and the state in struct inet_diag_msg, netlink_diag_msg,
        // packet_diag_msg or xdp_diag_msg, vsock_diag_msg.
        let (at, state) = match self.request_kind {
            RequestKind::Inet(_) => (68, Some(1)),
            RequestKind::Shown { .. } if self.family == AF_NETLINK => (16, None),
            RequestKind::Shown { .. } => (4, None),
            RequestKind::States { .. } => (24, Some(2)),
        };
        messages(bytes, ByteOrder::NATIVE)
            .filter_map(move |message| {
                let payload = message.ok()?.payload;
                let state = state.and_then(|state: usize| payload.get(state));
                let listens = state == Some(&LISTEN);
                Some((ByteOrder::NATIVE.u32(payload, at)?, listens))
            })
            .filter(|(inode, _)| *inode != 0)
    }

    /// Reads the dump, and again if the kernel reports that the table changed meanwhile.
    pub(crate) fn read(
        &self,
        namespace: &Namespace,
        pass: u8,
        socket: &mut Socket,
        encoder: &mut BlockEncoder,
        mut each: impl FnMut(&[u8]),
    ) -> io::Result<()> {
        for attempt in 0..ATTEMPTS {
            let mut header = namespace.header(self.source, pass);
            header.attempt = attempt;
            let mut raw = encoder.raw(header);
            let dump_end = socket.dump(SOCK_DIAG_BY_FAMILY, &self.request(), |bytes| {
                each(bytes);
                raw.push(bytes)
            })?;
            let DumpEnd { errno, flags } = dump_end;
            raw.finish(errno, flags)?;
            if flags & RawHeader::INTERRUPTED == 0 {
                break;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn request_sizes() {
        let bytes = |source: &str| {
            let family = FAMILIES.iter().find(|family| family.source == source);
            family.map(|family| family.request().len())
        };
        for (source, expected) in [
            ("diag/tcp", 56),
            ("diag/mptcp6", 64),
            ("diag/netlink", 20),
            ("diag/packet", 20),
            ("diag/xdp", 20),
            ("diag/vsock", 24),
        ] {
            assert_eq!(bytes(source), Some(expected), "{source}");
        }
    }
}
