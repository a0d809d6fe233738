//! From captures to the map: each host joined on its own, then put side by side.

use std::panic::resume_unwind;

use whotalks_snapshot::Damage;
use whotalks_snapshot::records::{Host, RawHeader};

use super::descriptors::{Held, held};
use super::process::{FdsStatus, HostCoverage, Readable};
use super::series::{TimedCapture, series};
use super::series_union::union;
use super::socket::{Family, SocketKey, SocketState};
use super::socket_draft::{Draft, append, settle};
use super::unix_connections::Connector;
use super::{
    HostId, Map, Warning, bound_path, fd_relation, inet_connections, inet_sockets, netlink, packet,
    processes, unix_sockets, vsock,
};
use crate::load::{Capture, Loaded, RawSource};

/// Inode of the initial pid namespace (`PROC_PID_INIT_INO` of `linux/proc_ns.h`).
const INITIAL_PIDNS: u64 = 0xEFFF_FFFC;
/// Inode of the initial user namespace (`PROC_USER_INIT_INO`).
const INITIAL_USERNS: u64 = 0xEFFF_FFFD;
/// `CAP_SYS_PTRACE`, as a bit of [`Host::capabilities`].
const CAP_SYS_PTRACE: u64 = 1 << 19;

/// Which capture of a series is meant; a series is all captures of one boot.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum At {
    /// The latest.
    #[default]
    Last,
    /// By number from 1 in the order of time; from the end where negative (-1 is the latest).
    Number(i64),
    /// The latest that had begun by then: wall clock, nanoseconds since 1970.
    Time(u64),
    /// The same by the time of day (UTC), nanoseconds since midnight: of the day on which the series
    /// ends, or of the day before where that day had not come so far.
    Day(u64),
    /// All of them, as one map; where a question is of one moment, the latest.
    All,
}

/// Joins the latest capture of each boot among the files: of several hosts one map.
pub fn build(files: &[Loaded]) -> Map {
    build_at(files, At::Last).unwrap_or_default()
}

/// Joins one capture of each boot among the files.
///
/// `None` when `at` names a capture that a series does not have.
pub fn build_at(files: &[Loaded], at: At) -> Option<Map> {
    if at == At::All {
        return Some(union(&series(files)));
    }
    Some(join(&taken(files, at)?))
}

/// The same with what threads were doing and what epolls, eventfds and pidfds refer to, which few
/// questions need.
pub fn build_whole(files: &[Loaded], at: At) -> Option<Map> {
    Some(join_all(&taken(files, at)?, true))
}

fn taken(files: &[Loaded], at: At) -> Option<Vec<TimedCapture<'_>>> {
    series(files)
        .iter()
        .map(|one| Some(one.captures()[one.place(at)?]))
        .collect()
}

