//! Reads the tables of Unix, TCP and UDP sockets, and discards the results.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use anyhow::{Result, bail};
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, netlink, recv, send, socket_with,
};

const NLMSG_ERROR: u16 = 2;
const NLMSG_DONE: u16 = 3;
/// `NLM_F_REQUEST | NLM_F_DUMP`.
const FLAGS: u16 = 0x301;
const SOCK_DIAG_BY_FAMILY: u16 = 20;
/// `UDIAG_SHOW_*`, all but the lists of pending clients.
const SHOW: u32 = 0x77;

/// Reads the dump of `AF_UNIX`.
pub(crate) fn dump() -> Result<()> {
    let mut request = vec![1, 0, 0, 0];
    for word in [u32::MAX, 0, SHOW, u32::MAX, u32::MAX] {
        request.extend(word.to_ne_bytes());
    }
    ask(&request)
}

/// Reads the tables of TCP and UDP, dumps and texts.
pub(crate) fn internet() -> Result<()> {
    for (family, protocol) in [(2, 6), (10, 6), (2, 17), (10, 17)] {
        // struct inet_diag_req_v2: any state, any address.
        let mut request = vec![family, protocol, 0xff, 0];
        request.extend(u32::MAX.to_ne_bytes());
        request.extend([0; 48]);
        ask(&request)?;
    }
    for name in ["tcp", "tcp6", "udp", "udp6"] {
        // A kernel without IPv6 lacks half of them.
        let _ = text(name);
    }
    Ok(())
}

/// Reads a dump; `payload` follows the header of the request.
fn ask(payload: &[u8]) -> Result<()> {
    let (kind, flags) = (SocketType::RAW, SocketFlags::CLOEXEC);
    let protocol = Some(netlink::SOCK_DIAG);
    let socket = socket_with(AddressFamily::NETLINK, kind, flags, protocol)?;
    // struct nlmsghdr.
    let length = u32::try_from(16 + payload.len())?;
    let mut request = length.to_ne_bytes().to_vec();
    request.extend(SOCK_DIAG_BY_FAMILY.to_ne_bytes());
    request.extend(FLAGS.to_ne_bytes());
    request.extend([0; 8]);
    request.extend(payload);
    send(&socket, &request, SendFlags::empty())?;
    let mut buffer = vec![0; 1 << 20];
    loop {
        let (_, length) = recv(&socket, &mut buffer[..], RecvFlags::empty())?;
        let mut rest = &buffer[..length];
        while let [a, b, c, d, e, f, ..] = *rest {
            match u16::from_ne_bytes([e, f]) {
                NLMSG_DONE => return Ok(()),
                NLMSG_ERROR => bail!("no dump of sockets"),
                _ => {}
            }
            let bytes = u32::from_ne_bytes([a, b, c, d]) as usize;
            let Some(next) = rest.get(bytes.next_multiple_of(4).max(16)..) else {
                break;
            };
            rest = next;
        }
    }
}

/// Reads a table below `/proc/net`.
pub(crate) fn text(name: &str) -> Result<()> {
    let mut buffer = vec![0; 256 << 10];
    let mut file = File::open(Path::new("/proc/net").join(name))?;
    while file.read(&mut buffer)? > 0 {}
    Ok(())
}
