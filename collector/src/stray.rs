//! Network namespaces that nothing shows but a socket: no process lives in one, it is not mounted,
//! nobody holds a descriptor of it, yet a socket that was made there is still in use.
//!
//! The socket itself tells, to one who holds it: it is duplicated for a moment (pidfd_getfd(2), since
//! Linux 5.6, with the right to trace its owner), asked, and let go. Only sockets that no table
//! listed are, and none under `--passive`.

use std::collections::BTreeSet;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;

use rustix::fs::{FileType, fstat};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, PidfdGetfdFlags, pidfd_getfd, pidfd_open};

use whotalks_snapshot::records::RawHeader;

use crate::clock;
use crate::found::{Source, Way};
use crate::holders;
use crate::netns::Space;
use crate::patience::Asker;
use crate::proc::kept::Kept;
use crate::proc::number;
use crate::sink::Lane;
use crate::sys;

/// Sockets that are asked. Families without a table of their own are among them.
const QUESTIONS: usize = 1_024;

/// Namespaces that only these sockets show.
pub(crate) fn spaces(tables: &[Kept], unlisted: &BTreeSet<u64>, known: &[Space]) -> Vec<Space> {
    let mut strays: Vec<Space> = Vec::new();
    let mut asker = Asker::default();
    let holders = holders::first_holders(tables, unlisted);
    for (socket, (pid, fd)) in holders.into_iter().take(QUESTIONS) {
        let Ok(Some((inode, file))) = asker.ask(move || namespace(pid, fd, socket)) else {
            continue;
        };
        if known
            .iter()
            .chain(&strays)
            .any(|space| space.inode == inode)
        {
            continue;
        }
        let way = Way {
            source: Source::Socket,
            pid,
            fd,
            path: Vec::new(),
        };
        strays.push(Space {
            inode,
            way,
            own: false,
            file: Some(Arc::new(file)),
        });
    }
    strays
}

/// Records how many sockets were in no table, and whether some of them were not asked: under
/// `--passive` none is.
pub(crate) fn record(unlisted: &BTreeSet<u64>, asked: bool, lane: &mut Lane) -> io::Result<()> {
    let cut = unlisted.len() > QUESTIONS;
    let (errno, flags) = match asked {
        true if cut => (0, RawHeader::TRUNCATED),
        false if !unlisted.is_empty() => (number(Errno::CANCELED), 0),
        _ => (0, 0),
    };
    let raw = lane.raw(RawHeader {
        source: b"unlisted-sockets".to_vec(),
        pass: 1,
        at_boottime_ns: clock::boottime_ns(),
        key: unlisted.len() as u64,
        ..RawHeader::default()
    });
    raw.finish(errno, flags)
}

/// The network namespace of this socket in another process, and its inode.
fn namespace(pid: u32, fd: u32, socket_inode: u64) -> Option<(u64, OwnedFd)> {
    let pid = Pid::from_raw(i32::try_from(pid).ok()?)?;
    let process = pidfd_open(pid, PidfdFlags::empty()).ok()?;
    let socket = pidfd_getfd(process, i32::try_from(fd).ok()?, PidfdGetfdFlags::empty()).ok()?;
    // By now the number may stand for something else, which is let go without a question.
    let is = fstat(&socket).ok()?;
    if FileType::from_raw_mode(is.st_mode) != FileType::Socket || is.st_ino != socket_inode {
        return None;
    }
    let file = sys::socket_netns(socket.as_fd()).ok()?;
    Some((fstat(&file).ok()?.st_ino, file))
}
