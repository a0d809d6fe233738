//! `whotalks-graph/1`: the whole map as one JSON document.

use std::collections::BTreeMap;

use serde::Serialize;

use super::relation::{self, RelationDocument};
use super::{Shown, rfc3339, shown};
use crate::id;
use crate::model::{Address, Holder, Map, PipeId, PipeKey, ProcessId, SocketId};
use crate::text::escape;

/// The document.
#[derive(Debug, Serialize)]
pub struct Graph<'a> {
    schema: &'static str,
    hosts: Vec<Host>,
    coverage: Vec<Coverage>,
    processes: Vec<Process<'a>>,
    sockets: Vec<Socket>,
    connections: Vec<Connection>,
    pipes: Vec<Pipe>,
    relations: Vec<RelationDocument>,
    warnings: Vec<Warning<'a>>,
}

#[derive(Debug, Serialize)]
struct Host {
    id: String,
    hostname: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    hostname_hex: Option<String>,
    boot_id: String,
    machine_id: Option<String>,
    kernel: String,
    arch: String,
    os: String,
    started_at: Option<String>,
    ended_at: Option<String>,
    collector: String,
    source: &'static str,
    /// Null where the capture's own block is lost.
    euid: Option<u32>,
    note: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    note_hex: Option<String>,
}

#[derive(Debug, Serialize)]
struct Coverage {
    host: String,
    processes: ProcessCoverage,
    netns: Vec<NetnsCoverage>,
    complete: bool,
}

#[derive(Debug, Serialize)]
struct ProcessCoverage {
    read: usize,
    partial: usize,
    denied: usize,
    vanished: usize,
}

#[derive(Debug, Serialize)]
struct NetnsCoverage {
    inode: u64,
    diag: &'static str,
    proc_net: &'static str,
}

/// A process of the document.
#[derive(Debug, Serialize)]
pub struct Process<'a> {
    id: String,
    host: String,
    pid: u32,
    ns_pid: u32,
    start_ticks: u64,
    started_at: String,
    ppid: u32,
    comm: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    comm_hex: Option<String>,
    exe: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    exe_hex: Option<String>,
    exe_deleted: bool,
    cmdline: Vec<String>,
    /// All arguments, where escaping changed one of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    cmdline_hex: Option<Vec<String>>,
    uid: Option<u32>,
    user: Option<String>,
    unit: Option<&'a str>,
    container: Option<Container<'a>>,
    cgroup: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    cgroup_hex: Option<String>,
    netns: Option<u64>,
    mntns: Option<u64>,
    pidns: Option<u64>,
    fds_status: &'static str,
    fd_counts: &'a BTreeMap<Box<str>, u32>,
    /// In how many captures of a series it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    seen: Option<u32>,
}

#[derive(Debug, Serialize)]
struct Container<'a> {
    id: &'a str,
    name: Option<&'a str>,
    runtime: &'static str,
}

/// A socket of the document.
#[derive(Debug, Serialize)]
pub struct Socket {
    id: String,
    host: String,
    /// 0: none.
    inode: u64,
    cookie: Option<u64>,
    netns: Option<u64>,
    family: &'static str,
    r#type: &'static str,
    protocol: Option<&'static str>,
    state: &'static str,
    name: Option<Name>,
    local: Option<Endpoint>,
    remote: Option<Endpoint>,
    recv_queue_bytes: u64,
    send_queue_bytes: u64,
    backlog: Option<u32>,
    pending: Option<u32>,
    accepting: Option<bool>,
    holders: Vec<SocketHolder>,
    holders_complete: bool,
    /// In how many captures of a series it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    seen: Option<u32>,
}

#[derive(Debug, Serialize)]
struct Name {
    kind: &'static str,
    text: String,
    hex: String,
}

#[derive(Debug, Serialize)]
struct Endpoint {
    text: String,
    addr: String,
    port: u32,
}

#[derive(Debug, Serialize)]
struct SocketHolder {
    process: String,
    tid: Option<u32>,
    fd: u32,
    cloexec: Option<bool>,
}

/// A connection of the document.
#[derive(Debug, Serialize)]
pub struct Connection {
    id: String,
    kind: &'static str,
    a: String,
    b: Option<String>,
    listener: Option<String>,
    state: &'static str,
    evidence: &'static str,
    listener_evidence: Option<&'static str>,
    confirmed: bool,
    /// In how many captures of a series it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    seen: Option<u32>,
}

