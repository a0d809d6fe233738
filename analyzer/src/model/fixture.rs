//! Small maps for unit tests, built by hand. Not how a map is made: that is `build`.

use super::{
    Connection, ConnectionKind, ConnectionState, Evidence, Family, FdsStatus, Holder, Host,
    HostCoverage, HostId, ListenerEvidence, Map, Name, Pipe, PipeId, PipeKey, Process, ProcessId,
    Socket, SocketId, SocketState, SocketType,
};

/// A map of one host without anything on it.
pub(crate) fn map() -> Map {
    Map {
        hosts: vec![Host {
            hostname: b"desk"[..].into(),
            coverage: HostCoverage {
                complete: true,
                ..HostCoverage::default()
            },
            ..Host::default()
        }],
        ..Map::default()
    }
}

/// Adds a process.
pub(crate) fn process(map: &mut Map, pid: u32, comm: &[u8]) -> ProcessId {
    map.processes.push(Process {
        pid,
        comm: comm.into(),
        fds_status: FdsStatus::Read,
        ..Process::default()
    });
    ProcessId::new(map.processes.len() - 1)
}

/// Adds an unnamed Unix stream socket with its holders, sorted.
pub(crate) fn socket(map: &mut Map, holders: &[ProcessId]) -> SocketId {
    let inode = 1_000 + map.sockets.len() as u64;
    let start = map.holders.len() as u32;
    map.holders
        .extend(holders.iter().map(|process| holder(*process)));
    map.sockets.push(Socket {
        netns: Some(1),
        kind: SocketType::Stream,
        state: SocketState::Established,
        holders_complete: true,
        seen_twice: true,
        holders: start..map.holders.len() as u32,
        ..Socket::unknown(HostId(0), inode, Family::Unix)
    });
    SocketId::new(map.sockets.len() - 1)
}

fn holder(process: ProcessId) -> Holder {
    Holder {
        process,
        tid: None,
        fd: 5,
        cloexec: None,
    }
}

/// Adds a listening socket; `name` as diag gives it.
pub(crate) fn listener(map: &mut Map, holders: &[ProcessId], name: &[u8]) -> SocketId {
    let id = socket(map, holders);
    let socket = &mut map.sockets[id.index()];
    socket.state = SocketState::Listening;
    socket.name = Name::from_diag(name);
    id
}

/// Adds an established connection from holders to holders, over a listener where there is one.
pub(crate) fn connect(
    map: &mut Map,
    from: &[ProcessId],
    to: &[ProcessId],
    listener: Option<SocketId>,
) -> usize {
    let (a, b) = (socket(map, from), socket(map, to));
    map.connections.push(Connection {
        kind: ConnectionKind::Unix,
        a,
        b: Some(b),
        listener,
        state: ConnectionState::Established,
        evidence: Evidence::Peer,
        listener_evidence: listener.map(|_| ListenerEvidence::Vfs),
        confirmed: true,
    });
    map.connections.len() - 1
}

/// Adds a pipe.
pub(crate) fn pipe(map: &mut Map, writers: &[ProcessId], readers: &[ProcessId]) -> PipeId {
    let ends = |processes: &[ProcessId]| processes.iter().map(|process| holder(*process)).collect();
    map.pipes.push(Pipe {
        host: HostId(0),
        key: PipeKey::Pipe(500 + map.pipes.len() as u64),
        path: None,
        readers: ends(readers),
        writers: ends(writers),
    });
    PipeId::new(map.pipes.len() - 1)
}
