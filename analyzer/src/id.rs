//! Ids of things in documents and drawings: stable within a file, the same in every output.

use crate::model::{Map, PipeId, PipeKey, ProcessId, SocketId, SocketKey};

/// `h0`.
pub fn host(host: crate::model::HostId) -> String {
    format!("h{}", host.0)
}

/// `h0/p812`.
pub fn process(map: &Map, id: ProcessId) -> String {
    process_beside(map, id, 0)
}

/// The same in a document of two maps, where so many hosts come before this map's.
pub fn process_beside(map: &Map, id: ProcessId, hosts: usize) -> String {
    let process = map.process(id);
    format!("h{}/p{}", hosts + process.host.index(), process.pid)
}

/// `h0/s1452` by inode; `h0/k77` by cookie.
pub fn socket(map: &Map, id: SocketId) -> String {
    socket_beside(map, id, 0)
}

/// The same in a document of two maps, where so many hosts come before this map's.
pub fn socket_beside(map: &Map, id: SocketId, hosts: usize) -> String {
    let socket = map.socket(id);
    let host = hosts + socket.host.index();
    match socket.key {
        SocketKey::Inode(inode) => format!("h{host}/s{inode}"),
        SocketKey::Cookie(cookie) => format!("h{host}/k{cookie}"),
    }
}

/// `h0/i991` for a pipe, `h0/f2049-12` for a FIFO.
pub fn pipe(map: &Map, id: PipeId) -> String {
    let pipe = &map.pipes[id.index()];
    match pipe.key {
        PipeKey::Pipe(inode) => format!("h{}/i{inode}", pipe.host.0),
        PipeKey::Fifo(dev, inode) => format!("h{}/f{dev}-{inode}", pipe.host.0),
    }
}

/// `h0/c9`: the connection at an index.
pub fn connection(map: &Map, index: usize) -> String {
    format!("h{}/c{index}", map.socket(map.connections[index].a).host.0)
}