#[derive(Debug, Serialize)]
struct Pipe {
    id: String,
    host: String,
    inode: u64,
    path: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    path_hex: Option<String>,
    readers: Vec<PipeHolder>,
    writers: Vec<PipeHolder>,
    /// In how many captures of a series it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    seen: Option<u32>,
}

#[derive(Debug, Serialize)]
struct PipeHolder {
    process: String,
    tid: Option<u32>,
    fd: u32,
    cloexec: Option<bool>,
}

#[derive(Debug, Serialize)]
struct Warning<'a> {
    host: String,
    kind: &'static str,
    text: &'a str,
}

/// The document of a map.
pub fn graph(map: &Map) -> Graph<'_> {
    Graph {
        schema: "whotalks-graph/1",
        hosts: map
            .hosts
            .iter()
            .enumerate()
            .map(|(at, host)| self::host(at, host))
            .collect(),
        coverage: map
            .hosts
            .iter()
            .enumerate()
            .map(|(at, host)| coverage(at, host))
            .collect(),
        processes: indices(&map.processes)
            .map(|at| process(map, ProcessId::new(at)))
            .collect(),
        sockets: indices(&map.sockets)
            .map(|at| socket(map, SocketId::new(at)))
            .collect(),
        connections: indices(&map.connections)
            .map(|at| connection(map, at))
            .collect(),
        pipes: indices(&map.pipes)
            .map(|at| pipe(map, PipeId::new(at)))
            .collect(),
        relations: map
            .relations
            .iter()
            .map(|one| relation::row(map, one))
            .collect(),
        warnings: map.warnings.iter().map(warning).collect(),
    }
}

fn indices<T>(items: &[T]) -> std::ops::Range<usize> {
    0..items.len()
}

fn display(bytes: &[u8]) -> String {
    escape::display(bytes)
}

fn known(bytes: &[u8]) -> Option<String> {
    (!bytes.is_empty()).then(|| display(bytes))
}

fn host(at: usize, host: &crate::model::Host) -> Host {
    let hostname = shown(&host.hostname);
    let note = host.note.as_deref().map(shown);
    Host {
        id: format!("h{at}"),
        hostname: hostname.text,
        hostname_hex: hostname.hex,
        boot_id: display(&host.boot_id),
        machine_id: known(&host.machine_id),
        kernel: display(&host.kernel),
        arch: display(&host.arch),
        os: display(&host.os),
        started_at: (host.started_at_ns != 0).then(|| rfc3339(host.started_at_ns)),
        ended_at: host.ended_at_ns.map(rfc3339),
        collector: display(&host.collector),
        source: "collector",
        euid: host.euid,
        note: note.as_ref().map(|note| note.text.clone()),
        note_hex: note.and_then(|note| note.hex),
    }
}

fn coverage(at: usize, host: &crate::model::Host) -> Coverage {
    let coverage = &host.coverage;
    Coverage {
        host: format!("h{at}"),
        processes: ProcessCoverage {
            read: coverage.read,
            partial: coverage.partial,
            denied: coverage.denied,
            vanished: coverage.vanished,
        },
        netns: coverage
            .netns
            .iter()
            .map(|ns| NetnsCoverage {
                inode: ns.inode,
                diag: ns.diag.as_str(),
                proc_net: ns.proc_net.as_str(),
            })
            .collect(),
        complete: coverage.complete,
    }
}

/// The document's row of a process.
pub fn process(map: &Map, at: ProcessId) -> Process<'_> {
    let process = map.process(at);
    let comm = shown(&process.comm);
    let exe = (!process.exe.is_empty()).then(|| shown(&process.exe));
    let cgroup = shown(&process.cgroup);
    let arguments: Vec<Shown> = process.arguments().map(shown).collect();
    let changed = arguments.iter().any(|argument| argument.hex.is_some());
    let cmdline_hex = changed.then(|| process.arguments().map(escape::hex).collect());
    Process {
        id: id::process(map, at),
        host: id::host(process.host),
        pid: process.pid,
        ns_pid: process.ns_pid,
        start_ticks: process.start_ticks,
        started_at: rfc3339(process.started_at_ns),
        ppid: process.ppid,
        comm: comm.text,
        comm_hex: comm.hex,
        exe: exe.as_ref().map(|exe| exe.text.clone()),
        exe_hex: exe.and_then(|exe| exe.hex),
        exe_deleted: process.exe_deleted,
        cmdline: arguments
            .into_iter()
            .map(|argument| argument.text)
            .collect(),
        cmdline_hex,
        uid: process.uid,
        user: process.user.as_deref().map(display),
        unit: process.unit.as_deref(),
        container: process.container.as_ref().map(|container| Container {
            id: &container.id,
            name: container.name.as_deref(),
            runtime: container.runtime,
        }),
        cgroup: cgroup.text,
        cgroup_hex: cgroup.hex,
        netns: process.netns,
        mntns: process.mntns,
        pidns: process.pidns,
        fds_status: process.fds_status.as_str(),
        fd_counts: &process.fd_counts,
        seen: map.seen.as_ref().map(|seen| seen.processes[at.index()]),
    }
}

