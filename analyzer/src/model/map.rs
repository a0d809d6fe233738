//! The map: hosts, processes, sockets, connections and pipes of one or several captures, joined.
//!
//! Holds rows and looks them up; answers no questions and does not know how it was built.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::channel::Channel;
use super::connection::Connection;
use super::departed::Departed;
use super::fd_relation::FdRelation;
use super::holder::Holder;
use super::host::Host;
use super::ids::{HostId, ProcessId, SocketId};
use super::left_out::LeftOut;
use super::pipe::Pipe;
use super::process::Process;
use super::seen::Seen;
use super::socket::{Socket, SocketKey};
use super::tcp_times::TcpTimes;
use super::wait::Wait;
use super::warning::Warning;

/// The contents of one or several captures, joined.
#[derive(Debug, Clone, Default)]
pub struct Map {
    /// The hosts, in the order of their files.
    pub hosts: Vec<Host>,
    /// User processes (no kernel threads), by host and pid.
    pub processes: Vec<Process>,
    /// Sockets, by host and key.
    pub sockets: Vec<Socket>,
    /// Connections, by their first end.
    pub connections: Vec<Connection>,
    /// Pipes and FIFOs, by host and key.
    pub pipes: Vec<Pipe>,
    /// Other ways to talk, and file locks, by host and number.
    pub channels: Vec<Channel>,
    /// Connections of which only a row without a socket is left, by host, namespace and server.
    pub departed: Vec<Departed>,
    /// Inconsistencies and gaps, sorted.
    pub warnings: Vec<Warning>,
    /// Whether a filter removed rows: an item without connections may have some outside the map.
    pub restricted: bool,
    /// Conversations with loggers that a filter left out: those marked as hidden, or their number where
    /// the rows were removed.
    pub hidden_logs: HiddenLogs,
    /// What a filter left out around the rows that are left.
    pub left_out: LeftOut,
    /// States of threads, by process and thread; only of [`build_whole`](super::build_whole).
    pub waits: Vec<Wait>,
    /// When data last went over TCP connections, by end; only of [`build_whole`](super::build_whole).
    pub tcp_times: BTreeMap<SocketId, TcpTimes>,
    /// Relations other than connections; only of [`build_whole`](super::build_whole).
    pub relations: Vec<FdRelation>,
    /// In how many captures each item was present; only of [`At::All`](super::At::All).
    pub seen: Option<Seen>,
    /// All holders, those of each socket in one range: see `Map::holders`.
    pub(crate) holders: Vec<Holder>,
}

/// Conversations with loggers that a filter left out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HiddenLogs {
    /// Their number.
    pub conversations: usize,
    /// Names of the loggers, printable; empty where none is known.
    pub loggers: BTreeSet<String>,
}

impl Map {
    /// The holders of a socket, by process, then descriptor.
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

    /// The socket of a host by its key.
    pub fn socket_of(&self, host: HostId, key: SocketKey) -> Option<SocketId> {
        let by_key = |socket: &Socket| (socket.host, socket.key).cmp(&(host, key));
        let index = self.sockets.binary_search_by(by_key).ok()?;
        Some(SocketId::new(index))
    }

    /// The process of an id.
    pub fn process(&self, id: ProcessId) -> &Process {
        &self.processes[id.index()]
    }

    /// The distinct processes that hold a socket and may use it, in order: without those that only
    /// keep it.
    pub fn using_processes(&self, socket: SocketId) -> Vec<ProcessId> {
        using_processes(self.holders(socket))
    }

    /// The distinct processes that hold a socket, in order.
    pub fn holding_processes(&self, socket: SocketId) -> Vec<ProcessId> {
        let mut processes: Vec<_> = self.holders(socket).iter().map(|h| h.process).collect();
        processes.dedup();
        processes
    }
}

/// The distinct processes among the holders that may use what they hold, in order.
pub(crate) fn using_processes(holders: &[Holder]) -> Vec<ProcessId> {
    let users = holders.iter().filter(|holder| holder.keeps.is_none());
    let mut processes: Vec<_> = users.map(|holder| holder.process).collect();
    processes.dedup();
    processes
}
