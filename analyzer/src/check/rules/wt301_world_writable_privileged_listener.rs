//! WT301: anybody may connect to a program that may do what root may.

use crate::check::facts::Serving;
use crate::check::facts::bound_paths::{Leads, is_open_to_all};
use crate::check::facts::protocols::{is_for_all, is_of_control};
use crate::check::finding::{Found, RuleOutput, Severity, Subject};
#[cfg(test)]
use crate::check::fixture::{Case, Scene};
#[cfg(test)]
use crate::check::fixture_names::OWN_MNTNS;
use crate::check::{Earlier, Facts, Rule};
use crate::model::{ProcessId, SocketId, SocketState};
use whotalks_snapshot::records::BoundPath;

pub(super) static RULE: Rule = Rule {
    code: "WT301",
    name: "world-writable-privileged-listener",
    severity: Severity::High,
    since: "0.1.0",
    past: Earlier::Unused,
    doc: DOC,
    check,
    #[cfg(test)]
    cases: CASES,
};

const DOC: &str = "\
Everybody on the machine may connect to a listener of a privileged program.

## What it finds
A listening Unix socket whose file every user may write to, in directories that every user may
search, and that a program serves which may do what root may. It is high where the socket is known
to hand out control (php-fpm, docker, containerd, supervisord and the like), medium where the
protocol is not known, and low where who serves it is not privileged, as a web server's workers.

It is quiet about protocols that are meant for everybody and check who calls: X11, ICE, the system
and session buses, at-spi, systemd's journal, notify and varlink sockets, name services, libvirt,
dovecot, and the databases that ask for a password.

## Why it matters
The file's permissions are the only access control that many protocols have. Who can connect can
ask the program for whatever it does, with its rights.

## Example
    HIGH     WT301  everybody may connect to /run/php-fpm.sock of php-fpm [612]
             /run/php-fpm.sock has mode 0666, its directories let everybody through

php-fpm made its socket so until 2014 (CVE-2014-0185): every local user could run code as the web
server's user.

## What to do
Set the socket's mode or group: SocketMode= and SocketGroup= in a systemd socket unit, listen.mode
for php-fpm, umask(2) before bind(2). Or put it into a directory that only its users may search.

## References
- unix(7), \"Pathname socket ownership and permissions\"
- CVE-2014-0185 (php-fpm)
";

fn check(facts: &Facts<'_>, said: &mut RuleOutput) {
    let mut unseen = 0;
    for (at, socket) in facts.map.sockets.iter().enumerate() {
        let name = socket.name.as_ref().filter(|name| !name.is_abstract());
        let (SocketState::Listening, Some(name), Some(bound)) = (socket.state, name, socket.vfs)
        else {
            continue;
        };
        let text = String::from_utf8_lossy(name.bytes());
        if is_for_all(&text) {
            continue;
        }
        let places = facts.places();
        let mut seen = false;
        let mut open: Option<&BoundPath> = None;
        for (_, look) in places.at(socket.host, name.bytes()) {
            if places.leads(socket.host, look, bound) == Leads::There {
                seen = true;
                open = open.or(is_open_to_all(look).then_some(look));
            }
        }
        unseen += usize::from(!seen);
        if let Some(look) = open {
            let id = SocketId::new(at);
            if let Some(found) = found(facts, id, look, &text) {
                said.found(found);
            }
        }
    }
    if unseen > 0 {
        said.unknown("the permissions of some bound paths could not be seen");
    }
    for why in facts.unread() {
        said.unknown(why);
    }
}