/// The document's row of a socket.
pub fn socket(map: &Map, at: SocketId) -> Socket {
    let socket = map.socket(at);
    let holder = |holder: &Holder| SocketHolder {
        process: id::process(map, holder.process),
        tid: holder.tid,
        fd: holder.fd,
        cloexec: holder.cloexec,
    };
    Socket {
        id: id::socket(map, at),
        host: id::host(socket.host),
        inode: socket.inode,
        cookie: socket.cookie,
        netns: socket.netns,
        family: socket.family.as_str(),
        r#type: socket.kind.as_str(),
        protocol: socket.protocol,
        state: socket.state.as_str(),
        name: socket.name.as_ref().map(|name| Name {
            kind: name.kind(),
            text: escape::name(name.bytes()),
            hex: escape::hex(name.bytes()),
        }),
        local: socket.local.map(endpoint),
        remote: socket.remote.map(endpoint),
        recv_queue_bytes: socket.recv_queue_bytes,
        send_queue_bytes: socket.send_queue_bytes,
        backlog: socket.backlog,
        pending: socket.pending,
        accepting: socket.accepting,
        holders: map.holders(at).iter().map(holder).collect(),
        holders_complete: socket.holders_complete,
        seen: map.seen.as_ref().map(|seen| seen.sockets[at.index()]),
    }
}

fn endpoint(address: Address) -> Endpoint {
    let text = address.to_string();
    match address {
        Address::Ip(ip, port) => Endpoint {
            text,
            addr: ip.to_string(),
            port: port.into(),
        },
        Address::Vsock(cid, port) => Endpoint {
            text,
            addr: cid.to_string(),
            port,
        },
    }
}

/// The document's row of a connection.
pub fn connection(map: &Map, at: usize) -> Connection {
    let connection = &map.connections[at];
    Connection {
        id: id::connection(map, at),
        kind: connection.kind.as_str(),
        a: id::socket(map, connection.a),
        b: connection.b.map(|b| id::socket(map, b)),
        listener: connection
            .listener
            .map(|listener| id::socket(map, listener)),
        state: connection.state.as_str(),
        evidence: connection.evidence.as_str(),
        listener_evidence: connection
            .listener_evidence
            .map(crate::model::ListenerEvidence::as_str),
        confirmed: connection.confirmed,
        seen: map.seen.as_ref().map(|seen| seen.connections[at]),
    }
}

fn pipe(map: &Map, at: PipeId) -> Pipe {
    let pipe = &map.pipes[at.index()];
    let holder = |holder: &Holder| PipeHolder {
        process: id::process(map, holder.process),
        tid: holder.tid,
        fd: holder.fd,
        cloexec: holder.cloexec,
    };
    let path = pipe.path.as_deref().map(shown);
    Pipe {
        id: id::pipe(map, at),
        host: id::host(pipe.host),
        inode: match pipe.key {
            PipeKey::Pipe(inode) | PipeKey::Fifo(_, inode) => inode,
        },
        path: path.as_ref().map(|path| path.text.clone()),
        path_hex: path.and_then(|path| path.hex),
        readers: pipe.readers.iter().map(holder).collect(),
        writers: pipe.writers.iter().map(holder).collect(),
        seen: map.seen.as_ref().map(|seen| seen.pipes[at.index()]),
    }
}

fn warning(warning: &crate::model::Warning) -> Warning<'_> {
    Warning {
        host: id::host(warning.host),
        kind: warning.kind,
        text: &warning.text,
    }
}
