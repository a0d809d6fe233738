//! Scenes for tests of rules: a small map and its capture.

use super::{Facts, Report, Severity};
use crate::load::Capture;
use crate::load::syscall::{self, CallKind};
use crate::model::{
    Call, ConnectionState, FdRelation, Holder, Map, Process, ProcessId, Socket, SocketId,
    SocketState, ThreadState, fdinfo,
};
use whotalks_snapshot::records::DescriptorInfo;

/// A scene of a rule, and what all rules find in it.
#[derive(Debug)]
pub(crate) struct Case {
    /// What the scene contains.
    pub(crate) about: &'static str,
    /// The severity of the rule's finding; no other rule has one.
    pub(crate) finds: Option<Severity>,
    /// Adds to an empty scene.
    pub(crate) scene: fn(&mut Scene),
}

impl Case {
    /// A scene with one finding of high severity.
    pub(crate) const fn high(about: &'static str, scene: fn(&mut Scene)) -> Self {
        Self::new(about, Some(Severity::High), scene)
    }

    /// A scene with one finding of medium severity.
    pub(crate) const fn medium(about: &'static str, scene: fn(&mut Scene)) -> Self {
        Self::new(about, Some(Severity::Medium), scene)
    }

    /// A scene with one finding of low severity.
    pub(crate) const fn low(about: &'static str, scene: fn(&mut Scene)) -> Self {
        Self::new(about, Some(Severity::Low), scene)
    }

    /// A scene without a finding.
    pub(crate) const fn quiet(about: &'static str, scene: fn(&mut Scene)) -> Self {
        Self::new(about, None, scene)
    }

    const fn new(about: &'static str, finds: Option<Severity>, scene: fn(&mut Scene)) -> Self {
        Self {
            about,
            finds,
            scene,
        }
    }
}

/// A host with init, to which a test adds.
#[derive(Debug)]
pub(crate) struct Scene {
    pub(crate) map: Map,
    pub(crate) capture: Capture,
    /// An earlier map, its capture, and its age in nanoseconds.
    pub(crate) earlier: Option<(Map, Capture, u64)>,
    pub(crate) policy: Option<crate::policy::Policy>,
}

/// A descriptor: process, number, close-on-exec.
pub(crate) type Fd = (ProcessId, u32, Option<bool>);

impl Scene {
    pub(crate) fn new() -> Self {
        let mut map = Map::with_host();
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
            earlier: None,
            policy: None,
        };
        scene.process(1, 0, "/usr/lib/systemd/systemd");
        scene
    }

    /// Adds a process; pids must rise.
    pub(crate) fn process(&mut self, pid: u32, parent: u32, exe: &str) -> ProcessId {
        let comm = exe.rsplit('/').next().unwrap_or_default();
        let id = self.map.add_process(pid, comm.as_bytes());
        let process = self.process_mut(id);
        process.ppid = parent;
        process.exe = exe.as_bytes().into();
        process.start_ticks = u64::from(pid);
        id
    }

    /// Adds a connected Unix stream socket.
    pub(crate) fn socket(&mut self, holders: &[Fd]) -> SocketId {
        let id = self.map.add_socket(holders);
        let socket = self.socket_mut(id);
        socket.cookie = Some(socket.inode);
        id
    }

    /// A socket, to change it.
    pub(crate) fn socket_mut(&mut self, id: SocketId) -> &mut Socket {
        &mut self.map.sockets[id.index()]
    }

    /// A process, to change it.
    pub(crate) fn process_mut(&mut self, id: ProcessId) -> &mut Process {
        &mut self.map.processes[id.index()]
    }

    /// Adds two connected Unix stream sockets.
    pub(crate) fn pair(&mut self, a: &[Fd], b: &[Fd]) -> (SocketId, SocketId) {
        self.accepted(a, b, None)
    }

    /// Adds the sockets of a client and a server, the latter accepted by a listener.
    pub(crate) fn accepted(
        &mut self,
        client: &[Fd],
        server: &[Fd],
        listener: Option<SocketId>,
    ) -> (SocketId, SocketId) {
        let (a, b) = (self.socket(client), self.socket(server));
        self.map.connect(a, Some(b), listener);
        (a, b)
    }

    /// Adds a listener at an abstract name.
    pub(crate) fn listener(&mut self, holders: &[Fd], name: &str) -> SocketId {
        let id = self.socket(holders);
        let socket = self.socket_mut(id);
        socket.state = SocketState::Listening;
        socket.name = crate::model::Name::from_diag(format!("\0{name}").as_bytes());
        (socket.pending, socket.backlog, socket.accepting) = (Some(0), Some(5), Some(true));
        id
    }

    /// Adds a client that waits to be accepted.
    pub(crate) fn pending_client(&mut self, holders: &[Fd], listener: SocketId) -> SocketId {
        let client = self.socket(holders);
        self.socket_mut(client).state = SocketState::Pending;
        let connection = self.map.connect(client, None, Some(listener));
        self.map.connections[connection].state = ConnectionState::Pending;
        client
    }

    /// Blocks the main thread of a process in a call: a number of x86-64, and its first argument.
    pub(crate) fn blocked(&mut self, process: ProcessId, call: i64, fd: u32) {
        let pid = self.map.process(process).pid;
        self.blocked_thread(process, pid, call, fd);
    }

    /// Blocks a thread of a process in a call.
    pub(crate) fn blocked_thread(&mut self, process: ProcessId, tid: u32, call: i64, fd: u32) {
        let known = syscall::call(b"x86_64", call, u64::MAX);
        let kind = known.map_or(CallKind::Other, |(_, kind)| kind);
        let waits_on_fd = !matches!(kind, CallKind::Child | CallKind::Sleep | CallKind::Poll);
        let call = Call {
            number: call,
            name: known.map(|(name, _)| name),
            kind,
            fd: waits_on_fd.then_some(fd),
            target: self.map.fd_target(process, fd),
            ..Call::default()
        };
        self.map.add_wait(process, tid, ThreadState::Call(call));
    }

    /// Adds an epoll instance to a process, as descriptor 4, that watches a socket.
    pub(crate) fn epoll(&mut self, process: ProcessId, socket: SocketId) {
        let inode = self.map.socket(socket).inode;
        let text = format!("tfd: 7 events: 19 data: 7  pos:0 ino:{inode:x} sdev:8\n");
        self.fdinfo(process, 4, &text);
        self.map.relations.push(FdRelation::Epoll {
            holder: Holder::from((process, 4, None)),
            targets: fdinfo::epoll_targets(text.as_bytes()),
        });
    }

    /// Adds the fdinfo of a descriptor.
    pub(crate) fn fdinfo(&mut self, process: ProcessId, fd: u32, text: &str) {
        self.capture.descriptor_infos.push(DescriptorInfo {
            pid: self.map.process(process).pid,
            fd,
            text: text.as_bytes().to_vec(),
            ..DescriptorInfo::default()
        });
    }

    /// Makes the scene so far the earlier capture, and continues from it.
    pub(crate) fn advance(&mut self, seconds: u64) {
        let (map, capture) = (self.map.clone(), self.capture.clone());
        self.earlier = Some((map, capture, seconds * 1_000_000_000));
    }

    /// Runs all rules.
    pub(crate) fn report(&self) -> Report {
        let mut facts =
            Facts::new(&self.map, vec![&self.capture]).with_policy(self.policy.as_ref());
        if let Some((map, capture, age)) = &self.earlier {
            facts = facts.with_earlier_map(map.clone(), capture, *age);
        }
        super::run(&facts, &super::Options::default())
    }
}
