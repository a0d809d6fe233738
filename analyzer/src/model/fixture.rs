//! The builder of `test_map` as functions.

use super::{Map, PipeId, ProcessId, SocketId};

pub(crate) fn map() -> Map {
    Map::with_host()
}

pub(crate) fn process(map: &mut Map, pid: u32, comm: &[u8]) -> ProcessId {
    map.add_process(pid, comm)
}

pub(crate) fn listener(map: &mut Map, holders: &[ProcessId], name: &[u8]) -> SocketId {
    map.add_listener(holders, name)
}

pub(crate) fn connect(
    map: &mut Map,
    from: &[ProcessId],
    to: &[ProcessId],
    listener: Option<SocketId>,
) -> usize {
    map.add_connection(from, to, listener)
}

pub(crate) fn pipe(map: &mut Map, writers: &[ProcessId], readers: &[ProcessId]) -> PipeId {
    map.add_pipe(writers, readers)
}
