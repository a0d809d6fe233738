//! Small maps for the tests of drawing, as a capture would give them.

#![allow(clippy::unwrap_used)] // an address in a test that does not parse is the test's error

use crate::model::{Address, Family, FdsStatus, Map, NetnsCoverage, ProcessId, Readable};

/// A map of one host, whose heading has a value for each of its parts.
pub(super) fn desk() -> Map {
    let mut map = Map::with_host();
    let host = &mut map.hosts[0];
    host.kernel = b"6.18.5"[..].into();
    host.arch = b"x86_64"[..].into();
    host.os = b"Debian GNU/Linux 13"[..].into();
    host.started_at_ns = 1_795_366_800_000_000_000;
    host.coverage.initial_pidns = true;
    host.coverage.netns = vec![NetnsCoverage {
        inode: 1,
        diag: Readable::Ok,
        proc_net: Readable::Ok,
    }];
    map
}

impl Map {
    /// Adds a process of a user, with a pid and an executable.
    pub(super) fn add_program(&mut self, comm: &[u8]) -> ProcessId {
        let id = self.add_process(100 + 3 * self.processes.len() as u32, comm);
        let process = &mut self.processes[id.index()];
        process.ppid = 1;
        process.exe = [b"/usr/bin/", comm].concat().into();
        process.uid = Some(1000);
        id
    }

    /// Adds a TCP connection to an address outside the map.
    fn add_outside(&mut self, client: ProcessId, remote: &str) {
        let remote: std::net::SocketAddr = remote.parse().unwrap();
        let id = self.add_socket(&[client]);
        let socket = &mut self.sockets[id.index()];
        socket.family = Family::Inet;
        socket.remote = Some(Address::Ip(remote.ip(), remote.port()));
        self.connect(id, None, None);
    }
}

/// A desktop session: X, two buses and the session manager as hubs, and one leaked socket.
pub(super) fn desktop() -> Map {
    let mut map = desk();
    let init = map.add_program(b"systemd");
    let system_bus = map.add_program(b"dbus-daemon");
    let x = map.add_program(b"Xvfb");
    let session_bus = map.add_program(b"dbus-daemon");
    let session = map.add_program(b"xfce4-session");
    let logind = map.add_program(b"systemd-logind");
    let journald = map.add_program(b"systemd-journal");
    let polkit = map.add_program(b"polkitd");
    let udisks = map.add_program(b"udisksd");
    let upower = map.add_program(b"upowerd");
    let nm = map.add_program(b"NetworkManager");
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
    let apps: Vec<ProcessId> = names.iter().map(|name| map.add_program(name)).collect();
    let shells: Vec<ProcessId> = (0..3).map(|_| map.add_program(b"bash")).collect();
    for name in [
        &b"cron"[..],
        b"agetty",
        b"agetty",
        b"sleep",
        b"vim",
        b"less",
    ] {
        map.add_program(name);
    }
    let secret = map.add_program(b"kworker-user");
    map.processes[secret.index()].fds_status = FdsStatus::Denied;
    map.hosts[0].coverage.denied = 1;
    map.hosts[0].coverage.read = map.processes.len() - 1;

    let bus = map.add_listener(&[init, system_bus], b"/run/dbus/system_bus_socket");
    let x_abstract = map.add_listener(&[x], b"\0/tmp/.X11-unix/X7");
    map.add_listener(&[x], b"/tmp/.X11-unix/X7");
    let own_bus = map.add_listener(&[session_bus], b"\0/tmp/dbus-Wq3hxKJd1N");
    let ice = map.add_listener(&[session], b"/tmp/.ICE-unix/2104");
    map.add_listener(&[session], b"\0/tmp/.ICE-unix/2104");
    let out = map.add_listener(&[init, journald], b"/run/systemd/journal/stdout");
    map.add_listener(&[init], b"/run/systemd/private");
    map.add_listener(&[init], b"/run/udev/control");
    map.add_listener(&[apps[19]], b"/tmp/ssh-XXXXXXqBBk8W/agent.2104");
    let pulse = map.add_listener(&[apps[23]], b"/run/user/1000/pulse/native");
    map.add_listener(&[apps[22]], b"/run/user/1000/keyring/control");

    for service in [logind, polkit, udisks, upower, nm, init] {
        map.add_connection(&[service], &[system_bus], Some(bus));
        map.add_connection(&[service], &[journald], Some(out));
    }
    for (at, app) in apps.iter().enumerate() {
        if at != 19 {
            map.add_connection(&[*app], &[session_bus], Some(own_bus));
        }
        if at < 15 || (20..23).contains(&at) {
            map.add_connection(&[*app], &[x], Some(x_abstract));
        }
        if at < 13 {
            map.add_connection(&[*app], &[session], Some(ice));
        }
        if [9, 10, 11, 16, 20].contains(&at) {
            map.add_connection(&[*app], &[system_bus], Some(bus));
        }
    }
    map.add_connection(&[session], &[x], Some(x_abstract));
    map.add_connection(&[session], &[session_bus], Some(own_bus));
    map.add_connection(&[apps[20]], &[apps[23]], Some(pulse));
    map.add_connection(&[apps[20]], &[apps[23]], Some(pulse));
    map.add_connection(&[apps[13]], &[apps[14]], None);
    for shell in &shells {
        map.add_pipe(&[apps[21]], &[*shell]);
    }
    map.add_pipe(&[shells[0]], &[shells[1]]);
    map.add_connection(&[shells[0]], &[shells[1]], None);
    // The leak of the page: one socket of the keyring daemon, held by everybody it started.
    let holders: Vec<ProcessId> = apps[..12].to_vec();
    let (leaked, kept) = (map.add_socket(&holders), map.add_socket(&[apps[22]]));
    map.connect(leaked, Some(kept), None);
    for remote in ["93.184.216.34:443", "10.0.4.7:6379", "[2001:db8::7]:443"] {
        map.add_outside(apps[20], remote);
    }
    for holder in [nm, nm, upower] {
        let foreign = map.add_socket(&[holder]);
        map.sockets[foreign.index()].family = Family::Other;
    }
    map.add_socket(&[apps[0]]);
    map
}
