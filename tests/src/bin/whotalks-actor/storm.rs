//! A storm of short-lived processes: each is forked, connects and exits.

use std::io::Result;
use std::os::fd::AsFd;
use std::process::exit;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use whotalks_tests::protocol::{Address, Kind};

use crate::{hex, raw, sockets};

/// `--storm HEX`: accepts at a listener with this abstract name, and forks clients of it as fast as
/// possible until its input ends; then prints their number.
pub(crate) fn run(name: &str) -> ! {
    match storm(&Address::Abstract(hex::decode(name))) {
        Ok(count) => println!("{count}"),
        Err(error) => eprintln!("whotalks-actor: {error}"),
    }
    exit(0)
}

fn storm(address: &Address) -> Result<u64> {
    let listener = sockets::open(address, Kind::Stream)?;
    sockets::name(listener.as_fd(), address)?;
    rustix::net::listen(&listener, 64)?;
    let mut count = 0;
    while !ended()? {
        let child = raw::fork(|| {
            let connected = sockets::client(address, Kind::Stream);
            let paired = sockets::pair(Kind::Stream);
            connected.is_ok() && paired.is_ok()
        })?;
        drop(sockets::accept(listener.as_fd())?);
        raw::wait(child)?;
        count += 1;
    }
    Ok(count)
}

/// Whether the input has ended.
fn ended() -> Result<bool> {
    let mut input = [PollFd::from_borrowed_fd(
        rustix::stdio::stdin(),
        PollFlags::IN,
    )];
    let now = Timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    Ok(poll(&mut input, Some(&now))? > 0)
}
