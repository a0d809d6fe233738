//! A change of anything that a person would care about is a difference, both ways round.

use proptest::prelude::*;
use proptest::test_runner::Config;

use super::machines::booted;
use crate::diff::{Alteration, Diff, Options, diff};
use crate::model::{Address, Family, Map, Name, ProcessId, SocketId, SocketState, SocketType};

const SERVERS: usize = 3;

/// Servers of one program, each with a listener on a path and one on a port, and a client that talks to
/// one of them.
fn machine(client_of: usize) -> Map {
    let mut map = booted("boot");
    let mut servers = Vec::new();
    for number in 0..SERVERS as u32 {
        let server = map.add_process(100 + number, b"db");
        servers.push((
            server,
            map.add_listener(&[server], format!("/run/db{number}\0").as_bytes()),
        ));
    }
    for (number, (server, _)) in servers.iter().enumerate() {
        let socket = map.add_listener(&[*server], b"");
        listens_on(&mut map, socket, 50_051 + number as u16);
    }
    let client = map.add_process(200, b"app");
    let (server, listener) = servers[client_of];
    map.add_connection(&[client], &[server], Some(listener));
    for (index, process) in map.processes.iter_mut().enumerate() {
        process.start_ticks = index as u64 + 1;
        process.exe = [b"/usr/bin/", &process.comm[..]].concat().into();
        process.uid = Some(33);
        process.capabilities = Some(0);
        process.netns = Some(1);
        process.mntns = Some(2);
        process.pidns = Some(3);
        process.userns = Some(4);
    }
    for (index, socket) in map.sockets.iter_mut().enumerate() {
        // A connection to another server is another one.
        let other = if index < 2 * SERVERS {
            0
        } else {
            100 * client_of as u64
        };
        socket.cookie = Some(index as u64 + 1 + other);
        socket.netns = Some(1);
        socket.holders_complete = true;
        socket.path_exists = socket.name.is_some().then_some(true);
        socket.accepting = (socket.state == SocketState::Listening).then_some(true);
    }
    map
}

fn listens_on(map: &mut Map, socket: SocketId, port: u16) {
    let socket = &mut map.sockets[socket.index()];
    (socket.family, socket.protocol, socket.name) = (Family::Inet, Some("tcp"), None);
    socket.local = Some(Address::Ip([127, 0, 0, 1].into(), port));
}

/// Changes one thing about a server.
fn change(map: &mut Map, what: usize, server: usize) {
    let id = ProcessId::new(server);
    let (path, port) = (SocketId::new(server), SocketId::new(SERVERS + server));
    let next = map.sockets.len() as u64 + 1_000;
    match what {
        0 => map.processes[server].uid = Some(0),
        1 => map.processes[server].capabilities = Some(1 << 13),
        2 => map.processes[server].exe = b"/tmp/db"[..].into(),
        3 => map.processes[server].exe_deleted = true,
        4 => map.processes[server].netns = Some(99),
        5 => map.sockets[path.index()].accepting = Some(false),
        6 => map.sockets[path.index()].path_exists = Some(false),
        7 => map.sockets[path.index()].moved_to = Name::from_diag(b"/run/moved\0"),
        8 => map.set_holders(path, &[ProcessId::new(SERVERS)]),
        9 => {
            // Another port, by one.
            listens_on(map, port, 50_061 + server as u16);
            map.sockets[port.index()].cookie = Some(next);
        }
        10 => {
            let socket = &mut map.sockets[path.index()];
            socket.name = Name::from_diag(format!("/run/db{}\0", server + 5).as_bytes());
            socket.cookie = Some(next);
        }
        11 | 12 => {
            let socket = map.add_socket(&[id]);
            let socket = &mut map.sockets[socket.index()];
            socket.cookie = Some(next);
            socket.state = SocketState::Unconnected;
            if what == 11 {
                (socket.family, socket.protocol) = (Family::Packet, Some("all"));
            } else {
                (socket.family, socket.kind) = (Family::Inet, SocketType::Raw);
                socket.local = Some(Address::Ip([0, 0, 0, 0].into(), 1));
            }
        }
        13 => {
            map.add_process(300, b"new");
        }
        _ => {
            let used = ProcessId::new(SERVERS);
            map.add_connection(&[id], &[used], None);
            let from = map.sockets.len() - 2;
            map.sockets[from].cookie = Some(next);
            map.sockets[from + 1].cookie = Some(next + 1);
        }
    }
}

const CHANGES: usize = 15;

fn mirrored(row: &Alteration) -> (String, String, String) {
    (
        format!("{:?}", row.aspect),
        row.to.clone(),
        row.from.clone(),
    )
}

fn as_is(row: &Alteration) -> (String, String, String) {
    (
        format!("{:?}", row.aspect),
        row.from.clone(),
        row.to.clone(),
    )
}

fn altered(
    found: &Diff,
    row: fn(&Alteration) -> (String, String, String),
) -> Vec<(String, String, String)> {
    let mut rows: Vec<_> = found.altered.iter().map(row).collect();
    rows.sort();
    rows
}

proptest! {
    #![proptest_config(Config { failure_persistence: None, ..Config::with_cases(200) })]

    #[test]
    fn no_change_is_silent(what in 0..CHANGES, server in 0..SERVERS, client_of in 0..SERVERS, all: bool) {
        let (old, mut new) = (machine(client_of), machine(client_of));
        change(&mut new, what, server);
        let options = Options { all, ..Options::default() };
        let (there, back) = (diff(&old, &new, &options), diff(&new, &old, &options));
        prop_assert!(!there.is_empty(), "change {what}");
        prop_assert!(!back.is_empty(), "change {what}, the other way round");
        prop_assert_eq!(altered(&there, as_is), altered(&back, mirrored));
        prop_assert_eq!(there.unlinked.len(), back.unlinked.len());
    }

    #[test]
    fn another_server_is_said(from in 0..SERVERS, to in 0..SERVERS) {
        let found = diff(&machine(from), &machine(to), &Options::default());
        prop_assert_eq!(found.is_empty(), from == to, "{:?}", found.links);
    }
}
