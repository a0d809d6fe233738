//! Small scenes for the rules' own tests: a map and a capture, built by hand.

use super::{Facts, Report, Severity};
use crate::load::Capture;
use crate::load::syscall::{self, CallKind};
use crate::model::{
    Call, Family, FdRelation, FdTarget, Holder, HostId, Map, ProcessId, Socket, SocketId,
    SocketState, SocketType, ThreadState, Wait, fdinfo, fixture,
};
use whotalks_snapshot::records::DescriptorInfo;

/// A scene, and what all rules together are to find in it.
#[derive(Debug)]
pub(crate) struct Case {
    /// What it shows.
    pub(crate) about: &'static str,
    /// Builds it.
    pub(crate) scene: fn(&mut Scene),
    /// Codes and severities, in the order of the report; none: quiet.
    pub(crate) finds: &'static [(&'static str, Severity)],
}

/// A machine that a test makes up: `init` [1] and what is added.
#[derive(Debug)]
pub(crate) struct Scene {
    pub(crate) map: Map,
    pub(crate) capture: Capture,
    /// The map of an earlier capture, and how long ago it was, nanoseconds.
    pub(crate) past: Option<(Map, Capture, u64)>,
    pub(crate) policy: Option<crate::policy::Policy>,
}

/// A descriptor: process, number, close-on-exec.
pub(crate) type Fd = (ProcessId, u32, Option<bool>);

impl Scene {
    pub(crate) fn new() -> Self {
        let mut map = fixture::map();
        map.hosts[0].coverage.initial_pidns = true;
        map.hosts[0].arch = b"x86_64"[..].into();
        map.hosts[0].coverage.netns = vec![crate::model::NetnsCoverage {
            inode: 1,
            diag: crate::model::Readable::Ok,
            proc_net: crate::model::Readable::Ok,
        }];
        let mut scene = Self {
            map,
            capture: Capture::default(),
            past: None,
            policy: None,
        };
        scene.process(1, 0, "/usr/lib/systemd/systemd");
        scene
    }

    /// A process; pids must rise.
    pub(crate) fn process(&mut self, pid: u32, parent: u32, exe: &str) -> ProcessId {
        let comm = exe.rsplit('/').next().unwrap_or_default();
        let id = fixture::process(&mut self.map, pid, comm.as_bytes());
        let process = &mut self.map.processes[id.index()];
        process.ppid = parent;
        process.exe = exe.as_bytes().into();
        process.start_ticks = u64::from(pid);
        id
    }

    /// A connected Unix stream socket.
    pub(crate) fn socket(&mut self, holders: &[Fd]) -> SocketId {
        let inode = 1_000 + self.map.sockets.len() as u64;
        let start = self.map.holders.len() as u32;
        let holders = self::holders(holders);
        self.map.holders.extend(holders);
        self.map.sockets.push(Socket {
            netns: Some(1),
            cookie: Some(inode),
            kind: SocketType::Stream,
            state: SocketState::Established,
            holders_complete: true,
            seen_twice: true,
            holders: start..self.map.holders.len() as u32,
            ..Socket::unknown(HostId(0), inode, Family::Unix)
        });
        SocketId::new(self.map.sockets.len() - 1)
    }

    /// Gives a socket other holders.
    pub(crate) fn hold(&mut self, socket: SocketId, holders: &[Fd]) {
        let start = self.map.holders.len() as u32;
        self.map.holders.extend(self::holders(holders));
        let end = self.map.holders.len() as u32;
        self.map.sockets[socket.index()].holders = start..end;
    }

    /// A pair of them.
    pub(crate) fn pair(&mut self, a: &[Fd], b: &[Fd]) -> (SocketId, SocketId) {
        self.accepted(a, b, None)
    }

    /// A client's end and the server's that came from a listener.
    pub(crate) fn accepted(
        &mut self,
        client: &[Fd],
        server: &[Fd],
        listener: Option<SocketId>,
    ) -> (SocketId, SocketId) {
        let (a, b) = (self.socket(client), self.socket(server));
        let at = fixture::connect(&mut self.map, &[], &[], listener);
        // The fixture's own two sockets are not wanted: take them out again.
        self.map.sockets.truncate(b.index() + 1);
        let connection = &mut self.map.connections[at];
        (connection.a, connection.b) = (a, Some(b));
        (a, b)
    }

