//! Small maps for the tests of drawing, as a capture would give them.

#![allow(clippy::unwrap_used)] // an address in a test that does not parse is the test's error

use crate::model::{
    Address, Connection, ConnectionKind, ConnectionState, Evidence, Family, FdsStatus, Holder,
    Host, HostCoverage, HostId, ListenerEvidence, Map, Name, NetnsCoverage, Pipe, PipeKey, Process,
    ProcessId, Readable, Socket, SocketId, SocketState, SocketType,
};

/// A map that grows.
pub(super) struct World {
    pub(super) map: Map,
    inode: u64,
}

impl World {
    pub(super) fn new() -> Self {
        let host = Host {
            hostname: b"desk"[..].into(),
            kernel: b"6.18.5"[..].into(),
            arch: b"x86_64"[..].into(),
            os: b"Debian GNU/Linux 13"[..].into(),
            started_at_ns: 1_795_366_800_000_000_000,
            coverage: HostCoverage {
                netns: vec![NetnsCoverage {
                    inode: 1,
                    diag: Readable::Ok,
                    proc_net: Readable::Ok,
                }],
                initial_pidns: true,
                complete: true,
                ..HostCoverage::default()
            },
            ..Host::default()
        };
        let map = Map {
            hosts: vec![host],
            ..Map::default()
        };
        Self { map, inode: 1000 }
    }

    pub(super) fn process(&mut self, comm: &[u8]) -> ProcessId {
        let id = ProcessId::new(self.map.processes.len());
        self.map.processes.push(Process {
            pid: 100 + id.0 * 3,
            ppid: 1,
            comm: comm.into(),
            exe: [b"/usr/bin/", comm].concat().into(),
            uid: Some(1000),
            fds_status: FdsStatus::Read,
            ..Process::default()
        });
        id
    }

    pub(super) fn socket(&mut self, holders: &[ProcessId]) -> SocketId {
        let id = SocketId::new(self.map.sockets.len());
        self.inode += 1;
        let start = self.map.holders.len() as u32;
        let mut sorted = holders.to_vec();
        sorted.sort_unstable();
        self.map.holders.extend(sorted.iter().map(|process| Holder {
            process: *process,
            tid: None,
            fd: 5,
            cloexec: None,
        }));
        self.map.sockets.push(Socket {
            netns: Some(1),
            kind: SocketType::Stream,
            state: SocketState::Unconnected,
            holders_complete: true,
            seen_twice: true,
            holders: start..self.map.holders.len() as u32,
            ..Socket::unknown(HostId(0), self.inode, Family::Unix)
        });
        id
    }

    pub(super) fn socket_mut(&mut self, id: SocketId) -> &mut Socket {
        &mut self.map.sockets[id.index()]
    }

    /// `name` as diag gives it.
    pub(super) fn listener(&mut self, holders: &[ProcessId], name: &[u8]) -> SocketId {
        let id = self.socket(holders);
        let socket = self.socket_mut(id);
        socket.state = SocketState::Listening;
        socket.name = Name::from_diag(name);
        id
    }

    pub(super) fn connect(
        &mut self,
        client: &[ProcessId],
        server: &[ProcessId],
        listener: Option<SocketId>,
    ) {
        let (a, b) = (self.socket(client), self.socket(server));
        for end in [a, b] {
            self.socket_mut(end).state = SocketState::Established;
        }
        self.connection(a, Some(b), listener, ConnectionState::Established);
    }

    pub(super) fn connection(
        &mut self,
        a: SocketId,
        b: Option<SocketId>,
        listener: Option<SocketId>,
        state: ConnectionState,
    ) {
        let kind = match self.map.socket(a).family {
            Family::Unix => ConnectionKind::Unix,
            _ => ConnectionKind::Inet,
        };
        self.map.connections.push(Connection {
            kind,
            a,
            b,
            listener,
            state,
            evidence: Evidence::Peer,
            listener_evidence: listener.map(|_| ListenerEvidence::Vfs),
            confirmed: true,
        });
    }

    /// A TCP connection to somewhere else.
    pub(super) fn outside(&mut self, client: ProcessId, remote: &str, listener: Option<SocketId>) {
        let a = self.socket(&[client]);
        let address: std::net::SocketAddr = remote.parse().unwrap();
        let socket = self.socket_mut(a);
        socket.family = Family::Inet;
        socket.state = SocketState::Established;
        socket.remote = Some(Address::Ip(address.ip(), address.port()));
        self.connection(a, None, listener, ConnectionState::Established);
    }

    pub(super) fn foreign(&mut self, holders: &[ProcessId]) -> SocketId {
        let id = self.socket(holders);
        self.socket_mut(id).family = Family::Other;
        id
    }

    pub(super) fn pipe(&mut self, writers: &[ProcessId], readers: &[ProcessId]) {
        self.inode += 1;
        let holders = |processes: &[ProcessId]| {
            processes
                .iter()
                .map(|process| Holder {
                    process: *process,
                    tid: None,
                    fd: 1,
                    cloexec: None,
                })
                .collect()
        };
        self.map.pipes.push(Pipe {
            host: HostId(0),
            key: PipeKey::Pipe(self.inode),
            path: None,
            readers: holders(readers),
            writers: holders(writers),
        });
    }
}