/// Joins captures of different boots, a host of the map for each.
pub fn join(captures: &[TimedCapture<'_>]) -> Map {
    join_all(captures, false)
}

/// The same with what threads wait for, and what epolls, eventfds and pidfds relate.
pub fn join_whole(captures: &[TimedCapture<'_>]) -> Map {
    join_all(captures, true)
}

fn join_all(captures: &[TimedCapture<'_>], whole: bool) -> Map {
    let mut map = Map::default();
    for taken in captures {
        let first = map.processes.len();
        add_host(&mut map, taken.capture, taken.damages);
        if whole {
            fd_relation::add(&mut map, taken.capture, first);
        }
    }
    map.connections
        .sort_by_key(|connection| (connection.a, connection.b));
    map.warnings.sort();
    map
}

fn add_host(map: &mut Map, capture: &Capture, damages: &[Damage]) {
    let host = HostId::new(map.hosts.len());
    let first_process = map.processes.len();
    let first_socket = map.sockets.len();
    map.hosts.push(processes::host(capture));
    let mut warnings = Vec::new();
    // What processes say and what the kernel's tables say: as large, and independent of each other.
    let (held, vanished, (mut drafts, netns)) = std::thread::scope(|scope| {
        let tables = scope.spawn(|| unix_sockets::drafts(capture, host, &mut warnings));
        let (mut of_host, vanished) = processes::processes(capture, host);
        map.processes.append(&mut of_host);
        let held = held(capture, host, &mut map.processes, first_process);
        let tables = tables.join();
        (
            held,
            vanished,
            tables.unwrap_or_else(|panic| resume_unwind(panic)),
        )
    });
    drafts.append(&mut inet_sockets::drafts(capture, host));
    let is_held = |inode| {
        held.sockets
            .binary_search_by_key(&inode, |(held, _)| *held)
            .is_ok()
    };
    let mut netlink = netlink::read(capture, host, is_held);
    drafts.append(&mut netlink.drafts);
    drafts.append(&mut packet::drafts(capture, host));
    drafts.append(&mut vsock::drafts(capture, host));
    settle(&mut drafts, &mut warnings);
    add_unlisted(&mut drafts, &held, host);
    let mut coverage = HostCoverage {
        vanished,
        netns,
        damage: words(damages),
        ..HostCoverage::default()
    };
    count_processes(map, first_process, &mut coverage);
    judge(capture, &mut coverage);
    add_holders(map, &mut drafts, &held, coverage.all_holders_known());
    bound_path::look(capture, &mut drafts, &map.holders, &map.processes);

    let keys: Vec<SocketKey> = drafts.iter().map(|draft| draft.socket.key).collect();
    let connector = Connector {
        host,
        first: first_socket,
        drafts: &drafts,
        keys: &keys,
        holders: &map.holders,
        all_tables: coverage.netns.iter().all(|ns| ns.diag == Readable::Ok),
    };
    let mut found = connector.unix();
    let mut inet = inet_connections::connections(&drafts, first_socket, &map.holders);
    map.connections.append(&mut found.connections);
    map.connections.append(&mut inet);
    let find = |inode| keys.binary_search(&SocketKey::Inode(inode)).ok();
    let mut between = netlink.connections(first_socket, &drafts, find);
    map.connections.append(&mut between);
    for at in found.pending {
        drafts[at].socket.state = SocketState::Pending;
    }
    // In place: the sockets take over the drafts' memory.
    let sockets = drafts.into_iter().map(|draft| draft.socket).collect();
    append(&mut map.sockets, sockets);
    map.pipes.extend(held.pipes);
    warnings.append(&mut found.warnings);
    let damaged = coverage.damage.iter().cloned();
    warnings.extend(damaged.map(|text| Warning {
        host,
        kind: "damage",
        text,
    }));
    map.warnings.append(&mut warnings);
    map.hosts[host.index()].coverage = coverage;
}

fn words(damages: &[Damage]) -> Vec<String> {
    damages.iter().map(ToString::to_string).collect()
}

/// Sockets that a descriptor proves and no table lists; `drafts` are sorted by key.
fn add_unlisted(drafts: &mut Vec<Draft>, held: &Held, host: HostId) {
    let listed = |at: &mut usize, inode: u64| {
        let before = |draft: &Draft| match draft.socket.key {
            // By cookie come first, whatever their inode.
            SocketKey::Cookie(_) => true,
            SocketKey::Inode(other) => other < inode,
        };
        while drafts.get(*at).is_some_and(before) {
            *at += 1;
        }
        drafts.get(*at).is_some_and(|d| d.socket.inode == inode)
    };
    let mut at = 0;
    let mut unlisted: Vec<u64> = Vec::new();
    for (inode, _) in &held.sockets {
        if !listed(&mut at, *inode) && unlisted.last() != Some(inode) {
            unlisted.push(*inode);
        }
    }
    if unlisted.is_empty() {
        return;
    }
    let new = |inode| Draft::new(host, inode, Family::Other);
    drafts.extend(unlisted.into_iter().map(new));
    drafts.sort_by_key(|draft| draft.socket.key);
}

/// Counts the processes from a place on by what of them was read.
pub(super) fn count_processes(map: &Map, first: usize, coverage: &mut HostCoverage) {
    for process in &map.processes[first..] {
        match process.fds_status {
            FdsStatus::Read => coverage.read += 1,
            FdsStatus::Partial => coverage.partial += 1,
            FdsStatus::Denied => coverage.denied += 1,
            FdsStatus::Vanished => coverage.vanished += 1,
        }
    }
}

/// Whether anything that exists may be missing.
fn judge(capture: &Capture, coverage: &mut HostCoverage) {
    coverage.initial_pidns = capture
        .host
        .as_ref()
        .is_some_and(|h| h.pidns == INITIAL_PIDNS);
    coverage.hidepid = hides_pids(capture);
    let entered = capture.namespaces.iter().all(|ns| ns.enter_errno == 0);
    let dumped = coverage.netns.iter().all(|ns| ns.diag == Readable::Ok);
    coverage.complete = coverage.denied == 0
        && coverage.partial == 0
        && coverage.damage.is_empty()
        && !coverage.netns.is_empty()
        && (entered && dumped)
        && coverage.initial_pidns
        && !coverage.hidepid
        && !capture.raw.iter().any(is_cut);
}

/// Whether a dump is known to have stopped short.
fn is_cut(raw: &RawSource) -> bool {
    let dump = raw.header.source.starts_with(b"diag/");
    dump && (raw.gaps || raw.header.flags & RawHeader::TRUNCATED != 0)
}

/// `hidepid` of the collector's own `/proc`, from its mountinfo. Who may trace everybody is not
/// concerned; root in a user namespace of its own may not.
fn hides_pids(capture: &Capture) -> bool {
    let traces_all =
        |host: &&Host| host.capabilities & CAP_SYS_PTRACE != 0 && host.userns == INITIAL_USERNS;
    let Some(host) = capture.host.as_ref().filter(|host| !traces_all(host)) else {
        return false;
    };
    capture
        .sources("mountinfo")
        .filter(|raw| raw.header.mntns == host.mntns)
        .any(|raw| {
            raw.bytes.split(|byte| *byte == b'\n').any(|line| {
                let text = String::from_utf8_lossy(line);
                let mut fields = text.split(' ');
                let at_proc = fields.nth(4) == Some("/proc");
                at_proc
                    && text.split(' ').next_back().is_some_and(|options| {
                        options.split(',').any(|option| {
                            option
                                .strip_prefix("hidepid=")
                                .is_some_and(|v| v != "0" && v != "off")
                        })
                    })
            })
        })
}

/// Gives each socket its run of holders.
fn add_holders(map: &mut Map, drafts: &mut [Draft], held: &Held, all_read: bool) {
    // Both lists are ordered by inode, but for sockets known by cookie, which come first.
    let mut at = 0;
    for draft in drafts.iter_mut() {
        let socket = &mut draft.socket;
        socket.holders_complete = all_read;
        socket.holders = match socket.key {
            SocketKey::Inode(inode) => {
                while held.sockets.get(at).is_some_and(|(held, _)| *held < inode) {
                    at += 1;
                }
                let run = held.sockets[at..]
                    .iter()
                    .take_while(|(held, _)| *held == inode);
                map.push_holders(run.map(|(_, holder)| *holder))
            }
            SocketKey::Cookie(_) => 0..0,
        };
        // Listed, and led to by a descriptor: two looks at different times.
        socket.seen_twice |= socket.family != Family::Other && !socket.holders.is_empty();
    }
}
