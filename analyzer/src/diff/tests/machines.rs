//! Random small machines and their maps, for the properties of the comparison.

use proptest::prelude::*;

use crate::model::{Map, ProcessId, SocketId};

pub(super) const ROLES: [&[u8]; 4] = [b"alpha", b"beta", b"gamma", b"delta"];
pub(super) const NAMES: [&[u8]; 3] = [b"/run/one\0", b"\0two", b"/run/three\0"];

/// The processes of a machine and the conversations between them.
#[derive(Debug, Clone)]
pub(super) struct Machine {
    /// Role, name of its listener, number of open files; `None`: no process of this pid.
    pub(super) processes: Vec<Option<(usize, Option<usize>, u32)>>,
    /// Client, server, whether it is a pipe; by index into `processes`.
    pub(super) talks: Vec<(usize, usize, bool)>,
}

pub(super) fn machine() -> impl Strategy<Value = Machine> {
    let process = (0..ROLES.len(), prop::option::of(0..NAMES.len()), 0..40_u32);
    let processes = prop::collection::vec(prop::option::weighted(0.8, process), 1..12);
    let talks = prop::collection::vec((0..12_usize, 0..12_usize, any::<bool>()), 0..20);
    (processes, talks).prop_map(|(processes, talks)| Machine { processes, talks })
}

/// A map of one empty host, captured in the boot of this id.
pub(super) fn booted(boot: &str) -> Map {
    let mut map = Map::with_host();
    map.hosts[0].boot_id = boot.as_bytes().into();
    map.hosts[0].started_at_ns = 1 << 60;
    map
}

/// Builds the map of a machine. Within a boot, what has the same index is the same process or
/// listener; connections of different `age` are different connections.
pub(super) fn map(machine: &Machine, boot: &str, age: u64) -> Map {
    let mut map = booted(boot);
    let mut places: Vec<Option<(ProcessId, Option<SocketId>)>> = Vec::new();
    let mut cookies = Vec::new();
    for (number, known) in machine.processes.iter().enumerate() {
        let Some((role, _, files)) = known else {
            places.push(None);
            continue;
        };
        let id = map.add_process(100 + number as u32, ROLES[*role]);
        let this = &mut map.processes[id.index()];
        // Another program is another process, whatever its pid.
        this.start_ticks = (number * ROLES.len() + role) as u64 + 1;
        if *files > 0 {
            this.fd_counts.insert("file".into(), *files);
        }
        places.push(Some((id, None)));
    }
    for (number, known) in machine.processes.iter().enumerate() {
        if let (Some((role, Some(name), _)), Some((id, socket))) = (known, &mut places[number]) {
            *socket = Some(map.add_listener(&[*id], NAMES[*name]));
            cookies.push((number * ROLES.len() + role) as u64 * 10 + *name as u64 + 1);
        }
    }
    for (from, to, is_pipe) in &machine.talks {
        let end = |at: &usize| places.get(*at).copied().flatten();
        let (Some((from, _)), Some((to, socket))) = (end(from), end(to)) else {
            continue;
        };
        if *is_pipe {
            map.add_pipe(&[from], &[to]);
        } else {
            map.add_connection(&[from], &[to], socket);
        }
    }
    for (at, socket) in map.sockets.iter_mut().enumerate() {
        let of_listener = cookies.get(at).copied();
        socket.cookie = of_listener.or(Some(1_000_000 * age + at as u64));
    }
    map
}
