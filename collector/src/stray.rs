//! Network namespaces that nothing shows but a socket: no process lives in one, it is not mounted,
//! nobody holds a descriptor of it, yet a socket that was made there is still in use.
//!
//! The socket itself tells, to one who holds it: it is duplicated for a moment (pidfd_getfd(2), since
//! Linux 5.6, with the right to trace its owner), asked, and let go. Only sockets that no table
//! listed are, and none under `--passive`.

use std::collections::BTreeSet;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;

use rustix::fs::fstat;
use rustix::process::{Pid, PidfdFlags, PidfdGetfdFlags, pidfd_getfd, pidfd_open};

use crate::found::{Source, Way};
use crate::holders;
use crate::netns::Space;
use crate::proc::kept::Kept;
use crate::sys;

/// Sockets that are asked. Families without a table of their own are among them.
const QUESTIONS: usize = 256;

/// Namespaces that only these sockets show.
pub(crate) fn spaces(tables: &[Kept], unlisted: &BTreeSet<u64>, known: &[Space]) -> Vec<Space> {
    let mut strays: Vec<Space> = Vec::new();
    let holders = holders::first_holders(tables, unlisted);
    for (pid, fd) in holders.into_values().take(QUESTIONS) {
        let Some((inode, file)) = namespace(pid, fd) else {
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

/// The network namespace of a socket in another process, and its inode.
fn namespace(pid: u32, fd: u32) -> Option<(u64, OwnedFd)> {
    let pid = Pid::from_raw(i32::try_from(pid).ok()?)?;
    let process = pidfd_open(pid, PidfdFlags::empty()).ok()?;
    let socket = pidfd_getfd(process, i32::try_from(fd).ok()?, PidfdGetfdFlags::empty()).ok()?;
    let file = sys::socket_netns(socket.as_fd()).ok()?;
    Some((fstat(&file).ok()?.st_ino, file))
}
