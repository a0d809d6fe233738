//! The map: hosts, processes, sockets, pipes, and the connections between them, each with its
//! evidence.
//!
//! [`build`] joins the typed rows of `load` into a [`Map`]. Kernel text stays bytes here; nothing in
//! this module knows how it will be printed, and no type here is serialized.

mod bound_path;
mod build;
mod cgroup;
mod cross_check;
mod descriptors;
mod evidence;
pub(crate) mod fd_relation;
#[cfg(test)]
pub(crate) mod fixture;
mod ids;
mod inet_connections;
mod inet_sockets;
mod name;
mod netlink;
mod packet;
mod process;
mod processes;
mod series;
mod series_union;
mod socket;
mod socket_draft;
mod unix_connections;
mod unix_listeners;
mod unix_sockets;
mod vsock;
mod wait;

pub use build::{At, build, build_at, build_whole, join, join_whole};
pub use evidence::{Evidence, ListenerEvidence};
pub use fd_relation::{EpollTarget, FdRelation};
pub use ids::{HostId, PipeId, ProcessId, SocketId};
pub use name::Name;
pub use process::{Container, FdsStatus, Host, HostCoverage, NetnsCoverage, Process, Readable};
pub use series::{Series, TimedCapture, series};
pub use series_union::Seen;
pub use socket::{
    Address, Connection, ConnectionKind, ConnectionState, Family, Holder, Pipe, PipeKey, Socket,
    SocketKey, SocketState, SocketType,
};
pub use wait::{Call, FdTarget, ThreadState, Wait};
pub(crate) use wait::{DescriptorKey, PrivateTables};

use std::ops::Range;

/// Everything that one or several captures say, joined.
#[derive(Debug, Clone, Default)]
pub struct Map {
    /// The hosts, in the order of the files they came from.
    pub hosts: Vec<Host>,
    /// User processes (no kernel threads), by host and pid.
    pub processes: Vec<Process>,
    /// Sockets, by host and key.
    pub sockets: Vec<Socket>,
    /// Connections, by their first end.
    pub connections: Vec<Connection>,
    /// Pipes and FIFOs, by host and key.
    pub pipes: Vec<Pipe>,
    /// What does not fit together, or is not whole.
    pub warnings: Vec<Warning>,
    /// Something was left out on purpose: who seems to talk to nobody may only talk to what is not
    /// here.
    pub restricted: bool,
    /// What threads were doing, by process and thread; only of [`build_whole`].
    pub waits: Vec<Wait>,
    /// Relations that are no conversations; only of [`build_whole`].
    pub relations: Vec<FdRelation>,
    /// In how many captures each thing was seen; only of [`At::All`].
    pub seen: Option<Seen>,
    /// All holders, each socket's in one run: see `Map::holders`.
    pub(crate) holders: Vec<Holder>,
}

/// Something that a reader of the map must know to trust it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Warning {
    /// The host it concerns.
    pub host: HostId,
    /// A fixed word: `forged-row`, `table-mismatch`, `damage`, ….
    pub kind: &'static str,
    /// One sentence; names in it are already made printable.
    pub text: String,
}

impl Map {
    /// Who holds a socket: by process, then descriptor.
    pub fn holders(&self, socket: SocketId) -> &[Holder] {
        let Range { start, end } = self.sockets[socket.index()].holders;
        &self.holders[start as usize..end as usize]
    }

    /// Adds a socket and its holders, which must be sorted.
    pub(crate) fn push_socket(
        &mut self,
        socket: Socket,
        holders: impl IntoIterator<Item = Holder>,
    ) -> SocketId {
        let holders = self.push_holders(holders);
        self.sockets.push(Socket { holders, ..socket });
        SocketId::new(self.sockets.len() - 1)
    }

    /// Adds the holders of one socket, sorted, and returns their range for [`Socket::holders`].
    pub(crate) fn push_holders(&mut self, holders: impl IntoIterator<Item = Holder>) -> Range<u32> {
        let start = self.holders.len() as u32;
        self.holders.extend(holders);
        start..self.holders.len() as u32
    }

    /// The socket of an id.
    pub fn socket(&self, id: SocketId) -> &Socket {
        &self.sockets[id.index()]
    }

    /// The process of an id.
    pub fn process(&self, id: ProcessId) -> &Process {
        &self.processes[id.index()]
    }

    /// The distinct processes that hold a socket, in order.
    pub fn holding_processes(&self, socket: SocketId) -> Vec<ProcessId> {
        let mut processes: Vec<_> = self.holders(socket).iter().map(|h| h.process).collect();
        processes.dedup();
        processes
    }
}
