//! Ids of hosts, processes, sockets, pipes, channels and connections in documents and drawings, such as `h0/s1452`.
//!
//! An id is stable within a snapshot file and the same in every output format.

use crate::model::{Channel, HostId, Map, PipeId, PipeKey, ProcessId, SocketId, SocketKey};

/// `h0`: the host at an index.
pub fn host(host: HostId) -> String {
    format!("h{}", host.0)
}

/// `h0/p812`: by pid.
pub fn process(map: &Map, id: ProcessId) -> String {
    process_beside(map, id, 0)
}

/// The same in a document of several maps, with `hosts` hosts before those of this map.
pub fn process_beside(map: &Map, id: ProcessId, hosts: usize) -> String {
    let process = map.process(id);
    format!("h{}/p{}", hosts + process.host.index(), process.pid)
}

/// `h0/s1452`: by inode; `h0/k77`: by cookie.
pub fn socket(map: &Map, id: SocketId) -> String {
    socket_beside(map, id, 0)
}

/// The same in a document of several maps, with `hosts` hosts before those of this map.
pub fn socket_beside(map: &Map, id: SocketId, hosts: usize) -> String {
    let socket = map.socket(id);
    let host = hosts + socket.host.index();
    match socket.key {
        SocketKey::Inode(inode) => format!("h{host}/s{inode}"),
        SocketKey::Cookie(cookie) => format!("h{host}/k{cookie}"),
    }
}

/// `h0/i991`: a pipe by inode; `h0/f2049-12`: a FIFO by device and inode.
pub fn pipe(map: &Map, id: PipeId) -> String {
    let pipe = &map.pipes[id.index()];
    match pipe.key {
        PipeKey::Pipe(inode) => format!("h{}/i{inode}", pipe.host.0),
        PipeKey::Fifo(dev, inode) => format!("h{}/f{dev}-{inode}", pipe.host.0),
    }
}

/// `h0/y3`: a channel by number.
pub fn channel(channel: &Channel) -> String {
    format!("h{}/y{}", channel.host.0, channel.number)
}

/// `h0/c9`: the connection at an index.
pub fn connection(map: &Map, index: usize) -> String {
    format!("h{}/c{index}", map.socket(map.connections[index].a).host.0)
}