    /// A listener at an abstract name.
    pub(crate) fn listener(&mut self, holders: &[Fd], name: &str) -> SocketId {
        let id = self.socket(holders);
        let socket = &mut self.map.sockets[id.index()];
        socket.state = SocketState::Listening;
        socket.name = crate::model::Name::from_diag(format!("\0{name}").as_bytes());
        (socket.pending, socket.backlog, socket.accepting) = (Some(0), Some(5), Some(true));
        id
    }

    /// A client that waits to be accepted.
    pub(crate) fn pending(&mut self, holders: &[Fd], listener: SocketId) -> SocketId {
        let (client, gone) = self.accepted(holders, &[], Some(listener));
        self.map.sockets.truncate(gone.index());
        self.map.sockets[client.index()].state = SocketState::Pending;
        if let Some(connection) = self.map.connections.last_mut() {
            (connection.b, connection.state) = (None, crate::model::ConnectionState::Pending);
        }
        client
    }

    /// A pipe.
    pub(crate) fn pipe(&mut self, readers: &[Fd], writers: &[Fd]) {
        let id = fixture::pipe(&mut self.map, &[], &[]);
        let pipe = &mut self.map.pipes[id.index()];
        (pipe.readers, pipe.writers) = (holders(readers), holders(writers));
    }

    /// What a process's only thread is blocked in: a number of x86-64 and its first argument.
    pub(crate) fn blocked(&mut self, process: ProcessId, call: i64, fd: u32) {
        let pid = self.map.process(process).pid;
        self.blocked_thread(process, pid, call, fd);
    }

    /// What one of its threads is blocked in.
    pub(crate) fn blocked_thread(&mut self, process: ProcessId, tid: u32, call: i64, fd: u32) {
        let known = syscall::call(b"x86_64", call, u64::MAX);
        let kind = known.map_or(CallKind::Other, |(_, kind)| kind);
        let waits_on_fd = !matches!(kind, CallKind::Child | CallKind::Sleep | CallKind::Poll);
        self.map.waits.push(Wait {
            process,
            tid,
            comm: Box::default(),
            wchan: Box::default(),
            state: ThreadState::Call(Call {
                number: call,
                name: known.map(|(name, _)| name),
                kind,
                fd: waits_on_fd.then_some(fd),
                target: FdTarget::Unknown,
                timed: false,
                child: None,
            }),
        });
        self.map.waits.sort_by_key(|wait| (wait.process, wait.tid));
    }

    /// An event poll of a process, at descriptor 4, that watches a socket.
    pub(crate) fn watches(&mut self, process: ProcessId, socket: SocketId) {
        let inode = self.map.socket(socket).inode;
        let text = format!("tfd: 7 events: 19 data: 7  pos:0 ino:{inode:x} sdev:8\n");
        self.info(process, 4, &text);
        self.map.relations.push(FdRelation::Epoll {
            holder: Holder {
                process,
                tid: None,
                fd: 4,
                cloexec: None,
            },
            targets: fdinfo::epoll_targets(text.as_bytes()),
        });
    }

    /// The fdinfo of a descriptor.
    pub(crate) fn info(&mut self, process: ProcessId, fd: u32, text: &str) {
        self.capture.descriptor_infos.push(DescriptorInfo {
            pid: self.map.process(process).pid,
            fd,
            text: text.as_bytes().to_vec(),
            ..DescriptorInfo::default()
        });
    }

    /// What is there now becomes what was there so long ago; the present goes on from it.
    pub(crate) fn later(&mut self, seconds: u64) {
        let past = (self.map.clone(), self.capture.clone());
        self.past = Some((past.0, past.1, seconds * 1_000_000_000));
    }

    /// What the rules say.
    pub(crate) fn report(&self) -> Report {
        let mut facts =
            Facts::new(&self.map, vec![&self.capture]).with_policy(self.policy.as_ref());
        if let Some((map, capture, age)) = &self.past {
            facts = facts.with_past_map(map.clone(), capture, *age);
        }
        super::run(&facts, &super::Options::default())
    }
}

fn holders(fds: &[Fd]) -> Vec<Holder> {
    let mut holders: Vec<Holder> = fds
        .iter()
        .map(|(process, fd, cloexec)| Holder {
            process: *process,
            tid: None,
            fd: *fd,
            cloexec: *cloexec,
        })
        .collect();
    holders.sort();
    holders
}
