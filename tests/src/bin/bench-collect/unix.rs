//! The two tables of Unix sockets, read and thrown away.

use std::fs::File;
use std::io::Read;

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

/// Every row of the dump of `AF_UNIX`.
pub(crate) fn dump() -> Result<()> {
    let (kind, flags) = (SocketType::RAW, SocketFlags::CLOEXEC);
    let protocol = Some(netlink::SOCK_DIAG);
    let socket = socket_with(AddressFamily::NETLINK, kind, flags, protocol)?;
    // struct nlmsghdr, struct unix_diag_req.
    let mut request = 40_u32.to_ne_bytes().to_vec();
    request.extend(SOCK_DIAG_BY_FAMILY.to_ne_bytes());
    request.extend(FLAGS.to_ne_bytes());
    request.extend([0; 8]);
    request.extend([1, 0, 0, 0]);
    for word in [u32::MAX, 0, SHOW, u32::MAX, u32::MAX] {
        request.extend(word.to_ne_bytes());
    }
    send(&socket, &request, SendFlags::empty())?;
    let mut buffer = vec![0; 1 << 20];
    loop {
        let (_, length) = recv(&socket, &mut buffer[..], RecvFlags::empty())?;
        let mut rest = &buffer[..length];
        while let [a, b, c, d, e, f, ..] = *rest {
            match u16::from_ne_bytes([e, f]) {
                NLMSG_DONE => return Ok(()),
                NLMSG_ERROR => bail!("no dump of Unix sockets"),
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

/// `/proc/net/unix`.
pub(crate) fn text() -> Result<()> {
    let mut buffer = vec![0; 256 << 10];
    let mut file = File::open("/proc/net/unix")?;
    while file.read(&mut buffer)? > 0 {}
    Ok(())
}
