//! WT301: a privileged program whose socket all users may connect to.

use crate::check::Facts;
use crate::check::facts::Serving;
use crate::check::facts::bound_paths::{PathMatch, is_world_connectable};
use crate::check::facts::well_known_sockets::{gives_control, is_public};
use crate::check::finding::{RawFinding, RuleOutput, Severity, Subject};
#[cfg(test)]
use crate::check::test_scene::{Case, Scene};
#[cfg(test)]
use crate::check::test_scene_files::OWN_MNTNS;
use crate::model::{ProcessId, SocketId};
use whotalks_snapshot::records::BoundPath;

rule! { WT301 "world-writable-privileged-listener", High, since "0.1.0", earlier Unused }

const DOC: &str = "\
Any local user can connect to a listener of a privileged program.

## What it finds
A listening Unix socket, or a bound datagram socket, whose file every user may write to, in
directories that every user may search, and that a program serves which may do what root may. It is
high where the socket is known to hand out control (php-fpm, docker, containerd, supervisord and the
like), medium where the protocol is not known, and low where its server runs unprivileged, as a
web server's workers do.

It is quiet about protocols that are meant for everybody and check who calls: X11, ICE, the system
and session buses, at-spi, systemd's journal, notify and varlink sockets, name services, libvirt,
dovecot, and the databases that ask for a password.

## Why it matters
The file's permissions are the only access control that many protocols have. Whoever can
connect can ask the program for anything it does, with its rights.

## Example
    HIGH     WT301  any local user can connect to /run/php-fpm.sock of php-fpm [612]
             /run/php-fpm.sock has mode 0666, every user can search its directories

php-fpm made its socket so until 2014 (CVE-2014-0185): every local user could run code as the web
server's user.

## What to do
Set the socket's mode or group: SocketMode= and SocketGroup= in a systemd socket unit, listen.mode
for php-fpm, umask(2) before bind(2). Or put it into a directory that only its users may search.

## References
- unix(7), \"Pathname socket ownership and permissions\"
- CVE-2014-0185 (php-fpm)
";

fn check(facts: &Facts<'_>, output: &mut RuleOutput) {
    let mut unknown = 0;
    for (id, socket) in facts.sockets() {
        let name = socket.name.as_ref().filter(|name| !name.is_abstract());
        let (true, Some(name), Some(bound)) = (facts.is_unix_server(id), name, socket.vfs) else {
            continue;
        };
        let text = String::from_utf8_lossy(name.bytes());
        if is_public(&text) {
            continue;
        }
        let bound_paths = facts.bound_paths();
        let mut seen = false;
        let mut open: Option<&BoundPath> = None;
        for (_, path) in bound_paths.views(socket.host, name.bytes()) {
            if bound_paths.compare(socket.host, path, bound) == PathMatch::Bound {
                seen = true;
                open = open.or(is_world_connectable(path).then_some(path));
            }
        }
        unknown += usize::from(!seen);
        if let Some(path) = open
            && let Some(finding) = finding(facts, id, path, &text)
        {
            output.finding(finding);
        }
    }
    if unknown > 0 {
        output.unknown("the permissions of some bound paths could not be seen");
    }
    output.unknowns(facts.missing_holders());
}

fn finding(facts: &Facts<'_>, id: SocketId, path: &BoundPath, text: &str) -> Option<RawFinding> {
    let holders = facts.map.holding_processes(id);
    let is_control = gives_control(text);
    // A service manager that holds the listener is privileged, but the service accepts. What gives
    // control is served by a container runtime itself, or on behalf of it by the service manager.
    let mut servers = holders.clone();
    servers.retain(|process| !facts.process_tree.is_manager(*process));
    if servers.is_empty() && is_control {
        servers.clone_from(&holders);
        servers.sort_by_key(|process| facts.serving(*process, id) != Serving::Yes);
    }
    let mut privileged = servers.clone();
    privileged.retain(|process| facts.is_privileged(*process));
    let mut worker = None;
    if !is_control {
        // A master whose unprivileged workers accept does not give its own rights to clients.
        let serves = |process: &ProcessId| facts.serving(*process, id);
        let is_worker = |process: &&ProcessId| {
            !facts.is_privileged(**process) && serves(process) == Serving::Yes
        };
        worker = servers.iter().find(is_worker).copied();
        privileged.retain(|process| worker.is_none() || serves(process) != Serving::No);
    }
    let server = privileged.first().or(worker.as_ref()).or(servers.first())?;
    let severity = match privileged.is_empty() {
        true => Severity::Low,
        false if is_control => Severity::High,
        false => Severity::Medium,
    };
    let name = facts.socket_name(id);
    let rights = match privileged.first() {
        Some(process) => format!("{} may do what root may", facts.process_name(*process)),
        None => "its server runs unprivileged".to_owned(),
    };
    let server = facts.process_name(*server);
    let mode = path.mode & 0o7777;
    Some(RawFinding {
        severity,
        subject: Subject::Socket(id),
        processes: holders,
        sockets: vec![id],
        title: format!("any local user can connect to {name} of {server}"),
        evidence: vec![
            format!("the file has mode {mode:04o}, every user can search its directories"),
            rights,
        ],
        advice: "take the write permission from others (SocketMode=, umask), or the directory's"
            .to_owned(),
    })
}

