//! The socket calls of the protocol.

use std::io::{Error, IoSlice, IoSliceMut, Result};
use std::mem::MaybeUninit;
use std::net::SocketAddr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, epoll, poll};
use rustix::net::netlink::{self, SocketAddrNetlink};
use rustix::net::sockopt::{Timeout, set_socket_timeout};
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, SocketAddrUnix, SocketFlags, SocketType, bind, connect,
    recvmsg, sendmsg, socket_with, socketpair,
};
use whotalks_tests::protocol::{Address, Kind};

/// Timeout of the calls that must not block.
const TIMEOUT: Duration = Duration::from_secs(10);

fn socket_type(kind: Kind) -> SocketType {
    match kind {
        Kind::Stream => SocketType::STREAM,
        Kind::Seqpacket => SocketType::SEQPACKET,
        Kind::Datagram => SocketType::DGRAM,
    }
}

fn inet(text: &str) -> Result<SocketAddr> {
    text.parse().map_err(Error::other)
}

fn unix(address: &Address) -> Result<SocketAddrUnix> {
    match address {
        Address::Path(path) => Ok(SocketAddrUnix::new(path.as_slice())?),
        Address::Abstract(name) => Ok(SocketAddrUnix::new_abstract_name(name)?),
        _ => Err(Error::other(format!("{address:?} is no Unix address"))),
    }
}

pub(crate) fn open(address: &Address, kind: Kind) -> Result<OwnedFd> {
    let (family, protocol) = match address {
        Address::Path(_) | Address::Abstract(_) => (AddressFamily::UNIX, None),
        Address::Inet(text) if inet(text)?.is_ipv4() => (AddressFamily::INET, None),
        Address::Inet(_) => (AddressFamily::INET6, None),
        Address::Netlink(_) => (AddressFamily::NETLINK, Some(netlink::USERSOCK)),
    };
    Ok(socket_with(
        family,
        socket_type(kind),
        SocketFlags::CLOEXEC,
        protocol,
    )?)
}

pub(crate) fn pair(kind: Kind) -> Result<[OwnedFd; 2]> {
    let (a, b) = socketpair(
        AddressFamily::UNIX,
        socket_type(kind),
        SocketFlags::CLOEXEC,
        None,
    )?;
    Ok([a, b])
}

pub(crate) fn name(fd: BorrowedFd<'_>, address: &Address) -> Result<()> {
    match address {
        Address::Inet(text) => Ok(bind(fd, &inet(text)?)?),
        Address::Netlink(port) => Ok(bind(fd, &SocketAddrNetlink::new(*port, 0))?),
        _ => Ok(bind(fd, &unix(address)?)?),
    }
}

/// Connects; fails after a timeout if the backlog is full.
pub(crate) fn connect_soon(fd: BorrowedFd<'_>, address: &Address) -> Result<()> {
    set_socket_timeout(fd, Timeout::Send, Some(TIMEOUT))?;
    connect_now(fd, address)?;
    Ok(set_socket_timeout(fd, Timeout::Send, None)?)
}

/// Connects without a timeout.
pub(crate) fn connect_now(fd: BorrowedFd<'_>, address: &Address) -> Result<()> {
    match address {
        Address::Inet(text) => Ok(connect(fd, &inet(text)?)?),
        Address::Netlink(port) => Ok(connect(fd, &SocketAddrNetlink::new(*port, 0))?),
        _ => Ok(connect(fd, &unix(address)?)?),
    }
}

fn wait_readable(fd: BorrowedFd<'_>) -> Result<()> {
    let timeout = Timespec {
        tv_sec: TIMEOUT.as_secs().cast_signed(),
        tv_nsec: 0,
    };
    let mut polled = [PollFd::from_borrowed_fd(fd, PollFlags::IN)];
    match poll(&mut polled, Some(&timeout))? {
        0 => Err(Error::other("nothing came")),
        _ => Ok(()),
    }
}

/// Waits in `epoll_wait(2)` without a timeout.
pub(crate) fn wait_by_epoll(fds: &[impl AsFd]) -> Result<()> {
    let set = epoll::create(epoll::CreateFlags::CLOEXEC)?;
    for (number, fd) in (0..).zip(fds) {
        let data = epoll::EventData::new_u64(number);
        epoll::add(&set, fd, data, epoll::EventFlags::IN)?;
    }
    let mut events = Vec::with_capacity(1);
    epoll::wait(&set, rustix::buffer::spare_capacity(&mut events), None)?;
    Ok(())
}

/// Waits in `poll(2)` without a timeout.
pub(crate) fn wait_by_poll(fds: &[impl AsFd]) -> Result<()> {
    let polled = fds.iter().map(|fd| PollFd::new(fd, PollFlags::IN));
    poll(&mut polled.collect::<Vec<_>>(), None)?;
    Ok(())
}

pub(crate) fn accept(fd: BorrowedFd<'_>) -> Result<OwnedFd> {
    wait_readable(fd)?;
    Ok(rustix::net::accept_with(fd, SocketFlags::CLOEXEC)?)
}

/// Sends one byte with a descriptor.
pub(crate) fn send_descriptor(over: BorrowedFd<'_>, fd: BorrowedFd<'_>) -> Result<()> {
    let fds = [fd];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    control.push(SendAncillaryMessage::ScmRights(&fds));
    sendmsg(
        over,
        &[IoSlice::new(b"d")],
        &mut control,
        SendFlags::empty(),
    )?;
    Ok(())
}

pub(crate) fn receive_descriptor(over: BorrowedFd<'_>) -> Result<OwnedFd> {
    wait_readable(over)?;
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let mut byte = [0];
    let mut data = [IoSliceMut::new(&mut byte)];
    recvmsg(over, &mut data, &mut control, RecvFlags::CMSG_CLOEXEC)?;
    let fds = control.drain().find_map(|message| match message {
        RecvAncillaryMessage::ScmRights(mut fds) => fds.next(),
        _ => None,
    });
    fds.ok_or_else(|| Error::other("no descriptor came"))
}

/// A connected socket, and its inode.
pub(crate) fn client(address: &Address, kind: Kind) -> Result<(OwnedFd, u64)> {
    let fd = open(address, kind)?;
    connect_soon(fd.as_fd(), address)?;
    let inode = rustix::fs::fstat(&fd)?.st_ino;
    Ok((fd, inode))
}
