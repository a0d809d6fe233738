//! More for the rules' own scenes: paths, internet sockets, namespaces.

use std::net::{IpAddr, Ipv4Addr};

use whotalks_snapshot::records::{BoundPath, Host, Process, RawHeader};

use super::fixture::{Fd, Scene};
use crate::load::RawSource;
use crate::model::{Address, Family, Name, SocketId, SocketState, SocketType};

/// Namespaces of the machine itself, as [`Scene::machine`] makes it.
pub(crate) const OWN_MNTNS: u64 = 10;
const OWN_PIDNS: u64 = 11;
const OWN_USERNS: u64 = 12;

/// Device of the file system that scenes' sockets are on: minor of an unnamed one.
pub(crate) const DEVICE: u32 = 26;

impl Scene {
    /// The machine's own namespaces are known, and everybody so far lives in them.
    pub(crate) fn machine(&mut self) {
        self.capture.host = Some(Host {
            mntns: OWN_MNTNS,
            pidns: OWN_PIDNS,
            userns: OWN_USERNS,
            ..Host::default()
        });
        for process in &mut self.map.processes {
            (process.netns, process.mntns) = (Some(1), Some(OWN_MNTNS));
            (process.pidns, process.userns) = (Some(OWN_PIDNS), Some(OWN_USERNS));
            process.uid = Some(0);
        }
    }

    /// A listener at a path, which is bound to this inode.
    pub(crate) fn at_path(&mut self, holders: &[Fd], path: &str, inode: u32) -> SocketId {
        let id = self.listener(holders, "");
        let socket = &mut self.map.sockets[id.index()];
        socket.name = Name::from_diag(path.as_bytes());
        socket.vfs = Some((inode, DEVICE));
        id
    }

    /// What a mount namespace shows at a path: an inode and permissions.
    pub(crate) fn shows(&mut self, mntns: u64, path: &str, inode: u64, mode: u32) {
        self.look(BoundPath {
            mntns,
            path: path.as_bytes().to_vec(),
            found_by: b"bound".to_vec(),
            dev: DEVICE.into(),
            ino: inode,
            mode: 0o140_000 | mode,
            nlink: 1,
            parent_modes: 0o40_755_u32.to_le_bytes().to_vec(),
            ..BoundPath::default()
        });
    }

    /// A path that a mount namespace has nothing at, or that could not be looked at.
    pub(crate) fn lacks(&mut self, mntns: u64, path: &str, errno: u16) {
        self.look(BoundPath {
            mntns,
            path: path.as_bytes().to_vec(),
            found_by: b"bound".to_vec(),
            errno,
            ..BoundPath::default()
        });
    }

    /// What a mount namespace has mounted.
    pub(crate) fn mounts(&mut self, mntns: u64, table: &str) {
        let header = RawHeader {
            source: b"mountinfo".to_vec(),
            mntns,
            ..RawHeader::default()
        };
        self.table(header, table.as_bytes().to_vec());
    }

    /// A table of the kernel, as it was read.
    pub(crate) fn table(&mut self, header: RawHeader, bytes: Vec<u8>) {
        let gaps = false;
        self.capture.raw.push(RawSource {
            header,
            bytes,
            gaps,
        });
    }

    pub(crate) fn look(&mut self, look: BoundPath) {
        self.capture.paths.push(look);
    }

    /// A listening TCP socket on the loopback interface.
    pub(crate) fn tcp(&mut self, holders: &[Fd], port: u16) -> SocketId {
        let id = self.inet(holders, port);
        let socket = &mut self.map.sockets[id.index()];
        socket.state = SocketState::Listening;
        (socket.pending, socket.backlog, socket.accepting) = (Some(0), Some(5), Some(true));
        id
    }

    /// A connected TCP socket.
    pub(crate) fn inet(&mut self, holders: &[Fd], port: u16) -> SocketId {
        let id = self.socket(holders);
        let socket = &mut self.map.sockets[id.index()];
        (socket.family, socket.protocol) = (Family::Inet, Some("tcp"));
        socket.local = Some(Address::Ip(IpAddr::V4(Ipv4Addr::LOCALHOST), port));
        id
    }

    /// A packet or raw socket.
    pub(crate) fn raw(
        &mut self,
        holders: &[Fd],
        family: Family,
        protocol: &'static str,
    ) -> SocketId {
        let id = self.socket(holders);
        let socket = &mut self.map.sockets[id.index()];
        (socket.family, socket.protocol) = (family, Some(protocol));
        (socket.kind, socket.state) = (SocketType::Raw, SocketState::Unconnected);
        id
    }

    /// The record of a process, for what the map does not have.
    pub(crate) fn record(&mut self, pid: u32, record: Process) {
        self.capture.processes.push(Process { pid, ..record });
    }

    /// What `check --policy` was given.
    pub(crate) fn policy(&mut self, text: &str) {
        self.policy = Some(text.parse().expect("a test's policy is one"));
    }
}