fn found(facts: &Facts<'_>, id: SocketId, look: &BoundPath, text: &str) -> Option<Found> {
    let holders = facts.map.holding_processes(id);
    // The service manager that keeps it is privileged; what answers is the service.
    let servers: Vec<ProcessId> = holders
        .iter()
        .copied()
        .filter(|process| !facts.kin.is_manager(*process))
        .collect();
    let mut privileged: Vec<ProcessId> = servers
        .iter()
        .copied()
        .filter(|process| facts.is_privileged(*process))
        .collect();
    let control = is_of_control(text);
    let mut left_to = None;
    if !control {
        // A master that leaves the listener to workers without its rights gives them to nobody.
        let serves = |process: &ProcessId| facts.serving(*process, id);
        let worker = |process: &&ProcessId| {
            !facts.is_privileged(**process) && serves(process) == Serving::Yes
        };
        left_to = servers.iter().find(worker).copied();
        privileged.retain(|process| left_to.is_none() || serves(process) != Serving::No);
    }
    let who = privileged
        .first()
        .or(left_to.as_ref())
        .or(servers.first())?;
    let severity = match privileged.is_empty() {
        true => Severity::Low,
        false if control => Severity::High,
        false => Severity::Medium,
    };
    let name = facts.socket(id);
    let mut evidence = vec![format!(
        "the file has mode {:04o}, its directories let everybody through",
        look.mode & 0o7777
    )];
    match privileged.first() {
        Some(process) => {
            evidence.push(format!("{} may do what root may", facts.process(*process)));
        }
        None => evidence.push("nobody who serves it is privileged".to_owned()),
    }
    Some(Found {
        severity,
        subject: Subject::Socket(id),
        processes: holders.clone(),
        sockets: vec![id],
        title: format!("everybody may connect to {name} of {}", facts.process(*who)),
        evidence,
        advice: "take the write permission from others (SocketMode=, umask), or the directory's"
            .to_owned(),
    })
}

#[cfg(test)]
const CASES: &[Case] = &[
    Case {
        about: "php-fpm of 2014",
        scene: |scene| serves(scene, "/usr/sbin/php-fpm", "/run/php-fpm.sock", 0o666),
        finds: &[("WT301", Severity::High)],
    },
    Case {
        about: "a root daemon of unknown protocol",
        scene: |scene| serves(scene, "/usr/sbin/daemon", "/run/daemon.sock", 0o777),
        finds: &[("WT301", Severity::Medium)],
    },
    Case {
        about: "one that is not privileged",
        scene: |scene| {
            serves(scene, "/usr/sbin/daemon", "/run/daemon.sock", 0o777);
            scene.map.processes[1].uid = Some(33);
        },
        finds: &[("WT301", Severity::Low)],
    },
    Case {
        about: "a master as root that leaves it to its workers",
        scene: |scene| {
            serves(scene, "/usr/sbin/nginx", "/run/web.sock", 0o666);
            scene.blocked(ProcessId(1), 130, 0);
            let worker = scene.process(601, 600, "/usr/sbin/nginx");
            scene.map.processes[worker.index()].uid = Some(33);
            let listener = SocketId(0);
            let held = [(ProcessId(1), 5, Some(true)), (worker, 5, Some(true))];
            scene.hold(listener, &held);
            scene.watches(worker, listener);
        },
        finds: &[("WT301", Severity::Low)],
    },
    Case {
        about: "libvirt asks polkit who may do what",
        scene: |scene| {
            let path = "/run/libvirt/libvirt-sock";
            serves(scene, "/usr/sbin/libvirtd", path, 0o666);
        },
        finds: &[],
    },
    Case {
        about: "a user's program with a capability that amounts to root",
        scene: |scene| {
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
        finds: &[("WT301", Severity::Medium)],
    },
    Case {
        about: "only its own user may connect",
        scene: |scene| serves(scene, "/usr/sbin/daemon", "/run/daemon.sock", 0o755),
        finds: &[],
    },
    Case {
        about: "the system bus is for everybody",
        scene: |scene| {
            let path = "/run/dbus/system_bus_socket";
            serves(scene, "/usr/bin/dbus-daemon", path, 0o666);
        },
        finds: &[],
    },
];

#[cfg(test)]
fn serves(scene: &mut Scene, exe: &str, path: &str, mode: u32) {
    let daemon = scene.process(600, 1, exe);
    scene.machine();
    scene.at_path(&[(daemon, 5, Some(true))], path, 7);
    scene.shows(OWN_MNTNS, path, 7, mode);
}