#[cfg(test)]
const CASES: &[Case] = &[
    Case::high("php-fpm of 2014", |scene| {
        serves(scene, "/usr/sbin/php-fpm", "/run/php-fpm.sock", 0o666)
    }),
    Case::medium("a root daemon of unknown protocol", |scene| {
        serves(scene, "/usr/sbin/daemon", "/run/daemon.sock", 0o777)
    }),
    Case::low("a daemon that is not privileged", |scene| {
        serves(scene, "/usr/sbin/daemon", "/run/daemon.sock", 0o777);
        scene.map.processes[1].uid = Some(33);
    }),
    Case::low("a master as root whose workers accept", |scene| {
        serves(scene, "/usr/sbin/nginx", "/run/web.sock", 0o666);
        scene.blocked(ProcessId(1), 130, 0);
        let worker = scene.process(601, 600, "/usr/sbin/nginx");
        scene.process_mut(worker).uid = Some(33);
        let listener = SocketId(0);
        let held = [(ProcessId(1), 5, Some(true)), (worker, 5, Some(true))];
        scene.map.set_holders(listener, &held);
        scene.epoll(worker, listener);
    }),
    Case::high("the container runtime's own control socket", |scene| {
        let path = "/run/docker.sock";
        serves(scene, "/usr/bin/dockerd", path, 0o666);
    }),
    Case::medium("a datagram server", |scene| {
        serves(scene, "/usr/sbin/daemon", "/run/daemon.sock", 0o777);
        let socket = scene.socket_mut(SocketId(0));
        socket.kind = crate::model::SocketType::Dgram;
        socket.state = crate::model::SocketState::Unconnected;
    }),
    Case::quiet("a service that the manager has not started", |scene| {
        let manager = scene.process(600, 1, "/usr/lib/systemd/systemd");
        scene.set_namespaces();
        scene.path_listener(&[(manager, 5, Some(true))], "/run/daemon.sock", 7);
        scene.path_exists(OWN_MNTNS, "/run/daemon.sock", 7, 0o666);
    }),
    Case::quiet("libvirt, which asks polkit for authorization", |scene| {
        let path = "/run/libvirt/libvirt-sock";
        serves(scene, "/usr/sbin/libvirtd", path, 0o666);
    }),
    Case::medium(
        "a user's program with a capability that amounts to root",
        |scene| {
            serves(scene, "/usr/sbin/daemon", "/run/daemon.sock", 0o777);
            scene.map.processes[1].uid = Some(33);
            let status = b"Uid:\t33\t33\t33\t33\nCapEff:\t0000000000200000\n".to_vec();
            scene.record(
                600,
                whotalks_snapshot::records::Process {
                    status,
                    ..Default::default()
                },
            );
        },
    ),
    Case::quiet("only its own user may connect", |scene| {
        serves(scene, "/usr/sbin/daemon", "/run/daemon.sock", 0o755)
    }),
    Case::quiet("the system bus is for all users", |scene| {
        let path = "/run/dbus/system_bus_socket";
        serves(scene, "/usr/bin/dbus-daemon", path, 0o666);
    }),
];

#[cfg(test)]
fn serves(scene: &mut Scene, exe: &str, path: &str, mode: u32) {
    let daemon = scene.process(600, 1, exe);
    scene.set_namespaces();
    scene.path_listener(&[(daemon, 5, Some(true))], path, 7);
    scene.path_exists(OWN_MNTNS, path, 7, mode);
}
