//! Finds network namespaces that only a socket refers to: no process is in them, they are not
//! mounted, and no descriptor of them is open.
//!
//! The namespace is obtained from the socket: it is duplicated with pidfd_getfd(2) (Linux 5.6,
//! requires permission to trace its owner), queried with `SIOCGSKNS`, and closed. This is done only
//! for sockets that are in no socket table, and not with `--passive`.

use std::collections::BTreeSet;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;

use rustix::fs::{FileType, fstat};
use rustix::process::{Pid, PidfdFlags, PidfdGetfdFlags, pidfd_getfd, pidfd_open};

use crate::discovered::{NetnsLocation, NetnsSource};
use crate::holders;
use crate::netns::Namespace;
use crate::proc::retained_table::RetainedTable;
use crate::sys;
use crate::timeout::HelperThread;

/// Limit of sockets to query. Sockets of families without a dump are among them.
pub(crate) const SOCKETS_LIMIT: usize = 1_024;

/// Returns the namespaces of these sockets that are not known yet.
pub(crate) fn find(
    tables: &[RetainedTable],
    unlisted: &BTreeSet<u64>,
    known: &[Namespace],
) -> Vec<Namespace> {
    let mut orphans: Vec<Namespace> = Vec::new();
    let mut helper = HelperThread::default();
    let holders = holders::first_holders(tables, unlisted);
    for (socket, (pid, fd)) in holders.into_iter().take(SOCKETS_LIMIT) {
        let Ok(Some((inode, file))) = helper.call(move || socket_namespace(pid, fd, socket)) else {
            continue;
        };
        if known
            .iter()
            .chain(&orphans)
            .any(|namespace| namespace.inode == inode)
        {
            continue;
        }
        let location = NetnsLocation {
            source: NetnsSource::Socket,
            pid,
            tid: 0,
            fd,
            path: Vec::new(),
        };
        orphans.push(Namespace {
            inode,
            location,
            own: false,
            file: Some(Arc::new(file)),
        });
    }
    orphans
}

/// Returns the inode and the descriptor of the network namespace of another process's socket.
fn socket_namespace(pid: u32, fd: u32, socket_inode: u64) -> Option<(u64, OwnedFd)> {
    let pid = Pid::from_raw(i32::try_from(pid).ok()?)?;
    let process = pidfd_open(pid, PidfdFlags::empty()).ok()?;
    let socket = pidfd_getfd(process, i32::try_from(fd).ok()?, PidfdGetfdFlags::empty()).ok()?;
    // The descriptor may refer to another file by now.
    let is = fstat(&socket).ok()?;
    if FileType::from_raw_mode(is.st_mode) != FileType::Socket || is.st_ino != socket_inode {
        return None;
    }
    let file = sys::socket_netns(socket.as_fd()).ok()?;
    Some((fstat(&file).ok()?.st_ino, file))
}