/// A desktop session: X, two buses and the session manager as hubs, and one leaked socket.
pub(super) fn desktop() -> Map {
    let mut w = World::new();
    let init = w.process(b"systemd");
    let system_bus = w.process(b"dbus-daemon");
    let x = w.process(b"Xvfb");
    let session_bus = w.process(b"dbus-daemon");
    let session = w.process(b"xfce4-session");
    let logind = w.process(b"systemd-logind");
    let journald = w.process(b"systemd-journal");
    let polkit = w.process(b"polkitd");
    let udisks = w.process(b"udisksd");
    let upower = w.process(b"upowerd");
    let nm = w.process(b"NetworkManager");
    let names: [&[u8]; 24] = [
        b"xfwm4",
        b"xfsettingsd",
        b"xfce4-panel",
        b"Thunar",
        b"xfdesktop",
        b"panel-1-whisker",
        b"panel-6-systray",
        b"panel-9-actions",
        b"xfce4-notifyd",
        b"xfce4-power-man",
        b"nm-applet",
        b"polkit-gnome-au",
        b"tumblerd",
        b"at-spi-bus-laun",
        b"at-spi2-registr",
        b"gvfsd",
        b"gvfs-udisks2-vo",
        b"gvfsd-trash",
        b"xfconfd",
        b"ssh-agent",
        b"firefox",
        b"xterm",
        b"seahorse-daemon",
        b"pulseaudio",
    ];
    let apps: Vec<ProcessId> = names.iter().map(|name| w.process(name)).collect();
    let shells: Vec<ProcessId> = (0..3).map(|_| w.process(b"bash")).collect();
    for name in [
        &b"cron"[..],
        b"agetty",
        b"agetty",
        b"sleep",
        b"vim",
        b"less",
    ] {
        w.process(name);
    }
    let secret = w.process(b"kworker-user");
    w.map.processes[secret.index()].fds_status = FdsStatus::Denied;
    w.map.hosts[0].coverage.denied = 1;
    w.map.hosts[0].coverage.read = w.map.processes.len() - 1;

    let bus = w.listener(&[init, system_bus], b"/run/dbus/system_bus_socket");
    let x_abstract = w.listener(&[x], b"\0/tmp/.X11-unix/X7");
    w.listener(&[x], b"/tmp/.X11-unix/X7");
    let own_bus = w.listener(&[session_bus], b"\0/tmp/dbus-Wq3hxKJd1N");
    let ice = w.listener(&[session], b"/tmp/.ICE-unix/2104");
    w.listener(&[session], b"\0/tmp/.ICE-unix/2104");
    let out = w.listener(&[init, journald], b"/run/systemd/journal/stdout");
    w.listener(&[init], b"/run/systemd/private");
    w.listener(&[init], b"/run/udev/control");
    w.listener(&[apps[19]], b"/tmp/ssh-XXXXXXqBBk8W/agent.2104");
    let pulse = w.listener(&[apps[23]], b"/run/user/1000/pulse/native");
    w.listener(&[apps[22]], b"/run/user/1000/keyring/control");

    for service in [logind, polkit, udisks, upower, nm, init] {
        w.connect(&[service], &[system_bus], Some(bus));
        w.connect(&[service], &[journald], Some(out));
    }
    for (at, app) in apps.iter().enumerate() {
        if at != 19 {
            w.connect(&[*app], &[session_bus], Some(own_bus));
        }
        if at < 15 || (20..23).contains(&at) {
            w.connect(&[*app], &[x], Some(x_abstract));
        }
        if at < 13 {
            w.connect(&[*app], &[session], Some(ice));
        }
        if [9, 10, 11, 16, 20].contains(&at) {
            w.connect(&[*app], &[system_bus], Some(bus));
        }
    }
    w.connect(&[session], &[x], Some(x_abstract));
    w.connect(&[session], &[session_bus], Some(own_bus));
    w.connect(&[apps[20]], &[apps[23]], Some(pulse));
    w.connect(&[apps[20]], &[apps[23]], Some(pulse));
    w.connect(&[apps[13]], &[apps[14]], None);
    for shell in &shells {
        w.pipe(&[apps[21]], &[*shell]);
    }
    w.pipe(&[shells[0]], &[shells[1]]);
    w.connect(&[shells[0]], &[shells[1]], None);
    // The leak of the page: one socket of the keyring daemon, held by everybody it started.
    let holders: Vec<ProcessId> = apps[..12].to_vec();
    let (leaked, kept) = (w.socket(&holders), w.socket(&[apps[22]]));
    w.connection(leaked, Some(kept), None, ConnectionState::Established);
    for remote in ["93.184.216.34:443", "10.0.4.7:6379", "[2001:db8::7]:443"] {
        w.outside(apps[20], remote, None);
    }
    w.foreign(&[nm]);
    w.foreign(&[nm]);
    w.foreign(&[upower]);
    w.socket(&[apps[0]]);
    w.map
}
