//! More of scenes: paths, internet sockets, namespaces, tables.

use std::net::{IpAddr, Ipv4Addr};

use whotalks_snapshot::records::{BoundPath, Host, Process, RawHeader};

use super::test_scene::{Fd, Scene};
use crate::load::RawSource;
use crate::model::{Address, Family, Name, SocketId, SocketState, SocketType};

/// Mount namespace of the host, as [`Scene::set_namespaces`] sets it.
pub(crate) const OWN_MNTNS: u64 = 10;
const OWN_PIDNS: u64 = 11;
const OWN_USERNS: u64 = 12;

/// Device of the file system of bound sockets: the minor number of an unnamed device.
pub(crate) const DEVICE: u32 = 26;

impl Scene {
    /// Sets the namespaces of the host and of all processes so far, which run as root.
    pub(crate) fn set_namespaces(&mut self) {
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

    /// Adds a listener that is bound to a path with this inode.
    pub(crate) fn path_listener(&mut self, holders: &[Fd], path: &str, inode: u32) -> SocketId {
        let id = self.listener(holders, "");
        let socket = self.socket_mut(id);
        socket.name = Name::from_diag(path.as_bytes());
        socket.vfs = Some((inode, DEVICE));
        id
    }

    /// Adds a path that exists in a mount namespace, with its inode and permissions.
    pub(crate) fn path_exists(&mut self, mntns: u64, path: &str, inode: u64, mode: u32) {
        self.bound_path(BoundPath {
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

    /// Adds a path that is missing in a mount namespace, or could not be read.
    pub(crate) fn path_missing(&mut self, mntns: u64, path: &str, errno: u16) {
        self.bound_path(BoundPath {
            mntns,
            path: path.as_bytes().to_vec(),
            found_by: b"bound".to_vec(),
            errno,
            ..BoundPath::default()
        });
    }

    /// Adds the mount table of a mount namespace.
    pub(crate) fn mounts(&mut self, mntns: u64, table: &str) {
        let header = RawHeader {
            source: b"mountinfo".to_vec(),
            mntns,
            ..RawHeader::default()
        };
        self.table(header, table.as_bytes().to_vec());
    }

    /// Adds a kernel table.
    pub(crate) fn table(&mut self, header: RawHeader, bytes: Vec<u8>) {
        let gaps = false;
        self.capture.raw.push(RawSource {
            header,
            bytes,
            gaps,
        });
    }

    /// Adds a captured path.
    fn bound_path(&mut self, path: BoundPath) {
        self.capture.paths.push(path);
    }

    /// Adds a listening TCP socket on the loopback interface.
    pub(crate) fn tcp_listener(&mut self, holders: &[Fd], port: u16) -> SocketId {
        let id = self.tcp_socket(holders, port);
        let socket = self.socket_mut(id);
        socket.state = SocketState::Listening;
        (socket.pending, socket.backlog, socket.accepting) = (Some(0), Some(5), Some(true));
        id
    }

    /// Adds a connected TCP socket.
    pub(crate) fn tcp_socket(&mut self, holders: &[Fd], port: u16) -> SocketId {
        let id = self.socket(holders);
        let socket = self.socket_mut(id);
        (socket.family, socket.protocol) = (Family::Inet, Some("tcp"));
        socket.local = Some(Address::Ip(IpAddr::V4(Ipv4Addr::LOCALHOST), port));
        id
    }

    /// Adds a packet or raw socket.
    pub(crate) fn packet_socket(
        &mut self,
        holders: &[Fd],
        family: Family,
        protocol: &'static str,
    ) -> SocketId {
        let id = self.socket(holders);
        let socket = self.socket_mut(id);
        (socket.family, socket.protocol) = (family, Some(protocol));
        (socket.kind, socket.state) = (SocketType::Raw, SocketState::Unconnected);
        id
    }

    /// Adds the record of a process, for what the map does not contain.
    pub(crate) fn record(&mut self, pid: u32, record: Process) {
        self.capture.processes.push(Process { pid, ..record });
    }

    /// Sets the policy.
    pub(crate) fn policy(&mut self, text: &str) {
        let text = format!("schema = \"whotalks-policy/1\"\n{text}");
        self.policy = Some(text.parse().expect("a test's policy is one"));
    }
}
