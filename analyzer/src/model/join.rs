//! Joins the rows of captures into a map, each host on its own.

use std::panic::resume_unwind;

use whotalks_snapshot::Damage;

use super::connection::Connection;
use super::coverage::{HostCoverage, NetnsCoverage};
use super::descriptors::HeldFiles;
use super::host::Host;
use super::ids::HostId;
use super::inet_sockets::{InetSockets, Orphan};
use super::keepers::First;
use super::map::Map;
use super::netlink::Netlink;
use super::published_ports::Proxies;
use super::series::TimedCapture;
use super::socket::{Family, SocketKey, SocketState};
use super::socket_draft::{HostSockets, SocketDraft, append, merge_duplicates};
use super::warning::Warning;
use super::{
    bound_path, channels, descriptors, fd_targets, in_flight, inet_connections, inet_sockets,
    keepers, netlink, packet, processes, unix_connections, unix_sockets, unlisted_sockets, vsock,
};
use crate::load::Capture;

/// Joins captures of different boots, a host of the map for each.
pub fn join(captures: &[TimedCapture<'_>]) -> Map {
    join_hosts(captures, |_, _, _| {})
}

/// The same with states of threads and with epoll, eventfd and pidfd relations.
pub fn join_whole(captures: &[TimedCapture<'_>]) -> Map {
    join_hosts(captures, fd_targets::add)
}

fn join_hosts(captures: &[TimedCapture<'_>], finish_host: fn(&mut Map, &Capture, usize)) -> Map {
    let mut map = Map::default();
    for timed in captures {
        let first = First {
            process: map.processes.len(),
            socket: map.sockets.len(),
            pipe: map.pipes.len(),
        };
        add_host(&mut map, timed.capture, timed.damages);
        keepers::mark(&mut map, timed.capture, first);
        finish_host(&mut map, timed.capture, first.process);
    }
    map.connections
        .sort_by_key(|connection| (connection.a, connection.b));
    map.warnings.sort();
    map
}

fn add_host(map: &mut Map, capture: &Capture, damages: &[Damage]) {
    let host = HostId::new(map.hosts.len());
    let first_process = map.processes.len();
    map.hosts.push(Host::from_records(capture));
    let mut tables = read_tables(map, capture, host);
    let statuses = map.processes[first_process..].iter();
    let coverage = HostCoverage::new(
        capture,
        damages,
        std::mem::take(&mut tables.netns),
        tables.vanished,
        statuses.map(|process| process.fds_status),
    );
    add_holders(
        map,
        &mut tables.drafts,
        &tables.held,
        coverage.all_holders_known(),
    );
    in_flight::mark(
        capture,
        &mut tables.drafts,
        &tables.held,
        (&map.processes, first_process),
    );
    bound_path::check(capture, &mut tables.drafts, &map.holders, &map.processes);
    bound_path::find_moved(capture, &mut tables.drafts, &map.holders, &map.processes);
    let complete = coverage.all_unix_dumps_complete();
    let found = find_connections(map, &tables, capture, host, (first_process, complete));
    map.connections.extend(found.connections);
    map.warnings.append(&mut tables.warnings);
    map.warnings.extend(found.warnings);
    for index in found.pending {
        tables.drafts[index].socket.state = SocketState::Pending;
    }
    // In place: the sockets take over the memory of the drafts.
    let sockets = tables.drafts.into_iter().map(|draft| draft.socket);
    append(&mut map.sockets, sockets.collect());
    map.pipes.extend(tables.held.pipes);
    let channels = channels::read(capture, host, &map.processes, first_process);
    map.channels.extend(channels);
    let damage = coverage.damage.iter().cloned();
    map.warnings.extend(damage.map(|text| Warning {
        host,
        kind: "damage",
        text,
    }));
    map.hosts[host.index()].coverage = coverage;
}

/// The tables of a host, before they are joined.
struct Tables {
    held: HeldFiles,
    /// Sorted by key.
    drafts: Vec<SocketDraft>,
    /// Sorted by protocol and addresses.
    orphans: Vec<Orphan>,
    netlink: Netlink,
    netns: Vec<NetnsCoverage>,
    /// Processes that ended before they were read.
    vanished: usize,
    warnings: Vec<Warning>,
}

/// Reads all tables of a capture, and adds its processes to the map.
fn read_tables(map: &mut Map, capture: &Capture, host: HostId) -> Tables {
    let first_process = map.processes.len();
    let mut warnings = Vec::new();
    // Descriptor tables and Unix sockets are about as large, and independent of each other.
    let (held, vanished, (mut drafts, netns)) = std::thread::scope(|scope| {
        let unix = scope.spawn(|| unix_sockets::drafts(capture, host, &mut warnings));
        let (mut processes, vanished) = processes::processes(capture, host);
        map.processes.append(&mut processes);
        let held = descriptors::read(capture, host, &mut map.processes, first_process);
        let unix = unix.join().unwrap_or_else(|panic| resume_unwind(panic));
        (held, vanished, unix)
    });
    let InetSockets {
        drafts: mut inet,
        orphans,
    } = inet_sockets::read(capture, host);
    drafts.append(&mut inet);
    let is_held = |inode| {
        held.sockets
            .binary_search_by_key(&inode, |(held, _)| *held)
            .is_ok()
    };
    let mut netlink = netlink::read(capture, host, is_held);
    drafts.append(&mut netlink.drafts);
    drafts.append(&mut packet::drafts(capture, host));
    drafts.append(&mut vsock::drafts(capture, host));
    merge_duplicates(&mut drafts, &mut warnings);
    add_unlisted(&mut drafts, &held, host, capture);
    Tables {
        held,
        drafts,
        orphans,
        netlink,
        netns,
        vanished,
        warnings,
    }
}

/// Adds sockets that a descriptor refers to and no table lists; `drafts` are sorted by key.
fn add_unlisted(drafts: &mut Vec<SocketDraft>, held: &HeldFiles, host: HostId, capture: &Capture) {
    let is_listed = |next: &mut usize, inode: u64| {
        let is_before = |draft: &SocketDraft| match draft.socket.key {
            // Cookies come first.
            SocketKey::Cookie(_) => true,
            SocketKey::Inode(other) => other < inode,
        };
        while drafts.get(*next).is_some_and(is_before) {
            *next += 1;
        }
        drafts.get(*next).is_some_and(|d| d.socket.inode == inode)
    };
    let mut next = 0;
    let mut unlisted: Vec<u64> = Vec::new();
    for (inode, _) in &held.sockets {
        if !is_listed(&mut next, *inode) && unlisted.last() != Some(inode) {
            unlisted.push(*inode);
        }
    }
    if unlisted.is_empty() {
        return;
    }
    let protocols = unlisted_sockets::protocols(capture);
    let draft = |inode| {
        let mut draft = SocketDraft::new(host, inode, Family::Other);
        draft.socket.protocol = protocols.get(&inode).copied();
        draft
    };
    drafts.extend(unlisted.into_iter().map(draft));
    drafts.sort_by_key(|draft| draft.socket.key);
}

/// Adds the holders of each socket to the map.
fn add_holders(map: &mut Map, drafts: &mut [SocketDraft], held: &HeldFiles, all_known: bool) {
    // Both lists are sorted by inode, except that sockets with a cookie as key come first.
    let mut next = 0;
    for draft in drafts.iter_mut() {
        let socket = &mut draft.socket;
        socket.holders_complete = all_known;
        socket.holders = match socket.key {
            SocketKey::Inode(inode) => {
                while held
                    .sockets
                    .get(next)
                    .is_some_and(|(held, _)| *held < inode)
                {
                    next += 1;
                }
                let holders = held.sockets[next..]
                    .iter()
                    .take_while(|(held, _)| *held == inode);
                map.push_holders(holders.map(|(_, holder)| *holder))
            }
            SocketKey::Cookie(_) => 0..0,
        };
        // In a socket table and in a descriptor table.
        socket.seen_twice |= socket.family != Family::Other && !socket.holders.is_empty();
    }
}

/// The connections between the sockets that follow those in the map.
fn find_connections(
    map: &mut Map,
    tables: &Tables,
    capture: &Capture,
    host: HostId,
    (first_process, all_dumps_complete): (usize, bool),
) -> unix_connections::UnixConnections {
    let drafts = &tables.drafts[..];
    let keys: Vec<SocketKey> = drafts.iter().map(|draft| draft.socket.key).collect();
    let sockets = HostSockets {
        drafts,
        holders: &map.holders,
        first: map.sockets.len(),
    };
    let mut found = unix_connections::connections(sockets, &keys, host, all_dumps_complete);
    let by_inode = |inode| keys.binary_search(&SocketKey::Inode(inode)).ok();
    let connections: &mut Vec<Connection> = &mut found.connections;
    let proxies = Proxies::new(&map.processes, first_process, capture);
    let mut inet =
        inet_connections::connections(sockets, &tables.orphans, (capture, proxies), host);
    connections.append(&mut inet.connections);
    connections.append(&mut tables.netlink.connections(sockets, by_inode));
    map.departed.append(&mut inet.departed);
    map.hosts[host.index()].addresses = inet.addresses;
    found
}
