//! Builds small maps for unit tests, one thing at a time. Real maps come from [`build`](super::build).

use super::{
    Connection, ConnectionKind, ConnectionState, Evidence, Family, FdTarget, FdsStatus, Holder,
    Host, HostCoverage, HostId, ListenerEvidence, Map, Name, Pipe, PipeId, PipeKey, Process,
    ProcessId, Socket, SocketId, SocketState, SocketType, ThreadState, Wait,
};

/// A process holds it as descriptor 5; whether that is close-on-exec is unknown.
impl From<ProcessId> for Holder {
    fn from(process: ProcessId) -> Self {
        (process, 5, None).into()
    }
}

/// Process, descriptor, close-on-exec.
impl From<(ProcessId, u32, Option<bool>)> for Holder {
    fn from((process, fd, cloexec): (ProcessId, u32, Option<bool>)) -> Self {
        Self {
            process,
            tid: None,
            fd,
            through_io_uring: false,
            cloexec,
            keeps: None,
        }
    }
}

impl Map {
    /// A map of one empty host.
    pub(crate) fn with_host() -> Self {
        Self {
            hosts: vec![Host {
                hostname: b"desk"[..].into(),
                coverage: HostCoverage {
                    complete: true,
                    ..HostCoverage::default()
                },
                ..Host::default()
            }],
            ..Self::default()
        }
    }

    /// Adds a process whose descriptors were read. Pids must rise.
    pub(crate) fn add_process(&mut self, pid: u32, comm: &[u8]) -> ProcessId {
        self.processes.push(Process {
            pid,
            comm: comm.into(),
            fds_status: FdsStatus::Read,
            ..Process::default()
        });
        ProcessId::new(self.processes.len() - 1)
    }

    /// Adds an unnamed, connected Unix stream socket.
    pub(crate) fn add_socket<H: Copy + Into<Holder>>(&mut self, holders: &[H]) -> SocketId {
        let inode = 1_000 + self.sockets.len() as u64;
        let socket = Socket {
            netns: Some(1),
            kind: SocketType::Stream,
            state: SocketState::Established,
            holders_complete: true,
            seen_twice: true,
            ..Socket::unknown(HostId(0), inode, Family::Unix)
        };
        self.push_socket(socket, sorted(holders))
    }

    /// Replaces the holders of a socket.
    pub(crate) fn set_holders<H: Copy + Into<Holder>>(&mut self, socket: SocketId, holders: &[H]) {
        self.sockets[socket.index()].holders = self.push_holders(sorted(holders));
    }

    /// Adds a listening Unix socket; `name` as `UNIX_DIAG_NAME` gives it.
    pub(crate) fn add_listener<H: Copy + Into<Holder>>(
        &mut self,
        holders: &[H],
        name: &[u8],
    ) -> SocketId {
        let id = self.add_socket(holders);
        let socket = &mut self.sockets[id.index()];
        socket.state = SocketState::Listening;
        socket.name = Name::from_diag(name);
        id
    }

    /// Adds a connection between two sockets, accepted by a listener where one is given, and returns
    /// its index.
    pub(crate) fn connect(
        &mut self,
        a: SocketId,
        b: Option<SocketId>,
        listener: Option<SocketId>,
    ) -> usize {
        let kind = match self.socket(a).family {
            Family::Unix => ConnectionKind::Unix,
            _ => ConnectionKind::Inet,
        };
        self.connections.push(Connection {
            kind,
            a,
            b,
            listener,
            state: ConnectionState::Established,
            evidence: Evidence::Peer,
            listener_evidence: listener.map(|_| ListenerEvidence::Vfs),
            confirmed: true,
            bound_to: None,
            listener_group: Box::default(),
            orphan: None,
            translation: None,
            hidden: false,
        });
        self.connections.len() - 1
    }

    /// Adds two sockets and their connection, and returns the connection's index.
    pub(crate) fn add_connection<H: Copy + Into<Holder>>(
        &mut self,
        from: &[H],
        to: &[H],
        listener: Option<SocketId>,
    ) -> usize {
        let (a, b) = (self.add_socket(from), self.add_socket(to));
        self.connect(a, Some(b), listener)
    }

    /// Adds a pipe.
    pub(crate) fn add_pipe<H: Copy + Into<Holder>>(
        &mut self,
        writers: &[H],
        readers: &[H],
    ) -> PipeId {
        self.pipes.push(Pipe {
            host: HostId(0),
            key: PipeKey::Pipe(500 + self.pipes.len() as u64),
            path: None,
            readers: sorted(readers),
            writers: sorted(writers),
            hidden: false,
        });
        PipeId::new(self.pipes.len() - 1)
    }

    /// Adds what a thread is doing.
    pub(crate) fn add_wait(&mut self, process: ProcessId, tid: u32, state: ThreadState) {
        let wait = Wait {
            process,
            tid,
            comm: Box::default(),
            wchan: Box::default(),
            state,
        };
        let key = (process, tid);
        let index = self
            .waits
            .partition_point(|wait| (wait.process, wait.tid) <= key);
        self.waits.insert(index, wait);
    }

    /// The socket or pipe that a process holds as a descriptor.
    pub(crate) fn fd_target(&self, process: ProcessId, fd: u32) -> FdTarget {
        let leads = |holder: &Holder| (holder.process, holder.fd) == (process, fd);
        let mut sockets = (0..self.sockets.len()).map(SocketId::new);
        if let Some(socket) = sockets.find(|id| self.holders(*id).iter().any(leads)) {
            return FdTarget::Socket(socket);
        }
        let holds = |pipe: &Pipe| pipe.readers.iter().chain(&pipe.writers).any(leads);
        let pipe = self.pipes.iter().position(holds);
        pipe.map_or(FdTarget::Unknown, |index| {
            FdTarget::Pipe(PipeId::new(index))
        })
    }
}

fn sorted<H: Copy + Into<Holder>>(holders: &[H]) -> Vec<Holder> {
    let mut holders: Vec<Holder> = holders.iter().map(|holder| (*holder).into()).collect();
    holders.sort_unstable();
    holders
}
